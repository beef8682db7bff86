"""Files as Torch7 writes them, and the hourglass in one, as its ``nngraph`` and ``getParameters`` leave it."""

import random
import struct
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from maquette.models.hourglass import HourglassDepth


class Lua(dict):
    """A table, which can be a key of others."""

    __hash__ = object.__hash__  # pyright: ignore[reportAssignmentType]

    def __eq__(self, other: object) -> bool:
        return self is other


class Thing:
    """An object: its class and its fields."""

    def __init__(self, class_name: str, fields: Mapping[Any, Any] | None = None) -> None:
        self.class_name, self.fields = class_name, Lua(fields or {})


class Storage:
    def __init__(self, class_name: str, values: np.ndarray) -> None:
        self.class_name, self.values = class_name, values


class View:
    """A tensor; ``offset`` counts from 0."""

    def __init__(self, class_name: str, sizes: tuple, strides: tuple, offset: int, storage: Storage | None) -> None:
        self.class_name, self.sizes, self.strides, self.offset = class_name, sizes, strides, offset
        self.storage = storage


def listed(values: list[Any]) -> Lua:
    """A table of 1, 2, ..."""
    return Lua(enumerate(values, start=1))


class Torch7Writer:
    """Binary, with references, as ``torch.save`` writes by default."""

    def __init__(self) -> None:
        self.out, self.numbers, self.kept = bytearray(), {}, []

    def dump(self, value: Any) -> bytes:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(50_000)
        try:
            self.write(value)
        finally:
            sys.setrecursionlimit(before)
        return bytes(self.out)

    def int32(self, *values: int) -> None:
        self.out += struct.pack(f"<{len(values)}i", *values)

    def int64(self, *values: int) -> None:
        self.out += struct.pack(f"<{len(values)}q", *values)

    def text(self, text: str) -> None:
        self.int32(len(text))
        self.out += text.encode("latin1")

    def write(self, value: Any) -> None:
        if value is None:
            self.int32(0)
        elif isinstance(value, bool):
            self.int32(5, int(value))
        elif isinstance(value, int | float):
            self.int32(1)
            self.out += struct.pack("<d", value)
        elif isinstance(value, str):
            self.int32(2)
            self.text(value)
        else:
            self.int32(3 if isinstance(value, Lua) else 4)
            is_known = id(value) in self.numbers
            self.int32(self.numbers.setdefault(id(value), len(self.numbers) + 1))
            if not is_known:
                self.kept.append(value)
                self.write_in_full(value)

    def write_in_full(self, value: Any) -> None:
        if isinstance(value, Lua):
            self.int32(len(value))
            for key, item in value.items():
                self.write(key)
                self.write(item)
            return
        self.text("V 1")
        self.text(value.class_name)
        if isinstance(value, Thing):
            self.write(value.fields)
        elif isinstance(value, Storage):
            self.int64(len(value.values))
            self.out += value.values.tobytes()
        else:
            self.int32(len(value.sizes))
            self.int64(*value.sizes, *value.strides, value.offset + 1)
            self.write(value.storage)


class HourglassGraph:
    """The graph of a network: nodes that share their data with those of the graph in the other direction."""

    def __init__(self, network: HourglassDepth, seed: int = 0) -> None:
        self.state: Mapping[str, Tensor] = network.state_dict()
        self.network, self.random = network, random.Random(seed)
        self.nodes: list[Lua] = []
        self.users: dict[int, list[Lua]] = {}
        self.flat: list[np.ndarray] = [np.full(5, 9.0, np.float32)]
        self.storage = Storage("torch.CudaStorage", np.empty(0))
        """Of all weights; filled when the graph is complete."""

    def weights(self, values: Tensor) -> View:
        """A view of the one storage."""
        array = values.numpy()
        offset = sum(part.size for part in self.flat)
        self.flat.append(np.ravel(array))
        strides = tuple(step // array.itemsize for step in np.ascontiguousarray(array).strides)
        return View("torch.CudaTensor", array.shape, strides, offset, self.storage)

    def module(self, class_name: str, name: str = "", **fields: Any) -> Thing:
        """A layer, after ``clearState``."""
        nothing = View("torch.CudaTensor", (), (), 0, None)
        left = {"output": nothing, "gradInput": nothing, "_type": "torch.CudaTensor", "train": True}
        for part in ("weight", "bias", "running_mean", "running_var"):
            value = self.state.get(f"{name}.{part}")
            if value is None:
                continue
            if part.startswith("running"):
                own = Storage("torch.CudaStorage", value.numpy())
                left[part] = View("torch.CudaTensor", tuple(value.shape), (1,), 0, own)
            else:
                left[part] = self.weights(value)
                left["grad" + part.capitalize()] = nothing
        if class_name.endswith("BatchNormalization"):
            left |= {"eps": 1e-5, "momentum": 0.1, "affine": True}
        if class_name.endswith("Convolution"):
            left |= {"nInputPlane": 3, "kW": 3, "groups": 1, "iSize": Storage("torch.LongStorage", np.arange(4))}
        return Thing(class_name, left | fields)

    def add(self, module: Thing | None, *inputs: Lua) -> Lua:
        """The data of a new node."""
        data = Lua({"annotations": Lua({"_debugLabel": "[models/hg.lua]:21"}), "mapindex": Lua()})
        data["reverseMap"] = Lua()
        if module is not None:
            data["module"] = module
        index = data["mapindex"]
        for number, fed in enumerate(inputs, start=1):
            index[number], index[fed] = fed, number
            self.users.setdefault(id(fed), []).append(data)
        self.nodes.append(data)
        return data

    def convolution(self, x: Lua, name: str) -> Lua:
        return self.add(self.module("cudnn.SpatialConvolution", name), x)

    def normed(self, x: Lua, name: str) -> Lua:
        x = self.add(self.module("nn.SpatialBatchNormalization", name), x)
        return self.add(self.module("cudnn.ReLU", inplace=True), x)

    def pooled(self, x: Lua) -> Lua:
        return self.add(self.module("cudnn.SpatialMaxPooling", kW=2, kH=2, dW=2, dH=2), x)

    def added(self, *inputs: Lua) -> Lua:
        return self.add(self.module("nn.CAddTable"), *inputs)

    def sequential(self, parts: list[Thing]) -> Thing:
        return self.module("nn.Sequential", modules=listed(parts))

    def residual(self, x: Lua, name: str) -> Lua:
        parts = []
        for i in (1, 2, 3):
            parts.append(self.module("nn.SpatialBatchNormalization", f"{name}.norm{i}"))
            parts.append(self.module("cudnn.ReLU"))
            parts.append(self.module("cudnn.SpatialConvolution", f"{name}.conv{i}"))
        if f"{name}.shortcut.weight" in self.state:
            beside = self.sequential([self.module("cudnn.SpatialConvolution", f"{name}.shortcut")])
        else:
            beside = self.module("nn.Identity")
        branches = self.module("nn.ConcatTable", modules=listed([self.sequential(parts), beside]))
        return self.add(self.sequential([branches, self.module("nn.CAddTable")]), x)

    def residuals(self, x: Lua, name: str, count: int) -> Lua:
        for i in range(count):
            x = self.residual(x, f"{name}.{i}")
        return x

    def hourglass(self, x: Lua, name: str, levels: int) -> Lua:
        count = self.network.n_modules
        beside = self.residuals(x, f"{name}.beside", count)
        low = self.residuals(self.pooled(x), f"{name}.down", count)
        inner = f"{name}.inner"
        low = self.hourglass(low, inner, levels - 1) if levels > 1 else self.residuals(low, inner, count)
        low = self.residuals(low, f"{name}.up", count)
        return self.added(beside, self.add(self.module("nn.SpatialUpSamplingNearest", scale_factor=2), low))

    def outputs(self, x: Lua) -> list[Lua]:
        """All outputs of the network that sees ``x``."""
        x = self.normed(self.convolution(x, "stem.conv"), "stem.norm")
        x = self.pooled(self.residual(x, "stem.residual1"))
        x = self.residual(self.residual(x, "stem.residual2"), "stem.residual3")
        outputs = []
        for i in range(self.network.n_stack):
            name = f"stacks.{i}"
            y = self.residuals(self.hourglass(x, f"{name}.hourglass", 4), f"{name}.after", self.network.n_modules)
            y = self.normed(self.convolution(y, f"{name}.conv"), f"{name}.norm")
            outputs.append(self.convolution(y, f"{name}.heatmap"))
            if f"{name}.from_features.weight" in self.state:
                from_features = self.convolution(y, f"{name}.from_features")
                x = self.added(x, from_features, self.convolution(outputs[-1], f"{name}.from_heatmap"))
        if self.network.n_reg_modules is None:
            return outputs
        for level in range(4):
            x = self.pooled(self.residuals(x, f"depth.levels.{level}", self.network.n_reg_modules))
        x = self.add(self.module("nn.View", numElements=4096), x)
        return [*outputs, self.add(self.module("nn.Linear", "depth.linear"), x)]

    def gmodule(self) -> Thing:
        """The network, its nodes in no order."""
        into = self.add(None)
        first = self.add(self.module("nn.Identity"), into)
        last = self.add(None, *self.outputs(first))
        self.storage.values = np.concatenate(self.flat)
        forward = {id(data): Thing("nngraph.Node", {"data": data, "id": i}) for i, data in enumerate(self.nodes)}
        backward = {id(data): Thing("nngraph.Node", {"data": data, "id": i}) for i, data in enumerate(self.nodes)}
        for data in self.nodes:
            users = self.users.get(id(data), [])
            forward[id(data)].fields["children"] = children([forward[id(user)] for user in users])
            fed = [data["mapindex"][i + 1] for i in range(len(data["mapindex"]) // 2)]
            backward[id(data)].fields["children"] = children([backward[id(other)] for other in fed])
        order = list(forward.values())
        self.random.shuffle(order)
        modules = [node.fields["data"]["module"] for node in order if "module" in node.fields["data"]]
        fields = {"forwardnodes": listed(order), "backwardnodes": listed(list(backward.values())), "verbose": False}
        fields |= {"innode": forward[id(into)], "outnode": backward[id(last)], "nInputs": 1}
        return Thing("nn.gModule", fields | {"modules": listed(modules)})


def children(nodes: list[Thing]) -> Lua:
    """Each node by its number, and its number by the node."""
    table = listed(nodes)
    for number, node in enumerate(nodes, start=1):
        table[node] = number  # pyright: ignore[reportArgumentType]
    return table

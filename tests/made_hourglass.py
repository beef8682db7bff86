"""Networks of pictures with the weights of the recipe, and the file that torch 0.1.12 under Python 2 writes of one.

The file is written byte by byte: no program of today pickles classes, texts and tensors as those did.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from published_weights import norm_weights, recipe
from torch import Tensor

from maquette.models.hourglass import HourglassDepth
from maquette.models.hourglass_names import to_published

MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
VERSION = bytes.fromhex("80024de9032e")


def published_tensors(network: HourglassDepth) -> dict[str, Tensor]:
    """The recipe's tensors by their published names."""
    state = network.state_dict()
    names = names_of(network)
    norms = norm_weights(names.values())
    return {
        published: torch.from_numpy(np.asarray(recipe(published, tuple(state[name].shape), published in norms))).to(
            state[name].dtype
        )
        for name, published in names.items()
    }


def names_of(network: HourglassDepth) -> dict[str, str]:
    return to_published(network.state_dict(), n_modules=network.n_modules, n_reg_modules=network.n_reg_modules)


def filled(network: HourglassDepth) -> HourglassDepth:
    """``network`` with the weights of the recipe, in evaluation mode."""
    tensors = published_tensors(network)
    network.load_state_dict({name: tensors[published] for name, published in names_of(network).items()})
    return network.eval()


@dataclass(eq=False)
class Global:
    """A class or a function by its name."""

    module: str
    name: str


@dataclass(eq=False)
class Called:
    """What a call gives."""

    function: Global
    arguments: tuple
    state: Any = None


@dataclass(eq=False)
class Instance:
    """An object of a new-style class."""

    of: Any
    state: dict


@dataclass(eq=False)
class Outside:
    """A reference to something that the pickle does not hold."""

    parts: tuple


class Python2Pickle:
    """Protocol 2 as Python 2's cPickle writes it."""

    def __init__(self) -> None:
        self.out = bytearray(b"\x80\x02")
        self.memo: dict[int, int] = {}
        self.kept: list[Any] = []

    def dump(self, value: Any) -> bytes:
        self.save(value)
        return bytes(self.out + b".")

    def save(self, value: Any) -> None:
        if value is None or isinstance(value, bool):
            self.out += {None: b"N", True: b"\x88", False: b"\x89"}[value]
        elif isinstance(value, int):
            self.out += self.integer(value)
        elif isinstance(value, float):
            self.out += b"G" + struct.pack(">d", value)
        elif id(value) in self.memo:
            number = self.memo[id(value)]
            self.out += b"h" + bytes([number]) if number < 256 else b"j" + struct.pack("<I", number)
        else:
            self.save_object(value)

    @staticmethod
    def integer(value: int) -> bytes:
        if 0 <= value < 256:
            return b"K" + bytes([value])
        if 0 <= value < 65536:
            return b"M" + struct.pack("<H", value)
        return b"J" + struct.pack("<i", value)

    def save_object(self, value: Any) -> None:
        if isinstance(value, str):
            raw = value.encode("latin1")
            self.out += (b"U" + bytes([len(raw)]) if len(raw) < 256 else b"T" + struct.pack("<i", len(raw))) + raw
        elif isinstance(value, tuple):
            self.save_tuple(value)
            return
        elif isinstance(value, dict | list):
            return self.save_container(value)
        elif isinstance(value, Global):
            self.out += f"c{value.module}\n{value.name}\n".encode()
        elif isinstance(value, Outside):
            self.save(value.parts)
            self.out += b"Q"
            return
        elif isinstance(value, Called):
            self.save(value.function)
            self.save(value.arguments)
            self.out += b"R"
        else:
            self.save(value.of)
            self.out += b")\x81"
        self.remember(value)
        state = getattr(value, "state", None)
        if state is not None:
            self.save(state)
            self.out += b"b"

    def save_tuple(self, value: tuple) -> None:
        if len(value) > 3:
            self.out += b"("
        for part in value:
            self.save(part)
        self.out += [b")", b"\x85", b"\x86", b"\x87"][len(value)] if len(value) <= 3 else b"t"

    def save_container(self, value: dict | list) -> None:
        self.out += b"}" if isinstance(value, dict) else b"]"
        self.remember(value)
        if not value:
            return
        self.out += b"("
        for part in value.items() if isinstance(value, dict) else value:
            for item in part if isinstance(value, dict) else (part,):
                self.save(item)
        self.out += b"u" if isinstance(value, dict) else b"e"

    def remember(self, value: Any) -> None:
        number = len(self.memo)
        self.memo[id(value)] = number
        self.kept.append(value)
        self.out += b"q" + bytes([number]) if number < 256 else b"r" + struct.pack("<I", number)


class OldTorchFile:
    """A network as torch 0.1.12 saves it, whole."""

    def __init__(self) -> None:
        self.globals: dict[tuple[str, str], Global] = {}
        self.layer_classes: dict[tuple[str, str], Global | Outside] = {}
        self.storages: dict[str, np.ndarray] = {}

    def known(self, module: str, name: str) -> Global:
        return self.globals.setdefault((module, name), Global(module, name))

    def layer_class(self, module: str, name: str) -> Global | Outside:
        """The first mention of a class carries its source."""
        if (module, name) in self.layer_classes:
            return self.known(module, name)
        source = f"class {name}(nn.Module):\n    def __init__(self):\n        raise SystemExit('run')\n" * 8
        outside = Outside(("module", self.known(module, name), f"/home/somebody/src/{module}.py", source))
        self.layer_classes[module, name] = outside
        return outside

    def ordered(self, items: list[tuple[str, Any]]) -> Called:
        return Called(self.known("collections", "OrderedDict"), ([[key, value] for key, value in items],))

    def tensor(self, name: str, value: Tensor) -> Called:
        """A view of a storage: matrices transposed, texts of weights between others."""
        array = value.numpy()
        before, padded = 3, np.concatenate([np.full(3, 7.0, np.float32), np.ravel(array.T), np.ones(2, np.float32)])
        key = str(94_000_000_000_000 + 64 * len(self.storages))
        self.storages[key] = padded
        view = None
        offset = before
        if name.endswith("bias"):
            view, offset = (key + "7", 1, len(padded) - 1), before - 1
        parts = ("storage", self.known("torch.cuda", "FloatStorage"), key, "cuda:0", len(padded), view)
        strides = tuple(int(step) // array.itemsize for step in np.asfortranarray(array).strides)
        arguments = (Outside(parts), offset, tuple(array.shape), strides)
        return Called(self.known("torch._utils", "_rebuild_tensor"), arguments)

    def parameter(self, name: str, value: Tensor) -> Called:
        state = (True, False, self.ordered([]))
        return Called(self.known("torch.nn.parameter", "Parameter"), (self.tensor(name, value),), state)

    def layer(self, tree: Mapping[str, Any], path: str) -> Instance:
        """A layer, from the tensors and layers in it."""
        tensors = {name: value for name, value in tree.items() if isinstance(value, Tensor)}
        parameters = [(n, self.parameter(n, v)) for n, v in tensors.items() if not n.startswith("running")]
        buffers = [(n, self.tensor(n, v)) for n, v in tensors.items() if n.startswith("running")]
        children = [(n, self.layer(v, f"{path}.{n}")) for n, v in tree.items() if not isinstance(v, Tensor)]
        state = {
            "_backend": Called(self.known("torch.nn.backends.thnn", "_get_thnn_function_backend"), ()),
            "_parameters": self.ordered(parameters),
            "_buffers": self.ordered(buffers),
            "_backward_hooks": self.ordered([]),
            "_forward_hooks": self.ordered([]),
            "_modules": self.ordered(children),
            "training": True,
        }
        module, name = class_of(tree, path)
        return Instance(self.layer_class(module, name), state | {"nModules": 2, "eps": 1e-05, "stride": (1, 1)})

    def write(self, tensors: Mapping[str, Tensor]) -> bytes:
        """The file."""
        pickled = Python2Pickle().dump(self.layer(tree_of(tensors), ""))
        sizes = {"short": 2, "int": 4, "long": 8}
        system = {"protocol_version": 1001, "little_endian": True, "type_sizes": sizes}
        keys = sorted(self.storages)
        parts = [MAGIC, VERSION, Python2Pickle().dump(system), pickled, Python2Pickle().dump(keys)]
        parts += [struct.pack("<q", len(self.storages[key])) + self.storages[key].tobytes() for key in keys]
        return b"".join(parts)


def tree_of(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Tensors by the layers that they are in; counters of batches came later."""
    tree: dict[str, Any] = {}
    for name, value in tensors.items():
        *parts, last = name.split(".")
        if last == "num_batches_tracked":
            continue
        inner = tree
        for part in parts:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return tree


def class_of(tree: Mapping[str, Any], path: str) -> tuple[str, str]:
    """Module and name of the class of a layer."""
    layers = "torch.nn.modules"
    if not path:
        return "models.hg_3d", "HourglassNet3D"
    if "running_mean" in tree:
        return f"{layers}.batchnorm", "BatchNorm2d"
    if "weight" in tree:
        is_linear = tree["weight"].ndim == 2
        return (f"{layers}.linear", "Linear") if is_linear else (f"{layers}.conv", "Conv2d")
    if "bn" in tree:
        return "models.layers.Residual", "Residual"
    if "up1_" in tree:
        return "models.hg_3d", "Hourglass"
    return f"{layers}.container", "Sequential" if path.startswith(".lin_.") else "ModuleList"

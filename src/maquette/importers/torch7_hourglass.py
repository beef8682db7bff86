"""The hourglass out of a file of Torch7: which layer of its graph is which of ours.

Layers have no names there, many are alike, and their order in the file means nothing. So the graph is followed from its
input on, as the data flow; what a layer is follows from where it is.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from maquette.errors import ModelError
from maquette.formats.torch7 import Table, Torch7Object, Torch7Tensor, read_torch7
from maquette.importers.torch7_graph import MOST_PARTS, Layer, kind_of, layers_of
from maquette.models.hourglass_layers import LEVELS

_CONVOLUTIONS = ("SpatialConvolution", "SpatialConvolutionMM")
_NORMS = ("SpatialBatchNormalization", "BatchNormalization")
_RELUS = ("ReLU", "Threshold")
_POOLS = ("SpatialMaxPooling",)
_DOUBLES = ("SpatialUpSamplingNearest",)
_SUMS = ("CAddTable",)
_RESIDUALS = ("Sequential",)
_VIEWS = ("View", "Reshape")
_LINEARS = ("Linear",)
_EPSILON = 1e-5


def torch7_tensors(path: Path) -> tuple[dict[str, Tensor], int]:
    """The tensors of the network by our names, and how many residuals it has in a row.

    Raises:
        InputError: the file cannot be read.
        ModelError: its network is no hourglass; the text says where it differs.
    """
    root = read_torch7(path)
    walk = _Walk(str(path), path.stat().st_size)
    try:
        walk.follow(layers_of(root, str(path)))
    except ValueError as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path}: {error}") from None
    return walk.tensors, walk.n_modules


class _Walk:
    """Gathers tensors on its way through the graph."""

    def __init__(self, where: str, most_values: int) -> None:
        self.where, self.left = where, most_values
        self.tensors: dict[str, Tensor] = {}
        self.n_modules = 0
        """0 until the first residuals in a row have been counted."""

    def follow(self, source: Layer) -> None:
        """From the input of the network to its last layer."""
        x = self.stem(source)
        stack = 0
        while next_x := self.stack(x, f"stacks.{stack}"):
            x = next_x
            stack = self.counted(stack)
            if not _users(x, _POOLS):
                if _users(x, _RESIDUALS):
                    self.depth(x)
                break

    def stem(self, source: Layer) -> Layer:
        x = self.step(source, _CONVOLUTIONS, "stem.conv")
        x = self.step(self.step(x, _NORMS, "stem.norm"), _RELUS)
        x = self.step(self.step(x, _RESIDUALS, "stem.residual1"), _POOLS)
        return self.step(self.step(x, _RESIDUALS, "stem.residual2"), _RESIDUALS, "stem.residual3")

    def stack(self, x: Layer, name: str) -> Layer | None:
        """Features with what the stack adds; None if it adds nothing."""
        y = self.residuals(self.hourglass(x, LEVELS, f"{name}.hourglass"), f"{name}.after")
        y = self.step(y, _CONVOLUTIONS, f"{name}.conv")
        y = self.step(self.step(y, _NORMS, f"{name}.norm"), _RELUS)
        # Of the two convolutions, that of the features is added to them at once.
        added = [user for user in _users(y, _CONVOLUTIONS) if _users(user, _SUMS)]
        heatmaps = [user for user in _users(y, _CONVOLUTIONS) if user not in added]
        if len(heatmaps) != 1 or len(added) > 1:
            raise self.wrong(name, f"{len(heatmaps)} convolutions to heatmaps, expected one")
        self.take(heatmaps[0], f"{name}.heatmap")
        if not added:
            return None
        self.take(added[0], f"{name}.from_features")
        from_heatmap = self.step(heatmaps[0], _CONVOLUTIONS, f"{name}.from_heatmap")
        total = self.step(added[0], _SUMS)
        if self.step(from_heatmap, _SUMS) is not total or total not in x.users:
            raise self.wrong(name, "what it adds to the features is not added up in one place")
        return total

    def hourglass(self, x: Layer, levels: int, name: str) -> Layer:
        total = self.step(self.residuals(x, f"{name}.beside"), _SUMS)
        low = self.residuals(self.step(x, _POOLS), f"{name}.down")
        inner = f"{name}.inner"
        low = self.hourglass(low, levels - 1, inner) if levels > 1 else self.residuals(low, inner)
        low = self.step(self.residuals(low, f"{name}.up"), _DOUBLES)
        if self.step(low, _SUMS) is not total:
            raise self.wrong(name, "its two halves are not added up in one place")
        return total

    def depth(self, x: Layer) -> None:
        for level in range(LEVELS):
            count = 0
            while _users(x, _RESIDUALS):
                x = self.step(x, _RESIDUALS, f"depth.levels.{level}.{count}")
                count = self.counted(count)
            x = self.step(x, _POOLS)
        if _users(x, _VIEWS):
            x = self.step(x, _VIEWS)
        self.step(x, _LINEARS, "depth.linear")

    def residuals(self, x: Layer, name: str) -> Layer:
        """Those in a row; the first row, which something else follows, tells how many there are everywhere."""
        if not self.n_modules:
            start = x
            while _users(start, _RESIDUALS):
                start = self.step(start, _RESIDUALS)
                self.n_modules = self.counted(self.n_modules)
            if not self.n_modules:
                raise self.wrong(name, "no residuals")
        for i in range(self.n_modules):
            x = self.step(x, _RESIDUALS, f"{name}.{i}")
        return x

    def step(self, x: Layer, kinds: tuple[str, ...], name: str | None = None) -> Layer:
        """The one layer of ``kinds`` that ``x`` feeds; its tensors are taken as those of ``name``."""
        found = _users(x, kinds)
        if len(found) != 1:
            raise self.wrong(
                name or x.kind, f"expected one {kinds[0]} after {x.kind}, found {', '.join(u.kind for u in x.users)}"
            )
        if name is not None:
            self.take(found[0], name)
        return found[0]

    def take(self, layer: Layer, name: str) -> None:
        if layer.module is None:
            raise self.wrong(name, "no layer")
        if kind_of(layer.module) in _RESIDUALS:
            self.take_residual(layer.module, name)
        else:
            self.take_module(layer.module, name)

    def take_residual(self, module: Torch7Object, name: str) -> None:
        """Norm, ReLU and convolution three times over, beside nothing or a convolution."""
        branches = [part for part in _modules(module) if kind_of(part) == "ConcatTable"]
        if len(branches) != 1 or len(_modules(branches[0])) != 2:
            raise self.wrong(name, "no residual: a ConcatTable of two branches and their sum")
        main, beside = _modules(branches[0])
        expected = [*(_NORMS, _RELUS, _CONVOLUTIONS) * 3]
        layers = _modules(main)
        if len(layers) != 9 or any(kind_of(x) not in kinds for x, kinds in zip(layers, expected, strict=True)):
            raise self.wrong(name, f"no residual: {', '.join(map(kind_of, layers))}")
        for i in range(3):
            self.take_module(layers[3 * i], f"{name}.norm{i + 1}")
            self.take_module(layers[3 * i + 2], f"{name}.conv{i + 1}")
        shortcut = _modules(beside) if kind_of(beside) == "Sequential" else [beside]
        convolutions = [part for part in shortcut if kind_of(part) in _CONVOLUTIONS]
        if convolutions:
            self.take_module(convolutions[0], f"{name}.shortcut")

    def take_module(self, module: Torch7Object, name: str) -> None:
        weight, bias = self.tensor(module, "weight", name), self.tensor(module, "bias", name)
        if kind_of(module) in _CONVOLUTIONS and weight.ndim == 2:
            # One kind of convolutions stores a matrix.
            weight = weight.reshape(self.shape(module, name))
        self.tensors |= {f"{name}.weight": weight, f"{name}.bias": bias}
        if kind_of(module) not in _NORMS:
            return
        epsilon = module.get("eps")
        if isinstance(epsilon, int | float) and abs(epsilon - _EPSILON) > 1e-9:
            raise self.wrong(name, f"a norm with the epsilon {epsilon}, expected {_EPSILON}")
        for part in ("running_mean", "running_var"):
            self.tensors[f"{name}.{part}"] = self.tensor(module, part, name)

    def counted(self, count: int) -> int:
        """One more; a graph can run in a circle."""
        if count == MOST_PARTS:
            raise self.wrong("the graph", f"more than {MOST_PARTS} parts in a row")
        return count + 1

    def shape(self, module: Torch7Object, name: str) -> tuple[int, ...]:
        sizes = [module.get(part) for part in ("nOutputPlane", "nInputPlane", "kH", "kW")]
        if not all(isinstance(size, int) for size in sizes):
            raise self.wrong(name, "a convolution without its sizes")
        return tuple(sizes)

    def tensor(self, module: Torch7Object, part: str, name: str) -> Tensor:
        value = module.get(part)
        if not isinstance(value, Torch7Tensor):
            raise self.wrong(name, f"a {module.class_name} without {part}")
        array = value.array()
        # Many layers can show the same numbers; no file may be read as many times more than it holds.
        self.left -= array.size
        if self.left < 0:
            raise self.wrong(name, "its layers hold more than the file")
        if array.dtype.kind != "f":
            raise self.wrong(name, f"a {part} of {value.class_name}, expected real numbers")
        return torch.from_numpy(array).float()

    def wrong(self, name: str, what: str) -> ModelError:
        return ModelError(f"{self.where}: no hourglass of the published kind: at {name}: {what}")


def _users(x: Layer, kinds: tuple[str, ...]) -> list[Layer]:
    return [user for user in x.users if user.kind in kinds]


def _modules(module: Any) -> list[Torch7Object]:
    """The layers within a layer."""
    inside = module.get("modules")
    if isinstance(inside, Table) and len(inside.entries) > MOST_PARTS:
        return []
    return [part for part in inside.sequence() if isinstance(part, Torch7Object)] if isinstance(inside, Table) else []

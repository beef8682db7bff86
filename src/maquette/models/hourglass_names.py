"""Names of the hourglass's tensors in the published checkpoints of PyTorch, and ours."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from maquette.errors import ModelError
from maquette.models.hourglass_layers import LEVELS

_STEM = {
    "conv": "conv1_",
    "norm": "bn1",
    "residual1": "r1",
    "residual2": "r4",
    "residual3": "r5",
}
_RESIDUAL = {"norm1": "bn", "norm2": "bn1", "norm3": "bn2", "shortcut": "conv4"}
_STACK = {"conv": "lin_.{}.0", "norm": "lin_.{}.1", "heatmap": "tmpOut.{}"}
_STACK |= {"from_features": "ll_.{}", "from_heatmap": "tmpOut_.{}"}
_HOURGLASS = {"beside": "up1_", "down": "low1_", "up": "low3_"}


def published_name(name: str, *, n_modules: int, n_reg_modules: int) -> str:
    """The published name of a tensor of :class:`maquette.models.hourglass.HourglassDepth`.

    Args:
        n_modules, n_reg_modules: of the network; residuals of all stacks, and of the depth branch, are numbered
            throughout there.
    """
    part, *rest = name.split(".")
    if part == "stem":
        return ".".join([_STEM[rest[0]], *_in_residual(rest[1:])])
    if part == "depth":
        if rest[0] == "linear":
            return ".".join(["reg", *rest[1:]])
        return ".".join(["reg_", str(int(rest[1]) * n_reg_modules + int(rest[2])), *_in_residual(rest[3:])])
    stack, inner, *rest = rest
    if inner == "hourglass":
        return ".".join(["hourglass", stack, *_in_hourglass(rest)])
    if inner == "after":
        return ".".join(["Residual", str(int(stack) * n_modules + int(rest[0])), *_in_residual(rest[1:])])
    return ".".join([_STACK[inner].format(stack), *rest])


def _in_hourglass(parts: list[str]) -> list[str]:
    if parts[0] == "inner" and parts[1].isdecimal():
        return ["low2_", parts[1], *_in_residual(parts[2:])]
    if parts[0] == "inner":
        return ["low2", *_in_hourglass(parts[1:])]
    return [_HOURGLASS[parts[0]], parts[1], *_in_residual(parts[2:])]


def _in_residual(parts: list[str]) -> list[str]:
    """The rest of a name, whose first part may be a layer of a residual."""
    return [_RESIDUAL.get(parts[0], parts[0]), *parts[1:]]


def to_published(names: Iterable[str], *, n_modules: int, n_reg_modules: int | None) -> dict[str, str]:
    """Our names to the published ones."""
    return {name: published_name(name, n_modules=n_modules, n_reg_modules=n_reg_modules or 0) for name in names}


class Sizes(NamedTuple):
    """Of a network, as the arguments of :class:`maquette.models.hourglass.HourglassDepth`."""

    n_stack: int
    n_modules: int
    n_feats: int
    n_reg_modules: int | None
    n_joints: int
    input_size: int | None
    """None where there is no depth branch, which alone has to do with it."""


def sizes_of(tensors: Mapping[str, Tensor], what: str) -> Sizes:
    """The sizes of the network whose tensors have published names.

    Raises:
        ModelError: no such network has these tensors.
    """
    heatmap, pooled = tensors.get("tmpOut.0.weight", torch.empty(0)), tensors.get("reg.weight")
    n_stack = _count(tensors, "tmpOut.{}.weight")
    n_modules = _count(tensors, "hourglass.0.up1_.{}.conv1.weight")
    residuals = _count(tensors, "reg_.{}.conv1.weight")
    if heatmap.ndim != 4 or not n_modules or "conv1_.weight" not in tensors:
        raise ModelError(
            f"{what}: has no layers of the hourglass (conv1_, hourglass.0, tmpOut.0, as the published program names "
            "them)"
        )
    n_joints, n_feats = heatmap.shape[:2]
    if pooled is None and not residuals:
        return Sizes(n_stack, n_modules, n_feats, None, n_joints, None)
    side = round((pooled.shape[1] / n_feats) ** 0.5) if pooled is not None and pooled.ndim == 2 else 0
    if pooled is None or not residuals or residuals % LEVELS or side < 1 or pooled.shape[1] != n_feats * side**2:
        raise ModelError(
            f"{what}: its depth branch has {residuals} residuals and a last layer of shape "
            f"{None if pooled is None else tuple(pooled.shape)}; expected a multiple of {LEVELS}, and a square of "
            f"{n_feats} features for each joint"
        )
    return Sizes(n_stack, n_modules, n_feats, residuals // LEVELS, n_joints, side * 64)


def _count(tensors: Mapping[str, Tensor], pattern: str) -> int:
    n = 0
    while pattern.format(n) in tensors:
        n += 1
    return n

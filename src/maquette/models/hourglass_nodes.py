"""Convolutions, norms and changes of resolution as nodes of an ONNX graph."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from maquette.errors import ModelError
from maquette.models.graph import Graph

_LINE = ("weight", "bias")


class PictureGraph(Graph):
    """A graph of networks of pictures; a tensor is known by its name."""

    def convolution(
        self, x: str, layer: nn.Module, name: str, *, norm: nn.Module | None = None, relu: bool = False
    ) -> str:
        """A convolution (or a transposed one), and the norm that follows it: a batch norm is folded in."""
        if isinstance(norm, nn.GroupNorm):
            y = self.group_norm(self.convolution(x, layer, f"{name}.alone"), norm, f"{name}.sum" if relu else name)
            return self.relu(y, name) if relu else y
        if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            raise ModelError(f"{name} is a {type(layer).__name__}, expected a convolution")
        weight, bias = folded_convolution(layer, norm)
        inputs = [x, self._stored(f"{name}.weight", weight), self._stored(f"{name}.bias", bias)]
        padding = [int(pad) for pad in layer.padding]
        kind = "ConvTranspose" if isinstance(layer, nn.ConvTranspose2d) else "Conv"
        y = self.node(kind, inputs, f"{name}.sum" if relu else name, strides=list(layer.stride), pads=padding * 2)
        return self.relu(y, name) if relu else y

    def norm(self, x: str, layer: nn.Module, name: str) -> str:
        """A norm that no convolution comes before, and the ReLU after it."""
        if isinstance(layer, nn.GroupNorm):
            return self.relu(self.group_norm(x, layer, f"{name}.sum"), name)
        norm, mean, variance = _with_statistics(layer)
        parts = {"weight": norm.weight.detach(), "bias": norm.bias.detach(), "mean": mean, "variance": variance}
        inputs = [x, *(self._stored(f"{name}.{part}", value) for part, value in parts.items())]
        return self.relu(self.node("BatchNormalization", inputs, f"{name}.sum", epsilon=norm.eps), name)

    def group_norm(self, x: str, norm: nn.GroupNorm, name: str) -> str:
        """Groups of channels laid out in a row and brought to mean 0 and variance 1, then a line for each channel."""
        shape = self.node("Shape", [x], f"{name}.shape")
        groups = self.constant(f"{name}.groups", np.array([0, norm.num_groups, -1]))
        one, zero = (
            self.constant(f"{name}.{word}", np.full(norm.num_groups, value, np.float32))
            for word, value in (("one", 1), ("zero", 0))
        )
        y = self.node("Reshape", [x, groups], f"{name}.rows")
        y = self.node("InstanceNormalization", [y, one, zero], f"{name}.even", epsilon=norm.eps)
        y = self.node("Reshape", [y, shape], f"{name}.maps")
        weight, bias = (self._stored(f"{name}.{part}", getattr(norm, part).detach()[:, None, None]) for part in _LINE)
        return self.node("Add", [self.node("Mul", [y, weight], f"{name}.scaled"), bias], name)

    def relu(self, x: str, name: str) -> str:
        return self.node("Relu", [x], name)

    def halved(self, x: str, name: str, *, kernel: int = 2, padding: int = 0) -> str:
        """The highest of each block."""
        return self.node(
            "MaxPool", [x], name, kernel_shape=[kernel, kernel], strides=[2, 2], pads=[padding, padding] * 2
        )

    def doubled(self, x: str, name: str) -> str:
        """Every cell four times."""
        scales = self.constant(f"{name}.scales", np.array([1, 1, 2, 2], np.float32))
        return self.node(
            "Resize",
            [x, "", scales],
            name,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def added(self, x: str, y: str, name: str) -> str:
        return self.node("Add", [x, y], name)

    def _stored(self, name: str, value: Tensor) -> str:
        return self.constant(name, value.float().numpy())


def folded_convolution(
    layer: nn.Conv2d | nn.ConvTranspose2d, norm: nn.Module | None
) -> tuple[Float[Tensor, "first second height width"], Float[Tensor, " out"]]:
    """Weight and bias of a convolution with the norm (in evaluation) that follows it folded in, float64."""
    weight = layer.weight.detach().double()
    is_transposed = isinstance(layer, nn.ConvTranspose2d)
    bias = weight.new_zeros(layer.out_channels) if layer.bias is None else layer.bias.detach().double()
    if norm is None:
        return weight, bias
    factor, shift = _norm_line(norm)
    # A transposed convolution has its outputs second.
    wide = factor[None, :, None, None] if is_transposed else factor[:, None, None, None]
    return weight * wide, bias * factor + shift


def _norm_line(norm: nn.Module) -> tuple[Float[Tensor, " channels"], Float[Tensor, " channels"]]:
    """Factor and shift of a norm in evaluation, float64."""
    layer, mean, variance = _with_statistics(norm)
    factor = layer.weight.detach().double() / torch.sqrt(variance.double() + layer.eps)
    return factor, layer.bias.detach().double() - mean.double() * factor


def _with_statistics(norm: nn.Module) -> tuple[nn.BatchNorm2d, Tensor, Tensor]:
    """The norm, its running mean and variance."""
    if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None or norm.running_var is None:
        raise ModelError(f"a {type(norm).__name__} without running statistics has no place in a model file")
    return norm, norm.running_mean, norm.running_var

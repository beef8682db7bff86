"""Convolutions whose stride is their width, as matrix products."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


def on_rows(convolution: nn.Module, x: Float[Tensor, "*rows inputs"]) -> Float[Tensor, "fewer outputs"]:
    """``convolution`` of frames in rows: neighbours side by side, without overlap, times its weights.

    In bfloat16 this trains 1.4 to 1.6 times as fast on CPUs as the convolution itself; in float32 it is slower.
    """
    assert isinstance(convolution, nn.Conv1d)
    outputs, inputs, width = convolution.weight.shape
    weight = convolution.weight.transpose(1, 2).reshape(outputs, width * inputs)
    return F.linear(x.reshape(-1, width * inputs), weight, convolution.bias)

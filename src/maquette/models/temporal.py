"""A temporal convolution over a window of frames, after Pavllo et al. 2019 ("3D human pose estimation in video with
temporal convolutions"), in the strided form that computes the middle frame only.

Each level sees three times as many frames as the one before (dilations 1, 3, 9, ...). For one output, a convolution of
width 3 and stride 3 without overlap is a linear layer on three neighbouring positions side by side; that is how it is
written here, because a matrix product is what CPUs do best. Two things differ from the paper: blocks of plain linear
layers follow at the last position, where depth is cheap, and only layers there drop values out: masks for all positions
would cost a fifth of the training.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode


class TemporalLayer(nn.Module):
    """Linear on the last axis, batch norm, ReLU, dropout."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.norm = nn.BatchNorm1d(outputs, momentum=0.05)
        self.dropout = nn.Dropout(dropout) if dropout > 0 else nn.Identity()
        nn.init.kaiming_normal_(self.linear.weight, nonlinearity="relu")

    def forward(self, x: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows outputs"]:
        return self.dropout(F.relu(self.norm(self.linear(x))))


class TemporalBlock(nn.Module):
    """Joins three neighbours (``reach`` 3) or works at one position (1); skip connection around two layers."""

    def __init__(self, width: int, reach: int, dropout: float) -> None:
        super().__init__()
        self.reach, self.width = reach, width
        self.first = TemporalLayer(width * reach, width, dropout)
        self.second = TemporalLayer(width, width, dropout)

    def forward(self, x: Float[Tensor, "rows width"]) -> Float[Tensor, "fewer width"]:
        joined = x.reshape(-1, self.reach * self.width)
        skip = x.reshape(-1, self.reach, self.width)[:, self.reach // 2]
        return skip + self.second(self.first(joined))


class TemporalNetwork(nn.Module):
    """Windows of 3^(``levels``) frames in, values of the middle frame out.

    Args:
        channels: of one frame.
        outputs: values of the output.
        width: of all hidden layers.
        levels: of the convolution; 3 see 27 frames.
        head_blocks: residual blocks at the last position.
        dropout: probability of dropping.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        width: int = 512,
        levels: int = 3,
        head_blocks: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.channels, self.window_frames = channels, 3**levels
        self.expand = TemporalLayer(3 * channels, width, 0.0)
        self.blocks = nn.ModuleList(
            [TemporalBlock(width, 3, dropout if level == levels - 1 else 0.0) for level in range(1, levels)]
            + [TemporalBlock(width, 1, dropout) for _ in range(head_blocks)]
        )
        self.last = nn.Linear(width, outputs)
        nn.init.normal_(self.last.weight, std=0.01)
        nn.init.zeros_(self.last.bias)

    def forward(self, features: Float[Tensor, "batch frames channels"]) -> Float[Tensor, "batch outputs"]:
        x = self.expand(features.reshape(-1, 3 * self.channels))
        for block in self.blocks:
            x = block(x)
        return self.last(x)


def macs_per_window(network: nn.Module, window_frames: int, channels: int) -> int:
    """Multiply-adds of the matrix products for one output pose."""
    was_training = network.training
    network.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, window_frames, channels))
    network.train(was_training)
    return counter.get_total_flops() // 2

"""A preset's network, and what it says about itself."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from maquette.lifting.normalize import CHANNELS
from maquette.models.martinez import ResidualNetwork
from maquette.models.temporal import TemporalNetwork
from maquette.skeletons import LIFTED_21
from maquette.training.presets import Preset

JOINTS = len(LIFTED_21)


class SinglePose(nn.Module):
    """The residual network behind the interface of all lifters: windows of one frame in, positions out."""

    def __init__(self, network: ResidualNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Float[Tensor, "batch 1 channels"]) -> Float[Tensor, "batch joints 3"]:
        return self.network(features.reshape(-1, CHANNELS)).reshape(-1, JOINTS, 3)


def build_network(preset: Preset) -> nn.Module:
    """The network of ``preset``, with fresh weights from torch's global random state."""
    if preset.kind == "temporal":
        return TemporalNetwork(
            CHANNELS,
            JOINTS,
            width=preset.width,
            levels=preset.levels,
            head_blocks=preset.blocks,
            dropout=preset.dropout,
        )
    network = ResidualNetwork(
        CHANNELS, 3 * JOINTS, linear_size=preset.width, num_layers=preset.blocks, max_norm=False, dropout=preset.dropout
    )
    with torch.no_grad():
        network.last.weight.mul_(0.1)
        network.last.bias.zero_()
    return SinglePose(network)


def window_frames(preset: Preset) -> int:
    """Frames that the network sees at once."""
    return 3**preset.levels if preset.kind == "temporal" else 1

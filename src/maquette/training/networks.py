"""A preset's network, and how many frames it sees."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from maquette.lifting.normalize import CHANNELS
from maquette.models.decoder import VALUES, RayDecoder
from maquette.models.martinez import ResidualNetwork
from maquette.models.rie_landmarks import LandmarkEncoding
from maquette.models.temporal import TemporalNetwork
from maquette.training.plans import MocapPreset, RelativeMocapPreset


class Lifter(nn.Module):
    """A network behind the interface of all lifters: windows of features in, positions of the middle frame out."""

    def __init__(self, network: TemporalNetwork | ResidualNetwork | LandmarkEncoding, window_frames: int) -> None:
        super().__init__()
        self.network = network
        self.window_frames = window_frames
        self.decoder = RayDecoder()

    def forward(self, features: Float[Tensor, "batch frames channels"]) -> Float[Tensor, "batch joints 3"]:
        middle = features[:, self.window_frames // 2]
        seen = middle if isinstance(self.network, ResidualNetwork) else features
        return self.decoder(self.network(seen), middle)


def build_network(preset: MocapPreset, stage: int = 3) -> Lifter:
    """The network of ``preset``, with fresh weights from torch's global random state.

    Args:
        stage: of a training in stages.
    """
    if isinstance(preset, RelativeMocapPreset):
        return _relative(preset, stage)
    if preset.kind == "temporal":
        network = TemporalNetwork(
            CHANNELS,
            VALUES,
            width=preset.width,
            levels=preset.levels,
            head_blocks=preset.blocks,
            dropout=preset.dropout,
        )
        return Lifter(network, network.window_frames)
    network = ResidualNetwork(
        CHANNELS, VALUES, linear_size=preset.width, num_layers=preset.blocks, max_norm=False, dropout=preset.dropout
    )
    # The published start is meant for targets of unit variance; ours are metres, and zero is a fair first answer.
    with torch.no_grad():
        network.last.weight.mul_(0.1)
        network.last.bias.zero_()
    return Lifter(network, 1)


def _relative(preset: RelativeMocapPreset, stage: int) -> Lifter:
    network = LandmarkEncoding(
        levels=preset.levels,
        channels=preset.channels,
        latent=preset.latent,
        hidden=preset.width,
        dropout=preset.dropout,
        head_dropout=preset.head_dropout,
        stage=stage,
    )
    with torch.no_grad():
        for group in network.encoding.groups.groups:
            last = network.encoding.decoder(group).fc_2
            last.weight.mul_(0.1)
            last.bias.zero_()
    return Lifter(network, network.window_frames)

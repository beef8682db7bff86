"""The training of VideoPose3D's temporal convolution (Pavllo et al. 2019) on labelled recordings."""

from typing import Any

import torch

from maquette.models.videopose import TemporalModel, published_optimiser, set_batch_norm_momentum
from maquette.training.chunks import ChunkData, ChunkExperiment
from maquette.training.experiment import SOLE, Share
from maquette.training.plans import TemporalPreset


def build_network(preset: TemporalPreset, facts: dict[str, Any], *, strided: bool) -> TemporalModel:
    """The network with fresh weights from torch's global random state; strided for single windows."""
    return TemporalModel(
        facts["joints"],
        facts["channels"],
        facts["joints_out"],
        filter_widths=preset.filter_widths,
        channels=preset.channels,
        dropout=preset.dropout,
        causal=preset.causal,
        dense=preset.dense,
        strided=strided,
    )


class TemporalExperiment(ChunkExperiment):
    """A preset without unlabelled subjects."""

    network: TemporalModel

    def __init__(self, preset: TemporalPreset, data: ChunkData, share: Share = SOLE) -> None:
        strided = preset.stride == 1 and not preset.dense
        network = build_network(preset, data.facts(), strided=strided)
        super().__init__(
            network,
            preset,
            data,
            receptive_field=network.receptive_field,
            epochs=preset.epochs,
            learning_rate=preset.learning_rate,
            share=share,
        )

    def make_optimizer(self) -> torch.optim.Optimizer:
        return published_optimiser([self.network], self.first_rate)

    def before_step(self, step: int) -> None:
        set_batch_norm_momentum(self.network, self.momentum(step))

"""The training of relative information encoding (Shan et al. 2021), stage by stage."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from maquette.errors import InputError
from maquette.models.rie import H36M_GROUPS, HUMANEVA15_GROUPS, RelativeEncodingNetwork
from maquette.models.rie_stages import freeze_for_stage, load_stage, published_optimiser, set_temporal_momentum
from maquette.skeletons import H36M_17, HUMANEVA_15
from maquette.training.chunks import ChunkData, ChunkExperiment
from maquette.training.experiment import SOLE, Share
from maquette.training.plans import RelativePreset

_BODIES = {"h36m": H36M_17, "humaneva15": HUMANEVA_15}
_GROUPS = {"h36m": H36M_GROUPS, "humaneva15": HUMANEVA15_GROUPS}


def build_network(preset: RelativePreset, facts: dict[str, Any], stage: int) -> RelativeEncodingNetwork:
    """The network of a stage, with fresh weights from torch's global random state."""
    return RelativeEncodingNetwork(
        _GROUPS[preset.groups],
        features=facts["channels"],
        filter_widths=preset.filter_widths,
        channels=preset.channels,
        latent=preset.latent,
        hidden=preset.hidden,
        dropout=preset.dropout,
        head_dropout=preset.head_dropout,
        stage=stage,
        causal=preset.causal,
        temporal_code=preset.temporal_code,
    )


class RelativeExperiment(ChunkExperiment):
    """One stage of a preset.

    Args:
        before: weights of the stage before; None for stage 1, and for a run that goes on from its own checkpoint.
    """

    network: RelativeEncodingNetwork

    def __init__(
        self,
        preset: RelativePreset,
        data: ChunkData,
        stage: int,
        before: Mapping[str, Tensor] | None = None,
        share: Share = SOLE,
    ) -> None:
        _check_joints(preset, data)
        network = build_network(preset, data.facts(), stage)
        if before is not None:
            load_stage(network, before, stage)
        freeze_for_stage(network, stage, freeze_batch_norm=preset.freeze_batch_norm)
        self.relative = preset
        super().__init__(
            network,
            preset,
            data,
            receptive_field=network.receptive_field,
            epochs=preset.epochs[stage - 1],
            learning_rate=preset.learning_rate[stage - 1],
            share=share,
        )

    def make_optimizer(self) -> torch.optim.Optimizer:
        optimizer = published_optimiser(self.network, self.first_rate)
        for group in optimizer.param_groups:
            group["weight_decay"] = self.relative.weight_decay
        return optimizer

    def before_step(self, step: int) -> None:
        set_temporal_momentum(self.network, self.momentum(step))


def _check_joints(preset: RelativePreset, data: ChunkData) -> None:
    """The groups are places in one order of joints; another skeleton of as many joints would go in unnoticed."""
    expected = _BODIES[preset.groups]
    problems = [
        f"{what} of the skeleton {found}, but the groups '{preset.groups}' are of {expected}"
        for what, found in (
            (f"2D points of '{preset.source}' are", data.train.input_skeleton),
            ("3D positions are", data.train.target_skeleton),
        )
        if found != expected
    ]
    if problems:
        raise InputError.from_problems(f"preset '{preset.name}'", problems)

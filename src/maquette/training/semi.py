"""VideoPose3D's semi-supervised training: some subjects with motion capture, others with 2D and cameras only."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from maquette.datasets.chunks import ChunkFeed
from maquette.datasets.sequences import Sequences, sequences_from_store
from maquette.datasets.store import open_store
from maquette.errors import InputError
from maquette.models.semi_supervised import PoseAndTrajectory, check_unlabelled, semi_supervised_losses
from maquette.models.videopose import published_optimiser, set_batch_norm_momentum
from maquette.training.chunks import ChunkData, ChunkExperiment
from maquette.training.experiment import SOLE, Share
from maquette.training.plans import TemporalPreset
from maquette.training.temporal import build_network

_UNLABELLED_SEED = 4321
"""Of the order of the unlabelled windows, as published."""
_POSE = "pose."


class MixedChunks(NamedTuple):
    """A batch as the networks take it."""

    inputs: Float[Tensor, "labelled frames joints2 channels"]
    targets_m: Float[Tensor, "labelled poses joints 3"]
    """The root's place, and the other joints relative to it."""
    unlabelled: Float[Tensor, "unlabelled frames joints2 channels"]
    intrinsics: Float[Tensor, "unlabelled 9"]
    is_warming_up: bool


def open_unlabelled(preset: TemporalPreset, data_dir: str | Path) -> Sequences:
    """The subjects of whom only the 2D is used, all their frames."""
    return sequences_from_store(
        open_store(data_dir),
        source=preset.source,
        subjects=preset.subjects_unlabeled,
        actions=list(preset.actions) or None,
        downsample=preset.downsample,
    )


class SemiSupervisedExperiment(ChunkExperiment):
    """A preset with unlabelled subjects; an epoch is one of the labelled ones.

    Raises:
        InputError: the unlabelled sequences do not fit the labelled ones, or several processes share the batch: the
            bone term compares means over the whole of it.
    """

    network: PoseAndTrajectory

    def __init__(self, preset: TemporalPreset, data: ChunkData, unlabelled: Sequences, share: Share = SOLE) -> None:
        if share.processes > 1:
            raise InputError("semi-supervised training compares means over a whole batch: train it in one process")
        check_unlabelled(data.train, unlabelled, linear_projection=preset.linear_projection)
        facts, strided = data.facts(), preset.stride == 1 and not preset.dense
        pose = build_network(preset, facts, strided=strided)
        network = PoseAndTrajectory(pose, build_network(preset, {**facts, "joints_out": 1}, strided=strided))
        self.semi = preset
        super().__init__(
            network,
            preset,
            data,
            receptive_field=pose.receptive_field,
            epochs=preset.epochs,
            learning_rate=preset.learning_rate,
        )
        self.unlabelled = ChunkFeed(
            unlabelled,
            receptive_field=pose.receptive_field,
            stride=preset.stride,
            causal=preset.causal,
            batch_size=self.feed.batch_size,
            mirror=preset.mirror,
            seed=_UNLABELLED_SEED,
        )

    def make_optimizer(self) -> torch.optim.Optimizer:
        return published_optimiser([self.network.pose, self.network.trajectory], self.first_rate)

    def before_step(self, step: int) -> None:
        for network in (self.network.pose, self.network.trajectory):
            set_batch_norm_momentum(network, self.momentum(step))

    def batch(self, step: int) -> MixedChunks:  # pyright: ignore[reportIncompatibleMethodOverride]
        epoch, index = divmod(step, self.steps_per_epoch)
        labelled, unlabelled = self.feed.batch(epoch, index), self.unlabelled.endless_batch(step)
        return MixedChunks(
            torch.from_numpy(labelled.inputs),
            torch.from_numpy(labelled.targets),
            torch.from_numpy(unlabelled.inputs),
            torch.from_numpy(unlabelled.intrinsics),
            epoch < self.semi.warmup,
        )

    def poses(self, inputs: Float[Tensor, "batch frames joints2 channels"]) -> Tensor:
        return self.network.pose(inputs)

    def loss(self, batch: MixedChunks) -> Tensor:
        return semi_supervised_losses(
            self.network,
            batch.inputs,
            batch.targets_m,
            batch.unlabelled,
            batch.intrinsics,
            self.data.train.target_skeleton,
            is_warming_up=batch.is_warming_up,
            projection_term=self.semi.projection,
            bone_length_term=self.semi.bone_length_term,
            linear_projection=self.semi.linear_projection,
        ).total


def of_pose(state: Mapping[str, Any]) -> dict[str, Any]:
    """The checkpoint of the pose network alone."""
    weights = {name.removeprefix(_POSE): t for name, t in state["network"].items() if name.startswith(_POSE)}
    return {**state, "network": weights}

"""The training of Martinez et al. 2017: single poses in standard scores, mean squared error, Adam."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from maquette.datasets.pose_statistics import (
    INPUT_JOINTS,
    PoseStatistics,
    output_joints,
    published_statistics,
    statistics_from_file,
)
from maquette.datasets.standard_scores import EpochOrder, ScoredPoses, scored_poses
from maquette.datasets.store import open_store
from maquette.errors import InputError
from maquette.models import martinez_recipe
from maquette.models.martinez import MaxNorm, ResidualNetwork
from maquette.training.experiment import SOLE, Experiment, Share, device_of, dtype_of
from maquette.training.plans import PosePreset

_VALIDATION_BATCH = 4096
_MAX_NORMS: dict[str, MaxNorm] = {"none": False, "frobenius": True, "per_row": "per_row"}


class Poses(NamedTuple):
    """A batch as the network takes it."""

    inputs: Float[Tensor, "batch 32"]
    targets: Float[Tensor, "batch outputs"]
    weight: float
    """Of this process's part (:meth:`Share.weight`)."""


@dataclass(frozen=True, eq=False)
class PoseData:
    """Samples to train on, and to validate with, by the statistics of the former."""

    train: ScoredPoses
    test: ScoredPoses | None
    store_name: str
    input_skeleton: str
    """Name of the skeleton of the 2D source."""

    @classmethod
    def open(cls, preset: PosePreset, data_dir: str | Path) -> "PoseData":
        """What a preset takes from a store.

        Raises:
            InputError: the store does not have it, or the statistics cannot be read.
        """
        store = open_store(data_dir)
        common: dict[str, Any] = {
            "source": preset.source,
            "actions": list(preset.actions) or None,
            "camera_frame": preset.camera_frame,
            "predict_14": preset.predict_14,
        }
        train = scored_poses(store, subjects=preset.subjects_train, statistics=statistics_of(preset), **common)
        test = None
        if preset.subjects_test and preset.validate_epochs:
            test = scored_poses(store, subjects=preset.subjects_test, statistics=train.statistics, **common)
        return cls(train, test, store.name, store.sources[preset.source].skeleton.name)


def statistics_of(preset: PosePreset) -> PoseStatistics | None:
    """The statistics that a preset names; None: those of the data."""
    if preset.statistics == "computed":
        return None
    if preset.statistics == "published":
        return published_statistics(preset.source, camera_frame=preset.camera_frame)
    return statistics_from_file(preset.statistics)


def build_network(preset: PosePreset) -> ResidualNetwork:
    """The network with fresh weights from torch's global random state."""
    return ResidualNetwork(
        2 * len(INPUT_JOINTS),
        3 * len(output_joints(preset.predict_14)),
        linear_size=preset.linear_size,
        num_layers=preset.num_layers,
        residual=preset.residual,
        batch_norm=preset.batch_norm,
        max_norm=_MAX_NORMS[preset.max_norm],
        dropout=preset.dropout,
    )


class PoseExperiment(Experiment):
    """A preset on its samples."""

    loss_column, loss_scale = "loss", 1.0
    metrics = ("mpjpe_mm", "pa_mpjpe_mm")
    mean_decay, clip_norm = None, None

    def __init__(self, preset: PosePreset, data: PoseData, share: Share = SOLE) -> None:
        self.preset, self.data, self.share = preset, data, share
        self.network: ResidualNetwork = build_network(preset)
        self.samples_per_step = preset.batch_size
        self.order = EpochOrder(len(data.train.inputs), batch_size=preset.batch_size, seed=preset.seed)
        self.steps_per_epoch = whole_batches(len(data.train.inputs), preset.batch_size)
        self.total_steps = preset.epochs * self.steps_per_epoch

    def make_optimizer(self) -> torch.optim.Optimizer:
        return martinez_recipe.make_optimizer(self.network, learning_rate=self.preset.learning_rate)

    def learning_rate(self, step: int) -> float:
        """Falls continuously."""
        preset = self.preset
        return martinez_recipe.learning_rate(
            step, start=preset.learning_rate, decay=preset.decay, decay_steps=preset.decay_steps
        )

    def before_step(self, step: int) -> None:
        """Nothing else changes."""

    @contextmanager
    def batches(self, first: int) -> Iterator[Iterator[Poses]]:
        yield (self.batch(step) for step in range(first, self.total_steps))

    def batch(self, step: int) -> Poses:
        """This process's part of the batch of a step."""
        rows = self.order.batch(*divmod(step, self.steps_per_epoch))
        part = rows[self.share.of(len(rows))]
        samples = self.data.train
        return Poses(
            torch.from_numpy(samples.inputs[part]),
            torch.from_numpy(samples.targets[part]),
            self.share.weight(len(rows)),
        )

    def loss(self, batch: Poses) -> Tensor:
        predicted = self.network(batch.inputs)
        dtype = torch.promote_types(predicted.dtype, torch.float32)
        return batch.weight * martinez_recipe.squared_error(predicted.to(dtype), batch.targets.to(dtype))

    def validates_after(self, steps: int) -> bool:
        every = self.preset.validate_epochs * self.steps_per_epoch
        return bool(every) and steps % every == 0

    def validate(self) -> dict[str, float]:
        """MPJPE and PA-MPJPE in mm over the hip and all predicted joints of the test subjects, all frames alike."""
        from maquette.evaluate.metrics import mpjpe, pa_mpjpe

        test = self.data.test
        if test is None:
            return {}
        wanted = self.preset.validate_frames or len(test.inputs)
        rows = np.unique(np.linspace(0, len(test.inputs) - 1, min(wanted, len(test.inputs))).astype(int))
        device, dtype = device_of(self.network), dtype_of(self.network)
        scores = [
            self.network(torch.from_numpy(test.inputs[part]).to(device, dtype)).double().cpu().numpy()
            for part in np.array_split(rows, -(-len(rows) // _VALIDATION_BATCH))
        ]
        found, target = self._joints_mm(np.concatenate(scores)), self._joints_mm(test.targets[rows])
        return {"mpjpe_mm": float(mpjpe(found, target).mean()), "pa_mpjpe_mm": float(pa_mpjpe(found, target).mean())}

    def _joints_mm(self, scores: Float[np.ndarray, "rows outputs"]) -> Float[np.ndarray, "rows joints 3"]:
        """Positions of the hip, which is 0, and of the predicted joints."""
        statistics = self.data.train.statistics.for_spec(predict_14=self.preset.predict_14)
        positions = scores * np.array(statistics.output_std) + np.array(statistics.output_mean)
        joints = positions.reshape(len(scores), -1, 3)
        return np.concatenate([np.zeros((len(joints), 1, 3)), joints], axis=1)

    def facts(self) -> dict[str, Any]:
        statistics = self.data.train.statistics
        vectors = {
            name: torch.from_numpy(np.array(getattr(statistics, name)))
            for name in ("mean_2d_px", "std_2d_px", "mean_3d_mm", "std_3d_mm")
        }
        return {
            "data": self.data.store_name,
            "samples": len(self.data.train.inputs),
            "input_skeleton": self.data.input_skeleton,
            "statistics": {"source": statistics.source, **vectors},
        }


def whole_batches(samples: int, batch_size: int) -> int:
    """Steps of an epoch: the remainder is dropped, as published.

    Raises:
        InputError: there are fewer samples than one batch has.
    """
    if samples < batch_size:
        raise InputError(f"{samples} poses, fewer than one batch of {batch_size}; take more data or a --batch-size")
    return samples // batch_size

"""Stage 1 of the training of the 3D pose machine: its trunk, by the 2D points of still pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from maquette.datasets.pose_machine_pictures import RowPictures
from maquette.models.martinez_recipe import make_optimizer
from maquette.models.pose_machine_fronts import TRUNK_STRIDE
from maquette.models.pose_machine_losses import euclidean_loss
from maquette.models.pose_machine_pretraining import DirectRegression, HeatMapNetwork, heat_map_loss, target_maps
from maquette.skeletons import H36M_16
from maquette.training.experiment import SOLE, Experiment, Share, device_of, dtype_of
from maquette.training.plans import PoseMachinePreset
from maquette.training.pose_machine_data import PretrainingData
from maquette.training.pose_machine_feed import read_pictures, reading_ahead
from maquette.training.pose_machine_order import StillOrder

MAPPED = [i for i, name in enumerate(H36M_16.joints) if name not in ("hip", "spine")]
"""The 14 joints that MPII's points and the published heatmaps have."""
_VALIDATION_ROWS = 20


class LabelledPictures(NamedTuple):
    """A batch as the network takes it."""

    pictures: Float[Tensor, "batch 3 size size"]
    points: Float[Tensor, "batch joints 2"]
    """Shares of the side."""
    visible: Bool[Tensor, "batch joints"]


class PretrainingExperiment(Experiment):
    """A convolutional pose machine of two stages, or a regression of coordinates, around the trunk.

    The published machine gives heatmaps of 14 joints and the background; the published regression 17 points, here the
    16 of the rest of the training.
    """

    loss_column, loss_scale = "loss", 1.0
    metrics = ("point_error_percent",)
    mean_decay = None

    def __init__(self, preset: PoseMachinePreset, data: PretrainingData, share: Share = SOLE) -> None:
        self.preset, self.data, self.share = preset, data, share
        size = preset.image_size
        self.network: HeatMapNetwork | DirectRegression = (
            HeatMapNetwork(len(MAPPED) + 1)
            if preset.pretraining == "heatmaps"
            else DirectRegression(2 * len(H36M_16), image_size=size)
        )
        self.order = StillOrder(
            len(data.train.rows), count=preset.batch_size, seed=preset.seed, published=preset.published_sampling
        )
        self.samples_per_step, self.total_steps = preset.batch_size, preset.stage_steps[0]
        self.clip_norm = preset.clip_norm

    def make_optimizer(self) -> torch.optim.Optimizer:
        return make_optimizer(self.network, learning_rate=self.learning_rate(0))

    def learning_rate(self, step: int) -> float:
        """Constant."""
        return self.preset.learning_rate[0]

    def before_step(self, step: int) -> None:
        """Nothing else changes."""

    @contextmanager
    def batches(self, first: int) -> Iterator[Iterator[LabelledPictures]]:
        with reading_ahead(self.batch, range(first, self.total_steps), self.preset.workers) as batches:
            yield batches

    def batch(self, step: int) -> LabelledPictures:
        """This process's part of the batch of a step."""
        rows = self.order.rows(step)
        return self._rows(self.data.train, rows[self.share.of(len(rows))])

    def _rows(self, data: RowPictures, rows: Int[np.ndarray, " n"]) -> LabelledPictures:
        return LabelledPictures(
            read_pictures(data, rows),
            torch.from_numpy(data.rows.points[rows]),
            torch.from_numpy(data.rows.visible[rows]),
        )

    def loss(self, batch: LabelledPictures) -> Tensor:
        weight, missing_count = self.share.weight(self.preset.batch_size), self.preset.published_missing
        if isinstance(self.network, DirectRegression):
            found = _wide(self.network(batch.pictures))
            weights = None if missing_count else batch.visible.to(found.dtype)
            return weight * euclidean_loss(found, batch.points.flatten(1).to(found.dtype), weights)
        maps = [_wide(stage) for stage in self.network(batch.pictures)]
        size, visible = self.preset.image_size, batch.visible[:, MAPPED]
        # The middle of the first pixel is 0 there, its left edge here.
        points_px = batch.points[:, MAPPED].to(maps[0].dtype) * size - 0.5
        target = target_maps(points_px, visible, image_size=size)
        return weight * heat_map_loss((maps[0], maps[1]), target, None if missing_count else visible)

    def validates_after(self, steps: int) -> bool:
        return steps % self.preset.validate_steps == 0

    def validate(self) -> dict[str, float]:
        """Mean distance of the points that are there, in percent of the square's side; of heatmaps, where the second
        stage's are highest."""
        test = self.data.test
        if test is None:
            return {}
        count = min(self.preset.validate_frames or len(test.rows), len(test.rows))
        rows = np.unique(np.linspace(0, len(test.rows) - 1, count).astype(int))
        parts = np.array_split(rows, -(-len(rows) // _VALIDATION_ROWS))
        off, seen = 0.0, 0
        with reading_ahead(lambda i: self._rows(test, parts[i]), range(len(parts)), self.preset.workers) as batches:
            for batch in batches:
                points = self._points(batch.pictures.to(device_of(self.network), dtype_of(self.network)))
                joints = MAPPED if self.preset.pretraining == "heatmaps" else list(range(len(H36M_16)))
                distances = (points.cpu() - batch.points[:, joints]).norm(dim=-1)
                visible = batch.visible[:, joints]
                off += float(distances[visible].sum())
                seen += int(visible.sum())
        return {"point_error_percent": 100 * off / max(seen, 1)}

    def _points(self, pictures: Float[Tensor, "batch 3 size size"]) -> Float[Tensor, "batch joints 2"]:
        """Shares of the side."""
        if isinstance(self.network, DirectRegression):
            return self.network(pictures).float().unflatten(1, (-1, 2))
        maps = self.network(pictures)[1][:, :-1]
        best, columns = maps.flatten(2).argmax(dim=2), maps.shape[3]
        cells = torch.stack([best % columns, best // columns], dim=-1)
        return (cells + 0.5) * TRUNK_STRIDE / self.preset.image_size

    def facts(self) -> dict[str, Any]:
        return self.data.facts()


def _wide(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))

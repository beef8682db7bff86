"""Stages 2 to 5 of the training of the 3D pose machine (Wang et al. 2019)."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from maquette.datasets.pose_machine_pictures import RowPictures
from maquette.datasets.pose_machine_rows import PoseMachineRows
from maquette.errors import InputError
from maquette.models.pose_machine import MachineOutput, PoseMachine
from maquette.models.pose_machine_losses import MachineTargets, machine_losses
from maquette.training.experiment import SOLE, Experiment, Share, device_of, dtype_of
from maquette.training.plans import PoseMachinePreset
from maquette.training.pose_machine_data import PoseMachineData
from maquette.training.pose_machine_feed import read_pictures, reading_ahead
from maquette.training.pose_machine_order import SequenceOrder, StillOrder
from maquette.training.pose_machine_recipe import freeze_for_stage, load_stage, stage_optimiser

_log = logging.getLogger(__name__)
_MASKED_STAGE = 5
_VALIDATION_ROWS = {"image": 40, "keypoints": 2000}


class MachineBatch(NamedTuple):
    """Frames of video, sequence after sequence, then still pictures."""

    frames: Tensor
    """2D points (rows, 32), or pictures (rows, 3, size, size)."""
    observed: Bool[Tensor, "rows joints"] | None
    """Which points are there; None with pictures."""
    clip: Bool[Tensor, " rows"]
    """False at the beginning of every sequence."""
    points: Float[Tensor, "rows 32"]
    point_weights: Float[Tensor, "rows joints"] | None
    poses: Float[Tensor, "rows 48"]
    has_pose: Bool[Tensor, " rows"]


def build_network(preset: PoseMachinePreset, stage: int) -> PoseMachine:
    """The network of a stage, with fresh weights from torch's global random state."""
    return PoseMachine(
        preset.front,
        width=preset.width,
        image_size=preset.image_size,
        published_flags=preset.published_flags,
        drop_joints=preset.mask_probability if stage == _MASKED_STAGE else 0.0,
        dropped_value=preset.dropped_value,
        initialisation=preset.initialisation,
    )


def caffe_weights(preset: PoseMachinePreset, path: Path) -> dict[str, Tensor]:
    """The layers of the pose machine that a snapshot of Caffe has, by our names: those of a convolutional pose machine
    for stage 2, those of the stage before for the others.

    Raises:
        InputError: the file cannot be read.
        ModelError: it has no layer of the pose machine, or one of another shape.
    """
    from maquette.importers.pose_machine_layers import take_layers_from

    with torch.random.fork_rng():
        network = build_network(preset, stage=2)
    layers, found = network.caffe_layers(), take_layers_from(network, path)
    for note in found.notes():
        _log.info("%s: %s", path, note)
    taken = {id(p) for name in found.taken for p in layers[name]}
    return {name: p.detach() for name, p in network.named_parameters() if id(p) in taken}


class PoseMachineExperiment(Experiment):
    """One stage of a preset.

    Args:
        before: weights of the stage before; None for a stage that begins with nothing, and for a run that goes on from
            its own checkpoint.

    Raises:
        InputError: the data do not fit the preset, or several processes share the few frames of a step.
    """

    loss_column, loss_scale = "loss", 1.0
    mean_decay = None

    def __init__(
        self,
        preset: PoseMachinePreset,
        data: PoseMachineData,
        stage: int,
        before: Mapping[str, Tensor] | None = None,
        share: Share = SOLE,
    ) -> None:
        if share.processes > 1:
            raise InputError("a step of the pose machine is one sequence of a few frames: train it in one process")
        self.preset, self.data, self.stage, self.share = preset, data, stage, share
        self.network: PoseMachine = build_network(preset, stage)
        if before is not None:
            load_stage(self.network, before, stage)
        freeze_for_stage(self.network, stage)
        self.sequences = SequenceOrder(
            data.train.rows.continues,
            frames=preset.sequence_frames,
            sequences=preset.batch_size // preset.sequence_frames,
            seed=preset.seed,
            published=preset.published_sampling,
        )
        self.stills = None
        if data.stills is not None and stage > 2 and preset.stills:
            self.stills = StillOrder(
                len(data.stills.rows), count=preset.stills, seed=preset.seed, published=preset.published_sampling
            )
        self.samples_per_step = preset.batch_size + (preset.stills if self.stills else 0)
        self.total_steps = preset.stage_steps[stage - 1]
        self.clip_norm = preset.clip_norm
        self.metrics = ("coarse_mpjpe_mm",)
        if stage > 2:
            self.metrics = ("corrected_mpjpe_mm", "coarse_mpjpe_mm", "projected_2d_percent")

    def make_optimizer(self) -> torch.optim.Optimizer:
        return stage_optimiser(self.network, self.stage, self.learning_rate(0))

    def learning_rate(self, step: int) -> float:
        """Constant."""
        return self.preset.learning_rate[self.stage - 1]

    def before_step(self, step: int) -> None:
        """Nothing else changes."""

    @contextmanager
    def batches(self, first: int) -> Iterator[Iterator[MachineBatch]]:
        with reading_ahead(self.batch, range(first, self.total_steps), self.preset.workers) as batches:
            yield batches

    def batch(self, step: int) -> MachineBatch:
        """The batch of a step."""
        rows = self.sequences.rows(step)
        marks = self.sequences.marks(rows).ravel()
        parts = [(self.data.train, rows.ravel())]
        if self.stills is not None and self.data.stills is not None:
            parts.append((self.data.stills, self.stills.rows(step)))
            marks = np.concatenate([marks, np.zeros(self.preset.stills, dtype=bool)])
        return self._rows(parts, marks)

    def _rows(
        self, parts: list[tuple[RowPictures, Int[np.ndarray, " _"]]], marks: Bool[np.ndarray, " rows"]
    ) -> MachineBatch:
        points = np.concatenate([data.rows.points[rows] for data, rows in parts]).reshape(len(marks), -1)
        visible = np.concatenate([data.rows.visible[rows] for data, rows in parts])
        poses = np.concatenate([data.rows.targets[rows] for data, rows in parts]).reshape(len(marks), -1)
        seen = torch.from_numpy(visible)
        frames = torch.from_numpy(points)
        if self.preset.front == "image":
            frames = torch.cat([read_pictures(data, rows) for data, rows in parts])
        return MachineBatch(
            frames,
            seen if self.preset.front == "keypoints" else None,
            torch.from_numpy(marks),
            torch.from_numpy(points),
            None if self.preset.published_missing else seen.float(),
            torch.from_numpy(poses),
            torch.from_numpy(~np.isnan(poses[:, 0])),
        )

    def output(self, batch: MachineBatch) -> MachineOutput:
        """What the network, as it is, says of a batch; in single precision at least."""
        found = self.network(batch.frames, batch.clip, observed=batch.observed)
        wide = torch.promote_types(found.coarse.dtype, torch.float32)
        return MachineOutput(found.coarse.to(wide), found.corrected.to(wide), found.projected.to(wide), found.state)

    def losses(self, batch: MachineBatch) -> dict[str, Tensor]:
        """The terms whose sum is minimised."""
        output = self.output(batch)
        targets = MachineTargets(
            batch.points.to(output.coarse.dtype), batch.poses.to(output.coarse.dtype), batch.has_pose,
            point_weights=batch.point_weights,
        )  # fmt: skip
        gradient = "child_only" if self.preset.half_bone_gradient else "full"
        return machine_losses(output, targets, self.stage, bone_gradient=gradient)

    def loss(self, batch: MachineBatch) -> Tensor:
        return torch.stack(list(self.losses(batch).values())).sum()

    def validates_after(self, steps: int) -> bool:
        return steps % self.preset.validate_steps == 0

    def validate(self) -> dict[str, float]:
        """MPJPE in mm over the 16 joints, the hip among them, of the coarse and of the corrected poses, and in percent
        of the square's side the distance of the projected points that are there; in sequences as long as those in
        training, each by itself."""
        test = self.data.test
        if test is None:
            return {}
        chunks = validation_chunks(test.rows.continues, self.preset.sequence_frames, self.preset.validate_frames)
        per_batch = max(_VALIDATION_ROWS[self.preset.front] // self.preset.sequence_frames, 1)
        errors: list[np.ndarray] = []
        device, flags = device_of(self.network), self.network.lstm.published_flags
        # Of several sequences in a row the published flags would mix the states; of each alone they are the right ones.
        self.network.lstm.published_flags = False
        starts = range(0, len(chunks), per_batch)
        with reading_ahead(
            lambda i: self._chunks(test, chunks[i : i + per_batch]), starts, self.preset.workers
        ) as batches:
            for start, batch in zip(starts, batches, strict=True):
                rows = np.concatenate(chunks[start : start + per_batch])
                frames = batch.frames.to(device, dtype_of(self.network))
                observed = None if batch.observed is None else batch.observed.to(device)
                output = self.output(batch._replace(frames=frames, observed=observed))
                errors.append(_errors(test.rows, rows, output))
        self.network.lstm.published_flags = flags
        coarse, corrected, seen, count = np.concatenate(errors).sum(axis=0)
        rows = sum(len(chunk) for chunk in chunks)
        found = {"coarse_mpjpe_mm": coarse / rows}
        found |= {"corrected_mpjpe_mm": corrected / rows, "projected_2d_percent": 100 * seen / max(count, 1)}
        return {name: float(found[name]) for name in self.metrics}

    def _chunks(self, data: RowPictures, chunks: list[Int[np.ndarray, " _"]]) -> MachineBatch:
        marks = np.concatenate([np.arange(len(chunk)) > 0 for chunk in chunks])
        return self._rows([(data, np.concatenate(chunks))], marks)

    def facts(self) -> dict[str, Any]:
        return self.data.facts()


def _errors(test: PoseMachineRows, rows: Int[np.ndarray, " n"], output: MachineOutput) -> Float[np.ndarray, "n 4"]:
    """Of each row the two MPJPE, the sum of the distances in 2D, and of how many points."""
    truth = test.taken(rows).targets_mm()
    poses = [values.double().cpu().numpy().reshape(len(rows), -1, 3) for values in output[:2]]
    mm = [np.linalg.norm(test.limits.unnormalise(pose) - truth, axis=-1).mean(axis=-1) for pose in poses]
    points = output.projected.double().cpu().numpy().reshape(len(rows), -1, 2)
    visible = test.visible[rows]
    off = np.where(visible, np.linalg.norm(points - test.points[rows], axis=-1), 0.0)
    return np.stack([*mm, off.sum(axis=-1), visible.sum(axis=-1)], axis=-1)


def validation_chunks(continues: Bool[np.ndarray, " rows"], frames: int, wanted: int) -> list[Int[np.ndarray, " _"]]:
    """Rows of videos in chunks of ``frames`` (the last one of a video may be shorter); of them as many, evenly spread,
    as have ``wanted`` rows (0: all)."""
    bounds = np.append(np.flatnonzero(~continues), len(continues))
    chunks = [
        np.arange(start, min(start + frames, end))
        for begin, end in pairwise(bounds)
        for start in range(begin, end, frames)
    ]
    count = min(len(chunks), -(-wanted // frames)) if wanted else len(chunks)
    return [chunks[i] for i in np.unique(np.linspace(0, len(chunks) - 1, count).astype(int))]

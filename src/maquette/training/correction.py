"""The training of the correction + projection pair on lifted open motion capture.

The published network learns the pair behind its own lifter, on pictures. Here it stands behind any lifter: it learns
from poses that several lifters made of simulated detections, part of them spoilt further in the ways in which poses of
lifters unknown to it may be wrong.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from maquette.datasets.corrections import LiftedClips, lifted_clips, lifted_poses
from maquette.datasets.mocap import clips_of_split, load_clips
from maquette.lifting.lifter import Lifter
from maquette.models.pose_machine_losses import PARENTS, bone_loss, euclidean_loss
from maquette.training.correction_network import (
    CorrectionPair,
    millimetres,
    mirrored,
    normalised,
    picture_of,
)
from maquette.training.experiment import SOLE, Experiment, Share, device_of
from maquette.training.mocap import learning_rate
from maquette.training.plans import CorrectionPreset

_VALIDATION_SEED = 2
_PARENTS = list(PARENTS)
_OFFSET_MM = (5.0, 60.0)
_TURN_DEG = (8.0, 4.0, 4.0)
_FLATNESS = (0.6, 1.3)
_SIZE_SPREAD = 0.03


class Poses(NamedTuple):
    """A batch as the network takes it."""

    coarse: Float[Tensor, "rows 48"]
    truth: Float[Tensor, "rows 48"]
    distance_mm: Float[Tensor, " rows"]


def spoilt(rng: np.random.Generator, coarse: Float[Tensor, "rows 48"]) -> Float[Tensor, "rows 48"]:
    """Poses as worse lifters might have given them.

    Every pose gets joints that are off by 5 to 60 mm, half as much again in depth; is turned (by 8 degrees about the
    horizontal axis, 4 about the others); is too flat or too deep; and is a few percent too small or too large.
    """
    n = len(coarse)
    angles = torch.tensor(np.radians(rng.normal(size=(n, 3)) * _TURN_DEG), dtype=coarse.dtype)
    offset = torch.tensor(rng.normal(size=(n, len(PARENTS), 3)) * [1.0, 1.0, 1.5], dtype=coarse.dtype)
    size_mm = torch.tensor(np.exp(rng.uniform(*np.log(_OFFSET_MM), size=n)), dtype=coarse.dtype)
    scale = torch.tensor(np.exp(_SIZE_SPREAD * rng.normal(size=(n, 1))).repeat(3, axis=1), dtype=coarse.dtype)
    scale[:, 2] *= torch.tensor(rng.uniform(*_FLATNESS, size=n), dtype=coarse.dtype)
    x, y, z = angles.T
    zero = torch.zeros_like(x)
    # Small angles: the rotation of their vector.
    generator = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).reshape(n, 3, 3)
    turned = millimetres(coarse) @ torch.linalg.matrix_exp(generator).transpose(1, 2)
    return normalised(turned * scale[:, None] + offset * size_mm[:, None, None])


class CorrectionExperiment(Experiment):
    """A preset on the mocap store in ``data_dir``."""

    loss_column, loss_scale = "loss", 1.0
    metrics = ("noise_n_mpjpe_mm", "clean_n_mpjpe_mm", "noise_mpjpe_mm", "clean_mpjpe_mm", "picture_rms")

    def __init__(self, preset: CorrectionPreset, data_dir: str | Path, share: Share = SOLE) -> None:
        self.preset, self.share = preset, share
        self.network: CorrectionPair = CorrectionPair(preset.width)
        self.total_steps, self.samples_per_step = preset.total_steps, preset.batch_size
        self.mean_decay, self.clip_norm = preset.ema_decay, preset.clip_norm
        held_out = clips_of_split(load_clips(data_dir), "val")
        self.clips: dict[str, list[LiftedClips]] = {"noise": [], "clean": []}
        for name in preset.lifters:
            lifter = Lifter(name, threads=1)
            for kind, found in self.clips.items():
                found.append(lifted_clips(held_out, lifter, seed=_VALIDATION_SEED, errors=kind == "noise"))
        self.poses = lifted_poses(
            data_dir,
            preset.samples,
            preset.poses,
            lifters=preset.lifters,
            seed=preset.seed,
            cache=Path(preset.keep_poses) if preset.keep_poses else None,
        )

    def make_optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            self.network.parameters(), lr=self.preset.learning_rate, weight_decay=self.preset.weight_decay, foreach=True
        )

    def learning_rate(self, step: int) -> float:
        return learning_rate(self.preset, step)

    @contextmanager
    def batches(self, first: int) -> Iterator[Iterator[Poses]]:
        yield (self.batch(step) for step in range(first, self.total_steps))

    def batch(self, step: int) -> Poses:
        """This process's part of the batch of a step: poses drawn at random, half of them mirrored, some spoilt."""
        preset = self.preset
        rng = np.random.default_rng([preset.seed, step])
        rows = rng.integers(len(self.poses), size=preset.batch_size)[self.share.of(preset.batch_size)]
        coarse, truth, distance_mm = (
            torch.from_numpy(values[rows]) for values in (self.poses.coarse, self.poses.truth, self.poses.distance_mm)
        )
        half, worse = len(rows) // 2, round(preset.spoilt_share * len(rows))
        coarse[:half], truth[:half] = mirrored(coarse[:half]), mirrored(truth[:half])
        picked = torch.from_numpy(rng.permutation(len(rows))[:worse])
        coarse[picked] = spoilt(rng, coarse[picked])
        return Poses(coarse, truth, distance_mm)

    def loss(self, batch: Poses) -> Tensor:
        corrected = self.network.correct(batch.coarse).float()
        if self.preset.losses == "published":
            seen = self.network.project(corrected).float()
            return (
                euclidean_loss(seen, picture_of(batch.truth, batch.distance_mm))
                + euclidean_loss(corrected, batch.truth)
                + bone_loss(corrected, batch.truth)
            )
        found, truth = millimetres(corrected) / 1000, millimetres(batch.truth) / 1000
        loss = _distance(found, truth) + self.preset.bone_weight * _distance(
            found[:, _PARENTS] - found, truth[:, _PARENTS] - truth
        )
        # The projector learns to project any pose: as it is, as it is corrected, as it comes.
        part = slice(0, self.preset.projected_poses)
        third = self.preset.projected_poses // 3
        poses = torch.cat([batch.truth[part][:third], corrected.detach()[part][third : 2 * third]])
        poses = torch.cat([poses, batch.coarse[part][2 * third :]])
        seen = self.network.project(poses).float()
        error = (seen - picture_of(poses, batch.distance_mm[part])).square().mean()
        return loss + self.preset.picture_weight * error

    def validates_after(self, steps: int) -> bool:
        return steps % self.preset.validate_steps == 0

    def validate(self) -> dict[str, float]:
        """Errors of the corrected poses of 16 joints in mm, means over the lifters, and of the projector on the truth
        (exact 2D, as a share of the mean distance of a limb joint)."""
        from maquette.evaluate.metrics import mpjpe, n_mpjpe

        device, errors = device_of(self.network), {name: [] for name in self.metrics}
        for kind, lifted in self.clips.items():
            for clips in lifted:
                for view, truth in zip(clips.view, clips.truth_m, strict=True):
                    pose = torch.from_numpy(view.pose.astype(np.float32)).to(device)
                    found = view.positions_m(self.network.correct(pose).float().cpu().numpy())
                    usable = view.usable
                    errors[f"{kind}_n_mpjpe_mm"].append(1000 * n_mpjpe(found, truth)[usable])
                    errors[f"{kind}_mpjpe_mm"].append(1000 * mpjpe(found, truth)[usable])
        rows = slice(0, 4096)
        truth, distance = (torch.tensor(a[rows], device=device) for a in (self.poses.truth, self.poses.distance_mm))
        wrong = (self.network.project(truth).float() - picture_of(truth, distance)) / 0.2
        errors["picture_rms"].append(np.array([float(wrong.square().mean().sqrt())]))
        return {name: float(np.concatenate(found).mean()) for name, found in errors.items()}

    def facts(self) -> dict[str, Any]:
        return {"poses": len(self.poses)}


def _distance(found: Float[Tensor, "rows 16 3"], truth: Float[Tensor, "rows 16 3"]) -> Float[Tensor, ""]:
    """Mean distance; without a corner at zero, where the root is."""
    return ((found - truth).square().sum(-1) + 1e-8).sqrt().mean()

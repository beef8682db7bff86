"""The training of our own lifters, on samples made from open motion capture."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from maquette.datasets.feed import feed
from maquette.datasets.mocap import clips_of_split, load_clips
from maquette.datasets.samples import Batch
from maquette.datasets.views import TestViews, film
from maquette.lifting.normalize import mirror_features, mirror_positions, normalise_windows, positions_in_camera
from maquette.models.rie_landmarks import LandmarkEncoding
from maquette.models.rie_stages import freeze_for_stage, load_stage
from maquette.skeletons import H36M_17
from maquette.training.experiment import SOLE, Experiment, Share, device_of
from maquette.training.networks import Lifter, build_network
from maquette.training.plans import CorrectionPreset, MocapPreset, RelativeMocapPreset

USES_PER_BATCH = 2  # as it is, and mirrored
_ERRORS = ("mpjpe_mm", "pa_mpjpe_mm")


class Windows(NamedTuple):
    """A batch as the network takes it."""

    features: Float[Tensor, "batch frames channels"]
    targets_m: Float[Tensor, "batch 21 3"]


def learning_rate(preset: MocapPreset | CorrectionPreset, step: int) -> float:
    """Rises over the warm-up, stays, and falls by half a cosine over the cool-down."""
    warm = min(1.0, (step + 1) / max(preset.warmup_steps, 1))
    left = (preset.total_steps - step) / max(preset.cooldown_steps, 1)
    cool = 1.0 if left >= 1 else 0.5 * (1 - math.cos(math.pi * max(left, 0.0)))
    return preset.learning_rate * warm * cool


def make_optimizer(network: nn.Module, preset: MocapPreset) -> torch.optim.AdamW:
    """AdamW; weight decay on matrices only."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": preset.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=preset.learning_rate, foreach=True)


def position_loss(
    predicted: Float[Tensor, "batch 21 3"],
    target: Float[Tensor, "batch 21 3"],
    feet_weight: float,
    scale_free_weight: float,
) -> Float[Tensor, ""]:
    """Weighted mean over joints of the distance in metres (MPJPE), plus the same after fitting each pose's scale."""
    n_body = len(H36M_17)
    weights = torch.ones(predicted.shape[1], dtype=predicted.dtype, device=predicted.device)
    weights[n_body:] = feet_weight
    weights = weights / n_body
    loss = (torch.linalg.vector_norm(predicted - target, dim=-1) * weights).sum(-1).mean()
    if scale_free_weight:
        square = predicted.square().sum((1, 2), keepdim=True).clamp(min=1e-4)
        fitted = (predicted * target).sum((1, 2), keepdim=True) / square * predicted
        free = (torch.linalg.vector_norm(fitted - target, dim=-1) * weights).sum(-1).mean()
        loss = loss + scale_free_weight * free
    return loss


def mirrored(batch: Batch) -> Batch:
    """The batch seen in a mirror."""
    return Batch(mirror_features(batch.features), mirror_positions(batch.targets_m))


def _of_encoding(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The part of a lifter's weights that the relative encoding holds."""
    prefix = "network.encoding."
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


class MocapExperiment(Experiment):
    """A preset on the mocap store in ``data_dir``.

    Several processes each make their own samples, a share of the batch from a stream of its own.

    Args:
        stage: of a training in stages.
        before: weights of the stage before; None for stage 1, and for a run that goes on from its own checkpoint.
    """

    loss_column, loss_scale = "loss_mm", 1000.0
    metrics = tuple(f"{view}_{error}" for view in ("noise", "clean") for error in _ERRORS)

    def __init__(
        self,
        preset: MocapPreset,
        data_dir: str | Path,
        share: Share = SOLE,
        *,
        stage: int = 0,
        before: Mapping[str, Tensor] | None = None,
    ) -> None:
        if isinstance(preset, RelativeMocapPreset):
            preset = preset.of_stage(stage)
        self.preset, self.data_dir, self.share = preset, Path(data_dir), share
        clips = load_clips(data_dir)
        self.clips, held_out = len(clips_of_split(clips, "train")), clips_of_split(clips, "val")
        self.views = {
            name: film(held_out, preset.validate_windows, seed=2, errors=name == "noise") for name in ("clean", "noise")
        }
        self.network: Lifter = build_network(preset, stage)
        if isinstance(self.network.network, LandmarkEncoding):
            encoding = self.network.network.encoding
            if before is not None:
                load_stage(encoding, _of_encoding(before), stage)
            freeze_for_stage(encoding, stage)
        self.total_steps, self.samples_per_step = preset.total_steps, preset.batch_size
        self.mean_decay, self.clip_norm = preset.ema_decay, preset.clip_norm

    def make_optimizer(self) -> torch.optim.Optimizer:
        return make_optimizer(self.network, self.preset)

    def learning_rate(self, step: int) -> float:
        return learning_rate(self.preset, step)

    @contextmanager
    def batches(self, first: int) -> Iterator[Iterator[Windows]]:
        preset, share = self.preset, self.share
        part = share.of(preset.batch_size)
        size = part.stop - part.start
        size -= size % preset.samples.windows_per_segment
        # Each process draws from a stream of its own; a single one from that of the seed itself.
        seed = preset.seed if share.processes == 1 else preset.seed + 1_000_003 * (share.rank + 1)
        with feed(
            str(self.data_dir), preset.samples, size, seed=seed, first=first // USES_PER_BATCH, workers=preset.workers
        ) as source:
            yield self._windows(source, first)

    def _windows(self, source: Iterator[Batch], first: int) -> Iterator[Windows]:
        batch: Batch | None = None
        for step in range(first, self.total_steps):
            second = step % USES_PER_BATCH == 1
            if batch is None or not second:
                batch = next(source)
            seen = mirrored(batch) if second else batch
            features = torch.from_numpy(np.asarray(seen.features, dtype=np.float32))
            yield Windows(features, torch.from_numpy(seen.targets_m))

    def loss(self, batch: Windows) -> Tensor:
        predicted = self.network(batch.features)
        dtype = torch.promote_types(predicted.dtype, torch.float32)
        preset = self.preset
        return position_loss(predicted.to(dtype), batch.targets_m, preset.feet_weight, preset.scale_free_weight)

    def validates_after(self, steps: int) -> bool:
        return steps % self.preset.validate_steps == 0

    def validate(self) -> dict[str, float]:
        """MPJPE and PA-MPJPE of 17 joints in mm, in float32, on each of the test views."""
        from maquette.evaluate.metrics import mpjpe, pa_mpjpe

        errors = {}
        for name, seen in self.views.items():
            found, target = self._positions(seen), seen.targets_m[:, : len(H36M_17)]
            errors[f"{name}_mpjpe_mm"] = 1000 * float(mpjpe(found, target).mean())
            errors[f"{name}_pa_mpjpe_mm"] = 1000 * float(pa_mpjpe(found, target).mean())
        return errors

    def _positions(self, seen: TestViews) -> Float[np.ndarray, "windows 17 3"]:
        middle = seen.points_px.shape[1] // 2
        frames = self.network.window_frames
        window = slice(middle - frames // 2, middle + frames // 2 + 1)
        windows = normalise_windows(seen.points_px[:, window], seen.observed[:, window], seen.focal_px, seen.centre_px)
        like = next(self.network.parameters())
        found = self.network(torch.from_numpy(windows.features).to(device_of(self.network), like.dtype))
        found = positions_in_camera(found.float().cpu().numpy(), windows.R_canonical_camera)
        return (found - found[:, :1])[:, : len(H36M_17)]

    def facts(self) -> dict[str, Any]:
        return {"clips": self.clips}

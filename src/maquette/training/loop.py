"""The training loop: AdamW on the mean position error, a running mean of the weights, checkpoints, a log."""

import csv
import itertools
import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from maquette.datasets.samples import Batch
from maquette.datasets.views import TestViews
from maquette.errors import ModelError
from maquette.lifting.normalize import mirror_features, mirror_positions, normalise_windows, positions_in_camera
from maquette.skeletons import H36M_17
from maquette.training.checkpoint import Progress, RunningMean, save_checkpoint
from maquette.training.networks import Lifter
from maquette.training.presets import Preset

_log = logging.getLogger(__name__)
USES_PER_BATCH = 2  # as it is, and mirrored
_LOG_EVERY = 200


def learning_rate(preset: Preset, step: int) -> float:
    """Rises over the warm-up, stays, and falls by half a cosine over the cool-down."""
    warm = min(1.0, (step + 1) / max(preset.warmup_steps, 1))
    left = (preset.total_steps - step) / max(preset.cooldown_steps, 1)
    cool = 1.0 if left >= 1 else 0.5 * (1 - math.cos(math.pi * max(left, 0.0)))
    return preset.learning_rate * warm * cool


def make_optimizer(network: nn.Module, preset: Preset) -> torch.optim.AdamW:
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
    weights = torch.ones(predicted.shape[1])
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


def run_loop(
    network: Lifter,
    mean: RunningMean,
    optimizer: torch.optim.AdamW,
    batches: Iterator[Batch],
    preset: Preset,
    progress: Progress,
    *,
    out_dir: Path,
    settings: dict[str, Any],
    views: dict[str, TestViews],
    max_minutes: float | None,
) -> None:
    """Train until ``preset.total_steps`` or, if that comes first, for ``max_minutes`` of this call.

    ``batches`` starts with the batch of ``progress.step``; a checkpoint is written now and then and at the end.

    Raises:
        ModelError: the loss is not finite; the last good checkpoint is kept.
    """
    start, minutes_before = time.monotonic(), progress.minutes
    saved, recent = start, []
    network.train()
    batch: Batch | None = None
    while progress.step < preset.total_steps:
        second = progress.step % USES_PER_BATCH == 1
        if batch is None or not second:
            batch = next(batches)
        recent.append(_step(network, optimizer, mirrored(batch) if second else batch, preset, progress.step))
        mean.update(min(preset.ema_decay, (1 + progress.step) / (10 + progress.step)))
        progress.step += 1
        progress.minutes = minutes_before + (time.monotonic() - start) / 60
        out_of_time = max_minutes is not None and time.monotonic() - start > 60 * max_minutes
        last = progress.step >= preset.total_steps or out_of_time
        validate = progress.step % preset.validate_steps == 0 or last
        if progress.step % _LOG_EVERY == 0 or validate:
            _check(recent, out_dir)
            errors = validation(network, mean, views) if validate else {}
            _write_log(out_dir / "log.csv", preset, progress, float(np.mean(recent)), errors)
            left = progress.minutes / progress.step * (preset.total_steps - progress.step)
            _log.info(
                "step %d of %d: loss %.1f mm, about %.0f minutes left",
                progress.step,
                preset.total_steps,
                1000 * float(np.mean(recent)),
                left,
            )
            recent = []
        if last or time.monotonic() - saved > 60 * preset.checkpoint_minutes:
            _check(recent, out_dir)
            save_checkpoint(out_dir / "last.pt", network, mean, optimizer, progress, settings)
            saved = time.monotonic()
        if last:
            return


def _step(network: nn.Module, optimizer: torch.optim.AdamW, batch: Batch, preset: Preset, step: int) -> float:
    """One optimiser step; the loss in metres."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(preset, step)
    features = torch.from_numpy(np.asarray(batch.features, dtype=np.float32))
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=preset.bf16):
        predicted = network(features)
    loss = position_loss(
        predicted.float(), torch.from_numpy(batch.targets_m), preset.feet_weight, preset.scale_free_weight
    )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(network.parameters(), preset.clip_norm, foreach=True)
    optimizer.step()
    # A gradient that is not finite spoils the weights one step before it shows in the loss.
    return float(loss.detach()) if math.isfinite(norm) else math.nan


def _check(losses: list[float], out_dir: Path) -> None:
    if not all(map(math.isfinite, losses)):
        raise ModelError(
            f"the loss is no longer finite; {out_dir / 'last.pt'} holds the last good state: "
            "resume from it with a lower learning rate"
        )


@torch.no_grad()
def validation(network: Lifter, mean: RunningMean, views: dict[str, TestViews]) -> dict[str, float]:
    """MPJPE and PA-MPJPE of 17 joints in mm, of the averaged weights in float32, on each of the test views."""
    from maquette.evaluate.metrics import mpjpe, pa_mpjpe

    kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(mean.state_dict(), strict=False)
    network.eval()
    errors = {}
    frames = network.window_frames
    for name, seen in views.items():
        middle = seen.points_px.shape[1] // 2
        window = slice(middle - frames // 2, middle + frames // 2 + 1)
        windows = normalise_windows(seen.points_px[:, window], seen.observed[:, window], seen.focal_px, seen.centre_px)
        found = positions_in_camera(network(torch.from_numpy(windows.features)).numpy(), windows.R_canonical_camera)
        found = (found - found[:, :1])[:, : len(H36M_17)]
        target = seen.targets_m[:, : len(H36M_17)]
        errors[f"{name}_mpjpe_mm"] = 1000 * float(mpjpe(found, target).mean())
        errors[f"{name}_pa_mpjpe_mm"] = 1000 * float(pa_mpjpe(found, target).mean())
    network.load_state_dict(kept)
    network.train()
    return errors


def _write_log(path: Path, preset: Preset, progress: Progress, loss: float, errors: dict[str, float]) -> None:
    row: dict[str, Any] = {
        "step": progress.step,
        "samples": progress.step * preset.batch_size,
        "minutes": f"{progress.minutes:.2f}",
        "learning_rate": f"{learning_rate(preset, progress.step):.3g}",
        "loss_mm": f"{1000 * loss:.2f}",
    }
    for name in itertools.chain.from_iterable((f"{v}_mpjpe_mm", f"{v}_pa_mpjpe_mm") for v in ("clean", "noise")):
        row[name] = f"{errors[name]:.2f}" if name in errors else ""
    if errors:
        _log.info("step %d: %s", progress.step, ", ".join(f"{k} {v:.1f}" for k, v in errors.items()))
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow(row)

"""One training from start to finish, or from where it stopped."""

import dataclasses
import logging
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maquette.errors import InputError, missing_extra
from maquette.training.presets import Preset, get_preset

if TYPE_CHECKING:
    from maquette.datasets.views import TestViews

_log = logging.getLogger(__name__)
_MAY_CHANGE = {
    "total_steps",
    "threads",
    "workers",
    "checkpoint_minutes",
    "validate_steps",
    "validate_windows",
    "cooldown_steps",
}


def train(
    preset: str,
    *,
    data_dir: str | Path,
    out_dir: str | Path,
    resume: bool = False,
    max_minutes: float | None = None,
    **overrides: Any,
) -> Path:
    """Train a preset on the mocap store in ``data_dir`` and export the ONNX model; its path is returned.

    Args:
        preset: name of a preset.
        out_dir: gets ``last.pt`` (checkpoint), ``log.csv``, and ``<model name>.onnx``.
        resume: go on from ``last.pt``; fields not overridden are those of the stopped run.
        max_minutes: stop after this time (with a checkpoint and an export of what there is).
        overrides: fields of :class:`~maquette.training.presets.Preset` or of its ``samples``.

    Raises:
        MissingExtraError: torch is not installed.
        InputError: preset, field, data or checkpoint cannot be used; ``out_dir`` holds a run and ``resume`` is not set.
        ModelError: the training diverged.
    """
    if find_spec("torch") is None:
        raise missing_extra("train", "torch")
    from maquette.datasets.mocap import clips_of_split, load_clips
    from maquette.datasets.views import film
    from maquette.training.checkpoint import CHECKPOINT, read_checkpoint
    from maquette.training.export import export_run

    out_dir = Path(out_dir)
    checkpoint = out_dir / CHECKPOINT
    state = read_checkpoint(checkpoint) if resume else None
    if state is None and checkpoint.exists():
        raise InputError(f"{out_dir}: holds a run already; pass --resume to go on with it, or choose another folder")
    if state is None:
        plan = get_preset(preset, **overrides)
    else:
        plan = resumed_preset(state["settings"], preset, overrides, step=state["step"])
    held_out = clips_of_split(load_clips(data_dir), "val")
    views = {name: film(held_out, plan.validate_windows, seed=2, errors=name == "noise") for name in ("clean", "noise")}
    out_dir.mkdir(parents=True, exist_ok=True)
    _run(plan, state, str(data_dir), out_dir, views, max_minutes)
    return export_run(out_dir)


def _run(
    plan: Preset,
    state: dict[str, Any] | None,
    data_dir: str,
    out_dir: Path,
    views: "dict[str, TestViews]",
    max_minutes: float | None,
) -> None:
    """Build or restore everything, and train."""
    import torch

    from maquette.datasets.feed import feed
    from maquette.training.checkpoint import Progress, RunningMean, restore
    from maquette.training.loop import USES_PER_BATCH, make_optimizer, run_loop
    from maquette.training.networks import build_network

    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    network = build_network(plan)
    mean, optimizer = RunningMean(network), make_optimizer(network, plan)
    progress = restore(state, network, mean, optimizer) if state else Progress()
    size = sum(p.numel() for p in network.parameters())
    _log.info("%s: step %d of %d, %d parameters", plan.name, progress.step, plan.total_steps, size)
    first = progress.step // USES_PER_BATCH
    with feed(data_dir, plan.samples, plan.batch_size, seed=plan.seed, first=first, workers=plan.workers) as batches:
        run_loop(
            network,
            mean,
            optimizer,
            batches,
            plan,
            progress,
            out_dir=out_dir,
            settings=settings_of(plan),
            views=views,
            max_minutes=max_minutes,
        )


def settings_of(plan: Preset) -> dict[str, Any]:
    """A preset as plain values, nested as the dataclass is."""
    return dataclasses.asdict(plan)


def resumed_preset(settings: dict[str, Any], preset: str, overrides: dict[str, Any], *, step: int) -> Preset:
    """The preset of a stopped run, with those ``overrides`` that may change on the way.

    Raises:
        InputError: it is a run of another preset, or a field is overridden that would make it another training.
    """
    if settings["name"] != preset:
        raise InputError(f"the checkpoint is of preset '{settings['name']}', not '{preset}'; resume with that one")
    flat = {**settings, **settings["samples"]}
    fixed = sorted(k for k, v in overrides.items() if k not in _MAY_CHANGE and flat.get(k) != v)
    if fixed:
        raise InputError(f"a resumed run cannot change {', '.join(fixed)}; start a new one in another folder")
    given = {k: v for k, v in flat.items() if k not in ("name", "kind", "samples")}
    plan = get_preset(preset, **{**given, **overrides})
    before, now = (flat["total_steps"], flat["cooldown_steps"]), (plan.total_steps, plan.cooldown_steps)
    falls = min(steps - cooling for steps, cooling in (before, now))
    if before != now and step > falls:
        raise InputError(
            f"step {step} is past step {falls}, where the learning rate begins to fall: total_steps and "
            "cooldown_steps can only change before; start a new run in another folder"
        )
    return plan

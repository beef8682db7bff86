"""One training from start to finish, stage by stage, or from where it stopped."""

import dataclasses
import logging
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from maquette.errors import InputError, OutputError, missing_extra
from maquette.training.plans import (
    CorrectionPreset,
    HourglassPreset,
    MocapPreset,
    PoseMachinePreset,
    PosePreset,
    Preset,
)
from maquette.training.presets import flat_fields, get_preset
from maquette.training.stages import folder_of, stages_of

_log = logging.getLogger(__name__)
_MAY_CHANGE = {
    *("threads", "workers", "checkpoint_minutes", "log_steps", "export_weights", "keep_poses"),
    *("online_steps", "online_rate", "good_fit"),
    *("validate_steps", "validate_windows", "validate_epochs", "validate_frames", "validate_samples"),
    *("data_2d", "pictures", "pictures_2d"),
    *("total_steps", "cooldown_steps"),
}
"""Fields of a run that may be others when it goes on; also Martinez' epochs and the pose machine's steps, whose
schedules do not depend on them, and where its pictures are; and the epochs of networks of pictures whose rate drops."""


def train(
    preset: str,
    *,
    data_dir: str | Path,
    out_dir: str | Path,
    resume: bool = False,
    max_minutes: float | None = None,
    stage: int | None = None,
    start_from: str | Path | None = None,
    bar: bool = False,
    **overrides: Any,
) -> Path | None:
    """Train a preset on the data in ``data_dir`` and export the ONNX model; its path is returned.

    Args:
        preset: name of a preset.
        data_dir: a store (``maquette prepare``), or the folder of the open motion capture for the mocap presets.
        out_dir: gets ``last.pt`` and ``best.pt`` (checkpoints), ``log.csv``, ``curves.png``, ``tensorboard/`` (of a
            training in stages: a folder for each) and ``<model name>.onnx``.
        resume: go on from ``last.pt``; fields not overridden are those of the stopped run.
        max_minutes: stop after this time (with a checkpoint and an export of what there is).
        stage: run this stage only.
        start_from: weights that ``stage`` starts from (default: those of the stage before in ``out_dir``); or the
            training, of networks of pictures, whose stages are presets of their own.
        bar: show a progress bar on standard error.
        overrides: fields of the preset or of its ``samples``.

    Returns:
        Of stage 1 of a pose machine the checkpoint, as it is no lifter yet. None in processes of a distributed training
        other than the first.

    Raises:
        MissingExtraError: torch or lightning is not installed.
        InputError: preset, field, data or checkpoint cannot be used; ``out_dir`` holds a run and ``resume`` is not set.
        ModelError: the training diverged.
        OutputError: a checkpoint or the model cannot be written.
    """
    _check_packages()
    from maquette.training.checkpoint import CHECKPOINT
    from maquette.training.export import export_run, is_first_process, model_file

    out_dir = Path(out_dir)
    if max_minutes is not None and not max_minutes >= 0:
        raise InputError(f"--max-minutes {max_minutes}: expected 0 or more")
    plan = get_preset(preset, **overrides)
    stages = _chosen_stages(plan, stage, start_from)
    if isinstance(plan, HourglassPreset) and not resume:
        _check_start(plan, start_from)
    plan, reached, state = _reached(plan, overrides, out_dir, stages, resume)
    if isinstance(plan, PoseMachinePreset) and reached == 1 and len(stages) > 1:
        from maquette.training.pose_machine_data import PoseMachineData

        PoseMachineData.open(plan, data_dir)  # what the later stages lack is said before the days that the first takes
    deadline = None if max_minutes is None else time.monotonic() + 60 * max_minutes
    for number in stages[stages.index(reached) :]:
        left = None if deadline is None else max((deadline - time.monotonic()) / 60, 0.0)
        if left == 0 and number != reached:
            break  # the model of a stage that is done is worth more than that of one that has just begun
        before = None
        if isinstance(plan, HourglassPreset) and state is None:
            before = Path(start_from) if start_from else None
        elif number not in (0, stages_of(plan)[0]) and state is None:
            before = Path(start_from) if start_from else _end_of(plan, out_dir, number - 1)
        finished = _run_stage(plan, number, Path(data_dir), out_dir, state, before, left, bar)
        reached, state = number, None
        if not finished:
            break
    if not is_first_process():
        return None
    if isinstance(plan, PoseMachinePreset) and reached == 1:
        return folder_of(out_dir, 1) / CHECKPOINT  # what stage 2 starts from; by itself it is no lifter
    last = reached == stages_of(plan)[-1]
    name = model_file(plan) if last else f"{plan.model_name}-stage-{reached}.onnx"
    return export_run(folder_of(out_dir, reached), path=out_dir / name)


def _check_packages() -> None:
    for package in ("torch", "lightning", "onnx", "tensorboard", "matplotlib"):
        if find_spec(package) is None:
            raise missing_extra("train", package)


def _run_stage(
    plan: Preset,
    stage: int,
    data_dir: Path,
    out_dir: Path,
    state: dict[str, Any] | None,
    before: Path | None,
    minutes: float | None,
    bar: bool,
) -> bool:
    """Build everything, and train; True if the stage is finished."""
    import torch

    from maquette.training.checkpoint import load_weights
    from maquette.training.experiments import build_experiment
    from maquette.training.lightning_run import Run, fit
    from maquette.training.surroundings import choose_accelerator

    choose_accelerator(plan)  # before the data are read: a GPU that is not there should be said at once
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    experiment = build_experiment(plan, data_dir, stage=stage, before=before)
    if state is not None:
        _check_data(state["facts"], experiment.facts(), data_dir)
        load_weights(experiment.network, {**state, "mean": None})
    size = sum(p.numel() for p in experiment.network.parameters() if p.requires_grad)
    folder = folder_of(out_dir, stage)
    _make_folder(folder, sweep=experiment.share.rank == 0)
    name = f"{plan.name} stage {stage}" if stage else plan.name
    steps = state["step"] if state else 0
    _log.info("%s: step %d of %d, %d parameters to train", name, steps, experiment.total_steps, size)
    settings = {"settings": dataclasses.asdict(plan), "stage": stage}
    return fit(experiment, plan, Run(folder, settings, minutes, bar), state)


def _make_folder(folder: Path, *, sweep: bool) -> None:
    """The folder of a run; ``sweep``: without what a killed process left half written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        halves = [path for stem in ("last", "best", "curves") for path in folder.glob(f".{stem}.*")]
        for path in halves if sweep else ():
            path.unlink()
    except OSError as error:
        raise OutputError(
            f"{folder}: nothing can be written there ({error.strerror}); choose another output folder"
        ) from error


def _check_data(before: dict[str, Any], now: dict[str, Any], data_dir: Path) -> None:
    """Other data would silently make it another training."""
    problems = [
        f"other {name}" + ("" if isinstance(now[name], dict) else f": {now[name]}, expected {before[name]}")
        for name in before.keys() & now.keys()
        if not _equal(before[name], now[name])
    ]
    if problems:
        raise InputError.from_problems(f"{data_dir}: not the data that this run was trained on", sorted(problems))


def _equal(before: Any, now: Any) -> bool:
    import torch

    if isinstance(before, dict):
        return before.keys() == now.keys() and all(_equal(value, now[name]) for name, value in before.items())
    if isinstance(before, torch.Tensor):
        return before.shape == now.shape and torch.allclose(before, now, rtol=1e-6)
    return before == now


def _check_start(plan: HourglassPreset, start_from: str | Path | None) -> None:
    """Said before the data are read."""
    if start_from is None and plan.stage > 1:
        before = plan.name.removesuffix(str(plan.stage)) + str(plan.stage - 1)
        raise InputError(
            f"preset '{plan.name}' starts from the weights of stage {plan.stage - 1}: train {before} and give its "
            "checkpoint, --from FOLDER/last.pt, or a published network"
        )
    if start_from is None and plan.norm == "frozen":
        raise InputError(
            "--norm frozen: keeps the statistics of the weights that it starts from; give them with --from"
        )
    if start_from is not None and not Path(start_from).is_file():
        raise InputError(f"--from {start_from}: no such file; expected a checkpoint or a published network")


def _chosen_stages(plan: Preset, stage: int | None, start_from: str | Path | None) -> tuple[int, ...]:
    stages = stages_of(plan)
    if stage is None and (start_from is None or isinstance(plan, HourglassPreset)):
        return stages
    if stages == (0,):
        hint = (
            "--stage out; each of its stages is a preset"
            if isinstance(plan, HourglassPreset)
            else "--stage and --from out"
        )
        raise InputError(f"preset '{plan.name}' has one stage only; leave {hint}")
    if stage not in stages:
        raise InputError(f"--stage {stage}: preset '{plan.name}' has the stages {', '.join(map(str, stages))}")
    if stage == stages[0] and start_from is not None:
        raise InputError(f"--stage {stage} starts from nothing; leave --from out")
    if start_from is not None and not Path(start_from).is_file():
        raise InputError(f"--from {start_from}: no such file; expected a checkpoint of stage {stage - 1}")
    return (stage,)


def _end_of(plan: Preset, out_dir: Path, stage: int) -> Path:
    """The checkpoint that ``stage`` ended with."""
    from maquette.training.checkpoint import BEST, CHECKPOINT

    folder = folder_of(out_dir, stage)
    # Without test data no weights are the best.
    path = folder / (BEST if plan.export_weights == "best" and (folder / BEST).is_file() else CHECKPOINT)
    if not path.is_file():
        raise InputError(f"{path}: stage {stage} has not been trained here; train it first, or give --from FILE")
    return path


def _reached(
    plan: Preset, overrides: dict[str, Any], out_dir: Path, stages: tuple[int, ...], resume: bool
) -> tuple[Preset, int, dict[str, Any] | None]:
    """The preset of the run, the stage that it has reached, and the checkpoint of that stage."""
    from maquette.training.checkpoint import CHECKPOINT, read_checkpoint

    there = [stage for stage in stages if (folder_of(out_dir, stage) / CHECKPOINT).exists()]
    if not resume:
        if there:
            folder = folder_of(out_dir, there[0])
            raise InputError(f"{folder}: holds a run already; pass --resume to go on with it, or choose another folder")
        return plan, stages[0], None
    reached = there[-1] if there else stages[0]
    state = read_checkpoint(folder_of(out_dir, reached) / CHECKPOINT)
    return resumed_preset(state["settings"], plan.name, overrides, step=state["step"]), reached, state


def plan_from_settings(settings: dict[str, Any]) -> Preset:
    """The preset of a run, as its checkpoint has it."""
    standard = flat_fields(get_preset(settings["name"]))
    flat = {**settings, **settings.get("samples", {})}
    return get_preset(settings["name"], **{k: v for k, v in flat.items() if k in standard})


def resumed_preset(settings: dict[str, Any], preset: str, overrides: dict[str, Any], *, step: int) -> Preset:
    """The preset of a stopped run, with those ``overrides`` that may change on the way.

    Raises:
        InputError: it is a run of another preset, or a field is overridden that would make it another training.
    """
    if settings["name"] != preset:
        raise InputError(f"the checkpoint is of preset '{settings['name']}', not '{preset}'; resume with that one")
    before = plan_from_settings(settings)
    flat = flat_fields(before)
    allowed = _MAY_CHANGE | ({"epochs"} if isinstance(before, PosePreset) else set())
    if isinstance(before, HourglassPreset) and before.schedule == "drops":
        allowed |= {"epochs"}
    if isinstance(before, PoseMachinePreset):
        allowed |= {"stage_steps", "mpii", "mpii_pictures", "pictures", "pictures_prefix", "picture_names"}
    fixed = sorted(k for k, v in overrides.items() if k not in allowed and flat.get(k) != v)
    if fixed:
        raise InputError(f"a resumed run cannot change {', '.join(fixed)}; start a new one in another folder")
    plan = get_preset(preset, **{**flat, **overrides})
    if isinstance(plan, MocapPreset | CorrectionPreset) and isinstance(before, MocapPreset | CorrectionPreset):
        _check_schedule(before, plan, step)
    return plan


def _check_schedule(before: MocapPreset | CorrectionPreset, now: MocapPreset | CorrectionPreset, step: int) -> None:
    ends = [(plan.total_steps, plan.cooldown_steps) for plan in (before, now)]
    falls = min(steps - cooling for steps, cooling in ends)
    if ends[0] != ends[1] and step > falls:
        raise InputError(
            f"step {step} is past step {falls}, where the learning rate begins to fall: total_steps and "
            "cooldown_steps can only change before; start a new run in another folder"
        )

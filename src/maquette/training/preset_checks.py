"""The fields of presets: all of them by name, and values with which no training is possible."""

import dataclasses
from typing import Any, Literal, get_args, get_origin

from maquette.errors import InputError
from maquette.training.plans import CorrectionPreset, HourglassPreset, PoseMachinePreset, Preset, RelativePreset

FIXED = {"name", "kind", "stage"}
"""Fields that make a preset what it is; no flag changes them."""


def flat_fields(preset: Preset) -> dict[str, Any]:
    """Every field that may be overridden -> value; those of ``samples`` by their own names."""
    flat = {f.name: getattr(preset, f.name) for f in dataclasses.fields(preset) if f.name not in FIXED}
    samples = flat.pop("samples", None)
    return flat if samples is None else {**flat, **dataclasses.asdict(samples)}


def check_preset(preset: Preset) -> None:
    """Refuse values with which no training is possible.

    Raises:
        InputError: naming all of them.
    """
    flat, problems = flat_fields(preset), []
    may_be_none = _MAY_BE_NONE if isinstance(preset, HourglassPreset) else set()
    for name in (_AT_LEAST_ONE - may_be_none) & flat.keys():
        if any(v < 1 for v in _several(flat[name])):
            problems.append(f"{_flag(name)} {_text(flat[name])}: expected 1 or more")
    for name in (_AT_LEAST_ZERO | may_be_none) & flat.keys():
        if any(not 0 <= v < float("inf") for v in _several(flat[name])):
            problems.append(f"{_flag(name)} {_text(flat[name])}: expected 0 or more")
    for name in _SEEDS & flat.keys():
        if not 0 <= flat[name] < 2**32:
            problems.append(f"{_flag(name)} {flat[name]}: expected 0 to {2**32 - 1}")
    for name in _SHARES & flat.keys():
        if not 0 <= flat[name] < 1:
            problems.append(f"{_flag(name)} {flat[name]}: expected 0 or more and less than 1")
    for name in _PARTS & flat.keys():
        if not 0 < flat[name] <= 1:
            problems.append(f"{_flag(name)} {flat[name]}: expected more than 0 and at most 1")
    for name in (_POSITIVE - may_be_none) & flat.keys():
        if any(not 0 < v < float("inf") for v in _several(flat[name])):
            problems.append(f"{_flag(name)} {_text(flat[name])}: expected a positive number")
    widths = flat.get("filter_widths", (3,))
    if not widths or any(w < 1 or w % 2 == 0 for w in widths):
        problems.append(f"--filter-widths {_text(widths)}: expected odd numbers")
    if "windows_per_segment" in flat and flat["batch_size"] % flat["windows_per_segment"]:
        problems.append(f"--batch-size {flat['batch_size']}: is no multiple of {flat['windows_per_segment']} windows")
    kinds = [type(part) for part in (preset, getattr(preset, "samples", None)) if part is not None]
    for name, choices in {k: v for kind in kinds for k, v in _choices(kind).items()}.items():
        if flat.get(name) not in choices:
            problems.append(f"{_flag(name)} {flat.get(name)}: expected one of {', '.join(map(str, choices))}")
    if flat.get("stride", 1) > flat["batch_size"]:
        problems.append(f"--stride {flat['stride']}: more than the {flat['batch_size']} frames of a step")
    if preset.export_weights == "best" and flat.get("validate_epochs") == 0:
        problems.append("--export-weights best --validate-epochs 0: without validations no weights are the best")
    problems += _of_the_family(preset)
    if problems:
        raise InputError.from_problems(f"preset '{preset.name}'", sorted(problems))


def _of_the_family(preset: Preset) -> list[str]:
    problems = []
    if isinstance(preset, PoseMachinePreset) and preset.batch_size % preset.sequence_frames:
        problems.append(
            f"--batch-size {preset.batch_size}: is no multiple of the {preset.sequence_frames} frames of a sequence"
        )
    if isinstance(preset, PoseMachinePreset) and preset.front == "image" and preset.image_size < _SMALLEST_PICTURE:
        problems.append(f"--image-size {preset.image_size}: expected {_SMALLEST_PICTURE} or more")
    if isinstance(preset, CorrectionPreset) and preset.width <= 48:
        problems.append(f"--width {preset.width}: 48 units carry the pose, expected 49 or more")
    if isinstance(preset, RelativePreset) and preset.stride != 1:
        problems.append(f"--stride {preset.stride}: this network gives one frame at a time, expected 1")
    if isinstance(preset, HourglassPreset):
        if preset.weight_2d == preset.weight_3d == preset.weight_var == 0:
            problems.append("--weight-2d 0 --weight-3d 0 --weight-var 0: nothing to learn")
        if not preset.depth and not preset.freezes_depth:
            problems.append(
                "--no-depth: a network without depths learns neither them nor the geometry; set --weight-3d 0"
            )
        if list(preset.drop_epochs) != sorted(set(preset.drop_epochs)):
            problems.append(f"--drop-epochs {_text(preset.drop_epochs)}: expected rising numbers")
    return problems


_AT_LEAST_ONE = {
    *("batch_size", "threads", "log_steps", "total_steps", "width", "levels", "workers", "validate_windows"),
    *("validate_steps", "epochs", "decay_steps", "linear_size", "stride", "downsample", "channels", "latent", "hidden"),
    *("window_frames", "windows_per_segment", "stage_steps", "sequence_frames", "every", "image_size"),
    *("poses", "stacks", "modules", "feats", "reg_modules", "input_size", "norm_groups", "drop_epochs"),
}
_MAY_BE_NONE = {"workers", "clip_norm"}
"""Of networks of pictures 0 means none."""
_AT_LEAST_ZERO = {
    *("checkpoint_minutes", "validate_epochs", "validate_frames", "num_layers", "blocks", "warmup", "warmup_steps"),
    *("cooldown_steps", "stage_cooldowns", "weight_decay", "feet_weight", "scale_free_weight", "stills"),
    *("bone_weight", "picture_weight", "projected_poses", "online_steps", "good_fit"),
    *("dropped_value", "weight_2d", "weight_3d", "weight_var", "ratio_3d", "epoch_samples", "momentum"),
    *("validate_samples", "skeleton_length_mm", "scale", "shift", "rotation_deg", "brightness", "contrast"),
    *("saturation", "blur_px", "noise", "hidden_most", "gain"),
}
_SEEDS = {"seed", "order_seed"}
_SHARES = {"dropout", "head_dropout", "ema_decay", "mask_probability", "spoilt_share", "alpha"}
_SMALLEST_PICTURE = 56
"""With which something is left behind the last convolution of the pose machine."""
_PARTS = {"subset", "momentum_first", "momentum_last", "norm_momentum", "drop_factor"}
_POSITIVE = {
    "learning_rate",
    "lr_decay",
    "decay",
    "clip_norm",
    "step_s",
    "stage_rates",
    "online_rate",
    "epsilon",
    "sigma_px",
    "std",
}


def _several(value: Any) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def _text(value: Any) -> str:
    return " ".join(map(str, _several(value)))


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _choices(kind: type) -> dict[str, tuple[str, ...]]:
    """Fields that hold one of a few words."""
    annotations = {f.name: f.type for f in dataclasses.fields(kind) if f.name not in FIXED}
    return {name: get_args(a) for name, a in annotations.items() if get_origin(a) is Literal}

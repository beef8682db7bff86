"""The trainings that ``maquette train`` knows, in one literal dict."""

import dataclasses
from typing import Any, Literal, get_args, get_origin

from maquette.datasets.sample_settings import SampleSettings
from maquette.errors import InputError
from maquette.training.plans import (
    CorrectionPreset,
    MocapPreset,
    PoseMachinePreset,
    PosePreset,
    Preset,
    RelativeMocapPreset,
    RelativePreset,
    TemporalPreset,
)

_HUMANEVA_TRAIN = ("Train/S1", "Train/S2", "Train/S3")
_HUMANEVA_TEST = ("Validate/S1", "Validate/S2", "Validate/S3")
_HUMANEVA_ACTIONS = ("Walk", "Jog", "Box")

PRESETS: dict[str, Preset] = {
    "martinez-h36m-gt": PosePreset(name="martinez-h36m-gt", model_name="martinez-h36m-gt", source="gt"),
    "martinez-h36m-sh": PosePreset(name="martinez-h36m-sh", model_name="martinez-h36m-sh", source="sh"),
    "martinez-h36m-sh-ft": PosePreset(name="martinez-h36m-sh-ft", model_name="martinez-h36m-sh-ft", source="sh_ft"),
    "rie-h36m-gt": RelativePreset(name="rie-h36m-gt", model_name="rie-h36m-gt", source="gt"),
    "rie-h36m-cpn": RelativePreset(
        name="rie-h36m-cpn", model_name="rie-h36m-cpn", source="cpn_ft_h36m_dbb", latent=512
    ),
    # The authors published no code for HumanEva: schedule and batch are VideoPose3D's for that data.
    "rie-humaneva": RelativePreset(
        name="rie-humaneva",
        model_name="rie-humaneva",
        source="gt",
        subjects_train=_HUMANEVA_TRAIN,
        subjects_test=_HUMANEVA_TEST,
        actions=_HUMANEVA_ACTIONS,
        groups="humaneva15",
        filter_widths=(3, 3, 3),
        batch_size=128,
        epochs=(1000, 1000, 1000),
        lr_decay=0.996,
        validate_epochs=10,
    ),
    "tcn-h36m-cpn": TemporalPreset(name="tcn-h36m-cpn", model_name="tcn-h36m-cpn", source="cpn_ft_h36m_dbb"),
    "tcn-h36m-semi": TemporalPreset(
        name="tcn-h36m-semi",
        model_name="tcn-h36m-semi",
        source="gt",
        subjects_train=("S1",),
        subjects_unlabeled=("S5", "S6", "S7", "S8"),
        subset=0.1,
        epochs=200,
        lr_decay=0.98,
        filter_widths=(3, 3, 3),
        warmup=5,
        batch_size=64,
    ),
    "tcn-humaneva": TemporalPreset(
        name="tcn-humaneva",
        model_name="tcn-humaneva",
        source="detectron_pt_coco",
        subjects_train=_HUMANEVA_TRAIN,
        subjects_test=_HUMANEVA_TEST,
        actions=_HUMANEVA_ACTIONS,
        filter_widths=(3, 3, 3),
        batch_size=128,
        epochs=1000,
        lr_decay=0.996,
        validate_epochs=10,
    ),
    "pose-machine-h36m": PoseMachinePreset(name="pose-machine-h36m", model_name="pose-machine-h36m"),
    "pose-machine-h36m-pairs": PoseMachinePreset(
        name="pose-machine-h36m-pairs",
        model_name="pose-machine-h36m-pairs",
        front="keypoints",
        initialisation="scaled",
    ),
    "tcn-mocap": MocapPreset(name="tcn-mocap", model_name="maquette-tcn27", kind="temporal"),
    "martinez-mocap": MocapPreset(
        name="martinez-mocap",
        model_name="maquette-residual",
        kind="residual",
        samples=SampleSettings(window_frames=1, segment_extra_frames=12),
        width=1024,
        blocks=2,
        batch_size=1024,
        total_steps=6_500,
        cooldown_steps=2_500,
    ),
    "rie-mocap": RelativeMocapPreset(
        name="rie-mocap", model_name="maquette-rie27", kind="relative", width=256, batch_size=1024, dropout=0.1
    ),
    "correction-mocap": CorrectionPreset(name="correction-mocap", model_name="maquette-correction"),
}
_FIXED = {"name", "kind"}
"""Fields that make a preset what it is; no flag changes them."""


def get_preset(name: str, **overrides: Any) -> Preset:
    """A preset with some fields replaced; fields of its ``samples`` are given by their own names.

    Raises:
        InputError: the preset or a field does not exist, or a value is impossible; the text says all that is wrong.
    """
    if name not in PRESETS:
        raise InputError(f"no preset is called '{name}'; there are: {', '.join(PRESETS)}")
    preset = PRESETS[name]
    own = {f.name for f in dataclasses.fields(preset)} - _FIXED - {"samples"}
    samples = getattr(preset, "samples", None)
    of_samples = {f.name for f in dataclasses.fields(samples)} if samples is not None else set()
    unknown = sorted(set(overrides) - own - of_samples)
    if unknown:
        raise InputError(
            f"preset '{name}' has no field {', '.join(unknown)}; it has: {', '.join(sorted(own | of_samples))}"
        )
    changed: dict[str, Any] = {k: v for k, v in overrides.items() if k in own}
    if samples is not None:
        changed["samples"] = dataclasses.replace(samples, **{k: v for k, v in overrides.items() if k in of_samples})
    preset = dataclasses.replace(preset, **changed)
    check_preset(preset)
    return preset


def flat_fields(preset: Preset) -> dict[str, Any]:
    """Every field that may be overridden -> value; those of ``samples`` by their own names."""
    flat = {f.name: getattr(preset, f.name) for f in dataclasses.fields(preset) if f.name not in _FIXED}
    samples = flat.pop("samples", None)
    return flat if samples is None else {**flat, **dataclasses.asdict(samples)}


def check_preset(preset: Preset) -> None:
    """Refuse values with which no training is possible.

    Raises:
        InputError: naming all of them.
    """
    flat, problems = flat_fields(preset), []
    for name in _AT_LEAST_ONE & flat.keys():
        if any(v < 1 for v in _several(flat[name])):
            problems.append(f"{_flag(name)} {_text(flat[name])}: expected 1 or more")
    for name in _AT_LEAST_ZERO & flat.keys():
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
    for name in _POSITIVE & flat.keys():
        if any(not 0 < v < float("inf") for v in _several(flat[name])):
            problems.append(f"{_flag(name)} {_text(flat[name])}: expected a positive number")
    widths = flat.get("filter_widths", (3,))
    if not widths or any(w < 1 or w % 2 == 0 for w in widths):
        problems.append(f"--filter-widths {_text(widths)}: expected odd numbers")
    if "windows_per_segment" in flat and flat["batch_size"] % flat["windows_per_segment"]:
        problems.append(f"--batch-size {flat['batch_size']}: is no multiple of {flat['windows_per_segment']} windows")
    for name, choices in _choices(type(preset)).items():
        if flat.get(name) not in choices:
            problems.append(f"{_flag(name)} {flat.get(name)}: expected one of {', '.join(choices)}")
    if flat.get("stride", 1) > flat["batch_size"]:
        problems.append(f"--stride {flat['stride']}: more than the {flat['batch_size']} frames of a step")
    if preset.export_weights == "best" and flat.get("validate_epochs") == 0:
        problems.append("--export-weights best --validate-epochs 0: without validations no weights are the best")
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
    if problems:
        raise InputError.from_problems(f"preset '{preset.name}'", sorted(problems))


_AT_LEAST_ONE = {
    *("batch_size", "threads", "log_steps", "total_steps", "width", "levels", "workers", "validate_windows"),
    *("validate_steps", "epochs", "decay_steps", "linear_size", "stride", "downsample", "channels", "latent", "hidden"),
    *("window_frames", "windows_per_segment", "stage_steps", "sequence_frames", "every", "image_size"),
    *("poses",),
}
_AT_LEAST_ZERO = {
    *("checkpoint_minutes", "validate_epochs", "validate_frames", "num_layers", "blocks", "warmup", "warmup_steps"),
    *("cooldown_steps", "stage_cooldowns", "weight_decay", "feet_weight", "scale_free_weight", "stills"),
    *("bone_weight", "picture_weight", "projected_poses", "online_steps", "good_fit"),
    "dropped_value",
}
_SEEDS = {"seed", "order_seed"}
_SHARES = {"dropout", "head_dropout", "ema_decay", "mask_probability", "spoilt_share"}
_SMALLEST_PICTURE = 56
"""With which something is left behind the last convolution of the pose machine."""
_PARTS = {"subset", "momentum_first", "momentum_last"}
_POSITIVE = {"learning_rate", "lr_decay", "decay", "clip_norm", "step_s", "stage_rates", "online_rate"}


def _several(value: Any) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def _text(value: Any) -> str:
    return " ".join(map(str, _several(value)))


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _choices(kind: type) -> dict[str, tuple[str, ...]]:
    """Fields that hold one of a few words."""
    annotations = {f.name: f.type for f in dataclasses.fields(kind) if f.name not in _FIXED}
    return {name: get_args(a) for name, a in annotations.items() if get_origin(a) is Literal}

"""The trainings that ``maquette train`` knows, in one literal dict."""

import dataclasses
from typing import Any

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
from maquette.training.preset_checks import FIXED, check_preset, flat_fields
from maquette.training.presets_pictures import PICTURE_PRESETS

__all__ = ["PRESETS", "check_preset", "flat_fields", "get_preset"]

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
    **PICTURE_PRESETS,
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


def get_preset(name: str, **overrides: Any) -> Preset:
    """A preset with some fields replaced; fields of its ``samples`` are given by their own names.

    Raises:
        InputError: the preset or a field does not exist, or a value is impossible; the text says all that is wrong.
    """
    if name not in PRESETS:
        raise InputError(f"no preset is called '{name}'; there are: {', '.join(PRESETS)}")
    preset = PRESETS[name]
    own = {f.name for f in dataclasses.fields(preset)} - FIXED - {"samples"}
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

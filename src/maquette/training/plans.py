"""What a training is made of: frozen dataclasses, one for each family, whose every field is a flag of the command."""

from maquette.training.plans_any import Preset
from maquette.training.plans_hourglass import HourglassPreset
from maquette.training.plans_machine import PoseMachinePreset
from maquette.training.plans_mocap import CorrectionPreset, MocapPreset, RelativeMocapPreset
from maquette.training.plans_pictures import PictureSampleFields
from maquette.training.plans_store import ChunkPreset, PosePreset, RelativePreset, StorePreset, TemporalPreset

__all__ = [
    "ChunkPreset",
    "CorrectionPreset",
    "HourglassPreset",
    "MocapPreset",
    "PictureSampleFields",
    "PoseMachinePreset",
    "PosePreset",
    "Preset",
    "RelativeMocapPreset",
    "RelativePreset",
    "StorePreset",
    "TemporalPreset",
]

"""Choices that writers share, as types, and everything that a file can be asked to be."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.rig.target_rig import Rig

RotationOrder = Literal["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"]
"""Of Euler angles, intrinsic: "ZXY" means R = Rz Rx Ry."""
LengthUnit = Literal["m", "cm", "mm", "inch"]
BvhPresetName = Literal["blender", "motionbuilder", "3dsmax", "maya"]
"""Rotation order, unit and names that a program's own BVH import expects (:mod:`maquette.exporters.bvh_presets`)."""
RestPose = Literal["T", "A"]
RootMotion = Literal["travel", "in-place"]
"""Whether the root goes through space or stays above one spot."""
Layout = Literal["wide", "long"]
"""Of tables: a row for each frame, or for each joint of each frame."""
UnityText = Literal["unity-frames", "unity-pos", "unity-stream"]
"""Text formats of existing Unity projects (:mod:`maquette.exporters.unity_text`)."""
OpenSimModelName = Literal["rajagopal2016", "gait2392"]
"""Whose coordinates a ``.mot`` holds (:mod:`maquette.exporters.mot`)."""

PER_METRE: dict[str, float] = {"m": 1.0, "cm": 100.0, "mm": 1000.0, "inch": 1 / 0.0254}
"""Each :data:`LengthUnit` in a metre."""


@dataclass(frozen=True)
class Wish:
    """The arguments of :func:`maquette.exporters.write_motion`, of which each format takes what concerns it."""

    motion: Motion
    path: Path
    keypoints: Keypoints | None
    video: str | Path | None
    video_start_s: float
    video_fps: Fraction | None
    rig: str | Path | Rig | None
    rest_pose: RestPose
    root_motion: RootMotion
    foot_lock: bool | None
    bvh_preset: BvhPresetName | None
    rotation_order: RotationOrder | None
    unit: LengthUnit | None
    layout: Layout
    unity_text: UnityText
    opensim_model: OpenSimModelName
    blender: str | Path | None
    size: tuple[int, int]
    frame: int | None
    fork_legacy: bool

"""The demo's figure: an adult of 1.70 m, posed from the orientations of its segments and the places of its feet.

Body axes: x to the figure's left, y up, z forward. A figure with heading 0 looks along the world's +Z.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.geometry import quat_about, quat_rotate
from maquette.skeleton import Skeleton
from maquette.skeletons import LIFTED_21

_MARKS = {
    "l_big_toe": "l_toe",
    "r_big_toe": "r_toe",
    "l_small_toe": "l_toe",
    "r_small_toe": "r_toe",
    "neck": "thorax",
    **dict.fromkeys(("face_nose", "l_eye", "r_eye", "l_ear", "r_ear"), "head"),
}
"""Surface points that a detector marks, and the joint that each hangs on."""
_NAMES = (*LIFTED_21.joints, *_MARKS)

FIGURE = Skeleton(
    "demo-figure",
    _NAMES,
    (*LIFTED_21.parents, *LIFTED_21.indices(_MARKS.values())),
    tuple((name, "r_" + name[2:]) for name in _NAMES if name.startswith("l_")),
)
"""Maquette-21's joints in its order, then the surface points that a detector marks."""

THIGH_M, SHIN_M = 0.430, 0.420
UPPER_ARM_M, FOREARM_M = 0.285, 0.250
HIP_HALF_WIDTH_M = 0.100
ANKLE_HEIGHT_M = 0.070

HEEL = np.array([0.0, -0.070, -0.050])
"""From the ankle, in the axes of the foot."""
TOE = np.array([0.0, -0.060, 0.115])
"""The ball of the foot, from the ankle."""
BIG_TOE = np.array([-0.020, 0.0, 0.065])
"""From the ball, in the axes of the toes; of the left foot, the right one is its mirror image."""
SMALL_TOE = np.array([0.045, -0.003, 0.020])

_SPINE = np.array([0.0, 0.262, -0.012])
_THORAX = np.array([0.0, 0.275, -0.006])
_NECK_FROM_THORAX = np.array([0.0, -0.040, 0.012])
_SHOULDER_FROM_THORAX = np.array([0.172, -0.045, 0.006])
_NOSE = np.array([0.0, 0.122, 0.038])
_HEAD = np.array([0.0, 0.130, -0.026])
_FACE = {
    "face_nose": np.array([0.0, -0.150, 0.110]),
    "l_eye": np.array([0.032, -0.115, 0.085]),
    "l_ear": np.array([0.072, -0.130, 0.0]),
}
"""From the top of the head, in the axes of the head."""

_MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Foot:
    """Course of one foot."""

    ankle: Float[np.ndarray, "frames 3"]
    rotation: Float[np.ndarray, "frames 4"]
    toe_rotation: Float[np.ndarray, "frames 4"]
    heading: Float[np.ndarray, "frames 3"]
    """Horizontal unit vector along the foot: the side to which the knee bends."""


@dataclass(frozen=True)
class Pose:
    """What the figure does in each frame: global rotations of the trunk's segments, both feet, both arms."""

    hip: Float[np.ndarray, "frames 3"]
    pelvis: Float[np.ndarray, "frames 4"]
    lumbar: Float[np.ndarray, "frames 4"]
    chest: Float[np.ndarray, "frames 4"]
    neck: Float[np.ndarray, "frames 4"]
    head: Float[np.ndarray, "frames 4"]
    feet: dict[str, Foot]
    wrists: dict[str, Float[np.ndarray, "frames 3"]]
    elbow_sides: dict[str, Float[np.ndarray, "frames 3"]]
    """A direction for each arm, by side ``l`` and ``r``: the elbow lies to this side of the line shoulder-wrist."""


def on_side(offset: Float[np.ndarray, "3"], side: str) -> Float[np.ndarray, "3"]:
    """A left offset, or its mirror image for side ``r``."""
    return offset if side == "l" else offset * _MIRROR


def shoulder(thorax: Float[np.ndarray, "frames 3"], chest: Float[np.ndarray, "frames 4"], side: str) -> np.ndarray:
    """Shoulder joints ``(frames, 3)``."""
    return thorax + quat_rotate(chest, on_side(_SHOULDER_FROM_THORAX, side))


def trunk(pose_hip: np.ndarray, lumbar: np.ndarray, chest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joints spine and thorax, ``(frames, 3)`` each."""
    spine = pose_hip + quat_rotate(lumbar, _SPINE)
    return spine, spine + quat_rotate(chest, _THORAX)


def hip_joint(hip: np.ndarray, pelvis: np.ndarray, side: str) -> np.ndarray:
    """Hip joints of one side, ``(frames, 3)``."""
    return hip + quat_rotate(pelvis, on_side(np.array([HIP_HALF_WIDTH_M, 0.0, 0.0]), side))


def bend(
    start: Float[np.ndarray, "frames 3"],
    end: Float[np.ndarray, "frames 3"],
    first_m: float,
    second_m: float,
    to_side: Float[np.ndarray, "frames 3"],
) -> tuple[Float[np.ndarray, "frames 3"], Float[np.ndarray, "frames 3"]]:
    """``(middle, end)`` joints of a limb of two bones by the law of cosines, bent to the given side.

    An end out of reach is brought to 99.9 % of the limb's length, in its direction.
    """
    span = end - start
    length = np.linalg.norm(span, axis=-1, keepdims=True)
    along = span / length
    length = np.clip(length, 1.001 * abs(first_m - second_m), 0.999 * (first_m + second_m))
    foot_of_middle = (first_m**2 - second_m**2 + length**2) / (2 * length)
    side = to_side - np.sum(to_side * along, axis=-1, keepdims=True) * along
    side = side / np.linalg.norm(side, axis=-1, keepdims=True)
    middle = start + foot_of_middle * along + np.sqrt(first_m**2 - foot_of_middle**2) * side
    return middle, start + length * along


def joints(pose: Pose) -> Float[np.ndarray, "frames joints 3"]:
    """Positions of all joints of :data:`FIGURE`."""
    at: dict[str, np.ndarray] = {"hip": pose.hip}
    at["spine"], at["thorax"] = trunk(pose.hip, pose.lumbar, pose.chest)
    at["neck"] = at["thorax"] + quat_rotate(pose.chest, _NECK_FROM_THORAX)
    at["nose"] = at["thorax"] + quat_rotate(pose.neck, _NOSE)
    at["head"] = at["nose"] + quat_rotate(pose.head, _HEAD)
    for name, offset in _FACE.items():
        at[name] = at["head"] + quat_rotate(pose.head, offset)
        if name.startswith("l_"):
            at["r_" + name[2:]] = at["head"] + quat_rotate(pose.head, offset * _MIRROR)
    for side in "lr":
        foot = pose.feet[side]
        at[f"{side}_hip"] = hip_joint(pose.hip, pose.pelvis, side)
        at[f"{side}_knee"], ankle = bend(at[f"{side}_hip"], foot.ankle, THIGH_M, SHIN_M, foot.heading)
        at[f"{side}_ankle"] = ankle
        at[f"{side}_heel"] = ankle + quat_rotate(foot.rotation, HEEL)
        at[f"{side}_toe"] = ankle + quat_rotate(foot.rotation, TOE)
        at[f"{side}_big_toe"] = at[f"{side}_toe"] + quat_rotate(foot.toe_rotation, on_side(BIG_TOE, side))
        at[f"{side}_small_toe"] = at[f"{side}_toe"] + quat_rotate(foot.toe_rotation, on_side(SMALL_TOE, side))
        at[f"{side}_shoulder"] = shoulder(at["thorax"], pose.chest, side)
        at[f"{side}_elbow"], at[f"{side}_wrist"] = bend(
            at[f"{side}_shoulder"], pose.wrists[side], UPPER_ARM_M, FOREARM_M, pose.elbow_sides[side]
        )
    return np.stack([at[name] for name in FIGURE.joints], axis=1)


def turn(axis: str, angle_deg: np.ndarray | float) -> np.ndarray:
    """Quaternions of a turn about one of the body's axes, in degrees."""
    return quat_about(np.eye(3)["xyz".index(axis)], np.radians(angle_deg))

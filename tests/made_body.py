"""A figure posed by joint angles with SciPy's rotations: positions whose orientations are known without our code."""

from fractions import Fraction

import numpy as np
from scipy.spatial.transform import Rotation

from maquette.motion import Motion
from maquette.skeletons import LIFTED_21

OFFSETS_M = {
    "spine": ("hip", (0.0, 0.25, 0.0)),
    "thorax": ("spine", (0.0, 0.26, 0.0)),
    "nose": ("thorax", (0.0, 0.1128, 0.04092)),
    "head": ("nose", (0.0, 0.1182, -0.02076)),
    **{
        f"{side}_{joint}": (parent.replace("*", side), (sign * x, y, z))
        for side, sign in (("l", 1.0), ("r", -1.0))
        for joint, parent, (x, y, z) in (
            ("hip", "hip", (0.10, 0.0, 0.0)),
            ("knee", "*_hip", (0.0, -0.42, 0.0)),
            ("ankle", "*_knee", (0.0, -0.41, 0.0)),
            ("heel", "*_ankle", (0.0, -0.07, -0.05)),
            ("toe", "*_ankle", (0.0, -0.07, 0.13)),
            ("shoulder", "thorax", (0.1728, -0.0504, 0.0)),
            ("elbow", "*_shoulder", (0.28, 0.0, 0.0)),
            ("wrist", "*_elbow", (0.25, 0.0, 0.0)),
        )
    },
}
"""Parent and rest offset of each joint: T-pose, Y up, facing +Z, left = +X."""

TURNED_BY = {
    "spine": "pelvis", "thorax": "chest", "nose": "head", "head": "head",
    **{f"{s}_{joint}": part.replace("*", s) for s in "lr" for joint, part in (
        ("hip", "pelvis"), ("knee", "*_thigh"), ("ankle", "*_shin"), ("heel", "*_foot"), ("toe", "*_foot"),
        ("shoulder", "chest"), ("elbow", "*_upper_arm"), ("wrist", "*_forearm"))},
}  # fmt: skip
"""Which part of the body carries the bone that ends in each joint."""


def wave(rng: np.random.Generator, frames: int, low: float, high: float) -> np.ndarray:
    """A smooth curve between two values over time."""
    t = np.arange(frames) / 50.0
    curve = sum(np.sin(2 * np.pi * f * t + rng.uniform(0, 6.28)) for f in (0.17, 0.41, 0.73))
    return low + (high - low) * (0.5 + np.asarray(curve) / 6.0)


def angles(rng: np.random.Generator, frames: int, order: str, *ranges: tuple[float, float]) -> Rotation:
    """Rotations of smoothly varying Euler angles in degrees (intrinsic)."""
    return Rotation.from_euler(order, np.stack([wave(rng, frames, *r) for r in ranges], axis=1), degrees=True)


def posed_parts(frames: int, seed: int, bend: tuple[float, float] = (62.0, 120.0)) -> dict[str, Rotation]:
    """World orientation of each part of the body; elbows and knees bend within ``bend`` degrees."""
    rng = np.random.default_rng(seed)
    pelvis = angles(rng, frames, "YXZ", (-170, 170), (-25, 25), (-15, 15))
    chest = pelvis * angles(rng, frames, "YXZ", (-30, 30), (-20, 35), (-15, 15))
    parts = {"pelvis": pelvis, "chest": chest, "head": chest * angles(rng, frames, "XYZ", (-20, 20), (0, 0), (0, 0))}
    for side, sign in (("l", 1.0), ("r", -1.0)):
        arm = angles(rng, frames, "ZYX", (-80 * sign, 40 * sign), (-70 * sign, 15 * sign), (-40, 40))
        elbow = Rotation.from_rotvec(np.radians(wave(rng, frames, *bend))[:, None] * [0.0, -sign, 0.0])
        leg = angles(rng, frames, "XZY", (-70, 20), (-5 * sign, 30 * sign), (-30, 30))
        knee = Rotation.from_rotvec(np.radians(wave(rng, frames, *bend))[:, None] * [1.0, 0.0, 0.0])
        parts[f"{side}_upper_arm"] = chest * arm
        parts[f"{side}_forearm"] = parts[f"{side}_upper_arm"] * elbow
        parts[f"{side}_thigh"] = pelvis * leg
        parts[f"{side}_shin"] = parts[f"{side}_thigh"] * knee
        parts[f"{side}_foot"] = parts[f"{side}_shin"] * angles(rng, frames, "XYZ", (-30, 20), (0, 0), (0, 0))
    return parts


def body_motion(parts: dict[str, Rotation], fps: Fraction = Fraction(50)) -> Motion:
    """The positions that the parts make, walking along a curve."""
    frames = len(parts["pelvis"])
    t = np.arange(frames) / 50.0
    positions = np.full((frames, len(LIFTED_21), 3), np.nan)
    positions[:, 0] = np.stack((1.3 * np.sin(0.5 * t), 0.95 + 0.05 * np.sin(3 * t), 0.8 * t), axis=1)
    for joint, (parent, offset) in OFFSETS_M.items():
        bone = parts[TURNED_BY[joint]].apply(np.array(offset))
        positions[:, LIFTED_21.index(joint)] = positions[:, LIFTED_21.index(parent)] + bone
    return Motion(positions=positions, skeleton=LIFTED_21, fps=fps, frame="world", scale_source="made")


def made_motion(frames: int = 120, seed: int = 0, bend: tuple[float, float] = (62.0, 120.0)) -> Motion:
    """A motion with every joint in use."""
    return body_motion(posed_parts(frames, seed, bend))


def wild_motion(frames: int = 60, seed: int = 0) -> Motion:
    """Positions without any sense but constant bones: every bone turns on its own."""
    rng = np.random.default_rng(seed)
    parts = {name: Rotation.from_quat(rng.normal(size=(frames, 4))) for name in OFFSETS_M}
    positions = np.zeros((frames, len(LIFTED_21), 3))
    for joint, (parent, offset) in OFFSETS_M.items():
        positions[:, LIFTED_21.index(joint)] = positions[:, LIFTED_21.index(parent)] + parts[joint].apply(offset)
    return Motion(positions=positions, skeleton=LIFTED_21, fps=Fraction(50), frame="world")

"""Somebody who walks in a straight line: feet that stand still, swing by a cosine, and a hip at constant speed."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from maquette.motion import Motion
from maquette.skeletons import LIFTED_21

_THIGH_M, _SHIN_M, _HIP_M = 0.42, 0.41, 0.76
_HALF_HIP_M, _ANKLE_M = 0.09, 0.08


@dataclass(frozen=True)
class Gait:
    """Truth about the walk."""

    stride_s: float = 1.1
    speed_mps: float = 1.2
    stance_share: float = 0.62
    """Of the stride, in which the foot does not move."""

    @property
    def stride_m(self) -> float:
        return self.stride_s * self.speed_mps

    def crossings_s(self) -> tuple[float, float]:
        """After leaving the ground: when the swinging foot becomes faster than the hip, and when slower again. Before
        the first it is carried backwards against the pelvis, after the second, too: these are the extremes that the
        kinematic method finds."""
        swing_s = (1 - self.stance_share) * self.stride_s
        # d/dt of stride_m (1 - cos(pi t / swing_s)) / 2 is the speed of the hip.
        early = swing_s / np.pi * np.arcsin(2 * self.speed_mps * swing_s / (np.pi * self.stride_m))
        return float(early), float(swing_s - early)


def foot_path_m(gait: Gait, times_s: np.ndarray, phase: float) -> np.ndarray:
    """How far a foot has come: it stands from each landing (at ``phase`` strides) for the share of stance."""
    strides = times_s / gait.stride_s - phase
    whole = np.floor(strides)
    swing = np.clip((strides - whole - gait.stance_share) / (1 - gait.stance_share), 0.0, 1.0)
    return gait.stride_m * (whole + phase + 0.5 * (1 - np.cos(np.pi * swing)))


def walker(
    gait: Gait, *, seconds: float = 8.0, fps: int = 60, treadmill: bool = False, right_phase: float = 0.5, **changes
) -> Motion:
    """The walk towards +Z, left foot landing at 0; a treadmill takes the way out of it."""
    times_s = np.arange(round(seconds * fps)) / fps
    n = len(times_s)
    at = {name: np.zeros((n, 3)) for name in LIFTED_21.joints}
    hip_z = gait.speed_mps * times_s
    at["hip"] = np.stack((np.zeros(n), np.full(n, _HIP_M), hip_z), axis=1)
    for side, out, phase in (("l_", 1.0, 0.0), ("r_", -1.0, right_phase)):
        # The foot lies as far ahead of the hip at landing as behind it when it leaves.
        ahead = 0.5 * gait.stance_share * gait.stride_m
        z = foot_path_m(gait, times_s, phase) + ahead
        ankle = np.stack((np.full(n, out * _HALF_HIP_M), np.full(n, _ANKLE_M), z), axis=1)
        hip = at["hip"] + [out * _HALF_HIP_M, 0.0, 0.0]
        at[side + "hip"], at[side + "ankle"] = hip, ankle
        at[side + "knee"] = _knee(hip, ankle)
        at[side + "heel"], at[side + "toe"] = ankle + [0, -0.065, -0.05], ankle + [0, -0.055, 0.13]
        shoulder = at["hip"] + [out * 0.18, 0.46, 0.0]
        at[side + "shoulder"] = shoulder
        at[side + "elbow"], at[side + "wrist"] = shoulder + [0, -0.28, 0.0], shoulder + [0, -0.52, 0.06]
    for name, up in (("spine", 0.25), ("thorax", 0.51), ("nose", 0.62), ("head", 0.74)):
        at[name] = at["hip"] + [0.0, up, 0.04 if name == "nose" else 0.0]
    positions = np.stack([at[name] for name in LIFTED_21.joints], axis=1)
    if treadmill:
        positions[..., 2] -= hip_z[:, None]
    return Motion(
        positions=positions,
        skeleton=LIFTED_21,
        fps=Fraction(fps),
        frame="world",
        **{"scale_source": "made", **changes},
    )


def _knee(hip: np.ndarray, ankle: np.ndarray) -> np.ndarray:
    """Ahead of the line from hip to ankle, at the lengths of thigh and shin."""
    line = ankle - hip
    length = np.linalg.norm(line, axis=-1, keepdims=True)
    along = (length**2 + _THIGH_M**2 - _SHIN_M**2) / (2 * length)
    forward = np.cross(line / length, [1.0, 0.0, 0.0])
    forward *= np.sign(forward[:, 2:])
    return hip + along * line / length + np.sqrt(_THIGH_M**2 - along**2) * forward

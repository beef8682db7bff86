"""Joint angles over time, from joint positions. What each means is in :mod:`maquette.measure.angle_definitions`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.geometry.euler import matrix_to_euler
from maquette.geometry.rotations import unit_vectors
from maquette.measure.angle_definitions import ANGLES, angle_names, base_name, joints_of
from maquette.measure.segments import (
    PROGRESSION,
    UP,
    Axes,
    Paths,
    Vectors,
    paths_of,
    pelvis_axes,
    seen_from,
    thigh_axes,
    thorax_axes,
)
from maquette.motion import Motion

Angle = Float[np.ndarray, " frames"]

_BENT_RAD = np.radians(30.0)
"""Of a knee, from which on the plane of the leg tells how the thigh is turned."""
_RAISED_RAD = np.radians(15.0)
"""Of an arm, from which on it has a plane."""


@dataclass(frozen=True, eq=False)
class JointAngles:
    """Angles of one motion over time."""

    names: tuple[str, ...]
    values_deg: Float[np.ndarray, "frames angles"]
    """NaN where a joint that they need is unknown, or where the definition says that they are."""
    times_s: Float[np.ndarray, " frames"]
    left_out: dict[str, str]
    """Angles that the motion cannot give at all, and why."""

    def angle(self, name: str) -> Angle:
        """One angle over time, in degrees."""
        return self.values_deg[:, self.names.index(name)]

    def speeds_deg_s(self) -> Float[np.ndarray, "frames angles"]:
        """Time derivative in degrees per second: central differences, across the wrap at 180 degrees; NaN beside
        unknown frames."""
        if len(self.times_s) < 2:
            return np.full_like(self.values_deg, np.nan)
        steps = np.diff(self.values_deg, axis=0)
        steps = steps - 360.0 * np.round(steps / 360.0)
        seconds = np.diff(self.times_s)[:, None]
        speeds = np.empty_like(self.values_deg)
        speeds[1:-1] = (steps[1:] + steps[:-1]) / (seconds[1:] + seconds[:-1])
        speeds[0], speeds[-1] = steps[0] / seconds[0], steps[-1] / seconds[-1]
        return speeds


def joint_angles(motion: Motion) -> JointAngles:
    """All angles of :data:`~maquette.measure.angle_definitions.ANGLES` that a motion can give.

    Joints bear Human3.6M's names (:func:`maquette.rig.human_motion.human_motion` brings other skeletons there).
    """
    at = paths_of(motion)
    left_out, names, columns = {}, [], []
    for name in angle_names():
        reason = _why_not(motion, name)
        if reason:
            left_out[name] = reason
            continue
        values = np.degrees(angle_rad(name, at))
        if not np.isfinite(values).any():
            left_out[name] = "its joints are never known together, or never in a pose that gives it"
            continue
        names.append(name)
        columns.append(values)
    table = np.stack(columns, axis=1) if columns else np.empty((motion.n_frames, 0))
    return JointAngles(tuple(names), table, motion.times_s, left_out)


def _why_not(motion: Motion, name: str) -> str:
    missing = [joint for joint in joints_of(name) if joint not in motion.skeleton]
    if missing:
        return f"skeleton '{motion.skeleton.name}' has no {', '.join(missing)}"
    if ANGLES[base_name(name)].world and motion.frame != "world":
        return "the motion is in the camera's frame, which does not know what is upright"
    return ""


def angle_rad(name: str, at: Paths) -> Angle:
    """One angle in radians, from the paths of its joints (:func:`maquette.measure.segments.paths_of`)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return COMPUTE[base_name(name)](at, name[:2] if ANGLES[base_name(name)].sides else "")


def _between(a: Vectors, b: Vectors) -> Angle:
    """Angle in [0, pi] between two directions, accurate for small ones; NaN for one without length."""
    sine, cosine = np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1)
    return np.where(np.hypot(sine, cosine) > 1e-12, np.arctan2(sine, cosine), np.nan)


def _outward(side: str) -> float:
    """+1 on the right, where Z points away from the body, -1 on the left."""
    return 1.0 if side == "r_" else -1.0


def _pelvis_level(at: Paths) -> tuple[Angle, Angle]:
    """Tilt and obliquity: with P = Ry(rotation) Rx(obliquity) Rz(tilt), row y of P does not depend on the rotation."""
    up_in_pelvis = pelvis_axes(at)[:, 1, :]
    obliquity = np.arcsin(np.clip(up_in_pelvis[:, 2], -1.0, 1.0))
    tilt = np.arctan2(-up_in_pelvis[:, 0], up_in_pelvis[:, 1])
    return tilt, obliquity


def _pelvis_tilt(at: Paths, side: str) -> Angle:
    return _pelvis_level(at)[0]


def _pelvis_obliquity(at: Paths, side: str) -> Angle:
    return _pelvis_level(at)[1]


def _pelvis_rotation(at: Paths, side: str) -> Angle:
    right = pelvis_axes(at)[..., 2]
    ahead = at[PROGRESSION]
    return np.arctan2(np.sum(right * ahead, axis=-1), np.sum(right * np.cross(ahead, UP), axis=-1))


def _trunk_lean(at: Paths, side: str) -> Angle:
    line = at["thorax"] - at["hip"]
    return _between(line, np.broadcast_to(UP, line.shape))


def _thorax_in_pelvis(at: Paths) -> Axes:
    return np.swapaxes(pelvis_axes(at), -1, -2) @ thorax_axes(at)


def _trunk_flexion(at: Paths, side: str) -> Angle:
    # A turn to the front is negative about the axis to the right.
    return -matrix_to_euler(_thorax_in_pelvis(at), "ZXY")[..., 0]


def _trunk_side_bend(at: Paths, side: str) -> Angle:
    return matrix_to_euler(_thorax_in_pelvis(at), "ZXY")[..., 1]


def _trunk_rotation(at: Paths, side: str) -> Angle:
    return matrix_to_euler(_thorax_in_pelvis(at), "ZXY")[..., 2]


def _head_line(at: Paths) -> Vectors:
    return seen_from(thorax_axes(at), unit_vectors(at["head"] - at["thorax"]))


def _neck_flexion(at: Paths, side: str) -> Angle:
    line = _head_line(at)
    return np.arctan2(line[:, 0], line[:, 1])


def _neck_side_bend(at: Paths, side: str) -> Angle:
    return np.arcsin(np.clip(_head_line(at)[:, 2], -1.0, 1.0))


def _thigh_line(at: Paths, side: str) -> Vectors:
    """From knee to hip joint, seen from the pelvis."""
    return seen_from(pelvis_axes(at), unit_vectors(at[f"{side}hip"] - at[f"{side}knee"]))


def _hip_flexion(at: Paths, side: str) -> Angle:
    line = _thigh_line(at, side)
    return np.arctan2(-line[:, 0], line[:, 1])


def _hip_adduction(at: Paths, side: str) -> Angle:
    return _outward(side) * np.arcsin(np.clip(_thigh_line(at, side)[:, 2], -1.0, 1.0))


def _hip_rotation(at: Paths, side: str) -> Angle:
    turn = matrix_to_euler(np.swapaxes(pelvis_axes(at), -1, -2) @ thigh_axes(at, side), "ZXY")[..., 2]
    return np.where(_knee_flexion(at, side) >= _BENT_RAD, _outward(side) * turn, np.nan)


def _knee_flexion(at: Paths, side: str) -> Angle:
    knee = at[f"{side}knee"]
    return _between(knee - at[f"{side}hip"], at[f"{side}ankle"] - knee)


def _ankle_dorsiflexion(at: Paths, side: str) -> Angle:
    shin = unit_vectors(at[f"{side}knee"] - at[f"{side}ankle"])
    foot = unit_vectors(at[f"{side}toe"] - at[f"{side}heel"])
    return np.arcsin(np.clip(np.sum(shin * foot, axis=-1), -1.0, 1.0))


def _foot_progression(at: Paths, side: str) -> Angle:
    foot, ahead = at[f"{side}toe"] - at[f"{side}heel"], at[PROGRESSION]
    right = np.cross(ahead, UP)
    return np.arctan2(_outward(side) * np.sum(foot * right, axis=-1), np.sum(foot * ahead, axis=-1))


def _arm_line(at: Paths, side: str) -> Vectors:
    """From elbow to shoulder, seen from the thorax."""
    return seen_from(thorax_axes(at), unit_vectors(at[f"{side}shoulder"] - at[f"{side}elbow"]))


def _shoulder_elevation(at: Paths, side: str) -> Angle:
    line = _arm_line(at, side)
    return np.arctan2(np.hypot(line[:, 0], line[:, 2]), line[:, 1])


def _shoulder_plane(at: Paths, side: str) -> Angle:
    line = _arm_line(at, side)
    plane = np.arctan2(-line[:, 0], -_outward(side) * line[:, 2])
    return np.where(np.hypot(line[:, 0], line[:, 2]) >= np.sin(_RAISED_RAD), plane, np.nan)


def _elbow_flexion(at: Paths, side: str) -> Angle:
    elbow = at[f"{side}elbow"]
    return _between(elbow - at[f"{side}shoulder"], at[f"{side}wrist"] - elbow)


COMPUTE: dict[str, Callable[[Paths, str], Angle]] = {
    "pelvis_tilt": _pelvis_tilt,
    "pelvis_obliquity": _pelvis_obliquity,
    "pelvis_rotation": _pelvis_rotation,
    "trunk_lean": _trunk_lean,
    "trunk_flexion": _trunk_flexion,
    "trunk_side_bend": _trunk_side_bend,
    "trunk_rotation": _trunk_rotation,
    "neck_flexion": _neck_flexion,
    "neck_side_bend": _neck_side_bend,
    "hip_flexion": _hip_flexion,
    "hip_adduction": _hip_adduction,
    "hip_rotation": _hip_rotation,
    "knee_flexion": _knee_flexion,
    "ankle_dorsiflexion": _ankle_dorsiflexion,
    "foot_progression": _foot_progression,
    "shoulder_elevation": _shoulder_elevation,
    "shoulder_plane": _shoulder_plane,
    "elbow_flexion": _elbow_flexion,
}
"""Base name -> its angle in radians, of one side (``l_``, ``r_``, or none)."""

"""When feet land and leave: heel strikes and toe offs.

Method ``kinematic`` is the coordinate-based one of Zeni, Richards and Higginson 2008 (Gait Posture 27:710): a foot
lands where its heel is furthest ahead of the pelvis and leaves where its toe is furthest behind. It works on the ground
and on a treadmill, and needs no floor; it is meant for walking. Method ``contacts`` takes the runs of frames in which
heel or toe stand: what the motion says itself, or low and slow feet. It also sees running and standing.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from maquette.measure.segments import heading, paths_of
from maquette.motion import Motion
from maquette.refine.motion_contacts import contact_joints, detect_contacts, rest_heights_m
from maquette.refine.zero_phase import zero_phase_lowpass

EventMethod = Literal["kinematic", "contacts"]

_CUTOFF_HZ = 7.0
"""Of the paths before peaks are sought."""
_LEAST_STEP_S = 0.3
"""Between two landings of one foot: 200 steps a minute."""
_LEAST_SWING = 0.25
"""A foot that goes less than this share of the leg's length to and fro does not step."""
_LEAST_LEAD = 0.08
"""A foot lands ahead of the other and leaves behind it, by this share of the leg's length: knees that bend take both
feet ahead of the pelvis at once."""


@dataclass(frozen=True, eq=False)
class FootEvents:
    """Events of one foot, in seconds of the motion's own clock, in order."""

    strikes_s: Float[np.ndarray, " strikes"]
    offs_s: Float[np.ndarray, " offs"]


@dataclass(frozen=True, eq=False)
class GaitEvents:
    """Events of both feet, keyed ``l_`` and ``r_``."""

    feet: dict[str, FootEvents]
    method: EventMethod
    quantum_s: float
    """Standard deviation that the frame rate alone gives each event."""
    warnings: tuple[str, ...] = ()

    def n_strikes(self) -> int:
        return sum(len(foot.strikes_s) for foot in self.feet.values())


def gait_events(motion: Motion, *, method: EventMethod | None = None) -> GaitEvents:
    """Heel strikes and toe offs of a motion in the world; none where nobody walks or the legs are not known.

    Args:
        motion: Human3.6M's joints; heels and toes where they are known, else the ankles stand for both.
        method: None takes ``kinematic``, or ``contacts`` where both feet are off the ground at once (running).
    """
    if motion.frame != "world" or motion.n_frames < 3 or not _has_legs(motion):
        return GaitEvents({side: _none() for side in ("l_", "r_")}, method or "kinematic", float("nan"))
    chosen = method or ("contacts" if flight_share(motion) > 0.1 else "kinematic")
    quantum_s = 1.0 / float(motion.fps) / np.sqrt(12.0)
    if chosen == "contacts":
        return GaitEvents(_from_contacts(motion), chosen, quantum_s)
    return GaitEvents({side: _kinematic(motion, side) for side in ("l_", "r_")}, chosen, quantum_s)


def _has_legs(motion: Motion) -> bool:
    return all(joint in motion.skeleton for joint in ("hip", "spine", "l_hip", "r_hip", "l_ankle", "r_ankle"))


def _none() -> FootEvents:
    return FootEvents(np.empty(0), np.empty(0))


def leg_length_m(motion: Motion) -> float:
    """Thigh and shin together, mean of both sides, medians over the clip; NaN when never seen."""
    lengths = []
    for side in ("l_", "r_"):
        hip, knee, ankle = (motion.joint(side + joint) for joint in ("hip", "knee", "ankle"))
        both = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
        both = both[np.isfinite(both)]
        if both.size:
            lengths.append(float(np.median(both)))
    return float(np.mean(lengths)) if lengths else float("nan")


def ahead_of_pelvis(motion: Motion, joint: str) -> Float[np.ndarray, " frames"]:
    """How far a joint is ahead of the hip, along where the pelvis faces, in metres."""
    at = paths_of(motion)
    facing = zero_phase_lowpass(heading(at), motion.fps, 1.0) if motion.n_frames > 2 else heading(at)
    length = np.linalg.norm(facing, axis=-1, keepdims=True)
    facing = facing / np.where(length > 1e-6, length, np.nan)
    return np.sum((at[joint] - at["hip"]) * facing, axis=-1)


def _kinematic(motion: Motion, side: str) -> FootEvents:
    from scipy.signal import find_peaks

    curves = []
    for joint in ("heel", "toe"):
        name = f"{side}{joint}" if f"{side}{joint}" in motion.skeleton else f"{side}ankle"
        curves.append(zero_phase_lowpass(ahead_of_pelvis(motion, name)[:, None], motion.fps, _CUTOFF_HZ)[:, 0])
    heel, toe = curves
    leg_m = leg_length_m(motion)
    if not np.isfinite(heel).any() or not np.isfinite(toe).any() or not np.isfinite(leg_m):
        return _none()
    other = "r_" if side == "l_" else "l_"
    lead = ahead_of_pelvis(motion, f"{side}ankle") - ahead_of_pelvis(motion, f"{other}ankle")
    apart = max(1, round(_LEAST_STEP_S * float(motion.fps)))
    found = []
    for curve, leads in ((heel, lead), (-toe, -lead)):
        filled = np.where(np.isfinite(curve), curve, np.nanmin(curve))
        peaks, _ = find_peaks(filled, prominence=_LEAST_SWING * leg_m, distance=apart)
        known = np.isfinite(curve[peaks - 1]) & np.isfinite(curve[peaks + 1])
        with np.errstate(invalid="ignore"):
            peaks = peaks[known & (leads[peaks] > _LEAST_LEAD * leg_m)]
        found.append(_times(motion, _between_frames(curve, peaks)))
    return FootEvents(*found)


def _between_frames(curve: Float[np.ndarray, " frames"], peaks: np.ndarray) -> Float[np.ndarray, " peaks"]:
    """Peaks to a fraction of a frame, by the parabola through three samples."""
    before, here, after = curve[peaks - 1], curve[peaks], curve[peaks + 1]
    bend = before - 2 * here + after
    return peaks + np.clip(0.5 * (before - after) / np.where(bend < -1e-15, bend, -np.inf), -0.5, 0.5)


def _times(motion: Motion, frames: Float[np.ndarray, " events"]) -> Float[np.ndarray, " events"]:
    return np.interp(frames, np.arange(motion.n_frames), motion.times_s)


def standing(motion: Motion) -> tuple[Bool[np.ndarray, "frames feet"], tuple[str, ...]]:
    """Which joints stand, and their names: the motion's contacts, or low and slow feet over y = 0."""
    if motion.contacts is not None and motion.contact_joints:
        return motion.contacts, motion.contact_joints
    joints = contact_joints(motion.skeleton)
    if motion.frame != "world" or not joints:
        return np.zeros((motion.n_frames, 0), dtype=bool), ()
    feet = np.ascontiguousarray(motion.positions[:, motion.skeleton.indices(joints)].transpose(1, 0, 2))
    found = detect_contacts(
        feet, np.array([0.0, 1.0, 0.0]), float(motion.fps), rest_heights_m(joints), floor_m=np.zeros(motion.n_frames)
    )
    return found.T, joints


def feet_down(motion: Motion) -> dict[str, Bool[np.ndarray, " frames"]]:
    """For each side, whether any part of the foot stands; sides whose feet are not known are left out."""
    contacts, joints = standing(motion)
    down = {}
    for side in ("l_", "r_"):
        columns = [column for column, joint in enumerate(joints) if joint.startswith(side)]
        if columns:
            down[side] = np.asarray(contacts[:, columns].any(axis=1))
    return down


def flight_share(motion: Motion) -> float:
    """Share of the frames between the first and the last contact in which no foot stands; 0 without contacts."""
    down = feet_down(motion)
    if len(down) < 2:
        return 0.0
    some = down["l_"] | down["r_"]
    if not some.any():
        return 0.0
    frames = np.flatnonzero(some)
    return float(1.0 - some[frames[0] : frames[-1] + 1].mean())


def _from_contacts(motion: Motion) -> dict[str, FootEvents]:
    feet = {}
    for side, down in feet_down(motion).items():
        edges = np.diff(down.astype(np.int8))
        # Halfway between the last frame of one state and the first of the other.
        strikes, offs = np.flatnonzero(edges == 1) + 0.5, np.flatnonzero(edges == -1) + 0.5
        feet[side] = FootEvents(_times(motion, strikes), _times(motion, offs))
    return {side: feet.get(side, _none()) for side in ("l_", "r_")}

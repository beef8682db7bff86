"""The ground at y = 0, and the feet that stand on it."""

from functools import partial

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.refine.motion_contacts import (
    contact_joints,
    contact_runs,
    detect_contacts,
    rest_heights_m,
    still_steps,
)
from maquette.refine.motion_world import raised_with_camera, shifted
from maquette.refine.zero_phase import zero_phase_lowpass

_UP = np.array([0.0, 1.0, 0.0])


def ground(
    motion: Motion,
    *,
    max_height_m: tuple[float, float] = (0.08, 0.13),
    max_speed_mps: tuple[float, float] = (0.30, 0.55),
    min_duration_s: float = 0.1,
    max_drift_m: float = 0.08,
    drift_cutoff_hz: float = 0.2,
) -> Motion:
    """Put the floor at y = 0 and mark which feet stand on it.

    Contacts that the motion brings along (from the picture, by :func:`root_trajectory`) are used unless the foot then
    is far from the floor; otherwise they are found here. The level is the median height of the feet while they stand
    (low and slow, :func:`detect_contacts`), each less the height at which its joint stands; jumping, sitting and raised
    legs do not move it. Motion and camera are shifted together. What then remains of slow drift between floor and
    standing feet is taken out of the motion up to ``max_drift_m``; more would be a step or a slope, and is left. Where
    no foot is ever seen to stand, the lowest joints of the clip (2nd percentile) come to lie on the floor, and no
    contacts are claimed.

    Raises:
        InputError: the motion is not in the world frame.
    """
    if motion.frame != "world":
        raise InputError(f"the ground is a matter of the world frame; this motion is in frame '{motion.frame}'")
    joints = contact_joints(motion.skeleton)
    rest_m = rest_heights_m(joints)
    fps = float(motion.fps)
    detect = partial(
        detect_contacts,
        max_height_m=max_height_m,
        max_speed_mps=max_speed_mps,
        min_duration_s=min_duration_s,
        swing_share=0.0,
    )
    if motion.contacts is not None and motion.contact_joints == joints:
        standing = np.ascontiguousarray(motion.contacts.T)
    else:
        standing = detect(_feet(motion, joints), _UP, fps, rest_m)
    if not standing.any():
        level_m = float(np.percentile(np.nanmin(motion.positions[..., 1], axis=1), 2))
        return raised_with_camera(motion, -level_m).with_notes(
            "no foot was seen to stand: the lowest joints were put on the ground, and no contacts are given",
            contacts=None,
            contact_joints=(),
        )
    heights = _feet(motion, joints)[..., 1] - rest_m[:, None]
    level_m = float(np.median(heights[standing]))
    levelled = raised_with_camera(motion, -level_m)
    drift_m = _drift(heights - level_m, standing, fps, drift_cutoff_hz, max_drift_m)
    levelled = shifted(levelled, -drift_m[:, None] * _UP)
    if motion.contacts is not None and motion.contact_joints == joints:
        contacts = standing & (np.abs(_feet(levelled, joints)[..., 1] - rest_m[:, None]) < max_height_m[1])
    else:
        floor_m = np.zeros(motion.n_frames)
        contacts = detect(_feet(levelled, joints), _UP, fps, rest_m, floor_m=floor_m)
    note = f"ground at y = 0 from {len(contact_runs(standing))} foot contacts"
    if np.abs(drift_m).max() > 0.005:
        note += f"; slow vertical drift of up to {100 * np.abs(drift_m).max():.0f} cm taken out"
    return levelled.with_notes(note, contacts=contacts.T, contact_joints=joints)


def contact_speed_mps(motion: Motion) -> float:
    """Mean speed of the feet while they stand, between frames in which both ends are contacts; NaN without contacts."""
    if motion.contacts is None:
        return float("nan")
    feet = _feet(motion, motion.contact_joints)
    speed = np.linalg.norm(np.diff(feet, axis=1), axis=-1) * float(motion.fps)
    both = still_steps(np.ascontiguousarray(motion.contacts.T))
    return float(speed[both].mean()) if both.any() else float("nan")


def _feet(motion: Motion, joints: tuple[str, ...]) -> Float[np.ndarray, "feet frames 3"]:
    return np.ascontiguousarray(motion.positions[:, motion.skeleton.indices(joints)].transpose(1, 0, 2))


def _drift(
    heights_m: Float[np.ndarray, "feet frames"],
    standing: Bool[np.ndarray, "feet frames"],
    fps: float,
    cutoff_hz: float,
    max_drift_m: float,
) -> Float[np.ndarray, " frames"]:
    """Slow part of the height of standing feet over time; zero where it exceeds ``max_drift_m``, blended in between."""
    some: np.ndarray = np.any(standing, axis=0)
    height = np.where(standing, heights_m, 0.0).sum(0) / np.maximum(standing.sum(0), 1)
    frames = np.arange(len(some))
    series = np.interp(frames, frames[some], height[some])
    # A step up must not be smeared into the frames around it: what is beyond the limit counts as no drift.
    series = np.where(np.abs(series) <= max_drift_m, series, 0.0)
    return zero_phase_lowpass(series[:, None], fps, cutoff_hz, 2)[:, 0]

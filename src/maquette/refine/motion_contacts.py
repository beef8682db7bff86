"""Which foot stands when: low and slow for long enough."""

import numpy as np
from jaxtyping import Bool, Float

from maquette.motion import Motion
from maquette.refine.zero_phase import zero_phase_lowpass
from maquette.skeleton import Skeleton

CONTACT_JOINTS = ("l_heel", "l_toe", "r_heel", "r_toe")
"""Joints that can stand, in the order of ``Motion.contacts``."""

REST_HEIGHT_M = {"heel": 0.015, "toe": 0.025, "ankle": 0.07}
"""Height over the floor of each joint of a foot that stands flat. Heel and ball of the foot as the training data define
them (medians of standing frames, 0.01 to 0.03 m); the ankle as 0.039 of the body height (Winter)."""


def contact_joints(skeleton: Skeleton) -> tuple[str, ...]:
    """The joints of this skeleton that can stand: heels and toes, or the ankles where it has no feet, or none."""
    if all(joint in skeleton for joint in CONTACT_JOINTS):
        return CONTACT_JOINTS
    return tuple(joint for joint in ("l_ankle", "r_ankle") if joint in skeleton)


def rest_heights_m(joints: tuple[str, ...]) -> Float[np.ndarray, " feet"]:
    """:data:`REST_HEIGHT_M` of each joint."""
    return np.array([REST_HEIGHT_M[joint[2:]] for joint in joints])


def detect_contacts(
    feet_m: Float[np.ndarray, "feet frames 3"],
    up: Float[np.ndarray, "3"],
    fps: float,
    rest_m: Float[np.ndarray, " feet"],
    *,
    floor_m: Float[np.ndarray, " frames"] | None = None,
    ray: Float[np.ndarray, "frames 3"] | None = None,
    max_height_m: tuple[float, float] = (0.08, 0.13),
    max_speed_mps: tuple[float, float] = (0.30, 0.55),
    swing_share: float = 0.10,
    min_duration_s: float = 0.1,
    detection_cutoff_hz: float = 5.0,
) -> Bool[np.ndarray, "feet frames"]:
    """True while a foot stands.

    A contact begins where height and speed are both below the first of their limits and lasts while both stay below the
    second (hysteresis); contacts shorter than ``min_duration_s`` are dropped. The limits of speed are those of someone
    who stands about; in a clip with fast steps they rise to ``swing_share`` of the fastest (95th percentile) foot, up
    to 1.7 times, because a detector's points shake more there and swinging feet stand out more.

    Args:
        feet_m: paths of the foot joints; NaN is never in contact.
        up: unit vector in the same axes.
        rest_m: height of each joint over the floor when it stands (:func:`rest_heights_m`).
        floor_m: height of the floor along ``up``, per frame; None takes the lowest foot of the frame as standing.
        ray: viewing direction per frame, for paths seen by a single camera: speed along it is mostly error and counts
            a third.
        detection_cutoff_hz: the paths are low-passed with it before their speed is taken.
    """
    n_feet, n, _ = feet_m.shape
    if n_feet == 0 or n == 0:
        return np.zeros((n_feet, n), dtype=bool)
    height = feet_m @ up - rest_m[:, None]
    if floor_m is None:
        with np.errstate(invalid="ignore"):
            floor_m = np.fmin.reduce(height, axis=0)
    height = height - floor_m
    flat = feet_m.transpose(1, 0, 2).reshape(n, -1)
    calm = zero_phase_lowpass(flat, fps, detection_cutoff_hz).reshape(n, n_feet, 3).transpose(1, 0, 2)
    velocity = np.gradient(calm, 1.0 / fps, axis=1) if n > 1 else np.zeros_like(calm)
    if ray is not None:
        along = np.einsum("kfi,fi->kf", velocity, ray)
        velocity = velocity - (2 / 3) * along[..., None] * ray
    speed = np.linalg.norm(velocity, axis=-1)
    fast = float(np.nanpercentile(speed, 95)) if np.isfinite(speed).any() else 0.0
    raised = float(np.clip(swing_share * fast / max_speed_mps[0], 1.0, 1.7))
    begin = (height < max_height_m[0]) & (speed < raised * max_speed_mps[0])
    hold = (height < max_height_m[1]) & (speed < raised * max_speed_mps[1])
    return np.stack([_runs_that_begin(b, h, min_duration_s * fps) for b, h in zip(begin, hold, strict=True)])


def contact_runs(contacts: Bool[np.ndarray, "feet frames"]) -> list[tuple[int, int, int]]:
    """``(foot, start, stop)`` of each unbroken contact."""
    padded = np.diff(np.pad(contacts.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    starts, stops = np.argwhere(padded == 1), np.argwhere(padded == -1)
    return [(int(foot), int(a), int(b)) for (foot, a), (_, b) in zip(starts, stops, strict=True)]


def still_steps(contacts: Bool[np.ndarray, "feet frames"]) -> Bool[np.ndarray, "feet steps"]:
    """True where a foot stands in a frame and in the next: its place must not change between them."""
    return contacts[:, :-1] & contacts[:, 1:]


def feet_seen(motion: Motion, confidence: Float[np.ndarray, "frames joints"]) -> Bool[np.ndarray, "feet frames"]:
    """Which of :func:`contact_joints` the picture shows, itself or by its ankle."""
    skeleton = motion.skeleton
    columns = []
    for joint in contact_joints(skeleton):
        ankle = skeleton.index(joint[:2] + "ankle")
        columns.append((confidence[:, skeleton.index(joint)] > 0) | (confidence[:, ankle] > 0))
    return np.array(columns, dtype=bool).reshape(len(columns), motion.n_frames)


def _runs_that_begin(
    begin: Bool[np.ndarray, " frames"], hold: Bool[np.ndarray, " frames"], min_frames: float
) -> Bool[np.ndarray, " frames"]:
    """The runs of ``hold`` that contain a ``begin`` and last ``min_frames``."""
    hold = hold | begin
    edges = np.flatnonzero(np.diff(np.pad(hold.astype(np.int8), 1)))
    starts, stops = edges[::2], edges[1::2]
    count = np.concatenate(([0], np.cumsum(begin)))
    keep = (count[stops] > count[starts]) & (stops - starts >= min_frames)
    result = np.zeros(len(hold) + 1, dtype=np.int8)
    np.add.at(result, starts[keep], 1)
    np.add.at(result, stops[keep], -1)
    return np.cumsum(result[:-1]) > 0

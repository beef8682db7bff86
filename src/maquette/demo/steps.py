"""Footsteps: where and when each foot stands, and how it rolls and swings in between.

A planted foot never slides: it lands on the heel, which stays where it is while the sole comes down, stands flat, and
leaves over the ball, which stays where it is while the heel rises.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from maquette.demo.body import ANKLE_HEIGHT_M, HEEL, TOE, Foot, turn
from maquette.geometry import quat_multiply, quat_rotate


@dataclass(frozen=True)
class Step:
    """One step: a foot leaves the ground and lands flat at another place."""

    side: str
    lift_s: float
    """The toes leave the ground."""
    land_s: float
    """The heel touches the ground."""
    place: tuple[float, float]
    """World x and z of the ankle, foot flat."""
    heading_deg: float
    """Direction of the foot: 0 is +Z, 90 is +X."""
    roll_off_deg: float = 50.0
    """Pitch of the foot when the toes leave the ground, heel up."""
    strike_deg: float = 18.0
    """Pitch when the heel lands, toes up."""
    clearance_m: float = 0.045
    """How much higher the ankle passes than a straight course would take it."""


ROLL_DOWN_S = 0.11
ROLL_OFF_S = 0.27


@dataclass(frozen=True)
class Course:
    """One foot over time."""

    foot: Foot
    heading_deg: Float[np.ndarray, " frames"]
    heel_down: Bool[np.ndarray, " frames"]
    toe_down: Bool[np.ndarray, " frames"]

    @property
    def down(self) -> Bool[np.ndarray, " frames"]:
        return self.heel_down | self.toe_down


def course(time_s: Float[np.ndarray, " frames"], start: Step, steps: list[Step]) -> Course:
    """The course of one foot from its place at ``start`` through its ``steps``, which must be in order of time."""
    pitch_deg = _pitch(time_s, steps)
    toe_pitch_deg = pitch_deg.copy()
    ankle = np.empty((len(time_s), 3))
    heading_deg = np.empty(len(time_s))
    heel_down = np.zeros(len(time_s), dtype=bool)
    toe_down = np.zeros(len(time_s), dtype=bool)
    stands = [start, *steps]
    for i, stand in enumerate(stands):
        begin = -np.inf if i == 0 else stand.land_s
        end = stands[i + 1].lift_s if i + 1 < len(stands) else np.inf
        here = (time_s >= begin) & (time_s <= end)
        heading_deg[here] = stand.heading_deg
        ankle[here] = _planted_ankle(stand, pitch_deg[here])
        # Toes lie flat while the heel rises over them.
        toe_pitch_deg[here] = np.maximum(pitch_deg[here], 0.0)
        heel_down |= here & (pitch_deg >= 0)
        toe_down |= here & (pitch_deg <= 0)
    for before, step in zip(stands[:-1], steps, strict=True):
        air = (time_s > step.lift_s) & (time_s < step.land_s)
        part = (time_s[air] - step.lift_s) / (step.land_s - step.lift_s)
        heading_deg[air] = before.heading_deg + (step.heading_deg - before.heading_deg) * ease(part)
        ankle[air] = _swing(before, step, steps, time_s[air], part)
        # The toes straighten in the first half of the swing.
        toe_pitch_deg[air] = pitch_deg[air] * ease(part / 0.5)
    yaw = turn("y", heading_deg)
    forward = np.radians(heading_deg)
    foot = Foot(
        ankle=ankle,
        rotation=quat_multiply(yaw, turn("x", -pitch_deg)),
        toe_rotation=quat_multiply(yaw, turn("x", -toe_pitch_deg)),
        heading=np.stack((np.sin(forward), np.zeros_like(forward), np.cos(forward)), axis=-1),
    )
    return Course(foot, heading_deg, heel_down, toe_down)


def ease(x: np.ndarray | float) -> np.ndarray:
    """0 below 0, 1 above 1, between them the quintic that starts and ends without speed or acceleration."""
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x**3 * (10 - 15 * x + 6 * x**2))


def _pitch(time_s: np.ndarray, steps: list[Step]) -> np.ndarray:
    """Pitch of the foot in degrees, toes up positive: rises off the heel, swings, lands, rolls down."""
    from scipy.interpolate import PchipInterpolator

    keys = [(time_s[0] - 10.0, 0.0)]
    for step in steps:
        swing_s = step.land_s - step.lift_s
        roll_s = ROLL_OFF_S * min(1.0, step.roll_off_deg / 30)
        keys += [
            (step.lift_s - roll_s, 0.0),
            (step.lift_s - 0.45 * roll_s, -0.38 * step.roll_off_deg),
            (step.lift_s, -step.roll_off_deg),
            (step.lift_s + 0.15 * swing_s, -1.05 * step.roll_off_deg),
            (step.lift_s + 0.50 * swing_s, -0.30 * step.roll_off_deg),
            (step.lift_s + 0.82 * swing_s, 0.75 * step.strike_deg),
            (step.land_s, step.strike_deg),
            (step.land_s + ROLL_DOWN_S, 0.0),
        ]
    keys.append((time_s[-1] + 10.0, 0.0))
    return PchipInterpolator(*np.array(keys).T)(time_s)


def _planted_ankle(stand: Step, pitch_deg: np.ndarray) -> np.ndarray:
    """Ankle of a foot that stands at its place, turning on its heel (pitch > 0) or its ball (pitch < 0)."""
    yaw = turn("y", stand.heading_deg)
    flat = np.array([stand.place[0], ANKLE_HEIGHT_M, stand.place[1]])
    rotation = quat_multiply(yaw, turn("x", -pitch_deg))
    pivot = np.where(pitch_deg[:, None] > 0, HEEL, TOE)
    return flat + quat_rotate(yaw, pivot) - quat_rotate(rotation, pivot)


def _swing(before: Step, step: Step, steps: list[Step], time_s: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Ankle through the air: the cubic that continues the roll-off and meets the landing in place and velocity."""
    dt = 1e-3
    leave = _planted_ankle(before, _pitch(np.array([step.lift_s - dt, step.lift_s]), steps))
    meet = _planted_ankle(step, _pitch(np.array([step.land_s, step.land_s + dt]), steps))
    duration = step.land_s - step.lift_s
    v0, v1 = (leave[1] - leave[0]) / dt * duration, (meet[1] - meet[0]) / dt * duration
    p0, p1 = leave[1], meet[0]
    s = part[:, None]
    path = p0 + (p1 - p0) * s**2 * (3 - 2 * s) + v0 * s * (1 - s) ** 2 - v1 * s**2 * (1 - s)
    path[:, 1] += step.clearance_m * 16 * part**2 * (1 - part) ** 2
    return path

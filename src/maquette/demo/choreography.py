"""The demo's performance: walk in, turn, sit down on a chair that nobody sees, stand up, wave. World frame, metres."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from maquette.demo.body import (
    FIGURE,
    FOREARM_M,
    SHIN_M,
    THIGH_M,
    UPPER_ARM_M,
    Pose,
    bend,
    hip_joint,
    joints,
    on_side,
    shoulder,
    trunk,
    turn,
)
from maquette.demo.steps import Course, Step, course, ease
from maquette.errors import InputError
from maquette.geometry import quat_multiply, quat_rotate, quat_slerp
from maquette.motion import Motion

DURATION_S = 10.0
_DENSE_HZ = 240

_WALK_DEG = 82.0
_FACE_DEG = -42.0
_STEP_S, _SWING_S, _STEP_M = 0.55, 0.43, 0.62
_FOOT_HALF_WIDTH_M, _SPLAY_DEG = 0.085, 7.0

SIT_S = (5.05, 6.35)
"""Begins to sit down, is seated."""
RISE_S = (6.80, 8.00)
"""Begins to rise, stands."""
WAVE_S = (7.80, 8.50)
"""Begins to raise the right hand, hand is up."""

ACTIVITIES: tuple[tuple[str, float, float], ...] = (
    ("walk", 0.15, 2.9),
    ("turn", 2.9, SIT_S[0]),
    ("sit down", *SIT_S),
    ("sit", SIT_S[1], RISE_S[0]),
    ("stand up", RISE_S[0], WAVE_S[0]),
    ("wave", WAVE_S[0], DURATION_S),
)
"""Name, begin and end in seconds."""

_SEAT_HIP_M = 0.530
_STAND_HIP_M = 0.915
_SEAT_BACK_M = 0.385
_LONGEST_LEG = 0.996
"""Reach of a leg over its length: the knee stays bent by about 10 degrees."""


@dataclass(frozen=True)
class Performance:
    """The motion with its truth."""

    motion: Motion
    """On :data:`maquette.demo.body.FIGURE`, world frame, with contacts of heels and toes."""
    seated: tuple[int, int]
    """First and last frame on the chair."""


def perform(fps: int = 30) -> Performance:
    """Ten seconds at ``fps`` frames per second, the same every time.

    Raises:
        InputError: fps does not divide 240.
    """
    if fps < 1 or _DENSE_HZ % fps:
        raise InputError(f"the demo's figure moves at {fps} frames/s; expected a divisor of {_DENSE_HZ}")
    time_s = np.arange(round(DURATION_S * _DENSE_HZ)) / _DENSE_HZ
    feet = _feet(time_s)
    pose = _pose(time_s, feet)
    every = slice(None, None, _DENSE_HZ // fps)
    contacts = np.stack((feet["l"].heel_down, feet["r"].heel_down, feet["l"].toe_down, feet["r"].toe_down), axis=-1)
    motion = Motion(
        positions=joints(pose)[every],
        skeleton=FIGURE,
        fps=Fraction(fps),
        frame="world",
        contacts=contacts[every],
        contact_joints=("l_heel", "r_heel", "l_toe", "r_toe"),
        root_trajectory=pose.hip[every],
        scale_source="procedural figure, 1.70 m tall",
        source="maquette demo",
    )
    return Performance(motion, (round(SIT_S[1] * fps), round(RISE_S[0] * fps)))


def _feet(time_s: np.ndarray) -> dict[str, Course]:
    walk = _direction(_WALK_DEG)
    left = _direction(_WALK_DEG + 90)
    start = np.array([-1.95, -0.95])

    def beside(point: np.ndarray, side: str) -> tuple[float, float]:
        sign = 1.0 if side == "l" else -1.0
        x, z = point + sign * _FOOT_HALF_WIDTH_M * left
        return float(x), float(z)

    def splay(heading_deg: float, side: str) -> float:
        return heading_deg + (_SPLAY_DEG if side == "l" else -_SPLAY_DEG)

    starts = {s: Step(s, -1.0, -1.0, beside(start, s), splay(_WALK_DEG, s)) for s in "lr"}
    steps = []
    reached, lift_s = 0.0, 0.15
    for i, length in enumerate((0.55, 1.0, 1.0, 1.0, 0.55)):
        side = "rl"[i % 2]
        reached += length * _STEP_M
        lands = lift_s + _SWING_S
        first, last = i == 0, i == 4
        steps.append(
            Step(
                side, lift_s, lands, beside(start + reached * walk, side), splay(_WALK_DEG, side),
                roll_off_deg=25.0 if first else 50.0, strike_deg=8.0 if last else 18.0,
            )
        )  # fmt: skip
        lift_s += _STEP_S
    # Turn on the spot: the left foot comes up beside the right one already turned, then both go round.
    centre = start + reached * walk
    for side, toward, distance in (
        ("l", 0.28, 1.0),
        ("r", 0.62, 1.0),
        ("l", 0.80, 1.0),
        ("r", 1.0, 1.0),
        ("l", 1.0, 1.0),
    ):
        heading = _WALK_DEG + toward * (_FACE_DEG - _WALK_DEG)
        sign = 1.0 if side == "l" else -1.0
        place = centre + sign * distance * (_FOOT_HALF_WIDTH_M + 0.015) * _direction(heading + 90)
        heading = splay(heading, side)
        steps.append(
            Step(
                side, lift_s, lift_s + 0.34, (float(place[0]), float(place[1])), heading,
                roll_off_deg=22.0, strike_deg=4.0, clearance_m=0.05,
            )
        )  # fmt: skip
        lift_s += 0.44
    return {s: course(time_s, starts[s], [step for step in steps if step.side == s]) for s in "lr"}


def _direction(heading_deg: float | np.ndarray) -> np.ndarray:
    """World x and z of a heading; +90 degrees is to the left."""
    angle = np.radians(heading_deg)
    return np.stack((np.sin(angle), np.cos(angle)), axis=-1)


def _pose(time_s: np.ndarray, feet: dict[str, Course]) -> Pose:
    """Trunk, head and arms over the feet."""
    ankle_l, ankle_r = feet["l"].foot.ankle, feet["r"].foot.ankle
    heading = _smooth(0.5 * (feet["l"].heading_deg + feet["r"].heading_deg), 0.16)
    forward = np.insert(_direction(heading), 1, 0.0, axis=-1)
    left = np.insert(_direction(heading + 90), 1, 0.0, axis=-1)
    # How far the left foot is ahead of the right one, in full steps: the phase of the walk.
    stride = _smooth(np.sum((ankle_l - ankle_r) * forward, axis=-1) / _STEP_M, 0.05)
    support = _smooth(feet["l"].down.astype(float) - feet["r"].down.astype(float), 0.09)

    hips_back = _there_and_back(time_s, (SIT_S[0], SIT_S[1] - 0.15), (RISE_S[0] + 0.15, RISE_S[1]))
    seated = _there_and_back(time_s, (SIT_S[0] + 0.12, SIT_S[1]), (RISE_S[0] + 0.28, RISE_S[1]))
    lean = _bump(time_s, SIT_S[0], SIT_S[1] - 0.30, SIT_S[1] + 0.35) + _bump(
        time_s, RISE_S[0] - 0.25, RISE_S[0] + 0.32, RISE_S[1] - 0.05
    )
    rest = _there_and_back(time_s, (SIT_S[1] - 0.3, SIT_S[1] + 0.25), (RISE_S[0] - 0.1, RISE_S[0] + 0.4))
    wave = ease((time_s - WAVE_S[0]) / (WAVE_S[1] - WAVE_S[0]))

    middle = _smooth(0.5 * (ankle_l + ankle_r), 0.19)
    going = _smooth((np.linalg.norm(np.gradient(middle, time_s, axis=0), axis=-1) > 0.5).astype(float), 0.15)
    breath = np.sin(2 * np.pi * 0.27 * time_s)
    hip = (
        middle
        + 0.028 * support[:, None] * left
        + (0.035 + 0.02 * going + 0.004 * np.sin(1.9 * time_s))[:, None] * forward
    )
    hip -= (_SEAT_BACK_M * hips_back)[:, None] * forward
    hip += (0.022 * wave)[:, None] * left

    yaw = turn("y", heading)
    pelvis = _chain(yaw, ("y", -7 * stride), ("x", 3 + 20 * lean - 10 * rest), ("z", -3.5 * support + 1.5 * wave))
    hip[:, 1] = _hip_height(hip, pelvis, feet, seated)

    lumbar = _chain(yaw, ("y", -1.5 * stride), ("x", 2 + 36 * lean + 5 * rest), ("z", -0.5 * support + 1.5 * wave))
    chest = _chain(
        yaw,
        ("y", 6 * stride - 4 * wave),
        ("x", 4 + 38 * lean + 0.6 * breath + 2 * rest),
        ("z", 1.2 * support - 2 * wave),
    )
    # The eyes go ahead of the turn, and to the camera in the end.
    gaze = _smooth(np.interp(time_s + 0.28, time_s, heading), 0.08) - 4 * np.sin(0.9 * time_s) + 32 * wave
    neck = _chain(turn("y", 0.5 * (heading + gaze)), ("x", 8 + 26 * lean + 2 * rest), ("z", -1.5 * wave))
    head = _chain(turn("y", gaze), ("x", 2 + 14 * lean + 6 * rest), ("z", 4 * wave))
    pose_without_arms = (hip, pelvis, lumbar, chest, neck, head)
    wrists, elbow_sides = _arms(
        time_s, hip, pelvis, lumbar, chest, feet, stride=stride, rest=rest, lean=lean, wave=wave
    )
    return Pose(*pose_without_arms, {s: feet[s].foot for s in "lr"}, wrists, elbow_sides)


def _hip_height(hip: np.ndarray, pelvis: np.ndarray, feet: dict[str, Course], seated: np.ndarray) -> np.ndarray:
    """As high as both legs allow with the knees slightly bent, or lower to sit; smoothed, which makes the gait's rise
    and fall: over the standing leg high, with both feet apart low."""
    reach = _LONGEST_LEG * (THIGH_M + SHIN_M)
    level = hip * [1.0, 0.0, 1.0]
    limits = []
    for side in "lr":
        joint = hip_joint(level, pelvis, side)
        apart = np.linalg.norm((joint - feet[side].foot.ankle)[:, [0, 2]], axis=-1)
        limits.append(feet[side].foot.ankle[:, 1] - joint[:, 1] + np.sqrt(np.maximum(reach**2 - apart**2, 0.01)))
    limit = np.minimum.reduce([*limits, np.full_like(seated, _STAND_HIP_M)])
    window = round(0.06 * _DENSE_HZ)
    padded = np.pad(limit, window, mode="edge")
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * window + 1).min(axis=-1)
    return _smooth(lowest, 0.035) * (1 - seated) + _SEAT_HIP_M * seated


def _arms(
    time_s: np.ndarray,
    hip: np.ndarray,
    pelvis: np.ndarray,
    lumbar: np.ndarray,
    chest: np.ndarray,
    feet: dict[str, Course],
    *,
    stride: np.ndarray,
    rest: np.ndarray,
    lean: np.ndarray,
    wave: np.ndarray,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Wrists, and the sides to which the elbows bend: swinging, on the thighs, or waving."""
    thorax = trunk(hip, lumbar, chest)[1]
    wrists, elbow_sides = {}, {}
    for side, sign in (("l", 1.0), ("r", -1.0)):
        # The arm swings against its leg; the elbow gives more in front than behind.
        ahead = -sign * _smooth(stride, 0.06)
        upper = _chain(
            chest, ("z", sign * (6 + 2 * lean)), ("x", -(2 + 19 * ahead + 30 * lean)), ("y", -sign * (22 - 4 * ahead))
        )
        elbow_deg = 18 + 7 * ahead + 6 * np.abs(ahead) + 22 * lean
        if side == "r":
            raised = _chain(chest, ("y", 18.0), ("z", -72 - 6 * np.sin(_wave_phase(time_s))), ("y", -80.0))
            upper = quat_slerp(upper, raised, wave)
            elbow_deg = (
                (1 - wave) * elbow_deg + wave * (104 + 24 * np.sin(_wave_phase(time_s))) + 35 * wave * (1 - wave)
            )
        joint = shoulder(thorax, chest, side)
        elbow = joint + quat_rotate(upper, np.array([0.0, -UPPER_ARM_M, 0.0]))
        fore = quat_multiply(upper, turn("x", -elbow_deg))
        wrist = elbow + quat_rotate(fore, np.array([0.0, -FOREARM_M, 0.0]))
        # Seated, the hands lie on the thighs and the elbows point back and out.
        thigh = hip_joint(hip, pelvis, side)
        knee = bend(thigh, feet[side].foot.ankle, THIGH_M, SHIN_M, feet[side].foot.heading)[0]
        on_thigh = thigh + 0.66 * (knee - thigh) + np.array([0.0, 0.085, 0.0])
        back_and_out = quat_rotate(chest, on_side(np.array([0.55, -0.2, -0.8]), side))
        wrists[side] = wrist + rest[:, None] * (on_thigh - wrist)
        free_side = elbow - 0.5 * (joint + wrist)
        free_side = free_side / np.linalg.norm(free_side, axis=-1, keepdims=True)
        elbow_sides[side] = free_side + rest[:, None] * (back_and_out - free_side)
    return wrists, elbow_sides


def _wave_phase(time_s: np.ndarray) -> np.ndarray:
    return 2 * np.pi * 1.55 * (time_s - WAVE_S[1])


def _chain(first: np.ndarray, *turns: tuple[str, np.ndarray | float]) -> np.ndarray:
    """``first`` and then turns about the turned axes, degrees."""
    for axis, angle_deg in turns:
        first = quat_multiply(first, turn(axis, angle_deg))
    return first


def _there_and_back(time_s: np.ndarray, there: tuple[float, float], back: tuple[float, float]) -> np.ndarray:
    """From 0 to 1 and back to 0, smoothly."""
    return ease((time_s - there[0]) / (there[1] - there[0])) - ease((time_s - back[0]) / (back[1] - back[0]))


def _bump(time_s: np.ndarray, begin: float, top: float, end: float) -> np.ndarray:
    """From 0 over 1 at ``top`` to 0."""
    return ease((time_s - begin) / (top - begin)) - ease((time_s - top) / (end - top))


def _smooth(values: Float[np.ndarray, "frames *rest"], sigma_s: float) -> Float[np.ndarray, "frames *rest"]:
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(values, sigma_s * _DENSE_HZ, axis=0, mode="nearest")

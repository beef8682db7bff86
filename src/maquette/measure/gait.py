"""Numbers of walking: times, lengths, phases and speed, from the events of the feet."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from maquette.measure.events import FootEvents, GaitEvents, flight_share
from maquette.measure.number import Number, of_repeats
from maquette.measure.segments import UP, heading, paths_of, progression
from maquette.motion import Motion

STRIDE_S = (0.5, 2.6)
"""Shortest and longest stride that counts; others have a missed event or a rest in them."""
STEP_S = (0.2, 1.8)
"""The same of a step."""
_TRAVELS_MPS = 0.3
Samples = Float[np.ndarray, " samples"]
Pairs = Float[np.ndarray, "pairs 2"]


def strides_s(foot: FootEvents) -> Pairs:
    """``(start, end)`` of each stride of a foot in seconds."""
    pairs = np.stack((foot.strikes_s[:-1], foot.strikes_s[1:]), axis=1) if len(foot.strikes_s) > 1 else np.empty((0, 2))
    length = pairs[:, 1] - pairs[:, 0]
    return pairs[(length >= STRIDE_S[0]) & (length <= STRIDE_S[1])]


def steps_s(events: GaitEvents, side: str) -> Pairs:
    """``(landing of the other foot, landing of this foot)``, of landings that follow each other, in seconds."""
    other = events.feet["r_" if side == "l_" else "l_"].strikes_s
    own = events.feet[side].strikes_s
    pairs = []
    for landing in own:
        before = other[other < landing]
        previous = own[own < landing]
        if before.size and (not previous.size or previous[-1] < before[-1]):
            pairs.append((before[-1], landing))
    steps = np.array(pairs).reshape(-1, 2)
    length = steps[:, 1] - steps[:, 0]
    return steps[(length >= STEP_S[0]) & (length <= STEP_S[1])]


def gait_numbers(motion: Motion, events: GaitEvents) -> list[Number]:
    """All numbers of walking; those that the data do not give are NaN and say why."""
    ground = ground_mps(motion, events)
    numbers = [_speed(motion, events, ground), _cadence(events)]
    time_sd = events.quantum_s * np.sqrt(2.0)
    for side in ("l_", "r_"):
        letter, foot = side[0], events.feet[side]
        steps, strides = steps_s(events, side), strides_s(foot)
        along, across = _step_lengths(motion, side, steps, ground)
        lengths = _stride_lengths(motion, side, strides, ground)
        stance, double = _phases(events, side, strides)
        numbers += [
            of_repeats("step_time", letter, steps[:, 1] - steps[:, 0], time_sd, "steps"),
            of_repeats("stride_time", letter, strides[:, 1] - strides[:, 0], time_sd, "strides"),
            of_repeats("step_length", letter, along, float("nan"), "steps"),
            of_repeats("stride_length", letter, lengths, float("nan"), "strides"),
            of_repeats("step_width", letter, across, float("nan"), "steps"),
            of_repeats("stance", letter, stance, float("nan"), "strides"),
            of_repeats("swing", letter, 100.0 - stance, float("nan"), "strides"),
            of_repeats("double_support", letter, double, float("nan"), "strides"),
        ]
    numbers.append(
        Number("flight", "", 100.0 * flight_share(motion), float("nan"), "not known: depends on the limits of contact")
    )
    return numbers


def _cadence(events: GaitEvents) -> Number:
    times = np.concatenate([np.diff(steps_s(events, side), axis=1)[:, 0] for side in ("l_", "r_")])
    step = of_repeats("step_time", "", times, events.quantum_s * np.sqrt(2.0), "steps")
    # 60 / t has the same relative error as t.
    value = 60.0 / step.value
    return Number("cadence", "", value, value * step.uncertainty / step.value, step.basis, step.count, step.warnings)


def travels(motion: Motion) -> bool:
    """Whether the body goes over the ground, so that there is a way to measure."""
    ahead = progression(motion, least_mps=_TRAVELS_MPS)
    return bool(np.isfinite(ahead).all(axis=-1).mean() > 0.3)


def _at(motion: Motion, path: Float[np.ndarray, "frames 3"], seconds: Samples) -> Float[np.ndarray, "samples 3"]:
    """A path at given times, linear between frames."""
    return np.stack([np.interp(seconds, motion.times_s, path[:, axis]) for axis in range(3)], axis=-1)


def _heel(motion: Motion, side: str) -> Float[np.ndarray, "frames 3"]:
    return motion.joint(f"{side}heel" if f"{side}heel" in motion.skeleton else f"{side}ankle")


def _way(motion: Motion) -> Float[np.ndarray, "frames 3"]:
    """Where it goes, or where it faces while it stays in place."""
    ahead = progression(motion, least_mps=_TRAVELS_MPS)
    return np.where(np.isfinite(ahead), ahead, heading(paths_of(motion)))


def ground_mps(motion: Motion, events: GaitEvents) -> Float[np.ndarray, "3"]:
    """Velocity of what the feet stand on: zero where the body goes over the ground, that of the belt on a treadmill.

    The belt's is the median of the standing feet's, over the middle of each stance.
    """
    if travels(motion):
        return np.zeros(3)
    found = []
    for side in ("l_", "r_"):
        heel, foot = _heel(motion, side), events.feet[side]
        for landing in foot.strikes_s:
            off = foot.offs_s[foot.offs_s > landing]
            if off.size and off[0] - landing < STRIDE_S[1]:
                ends = _at(motion, heel, landing + (off[0] - landing) * np.array([0.2, 0.5]))
                found.append((ends[1] - ends[0]) / (0.3 * (off[0] - landing)))
    found = [velocity for velocity in found if np.isfinite(velocity).all()]
    return np.median(found, axis=0) * (1.0 - UP) if found else np.full(3, np.nan)


def _step_lengths(motion: Motion, side: str, steps: Pairs, ground: Float[np.ndarray, "3"]) -> tuple[Samples, Samples]:
    """From where the other heel landed to where this one lands: along the way and across it."""
    if not len(steps):
        return np.empty(0), np.empty(0)
    other = "r_" if side == "l_" else "l_"
    apart = _at(motion, _heel(motion, side), steps[:, 1]) - _at(motion, _heel(motion, other), steps[:, 0])
    apart = apart - (steps[:, 1] - steps[:, 0])[:, None] * ground
    way = _at(motion, _way(motion), steps.mean(axis=1))
    way = way / np.linalg.norm(way, axis=-1, keepdims=True)
    return np.sum(apart * way, axis=-1), np.abs(np.sum(apart * np.cross(way, UP), axis=-1))


def _stride_lengths(motion: Motion, side: str, strides: Pairs, ground: Float[np.ndarray, "3"]) -> Samples:
    """From where a heel landed to where it lands again, over what it stands on."""
    if not len(strides):
        return np.empty(0)
    heel = _heel(motion, side)
    moved = _at(motion, heel, strides[:, 1]) - _at(motion, heel, strides[:, 0])
    moved = moved - (strides[:, 1] - strides[:, 0])[:, None] * ground
    return np.linalg.norm(moved * (1.0 - UP), axis=-1)


def _phases(events: GaitEvents, side: str, strides: Pairs) -> tuple[Samples, Samples]:
    """Stance and double support of each stride in percent; NaN where an event between is missing."""
    own, other = events.feet[side], events.feet["r_" if side == "l_" else "l_"]
    stance, double = [], []
    for start, end in strides:
        off = own.offs_s[(own.offs_s > start) & (own.offs_s < end)]
        other_off = other.offs_s[(other.offs_s >= start - 0.1) & (other.offs_s < end)]
        other_strike = other.strikes_s[(other.strikes_s > start) & (other.strikes_s < end)]
        length = end - start
        stance.append(100.0 * (off[0] - start) / length if off.size == 1 else np.nan)
        if off.size == 1 and other_off.size and other_strike.size == 1 and other_off[0] < other_strike[0]:
            both = max(other_off[0] - start, 0.0) + max(off[0] - other_strike[0], 0.0)
            double.append(100.0 * both / length)
        else:
            double.append(np.nan)
    return np.array(stance, dtype=np.float64), np.array(double, dtype=np.float64)


def _speed(motion: Motion, events: GaitEvents, ground: Float[np.ndarray, "3"]) -> Number:
    landings = np.sort(np.concatenate([foot.strikes_s for foot in events.feet.values()]))
    # Feet that land at once are one landing.
    landings = landings[np.diff(landings, prepend=-np.inf) > 0.05]
    if len(landings) < 2:
        why = ("fewer than two landings were found",)
        return Number("walking_speed", "", float("nan"), float("nan"), "no steps", 0, why)
    seconds = np.diff(landings)
    moved = np.diff(_at(motion, motion.joint("hip"), landings), axis=0) - seconds[:, None] * ground
    ways = np.linalg.norm(moved * (1.0 - UP), axis=-1)
    number = of_repeats("walking_speed", "", ways / seconds, float("nan"), "steps")
    # Weighted by time: the sum of ways by the sum of times.
    number = replace(number, value=float(ways.sum() / seconds.sum()))
    if travels(motion):
        return number
    return number.warned("the body stays in place: speed and lengths are against its standing feet, as on a treadmill")

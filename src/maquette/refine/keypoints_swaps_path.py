"""The sequence of labellings that moves most evenly: what it costs to keep and to change left and right.

Of all sequences of the two states of a group of joint pairs (as it is, exchanged) the cheapest is taken (Viterbi,
second order): it pays for every acceleration of the left and of the right joint that follows from it, for each change
of state, and for each exchanged frame. Acceleration and not displacement decides, because the legs of someone walking
past the camera do cross: they go on in their direction, while exchanged labels turn back.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from maquette.refine.keypoints_scale import lengths_px

NOISE_HEIGHTS = (0.006, 0.035)
"""Least and largest jitter of a joint, in body heights, as an acceleration of three frames; between, as measured."""
_ACCELERATION_HEIGHTS_S2 = 6.0
"""Acceleration of a limb in ordinary movement: 10 m/s^2 for a person of 1.7 m."""
_COST_CAP = 8.0
"""What a joint's jump costs at most, so that nothing is gained where no labelling makes sense (cuts, other people)."""
_UNEXPLAINED = 0.6
"""Share of that limit, in the mean over the joints, above which a frame counts as explained by no labelling."""
MEMORY_S = 0.25
"""For how long the last sighting of a joint says something about where it is."""
_APPEARANCE_COST = 2.0
"""Cost of a side that appears or vanishes: both do so at once when the only side that is seen gets the other name."""
RAYLEIGH = 1.18
"""Median length of a vector of two coordinates of unit spread."""


def continuity_costs(
    points: Float[np.ndarray, "frames pairs 2 2"],
    confidence: Float[np.ndarray, "frames pairs 2"],
    times_s: Float[np.ndarray, " frames"],
    height_px: Float[np.ndarray, " frames"],
) -> tuple[Float[np.ndarray, "frames 4 pairs"], Float[np.ndarray, "frames pairs"]]:
    """Cost of the three frames up to each one, by the changes of state among them: none, before the last frame, before
    the last but one, both; exchanging all three changes nothing. And the share of their points that are guesses.

    Args:
        points: left and right of each pair, pixels.
    """
    dt_s = np.diff(times_s)
    seen = confidence > 0
    points, weight, age = _continued(points, confidence, times_s)
    cost = np.zeros((len(points), 4, points.shape[1]))
    now, last, first = (
        Sightings(points[k : len(points) - 2 + k], weight[k : len(points) - 2 + k], *rest)
        for k, rest in ((k, (age[k : len(age) - 2 + k], seen[k : len(seen) - 2 + k])) for k in (2, 1, 0))
    )
    step_s = np.maximum(dt_s[1:], dt_s[:-1])

    def tolerance_px(
        miss: Float[np.ndarray, "steps pairs 2"], stale: Float[np.ndarray, "steps pairs 2"]
    ) -> Float[np.ndarray, "steps pairs"]:
        return tolerances_px(_jitter(miss, stale, height_px[2:]), height_px[2:], step_s)

    cost[2:] = step_costs(now, last, first, dt_s[1:] / dt_s[:-1], tolerance_px)
    return cost, _doubt(seen, float(np.median(dt_s)))


class Sightings(NamedTuple):
    """Left and right of each pair in one frame, continued where missing; of several tracks, or of the frames of one."""

    points: Float[np.ndarray, "steps pairs 2 2"]
    weight: Float[np.ndarray, "steps pairs 2"]
    """How much each counts, 0 to 1."""
    age: Float[np.ndarray, "steps pairs 2"]
    """Frames since it was seen."""
    seen: Bool[np.ndarray, "steps pairs 2"]


def step_costs(
    now: Sightings,
    last: Sightings,
    first: Sightings,
    ratio: Float[np.ndarray, " steps"],
    tolerance_px: Callable[
        [Float[np.ndarray, "steps pairs 2"], Float[np.ndarray, "steps pairs 2"]], Float[np.ndarray, "steps pairs"]
    ],
) -> Float[np.ndarray, "steps 4 pairs"]:
    """Cost of three frames in a row, by the changes of state among them; see :func:`continuity_costs`.

    Args:
        ratio: of the second to the first of the two steps in time.
        tolerance_px: what each joint misses its course by in ordinary frames, from what it misses it by here and the
            age of its points.
    """
    a, b = _exchanged(last, *_SWAP_LAST), _exchanged(first, *_SWAP_FIRST)
    miss = lengths_px(now.points - a.points - ratio[:, None, None, None] * (a.points - b.points))
    stale = np.maximum(now.age, np.maximum(a.age, b.age))
    off = miss / (tolerance_px(miss[0], stale[0])[..., None] * (1.0 + stale))
    each = np.minimum(np.sqrt(1.0 + off * off) - 1.0, _COST_CAP)
    each *= now.weight * a.weight * b.weight
    each += _APPEARANCE_COST * (now.seen != a.seen)
    cost = each[..., 0] + each[..., 1]
    # A frame that no labelling explains is a cut or another person, and says nothing about left and right.
    cost *= ~(cost.min(0) > _UNEXPLAINED * _COST_CAP * now.weight.sum(-1))
    return cost.swapaxes(0, 1)


_SWAP_LAST, _SWAP_FIRST = (slice(0, 4, 2), slice(1, 4, 2)), (slice(0, 4, 3), slice(1, 3))
"""Of the four patterns, those in which left and right of the frame are as they are now, and the others."""


def _exchanged(sightings: Sightings, kept: slice, swapped: slice) -> Sightings:
    """Those of each pattern, patterns first."""
    patterns = []
    for array in sightings:
        of_each = np.empty((4, *array.shape), dtype=array.dtype)
        of_each[kept], of_each[swapped] = array, array[:, :, ::-1]
        patterns.append(of_each)
    return Sightings(*patterns)


def _doubt(seen: Bool[np.ndarray, "frames pairs 2"], step_s: float) -> Float[np.ndarray, "frames pairs"]:
    """Share of the points in the three frames up to each one that are guesses: of those that have just been seen. One
    side that is seen in place of the other is not fewer."""
    count = seen.sum(2) / 2.0
    most = count.copy()
    for back in range(1, round(MEMORY_S / step_s) + 1):
        most[back:] = np.maximum(most[back:], count[:-back])
    fewer = most - count
    doubt = np.zeros_like(fewer)
    doubt[2:] = np.maximum(fewer[2:], np.maximum(fewer[1:-1], fewer[:-2]))
    return doubt


def _jitter(
    miss: Float[np.ndarray, "steps pairs 2"],
    stale: Float[np.ndarray, "steps pairs 2"],
    height_px: Float[np.ndarray, " steps"],
) -> Float[np.ndarray, " pairs"]:
    """Jitter of each joint in this clip, in body heights."""
    heights = np.where(stale == 0, miss / height_px[:, None, None], np.nan)
    known = np.isfinite(heights).any((0, 2))
    jitter = np.full(miss.shape[1], NOISE_HEIGHTS[1])
    jitter[known] = np.nanmedian(heights[:, known], axis=(0, 2)) / RAYLEIGH
    return np.clip(jitter, *NOISE_HEIGHTS)


def tolerances_px(
    jitter: Float[np.ndarray, "*steps pairs"],
    height_px: Float[np.ndarray, " steps"],
    step_s: Float[np.ndarray, " steps"],
) -> Float[np.ndarray, "steps pairs"]:
    """What a joint misses its course by in ordinary frames: its jitter (body heights), and ordinary movement."""
    movement = _ACCELERATION_HEIGHTS_S2 * step_s**2
    return height_px[:, None] * np.hypot(jitter, movement[:, None])


def _continued(
    points: Float[np.ndarray, "frames pairs 2 2"],
    confidence: Float[np.ndarray, "frames pairs 2"],
    times_s: Float[np.ndarray, " frames"],
) -> tuple[
    Float[np.ndarray, "frames pairs 2 2"], Float[np.ndarray, "frames pairs 2"], Float[np.ndarray, "frames pairs 2"]
]:
    """Left and right points, continued from the last two sightings where one is missing; how much each counts, and the
    frames since it was seen."""
    seen = confidence > 0
    frame = np.arange(len(points))[:, None, None]
    last = np.maximum(np.maximum.accumulate(np.where(seen, frame, -1), axis=0), 0)
    age = (frame - last).astype(np.float64)
    age_s = times_s[frame] - times_s[last]
    step = np.zeros_like(points)
    step[1:] = np.diff(points, axis=0) / np.diff(times_s)[:, None, None, None]
    step[~np.isfinite(step)] = 0.0
    at = last[..., None]
    ahead = np.take_along_axis(step, at, axis=0) * np.minimum(age_s, MEMORY_S)[..., None]
    continued = np.take_along_axis(points, at, axis=0) + ahead
    weight = np.take_along_axis(np.cbrt(confidence), last, axis=0) * np.clip(1.0 - age_s / MEMORY_S, 0.0, 1.0)
    return np.where(np.isfinite(continued), continued, 0.0), weight, age


def cheapest(
    cost: Float[np.ndarray, "frames 4"],
    change: Float[np.ndarray, " frames"],
    exchanged: Float[np.ndarray, " frames"],
    border: float,
) -> tuple[Bool[np.ndarray, " frames"], float]:
    """The cheapest sequence of states, True where exchanged, and how much cheaper it is than exchanging nothing.

    Args:
        change: cost of a change of state before each frame.
        exchanged: cost of each exchanged frame; negative where evidence is for the exchange.
        border: cost of a clip that begins or ends exchanged: where it was cut tells nothing.
    """
    # A change pays in the two frames that look across it; where none can earn its cost, no sequence of them can.
    gain = np.append(cost[:, 0] - cost[:, 1:].min(1), 0.0).clip(0.0)
    if not (gain[:-1] + gain[1:] >= change).any() and -exchanged.clip(max=0.0).sum() < border:
        return np.zeros(len(cost), dtype=bool), 0.0
    return _viterbi(cost, change, exchanged, border)


def _viterbi(
    cost: Float[np.ndarray, "frames 4"],
    change: Float[np.ndarray, " frames"],
    exchanged: Float[np.ndarray, " frames"],
    border: float,
) -> tuple[np.ndarray, float]:
    """Plain Python on lists: the state is a pair of bits, and NumPy's overhead would be a hundred times the work.

    ``ab`` is the cost of the best path whose last two states are a and b.
    """
    keep, late, early, both = (cost[:, k].tolist() for k in range(4))
    late = (cost[:, 1] + change).tolist()
    both = (cost[:, 3] + change).tolist()
    fee = exchanged.tolist()
    # A clip that begins or ends exchanged pays as for a change: where it was cut tells nothing.
    c00, c01, c10, c11 = 0.0, change[1] + fee[1], border + fee[0] + change[1], border + fee[0] + fee[1]
    back = []
    for k, x, e, b, f in zip(keep[2:], late[2:], early[2:], both[2:], fee[2:], strict=True):
        to_00, to_00_alt = c00 + k, c10 + e
        to_01, to_01_alt = c10 + b, c00 + x
        to_10, to_10_alt = c01 + b, c11 + x
        to_11, to_11_alt = c11 + k, c01 + e
        choice = 0
        if to_00_alt < to_00:
            to_00, choice = to_00_alt, 1
        if to_01_alt < to_01:
            to_01, choice = to_01_alt, choice | 2
        if to_10_alt < to_10:
            to_10, choice = to_10_alt, choice | 4
        if to_11_alt < to_11:
            to_11, choice = to_11_alt, choice | 8
        c00, c01, c10, c11 = to_00, to_01 + f, to_10, to_11 + f
        back.append(choice)
    ends = ((c00, 0, 0), (c01 + border, 0, 1), (c10, 1, 0), (c11 + border, 1, 1))
    least = min(ends)
    return _traced(back, least[1:], len(cost)), sum(keep[2:]) - least[0]


def _traced(back: list[int], end: tuple[int, int], n: int) -> np.ndarray:
    states = np.zeros(n, dtype=bool)
    before, now = end
    states[-1], states[-2] = now, before
    for frame in range(n - 1, 1, -1):
        choice = back[frame - 2]
        # The state before `before`: see the meaning of the bits in `_viterbi`.
        if (before, now) == (0, 0):
            earlier = 1 if choice & 1 else 0
        elif (before, now) == (0, 1):
            earlier = 0 if choice & 2 else 1
        elif (before, now) == (1, 0):
            earlier = 1 if choice & 4 else 0
        else:
            earlier = 0 if choice & 8 else 1
        states[frame - 2] = earlier
        before, now = earlier, before
    return states

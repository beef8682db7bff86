"""Points at other times than those of the pictures: frames that were passed over, and a constant frame rate."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.skeleton import Skeleton

MAX_BRIDGE_S = 0.5
"""Two looks further apart than this say nothing about the time between: half a stride takes as long."""
BETWEEN_CONFIDENCE = 0.5
"""Confidence of a point in a frame that no detector has seen, as a share of the lower one of the two looks around it
(as that of points which the repair fills in)."""
_SAME_TIME_S = 1e-6
_NEAR = 0.25
"""A look so much of a frame away is taken as it is where nothing leads from it to the wanted time."""
_SHIFTED = 0.25
"""Times between pictures up to this much longer than a frame are those of a clip that is only unsteady."""
_EXCHANGED = 0.5
"""Left and right have changed places between two looks where this makes the way shorter by this factor."""


@dataclass(frozen=True, eq=False)
class Looks:
    """What a detector saw of one person, at the times of the pictures that it looked at."""

    times_s: Float[np.ndarray, " looks"]
    points: Float[np.ndarray, "looks joints 2"]
    """NaN where missing."""
    confidence: Float[np.ndarray, "looks joints"]
    depth_px: Float[np.ndarray, "looks joints"] | None
    skeleton: Skeleton


def even_times(last_s: float, fps: Fraction, n_pictures: int) -> Float[np.ndarray, " frames"]:
    """Times at the constant rate ``fps`` from 0 to the last picture's time, give or take half a frame.

    Raises:
        InputError: so many frames would come of it that the times or the rate must be wrong.
    """
    count = round(last_s * float(fps)) + 1
    if count > 100_000 + 50 * n_pictures:
        raise InputError(
            f"{n_pictures} pictures over {last_s:.0f} s would be {count} frames at {float(fps):g} frames/s; "
            "give a lower --fps"
        )
    return np.arange(count) / float(fps)


def at_times(looks: Looks, times_s: Float[np.ndarray, " wanted"], fps: Fraction) -> Looks:
    """What was seen, at other times: by a cubic through each look (Hermite's, with the slope of the parabola through a
    look and its two neighbours), which continues neither beyond the first look nor over what is missing.

    Nothing is put between two looks when one of them misses the joint, when they are more than half a second apart, or
    when left and right have changed places from one to the other: repair sees such a gap, and can mend the exchange.
    Next to its look a point keeps its confidence; in frames that were passed over it has half of the lower one.

    Args:
        looks: at least one; times from the first picture on, increasing.
        times_s: wanted times, increasing.
        fps: frame rate of the clip; with it, frames that were passed over are told from those that came unevenly.
    """
    values = looks.points if looks.depth_px is None else np.concatenate((looks.points, looks.depth_px[..., None]), -1)
    own = looks.times_s
    after = np.clip(np.searchsorted(own, times_s), 0, len(own) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(times_s - own[before]) < np.abs(own[after] - times_s), before, after)
    away_s = np.abs(times_s - own[nearest])
    found, confidence = values[nearest], looks.confidence[nearest]
    near = away_s <= _NEAR / float(fps)
    between = np.flatnonzero(away_s > _SAME_TIME_S)
    if len(between):
        found[between], confidence[between] = np.nan, 0.0
        inside = between[(times_s[between] > own[0]) & (times_s[between] < own[-1])]
        if len(inside):
            low = np.searchsorted(own, times_s[inside], side="right") - 1
            found[inside] = _hermite(own, values, _bridged(looks, values), low, times_s[inside])
            confidence[inside] = _confidence(looks, low, times_s[inside], fps)
        open_ends = ~np.isfinite(found).all(-1)
        confidence[open_ends] = np.where(near[:, None], looks.confidence[nearest], 0.0)[open_ends]
        found[open_ends] = np.where(near[:, None, None], values[nearest], np.nan)[open_ends]
    depth = None if looks.depth_px is None else found[..., 2]
    return Looks(times_s, found[..., :2], confidence, depth, looks.skeleton)


def _confidence(looks: Looks, low: np.ndarray, times_s: np.ndarray, fps: Fraction) -> np.ndarray:
    before, after = looks.confidence[low], looks.confidence[low + 1]
    apart_s = (looks.times_s[low + 1] - looks.times_s[low])[:, None]
    share = (times_s - looks.times_s[low])[:, None] / apart_s
    passed_over = apart_s > (1 + _SHIFTED) / float(fps)
    return np.where(passed_over, BETWEEN_CONFIDENCE * np.minimum(before, after), (1 - share) * before + share * after)


def _bridged(looks: Looks, values: np.ndarray) -> Bool[np.ndarray, "steps joints"]:
    """True for the joints that may be followed from one look to the next."""
    seen: np.ndarray = np.all(np.isfinite(values), axis=-1)
    both = seen[1:] & seen[:-1]
    near = np.diff(looks.times_s) <= MAX_BRIDGE_S + _SAME_TIME_S
    return both & (near & ~_exchanged(looks))[:, None]


def _exchanged(looks: Looks) -> Bool[np.ndarray, " steps"]:
    """True where the left joints continue the right ones, and these those."""
    left, right = list(looks.skeleton.left), list(looks.skeleton.right)
    if not left:
        return np.zeros(len(looks.points) - 1, dtype=bool)
    pairs = np.concatenate((looks.points[:, left], looks.points[:, right]), axis=1)
    mirrored = np.concatenate((looks.points[:, right], looks.points[:, left]), axis=1)
    straight, crossed = (np.linalg.norm(pairs[1:] - other[:-1], axis=-1) for other in (pairs, mirrored))
    known = np.isfinite(straight) & np.isfinite(crossed)
    straight, crossed = (np.sum(np.where(known, way, 0.0), axis=1) for way in (straight, crossed))
    return (known.sum(1) >= 4) & (crossed < _EXCHANGED * straight)


def _hermite(
    own: np.ndarray, values: np.ndarray, bridged: Bool[np.ndarray, "steps joints"], low: np.ndarray, at: np.ndarray
) -> Float[np.ndarray, "wanted joints dims"]:
    """The cubic at times ``at`` that lie after look ``low``; NaN where the step is not bridged."""
    step_s = np.diff(own)
    speed = np.where(bridged[..., None], np.diff(values, axis=0) / step_s[:, None, None], np.nan)
    slope = np.full_like(values, np.nan)
    slope[0], slope[-1] = speed[0], speed[-1]
    before, after = speed[:-1], speed[1:]
    weight = (step_s[1:] / (step_s[1:] + step_s[:-1]))[:, None, None]
    middle = weight * before + (1 - weight) * after
    slope[1:-1] = np.where(np.isfinite(middle), middle, np.where(np.isfinite(before), before, after))
    h = step_s[low][:, None, None]
    s = (at - own[low])[:, None, None] / h
    cubic = (
        (1 + 2 * s) * (1 - s) ** 2 * values[low]
        + s * (1 - s) ** 2 * h * slope[low]
        + s**2 * (3 - 2 * s) * values[low + 1]
        - s**2 * (1 - s) * h * slope[low + 1]
    )
    return np.where(bridged[low][..., None], cubic, np.nan)

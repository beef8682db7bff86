"""Points that cannot be right: outside the picture, unsure, far from the body, and single spikes."""

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.refine.keypoints_edits import Edit, edits_of, mask_of, notes_of
from maquette.refine.keypoints_scale import body_height_px, lengths_px

_REACH_HEIGHTS = 1.2
"""No joint is further from the middle of the body, even with a limb stretched towards a near camera."""
MAD_TO_SIGMA = 1.4826
_WINDOW_SAMPLES = 9
"""A window of more frames is thinned out to these."""
_CAUTION_AT_ENDS = 2.5
"""How much larger a spike must be beside nothing."""


def drop_implausible(
    keypoints: Keypoints, *, min_confidence: float | int = 0.1, picture_margin: float = 0.1
) -> Keypoints:
    """Make points missing that :func:`find_implausible` finds."""
    return drop(keypoints, find_implausible(keypoints, min_confidence=min_confidence, picture_margin=picture_margin))


def remove_spikes(keypoints: Keypoints, *, half_window_s: float | int = 0.12, n_sigma: float = 4.0) -> Keypoints:
    """Make points missing that :func:`find_spikes` finds; gap filling puts better ones in their place."""
    return drop(keypoints, find_spikes(keypoints, half_window_s=half_window_s, n_sigma=n_sigma))


def drop(keypoints: Keypoints, edits: list[Edit]) -> Keypoints:
    """Make the points of ``edits`` missing."""
    if not edits:
        return keypoints
    gone = mask_of(edits, keypoints.n_frames, keypoints.skeleton)
    confidence = np.where(gone, 0.0, keypoints.confidence)
    return keypoints.with_notes(*notes_of(edits, keypoints.skeleton), confidence=confidence)


def find_implausible(
    keypoints: Keypoints, *, min_confidence: float | int = 0.1, picture_margin: float = 0.1
) -> list[Edit]:
    """Points with a confidence below ``min_confidence``, outside the picture by more than ``picture_margin`` of its
    longer side (when its size is known), or more than 1.2 body heights from the middle of the body.

    A detector's guess just beyond the border is worth more than none; the far ones are not.

    Raises:
        InputError: a negative margin or a threshold outside [0, 1].
    """
    if not 0 <= min_confidence <= 1 or picture_margin < 0:
        raise InputError(
            f"min_confidence is {min_confidence:g}, expected 0 to 1; "
            f"picture_margin is {picture_margin:g}, expected 0 or more"
        )
    observed = keypoints.observed
    unsure = observed & (keypoints.confidence < min_confidence)
    sure = observed & ~unsure
    edits = edits_of(unsure, "unsure", keypoints.skeleton)
    if keypoints.image_size is not None:
        size = np.array(keypoints.image_size, dtype=np.float64)
        margin_px = picture_margin * size.max()
        off = outside(keypoints.points, size, float(margin_px))
        edits += edits_of(sure & off, "outside", keypoints.skeleton)
        sure &= ~off
    points = np.where(sure[..., None], keypoints.points, np.nan)
    return edits + edits_of(too_far(points, sure, body_height_px(keypoints)), "far", keypoints.skeleton)


def outside(
    points: Float[np.ndarray, "frames joints 2"], size: Float[np.ndarray, " 2"], margin_px: float
) -> Bool[np.ndarray, "frames joints"]:
    """Points off a picture of ``size`` (width, height) by more than the margin."""
    with np.errstate(invalid="ignore"):
        off = (points < -margin_px) | (points > size + margin_px)
    return off[..., 0] | off[..., 1]


def too_far(
    points: Float[np.ndarray, "frames joints 2"],
    sure: Bool[np.ndarray, "frames joints"],
    height_px: Float[np.ndarray, " frames"],
) -> Bool[np.ndarray, "frames joints"]:
    """The ``sure`` points (the others are NaN) more than 1.2 body heights from the middle of the body."""
    # The lower middle point: sort puts NaN last, and a middle of two clusters lies in one of them.
    middle = np.clip((sure.sum(1) - 1) // 2, 0, None)
    centre = np.sort(points, axis=1)[np.arange(len(points)), middle]
    with np.errstate(invalid="ignore"):
        return sure & (lengths_px(points - centre[:, None]) > _REACH_HEIGHTS * height_px[:, None])


def find_spikes(
    keypoints: Keypoints, *, half_window_s: float | int = 0.12, n_sigma: float = 4.0, min_heights: float = 0.06
) -> list[Edit]:
    """Points that leave the path of their joint and come back (the Hampel identifier of Davies and Gather 1993, about a
    robust line in place of the median, so that steady movement does not count as spread).

    A point is a spike when it lies further from the line through its window than ``n_sigma`` robust standard deviations
    (1.4826 times the median distance from that line) and further than ``min_heights`` body heights. The window reaches
    ``half_window_s`` to both sides, and two frames at least; missing points do not count.

    Raises:
        InputError: a window, threshold or size that is not positive.
    """
    if not (half_window_s > 0 and n_sigma > 0 and min_heights > 0):
        raise InputError(
            f"half_window_s is {half_window_s:g}, n_sigma {n_sigma:g}, min_heights {min_heights:g}; "
            "expected positive numbers"
        )
    floor_px = min_heights * body_height_px(keypoints)
    if keypoints.n_frames < 5 or not np.isfinite(floor_px).any():
        return []
    half = max(2, round(half_window_s * float(keypoints.fps)))
    frames, joints = np.nonzero(_suspects(keypoints, floor_px, half))
    spike = np.zeros((keypoints.n_frames, keypoints.n_joints), dtype=bool)
    for first in range(0, len(frames), 100_000):
        part = slice(first, first + 100_000)
        _judge(keypoints, frames[part], joints[part], floor_px, half, n_sigma, spike)
    return edits_of(spike, "spike", keypoints.skeleton)


def _suspects(
    keypoints: Keypoints, floor_px: Float[np.ndarray, " frames"], half: int
) -> Bool[np.ndarray, "frames joints"]:
    """Points near a place where the path bends by half the floor: only these need the window's statistics."""
    points, observed = keypoints.points, keypoints.observed
    n = len(points)
    frame = np.arange(n)[:, None]
    last = np.maximum.accumulate(np.where(observed, frame, -1), axis=0)
    coming = np.minimum.accumulate(np.where(observed, frame, n)[::-1], axis=0)[::-1]
    before = np.vstack((np.full((1, points.shape[1]), -1), last[:-1]))
    after = np.vstack((coming[1:], np.full((1, points.shape[1]), n)))
    before, after = np.where(before < 0, after, before), np.where(after >= n, before, after)
    joint = np.arange(points.shape[1])
    middle = 0.5 * (points[np.clip(before, 0, n - 1), joint] + points[np.clip(after, 0, n - 1), joint])
    with np.errstate(invalid="ignore"):
        bent = lengths_px(points - middle) > 0.5 * floor_px[:, None]
    if not bent.any():
        return bent
    count = np.cumsum(np.vstack((np.zeros((1, bent.shape[1]), dtype=np.int64), bent)), axis=0)
    # Both ends of a spike bend the path, and no spike is longer than half its window.
    reach = (half + 1) // 2
    near = count[np.minimum(frame[:, 0] + reach + 1, n)] - count[np.maximum(frame[:, 0] - reach, 0)]
    return (near > 0) & observed


def _judge(
    keypoints: Keypoints,
    frames: Int[np.ndarray, " suspects"],
    joints: Int[np.ndarray, " suspects"],
    floor_px: Float[np.ndarray, " frames"],
    half: int,
    n_sigma: float | int,
    spike: Bool[np.ndarray, "frames joints"],
) -> None:
    """Mark the spikes among the suspects."""
    offsets = np.unique(np.round(np.linspace(-half, half, _WINDOW_SAMPLES)).astype(int))
    centre = len(offsets) // 2
    around = frames[:, None] + offsets
    inside = (around >= 0) & (around < keypoints.n_frames)
    around = np.clip(around, 0, keypoints.n_frames - 1)
    window = np.where(inside[..., None], keypoints.points[around, joints[:, None]], np.nan)
    time_s = keypoints.times_s[around] - keypoints.times_s[frames][:, None]
    off = np.stack([off_the_line(time_s, window[..., axis]) for axis in (0, 1)], axis=-1)
    distance = lengths_px(off)
    seen = np.isfinite(distance)
    sigma = MAD_TO_SIGMA * medians(distance)
    least_side = np.minimum(seen[:, :centre].sum(1), seen[:, centre + 1 :].sum(1))
    # At an end the line is continued, not crossed: a turn of the path looks like a step away from it.
    caution = np.where(least_side > 0, 1.0, _CAUTION_AT_ENDS)
    limit_px = caution * np.maximum(n_sigma * sigma, floor_px[frames])
    found = (distance[:, centre] > limit_px) & (seen.sum(1) >= 4)
    spike[frames[found], joints[found]] = True


def off_the_line(
    time_s: Float[np.ndarray, "suspects window"], values: Float[np.ndarray, "suspects window"]
) -> Float[np.ndarray, "suspects window"]:
    """Distance of every value from a robust line through its window: the slope is the median over the pairs that span
    the middle (after Sen 1968), at an end, where none do, over all pairs; the level the median of what is left."""
    side = np.arange(values.shape[1] // 2)
    slope = _slope(time_s, values, np.repeat(side, len(side)), np.tile(side + values.shape[1] - len(side), len(side)))
    at_end = ~np.isfinite(slope)
    if at_end.any():
        slope[at_end] = _slope(time_s[at_end], values[at_end], *np.triu_indices(values.shape[1], 1))
    level = values - np.where(np.isfinite(slope), slope, 0.0)[:, None] * time_s
    return level - medians(level)[:, None]


def _slope(
    time_s: Float[np.ndarray, "suspects window"],
    values: Float[np.ndarray, "suspects window"],
    first: Int[np.ndarray, " pairs"],
    second: Int[np.ndarray, " pairs"],
) -> Float[np.ndarray, " suspects"]:
    """Median slope of the lines through pairs of samples, NaN without any pair."""
    span_s = time_s[:, second] - time_s[:, first]
    # Frames before the first and after the last are clipped to it, at no distance in time.
    return medians((values[:, second] - values[:, first]) / np.where(span_s > 0, span_s, np.nan))


def medians(rows: Float[np.ndarray, "rows window"]) -> Float[np.ndarray, " rows"]:
    """Median of the finite values of each row, NaN where there is none; much faster than nanmedian."""
    ordered = np.sort(rows, axis=1)
    count = np.isfinite(ordered).sum(1)
    index = np.arange(len(rows))
    upper = np.minimum(count // 2, rows.shape[1] - 1)
    return 0.5 * (ordered[index, np.maximum(count - 1, 0) // 2] + ordered[index, upper])

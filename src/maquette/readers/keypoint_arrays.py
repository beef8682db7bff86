"""From a file's numbers to points and confidence: what counts as missing, and which unit coordinates have."""

import numpy as np
from jaxtyping import Float, Int

from maquette.errors import InputError
from maquette.readers.clip import Unit

LARGEST_COORDINATE = 1e7
"""In any unit; beyond it a number is an accident, and its square would spoil sums."""


def clean(
    points: Float[np.ndarray, "rows joints 2"],
    confidence: Float[np.ndarray, "rows joints"],
    where: str,
    *,
    zero_is_missing: bool = True,
) -> tuple[Float[np.ndarray, "rows joints 2"], Float[np.ndarray, "rows joints"], tuple[str, ...]]:
    """Points with NaN and confidence 0 where missing.

    Missing is a confidence of 0 or below, a NaN, or (with ``zero_is_missing``) the point 0, 0, which detectors write
    for a joint they do not see. Confidence above 1 becomes 1: it is a network's raw peak, and 1 is "certain".

    Returns:
        ``(points, confidence, notes)``; a note tells when confidences were clipped.

    Raises:
        InputError: infinite numbers, or coordinates that are too large to be any.
    """
    points = np.array(points, dtype=np.float64)
    confidence = np.array(confidence, dtype=np.float64)
    if np.isinf(points).any() or np.isinf(confidence).any():
        raise InputError(f"{where}: infinite numbers among the keypoints; write missing points as empty, NaN or 0")
    with np.errstate(invalid="ignore"):
        missing = ~(confidence > 0) | np.isnan(points[..., 0]) | np.isnan(points[..., 1])
        if zero_is_missing:
            missing |= (points[..., 0] == 0) & (points[..., 1] == 0)
        largest = np.abs(points[~missing]).max(initial=0.0)
        over = confidence[~missing & (confidence > 1)]
    if largest > LARGEST_COORDINATE:
        raise InputError(f"{where}: a coordinate of {largest:.3g}; expected pixels or fractions of the picture")
    points[missing] = np.nan
    confidence[missing] = 0.0
    notes = ()
    if over.size:
        np.minimum(confidence, 1.0, out=confidence)
        notes = (f"{over.size} confidences above 1 (up to {over.max():.3g}) were set to 1",)
    return points, confidence, notes


def coordinate_unit(points: Float[np.ndarray, "rows joints 2"]) -> Unit:
    """Unit of coordinates, told by their range.

    A person spans many pixels, so coordinates that (but for one in twenty, points outside the picture) stay within ±1.5
    are fractions of the picture; negative ones then mean OpenPose's ``--keypoint_scale 4``, whose origin is the centre.
    Up to 4000 rows, spread over the clip, are looked at.
    """
    some = points[:: max(1, len(points) // 2000)]
    values = some[np.isfinite(some)]
    if not values.size or np.quantile(np.abs(values), 0.95) > 1.5:
        return "px"
    return "-1..1" if np.quantile(values, 0.05) < -0.1 else "0..1"


def to_pixels(
    points: Float[np.ndarray, "rows joints 2"], unit: Unit, image_size: tuple[int, int]
) -> Float[np.ndarray, "rows joints 2"]:
    """Fractions of a picture of ``image_size`` (width, height) as pixels."""
    size = np.array(image_size, dtype=np.float64)
    if unit == "-1..1":
        return (points + 1.0) * 0.5 * size
    return points * size


def place_frames(numbers: Int[np.ndarray, " rows"]) -> tuple[Int[np.ndarray, " rows"], int, int, tuple[str, ...]]:
    """Frames counted from 0, from the numbers that a file gives them.

    Absent numbers become frames without anybody, unless the numbers cannot count frames: timestamps or image ids, told
    by steps of more than 10 from most numbers to the next, or by a clip of more than two million frames (18 hours).

    Returns:
        ``(frame of each row, first number, length of the clip, notes)``.
    """
    first, last = int(numbers.min()), int(numbers.max())
    distinct = np.unique(numbers)
    span = last - first + 1
    usual_step = float(np.median(np.diff(distinct))) if len(distinct) > 1 else 1.0
    if usual_step > 10 or span > max(2_000_000, 2 * len(distinct)):
        note = (
            f"the frame numbers run from {first} to {last} but only {len(distinct)} exist, so they were taken for "
            "names and the frames for consecutive ones"
        )
        return np.searchsorted(distinct, numbers), first, len(distinct), (note,)
    return numbers - first, first, span, ()

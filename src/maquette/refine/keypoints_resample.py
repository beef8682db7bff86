"""A 2D track at another frame rate."""

from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.frozen_arrays import exact_fps
from maquette.keypoints import Keypoints
from maquette.refine.keypoints_edits import runs

_MOST_FRAMES = 5_000_000


def resample(keypoints: Keypoints, fps: Fraction | float | int | str) -> Keypoints:
    """The track at ``fps`` frames per second, evenly spaced, from its first frame on and not beyond its last.

    Each run of sightings is a cubic spline of its own (not-a-knot; a parabola through three, a line through two), so
    nothing is made up in gaps and nothing is extrapolated; a lone sighting survives where a new frame falls on it.
    Timestamps, where the track has them, are where its frames lie; the result then has timestamps, too. The confidence
    runs straight from frame to frame. There is no low-pass: before going to a much lower rate, smooth.

    Raises:
        InputError: fps is not a positive number, or the result would have more than 5 million frames.
    """
    wanted = exact_fps(fps)
    if (keypoints.timestamps_s is None and wanted == keypoints.fps) or keypoints.n_frames < 2:
        return keypoints.with_notes(fps=wanted)
    at, timestamps_s = _new_positions(keypoints, wanted)
    source = np.arange(keypoints.n_frames, dtype=np.float64) if timestamps_s is None else keypoints.times_s
    points = np.full((len(at), keypoints.n_joints, 2), np.nan)
    for (start, stop), joints in _runs_of_joints(keypoints.observed).items():
        first, last = np.searchsorted(at, source[start]), np.searchsorted(at, source[stop - 1], side="right")
        if last > first:
            spline = _spline(source[start:stop], keypoints.points[start:stop, joints], at[first:last])
            points[first:last, joints] = spline
    low = np.clip(np.searchsorted(source, at, side="right") - 1, 0, len(source) - 2)
    share = ((at - source[low]) / (source[low + 1] - source[low]))[:, None]
    confidence = (1 - share) * keypoints.confidence[low] + share * keypoints.confidence[low + 1]
    return keypoints.with_notes(
        f"2D resampled from {_words(keypoints.fps)} to {_words(wanted)} frames/s by cubic splines",
        points=points,
        confidence=np.where(np.isfinite(points[..., 0]), np.clip(confidence, 0.0, 1.0), 0.0),
        fps=wanted,
        timestamps_s=timestamps_s,
    )


def _new_positions(
    keypoints: Keypoints, wanted: Fraction
) -> tuple[Float[np.ndarray, " wanted"], Float[np.ndarray, " wanted"] | None]:
    """Where the new frames lie, in source frames, or in seconds when the track has timestamps; and their timestamps."""
    if keypoints.timestamps_s is None:
        ratio = keypoints.fps / wanted
        count = (keypoints.n_frames - 1) // ratio + 1
    else:
        start_s, end_s = float(keypoints.timestamps_s[0]), float(keypoints.timestamps_s[-1])
        ratio = None
        # A last frame that rounding has put a hair before the new one still counts.
        count = int(np.floor((end_s - start_s) * float(wanted) + 1e-6)) + 1
    if count > _MOST_FRAMES:
        raise InputError(
            f"{float(wanted):g} frames/s would make {count} frames of this clip; expected 5 million at most"
        )
    if ratio is not None:
        # Division of whole numbers, correctly rounded: a new frame that falls on an old one does so exactly.
        return np.arange(int(count)) * ratio.numerator / ratio.denominator, None
    times_s = start_s + np.arange(count) / float(wanted)
    return np.minimum(times_s, end_s), times_s


def _runs_of_joints(observed: Bool[np.ndarray, "frames joints"]) -> dict[tuple[int, int], list[int]]:
    """Runs ``[start, stop)`` of sightings, each with the joints that have exactly this run."""
    if observed.all():
        return {(0, len(observed)): list(range(observed.shape[1]))}
    grouped: dict[tuple[int, int], list[int]] = {}
    for joint in range(observed.shape[1]):
        for run in runs(observed[:, joint]):
            grouped.setdefault(run, []).append(joint)
    return grouped


def _spline(
    source: Float[np.ndarray, " frames"], values: Float[np.ndarray, "frames joints 2"], at: Float[np.ndarray, " wanted"]
) -> Float[np.ndarray, "wanted joints 2"]:
    if len(source) == 1:
        return np.repeat(values, len(at), axis=0)
    from scipy.interpolate import CubicSpline

    return CubicSpline(source, values, axis=0)(at)


def _words(fps: Fraction) -> str:
    return f"{float(fps):.6g}"

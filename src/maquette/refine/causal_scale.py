"""How large people are in the picture, frame by frame."""

import numpy as np
from jaxtyping import Float, Int

from maquette.refine.keypoints_scale import standing_heights_px
from maquette.skeleton import Skeleton

_SAMPLES = 15
_SPACING_S = 0.5 / _SAMPLES
"""The median is taken over half a second, as offline, whatever the frame rate."""
_LEAST_PX = 1.0
_FORGET_LARGEST_S = 30.0
"""Who turns sideways does not shrink; who walks away does."""


class HeightStream:
    """Standing height in pixels, as :func:`~maquette.refine.keypoints_scale.body_height_px` without the future: the
    median over the last half second of what the bones of each frame imply, and at least half of what it was before.
    People of whom no bone was ever seen whole are as tall as their points reach."""

    def __init__(self, skeleton: Skeleton, capacity: int) -> None:
        self._skeleton = skeleton
        self._samples = np.full((capacity, _SAMPLES), np.nan)
        self._next = np.zeros(capacity, dtype=np.int64)
        self._sampled_s = np.full(capacity, -np.inf)
        self._largest = np.zeros(capacity)
        self._time_s = np.zeros(capacity)
        self._by_bones = np.zeros(capacity, dtype=bool)

    def reset(self, row: int) -> None:
        """Forget a person."""
        self._samples[row] = np.nan
        self._next[row] = 0
        self._sampled_s[row] = -np.inf
        self._largest[row] = 0.0
        self._by_bones[row] = False

    def __call__(
        self, rows: Int[np.ndarray, " people"], points: Float[np.ndarray, "people joints 2"], time_s: float
    ) -> Float[np.ndarray, " people"]:
        """Height of each person in this frame, px; NaN before any two points were seen.

        Args:
            points: NaN where missing.
        """
        now = standing_heights_px(self._skeleton, points)
        known = np.isfinite(now)
        if not known.all():
            now = np.where(known | self._by_bones[rows], now, _extent_px(points))
        first = known & ~self._by_bones[rows]
        if first.any():
            self._samples[rows[first]] = np.nan
            self._by_bones[rows[first]] = True
            self._largest[rows[first]] = 0.0
            self._sampled_s[rows[first]] = -np.inf
        # A little early is in time: steps of frames are not exact.
        due = np.isfinite(now) & (time_s - self._sampled_s[rows] >= 0.95 * _SPACING_S)
        if due.any():
            chosen = rows[due]
            self._samples[chosen, self._next[chosen]] = now[due]
            self._next[chosen] = (self._next[chosen] + 1) % _SAMPLES
            self._sampled_s[chosen] = time_s
        ordered = np.sort(self._samples[rows], axis=1)
        count = np.isfinite(ordered).sum(1)
        person = np.arange(len(rows))
        median = 0.5 * (ordered[person, np.maximum(count - 1, 0) // 2] + ordered[person, np.maximum(count, 1) // 2])
        faded = self._largest[rows] * np.exp(-(time_s - self._time_s[rows]) / _FORGET_LARGEST_S)
        self._largest[rows] = np.fmax(faded, np.where(count >= _SAMPLES // 2, median, 0.0))
        self._time_s[rows] = time_s
        return np.where(count > 0, np.maximum(median, np.maximum(0.5 * self._largest[rows], _LEAST_PX)), np.nan)


def _extent_px(points: Float[np.ndarray, "people joints 2"]) -> Float[np.ndarray, " people"]:
    """Longer side of the box around the points, NaN with fewer than two."""
    extent = np.fmax.reduce(points, axis=1) - np.fmin.reduce(points, axis=1)
    return np.where(np.isfinite(points[..., 0]).sum(1) > 1, extent.max(-1), np.nan)

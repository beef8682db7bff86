"""Points that leave the path of their joint, dropped as they come.

Whether a point comes back cannot be known yet. So it has to be further off than offline, is dropped for a moment only,
and then believed: what looked like a spike was a fast movement, or another body.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.refine.keypoints_outliers import MAD_TO_SIGMA, medians, off_the_line
from maquette.refine.keypoints_scale import lengths_px

_FRAMES = 6
"""Looked back at, those within the window."""
_WINDOW_S = 0.25
_LEAST_SEEN = 3
_FLOOR_HEIGHTS, _FLOOR_HEIGHTS_PER_S = 0.08, 1.0
"""How far from its path a point may be: at once, and for each second since it was last seen."""
_SIGMAS = 2.5
_DROPPED_S = 0.07
"""For how long a joint's points are dropped."""
_TOGETHER = 0.5
"""Share of a person's points that leave their paths at once: then the picture has moved, or the person."""


class SpikeStream:
    """Finds single points that leave the path of their joint."""

    def __init__(self, joints: int, capacity: int) -> None:
        self._points = np.full((capacity, _FRAMES, joints, 2), np.nan)
        self._times_s = np.full((capacity, _FRAMES), -np.inf)
        self._dropped_s = np.full((capacity, joints), np.inf)
        """Since when each joint's points have been dropped."""

    def reset(self, row: int) -> None:
        """Forget a person."""
        self._points[row] = np.nan
        self._times_s[row] = -np.inf
        self._dropped_s[row] = np.inf

    def __call__(
        self,
        rows: Int[np.ndarray, " people"],
        points: Float[np.ndarray, "people joints 2"],
        time_s: float,
        height_px: Float[np.ndarray, " people"],
    ) -> Bool[np.ndarray, "people joints"]:
        """True at the points to drop.

        Args:
            points: NaN where missing.
            height_px: body height; NaN where it is not known: then nothing is dropped.
        """
        before = self._points[rows]
        time_before_s = self._times_s[rows]
        recent = time_s - time_before_s <= _WINDOW_S
        if not recent.all():
            before[~recent] = np.nan
        off = self._off(points, before, time_before_s - time_s, height_px)
        seen = np.isfinite(points[..., 0])
        together = off.sum(1) > np.maximum(_TOGETHER * seen.sum(1), 2)
        since_s = np.where(off, np.minimum(self._dropped_s[rows], time_s), np.inf)
        spike = off & (time_s - since_s < _DROPPED_S) & ~together[:, None]
        # A missing point decides nothing.
        since_s = np.where(seen, since_s, self._dropped_s[rows])
        believed = off & ~spike
        if believed.any():
            before = np.where(believed[:, None, :, None], np.nan, before)
            since_s[believed] = np.inf
        self._dropped_s[rows] = since_s
        self._points[rows, :-1] = before[:, 1:]
        self._points[rows, -1] = np.where(spike[..., None], np.nan, points)
        self._times_s[rows, :-1] = time_before_s[:, 1:]
        self._times_s[rows, -1] = time_s
        return spike

    def _off(
        self,
        points: Float[np.ndarray, "people joints 2"],
        before: Float[np.ndarray, "people frames joints 2"],
        ago_s: Float[np.ndarray, "people frames"],
        height_px: Float[np.ndarray, " people"],
    ) -> Bool[np.ndarray, "people joints"]:
        """True where a point is on no continuation of the path before it: none that goes on evenly, none that stops."""
        known = np.isfinite(before[..., 0])
        newest = _FRAMES - 1 - known[:, ::-1].argmax(1)
        person, joint = np.arange(len(newest))[:, None], np.arange(newest.shape[1])
        last = before[person, newest, joint]
        last_s = ago_s[person, newest]
        floor_px = height_px[:, None] * (_FLOOR_HEIGHTS - _FLOOR_HEIGHTS_PER_S * last_s)
        with np.errstate(invalid="ignore"):
            suspect = (lengths_px(points - last) > floor_px) & (known.sum(1) >= _LEAST_SEEN)
        if not suspect.any():
            return suspect
        who, what = np.nonzero(suspect)
        path = np.concatenate([before[who, :, what], points[who, what][:, None]], axis=1)
        times_s = np.concatenate([ago_s[who], np.zeros((len(who), 1))], axis=1)
        times_s[:, :-1] = np.where(np.isfinite(path[:, :-1, 0]), times_s[:, :-1], 0.0)
        miss = lengths_px(np.stack([off_the_line(times_s, path[..., axis]) for axis in (0, 1)], axis=-1))
        sigma = MAD_TO_SIGMA * medians(miss[:, :-1])
        limit_px = np.maximum(_SIGMAS * sigma, floor_px[who, what])
        # The last step goes on: a joint that has just begun to move is on no line through its past.
        prior = np.where(known, np.arange(_FRAMES)[None, :, None], -1)
        prior[person, newest, joint] = -1
        second = prior.max(1)[who, what]
        step = last[who, what] - before[who, second, what]
        pace = last_s[who, what] / (ago_s[who, second] - last_s[who, what])
        on = lengths_px(points[who, what] - last[who, what] - step * pace[:, None])
        suspect[who, what] = (miss[:, -1] > limit_px) & (on > limit_px)
        return suspect

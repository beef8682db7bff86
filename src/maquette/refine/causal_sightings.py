"""Where left and right were in the last three frames, and what each exchange among them would cost."""

from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.refine.keypoints_swaps_path import (
    MEMORY_S,
    NOISE_HEIGHTS,
    RAYLEIGH,
    Sightings,
    step_costs,
    tolerances_px,
)

_LEARN_S = 2.0
"""The jitter of a joint is learnt over about this long."""
_LONG_STEP = 1.5
"""A step this much longer than usual is a person who was not seen in between."""
_USUAL_STEP = 0.05
"""Share of a new step in what is usual."""


class Seen(NamedTuple):
    """What a frame adds."""

    cost: Float[np.ndarray, "people 4 pairs"]
    """See :func:`~maquette.refine.keypoints_swaps_path.continuity_costs`."""
    doubt: Float[np.ndarray, "people pairs"]
    """Share of the points in the last three frames that have just been seen and are guesses now."""
    step_s: Float[np.ndarray, " people"]
    away_s: Float[np.ndarray, " people"]
    """Since the person was last in a frame."""


class PairSightings:
    """Left and right of pairs of joints of several people, under the names that the detector gave them.

    Args:
        pairs: ``(left, right)`` joints.
    """

    def __init__(self, pairs: list[tuple[int, int]], capacity: int) -> None:
        self._joints = np.array(pairs)
        shape = (capacity, len(pairs), 2)
        self._point = np.zeros((*shape, 2))
        self._velocity = np.zeros((*shape, 2))
        self._weight = np.zeros(shape)
        self._seen_s = np.full(shape, -np.inf)
        self._both_s, self._one_s = np.full(shape[:2], -np.inf), np.full(shape[:2], -np.inf)
        self._fewer = np.zeros((capacity, 2, len(pairs)))
        self._jitter = np.full(shape[:2], NOISE_HEIGHTS[1])
        self._learnt_s = np.zeros(shape[:2])
        self._time_s = np.full(capacity, -np.inf)
        self._step_s = np.full(capacity, np.nan)
        self._usual_s = np.nan
        self._last_s = -np.inf
        # The two frames before this one, as they were continued then.
        self._before = [self._blank(shape) for _ in range(2)]

    @staticmethod
    def _blank(shape: tuple[int, ...]) -> Sightings:
        return Sightings(np.zeros((*shape, 2)), np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=bool))

    def reset(self, row: int) -> None:
        """Forget a person."""
        self._weight[row] = 0.0
        self._velocity[row] = 0.0
        self._seen_s[row] = -np.inf
        self._both_s[row] = self._one_s[row] = -np.inf
        self._fewer[row] = 0.0
        self._jitter[row] = NOISE_HEIGHTS[1]
        self._learnt_s[row] = 0.0
        self._time_s[row] = -np.inf
        self._step_s[row] = np.nan
        for before in self._before:
            for array in before:
                array[row] = 0

    def __call__(
        self,
        rows: Int[np.ndarray, " people"],
        points: Float[np.ndarray, "people joints 2"],
        confidence: Float[np.ndarray, "people joints"],
        time_s: float,
        height_px: Float[np.ndarray, " people"],
    ) -> Seen:
        """Take over a frame; what changes of names among the last three would cost."""
        usual_s = self._usual_step(time_s)
        away_s = time_s - self._time_s[rows]
        step_s = np.where(np.isfinite(away_s), away_s, usual_s)
        last, first = (Sightings(*(array[rows] for array in before)) for before in self._before)
        before_s = np.where(np.isfinite(self._step_s[rows]), self._step_s[rows], step_s)
        long = np.isfinite(away_s) & (away_s > _LONG_STEP * usual_s)
        if long.any():
            # As if the person had been in the frames between, without a point.
            step_s, before_s = np.where(long, usual_s, step_s), np.where(long, usual_s, before_s)
            for back, sightings in ((1, last), (2, first)):
                guess = self._continued(rows[long], time_s - back * usual_s, usual_s)
                for array, guessed in zip(sightings, guess, strict=True):
                    array[long] = guessed
        now = self._now(rows, points, confidence, time_s, step_s)
        # No function in here: the types of its arguments would be made anew in every frame.
        tolerance_px = partial(self._tolerances_px, rows, height_px, step_s, before_s, first.weight > 0)
        cost = step_costs(now, last, first, step_s / before_s, tolerance_px)
        doubt = self._doubt(rows, now, time_s)
        for k, sightings in ((1, last), (0, now)):
            for array, value in zip(self._before[k], sightings, strict=True):
                array[rows] = value
        self._time_s[rows], self._step_s[rows] = time_s, step_s
        return Seen(cost, doubt, step_s, away_s)

    def _usual_step(self, time_s: float) -> float:
        step_s = time_s - self._last_s
        self._last_s = time_s
        if not np.isfinite(step_s):
            return 1.0 / 30.0
        # A pause is no longer step: only what is like the others counts in full.
        self._usual_s = step_s if np.isnan(self._usual_s) else self._usual_s
        self._usual_s += _USUAL_STEP * (min(step_s, 2.0 * self._usual_s) - self._usual_s)
        return self._usual_s

    def _continued(self, rows: Int[np.ndarray, " people"], time_s: float, usual_s: float) -> Sightings:
        """From the last sighting of each point."""
        age_s = np.maximum(time_s - self._seen_s[rows], 0.0)
        known_s = np.minimum(age_s, MEMORY_S)
        points = self._point[rows] + self._velocity[rows] * known_s[..., None]
        weight = self._weight[rows] * (1.0 - known_s / MEMORY_S)
        return Sightings(points, weight, np.minimum(age_s / usual_s, 1e3), age_s == 0.0)

    def _now(
        self,
        rows: Int[np.ndarray, " people"],
        points: Float[np.ndarray, "people joints 2"],
        confidence: Float[np.ndarray, "people joints"],
        time_s: float,
        step_s: Float[np.ndarray, " people"],
    ) -> Sightings:
        """This frame: seen points as they are, the others continued."""
        point, sure = points[:, self._joints], confidence[:, self._joints]
        seen = sure > 0
        in_last = self._before[0].seen[rows]
        velocity = (point - self._point[rows]) / step_s[:, None, None, None]
        velocity = np.where((seen & in_last)[..., None], velocity, 0.0)
        weight = np.cbrt(sure)
        if seen.all():
            self._velocity[rows], self._point[rows] = velocity, point
            self._weight[rows], self._seen_s[rows] = weight, time_s
            return Sightings(point, weight, np.zeros(seen.shape), seen)
        self._velocity[rows] = velocity = np.where(seen[..., None], velocity, self._velocity[rows])
        self._point[rows] = point = np.where(seen[..., None], point, self._point[rows])
        self._weight[rows] = weight = np.where(seen, weight, self._weight[rows])
        self._seen_s[rows] = seen_s = np.where(seen, time_s, self._seen_s[rows])
        age_s = time_s - seen_s
        known_s = np.minimum(age_s, MEMORY_S)
        continued = point + velocity * np.where(seen, 0.0, known_s)[..., None]
        age = np.minimum(age_s / step_s[:, None, None], 1e3)
        return Sightings(continued, weight * (1.0 - known_s / MEMORY_S), age, seen)

    def _tolerances_px(
        self,
        rows: Int[np.ndarray, " people"],
        height_px: Float[np.ndarray, " people"],
        step_s: Float[np.ndarray, " people"],
        before_s: Float[np.ndarray, " people"],
        was_known: Bool[np.ndarray, "people pairs 2"],
        miss: Float[np.ndarray, "people pairs 2"],
        stale: Float[np.ndarray, "people pairs 2"],
    ) -> Float[np.ndarray, "people pairs"]:
        """What a pair misses its course by in ordinary frames, after it has been learnt from this one."""
        self._learn(rows, miss / height_px[:, None, None], (stale == 0) & was_known, step_s)
        return tolerances_px(self._jitter[rows], height_px, np.maximum(step_s, before_s))

    def _learn(
        self,
        rows: Int[np.ndarray, " people"],
        miss: Float[np.ndarray, "people pairs 2"],
        fresh: np.ndarray,
        step_s: Float[np.ndarray, " people"],
    ) -> None:
        """The running median of what each pair misses its course by, in body heights: up when it is more, else down."""
        left, right = fresh[..., 0], fresh[..., 1]
        step_s = step_s[:, None]
        self._learnt_s[rows] = learnt_s = self._learnt_s[rows] + np.where(left | right, step_s, 0.0)
        share = step_s / np.minimum(np.maximum(learnt_s, step_s), _LEARN_S)
        jitter = self._jitter[rows]
        off = np.where(fresh, np.sign(miss / RAYLEIGH - jitter[..., None]), 0.0)
        up = (off[..., 0] + off[..., 1]) / np.where(left & right, 2.0, 1.0)
        moved = jitter * np.exp(2.0 * share * up)
        self._jitter[rows] = np.minimum(np.maximum(moved, NOISE_HEIGHTS[0]), NOISE_HEIGHTS[1])

    def _doubt(
        self, rows: Int[np.ndarray, " people"], now: Sightings, time_s: float
    ) -> Float[np.ndarray, "people pairs"]:
        left, right = now.seen[..., 0], now.seen[..., 1]
        self._both_s[rows] = both_s = np.where(left & right, time_s, self._both_s[rows])
        self._one_s[rows] = one_s = np.where(left | right, time_s, self._one_s[rows])
        most = np.where(time_s - one_s <= MEMORY_S, 0.5, 0.0)
        most = np.where(time_s - both_s <= MEMORY_S, 1.0, most)
        fewer = np.maximum(most - 0.5 * left - 0.5 * right, 0.0)
        before = self._fewer[rows]
        self._fewer[rows, 1] = before[:, 0]
        self._fewer[rows, 0] = fewer
        return np.maximum(fewer, np.maximum(before[:, 0], before[:, 1]))

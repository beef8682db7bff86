"""Medians of what should be constant, over the past of a stream, and bone lengths by them."""

import numpy as np
from jaxtyping import Float, Int

from maquette.rig.rest import offsets_of_lengths
from maquette.skeletons import LIFTED_21

Rows = Int[np.ndarray, " people"]

_BONE_SAMPLES, _BONE_EVERY = 32, 8
_JOINTS = len(LIFTED_21)
_PARENTS = [parent for parent, _ in LIFTED_21.bones]
_CHILDREN = [child for _, child in LIFTED_21.bones]
_STARTS = np.array([*_PARENTS, *LIFTED_21.indices(("l_heel", "r_heel"))])
_ENDS = np.array([*_CHILDREN, *LIFTED_21.indices(("l_toe", "r_toe"))])
_ADULT_M = {
    "hip": 0.1, "knee": 0.42, "ankle": 0.42, "heel": 0.08, "toe": 0.14, "spine": 0.25, "thorax": 0.26,
    "nose": 0.12, "head": 0.12, "shoulder": 0.17, "elbow": 0.28, "wrist": 0.25,
}  # fmt: skip
"""Bone that ends in a joint of either side -> its length in an adult, for bones that have never been seen."""
_USUAL_M = np.array(
    [_ADULT_M[LIFTED_21.joints[child].removeprefix("l_").removeprefix("r_")] for child in _CHILDREN] + [0.19, 0.19]
)


class RunningMedians:
    """Medians of several numbers of each row over its past calls, with little to do in most of them.

    Some calls are taken as samples: at first each, later one in a number that grows with the length of the past up to
    ``every``. The last ``samples`` of them count, so that the memory covers a good half of the past, up to ``samples *
    every`` calls.

    Args:
        prior: samples that count as if they had been seen before the first, of each number the same; they give way
            like others.
    """

    def __init__(
        self, capacity: int, numbers: int, *, samples: int, every: int, prior: Float[np.ndarray, " few"] | None = None
    ) -> None:
        self._prior = np.zeros(0) if prior is None else prior
        self._values = np.full((capacity, samples, numbers), np.nan)
        self._values[:, : len(self._prior)] = self._prior[:, None]
        self._calls = np.zeros(capacity, dtype=np.int64)
        self._due = np.zeros(capacity, dtype=np.int64)
        self._next = np.full(capacity, len(self._prior), dtype=np.int64)
        self._every = every
        self.medians = np.full((capacity, numbers), np.nan)
        """``(capacity, numbers)``; NaN for what has never been known."""
        self.deviations = np.full((capacity, numbers), np.nan)
        """Median distance from the median."""

    def add(self, rows: Rows, values: Float[np.ndarray, "people numbers"]) -> Int[np.ndarray, " changed"]:
        """Take the numbers of one call, NaN where unknown; returns the rows whose medians were reckoned anew."""
        self._calls[rows] += 1
        sampled = self._calls[rows] > self._due[rows]
        if not sampled.any():
            return rows[:0]
        rows = rows[sampled]
        places = self._next[rows]
        self._values[rows, places] = values[sampled]
        samples = self._values.shape[1]
        self._next[rows] = (places + 1) % samples
        calls = self._calls[rows]
        self._due[rows] = calls - 1 + np.clip(calls // samples, 1, self._every)
        kept = self._values[rows]
        self.medians[rows] = middle = _medians(kept)
        self.deviations[rows] = _medians(np.abs(kept - middle[:, None]))
        return rows

    def reset(self, row: int) -> None:
        """Forget one row."""
        for state in (self._values, self.medians, self.deviations):
            state[row] = np.nan
        self._values[row, : len(self._prior)] = self._prior[:, None]
        self._calls[row] = self._due[row] = 0
        self._next[row] = len(self._prior)


def _medians(values: Float[np.ndarray, "people samples numbers"]) -> Float[np.ndarray, "people numbers"]:
    """Over the samples that are known; NaN where none is."""
    ordered = np.sort(values, axis=1)  # NaN come last
    known = np.isfinite(ordered).sum(axis=1, keepdims=True)
    low, high = np.maximum(known - 1, 0) // 2, np.minimum(known // 2, values.shape[1] - 1)
    # Of an even number the two in the middle.
    return 0.5 * (np.take_along_axis(ordered, low, 1) + np.take_along_axis(ordered, high, 1))[:, 0]


class RunningBones:
    """Rest offsets (:func:`maquette.rig.rest.rest_offsets_m`) of people on ``maquette-21`` from the frames so far.

    A bone that has never been seen is as long as an adult's, in the size of those seen.
    """

    def __init__(self, capacity: int) -> None:
        self._lengths = RunningMedians(capacity, len(_STARTS), samples=_BONE_SAMPLES, every=_BONE_EVERY)
        self.offsets_m: Float[np.ndarray, "capacity 21 3"] = np.zeros((capacity, _JOINTS, 3))
        """Place of each joint in its parent in the T-pose, metres."""

    def add(self, rows: Rows, joints: Float[np.ndarray, "21 people 3"]) -> Int[np.ndarray, " changed"]:
        """Take positions; returns the rows whose offsets have changed."""
        bones = joints[_ENDS] - joints[_STARTS]
        changed = self._lengths.add(rows, np.sqrt(np.add.reduce(bones * bones, axis=-1)).T)
        if changed.size:
            self.offsets_m[changed] = _offsets(self._lengths.medians[changed])
        return changed

    def reset(self, row: int) -> None:
        """Forget one row."""
        self._lengths.reset(row)


def _offsets(medians: Float[np.ndarray, "people 22"]) -> Float[np.ndarray, "people 21 3"]:
    known = np.isfinite(medians)
    if not known.all():
        size = np.nan_to_num(_medians((medians / _USUAL_M)[..., None]), nan=1.0)
        medians = np.where(known, medians, size * _USUAL_M)
    lengths = np.zeros((len(medians), _JOINTS))
    lengths[:, _CHILDREN] = medians[:, :-2]
    return offsets_of_lengths(LIFTED_21, lengths, medians[:, -2:])

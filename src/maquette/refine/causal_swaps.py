"""Left and right exchanged by the detector, found as soon as it happens: the forward half of the offline search.

The costs are those of :mod:`maquette.refine.keypoints_swaps`: accelerations, changes, exchanged frames, and what a
person looks like. Offline, one group of parts after the other is exchanged wherever that is cheaper, over the whole
clip; here all labellings that exchange one group (or none) run side by side, each with the cheapest way to it (the
forward recursion of Viterbi's algorithm, second order), and the newest frame is labelled as on the cheapest way that
ends now. A decision is not taken back; but the ways are kept, so that a wrong one does not make the next ones wrong.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.mapping import LANDMARKS_27_V1
from maquette.refine.causal_sightings import PairSightings
from maquette.refine.keypoints_swaps_evidence import (
    CHANNELS,
    TRUNK,
    LookedAt,
    exchanged_channels,
    look,
    motion_channels,
    plausibility,
)
from maquette.refine.keypoints_swaps_groups import (
    CHANGE_COST_TOGETHER,
    DOUBT,
    EXCHANGED_COST_PER_S,
    ODDS_CAP,
    Group,
    groups_of,
    landmarks_of,
    parts_of,
    telling,
)
from maquette.skeleton import Skeleton

_MARGIN = 2.0
"""How much cheaper an exchange must be before anything is exchanged: what comes next may speak against it."""
_VELOCITY_S, _GROWTH_S = 0.2, 0.5
_TIMES_S = np.array([_VELOCITY_S, _VELOCITY_S, _GROWTH_S])
_NO_WAY = 1e9


class SwapStream:
    """Decides frame by frame which joints of each person have the label of the other side."""

    def __init__(self, skeleton: Skeleton, capacity: int) -> None:
        parts = parts_of(skeleton)
        self._groups: list[Group] = groups_of(parts) if parts else []
        self._none = not self._groups
        if self._none:
            return
        self._labellings = _Labellings(skeleton, parts, self._groups)
        pairs = [pair for part in parts for pair in telling(skeleton, parts[part])]
        self._sightings = PairSightings(pairs, capacity)
        self._looks = _Looks(skeleton, capacity, self._groups)
        n = len(self._groups) + 1
        self._ways = np.full((capacity, n, n), _NO_WAY)
        self._begun = np.zeros(capacity, dtype=bool)

    def reset(self, row: int) -> None:
        """Forget a person."""
        if not self._none:
            self._begun[row] = False
            self._sightings.reset(row)
            self._looks.reset(row)

    def __call__(
        self,
        rows: Int[np.ndarray, " people"],
        points: Float[np.ndarray, "people joints 2"],
        confidence: Float[np.ndarray, "people joints"],
        time_s: float,
        height_px: Float[np.ndarray, " people"],
    ) -> tuple[Int[np.ndarray, "people joints"], Bool[np.ndarray, "people joints"]]:
        """From which joint to take each joint, and which are exchanged so.

        Args:
            height_px: :class:`~maquette.refine.causal_scale.HeightStream`; NaN counts as not seen.
        """
        people, joints = points.shape[:2]
        if self._none or not people:
            return np.tile(np.arange(joints), (people, 1)), np.zeros((people, joints), dtype=bool)
        height_px = np.where(np.isfinite(height_px), height_px, 1.0)
        seen = self._sightings(rows, points, confidence, time_s, height_px)
        self._begun[rows[seen.away_s > 0.5]] = False
        fees = np.zeros((people, len(self._groups) + 1))
        fees[:, 1:] = EXCHANGED_COST_PER_S * seen.step_s[:, None]
        fees[:, 1:] += self._looks(rows, points, confidence, time_s, height_px) * seen.step_s[:, None]
        changes = self._labellings.changes(seen.doubt)
        new = ~self._begun[rows]
        if new.any():
            self._ways[rows[new]] = self._labellings.first
            self._begun[rows[new]] = True
        steps = self._labellings.steps(seen.cost)
        # ways[a, b]: the cheapest way whose last two labellings are a and b.
        ways = np.minimum.reduce(self._ways[rows][..., None] + steps, axis=1) + changes + fees[:, None]
        ends = np.minimum.reduce(ways, axis=1)
        least = np.minimum.reduce(ends, axis=1, keepdims=True)
        self._ways[rows] = ways - least[..., None]
        ends -= least
        ends[:, 1:] += _MARGIN
        chosen = ends.argmin(1)
        return self._labellings.source[chosen], self._labellings.exchanged[chosen]


class _Labellings:
    """Nothing exchanged, or one group: which joints, and what it costs to go from one labelling to another."""

    def __init__(self, skeleton: Skeleton, parts: dict[str, list[tuple[int, int]]], groups: Sequence[Group]) -> None:
        names = list(parts)
        states = np.zeros((len(groups) + 1, len(names)), dtype=bool)
        for k, group in enumerate(groups, 1):
            states[k, [names.index(part) for part in group.parts]] = True
        n = len(states)
        self.source = np.tile(np.arange(len(skeleton)), (n, 1))
        for k, state in enumerate(states):
            for part in np.flatnonzero(state):
                for left, right in parts[names[part]]:
                    self.source[k, left], self.source[k, right] = right, left
        self.exchanged = self.source != np.arange(len(skeleton))
        pairs = np.repeat(np.arange(len(names)), [len(telling(skeleton, parts[name])) for name in names])
        self._part_of_pair = (pairs[:, None] == np.arange(len(names))).astype(np.float64)
        self._patterns = _patterns(states)
        change, members = _changes(states, names, groups)
        self._change = change
        per_pair = members[..., pairs].astype(np.float64)
        self._mean = per_pair / np.maximum(per_pair.sum(-1, keepdims=True), 1.0)
        self.first = np.full((n, n), _NO_WAY)
        np.fill_diagonal(self.first, [0.0, *(group.change_cost for group in groups)])

    def changes(self, doubt: Float[np.ndarray, "people pairs"]) -> Float[np.ndarray, "people from to"]:
        """Cost of going from one labelling to another."""
        if not doubt.any():
            return np.broadcast_to(self._change, (len(doubt), *self._change.shape))
        n = len(self._change)
        share = (doubt @ self._mean.reshape(n * n, -1).T).reshape(-1, n, n)
        return self._change * (1.0 + DOUBT * share)

    def steps(self, cost: Float[np.ndarray, "people 4 pairs"]) -> Float[np.ndarray, "people before from to"]:
        """Cost of three frames in a row by their labellings."""
        n = len(self._change)
        by_part = (cost @ self._part_of_pair).swapaxes(1, 2).reshape(len(cost), -1)
        return (by_part @ self._patterns).reshape(-1, n, n, n)


def _patterns(states: Bool[np.ndarray, "labellings parts"]) -> Float[np.ndarray, "patterns triples"]:
    """For three labellings in a row (last axis), which pattern of changes each part shows (4 rows a part)."""
    n, parts = states.shape
    first = states[:, None, None] != states[None, None, :]
    last = states[None, :, None] != states[None, None, :]
    first, last = np.broadcast_arrays(first, last)
    # As in continuity_costs: none, before the last frame, before the last but one, both.
    pattern = np.where(last, np.where(first, 1, 3), np.where(first, 2, 0))
    table = (pattern[..., None] == np.arange(4)).astype(np.float64)
    return np.ascontiguousarray(table.reshape(n**3, parts * 4).T)


def _changes(
    states: Bool[np.ndarray, "labellings parts"], names: list[str], groups: Sequence[Group]
) -> tuple[Float[np.ndarray, "labellings labellings"], Bool[np.ndarray, "labellings labellings parts"]]:
    """Cost of each change, and the parts that change: one group at its price, more in the same frame for less."""
    members = states[:, None] != states[None]
    sets = [frozenset(names.index(part) for part in group.parts) for group in groups]
    known = {chosen: group.change_cost for chosen, group in zip(sets, groups, strict=True)}

    def price(parts: frozenset[int]) -> float:
        if not parts:
            return 0.0
        for size in (1, 2, 3, 4):
            found = [
                max(known[chosen] for chosen in several) + CHANGE_COST_TOGETHER * (size - 1)
                for several in combinations(sets, size)
                if sum(map(len, several)) == len(parts) and frozenset().union(*several) == parts
            ]
            if found:
                return min(found)
        return _NO_WAY

    cost = np.array([[price(frozenset(np.flatnonzero(change).tolist())) for change in row] for row in members])
    return cost, members


class _Looks:
    """What single frames say, as :func:`~maquette.refine.keypoints_swaps_evidence.plausibility` sees them."""

    def __init__(self, skeleton: Skeleton, capacity: int, groups: Sequence[Group]) -> None:
        self._map = LANDMARKS_27_V1.get(skeleton.name)
        self._odds_per_s = np.array([group.odds_per_s for group in groups])
        orders = [np.arange(CHANNELS), *(exchanged_channels(landmarks_of(group)) for group in groups)]
        self._orders = np.array(orders)
        self._trunk = np.full((capacity, len(TRUNK), 2), np.nan)
        self._height = np.full(capacity, np.nan)
        self._motion = np.zeros((capacity, 3))
        self._time_s = np.zeros(capacity)

    def reset(self, row: int) -> None:
        self._trunk[row] = np.nan
        self._height[row] = np.nan
        self._motion[row] = 0.0

    def __call__(
        self,
        rows: Int[np.ndarray, " people"],
        points: Float[np.ndarray, "people joints 2"],
        confidence: Float[np.ndarray, "people joints"],
        time_s: float,
        height_px: Float[np.ndarray, " people"],
    ) -> Float[np.ndarray, "people groups"]:
        """Cost per second of exchanging each group, negative where it looks better so."""
        if self._map is None:
            return np.zeros((len(rows), len(self._odds_per_s)))
        looked_at = look(self._map, points, confidence, height_px)
        channels = np.concatenate(
            [
                looked_at.placed.reshape(len(rows), -1),
                looked_at.seen,
                self._moved(rows, looked_at, time_s, height_px),
            ],
            axis=1,
        ).astype(np.float32)
        all_ways = channels[:, self._orders]
        found = plausibility(all_ways.reshape(-1, CHANNELS)).reshape(len(rows), -1)
        return self._odds_per_s * np.minimum(np.maximum(found[:, :1] - found[:, 1:], -ODDS_CAP), ODDS_CAP)

    def _moved(
        self, rows: Int[np.ndarray, " people"], looked_at: LookedAt, time_s: float, height_px: np.ndarray
    ) -> Float[np.ndarray, "people 3"]:
        """Velocity of the trunk and growth of the person over the last moments."""
        trunk = np.where(looked_at.seen[:, TRUNK, None], looked_at.points[:, TRUNK], np.nan)
        dt_s = np.maximum(time_s - self._time_s[rows], 1e-3)
        step = trunk - self._trunk[rows]
        both = np.isfinite(step[..., 0])
        count = both.sum(1)
        velocity = np.where(both[..., None], step, 0.0).sum(1) / (np.maximum(count, 1) * height_px * dt_s)[:, None]
        growth = np.log(height_px / self._height[rows]) / dt_s
        now = np.concatenate([velocity, np.where(np.isfinite(growth), growth, 0.0)[:, None]], axis=1)
        share = 1.0 - np.exp(-dt_s[:, None] / _TIMES_S)
        known = (count > 0)[:, None]
        self._motion[rows] += np.where(known, share * (now - self._motion[rows]), 0.0)
        self._trunk[rows], self._height[rows], self._time_s[rows] = trunk, height_px, time_s
        return motion_channels(self._motion[rows])

"""Left and right exchanged by the detector: found by movement that goes on evenly, and by what a person looks like.

Each part of the body (face, shoulders, elbows, wrists, hips, knees, feet) is at every frame either as the detector says
or exchanged. Groups of parts that detectors exchange together (everything, the lower body, the arms, ...) are tried one
after the other, large ones first, until nothing changes; for each the cheapest sequence of the two states is taken
(:mod:`maquette.refine.keypoints_swaps_path`). It pays for accelerations, for changes of state, a little for each
exchanged frame, so that the lesser part of a clip counts as exchanged, and for every frame in which one labelling looks
less like a person than the other (:mod:`maquette.refine.keypoints_swaps_evidence`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float

from maquette.keypoints import Keypoints
from maquette.refine.keypoints_edits import Edit, notes_of, runs
from maquette.refine.keypoints_scale import body_height_px
from maquette.refine.keypoints_swaps_evidence import evidence_of, exchanged_channels, plausibility
from maquette.refine.keypoints_swaps_groups import (
    CHANGE_COST_TOGETHER,
    DOUBT,
    EXCHANGED_COST_PER_S,
    EXCHANGED_COST_PER_S_TOGETHER,
    ODDS_CAP,
    Group,
    groups_of,
    landmarks_of,
    parts_of,
    telling,
)
from maquette.refine.keypoints_swaps_path import cheapest, continuity_costs

_ROUNDS = 3


def repair_swaps(keypoints: Keypoints) -> Keypoints:
    """Exchange left and right back where :func:`find_swaps` finds them exchanged; each stretch is noted."""
    return exchange(keypoints, find_swaps(keypoints))


def exchange(keypoints: Keypoints, edits: list[Edit]) -> Keypoints:
    """Exchange left and right in the frames and joints of ``edits``."""
    if not edits:
        return keypoints
    points, confidence = keypoints.points.copy(), keypoints.confidence.copy()
    skeleton = keypoints.skeleton
    for edit in edits:
        frames = slice(edit.frames.start, edit.frames.stop)
        here = skeleton.indices(edit.joints)
        there = skeleton.mirror_permutation[here]
        points[frames, here] = points[frames, there]
        confidence[frames, here] = confidence[frames, there]
    return keypoints.with_notes(*notes_of(edits, skeleton), points=points, confidence=confidence)


def find_swaps(keypoints: Keypoints) -> list[Edit]:
    """Stretches in which left and right are exchanged, one edit for all parts of the body that share the frames.

    Works on what :func:`~maquette.refine.keypoints_outliers.drop_implausible` leaves. Where left and right coincide in
    the picture nothing can be told, and nothing is lost.
    """
    height_px = body_height_px(keypoints)
    parts = parts_of(keypoints.skeleton)
    if keypoints.n_frames < 3 or not np.isfinite(height_px).any() or not parts:
        return []
    track = _Labelled(keypoints, parts, height_px)
    groups = groups_of(parts)
    for _ in range(_ROUNDS):
        gains = {group: track.gain(group) for group in groups}
        if max(gains.values()) <= 0:
            break
        # What explains most comes first, and what it has explained is no reason for the others.
        for group in sorted(groups, key=lambda group: -gains[group]):
            if gains[group] > 0:
                track.improve(group)
    return track.edits()


@dataclass(frozen=True, eq=False)
class _Exchange:
    """Where exchanging a group is cheaper, and what speaks for it."""

    frames: Bool[np.ndarray, " frames"]
    gain: float
    evenly: Callable[[], Bool[np.ndarray, " frames"]]
    """Where it would be cheaper if movement alone were looked at."""

    def by_looks(self) -> Bool[np.ndarray, " frames"]:
        """True in the stretches that movement alone would leave."""
        out = np.zeros(len(self.frames), dtype=bool)
        evenly = self.evenly()
        for start, stop in runs(self.frames):
            out[start:stop] = 2 * evenly[start:stop].sum() < stop - start
        return out


class _Labelled:
    """A track under the best labelling found so far."""

    def __init__(
        self, keypoints: Keypoints, parts: dict[str, list[tuple[int, int]]], height_px: Float[np.ndarray, " frames"]
    ) -> None:
        skeleton = keypoints.skeleton
        pairs = {part: telling(skeleton, parts[part]) for part in parts}
        joints = np.array([pair for part in parts for pair in pairs[part]])
        ends = np.cumsum([len(pairs[part]) for part in parts])
        self._skeleton, self._parts, self._height_px, self._times_s = skeleton, parts, height_px, keypoints.times_s
        self._pairs = {part: np.arange(end - len(pairs[part]), end) for part, end in zip(parts, ends, strict=True)}
        self._points, self._confidence = keypoints.points[:, joints], keypoints.confidence[:, joints]
        self._dt_s = np.append(np.diff(self._times_s), self._times_s[-1] - self._times_s[-2])
        self._cost, self._doubt = self._continuity(np.arange(len(joints)))
        evidence = evidence_of(keypoints, height_px)
        self._channels = None if evidence is None else evidence.channels()
        self._states = {part: np.zeros(keypoints.n_frames, dtype=bool) for part in parts}
        self._by_looks = {part: np.zeros(keypoints.n_frames, dtype=bool) for part in parts}

    def gain(self, group: Group) -> float:
        """How much cheaper the labelling becomes where ``group`` is exchanged wherever that is cheaper."""
        return self._best(group).gain

    def improve(self, group: Group) -> None:
        """Exchange ``group`` wherever that is cheaper."""
        best = self._best(group)
        if best.frames.any():
            self._exchange(group, best)

    def _best(self, group: Group) -> "_Exchange":
        pairs = np.concatenate([self._pairs[part] for part in group.parts])
        cost, doubt = self._cost[..., pairs].sum(-1), self._doubt[:, pairs].mean(-1)
        states = np.array(list(self._states.values()))
        changes = np.zeros(len(cost), dtype=bool)
        changes[1:] = (states[:, 1:] != states[:, :-1]).any(0)
        change = np.where(changes, CHANGE_COST_TOGETHER, group.change_cost) * (1.0 + DOUBT * doubt)
        others = [state for part, state in self._states.items() if part not in group.parts]
        together = np.array(others).any(0) if others else np.zeros(len(cost), dtype=bool)
        own = np.array([self._states[part] for part in group.parts]).mean(0)
        per_s = np.where(together, EXCHANGED_COST_PER_S_TOGETHER, EXCHANGED_COST_PER_S) * (1.0 - 2.0 * own)
        exchanged = per_s * self._dt_s
        looks = group.odds_per_s * self._odds(group) * self._dt_s
        frames, gain = cheapest(cost, change, exchanged + looks, group.change_cost)
        return _Exchange(frames, gain, lambda: cheapest(cost, change, exchanged, group.change_cost)[0])

    def edits(self) -> list[Edit]:
        """The stretches that are exchanged now."""
        edits = []
        names = list(self._states)
        table = np.array([self._states[name] for name in names])
        reasons = np.array([self._by_looks[name] for name in names])
        both = np.concatenate([table, table & reasons])
        changes = np.flatnonzero((both[:, 1:] != both[:, :-1]).any(0)) + 1
        for start, stop in pairwise((0, *changes.tolist(), table.shape[1])):
            for by_looks in (False, True):
                chosen = [n for k, n in enumerate(names) if table[k, start] and reasons[k, start] == by_looks]
                joints = tuple(self._skeleton.joints[i] for n in chosen for pair in self._parts[n] for i in pair)
                if joints:
                    edits.append(Edit("turned" if by_looks else "swap", range(start, stop), joints))
        return edits

    def _continuity(self, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return continuity_costs(self._points[:, pairs], self._confidence[:, pairs], self._times_s, self._height_px)

    def _odds(self, group: Group) -> Float[np.ndarray, " frames"]:
        """Logarithm of the odds of the labels as they are, against those of the group exchanged."""
        if self._channels is None:
            return np.zeros(len(self._points))
        other = self._channels[:, exchanged_channels(landmarks_of(group))]
        return np.clip(plausibility(self._channels) - plausibility(other), -ODDS_CAP, ODDS_CAP)

    def _exchange(self, group: Group, best: _Exchange) -> None:
        frames, by_looks = best.frames, best.by_looks()
        pairs = np.concatenate([self._pairs[part] for part in group.parts])
        for array in (self._points, self._confidence):
            block = array[np.ix_(frames, pairs)]
            array[np.ix_(frames, pairs)] = block[:, :, ::-1]
        if self._channels is not None:
            self._channels[frames] = self._channels[frames][:, exchanged_channels(landmarks_of(group))]
        self._cost[..., pairs], self._doubt[:, pairs] = self._continuity(pairs)
        for part in group.parts:
            self._states[part] ^= frames
            self._by_looks[part][frames] = by_looks[frames]

"""Left and right exchanged by the detector, found by the path that moves most evenly.

Each part of the body (face, shoulders, arms, hips, legs) is at every frame either as the detector says or exchanged.
Of all sequences of these two states the cheapest is taken (Viterbi, second order): it pays for every acceleration of
the left and of the right joint that follows from it, for each change of state, and a little for each exchanged frame,
so that the lesser part of a clip counts as exchanged. Acceleration and not displacement decides, because the legs of
someone walking past the camera do cross: they go on in their direction, while exchanged labels turn back.
"""

from itertools import pairwise

import numpy as np
from jaxtyping import Float

from maquette.keypoints import Keypoints
from maquette.refine.keypoints_edits import Edit, body_parts, notes_of
from maquette.refine.keypoints_scale import body_height_px, lengths_px
from maquette.skeleton import Skeleton

_NOISE_HEIGHTS = 0.012
"""Jitter that a detector's limb joints show, in body heights, as an acceleration of three frames."""
_ACCELERATION_HEIGHTS_S2 = 6.0
"""Acceleration of a limb in ordinary movement: 10 m/s^2 for a person of 1.7 m."""
_COST_CAP = 8.0
"""What a joint's jump costs at most, so that nothing is gained where no labelling makes sense (cuts, other people)."""
_UNEXPLAINED = 0.6
"""Share of that limit, in the mean over the joints, above which a frame counts as explained by no labelling."""
_MEMORY_S = 0.25
"""For how long the last sighting of a joint says something about where it is."""
_CHANGE_COST = 6.0
"""Cost of exchanging a part of the body or of taking it back ..."""
_CHANGE_COST_TOGETHER = 1.5
"""... and when another part does so in the same frame."""
_DOUBT = 2.0
"""How much dearer a change is at the edge of a gap in all joints, where the path before it is a guess."""
_EXCHANGED_COST_PER_S = 6.0
_EXCHANGED_COST_PER_S_TOGETHER = 1.0

_EVIDENCE = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "toe")
"""Joints looked at; fingers and contours go along with their part."""


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

    Works on what :func:`~maquette.refine.keypoints_outliers.drop_implausible` leaves; a burst at either end of the clip
    and long exchanges are found where the joints are apart when they begin or end. Where left and right coincide in the
    picture nothing can be told, and nothing is lost.
    """
    height_px = body_height_px(keypoints)
    if keypoints.n_frames < 3 or not np.isfinite(height_px).any():
        return []
    parts = {name: pairs for name, pairs in body_parts(keypoints.skeleton).items() if name != "others"}
    dt_s = np.diff(keypoints.times_s)
    costs, doubts = {}, {}
    for name, pairs in parts.items():
        evidence = [pair for pair in pairs if set(keypoints.skeleton.joints[pair[0]].split("_")) & set(_EVIDENCE)]
        if evidence:
            costs[name], doubts[name] = _costs(keypoints, evidence, height_px, dt_s)
    if not costs:
        return []
    states = {name: np.zeros(keypoints.n_frames, dtype=bool) for name in costs}
    for _ in range(2):
        before = {name: state.copy() for name, state in states.items()}
        for name, cost in costs.items():
            others = [state for other, state in states.items() if other != name]
            states[name] = _cheapest(cost, doubts[name], dt_s, np.array(others).reshape(-1, keypoints.n_frames))
        if all((before[name] == states[name]).all() for name in states):
            break
    return _as_edits(states, parts, keypoints.skeleton)


def _costs(
    keypoints: Keypoints,
    pairs: list[tuple[int, int]],
    height_px: Float[np.ndarray, " frames"],
    dt_s: Float[np.ndarray, " steps"],
) -> tuple[Float[np.ndarray, "frames 4"], Float[np.ndarray, " frames"]]:
    """Cost of the three frames up to each one, by the changes of state among them: none, before the last frame, before
    the last but one, both; exchanging all three changes nothing. And the share of their points that was not seen."""
    joints = np.array(pairs)
    points, weight, age = _continued(keypoints, joints, dt_s)
    n = len(points)
    cost = np.zeros((n, 4))
    ratio = (dt_s[1:] / dt_s[:-1])[:, None, None, None]
    step_s = np.maximum(dt_s[1:], dt_s[:-1])
    tolerance_px = height_px[2:] * np.hypot(_NOISE_HEIGHTS, _ACCELERATION_HEIGHTS_S2 * step_s**2)
    now, last, first = points[2:], points[1:-1], points[:-2]
    for pattern, (swap_last, swap_first) in enumerate(((False, False), (True, True), (False, True), (True, False))):
        side_last, side_first = (slice(None, None, -1 if swap else 1) for swap in (swap_last, swap_first))
        a, b = last[:, :, side_last], first[:, :, side_first]
        miss = now - a - ratio * (a - b)
        stale = np.maximum(age[2:], np.maximum(age[1:-1][:, :, side_last], age[:-2][:, :, side_first]))
        off = lengths_px(miss) / (tolerance_px[:, None, None] * (1.0 + stale))
        each = np.minimum(np.sqrt(1.0 + off * off) - 1.0, _COST_CAP)
        shared = weight[2:] * weight[1:-1][:, :, side_last] * weight[:-2][:, :, side_first]
        cost[2:, pattern] = np.einsum("fps,fps->f", each, shared)
    # A frame that no labelling explains is a cut or another person, and says nothing about left and right.
    cost[cost.min(1) > _UNEXPLAINED * _COST_CAP * np.pad(weight[2:].sum((1, 2)), (2, 0))] = 0.0
    doubt = np.zeros(n)
    unseen = (age > 0).mean((1, 2))
    doubt[2:] = np.maximum(unseen[2:], np.maximum(unseen[1:-1], unseen[:-2]))
    return cost, doubt


def _continued(
    keypoints: Keypoints, joints: np.ndarray, dt_s: Float[np.ndarray, " steps"]
) -> tuple[
    Float[np.ndarray, "frames pairs 2 2"], Float[np.ndarray, "frames pairs 2"], Float[np.ndarray, "frames pairs 2"]
]:
    """Left and right points, continued from the last two sightings where one is missing; how much each counts, and the
    frames since it was seen."""
    points, confidence = keypoints.points[:, joints], keypoints.confidence[:, joints]
    seen = confidence > 0
    n = len(points)
    frame = np.arange(n)[:, None, None]
    last = np.maximum(np.maximum.accumulate(np.where(seen, frame, -1), axis=0), 0)
    age = (frame - last).astype(np.float64)
    age_s = keypoints.times_s[frame] - keypoints.times_s[last]
    step = np.zeros_like(points)
    step[1:] = np.diff(points, axis=0) / dt_s[:, None, None, None]
    step[~np.isfinite(step)] = 0.0
    at = last[..., None]
    ahead = np.take_along_axis(step, at, axis=0) * np.minimum(age_s, _MEMORY_S)[..., None]
    continued = np.take_along_axis(points, at, axis=0) + ahead
    weight = np.take_along_axis(np.cbrt(confidence), last, axis=0) * np.clip(1.0 - age_s / _MEMORY_S, 0.0, 1.0)
    return np.where(np.isfinite(continued), continued, 0.0), weight, age


def _cheapest(
    cost: Float[np.ndarray, "frames 4"],
    doubt: Float[np.ndarray, " frames"],
    dt_s: Float[np.ndarray, " steps"],
    others: np.ndarray,
) -> np.ndarray:
    """The cheapest sequence of states, True where exchanged, given those of the ``others`` (parts frames)."""
    n = len(cost)
    changes = np.zeros(n, dtype=bool)
    changes[1:] = (others[:, 1:] != others[:, :-1]).any(0)
    change = np.where(changes, _CHANGE_COST_TOGETHER, _CHANGE_COST) * (1.0 + _DOUBT * doubt)
    # A change pays in the two frames that look across it; where none can earn its cost, no sequence of them can.
    gain = np.append(cost[:, 0] - cost[:, 1:].min(1), 0.0).clip(0.0)
    if not (gain[:-1] + gain[1:] >= change).any():
        return np.zeros(n, dtype=bool)
    exchanged = np.where(others.any(0), _EXCHANGED_COST_PER_S_TOGETHER, _EXCHANGED_COST_PER_S)
    exchanged = exchanged * np.append(dt_s, dt_s[-1])
    return _viterbi(cost, change, exchanged, _CHANGE_COST)


def _viterbi(
    cost: Float[np.ndarray, "frames 4"],
    change: Float[np.ndarray, " frames"],
    exchanged: Float[np.ndarray, " frames"],
    border: float,
) -> np.ndarray:
    """Plain Python on lists: the state is a pair of bits, and NumPy's overhead would be a hundred times the work.

    ``ab`` is the cost of the best path whose last two states are a and b.
    """
    keep, late, early, both = (cost[:, k].tolist() for k in range(4))
    late = (cost[:, 1] + change).tolist()
    both = (cost[:, 3] + change).tolist()
    fee = exchanged.tolist()
    # A clip that begins or ends exchanged pays as for a change: where it was cut tells nothing.
    c00, c01, c10, c11 = 0.0, change[1] + fee[1], border + fee[0] + change[1], border + fee[0] + fee[1]
    back = []
    for k, x, e, b, f in zip(keep[2:], late[2:], early[2:], both[2:], fee[2:], strict=True):
        to_00, to_00_alt = c00 + k, c10 + e
        to_01, to_01_alt = c10 + b, c00 + x
        to_10, to_10_alt = c01 + b, c11 + x
        to_11, to_11_alt = c11 + k, c01 + e
        choice = 0
        if to_00_alt < to_00:
            to_00, choice = to_00_alt, 1
        if to_01_alt < to_01:
            to_01, choice = to_01_alt, choice | 2
        if to_10_alt < to_10:
            to_10, choice = to_10_alt, choice | 4
        if to_11_alt < to_11:
            to_11, choice = to_11_alt, choice | 8
        c00, c01, c10, c11 = to_00, to_01 + f, to_10, to_11 + f
        back.append(choice)
    ends = ((c00, 0, 0), (c01 + border, 0, 1), (c10, 1, 0), (c11 + border, 1, 1))
    return _traced(back, min(ends)[1:], len(cost))


def _traced(back: list[int], end: tuple[int, int], n: int) -> np.ndarray:
    states = np.zeros(n, dtype=bool)
    before, now = end
    states[-1], states[-2] = now, before
    for frame in range(n - 1, 1, -1):
        choice = back[frame - 2]
        # The state before `before`: see the meaning of the bits in `_viterbi`.
        if (before, now) == (0, 0):
            earlier = 1 if choice & 1 else 0
        elif (before, now) == (0, 1):
            earlier = 0 if choice & 2 else 1
        elif (before, now) == (1, 0):
            earlier = 1 if choice & 4 else 0
        else:
            earlier = 0 if choice & 8 else 1
        states[frame - 2] = earlier
        before, now = earlier, before
    return states


def _as_edits(states: dict[str, np.ndarray], parts: dict[str, list[tuple[int, int]]], skeleton: Skeleton) -> list[Edit]:
    edits = []
    names = list(states)
    table = np.array([states[name] for name in names]).reshape(len(names), -1)
    changes = np.flatnonzero((table[:, 1:] != table[:, :-1]).any(0)) + 1
    for start, stop in pairwise((0, *changes.tolist(), table.shape[1])):
        joints = [index for k, name in enumerate(names) if table[k, start] for pair in parts[name] for index in pair]
        if joints:
            edits.append(Edit("swap", range(start, stop), tuple(skeleton.joints[index] for index in joints)))
    return edits

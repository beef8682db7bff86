"""Bones of constant length for poses that come one at a time: lengths that settle, and the poses brought to them."""

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.skeleton import Skeleton
from maquette.skeletons import LIFTED_21

_SAMPLES, _EVERY_S = 64, 0.1
"""The history of a person: so many poses, so far apart. Once it is full, the oldest make room."""
_SETTLING = 0.35
"""The lengths follow their median with a time constant of this share of the time since the person came."""
_FASTEST_S, _SLOWEST_S = 0.05, 2.0
_TINY_M = 1e-6


class BoneKeeper:
    """Symmetric median bone lengths of up to ``capacity`` people, and the poses that have them.

    The median is over a bounded, thinned history, both sides together, as
    :func:`maquette.refine.motion_bones.bone_lengths` has it over a clip. What poses are given follows it smoothly, fast
    while little is known and slowly later, so that nothing pops.
    """

    def __init__(self, capacity: int, skeleton: Skeleton = LIFTED_21) -> None:
        self._skeleton = skeleton
        parents, children = (np.array(ends) for ends in zip(*skeleton.bones, strict=True))
        self._children = children
        bones = len(children)
        self._ends = np.zeros((bones, len(skeleton)))
        self._ends[np.arange(bones), children] = 1.0
        self._ends[np.arange(bones), parents] = -1.0
        self._joined = self._ends @ self._ends.T
        bone_of = {int(child): bone for bone, child in enumerate(children)}
        mirror = skeleton.mirror_permutation
        self._partner = np.array([bone_of[int(mirror[child])] for child in children])
        self._root = skeleton.roots[0]
        self._history = np.full((capacity, bones, _SAMPLES), np.inf)
        self._count = np.zeros(capacity, dtype=int)
        self._age_s = np.zeros(capacity)
        self._waited_s = np.zeros(capacity)
        self._median = np.zeros((capacity, bones))
        self._lengths = np.zeros((capacity, bones))

    def reset(self, row: int) -> None:
        """Forget one person."""
        self._history[row] = np.inf
        self._count[row] = 0
        self._age_s[row] = self._waited_s[row] = 0.0

    def lengths_m(self, rows: Int[np.ndarray, " people"]) -> Float[np.ndarray, "people joints"]:
        """Of the bone that ends in each joint; NaN for the root and for people never seen."""
        lengths = np.full((len(rows), len(self._skeleton)), np.nan)
        lengths[:, self._children] = np.where(self._count[rows, None] > 0, self._lengths[rows], np.nan)
        return lengths

    def settle(self, row: int, lengths_m: Float[np.ndarray, " joints"]) -> None:
        """Take lengths that were found otherwise as the median until newer ones outweigh them: half the history is
        filled with them."""
        known = np.where(np.isfinite(lengths_m[self._children]), lengths_m[self._children], self._median[row])
        self._history[row, :, : _SAMPLES // 2] = known[:, None]
        self._count[row] = max(self._count[row], _SAMPLES // 2)
        self._median[row] = self._medians(np.array([row]))[0]

    def learn(
        self,
        rows: Int[np.ndarray, " people"],
        poses_m: Float[np.ndarray, "people joints 3"],
        seen: Bool[np.ndarray, " people"],
        dt_s: Float[np.ndarray, " people"],
    ) -> None:
        """Take the poses of one frame into account (those that are ``seen``); ``dt_s`` is not read for the first."""
        first = seen & (self._count[rows] == 0)
        self._age_s[rows] += np.where(first, 0.0, dt_s)
        self._waited_s[rows] += np.where(first, 0.0, dt_s)
        # Half a millisecond forgives the rounding of time stamps.
        due = first | (seen & (self._waited_s[rows] >= _EVERY_S - 5e-4))
        if due.any():
            taken = rows[due]
            bones = self._ends @ poses_m[due]
            self._history[taken, :, self._count[taken] % _SAMPLES] = np.sqrt(np.einsum("pbi,pbi->pb", bones, bones))
            self._count[taken] += 1
            self._waited_s[taken] = 0.0
            self._median[taken] = self._medians(taken)
        follow_s = np.minimum(np.maximum(_SETTLING * self._age_s[rows], _FASTEST_S), _SLOWEST_S)
        share = np.where(first, 1.0, 1.0 - np.exp(-dt_s / follow_s))[:, None]
        known = (self._count[rows] > 0)[:, None]
        lengths = self._lengths[rows]
        self._lengths[rows] = np.where(known, lengths + share * (self._median[rows] - lengths), lengths)

    def _medians(self, rows: Int[np.ndarray, " people"]) -> Float[np.ndarray, "people bones"]:
        history = self._history[rows]
        pooled = np.concatenate((history, history[:, self._partner]), axis=-1)
        pooled.sort(axis=-1)
        count = 2 * np.minimum(self._count[rows], _SAMPLES)
        people = np.arange(len(rows))
        return 0.5 * (pooled[people, :, count // 2 - 1] + pooled[people, :, count // 2])

    def __call__(
        self,
        rows: Int[np.ndarray, " people"],
        poses_m: Float[np.ndarray, "people joints 3"],
        scale: Float[np.ndarray, " people"] | float = 1.0,
    ) -> Float[np.ndarray, "people joints 3"]:
        """The poses with the lengths that the people have now, times ``scale``; the root stays."""
        lengths = self._lengths[rows] * np.reshape(scale, (-1, 1))
        return hold_lengths(poses_m, lengths, self._ends, self._joined, self._root)


def hold_lengths(
    poses_m: Float[np.ndarray, "people joints 3"],
    lengths_m: Float[np.ndarray, "people bones"],
    ends: Float[np.ndarray, "bones joints"],
    joined: Float[np.ndarray, "bones bones"],
    root: int,
    *,
    iterations: int = 4,
) -> Float[np.ndarray, "people joints 3"]:
    """Poses whose bones have these lengths, with the joints moved as little as possible and then shifted back so that
    the root stays.

    :func:`maquette.refine.motion_bones.constant_bones` meets the same constraints one bone after the other, which suits
    thousands of frames and few bones at a time. For a few people all bones at once are faster: with D the directions of
    the bones and E the incidence of joints, the smallest movement that mends the lengths to first order is E' (lambda
    D) with (E E' * D D') lambda = - excess (Newton's method on the constraints). The matrix is regular, because the
    bones form a tree.

    Args:
        ends: -1 at each bone's parent, 1 at its child.
        joined: ``ends @ ends.T``.
    """
    poses = poses_m
    for _ in range(iterations):
        bones = ends @ poses
        norm = np.sqrt(np.einsum("pbi,pbi->pb", bones, bones))
        directions = bones / np.maximum(norm, _TINY_M)[..., None]
        excess = np.where(norm > _TINY_M, norm - lengths_m, 0.0)
        if (np.abs(excess) < 1e-7).all():
            break
        coupling = joined * (directions @ directions.swapaxes(1, 2))
        # A bone of no length points nowhere; the rest must not become singular by it.
        coupling.reshape(len(coupling), -1)[:, :: len(ends) + 1] = 2.0
        push = np.linalg.solve(coupling, excess[..., None])
        poses = poses - ends.T @ (push * directions)
    return poses + (poses_m[:, root] - poses[:, root])[:, None]

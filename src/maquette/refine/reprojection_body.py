"""A figure of bones of fixed length: directions of its bones, a place of its root, and where its joints then are.

Lengths are the same in all frames and on both sides of the body; they are unknowns of the fit like the directions. A
direction moves in its tangent plane (two numbers) and is normalised again, so that no angles lock.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from maquette.errors import InputError
from maquette.skeleton import Skeleton

_USUAL_SHARES = {
    "hip": (0.07, 0.10),
    "knee": (0.05, 0.17),
    "ankle": (0.055, 0.16),
    "spine": (0.05, 0.10),
    "thorax": (0.045, 0.10),
    "nose": (0.09, 0.18),
    "head": (0.09, 0.17),
    "shoulder": (0.08, 0.14),
    "elbow": (0.08, 0.24),
    "wrist": (0.10, 0.27),
    "heel": (0.25, 0.20),
    "toe": (0.22, 0.25),
}
"""Usual errors of the shipped lifters across the line of sight and along it, of the bone that ends in a joint, as
shares of its length. On clips of CMU's training subjects with simulated detector errors, errors of neighbouring bones
are nearly independent (mean correlation 0.07), those of joints are not (0.19)."""
_OTHER_SHARES = (0.08, 0.2)


@dataclass(frozen=True)
class BoneTree:
    """The bones of a skeleton with one root; bone ``b`` ends in joint ``ends[b]``."""

    skeleton: Skeleton

    def __post_init__(self) -> None:
        if len(self.skeleton.roots) != 1 or len(self.skeleton) < 2:
            raise InputError(
                f"skeleton '{self.skeleton.name}' has {len(self.skeleton.roots)} roots and {len(self.skeleton)} "
                "joints; a figure of bones needs one root on which all others hang"
            )

    @property
    def root(self) -> int:
        return self.skeleton.roots[0]

    @cached_property
    def ends(self) -> Int[np.ndarray, " bones"]:
        """Joint in which each bone ends."""
        return np.array([joint for joint in self.skeleton.order if joint != self.root])

    @cached_property
    def starts(self) -> Int[np.ndarray, " bones"]:
        """Joint at which each bone begins."""
        return np.array(self.skeleton.parents)[self.ends]

    @cached_property
    def path(self) -> Float[np.ndarray, "joints bones"]:
        """1 where a bone lies between the root and a joint."""
        path = np.zeros((len(self.skeleton), len(self.ends)))
        for bone, (start, end) in enumerate(zip(self.starts, self.ends, strict=True)):
            path[end] = path[start]
            path[end, bone] = 1.0
        return path

    @cached_property
    def group(self) -> Int[np.ndarray, " bones"]:
        """Which length each bone has: both sides of the body share one."""
        partner = self.skeleton.mirror_permutation
        pairs = [min(int(end), int(partner[end])) for end in self.ends]
        order = list(dict.fromkeys(pairs))
        return np.array([order.index(pair) for pair in pairs])

    @property
    def groups(self) -> int:
        return int(self.group.max()) + 1

    @cached_property
    def usual_errors(self) -> Float[np.ndarray, "bones 2"]:
        """``(across, along)`` the line of sight: a lifter's usual error of each bone, in lengths of the bone."""
        parts = [self.skeleton.joints[end].removeprefix("l_").removeprefix("r_") for end in self.ends]
        return np.array([_USUAL_SHARES.get(part, _OTHER_SHARES) for part in parts])

    def bone(self, joint: str) -> int:
        """The bone that ends in ``joint``; -1 where the skeleton has none."""
        if joint not in self.skeleton:
            return -1
        found = np.flatnonzero(self.ends == self.skeleton.index(joint))
        return int(found[0]) if len(found) else -1

    def vectors(self, positions_m: Float[np.ndarray, "frames joints 3"]) -> Float[np.ndarray, "frames bones 3"]:
        """From the start of each bone to its end."""
        return positions_m[:, self.ends] - positions_m[:, self.starts]

    def positions(
        self, root_m: Float[np.ndarray, "frames 3"], vectors_m: Float[np.ndarray, "frames bones 3"]
    ) -> Float[np.ndarray, "frames joints 3"]:
        """Joints of figures with these bones."""
        return root_m[:, None] + np.matmul(self.path, vectors_m)


def tangents(direction: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 2"]:
    """Two unit vectors across each unit direction and each other."""
    helper = np.where(np.abs(direction[..., :1]) < 0.6, np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    first = np.cross(direction, helper)
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    return np.stack((first, np.cross(direction, first)), axis=-1)

"""A skeleton: named joints, who hangs on whom, and which joints mirror each other."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int

from maquette.errors import InputError


@dataclass(frozen=True)
class Skeleton:
    """Names and topology of a set of joints. Looked up by name, never by the number of joints.

    Raises:
        InputError: names repeat, a parent is out of range or forms a cycle, or a mirror pair names an unknown joint.
    """

    name: str
    """Unique short name, for example ``h36m-17``."""
    joints: tuple[str, ...]
    """Joint names in the order of the arrays."""
    parents: tuple[int, ...]
    """Index of the parent of each joint; -1 for a root. Landmarks that hang on nothing are roots, too."""
    mirror_pairs: tuple[tuple[str, str], ...] = ()
    """Pairs ``(left, right)`` that a mirror image exchanges; every other joint lies on the midline."""

    def __post_init__(self) -> None:
        problems = []
        if len(set(self.joints)) != len(self.joints):
            problems.append("joint names repeat")
        if len(self.parents) != len(self.joints):
            problems.append(f"{len(self.joints)} joints but {len(self.parents)} parents")
        else:
            problems += [
                f"parent {p} of '{self.joints[i]}' does not exist"
                for i, p in enumerate(self.parents)
                if not -1 <= p < len(self.joints) or p == i
            ]
            if not problems and self._has_cycle():
                problems.append("the parents form a cycle")
        unknown = [n for pair in self.mirror_pairs for n in pair if n not in self.joints]
        if unknown:
            problems.append(f"mirror pairs name unknown joints {unknown}")
        if problems:
            raise InputError.from_problems(f"skeleton '{self.name}'", problems)

    def _has_cycle(self) -> bool:
        for start in range(len(self.parents)):
            seen, joint = 0, start
            while joint != -1:
                joint, seen = self.parents[joint], seen + 1
                if seen > len(self.parents):
                    return True
        return False

    def __len__(self) -> int:
        return len(self.joints)

    def __contains__(self, joint: object) -> bool:
        return joint in self._index

    def __str__(self) -> str:
        return f"{self.name} ({len(self)} joints)"

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.joints)}

    def index(self, joint: str) -> int:
        """Position of ``joint`` in the arrays.

        Raises:
            InputError: the skeleton has no such joint; the text lists those it has.
        """
        try:
            return self._index[joint]
        except KeyError:
            raise InputError(
                f"skeleton '{self.name}' has no joint '{joint}'; it has: {', '.join(self.joints)}"
            ) from None

    def indices(self, joints: Iterable[str]) -> list[int]:
        """Positions of several joints, in the order asked for."""
        return [self.index(joint) for joint in joints]

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """``(parent, child)`` index pairs, one for each joint that has a parent."""
        return tuple((p, i) for i, p in enumerate(self.parents) if p >= 0)

    @cached_property
    def roots(self) -> tuple[int, ...]:
        """Indices of the joints without a parent."""
        return tuple(i for i, p in enumerate(self.parents) if p < 0)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Joint indices with every parent before its children."""
        done: list[int] = []
        pending = list(range(len(self)))
        while pending:
            ready = [i for i in pending if self.parents[i] < 0 or self.parents[i] in done]
            done += ready
            pending = [i for i in pending if i not in ready]
        return tuple(done)

    @cached_property
    def left(self) -> tuple[int, ...]:
        """Indices of the left joints."""
        return tuple(self.index(left) for left, _ in self.mirror_pairs)

    @cached_property
    def right(self) -> tuple[int, ...]:
        """Indices of the right joints, in the order of :attr:`left`."""
        return tuple(self.index(right) for _, right in self.mirror_pairs)

    @cached_property
    def mirror_permutation(self) -> Int[np.ndarray, " joints"]:
        """``permutation[i]`` is the joint that takes the place of joint ``i`` in a mirror image."""
        permutation = np.arange(len(self))
        for left, right in zip(self.left, self.right, strict=True):
            permutation[left], permutation[right] = right, left
        permutation.flags.writeable = False
        return permutation

    def children(self, joint: int) -> tuple[int, ...]:
        """Indices of the joints whose parent is ``joint``."""
        return tuple(i for i, p in enumerate(self.parents) if p == joint)

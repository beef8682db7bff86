"""Whether the numbers that a source gives its people are identities, or only count them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from maquette.track.slots import Person

_JUMPS_SHARE = 0.002
"""Real identities jump now and then, too, when the source itself is wrong."""
_LARGEST = 2**53
"""Numbers beyond are no counters of people, and would not survive JSON."""


class SourceIdentities:
    """The rule of :func:`maquette.track.people.file_identities`, as far as the past can tell.

    Numbers are taken to be real from the first frame on. They are found out for good when one is missing, negative or
    occurs twice in a frame, or when they have only counted the people of each frame so far (0, 1, 2 ...) and somebody's
    number jumps to another body.
    """

    def __init__(self) -> None:
        self._real = True
        self._moved = self._jumps = 0
        self._first: int | None = None
        """Of numbers that count: what they start from."""
        self._count = True

    def real(
        self,
        identities: Sequence[int] | None,
        people: Sequence[Person],
        poses: Float[np.ndarray, "seen joints 2"],
        sizes: Float[np.ndarray, " seen"],
        last_s: float,
        tolerance: float,
    ) -> bool:
        """Whether the numbers of this frame, and so of all up to it, are taken to be real.

        Args:
            people: those known so far.
            last_s: time of the frame before.
            tolerance: σ of a joint between neighbouring frames, in body sizes.
        """
        if not self._real or not len(poses):
            return self._real
        if identities is None or len(set(identities)) < len(identities) or not self._in_range(identities):
            self._real = False
            return False
        self._look(identities)
        known = {person.identity: person for person in people if person.time == last_s}
        pairs = [(pose, known[identity]) for pose, identity in enumerate(identities) if identity in known]
        if pairs:
            rows = [pose for pose, _ in pairs]
            offset = poses[rows] - np.array([person.points for _, person in pairs])
            distance = np.hypot(offset[..., 0], offset[..., 1])
            common = np.isfinite(distance)
            moved = np.where(common, distance, 0.0).sum(1) / np.maximum(common.sum(1), 1)
            moved /= np.maximum(sizes[rows], [person.size for _, person in pairs])
            self._moved += len(pairs)
            self._jumps += int((moved > 3.0 * tolerance).sum())
        self._real = not (self._jumps > _JUMPS_SHARE * self._moved and self._count)
        return self._real

    def _in_range(self, identities: Sequence[int]) -> bool:
        return all(0 <= identity < _LARGEST for identity in identities)

    def _look(self, identities: Sequence[int]) -> None:
        ordered = sorted(identities)
        if self._first is None:
            self._first = ordered[0]
        self._count &= ordered == list(range(self._first, self._first + len(ordered)))

"""Who is who in a stream, one frame at a time: the tracker of clips, without the future.

Detections are assigned to expected bodies as in :mod:`maquette.track.tracker`; whoever was lost and is seen again where
he can have gone gets his number back, as in :func:`maquette.track.tracker.resume`. What only a whole clip tells is
decided at once and kept: which detections are flashes (people are followed once they have been seen for a tenth of a
second), how far people move between frames (from the frames so far), and whether the source's own numbers are real
(they are until they repeat in a frame, or jump between bodies).
"""

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from maquette.errors import InputError
from maquette.track.bodies import advance, assign
from maquette.track.detections import observed_joints
from maquette.track.identities import SourceIdentities
from maquette.track.people import GHOST_S
from maquette.track.similarity import TOLERANCE, body_sizes, middles
from maquette.track.slots import Person, Slots

_PROMINENCE_S = 1.0
_ALIKE = 1.8
"""Two sights of one person differ in size by less than this factor."""
_BESIDE = 0.6
"""Bodies nearer than this, in body sizes, overlap in the picture."""
_FLASH_S = 0.3
"""Somebody who was seen once or twice is forgotten after this long."""
_ROUNDING_S = 1e-6
"""Differences of time stamps are not exact."""
_MOST_BODIES = 128
_STEPS = 300
"""The last steps of people from frame to frame, from which it is learnt how far they go."""


@dataclass(frozen=True, eq=False)
class Followed:
    """Who is followed in one frame."""

    rows: Int[np.ndarray, " people"]
    """Slot of each detection, -1 where nobody follows it; a slot occurs once at most."""
    entered: tuple[int, ...]
    """Slots whose occupant is new in this frame: what is known of the one before must be forgotten."""
    left: tuple[tuple[int, int], ...]
    """``(slot, person number)`` given up in this frame, because the person has been away for too long."""
    persons: Int[np.ndarray, " capacity"]
    """Person number in each slot, -1 where it is empty."""


class OnlineTracker:
    """Follows everybody, and gives the most prominent ``capacity`` people a slot each.

    A slot is kept while its person is there or has been away for up to ``max_gap_s``; then it is handed over to the
    most prominent of those without one (body size x confidence over the last second) who have been seen for
    ``settle_s``, so that no flash of the detector is followed. Nobody loses a slot to somebody else while he is there.

    A person number never stands for two bodies: somebody who comes back within ``max_absence_s``, at a place that he
    can have reached, gets his own again, everybody else a new one. After more than ``max_gap_s`` only where nobody
    overlapped him while he was lost. Where the source's numbers are real, they are used. Equal input gives equal
    output.

    Args:
        capacity: how many people are followed at once.
        settle_s: how long somebody has to be seen before he is followed; 0 follows whoever is there at once.

    Raises:
        InputError: a capacity below 1, or times out of range.
    """

    def __init__(
        self,
        capacity: int,
        *,
        max_gap_s: float | int = 1.0,
        max_absence_s: float | int = 5.0,
        settle_s: float | int = GHOST_S,
    ) -> None:
        # The first frame must not wait for it.
        import scipy.optimize  # noqa: F401

        if capacity < 1 or not 0 < max_gap_s <= max_absence_s or settle_s < 0:
            raise InputError(
                f"capacity is {capacity}, max_gap_s {max_gap_s:g}, max_absence_s {max_absence_s:g}, settle_s "
                f"{settle_s:g}; expected at least 1, a positive gap, an absence no shorter than it, and 0 or more"
            )
        self._max_gap_s, self._max_absence_s = max_gap_s + _ROUNDING_S, max_absence_s + _ROUNDING_S
        self._slots = Slots(capacity, self._max_gap_s, float(settle_s))
        self._identities = SourceIdentities()
        self._people: list[Person] = []
        self._time_s = -np.inf
        self._before: tuple[np.ndarray, np.ndarray] = (np.zeros((0, 2)), np.zeros(0))
        self._steps = deque([0.0] * 20)
        self._ordered = list(self._steps)
        """The same by size."""

    def push(
        self,
        points: Float[np.ndarray, "people joints 2"],
        confidence: Float[np.ndarray, "people joints"],
        time_s: float | int,
        identities: tuple[int, ...] | None = None,
    ) -> Followed:
        """Who is who in the next frame.

        Args:
            points: pixels, NaN where missing; detections without any point belong to nobody.
            confidence: in [0, 1], 0 where missing.
            time_s: later than that of the frame before; gaps may be irregular.
            identities: the source's own number of each detection, if it follows people itself.

        Raises:
            InputError: the time does not go on, or there are not as many identities as people.
        """
        time_s = float(time_s)
        if not time_s > self._time_s:
            raise InputError(
                f"a frame at {time_s:g} s comes after one at {self._time_s:g} s; expected times that go on"
            )
        if identities is not None and len(identities) != len(points):
            raise InputError(f"{len(identities)} identities for {len(points)} people; expected one for each")
        seen = np.flatnonzero(observed_joints(points).any(1))
        poses = points[seen]
        sizes = body_sizes(poses) if len(seen) else np.zeros(0)
        people = self._identify(poses, sizes, time_s, [identities[k] for k in seen] if identities else None)
        self._weigh(people, sizes * confidence[seen].mean(1), observed_joints(poses).sum(1), time_s)
        entered, left = self._slots.update(self._people, time_s)
        rows = np.full(len(points), -1)
        rows[seen] = [person.slot for person in people]
        self._forget(time_s)
        self._time_s = time_s
        return Followed(rows, entered, left, self._slots.persons.copy())

    def _identify(
        self,
        poses: Float[np.ndarray, "seen joints 2"],
        sizes: Float[np.ndarray, " seen"],
        time_s: float,
        identities: list[int] | None,
    ) -> list[Person]:
        """The person of each detection; those who are new are added."""
        tolerance = self._tolerance(middles(poses), sizes)
        last_s = self._time_s
        if self._identities.real(identities, self._people, poses, sizes, last_s, tolerance):
            by_identity = {person.identity: k for k, person in enumerate(self._people)}
            known = [by_identity.get(identity) for identity in identities or ()]
            taken = {pose: k for pose, k in enumerate(known) if k is not None}
        else:
            identities = None
            near = [k for k, p in enumerate(self._people) if time_s - p.time <= self._max_gap_s or p.frames_away <= 2]
            bodies = [self._people[k] for k in near]
            found = assign(bodies, time_s, poses, per_s=1, tolerance=tolerance) if bodies and len(poses) else {}
            taken = {pose: near[k] for pose, k in found.items()}
            taken |= self._back(poses, sizes, time_s, taken)
        again = sorted(taken)
        for pose in again:
            self._seen_again(self._people[taken[pose]], time_s)
        advance([self._people[taken[pose]] for pose in again], time_s, poses[again], sizes[again])
        people = []
        for pose in range(len(poses)):
            if pose in taken:
                people.append(self._people[taken[pose]])
            else:
                identity = None if identities is None else identities[pose]
                people.append(Person(poses[pose].copy(), float(sizes[pose]), time_s, identity=identity, first_s=time_s))
        new = [person for person in people if person.time == time_s and person.first_s == time_s]
        self._people += [person for person in new if person not in self._people]
        return people

    def _tolerance(self, centre: Float[np.ndarray, "seen 2"], sizes: Float[np.ndarray, " seen"]) -> float:
        """σ of a joint between neighbouring frames, in body sizes, by how far people have gone so far."""
        before, their_sizes = self._before
        if len(before) and len(centre):
            offset = centre[None] - before[:, None]
            nearest = np.hypot(offset[..., 0], offset[..., 1]).min(1) / their_sizes
            for step in nearest.tolist():
                self._learn(step)
        self._before = centre, sizes
        usual = self._ordered[int(0.9 * (len(self._ordered) - 1))]
        return max(TOLERANCE, 1.5 * usual)

    def _learn(self, step: float) -> None:
        if len(self._steps) == _STEPS:
            del self._ordered[bisect_left(self._ordered, self._steps.popleft())]
        self._steps.append(step)
        insort(self._ordered, step)

    def _back(
        self,
        poses: Float[np.ndarray, "seen joints 2"],
        sizes: Float[np.ndarray, " seen"],
        time_s: float,
        taken: dict[int, int],
    ) -> dict[int, int]:
        """Detections that are nobody's yet, and the people lost before who are meant: who can have come there and has
        a like size, where no other such detection and no other such person is."""
        new = [pose for pose in range(len(poses)) if pose not in taken]
        here = set(taken.values())
        lost = [k for k, person in enumerate(self._people) if k not in here and person.number >= 0]
        if not new or not lost:
            return {}
        away_s = np.array([time_s - self._people[k].time for k in lost])
        their_size = np.array([self._people[k].size for k in lost])
        their_place = middles(np.array([self._people[k].points for k in lost]))
        larger = np.maximum(their_size[:, None], sizes[new][None])
        smaller = np.minimum(their_size[:, None], sizes[new][None])
        offset = middles(poses[new])[None] - their_place[:, None]
        distance = np.hypot(offset[..., 0], offset[..., 1]) / larger
        meant = (distance <= 0.2 + away_s[:, None]) & (larger < _ALIKE * smaller)
        found = {}
        for i, k in enumerate(lost):
            person = self._people[k]
            candidates = np.flatnonzero(meant[i])
            if len(candidates) == 1 and meant[:, candidates[0]].sum() == 1:
                if away_s[i] <= self._max_gap_s or not person.doubtful:
                    found[new[int(candidates[0])]] = k
            elif len(candidates):
                person.doubtful = True
        return found

    def _seen_again(self, person: Person, time_s: float) -> None:
        if time_s - person.time > self._max_gap_s and person.frames_away > 1:
            person.first_s, person.sightings, person.frames = time_s, 0, 0
        person.sightings += 1
        person.frames_away = 0
        person.doubtful = False

    def _weigh(
        self,
        people: list[Person],
        prominence: Float[np.ndarray, " seen"],
        joints: Int[np.ndarray, " seen"],
        time_s: float,
    ) -> None:
        """Prominence of everybody, and of the lost whether somebody stands where they were."""
        share = 1.0 - np.exp(-min(time_s - self._time_s, 1e3) / _PROMINENCE_S) if np.isfinite(self._time_s) else 1.0
        away = []
        for person in self._people:
            person.frames += 1
            if person.time != time_s:
                person.frames_away += 1
                person.prominence *= 1.0 - share
                away.append(person)
        for person, now, count in zip(people, prominence.tolist(), joints.tolist(), strict=True):
            person.prominence += share * (now - person.prominence)
            person.joints += max(share, 1.0 / person.sightings) * (count - person.joints)
        if away and people:
            place = middles(np.array([person.points for person in away]))
            offset = place[:, None] - middles(np.array([person.points for person in people]))[None]
            beside = _BESIDE * np.array([person.size for person in away])
            near = np.hypot(offset[..., 0], offset[..., 1]) < beside[:, None]
            for k in np.flatnonzero(np.any(near, axis=1)):
                away[k].doubtful = True

    def _forget(self, time_s: float) -> None:
        """Those who cannot come back; of too many, the least prominent."""

        def kept_s(person: Person) -> float:
            if person.number >= 0:
                return self._max_absence_s
            return self._max_gap_s if person.proven(person.time, GHOST_S, alone=False) else _FLASH_S

        self._people = [
            person
            for person in self._people
            if person.slot >= 0 or person.frames_away <= 2 or time_s - person.time <= kept_s(person)
        ]
        if len(self._people) > _MOST_BODIES:
            order = sorted(
                self._people, key=lambda person: (person.slot < 0, person.time != time_s, -person.prominence)
            )
            kept = set(map(id, order[:_MOST_BODIES]))
            self._people = [person for person in self._people if id(person) in kept]

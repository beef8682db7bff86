"""Who is followed: a few slots, given to the most prominent people, kept while they are there, handed over after."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int

from maquette.track.bodies import Body
from maquette.track.people import FRAGMENT_JOINTS

_LEAST_SIGHTINGS, _LEAST_SIGHTINGS_ALONE = 3, 2
"""Sightings before somebody is followed; fewer suffice while nobody is, so that slow streams begin soon."""
_EARLY = 0.9
"""Time stamps may be a little short: three steps at 30 frames/s are a tenth of a second."""
_FRAGMENT_SHARE = 0.05
"""A body of few joints, less prominent than this share of the most prominent one, is a limb taken for a person."""


@dataclass(eq=False)
class Person(Body):
    """Somebody in a stream, followed or not; times are seconds."""

    identity: int | None = None
    """The source's own number."""
    number: int = -1
    """Ours, given when he is followed for the first time."""
    slot: int = -1
    prominence: float = 0.0
    """Body size x mean confidence, over the last second or so, px."""
    joints: float = 0.0
    """How many are seen, over the last second or so."""
    first_s: float = 0.0
    """First sighting since he came, or came back."""
    sightings: int = 1
    frames: int = 0
    """Since then, whether he was seen or not."""
    frames_away: int = 0
    """Since the last sighting."""
    doubtful: bool = False
    """Lost beside somebody else, or two came who could have been meant: whoever comes later may not be the same."""

    def proven(self, time_s: float, settle_s: float, alone: bool) -> bool:
        """True when this is no flash of the detector: seen for ``settle_s``, in half of the frames at least."""
        if settle_s <= 0:
            return True
        least = _LEAST_SIGHTINGS_ALONE if alone else _LEAST_SIGHTINGS
        seen = self.sightings >= least and 2 * self.sightings >= self.frames
        return seen and time_s - self.first_s >= _EARLY * settle_s


@dataclass(eq=False)
class Slots:
    """Which person is in which slot."""

    capacity: int
    max_gap_s: float
    settle_s: float
    persons: Int[np.ndarray, " capacity"] = field(init=False)
    """Number of the person in each slot, -1 where it is empty."""
    _occupants: dict[int, Person] = field(init=False, default_factory=dict)
    _used: set[int] = field(init=False, default_factory=set)
    _next: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.persons = np.full(self.capacity, -1)

    def update(self, people: Sequence[Person], time_s: float) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
        """Give up slots of people who have been away for too long, and give free ones to those who are here now.

        Returns:
            ``(entered, left)``: slots with a new occupant, and ``(slot, number)`` of those given up.
        """
        left = []
        for slot, person in sorted(self._occupants.items()):
            if time_s - person.time > self.max_gap_s and person.frames_away > 2:
                left.append((slot, person.number))
                person.slot = -1
                del self._occupants[slot]
                self.persons[slot] = -1
        entered = []
        free = [slot for slot in range(self.capacity) if slot not in self._occupants]
        if free:
            for slot, person in zip(free, self._candidates(people, time_s), strict=False):
                if person.number < 0:
                    person.number = self._number(person.identity)
                person.slot = slot
                self._occupants[slot] = person
                self.persons[slot] = person.number
                entered.append(slot)
        return tuple(entered), tuple(left)

    def _candidates(self, people: Sequence[Person], time_s: float) -> list[Person]:
        """Who could be followed from now on, the most prominent first; of equals, who came first."""
        least = _FRAGMENT_SHARE * max((person.prominence for person in people), default=0.0)
        alone = not self._occupants
        here = [
            person
            for person in people
            if person.slot < 0
            and person.time == time_s
            and person.proven(time_s, self.settle_s, alone)
            and (person.joints > FRAGMENT_JOINTS or person.prominence >= least)
        ]
        return sorted(here, key=lambda person: -person.prominence)

    def _number(self, identity: int | None) -> int:
        """A number that nobody has had: the source's own where it is one."""
        number = identity
        if number is None or number in self._used:
            while self._next in self._used:
                self._next += 1
            number = self._next
        self._used.add(number)
        return number

"""The people of one picture, who come in messages of their own."""

from dataclasses import replace

import numpy as np

from maquette.errors import InputError
from maquette.skeleton import Skeleton
from maquette.stream.keypoint_frame import KeypointFrame

LONGEST_WAIT_S = 0.03
"""For the others of a frame, from the first on."""
_LATE_FRAMES = 300
_SILENCE_S = 1.0


class PeopleOfFrame:
    """Gathers frames of one person each into frames of all, by the sender's number of the picture.

    A frame is complete when as many people have come as it says it has. One whose others were lost is given when the
    next frame begins, or when :meth:`overdue` is asked later than 30 ms after its first. What comes after its frame was
    given is too late and is counted. A number that is much lower than the last one, or that comes after a second of
    silence, is of a sender that began anew.
    """

    def __init__(self) -> None:
        self.skeleton: Skeleton | None = None
        """Of the latest frame with somebody."""
        self.late = 0
        """Messages that were left out, since their frame had been given already."""
        self._waiting: dict[int, KeypointFrame] = {}
        self._last: KeypointFrame | None = None

    def add(self, frame: KeypointFrame, person: int, people: int) -> list[KeypointFrame]:
        """One person of a frame; the frames that are complete now.

        Args:
            frame: with one person and a number.
            person: the sender's own number of that person, or -1.
            people: how many the frame has.

        Raises:
            InputError: its skeleton is not that of the others of its frame.
        """
        done = self._begin(frame)
        if done is None:
            return []
        first = self.first
        if first is not None and first.skeleton is not frame.skeleton:
            raise InputError(f"people of '{first.skeleton.name}' and of '{frame.skeleton.name}' in one frame")
        # Without numbers of their own, people are told apart by their order, below -1.
        self._waiting[person if person >= 0 else -2 - len(self._waiting)] = frame
        self.skeleton = frame.skeleton
        if len(self._waiting) >= people:
            done.append(self._give())
        return done

    def nobody(self, frame: KeypointFrame) -> list[KeypointFrame]:
        """A frame without anybody; the frames that are complete now."""
        done = self._begin(frame)
        if done is None:
            return []
        self._last = frame
        return [*done, frame]

    @property
    def first(self) -> KeypointFrame | None:
        """The first person of the frame whose others are still to come."""
        return next(iter(self._waiting.values()), None)

    def overdue(self, now_s: float) -> KeypointFrame | None:
        """The frame whose others have been waited for long enough."""
        first = self.first
        return self._give() if first is not None and now_s - first.arrived_s >= LONGEST_WAIT_S else None

    def _begin(self, frame: KeypointFrame) -> list[KeypointFrame] | None:
        """What had been waited for, if this is a new frame; None where it is too late."""
        first = self.first
        if first is not None and first.number == frame.number:
            return []
        if self._is_late(frame, first or self._last):
            self.late += 1
            return None
        return [] if first is None else [self._give()]

    @staticmethod
    def _is_late(frame: KeypointFrame, latest: KeypointFrame | None) -> bool:
        if latest is None or frame.number is None or latest.number is None:
            return False
        behind = latest.number - frame.number
        return 0 <= behind < _LATE_FRAMES and frame.arrived_s - latest.arrived_s < _SILENCE_S

    def _give(self) -> KeypointFrame:
        frames = list(self._waiting.values())
        persons = tuple(self._waiting)
        self._waiting.clear()
        self._last = replace(
            frames[0],
            points=np.concatenate([frame.points for frame in frames]),
            confidence=np.concatenate([frame.confidence for frame in frames]),
            arrived_s=max(frame.arrived_s for frame in frames),
            identities=persons if min(persons) >= 0 else None,
        )
        return self._last

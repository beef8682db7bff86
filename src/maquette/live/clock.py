"""The time of each frame in the session, from what its sender says, or else from when it came in."""

import math
from collections import deque
from typing import Literal

from maquette.stream.keypoint_frame import KeypointFrame

Evidence = Literal["stamp", "number", "arrival"]

JUMP_S = 2.0
"""A sender's clock that runs ahead of the arrivals by more than this within one frame has jumped."""
MIN_STEP_S = 1e-3
"""Frames that arrive at once are set this far apart."""
_SMALLEST_STEP_S = 1e-6
"""Between two different stamps."""
_MOST_JUMPS, _WITHIN_FRAMES = 4, 60
_MAX_NOTES = 8
_PACE, _PACE_SEEN_S = 5.0, 3.0
"""Stamps that run so many times faster or slower than the arrivals, for so long, have hardly the unit that they should
have."""


class StreamClock:
    """Gives each frame its time in seconds since the first: strictly increasing, without drift.

    Evidence, the best that a frame has: the sender's stamps (``time_s``), by their differences; or its number, where
    the rate is known (``fps``); or the arrival. Times from stamps and numbers depend on nothing else: they are
    ``stamp - first stamp`` and ``(number - first number) / fps`` to the bit, whatever the network does. Nothing is
    summed up, so nothing drifts.

    A sender's clock may jump: it goes back or stands still, or it runs ahead of the arrivals by over 2 s within a frame
    (a burst after a stall, in which stamps run ahead of arrivals too, is told from that by the shortest delay so far).
    Then the frame is placed by its arrival, what follows goes on from there, and it is counted and said. Stamps that
    jump four times within 60 frames (whole seconds, milliseconds) are not believed from then on. Stamps that run evenly
    at another pace are believed, since a recording may be sent fast, but that is said.

    Args:
        fps: frames a second by which numbers count; None when nobody knows.
        trust: stamps and numbers may run at any pace compared to arrivals: recordings that are played fast.
    """

    def __init__(self, fps: float | int | None = None, *, trust: bool = False) -> None:
        self.fps = None if fps is None else float(fps)
        self.jumps = 0
        """How often the sender's clock jumped."""
        self.evidence: Evidence | None = None
        """What the latest frame was placed by."""
        self._trust = trust
        self._disbelieved: set[Evidence] = set()
        self._anchor = (0.0, 0.0)
        self._anchor_arrived_s = 0.0
        self._pace_said = trust
        self._last_value = 0.0
        self._last_session_s = 0.0
        self._last_arrived_s = 0.0
        self._shortest_delay_s = 0.0
        self._frames = 0
        self._jump_frames: dict[Evidence, deque[int]] = {}
        self._notes: list[str] = []

    def time_of(self, frame: KeypointFrame) -> float:
        """Seconds since the session's first frame. Called once for each frame, in the order of processing."""
        evidence, value = self._value(frame)
        arrived_s = frame.arrived_s
        self._frames += 1
        if self.evidence is None:
            session_s = 0.0
            self._set_anchor(evidence, value, session_s, arrived_s)
        elif evidence != self.evidence:
            session_s = self._by_arrival(arrived_s)
            self._set_anchor(evidence, value, session_s, arrived_s)
        elif evidence == "arrival":
            session_s = max(self._anchor[1] + (value - self._anchor[0]), self._later(MIN_STEP_S))
        elif (why := self._jumped(evidence, value, arrived_s)) is not None:
            session_s = self._by_arrival(arrived_s)
            self._note_jump(evidence, why)
            self._set_anchor(evidence, value, session_s, arrived_s)
        else:
            since_anchor_s = self._seconds(evidence, value - self._anchor[0])
            session_s = max(self._anchor[1] + since_anchor_s, self._later(_SMALLEST_STEP_S))
            self._shortest_delay_s = min(self._shortest_delay_s, arrived_s - self._seconds(evidence, value))
            self._look_at_pace(evidence, since_anchor_s, arrived_s - self._anchor_arrived_s)
        self.evidence, self._last_value = evidence, value
        self._last_session_s, self._last_arrived_s = session_s, arrived_s
        return session_s

    def take_notes(self) -> tuple[str, ...]:
        """Sentences on what was decided since the last call."""
        notes = tuple(self._notes)
        self._notes.clear()
        return notes

    def _value(self, frame: KeypointFrame) -> tuple[Evidence, float]:
        """The best evidence and what it says, in its own unit (frames or seconds)."""
        if frame.time_s is not None and "stamp" not in self._disbelieved:
            return "stamp", frame.time_s
        if frame.number is not None and self.fps is not None and "number" not in self._disbelieved:
            return "number", float(frame.number)
        return "arrival", frame.arrived_s

    def _set_anchor(self, evidence: Evidence, value: float, session_s: float, arrived_s: float) -> None:
        self._anchor, self._anchor_arrived_s = (value, session_s), arrived_s
        self._shortest_delay_s = arrived_s - self._seconds(evidence, value)

    def _by_arrival(self, arrived_s: float) -> float:
        return self._later(max(arrived_s - self._last_arrived_s, MIN_STEP_S))

    def _later(self, step_s: float) -> float:
        """A time after the last one; after centuries the step can be less than what a float tells apart."""
        return max(self._last_session_s + step_s, math.nextafter(self._last_session_s, math.inf))

    def _seconds(self, evidence: Evidence, value: float) -> float:
        return value / self.fps if evidence == "number" and self.fps is not None else value

    def _jumped(self, evidence: Evidence, value: float, arrived_s: float) -> str | None:
        """What the sender's clock did, when it cannot have been right."""
        step_s = self._seconds(evidence, value - self._last_value)
        if step_s == 0:
            return "stood still"
        if step_s < 0:
            return f"went back by {-step_s:.3g} s"
        if self._trust:
            return None
        ahead_s = step_s - (arrived_s - self._last_arrived_s)
        if ahead_s > JUMP_S and arrived_s - self._seconds(evidence, value) < self._shortest_delay_s - JUMP_S:
            return f"jumped ahead by {ahead_s:.3g} s"
        return None

    def _look_at_pace(self, evidence: Evidence, sent_s: float, arrived_s: float) -> None:
        if self._pace_said or arrived_s < _PACE_SEEN_S:
            return
        self._pace_said = True
        pace = sent_s / arrived_s
        if not 1 / _PACE < pace < _PACE:
            name, unit = (
                ("stamps", "seconds are expected") if evidence == "stamp" else ("numbers", "--fps tells their rate")
            )
            self._notes.append(f"the sender's {name} run {pace:.3g} times as fast as its frames come; {unit}")

    def _note_jump(self, evidence: Evidence, why: str) -> None:
        self.jumps += 1
        name = "clock" if evidence == "stamp" else "numbering"
        frames = self._jump_frames.setdefault(evidence, deque(maxlen=_MOST_JUMPS))
        frames.append(self._frames)
        note = f"the sender's {name} {why}; its frames go on from when this one came in"
        if len(frames) == _MOST_JUMPS and frames[-1] - frames[0] < _WITHIN_FRAMES:
            self._disbelieved.add(evidence)
            note = f"the sender's {name} {why}, again and again, and is not believed any more"
        if len(self._notes) < _MAX_NOTES:
            self._notes.append(note)

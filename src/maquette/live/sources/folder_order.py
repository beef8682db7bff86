"""Frames of a growing folder in the order of their numbers, as far as a short wait can put them right."""

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from maquette.stream.keypoint_frame import KeypointFrame

HOLD_S = 0.03
"""A frame waits this long for one before it that is missing."""
_NEAR_FRAMES, _NEAR_S = 10, 0.5
"""A frame this close before the latest one is late; one further back, or after a pause, belongs to a new run."""
_ECHO_S = 0.25
"""A file that changes again this soon after it was delivered was only finished."""
_RECENT, _HELD = 64, 32
_VAIN_HOLDS = 3
_ROUNDING_S = 1e-6

_NUMBER = re.compile(r"(\d+)(?:_keypoints|_kp2d)?\.json$")
_LAST_DIGITS = re.compile(r"(\d+)\D*$")

Verdict = Literal["taken", "late", "echo"]


def series_and_number(name: str) -> tuple[str, int | None]:
    """``(everything before the number, frame number)`` of a file name; no number where it has no digits.

    The number stands at the end or before ``_keypoints`` or ``_kp2d``, else it is the last run of digits.
    """
    match = _NUMBER.search(name) or _LAST_DIGITS.search(name)
    if match is None:
        return name, None
    return name[: match.start(1)], int(match.group(1)[-15:])


@dataclass(frozen=True, eq=False)
class FileFrame:
    """A frame and the file that it comes from."""

    frame: KeypointFrame
    series: str
    number: int
    changed_ns: int
    """When the file was last written."""


class FolderOrder:
    """Puts frames in order. Times are those of ``time.monotonic()``.

    A frame that follows the latest one is passed on at once. A frame after a gap waits up to 30 ms for those before it,
    unless the gap is the usual one (every second frame is written) or three such waits in a row were in vain (frames
    are left out at the other end). What comes after its successors were passed on is late. Numbers that begin again are
    a new run: in the same files, when they are written anew; in others, once the first ones have been quiet for half a
    second.
    """

    def __init__(self) -> None:
        self._latest: FileFrame | None = None
        self._latest_s = 0.0
        self._recent: OrderedDict[int, float] = OrderedDict()
        self._held: dict[int, tuple[FileFrame, float]] = {}
        self._step = self._last_delta = 1
        self._vain_holds = 0
        self.runs = 0
        """How often numbers began to count."""

    def put(self, new: FileFrame, now_s: float) -> tuple[Verdict, list[FileFrame]]:
        """``(what became of it, frames to deliver now)``."""
        latest = self._latest
        if latest is None:
            return "taken", self._begin(new, now_s)
        quiet = now_s - self._latest_s > _NEAR_S
        if new.series != latest.series:
            return ("taken", [*self._let_go(), *self._begin(new, now_s)]) if quiet else ("late", [])
        if new.number > latest.number:
            if any(number > new.number for number in self._held):
                self._vain_holds = 0
            self._held[new.number] = (new, now_s)
            return "taken", self.due(now_s)
        delivered_s = self._recent.get(new.number)
        if delivered_s is not None and now_s - delivered_s < _ECHO_S:
            return "echo", []
        if new.changed_ns < latest.changed_ns and not (delivered_s is None and not quiet):
            return "echo", []
        if delivered_s is None and latest.number - new.number < _NEAR_FRAMES and not quiet:
            self._vain_holds = 0
            return "late", []
        return "taken", [*self._let_go(), *self._begin(new, now_s)]

    def due(self, now_s: float) -> list[FileFrame]:
        """Frames that need not wait any longer."""
        out: list[FileFrame] = []
        while self._held and self._latest is not None:
            number = min(self._held)
            new, since_s = self._held[number]
            follows = number <= self._latest.number + self._step
            waits = self._vain_holds < _VAIN_HOLDS and len(self._held) <= _HELD
            if not follows and waits and now_s < since_s + HOLD_S - _ROUNDING_S:
                break
            if not follows and waits:
                self._vain_holds += 1
            del self._held[number]
            self._pass(new, now_s)
            out.append(new)
        return out

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until :meth:`due` must be asked again; None when nothing waits."""
        if not self._held:
            return None
        _, since_s = self._held[min(self._held)]
        return max(0.0, since_s + HOLD_S - now_s)

    def begin_anew(self) -> None:
        """What comes next is a new run, whatever its number."""
        self._latest = None
        self._held.clear()
        self._recent.clear()

    def _begin(self, new: FileFrame, now_s: float) -> list[FileFrame]:
        self.begin_anew()
        self.runs += 1
        self._step = self._last_delta = 1
        self._pass(new, now_s)
        return [new]

    def _let_go(self) -> list[FileFrame]:
        """All that is held, as a run ends."""
        held = [new for _, (new, _) in sorted(self._held.items())]
        self._held.clear()
        return held

    def _pass(self, new: FileFrame, now_s: float) -> None:
        if self._latest is not None:
            delta = new.number - self._latest.number
            if delta == self._last_delta or delta < self._step:
                self._step = delta
            self._last_delta = delta
        self._latest, self._latest_s = new, now_s
        self._recent[new.number] = now_s
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)

"""What every source and every sink is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from maquette.stream.keypoint_frame import KeypointFrame
from maquette.stream.pose_frame import PoseFrame

Deliver = Callable[[KeypointFrame], None]
"""Takes a frame, in the thread of the event loop; returns at once, whatever the consumer does."""

SourceState = Literal["waiting", "receiving", "stalled", "reconnecting", "ended", "failed"]
SinkState = Literal["starting", "sending", "waiting", "reconnecting", "failed", "stopped"]

STALLED_S = 1.0
"""A source that was receiving and gives nothing for this long is said to have stalled."""
_LONGEST_TEXT = 300


def printable(text: str, most: int = _LONGEST_TEXT) -> str:
    """Words that may hold what others sent, as a terminal may get them: cut short, with nothing in it that is obeyed
    instead of shown."""
    shown = "".join(c if c.isprintable() else "·" for c in text[:most])
    return shown if len(text) <= most else f"{shown}..."


@dataclass(eq=False)
class SourceReport:
    """What a source says about itself; the session reads it for the status line."""

    state: SourceState = "waiting"
    detail: str = ""
    """Why, in a few words: ``connection refused``."""
    frames: int = 0
    malformed: int = 0
    """Packets, lines or files that were skipped."""
    first_malformed: str = ""
    """The first of them: its beginning, and what is wrong with it."""
    skipped: int = 0
    """Frames left out for other reasons: out of order, twice, too old."""
    dropped: int = 0
    """Packets, lines or pictures that nobody looked at because newer ones were there: the processing was behind."""

    def say(self, state: SourceState, detail: str = "") -> None:
        self.state, self.detail = state, printable(detail)

    def received(self) -> None:
        """A good frame has come in."""
        self.frames += 1
        self.state, self.detail = "receiving", ""

    def bad(self, seen: bytes | str, why: str) -> None:
        """Something was skipped. Only the first is kept, cut short, with nothing in it that a terminal would obey."""
        self.malformed += 1
        if not self.first_malformed:
            text = seen if isinstance(seen, str) else seen[:80].decode("utf-8", "replace")
            shown = printable(text, 60)
            cut = len(seen) > 60 and not shown.endswith("...")
            # The reason may quote what was sent, too.
            self.first_malformed = f"{printable(why)}: {shown}{'...' if cut else ''}"


@runtime_checkable
class Source(Protocol):
    """Something that gives keypoints. Made from an address by :mod:`maquette.live.addresses`."""

    address: str
    report: SourceReport

    async def run(self, deliver: Deliver) -> None:
        """Deliver frames until there will be no more (a file, standard input), or until cancelled.

        A connection that breaks is opened again, with growing pauses, and the report says so. Malformed input is
        counted in the report and skipped.

        Raises:
            InputError: it cannot work at all: no such folder, the port is taken, a token is missing.
        """
        ...


@dataclass(eq=False)
class SinkReport:
    """What a sink says about itself."""

    state: SinkState = "starting"
    detail: str = ""
    sent: int = 0
    """Frames handed to the system or written."""
    dropped: int = 0
    """Frames that nobody got: no connection, a full buffer, a full disk."""
    failures: int = 0
    """How often something went wrong; ``detail`` tells the last."""

    def say(self, state: SinkState, detail: str = "") -> None:
        self.state, self.detail = state, printable(detail)


@runtime_checkable
class Sink(Protocol):
    """Something that takes poses."""

    address: str
    report: SinkReport

    async def start(self) -> None:
        """Bind, open, begin to connect. Whoever connects elsewhere does so in the background: nobody listening there is
        no error.

        Raises:
            OutputError: it cannot work at all: the port is taken, the folder is missing, a token is missing.
        """
        ...

    def send(self, frame: PoseFrame) -> None:
        """Take one frame, in the thread of the event loop. Returns within a fraction of a millisecond and never raises
        for what the other end or the disk does: that is counted in the report."""
        ...

    async def stop(self) -> None:
        """Finish files, say goodbye, close. Called once, also after Ctrl-C."""
        ...

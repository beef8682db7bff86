"""Time stamps of a video, gathered from its packets without decoding one."""

import errno
from array import array
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int64

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_BACK_S = 1.0
_AHEAD_S, _AHEAD_PERIODS = 60.0, 100
_NONE = -(1 << 63)
_FURTHEST = 1 << 53


@dataclass(frozen=True)
class Stretch:
    """Part of a video whose stamps count on without a break."""

    first: int
    last: int
    shift: int
    """From the file's stamps to ticks since the start of the clip."""


@dataclass(frozen=True, eq=False)
class Stamps:
    """When the pictures of a video are shown, as far as its packets say."""

    tick_s: Fraction
    ticks: Int64[np.ndarray, " pictures"]
    """Since the first picture, increasing; pictures that share a time count once. Empty if the file has no times."""
    stretches: tuple[Stretch, ...]
    packets: int
    only_order: bool
    """The file says when each picture is decoded, not when it is shown (AVI): the n-th one that comes out of the
    decoder is shown at the n-th of the times."""
    fault: str
    """Why reading stopped before the end; empty if it did not."""

    def tick(self, stamp: int, last: int | None, stretch: int) -> tuple[int, int]:
        """Ticks since the start, and the stretch that a stamp belongs to.

        Args:
            last: the stamp before; None for the first.
            stretch: that of the stamp before.
        """
        fell_back = last is not None and stamp < last - _BACK_S / 2 / self.tick_s
        for later in range(stretch + fell_back, len(self.stretches)):
            if self.stretches[later].first <= stamp <= self.stretches[later].last:
                return stamp + self.stretches[later].shift, later
        return stamp + self.stretches[stretch].shift, stretch

    @property
    def end_s(self) -> float:
        """When the last picture is shown."""
        return float(int(self.ticks[-1]) * self.tick_s) if len(self.ticks) else 0.0


def read_stamps(container: "InputContainer", stream: "VideoStream") -> Stamps:
    """Read through the file; 16 bytes for each picture are kept for that long, 8 of them for good."""
    from av.error import FFmpegError

    shown, decoded, packets, fault = array("q"), array("q"), 0, ""
    ends: dict[int, int] = {}
    try:
        for packet in container.demux():
            if packet.pts is not None:
                ends[packet.stream_index] = max(packet.pts + (packet.duration or 0), ends.get(packet.stream_index, 0))
            if packet.stream_index == stream.index and packet.size:
                packets += 1
                # Those before the start of an edit list are decoded and never shown.
                if not packet.is_discard:
                    shown.append(_NONE if packet.pts is None else packet.pts)
                    decoded.append(_NONE if packet.dts is None else packet.dts)
    except (FFmpegError, OSError) as error:
        fault = reason(error)
    pts, dts = np.array(shown, dtype=np.int64), np.array(decoded, dtype=np.int64)
    known = pts != _NONE
    # FFmpeg invents the times of showing that AVI lacks; where it knows of no reordering, it takes those of decoding.
    invented = container.format.name == "avi" and known.any() and bool(np.ptp((pts - dts)[known]) == 0)
    only_order = bool(int(known.sum()) * 2 < len(pts) or invented)
    if only_order:
        pts, known = np.where(known, pts, dts), known | (dts != _NONE)
    # Else, what has none is the second field of an interlaced picture. Stamps beyond reason are damage.
    known &= np.abs(pts) < _FURTHEST
    order = np.where(dts == _NONE, pts, dts)[known]
    tick_s = Fraction(stream.time_base or 0)
    ticks, stretches = _joined(pts[known], order, tick_s) if known.any() and tick_s > 0 else (pts[:0], ())
    if not fault and (packets < stream.frames or _is_short(container, ends)):
        fault = "the file was cut off"
    return Stamps(tick_s, ticks, stretches, packets, only_order, fault)


def _is_short(container: "InputContainer", ends: dict[int, int]) -> bool:
    """Every track ends more than a second before the end that the header states."""
    if container.duration is None or not ends:
        return False
    end_s = max(float(end * (container.streams[track].time_base or 0)) for track, end in ends.items())
    return end_s < container.duration / 1_000_000 - 1


def reason(error: Exception) -> str:
    """Why FFmpeg gave up, in its words."""
    if getattr(error, "errno", None) == errno.ENOMEM:
        return "it claims an impossible size"
    if isinstance(error, EOFError):
        return "it ends before its first picture"
    return getattr(error, "strerror", None) or str(error)


def _joined(
    pts: Int64[np.ndarray, " packets"], order: Int64[np.ndarray, " packets"], tick_s: Fraction
) -> tuple[Int64[np.ndarray, " pictures"], tuple[Stretch, ...]]:
    """One time for all: where the stamps fall back (clips put together) or leap, the next picture follows at once."""
    back = np.flatnonzero(np.diff(order) < -max(_BACK_S / float(tick_s), 1)) + 1
    parts = [np.unique(part) for part in np.split(pts, back)]
    steps = np.concatenate([np.diff(part) for part in parts])
    period = max(int(np.median(steps)), 1) if len(steps) else max(round(1 / (30 * tick_s)), 1)
    leap = max(_AHEAD_S / float(tick_s), _AHEAD_PERIODS * period)
    parts = [piece for part in parts for piece in np.split(part, np.flatnonzero(np.diff(part) > leap) + 1)]
    ticks, stretches, start = [], [], 0
    for part in parts:
        shift = start - int(part[0])
        ticks.append(part + shift)
        stretches.append(Stretch(int(part[0]), int(part[-1]), shift))
        start = int(ticks[-1][-1]) + period
    return np.concatenate(ticks), tuple(stretches)

"""What a session says about itself: rates, latency, drops, states."""

import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np

_WINDOW_S = 5.0
"""Rates and latencies are those of the last seconds."""
_LATENCY_BINS_MS = np.geomspace(0.01, 60_000.0, 1200)
"""Of the latencies of the whole session: 1.3 % apart, so that an hour of them takes no more memory than a second."""


@dataclass(frozen=True)
class EndStatus:
    """Of a source or a sink."""

    address: str
    state: str
    detail: str = ""
    frames: int = 0
    """Received or sent."""
    malformed: int = 0
    """Packets, lines or files that were skipped."""
    dropped: int = 0
    """Frames that nobody got; of a source those out of order, twice, or too old."""


@dataclass(frozen=True)
class LiveStatus:
    """A session at one moment."""

    elapsed_s: float
    fps_in: float
    fps_out: float
    latency_p50_ms: float
    """From the arrival of the keypoints until the poses are with all sinks, over the last seconds; NaN without any."""
    latency_p99_ms: float
    frames: int
    """Frames of poses sent in all."""
    dropped: int
    """Frames of keypoints dropped because the processing was behind."""
    people: int
    """Followed now."""
    state: str
    """``waiting``, ``calibrating`` or ``live``."""
    source: EndStatus
    sinks: tuple[EndStatus, ...] = ()
    model: str = ""
    look_ahead_ms: float = 0.0
    """How much later than a frame the model needs to see; contained in the latency."""

    def line(self) -> str:
        """The status line."""
        parts = [f"in {self.fps_in:.1f} fps", f"out {self.fps_out:.1f} fps"]
        if np.isfinite(self.latency_p50_ms):
            parts.append(f"latency p50 {self.latency_p50_ms:.1f} ms p99 {self.latency_p99_ms:.1f} ms")
        parts += [f"dropped {self.dropped}", _count(self.people, "person", "people")]
        if self.source.malformed:
            parts.append(f"malformed {self.source.malformed}")
        parts.append(f"source {self.source.state}{f' ({self.source.detail})' if self.source.detail else ''}")
        parts += [
            f"{sink.address} {sink.state}{f' ({sink.detail})' if sink.detail else ''}"
            for sink in self.sinks
            if sink.state != "sending"
        ]
        lost = sum(sink.dropped for sink in self.sinks)
        if lost:
            parts.append(f"sinks dropped {lost}")
        return f"{self.state:<11} " + " · ".join(parts)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


@dataclass(eq=False)
class Meter:
    """Rates and latencies, measured as frames pass; its memory does not grow."""

    began_s: float = field(default_factory=time.monotonic)
    frames: int = 0
    people: int = 0
    _in: deque[float] = field(default_factory=deque)
    _out: deque[tuple[float, float]] = field(default_factory=deque)
    _bins: np.ndarray = field(default_factory=lambda: np.zeros(len(_LATENCY_BINS_MS) + 1, dtype=np.int64))

    def arrived(self, now_s: float) -> None:
        """A frame of keypoints has come in."""
        self._in.append(now_s)
        self._forget(now_s)

    def sent(self, arrived_s: float, now_s: float, people: int) -> None:
        """A frame of poses is with all sinks."""
        latency_ms = 1000.0 * (now_s - arrived_s)
        self.frames += 1
        self.people = people
        self._out.append((now_s, latency_ms))
        self._bins[int(np.searchsorted(_LATENCY_BINS_MS, latency_ms))] += 1
        self._forget(now_s)

    def _forget(self, now_s: float) -> None:
        while self._in and self._in[0] < now_s - _WINDOW_S:
            self._in.popleft()
        while self._out and self._out[0][0] < now_s - _WINDOW_S:
            self._out.popleft()

    def rates(self, now_s: float) -> tuple[float, float]:
        """Frames a second, ``(in, out)``."""
        self._forget(now_s)
        span_s = max(min(_WINDOW_S, now_s - self.began_s), 1e-3)
        return len(self._in) / span_s, len(self._out) / span_s

    def recent_ms(self) -> tuple[float, float]:
        """Median and 99th percentile of the latencies of the last seconds; NaN without any."""
        if not self._out:
            return float("nan"), float("nan")
        p50, p99 = np.percentile([latency_ms for _, latency_ms in self._out], (50, 99))
        return float(p50), float(p99)

    def overall_ms(self, *percent: float | int) -> tuple[float, ...]:
        """Percentiles of the latencies of the whole session, to 1.3 %; NaN without any."""
        count = np.cumsum(self._bins)
        if not count[-1]:
            return tuple(float("nan") for _ in percent)
        at = np.searchsorted(count, np.array(percent) / 100 * count[-1])
        return tuple(float(_LATENCY_BINS_MS[min(int(i), len(_LATENCY_BINS_MS) - 1)]) for i in at)

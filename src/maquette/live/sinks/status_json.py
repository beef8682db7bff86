"""A session's status as a message."""

import numpy as np

from maquette.live.status import EndStatus, LiveStatus
from maquette.stream.message import VERSION, EndMessage, LatencyMessage, StatusMessage, status_message


def status_json(status: LiveStatus) -> bytes:
    """The ``status`` message that tells how the session is doing."""
    return status_message(
        StatusMessage(
            v=VERSION,
            state=status.state,
            elapsed_s=round(float(status.elapsed_s), 1),
            fps_in=round(float(status.fps_in), 1),
            fps_out=round(float(status.fps_out), 1),
            latency_ms=LatencyMessage(_milliseconds(status.latency_p50_ms), _milliseconds(status.latency_p99_ms)),
            frames=status.frames,
            people=status.people,
            dropped=status.dropped,
            source=_end(status.source),
            sinks=tuple(_end(sink) for sink in status.sinks),
            model=status.model,
            look_ahead_ms=round(float(status.look_ahead_ms), 1),
        )
    )


def _end(end: EndStatus) -> EndMessage:
    return EndMessage(end.address, end.state, end.detail, end.frames, end.malformed, end.dropped)


def _milliseconds(latency_ms: float | int) -> float | None:
    return round(float(latency_ms), 2) if np.isfinite(latency_ms) else None

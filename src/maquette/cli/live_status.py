"""The status line of ``maquette live``: on standard error, so that standard output is free for poses."""

import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from maquette.live.session import LiveSession
    from maquette.live.status import LiveStatus

_PLAIN_EVERY_S = 10.0
"""Where there is no terminal, a line comes so often, and whenever a state changes."""


class StatusLine:
    """One line that is written over on a terminal; lines elsewhere."""

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._quiet = quiet
        self._over = not quiet and self._stream.isatty()
        self._shown_s = -_PLAIN_EVERY_S
        self._states: tuple[str, ...] = ()
        self._malformed = False

    def show(self, status: "LiveStatus") -> None:
        """Once a second."""
        if self._quiet:
            return
        if self._over:
            self._write(f"\r\x1b[K{status.line()[: self._width()]}")
            return
        states = (status.state, status.source.state, *(sink.state for sink in status.sinks))
        if states != self._states or status.elapsed_s - self._shown_s >= _PLAIN_EVERY_S:
            self._states, self._shown_s = states, status.elapsed_s
            self._write(f"{status.line()}\n")

    def say(self, notes: tuple[str, ...]) -> None:
        """Sentences that stay."""
        if self._quiet:
            return
        for note in notes:
            self._write(f"\r\x1b[K  {note}\n" if self._over else f"  {note}\n")

    def begin(self, session: "LiveSession") -> None:
        """What goes on from now on."""
        ahead_ms = 1000 * session.processor.look_ahead_s
        late = f", {ahead_ms:.0f} ms late by its look-ahead" if ahead_ms else ""
        self.say((f"{session.source.address} -> {session.processor.model}{late}",))

    def end(self, session: "LiveSession") -> None:
        """Counts of the whole session."""
        meter, report = session.meter, session.source.report
        p50_ms, p99_ms, most_ms = meter.overall_ms(50, 99, 100)
        lines = [f"{meter.frames} frames of poses from {report.frames} of keypoints; dropped {session.dropped}"]
        if meter.frames:
            lines.append(f"latency p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms, largest {most_ms:.1f} ms")
        if report.malformed:
            lines.append(f"malformed, skipped: {report.malformed}; the first: {report.first_malformed}")
        if report.skipped:
            lines.append(f"frames left out (late, twice, or while a detector was busy): {report.skipped}")
        edits = {kind: count for kind, count in session.processor.edits().items() if count}
        if edits:
            lines.append("points repaired: " + ", ".join(f"{count} {kind}" for kind, count in sorted(edits.items())))
        for sink in session.sinks:
            told = sink.report
            detail = f" ({told.detail})" if told.detail else ""
            lines.append(f"{sink.address}: {told.sent} frames, dropped {told.dropped}{detail}")
        if self._over:
            self._write("\n")
        self.say(tuple(lines))

    def _width(self) -> int:
        import shutil

        return max(shutil.get_terminal_size().columns - 1, 20)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            # Nobody reads the status any more; that is no reason to end the stream.
            self._quiet = True

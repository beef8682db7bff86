"""The status line of ``maquette live``: on standard error, so that standard output is free for poses."""

import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from maquette.live.session import LiveSession
    from maquette.live.status import EndStatus, LiveStatus

_PLAIN_EVERY_S = 10.0
"""Where there is no terminal, a line comes so often, and whenever a state changes."""


class StatusLine:
    """One line that is written over on a terminal; lines elsewhere."""

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        # A program that was started without standard error has None there.
        self._stream: TextIO | None = sys.stderr if stream is None else stream
        self._quiet = quiet or self._stream is None
        self._over = not self._quiet and self._stream is not None and self._stream.isatty()
        self._shown_s = -_PLAIN_EVERY_S
        self._states: tuple[str, ...] = ()
        self._begun = False

    def show(self, status: "LiveStatus") -> None:
        """Once a second."""
        if self._quiet:
            return
        ends = (status.source, *status.sinks)
        states = (status.state, *(end.state for end in ends))
        if self._over:
            # The line is cut at the terminal's width, and written over: what changes is told in lines that stay.
            if self._states:
                self.say(tuple(_told(end) for end, was in zip(ends, self._states[1:], strict=True) if end.state != was))
            self._states = states
            self._write(f"\r\x1b[K{status.line()[: self._width()]}")
            return
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
        self._begun = True
        ahead_ms = 1000 * session.processor.look_ahead_s
        late = f", {ahead_ms:.0f} ms late by its look-ahead" if ahead_ms else ""
        self.say((f"{session.source.address} -> {session.processor.model}{late}",))

    def end(self, session: "LiveSession") -> None:
        """Counts of the whole session, if it ever began."""
        if not self._begun:
            return
        meter, report = session.meter, session.source.report
        p50_ms, p99_ms, most_ms = meter.overall_ms(50, 99, 100)
        lines = [f"{meter.frames} frames of poses from {report.frames} of keypoints; dropped {session.dropped}"]
        if meter.frames:
            lines.append(f"latency p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms, largest {most_ms:.1f} ms")
        if report.malformed:
            lines.append(f"malformed, skipped: {report.malformed}; the first: {report.first_malformed}")
        if report.skipped:
            lines.append(f"frames left out (late, twice, or of another sender): {report.skipped}")
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
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            # Nobody reads the status any more, or the disk with its log is full: no reason to end the stream.
            self._quiet = True


def _told(end: "EndStatus") -> str:
    return f"{end.address}: {end.state}{f' ({end.detail})' if end.detail else ''}"

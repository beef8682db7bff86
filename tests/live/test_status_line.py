"""The status line: what stays, what is written over, and what happens when it cannot be written."""

import errno
import io
import tempfile

import pytest

from maquette.cli.live_status import StatusLine
from maquette.errors import InputError
from maquette.live.listening import check_listening
from maquette.live.status import EndStatus, LiveStatus


class Written(io.TextIOWrapper):
    def __init__(self) -> None:
        # A file has all that a stream of text has, unlike io.StringIO.
        super().__init__(tempfile.TemporaryFile(), encoding="utf-8", newline="")
        self.mode = "w+"  # pyright: ignore[reportAttributeAccessIssue]

    def text(self) -> str:
        self.flush()
        self.seek(0)
        return self.read()


class Terminal(Written):
    def isatty(self) -> bool:
        return True


class Full(Written):
    def write(self, text: str, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def status(source: str, sink: str = "sending", detail: str = "", *, elapsed_s: float = 1.0) -> LiveStatus:
    return LiveStatus(
        elapsed_s=elapsed_s,
        fps_in=60.0,
        fps_out=60.0,
        latency_p50_ms=2.0,
        latency_p99_ms=4.0,
        frames=60,
        dropped=0,
        people=1,
        state="live",
        source=EndStatus("udp://127.0.0.1:9000", source, "", 60, 0, 0),
        sinks=(EndStatus("vmc://127.0.0.1:39539", sink, detail, 60, 0, 0),),
        model="a-model",
        look_ahead_ms=0.0,
    )


def test_on_a_terminal_states_that_change_are_told_in_lines_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    with Terminal() as terminal:
        line = StatusLine(stream=terminal)
        line.show(status("receiving"))
        assert "\n" not in terminal.text()
        line.show(status("receiving"))
        line.show(status("stalled", "waiting", "nobody listens on 127.0.0.1:39539"))
        line.show(status("receiving"))
        text = terminal.text()
    assert [staying.rpartition("\x1b[K")[2].strip() for staying in text.split("\n")[:-1]] == [
        "udp://127.0.0.1:9000: stalled",
        "vmc://127.0.0.1:39539: waiting (nobody listens on 127.0.0.1:39539)",
        "udp://127.0.0.1:9000: receiving",
        "vmc://127.0.0.1:39539: sending",
    ]
    assert len(text.rpartition("\x1b[K")[2]) == 59


def test_elsewhere_a_line_comes_with_each_change() -> None:
    with Written() as stream:
        line = StatusLine(stream=stream)
        for state in ("receiving", "receiving", "stalled", "stalled"):
            line.show(status(state, "waiting", "nobody listens"))
        text = stream.text()
    lines = text.splitlines()
    assert len(lines) == 2
    assert "source stalled" in lines[1]
    assert "vmc://127.0.0.1:39539 waiting (nobody listens)" in lines[1]
    assert "\x1b" not in text


def test_a_log_that_cannot_be_written_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Full() as full:
        line = StatusLine(stream=full)
        line.show(status("receiving"))
        line.say(("a note",))
    monkeypatch.setattr("sys.stderr", None)
    line = StatusLine()
    line.show(status("receiving"))
    line.say(("a note",))


def test_each_sink_once() -> None:
    from maquette.cli.live_session import _check_once

    _check_once(("out.bvh", "out.npz", "ws://127.0.0.1:8765", "unity-pos:pos.txt", "-"))
    for twice in (
        ("out.bvh", "./out.bvh"),
        ("-", "-"),
        ("unity-pos:a.txt", "unity-pos:./a.txt"),
        ("udp://127.0.0.1:9000", "udp://127.0.0.1:9000 "),
    ):
        with pytest.raises(InputError, match="is given twice"):
            _check_once(twice)


def test_a_token_that_cannot_be_sent_is_refused() -> None:
    check_listening("ws://0.0.0.0:8765", "0.0.0.0", "open sesame, schön")
    for token in ("long enough\udcff", "long enough\n"):
        with pytest.raises(InputError, match="cannot be printed"):
            check_listening("ws://0.0.0.0:8765", "0.0.0.0", token)

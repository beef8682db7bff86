"""Unity's text protocols: files and connections read back as the projects' own readers read them."""

import asyncio
import os
import re
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_humanoids import live_pose, pose_frame, t_pose

from maquette.errors import OutputError
from maquette.live.ends import Sink
from maquette.live.sinks.unity_stream import UnityStreamSink
from maquette.live.sinks.unity_text import UnityFramesSink, UnityPosSink
from maquette.stream.pose_frame import PoseFrame

H36M_NUMBERS = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]


def moving(time_s: float) -> np.ndarray:
    """21 joints, 1 m/s along x, off the ground."""
    places = np.arange(63.0).reshape(21, 3) / 50
    return places + [time_s, 0.9, 0.0]


def frames_at(times_s: list[float], person: int | None = 0) -> list[PoseFrame]:
    return [
        PoseFrame(i, t, 0.0, () if person is None else (live_pose(person, t_pose(), moving(t)),))
        for i, t in enumerate(times_s)
    ]


def unity_of_pos(line: str) -> np.ndarray:
    """Where pos.txt's reader puts the joints: (-x, third, -second) / 1000."""
    parts = [part.split() for part in line.split(",") if part.strip()]
    assert [int(part[0]) for part in parts] == H36M_NUMBERS
    rows = np.array([[float(value) for value in part[1:]] for part in parts])
    return np.stack((-rows[:, 0], rows[:, 2], -rows[:, 1]), axis=1) / 1000


def mirrored(positions_m: np.ndarray) -> np.ndarray:
    return positions_m[:17] * [-1, 1, 1]


async def play(sink: Sink, frames: list[PoseFrame], between: Callable[[], bool] = lambda: True) -> None:
    await sink.start()
    for frame in frames:
        sink.send(frame)
        deadline = time.monotonic() + 5
        while not between() and time.monotonic() < deadline:
            await asyncio.sleep(0.002)
    await sink.stop()


# unity-frames


def test_a_file_for_each_frame_from_zero(tmp_path: Path) -> None:
    sink = UnityFramesSink("unity-frames:walk.txt", tmp_path / "data" / "walk.txt")
    assert isinstance(sink, Sink)
    frames = frames_at([0.0], None) + frames_at([0.1, 0.2]) + [PoseFrame(3, 0.3, 0.0)]
    asyncio.run(play(sink, frames))
    assert sorted(file.name for file in (tmp_path / "data").iterdir()) == [f"walk{n}.txt" for n in range(4)]
    texts = [(tmp_path / "data" / f"walk{n}.txt").read_text() for n in range(4)]
    assert texts[0] == texts[3] == "0"
    # As the reader does it: cut at ']', brackets away; x, then the third row as height, then the second.
    rows = [np.array(part.replace("[", "").split(), float) for part in texts[1].split("]")[:3]]
    unity = np.stack((rows[0], rows[2], -rows[1]), axis=1) / 1000 + [0, 0.8, 0]
    hip = moving(0.1)[0]
    # This reader keeps x as it is; the hip is above the origin.
    np.testing.assert_allclose(unity, (moving(0.1)[:17] - hip * [1, 0, 1]) * [1, 1, 1], atol=1e-5)
    assert (sink.report.sent, sink.report.dropped, sink.report.state) == (4, 0, "stopped")


def test_old_files_are_removed_so_that_the_disk_does_not_fill(tmp_path: Path) -> None:
    sink = UnityFramesSink("x", tmp_path / "walk.txt", kept=5)
    asyncio.run(play(sink, frames_at([n / 30 for n in range(12)])))
    assert sorted(tmp_path.iterdir()) == sorted(tmp_path / f"walk{n}.txt" for n in range(7, 12))


def test_frames_of_an_earlier_session_go_and_other_files_stay(tmp_path: Path) -> None:
    for n in range(40):
        (tmp_path / f"walk{n}.txt").write_text("0" if n % 2 else "[[[1. 2.]]]")
    (tmp_path / "walker1.txt").write_text("mine")
    (tmp_path / "walk.txt").write_text("mine")
    asyncio.run(play(UnityFramesSink("x", tmp_path / "walk.txt"), frames_at([0.0, 0.1])))
    assert {file.name for file in tmp_path.iterdir()} == {"walk0.txt", "walk1.txt", "walker1.txt", "walk.txt"}


def test_a_file_that_is_no_frame_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "walk0.txt").write_text("0")
    (tmp_path / "walk7.txt").write_text("Dear diary")
    with pytest.raises(OutputError, match=r"walk7.txt is in the way"):
        asyncio.run(UnityFramesSink("x", tmp_path / "walk.txt").start())
    assert len(list(tmp_path.iterdir())) == 2


def test_a_disk_that_is_full_for_a_while_leaves_no_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = UnityFramesSink("x", tmp_path / "walk.txt")
    replace, full = os.replace, [False]

    def maybe_full(source: object, target: object) -> None:
        if full[0]:
            raise OSError(28, "No space left on device", str(target))
        replace(source, target)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(os, "replace", maybe_full)

    async def session() -> None:
        await sink.start()
        for n, frame in enumerate(frames_at([n / 30 for n in range(30)])):
            full[0] = 10 <= n < 20
            sink.send(frame)
            while sink.report.sent + sink.report.dropped <= n:
                await asyncio.sleep(0.001)
            if n == 15:
                assert sink.report.state == "waiting"
                assert "No space left" in sink.report.detail
        assert sink.report.state == "sending"
        await sink.stop()

    asyncio.run(session())
    assert (sink.report.sent, sink.report.dropped, sink.report.failures) == (20, 10, 10)
    numbered = [file for file in tmp_path.iterdir() if re.fullmatch(r"walk\d+\.txt", file.name)]
    assert len(numbered) == 20
    assert (tmp_path / "walk19.txt").exists()


def test_a_disk_that_hangs_costs_frames_and_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = UnityFramesSink("x", tmp_path / "walk.txt")
    go_on, replace = threading.Event(), os.replace

    def slow(source: object, target: object) -> None:
        go_on.wait(10)
        replace(source, target)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(os, "replace", slow)

    async def session() -> None:
        await sink.start()
        for frame in frames_at([n / 30 for n in range(200)]):
            sink.send(frame)
        assert 130 <= sink.report.dropped <= 140
        assert sink.report.detail == "the disk is slower than the frames"
        go_on.set()
        await sink.stop()

    asyncio.run(session())
    assert sink.report.sent + sink.report.dropped == 200


@pytest.mark.parametrize("kind", [UnityFramesSink, UnityPosSink])
def test_places_that_cannot_be_written_are_told_at_the_start(kind: type, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        asyncio.run(kind("address", tmp_path / "file" / "walk.txt").start())
    with pytest.raises(OutputError, match="address"):
        asyncio.run(kind("address", tmp_path).start())


# unity-pos


def test_a_file_that_is_no_recording_of_positions_is_never_emptied(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("Chapter 1")
    with pytest.raises(OutputError, match="in the way"):
        asyncio.run(UnityPosSink("x", thesis).start())
    assert thesis.read_text() == "Chapter 1"
    for _ in range(2):  # an earlier session's gives way
        asyncio.run(play(UnityPosSink("x", tmp_path / "pos.txt"), frames_at([0.0, 0.1])))
        assert len((tmp_path / "pos.txt").read_text().splitlines()) == 4


@pytest.mark.parametrize("fps", [24, 30, 60, 25])
def test_lines_come_at_thirty_a_second_whatever_the_source(fps: int, tmp_path: Path) -> None:
    sink = UnityPosSink("x", tmp_path / "pos.txt")
    # Frames come unevenly, as they do.
    times = [n / fps + 0.004 * (n % 3) for n in range(2 * fps)]
    asyncio.run(play(sink, frames_at(times)))
    lines = (tmp_path / "pos.txt").read_text().splitlines()
    assert len(lines) == int(times[-1] * 30 + 1e-6) + 1
    for n, line in enumerate(lines):
        # The figure moves evenly, so that the straight line between frames is exact.
        np.testing.assert_allclose(unity_of_pos(line), mirrored(moving(n / 30)), atol=1.1e-6)


def test_nothing_is_written_before_its_time_and_whole_lines_only(tmp_path: Path) -> None:
    file = tmp_path / "pos.txt"
    sink = UnityPosSink("x", file)

    async def session() -> None:
        await sink.start()
        assert file.read_bytes() == b""
        for frame, lines in zip(frames_at([0.0, 0.02, 0.05, 0.11]), (1, 1, 2, 4), strict=True):
            sink.send(frame)
            deadline = time.monotonic() + 5
            while file.read_bytes().count(b"\n") < lines and time.monotonic() < deadline:
                await asyncio.sleep(0.001)
            assert file.read_bytes().count(b"\n") == lines
            assert file.read_bytes().endswith(b"\n")
        await sink.stop()

    asyncio.run(session())


def test_while_nobody_is_seen_the_last_pose_stays_and_long_gaps_are_not_filled(tmp_path: Path) -> None:
    sink = UnityPosSink("x", tmp_path / "pos.txt")
    seen, unseen = frames_at([0.0, 0.1]), frames_at([0.2, 0.3], None)
    back = frames_at([20.0, 20.1])
    asyncio.run(play(sink, [*frames_at([-0.1], None), *seen, *unseen, *back]))
    places = [unity_of_pos(line) for line in (tmp_path / "pos.txt").read_text().splitlines()]
    assert len(places) == 10 + 4
    np.testing.assert_allclose(places[4:10], np.tile(mirrored(moving(0.1)), (6, 1, 1)), atol=1e-6)
    np.testing.assert_allclose(places[10], mirrored(moving(20.0)), atol=1e-6)


def test_half_a_line_is_taken_back_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pos.txt"
    sink = UnityPosSink("x", file)
    write, full = os.write, [False]
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:100] if full[0] else data))

    async def session() -> None:
        await sink.start()
        for n, frame in enumerate(frames_at([n / 30 for n in range(9)])):
            full[0] = 3 <= n < 6
            sink.send(frame)
            while sink.report.sent + sink.report.dropped <= n:
                await asyncio.sleep(0.001)
        await sink.stop()

    asyncio.run(session())
    lines = file.read_text().splitlines()
    assert len(lines) == 6
    assert all(unity_of_pos(line).shape == (17, 3) for line in lines)
    assert (sink.report.failures, sink.report.dropped) == (3, 3)


# unity-stream


class Reader:
    """Unity's side: takes a connection, reads once, and closes it or not, as the project's own script does not."""

    def __init__(self, *, closes: bool, port: int = 0) -> None:
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.closes, self.texts, self.kept = closes, [], []
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.texts.append(connection.recv(1024).decode("ascii"))
            if self.closes:
                connection.close()
            else:
                self.kept.append(connection)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        for connection in self.kept:
            connection.close()


def unity_of_stream(text: str) -> np.ndarray:
    rows = np.array(text.split(" "), float).reshape(17, 3)
    return np.stack((-rows[:, 0], rows[:, 2], -rows[:, 1]), axis=1) / 1000


@pytest.mark.parametrize("closes", [True, False])
def test_a_connection_for_each_frame(closes: bool) -> None:
    reader = Reader(closes=closes)
    sink = UnityStreamSink("x", "127.0.0.1", reader.port)
    assert isinstance(sink, Sink)
    times = [n / 30 for n in range(20)]

    async def session() -> None:
        await sink.start()
        for n, frame in enumerate(frames_at(times)):
            sink.send(frame)
            deadline = time.monotonic() + 5
            while sink.report.sent <= n and time.monotonic() < deadline:
                await asyncio.sleep(0.001)
        sink.send(PoseFrame(20, 1.0, 0.0))  # nobody: nothing is sent
        await asyncio.sleep(0.02)
        await sink.stop()

    try:
        asyncio.run(session())
    finally:
        reader.close()
    assert (sink.report.sent, sink.report.dropped, sink.report.failures) == (20, 0, 0)
    assert len(reader.texts) == 20
    for t, text in zip(times, reader.texts, strict=True):
        assert len(text) < 1024
        np.testing.assert_allclose(unity_of_stream(text), mirrored(moving(t)), atol=6e-6)


def test_frames_that_come_while_one_is_on_its_way_are_left_out() -> None:
    reader = Reader(closes=True)
    sink = UnityStreamSink("x", "127.0.0.1", reader.port)

    async def session() -> None:
        await sink.start()
        for frame in frames_at([0.0, 0.1, 0.2]):
            sink.send(frame)
        assert sink.report.dropped == 2
        while sink.report.sent < 1:
            await asyncio.sleep(0.001)
        sink.send(frames_at([0.3])[0])
        while sink.report.sent < 2:
            await asyncio.sleep(0.001)
        await sink.stop()

    try:
        asyncio.run(session())
    finally:
        reader.close()
    assert len(reader.texts) == 2
    np.testing.assert_allclose(unity_of_stream(reader.texts[1]), mirrored(moving(0.3)), atol=6e-6)


def test_where_nobody_listens_attempts_grow_rare_until_somebody_does() -> None:
    reader = Reader(closes=True)
    port = reader.port
    reader.close()
    sink = UnityStreamSink("x", "127.0.0.1", port)

    async def session() -> Reader:
        await sink.start()
        for number in range(60):
            sink.send(frames_at([number / 100])[0])
            await asyncio.sleep(0.01)
        # 0.1 + 0.2 + 0.4 s of pauses
        assert 1 <= sink.report.failures <= 4
        assert sink.report.dropped >= 55
        assert sink.report.state == "reconnecting"
        assert "refused" in sink.report.detail.lower()
        reader = Reader(closes=True, port=port)
        deadline = time.monotonic() + 10
        while sink.report.sent < 3 and time.monotonic() < deadline:
            sink.send(frames_at([1.0])[0])
            await asyncio.sleep(0.01)
        assert sink.report.state == "sending"
        await sink.stop()
        return reader

    reader = asyncio.run(session())
    reader.close()
    assert len(reader.texts) >= 3


def test_two_people_go_to_two_ports() -> None:
    first = Reader(closes=True)
    try:
        second = Reader(closes=True, port=first.port + 1)
    except OSError:
        first.close()
        pytest.skip("the port next to a free one is taken")
    sink = UnityStreamSink("x", "127.0.0.1", first.port, people=2)
    poses = [live_pose(person, t_pose(), moving(float(person))) for person in (0, 1)]

    async def session() -> None:
        await sink.start()
        sink.send(pose_frame(0, *poses))
        while sink.report.sent < 2:
            await asyncio.sleep(0.001)
        await sink.stop()

    try:
        asyncio.run(session())
    finally:
        first.close()
        second.close()
    for person, reader in enumerate((first, second)):
        np.testing.assert_allclose(unity_of_stream(reader.texts[0]), mirrored(moving(float(person))), atol=6e-6)


def test_hosts_and_ports_that_do_not_exist() -> None:
    with pytest.raises(OutputError, match="no address is known"):
        asyncio.run(UnityStreamSink("x", "no-such-host.invalid").start())
    with pytest.raises(OutputError, match="ports"):
        UnityStreamSink("x", "127.0.0.1", 65535, people=2)

"""Recordings that meet a full disk, a slow disk, a kill, or Ctrl-C."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from recorded_people import clip, frame, pose, turned

import maquette
from maquette.errors import InputError, OutputError
from maquette.live.sinks import recording_spool, recording_thread
from maquette.live.sinks.files import FileSink
from maquette.live.sinks.recording_finish import recover
from maquette.live.sinks.recording_names import SPOOL_SUFFIX
from maquette.live.sinks.recording_spool import RECORD, Recording, SpoolFile, packed, read_spool

SESSION = """
import asyncio, signal, sys
# A shell that runs the tests in the background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, sys.argv[1])
from recorded_people import frame, pose
from maquette.live.sinks.files import FileSink

async def main():
    sink = FileSink("out", sys.argv[2])
    await sink.start()
    try:
        for number in range(100_000):
            sink.send(frame(number, pose(number)))
            if number == 90:
                print("going", flush=True)
            await asyncio.sleep(0.005)
    finally:
        await sink.stop()

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


def session_process(target: Path) -> subprocess.Popen:
    """A session in a process of its own, once ninety frames are through."""
    here = str(Path(__file__).parent)
    process = subprocess.Popen(
        [sys.executable, "-c", SESSION, here, str(target)], stdout=subprocess.PIPE, start_new_session=True, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "going\n"
    return process


def spools(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if entry.name.endswith(SPOOL_SUFFIX)]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of other systems")
def test_ctrl_c_finishes_the_file(tmp_path: Path) -> None:
    with session_process(tmp_path / "out.bvh") as process:
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert output == "stopped\n"
    assert maquette.read_motion(tmp_path / "out.bvh").n_frames > 90
    assert spools(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals of other systems")
def test_a_killed_session_is_recovered(tmp_path: Path) -> None:
    target = tmp_path / "out.npz"
    with session_process(target) as process:
        # What is there for longer than the thread waits is on the disk.
        time.sleep(2 * recording_thread.WRITE_EVERY_S)
        with pytest.raises(InputError, match="is being recorded"):
            recover(target)
        process.kill()
    command = [sys.executable, "-m", "maquette.live.sinks.recording_finish", str(target)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout == f"{target}\n"
    motion = maquette.read_motion(target)
    assert motion.n_frames >= 90
    rows = np.arange(motion.n_frames) % clip().n_frames
    np.testing.assert_array_equal(motion.positions, clip().positions[rows])
    assert spools(tmp_path) == []
    with pytest.raises(InputError, match="no recording"):
        recover(target)


def test_a_recovered_file_replaces_none(tmp_path: Path) -> None:
    target = tmp_path / "out.npz"
    spool = SpoolFile(tmp_path / f".out.npz.12345678{SPOOL_SUFFIX}", Recording(str(target)))
    for number in range(10):
        spool.append(packed(frame(number, pose(number)), "first"))
    spool.append(b"\1" * 100)  # of a record that was cut off
    spool.close()
    target.write_bytes(b"a recording")
    assert recover(target) == [tmp_path / "out-2.npz"]
    assert target.read_bytes() == b"a recording"
    assert maquette.read_motion(tmp_path / "out-2.npz").n_frames == 10


def test_what_is_no_spool_is_refused(tmp_path: Path) -> None:
    path = tmp_path / f".out.npz.12345678{SPOOL_SUFFIX}"
    for damage in (b"", b"something else", b"MAQREC1\n\xff\xff\0\0{"):
        path.write_bytes(damage)
        with pytest.raises(InputError, match="recording"):
            read_spool(path)


def test_a_record_holds_what_a_frame_holds() -> None:
    record = np.frombuffer(packed(frame(7, pose(7, person=5), notes=("ä" * 2000,)), "first"), RECORD)
    assert len(record) == 2
    assert (record[0]["frame"], record[0]["person"], record[0]["time_s"]) == (7, 5, 7 / 30)
    np.testing.assert_array_equal(record[0]["positions_m"], clip().positions[7])
    np.testing.assert_array_equal(record[0]["rotations"], turned(7))


def fill_disk(monkeypatch: pytest.MonkeyPatch, room: int) -> list[int]:
    """The disk takes so many bytes more of spools, and then half a write."""
    left, real = [room], os.write

    def write(handle: int, data) -> int:
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = real(handle, bytes(data)[: left[0]])
        left[0] -= taken
        return taken

    monkeypatch.setattr(recording_spool.os, "write", write)
    return left


def test_a_full_disk_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def session() -> FileSink:
        sink, other = FileSink("out", tmp_path / "out.npz"), FileSink("b", tmp_path / "b.npz")
        await sink.start()
        monkeypatch.undo()
        await other.start()
        fill_disk(monkeypatch, 20 * RECORD.itemsize + 700)
        for number in range(50):
            sink.send(frame(number, pose(number)))
        end_s = time.monotonic() + 30
        while sink.report.state != "failed":
            assert time.monotonic() < end_s
            await asyncio.sleep(0.02)
            sink.send(frame(50, pose(50)))
        assert "No space left" in sink.report.detail
        monkeypatch.undo()
        for number in range(9):
            other.send(frame(number, pose(number)))
        await other.stop()
        assert other.report.state == "stopped"
        with pytest.raises(OutputError, match="No space left"):
            await sink.stop()
        return sink

    fill_disk(monkeypatch, 1 << 20)
    sink = asyncio.run(session())
    assert maquette.read_motion(tmp_path / "out.npz").n_frames == 20
    assert sink.report.sent == 20
    assert sink.report.dropped >= 30
    assert spools(tmp_path) == []


def test_no_room_for_the_file_keeps_the_spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def session() -> None:
        sink = FileSink("out", tmp_path / "out.npz")
        await sink.start()
        for number in range(30):
            sink.send(frame(number, pose(number)))

        def full(path, data) -> None:
            raise OutputError(f"{path}: cannot be written (No space left on device)")

        monkeypatch.setattr("maquette.exporters.npz.write_bytes", full)
        with pytest.raises(OutputError, match="recording_finish"):
            await sink.stop()
        assert sink.report.state == "failed"

    asyncio.run(session())
    assert len(spools(tmp_path)) == 1
    monkeypatch.undo()
    assert recover(tmp_path / "out.npz") == [tmp_path / "out.npz"]
    assert maquette.read_motion(tmp_path / "out.npz").n_frames == 30


def test_a_disk_that_does_not_answer_costs_frames_and_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_thread, "_MOST_WAITING_BYTES", 10 * RECORD.itemsize)
    monkeypatch.setattr(recording_thread, "WRITE_EVERY_S", 60.0)

    async def session() -> FileSink:
        sink = FileSink("out", tmp_path / "out.npz")
        await sink.start()
        for number in range(50):
            sink.send(frame(number, pose(number)))
        await sink.stop()
        return sink

    sink = asyncio.run(session())
    assert sink.report.dropped == 40
    assert maquette.read_motion(tmp_path / "out.npz").n_frames == 10


def test_no_room_at_the_start_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_disk(monkeypatch, 5)

    async def session() -> None:
        sink = FileSink("out", tmp_path / "out.npz")
        with pytest.raises(OutputError, match="No space left"):
            await sink.start()
        await sink.stop()

    asyncio.run(session())
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_its_process_cannot_finish_is_finished_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_thread, "_COMMAND", [sys.executable, "-c", "import os; os._exit(9)"])

    async def session() -> FileSink:
        sink = FileSink("out", tmp_path / "out.npz", roll_s=1.0)
        await sink.start()
        for number in range(70):
            sink.send(frame(number, pose(number)))
        end_s = time.monotonic() + 30
        while not (tmp_path / "out-0002.npz").exists():
            assert time.monotonic() < end_s
            await asyncio.sleep(0.05)
        await sink.stop()
        return sink

    assert len(asyncio.run(session()).files) == 3
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [f"out-000{k}.npz" for k in (1, 2, 3)]

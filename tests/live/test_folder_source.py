"""A growing folder: everything new once, in order, whatever the writer does."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import until

from maquette.errors import InputError
from maquette.live.sources.folder import FolderSource
from maquette.live.sources.folder_order import FileFrame, FolderOrder, series_and_number
from maquette.skeletons import COCO_17
from maquette.stream.keypoint_frame import KeypointFrame

PACKET = json.dumps({"people": [{"pose_keypoints_2d": [v for i in range(25) for v in (100.0 + i, 50.0, 0.9)]}]})


def write(folder: Path, number: int, text: str = PACKET, series: str = "film") -> None:
    """As OpenPose does: in place."""
    (folder / f"{series}_{number:012d}_keypoints.json").write_text(text)


@asynccontextmanager
async def running(source: FolderSource) -> AsyncIterator[list[int | None]]:
    """The source at work; the numbers that it delivers."""
    numbers: list[int | None] = []
    task = asyncio.create_task(source.run(lambda frame: numbers.append(frame.number)))
    try:
        await until(lambda: source.report.detail or source.report.frames or task.done())
        if task.done():
            task.result()
        yield numbers
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_only_new_frames_are_taken_and_other_files_left_alone(tmp_path: Path) -> None:
    async def play() -> None:
        for number in range(5):
            write(tmp_path, number)
        source = FolderSource("folder:x", tmp_path)
        async with running(source) as numbers:
            (tmp_path / "film_000000000005_rendered.png").write_bytes(b"\x89PNG")
            (tmp_path / ".hidden.json").write_text("{")
            for number in (5, 6, 7):
                whole = tmp_path / f"part{number}.tmp"
                whole.write_text(PACKET)
                whole.rename(tmp_path / f"film_{number:012d}_keypoints.json")
            await until(lambda: len(numbers) == 3)
            assert numbers == [5, 6, 7]
            assert (source.report.malformed, source.report.skipped) == (0, 0)
            (tmp_path / "film_000000000002_keypoints.json").chmod(0o600)
            write(tmp_path, 8)
            await until(lambda: len(numbers) == 4)
            assert numbers == [5, 6, 7, 8]

    asyncio.run(play())


def test_half_written_files_are_read_when_they_are_whole(tmp_path: Path) -> None:
    async def play() -> None:
        source = FolderSource("folder:x", tmp_path)
        async with running(source) as numbers:
            with (tmp_path / "film_000000000000_keypoints.json").open("w") as file:
                for i in range(0, len(PACKET), 200):
                    file.write(PACKET[i : i + 200])
                    file.flush()
                    await asyncio.sleep(0.004)
            await until(lambda: numbers == [0])
            write(tmp_path, 1, PACKET[:-5])
            write(tmp_path, 2)
            await until(lambda: source.report.malformed == 1)
            assert numbers == [0, 2]
            assert "ends in the middle" in source.report.first_malformed

    asyncio.run(play())


def test_a_folder_that_is_deleted_and_comes_back(tmp_path: Path) -> None:
    async def play() -> None:
        folder = tmp_path / "out"
        folder.mkdir()
        source = FolderSource("folder:x", folder)
        async with running(source) as numbers:
            write(folder, 0)
            await until(lambda: numbers == [0])
            shutil.rmtree(folder)
            await until(lambda: source.report.state == "reconnecting")
            assert source.report.detail == f"{folder} is gone"
            folder.mkdir()
            write(folder, 0)
            write(folder, 1)
            await until(lambda: numbers == [0, 0, 1])

    asyncio.run(play())


@pytest.mark.skipif(os.name != "posix" or sys.platform == "darwin", reason="file names are Unicode there")
def test_a_file_name_that_is_no_utf8_does_not_end_the_watch(tmp_path: Path) -> None:
    async def play() -> None:
        source = FolderSource("folder:x", tmp_path)
        async with running(source) as numbers:
            write(tmp_path, 0)
            await until(lambda: numbers == [0])
            for number in range(1, 40):
                if number % 10 == 5:
                    (tmp_path / os.fsdecode(b"\xff%d_keypoints.json" % number)).write_text("{")
                write(tmp_path, number)
                await asyncio.sleep(0.002)
            await until(lambda: numbers == list(range(40)))
            assert source.report.state == "receiving"

    asyncio.run(play())


def test_a_new_run_writes_the_same_files_again(tmp_path: Path) -> None:
    async def play() -> None:
        source = FolderSource("folder:x", tmp_path)
        async with running(source) as numbers:
            for number in range(20):
                write(tmp_path, number)
                await until(lambda n=number: numbers and numbers[-1] == n)
            await asyncio.sleep(0.3)
            for number in range(5):
                write(tmp_path, number)
            await until(lambda: len(numbers) == 25)
            assert numbers == [*range(20), *range(5)]

    asyncio.run(play())


def test_from_the_start_everything_is_taken_in_order(tmp_path: Path) -> None:
    async def play() -> None:
        for number in np.random.default_rng(1).permutation(300).tolist():
            write(tmp_path, number)
        asked = 0

        async def ready() -> None:
            nonlocal asked
            asked += 1
            await asyncio.sleep(0)

        source = FolderSource("folder:x", tmp_path, from_start=True, ready=ready)
        async with running(source) as numbers:
            write(tmp_path, 300)
            await until(lambda: len(numbers) == 301)
            write(tmp_path, 301)
            await until(lambda: len(numbers) == 302)
            assert numbers == list(range(302))
            assert asked >= 300

    asyncio.run(play())


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        asyncio.run(FolderSource("folder:x", tmp_path / "x").run(print))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("film2_000000000047_keypoints.json", ("film2_", 47)),
        ("000000000047_keypoints.json", ("", 47)),
        ("12_kp2d.json", ("", 12)),
        ("frame007.json", ("frame", 7)),
        ("a1b22c.json", ("a1b", 22)),
        ("latest.json", ("latest.json", None)),
    ],
)
def test_numbers_in_names(name: str, expected: tuple[str, int | None]) -> None:
    assert series_and_number(name) == expected


def entry(number: int, changed_ns: int = 0, series: str = "a") -> FileFrame:
    frame = KeypointFrame(np.empty((0, 17, 2)), np.empty((0, 17)), COCO_17, 0.0, number=number)
    return FileFrame(frame, series, number, changed_ns)


def fed(steps: list[tuple[float, int]]) -> tuple[list[tuple[float, int]], int]:
    """``((time, number) as delivered, how many were late)`` of files that come at times."""
    order, out, late = FolderOrder(), [], 0
    for i, (now_s, number) in enumerate(steps):
        verdict, ready = order.put(entry(number, changed_ns=i), now_s)
        out += [(now_s, item.number) for item in ready]
        late += verdict == "late"
        until_s = steps[i + 1][0] if i + 1 < len(steps) else now_s + 1
        while (wait_s := order.wait_s(now_s)) is not None and now_s + wait_s < until_s:
            now_s += wait_s
            out += [(now_s, item.number) for item in order.due(now_s)]
    return out, late


def test_a_frame_that_comes_early_waits_for_the_one_before() -> None:
    out, late = fed([(0.0, 0), (0.016, 2), (0.020, 1), (0.033, 3)])
    assert (out, late) == ([(0.0, 0), (0.020, 1), (0.020, 2), (0.033, 3)], 0)


def test_what_comes_too_late_is_left_out() -> None:
    out, late = fed([(0.0, 0), (0.016, 2), (0.1, 1), (0.12, 3)])
    assert [number for _, number in out] == [0, 2, 3]
    assert late == 1
    assert out[1][0] == pytest.approx(0.046)


def test_gaps_that_are_usual_cost_no_time() -> None:
    every_third = [(i / 60, 3 * i) for i in range(40)]
    out, _ = fed(every_third)
    assert out[5:] == every_third[5:]
    rng = np.random.default_rng(0)
    lost = [(i / 60, i) for i in range(300) if rng.random() > 0.2]
    out, late = fed(lost)
    waited = sum(a != b for a, b in zip(out, lost, strict=True))
    assert late == 0
    assert waited <= 8


def test_other_series_wait_for_silence() -> None:
    order = FolderOrder()
    assert order.put(entry(5), 0.0)[0] == "taken"
    assert order.put(entry(0, series="b"), 0.1) == ("late", [])
    assert [i.number for i in order.put(entry(0, series="b"), 1.0)[1]] == [0]
    assert order.runs == 2


@given(st.lists(st.tuples(st.floats(0, 0.3), st.integers(0, 60)), max_size=80))
def test_nothing_is_delivered_backwards_within_a_run(steps: list[tuple[float, int]]) -> None:
    order, now_s, last, runs = FolderOrder(), 0.0, -1, 0
    for i, (pause_s, number) in enumerate(steps):
        now_s += pause_s
        numbers = [item.number for item in [*order.due(now_s), *order.put(entry(number, changed_ns=i), now_s)[1]]]
        if order.runs > runs:
            *numbers_before, first = numbers
            assert [last, *numbers_before] == sorted({last, *numbers_before})
            runs, last, numbers = order.runs, first, []
        assert [last, *numbers] == sorted({last, *numbers})
        last = max([last, *numbers])
        assert len(order._held) <= 33
        assert len(order._recent) <= 64

"""Replays keep their pace, lose nothing, and give the recording's own numbers."""

import asyncio
import math
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maquette.demo import write_built_in_clip
from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.live.clock import StreamClock
from maquette.live.ends import Source
from maquette.live.frame_queue import FrameQueue
from maquette.live.sources.replay import Recording, ReplaySource, replay_of
from maquette.readers import read_keypoints
from maquette.skeletons import BODY_25, COCO_17
from maquette.stream.keypoint_frame import KeypointFrame


def person(frames: int = 10, *, fps: float = 30, first_s: float = 0.0, x: float = 100.0) -> Keypoints:
    points = np.full((frames, 17, 2), x) + np.arange(frames)[:, None, None]
    times = first_s + np.arange(frames) / fps
    return Keypoints(points, np.full((frames, 17), 0.9), COCO_17, Fraction(fps), (640, 480), timestamps_s=times)


def played(source: ReplaySource) -> list[KeypointFrame]:
    frames: list[KeypointFrame] = []
    asyncio.run(source.run(frames.append))
    return frames


def test_a_folder_comes_out_as_it_was_read(tmp_path: Path) -> None:
    folder = write_built_in_clip(tmp_path / "clip")
    (truth,) = read_keypoints(folder, fps=30)
    source = replay_of(folder, fps=30, speed=math.inf)
    assert isinstance(source, Source)
    frames = played(source)
    assert [f.number for f in frames] == list(range(300))
    assert [f.time_s for f in frames] == [i / 30 for i in range(300)]
    for i, frame in enumerate(frames):
        if not truth.observed[i].any():
            assert len(frame.points) == 0
            continue
        np.testing.assert_array_equal(frame.points[0], truth.points[i])
        np.testing.assert_array_equal(frame.confidence[0], truth.confidence[i])
    assert source.report.state == "ended"
    assert source.report.frames == 300


def test_pictures_come_at_their_moments_and_lateness_does_not_add_up() -> None:
    source = ReplaySource("replay:x", Recording([person(20, fps=100)]))
    began = time.monotonic()
    came: list[tuple[float, float]] = []

    def slow(frame: KeypointFrame) -> None:
        came.append((frame.arrived_s, time.monotonic()))
        if len(came) == 3:
            time.sleep(0.06)  # six frames long

    asyncio.run(source.run(slow))
    due = np.array([arrived for arrived, _ in came])
    np.testing.assert_allclose(np.diff(due), 0.01, atol=1e-9)
    assert all(now >= arrived for arrived, now in came)
    assert time.monotonic() - began >= 0.19


def test_speed_divides_the_pace() -> None:
    came: list[float] = []
    asyncio.run(ReplaySource("x", Recording([person(11, fps=10)]), speed=20).run(lambda f: came.append(f.arrived_s)))
    np.testing.assert_allclose(np.diff(came), 0.005, atol=1e-9)


def test_at_infinite_speed_nothing_is_dropped() -> None:
    async def play() -> tuple[list[float], int]:
        queue: FrameQueue[KeypointFrame] = FrameQueue(2)
        source = ReplaySource("x", Recording([person(500)]), speed=math.inf, ready=queue.room)
        clock, got = StreamClock(trust=True), []

        async def consume() -> None:
            while (frame := await queue.get()) is not None:
                got.append(clock.time_of(frame))
                await asyncio.sleep(0)

        consumer = asyncio.create_task(consume())
        await source.run(queue.put)
        queue.close()
        await consumer
        return got, queue.dropped

    got, dropped = asyncio.run(play())
    assert dropped == 0
    np.testing.assert_allclose(got, np.arange(500) / 30, atol=1e-9)


def test_a_loop_goes_on_counting() -> None:
    async def play() -> list[KeypointFrame]:
        frames: list[KeypointFrame] = []
        enough = asyncio.Event()

        def deliver(frame: KeypointFrame) -> None:
            frames.append(frame)
            if len(frames) >= 25:
                enough.set()

        source = ReplaySource("x", Recording([person(10)]), speed=math.inf, loop=True)
        running = asyncio.create_task(source.run(deliver))
        await enough.wait()
        running.cancel()
        return frames[:25]

    frames = asyncio.run(play())
    assert [f.number for f in frames] == list(range(25))
    np.testing.assert_allclose([f.time_s or 0.0 for f in frames], np.arange(25) / 30, atol=1e-9)


def test_people_with_other_times_are_put_into_one_picture() -> None:
    early, late = person(10), person(10, first_s=5 / 30 + 1e-4, x=300.0)
    recording = Recording([early, late])
    assert len(recording) == 15
    counts = [len(recording.frame(i, 0.0).points) for i in range(15)]
    assert counts == [1] * 5 + [2] * 5 + [1] * 5
    assert recording.frame(7, 0.0).points[:, 0, 0].tolist() == [107.0, 302.0]
    assert recording.frame(7, 0.0).identities is None


def test_fps_replaces_the_recordings_own_times() -> None:
    assert Recording([person(4)], fps=50).times_s.tolist() == [0.0, 0.02, 0.04, 0.06]


def test_the_built_in_clip_needs_no_file() -> None:
    recording = replay_of("demo").recording
    assert (len(recording), recording.skeleton, recording.image_size) == (300, BODY_25, (1280, 720))


def test_what_cannot_be_replayed_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        replay_of(tmp_path / "nothing")
    with pytest.raises(InputError, match="speed is 0"):
        ReplaySource("x", Recording([person()]), speed=0)
    with pytest.raises(InputError, match="speed is nan"):
        ReplaySource("x", Recording([person()]), speed=math.nan)
    with pytest.raises(InputError, match="different sizes"):
        Recording([person(), Keypoints(np.zeros((3, 17, 2)), np.zeros((3, 17)), COCO_17, Fraction(30), (5, 5))])
    (tmp_path / "film.gif").write_bytes(b"GIF89a")
    with pytest.raises(InputError, match="source video:"):
        replay_of(tmp_path / "film.gif")

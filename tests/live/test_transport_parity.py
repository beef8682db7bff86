"""A recorded stream gives the poses of the recording, whichever way it comes in."""

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

import made_writers as writers
import numpy as np
import pytest
from made_ends import MadeSink, clip
from made_writers import SIZE, Link

from maquette.keypoints import Keypoints
from maquette.live.clock import StreamClock
from maquette.live.frame_queue import FrameQueue
from maquette.live.offline import lift_causal
from maquette.live.processing import LiveProcessor
from maquette.live.session import LiveSession
from maquette.live.settings import LiveSettings
from maquette.motion import Motion

SETTINGS = LiveSettings(calibrate_s=0.5)
"""Applied at 1.0 s, in the middle of what is sent."""
FRAMES, FPS = 60, 30
EXACT = 1e-9
"""JSON tells doubles to the last digit; seen: no difference at all."""
SINGLE = 1e-5
"""OSC has single precision, which tells a pixel coordinate to 3e-5 px, and time tags of which doubles keep half a
microsecond; seen: 1.5e-6 m and 3e-6."""


@pytest.fixture(scope="module")
def keypoints() -> Keypoints:
    whole = clip()
    assert whole.image_size == SIZE
    return whole.with_notes(points=whole.points[:FRAMES], confidence=whole.confidence[:FRAMES])


@pytest.fixture(scope="module")
def recorded(keypoints: Keypoints) -> Motion:
    return lift_causal(keypoints, SETTINGS)[0]


def send_all(link: Link, keypoints: Keypoints, session: LiveSession) -> None:
    """One to three frames at once, as they come over a network, and not more than are processed."""
    chance = random.Random(7)
    rows = np.concatenate((np.nan_to_num(keypoints.points), keypoints.confidence[..., None]), axis=2)
    with link.sending() as send:
        number = 0
        while number < FRAMES:
            for _ in range(min(chance.randint(1, 3), FRAMES - number)):
                send(number, number / FPS, rows[number])
                number += 1
            time.sleep(chance.uniform(0, 0.01))
            deadline = time.monotonic() + 20
            while session.meter.frames < number and time.monotonic() < deadline:
                time.sleep(0.001)


def played(link: Link, keypoints: Keypoints, fps: float | None) -> MadeSink:
    """What a session makes of it."""
    sink = MadeSink()
    session = LiveSession(link.source, [sink], LiveProcessor(SETTINGS), StreamClock(fps), FrameQueue())

    async def play() -> None:
        running = asyncio.create_task(session.run())
        deadline = time.monotonic() + 10
        while not link.source.report.detail and time.monotonic() < deadline and link.source.address != "-":
            await asyncio.sleep(0.001)
        await asyncio.to_thread(send_all, link, keypoints, session)
        session.stop()
        await running

    asyncio.run(play())
    report = link.source.report
    assert (session.dropped, report.skipped, report.malformed) == (0, 0, 0)
    return sink


@pytest.mark.parametrize(
    ("kind", "fps", "within"),
    [
        (writers.folder, FPS, EXACT),
        (writers.udp, None, EXACT),
        (writers.tcp, None, EXACT),
        (writers.tcp_connect, None, EXACT),
        (writers.websocket, None, EXACT),
        (writers.websocket_connect, None, EXACT),
        (writers.stdin, None, EXACT),
        (writers.osc, None, SINGLE),
    ],
)
def test_what_is_sent_gives_the_poses_of_the_recording(
    keypoints: Keypoints,
    recorded: Motion,
    tmp_path: Path,
    kind: Callable[[Path], Link],
    fps: float | None,
    within: float,
) -> None:
    sink = played(kind(tmp_path), keypoints, fps)
    assert [frame.frame for frame in sink.frames] == list(range(FRAMES))
    assert {"calibrating", "live"} <= {frame.state for frame in sink.frames}
    assert any(note.startswith("calibrated from") for frame in sink.frames for note in frame.notes)
    times_s = [frame.time_s for frame in sink.frames]
    np.testing.assert_allclose(times_s, np.arange(FRAMES) / FPS, rtol=0, atol=1e-12 if within == EXACT else 1e-6)
    seen = np.isfinite(recorded.positions[:, 0, 0])
    assert [bool(frame.poses) for frame in sink.frames] == seen.tolist()
    np.testing.assert_allclose(sink.positions(0), recorded.positions[seen], rtol=0, atol=within)
    assert recorded.rotations is not None
    rotations = np.stack([pose.rotations for frame in sink.frames for pose in frame.poses])
    np.testing.assert_allclose(rotations, recorded.rotations[seen], rtol=0, atol=within)

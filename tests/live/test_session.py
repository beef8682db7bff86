"""The session: one loop between the source and the sinks."""

import asyncio
import time

import numpy as np
import pytest
from made_ends import MadeSink, MadeSource, clip, frames_of

from maquette.errors import InputError, OutputError
from maquette.live.clock import StreamClock
from maquette.live.frame_queue import FrameQueue
from maquette.live.processing import LiveProcessor
from maquette.live.session import LiveSession
from maquette.live.settings import LiveSettings
from maquette.live.status import Meter


@pytest.fixture(scope="module")
def frames():
    return frames_of(clip(), 40)


def session_of(source: MadeSource, *sinks: MadeSink, maxlen: int = 4, **hooks) -> LiveSession:
    processor = LiveProcessor(LiveSettings(calibrate_s=0.5))
    return LiveSession(source, sinks, processor, StreamClock(trust=True), FrameQueue(maxlen), **hooks)


def test_every_frame_reaches_every_sink_in_order(frames) -> None:
    first, second = MadeSink(), MadeSink()
    session = session_of(MadeSource(frames), first, second)
    asyncio.run(session.run())
    assert [frame.frame for frame in first.frames] == list(range(40))
    assert [frame.frame for frame in second.frames] == list(range(40))
    assert all(a.time_s < b.time_s for a, b in zip(first.frames, first.frames[1:], strict=False))
    assert (first.started, first.stopped, second.stopped) == (1, 1, 1)
    assert session.queue.dropped == 0
    assert session.meter.frames == 40


def test_a_burst_drops_the_oldest_and_counts(frames) -> None:
    sink = MadeSink()
    session = session_of(MadeSource(frames, burst=40), sink)
    asyncio.run(session.run())
    assert session.queue.dropped == 36
    assert [frame.time_s for frame in sink.frames][-1] > sink.frames[0].time_s
    assert len(sink.frames) == 4
    last = frames_of(clip(), 40)[-1].time_s
    assert last is not None
    # The newest are those that are kept.
    assert sink.frames[-1].time_s - sink.frames[0].time_s == pytest.approx(3 / 30)


def test_stop_ends_an_endless_source_and_finishes_the_sinks(frames) -> None:
    source, sink = MadeSource(frames[:5]), MadeSink()
    source.endless = True
    session = session_of(source, sink)

    async def run() -> None:
        running = asyncio.create_task(session.run())
        deadline = time.monotonic() + 20
        while len(sink.frames) < 5 and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        session.stop()
        await asyncio.wait_for(running, 10)

    asyncio.run(run())
    assert len(sink.frames) == 5
    assert sink.stopped == 1


def test_an_error_of_the_source_comes_out_after_the_sinks_are_finished(frames) -> None:
    sink = MadeSink()
    session = session_of(MadeSource(frames[:3], error=InputError("made: the port is taken")), sink)
    with pytest.raises(InputError, match="the port is taken"):
        asyncio.run(session.run())
    assert sink.stopped == 1
    assert len(sink.frames) == 3


def test_a_sink_that_refuses_closes_those_that_had_started(frames) -> None:
    good, bad = MadeSink(), MadeSink(refuse=True)
    with pytest.raises(OutputError, match="refused"):
        asyncio.run(session_of(MadeSource(frames), good, bad).run())
    assert (good.started, good.stopped) == (1, 1)
    assert not good.frames


def test_a_sink_that_fails_at_the_end_does_not_keep_others_from_finishing(frames) -> None:
    bad, good = MadeSink(fail_at_stop=True), MadeSink()
    with pytest.raises(OutputError, match="disk is full"):
        asyncio.run(session_of(MadeSource(frames[:3]), bad, good).run())
    assert good.stopped == 1


def test_keypoints_without_a_map_are_one_sentence(frames) -> None:
    from maquette.skeletons import get_skeleton
    from maquette.stream.keypoint_frame import KeypointFrame

    smpl = get_skeleton("smpl-24")
    points = np.arange(48.0).reshape(1, 24, 2) * 5
    odd = KeypointFrame(points, np.ones((1, 24)), smpl, 0.0, 0.0, 0, (640, 480))
    sink = MadeSink()
    with pytest.raises(InputError, match="no map leads from skeleton 'smpl-24'"):
        asyncio.run(session_of(MadeSource([odd]), sink).run())
    assert sink.stopped == 1


def test_a_stray_frame_without_a_map_is_counted_and_the_others_go_on(frames) -> None:
    from maquette.skeletons import get_skeleton
    from maquette.stream.keypoint_frame import KeypointFrame

    smpl = get_skeleton("smpl-24")
    points = np.arange(48.0).reshape(1, 24, 2) * 5
    odd = KeypointFrame(points, np.ones((1, 24)), smpl, 0.0, frames[20].time_s + 1e-3, None, (640, 480))
    notes: list[str] = []
    source, sink = MadeSource([*frames[:21], odd, *frames[21:]]), MadeSink()
    asyncio.run(session_of(source, sink, on_notes=notes.extend).run())
    assert [frame.frame for frame in sink.frames] == list(range(40))
    assert {pose.person for frame in sink.frames for pose in frame.poses} == {0}
    assert sink.frames[-1].state == "live"
    assert source.report.malformed == 1
    assert any(note.startswith("malformed, skipped: no map leads from skeleton 'smpl-24'") for note in notes)


def test_a_frame_with_nobody_on_other_keypoints_begins_nothing_anew(frames) -> None:
    from maquette.skeletons import get_skeleton
    from maquette.stream.keypoint_frame import KeypointFrame

    mediapipe = get_skeleton("blazepose-33")
    at_s = frames[30].time_s + 1e-3
    nobody = KeypointFrame(np.empty((0, 33, 2)), np.empty((0, 33)), mediapipe, 0.0, at_s, None, (640, 480))
    notes: list[str] = []
    sink = MadeSink()
    asyncio.run(session_of(MadeSource([*frames[:31], nobody, *frames[31:]]), sink, on_notes=notes.extend).run())
    assert len(sink.frames) == 41
    assert {len(frame.poses) for frame in sink.frames[25:]} == {1}
    assert {pose.person for frame in sink.frames for pose in frame.poses} == {0}
    assert sink.frames[-1].state == "live"
    assert sum(note.startswith("keypoints on ") for note in notes) == 1


def test_what_is_decided_is_said_and_the_status_is_told_to_sinks(frames) -> None:
    notes: list[str] = []
    statuses = []
    sink = MadeSink()
    session = session_of(MadeSource(frames), sink, on_notes=notes.extend, on_status=statuses.append)
    asyncio.run(session.run())
    assert "keypoints on 'openpose-body-25', picture of 1280x720 given" in notes
    assert any(note == "person 0 is followed" for note in notes)
    assert any(note.startswith("calibrated from") for note in notes)
    assert statuses[-1].frames == 40
    assert statuses[-1].state == "live"
    assert sink.told[-1] == statuses[-1]
    line = statuses[-1].line()
    assert "fps" in line
    assert "latency p50" in line
    assert "source" in line


def test_a_source_that_gives_nothing_is_said_to_have_stalled(frames, monkeypatch) -> None:
    source = MadeSource(frames[:2])
    session = session_of(source, MadeSink())
    source.report.received()
    session._last_frame_s = time.monotonic() - 5.0
    status = session.status()
    assert status.source.state == "stalled"
    assert status.source.detail == "nothing for 5 s"
    source.report.received()
    session._deliver(frames[0])
    assert session.status().source.state == "receiving"


def test_latencies_of_a_session_are_kept_in_bounded_memory() -> None:
    meter = Meter(began_s=0.0)
    rng = np.random.default_rng(0)
    latencies_s = rng.lognormal(np.log(0.004), 0.5, 20_000)
    for index, latency_s in enumerate(latencies_s.tolist()):
        now_s = index / 60
        meter.arrived(now_s)
        meter.sent(now_s - latency_s, now_s, 1)
    assert len(meter._out) <= 301
    p50, p99 = meter.overall_ms(50, 99)
    assert p50 == pytest.approx(1000 * np.percentile(latencies_s, 50), rel=0.02)
    assert p99 == pytest.approx(1000 * np.percentile(latencies_s, 99), rel=0.03)
    assert meter.rates(20_000 / 60)[1] == pytest.approx(60, rel=0.02)

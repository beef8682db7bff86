"""What comes out live is what the same processing gives over the recording, and people do not disturb each other."""

import asyncio

import numpy as np
import pytest
from made_ends import MadeSink, MadeSource, clip, crowd, frames_of

from maquette.lifting.assumed_camera import camera_of_size
from maquette.lifting.lifter import Lifter
from maquette.live.clock import StreamClock
from maquette.live.frame_queue import FrameQueue
from maquette.live.offline import lift_causal
from maquette.live.processing import LiveProcessor
from maquette.live.session import LiveSession
from maquette.live.settings import LiveSettings
from maquette.live.stages import Stages
from maquette.mapping import map_keypoints


@pytest.fixture(scope="module")
def keypoints():
    """Four seconds: calibration is over after three and a half."""
    whole = clip()
    return whole.with_notes(points=whole.points[:125], confidence=whole.confidence[:125])


@pytest.fixture(scope="module")
def short(keypoints):
    """Two seconds and a half."""
    return keypoints.with_notes(points=keypoints.points[:75], confidence=keypoints.confidence[:75])


def played(source: MadeSource, settings: LiveSettings) -> MadeSink:
    sink = MadeSink()
    session = LiveSession(source, [sink], LiveProcessor(settings), StreamClock(trust=True), FrameQueue())
    asyncio.run(session.run())
    assert session.queue.dropped == 0
    return sink


@pytest.mark.parametrize("model", ["maquette-residual", "maquette-tcn27"])
def test_live_equals_the_recording(short, model: str) -> None:
    settings = LiveSettings(model=model, calibrate_s=1.0)
    sink = played(MadeSource(frames_of(short)), settings)
    assert sink.frames[-1].state == "live"
    motion = lift_causal(short, settings)[0]
    seen = np.isfinite(motion.positions[:, 0, 0])
    assert seen.mean() > 0.95
    np.testing.assert_allclose(sink.positions(0), motion.positions[seen], atol=1e-9)
    assert motion.rotations is not None
    live = np.stack([pose.rotations for frame in sink.frames for pose in frame.poses])
    np.testing.assert_allclose(live, motion.rotations[seen], atol=1e-9)


@pytest.mark.parametrize("model", ["maquette-residual", "maquette-tcn27"])
def test_the_network_sees_what_it_sees_offline(short, model: str, monkeypatch) -> None:
    """The poses before they are put in space equal those of the lifter on the whole clip."""
    lifted: list[np.ndarray] = []
    at: list[int] = []
    before = Stages._posed

    def noting(self, seen, time_s):
        at.append(seen[0].at)
        lifted.extend(self._lift.lift([(one.history, one.at) for one in seen]))
        return before(self, seen, time_s)

    monkeypatch.setattr(Stages, "_posed", noting)
    monkeypatch.setattr(LiveProcessor, "warm_up", lambda self: None)  # whose made people are not in the clip
    settings = LiveSettings(model=model, repair=False, calibrate_s=0)
    sink = played(MadeSource(frames_of(short)), settings)
    first = next(frame.frame for frame in sink.frames if frame.poses)
    assert short.image_size is not None
    camera = camera_of_size(short.image_size)
    cut = short.with_notes(points=short.points[first:], confidence=short.confidence[first:])
    offline = Lifter(model)(map_keypoints(cut, "landmarks-27"), camera=camera)
    np.testing.assert_allclose(np.stack(lifted), offline.positions[at], atol=1e-5)
    assert len(at) >= 0.97 * cut.n_frames  # frames that show fewer than four joints are not lifted


def test_poses_of_a_model_with_look_ahead_come_late_and_complete(keypoints) -> None:
    processor = LiveProcessor(LiveSettings(model="maquette-tcn27", calibrate_s=0))
    assert processor.look_ahead_s == pytest.approx(0.52)
    frames = frames_of(keypoints, 60)
    came: list[tuple[int, int]] = []
    for index, frame in enumerate(frames):
        came += [(index, done.frame) for done in processor.push(frame, index / 30)]
    assert came[0] == (16, 0)  # 0.533 s later: the first whole frame after 0.52 s
    assert all(now - then == 16 for now, then in came)
    assert [done.frame for done in processor.finish()] == list(range(44, 60))


def test_the_order_of_people_does_not_matter(short) -> None:
    people = crowd(short, 3)
    settings = LiveSettings(people=3, calibrate_s=0)
    together = lift_causal(people, settings)
    assert len(together) == 3
    turned_round = lift_causal(people[::-1], settings)
    for motion in together:
        # But for where the origin is: at the first.
        nearest = min(np.nanmax(np.abs(_from_start(motion.positions) - _from_start(o.positions))) for o in turned_round)
        assert nearest < 1e-9


def _from_start(positions_m: np.ndarray) -> np.ndarray:
    return positions_m - positions_m[np.isfinite(positions_m[:, 0, 0])][0, 0] * [1.0, 0.0, 1.0]


def test_somebody_who_leaves_is_held_then_gone_and_hands_over(keypoints) -> None:
    first, second = crowd(keypoints, 2)
    confidence = first.confidence.copy()
    confidence[70:] = 0
    second = second.with_notes(points=0.8 * second.points + [300, 60])  # the smaller one: not followed at first
    first = first.with_notes(confidence=confidence)
    sink = played(MadeSource(frames_of([first, second])), LiveSettings(people=1, calibrate_s=0))
    numbers = [frame.poses[0].person if frame.poses else None for frame in sink.frames]
    assert numbers[40] == 0
    assert numbers[-1] == 1
    held = sink.frames[75].poses[0]
    assert held.person == 0
    assert not held.confidence.any()
    np.testing.assert_array_equal(held.positions_m, sink.frames[69].poses[0].positions_m)
    handed = next(frame for frame in sink.frames if frame.gone)
    assert handed.gone == (0,)
    assert 0.5 < handed.time_s - 69 / 30 < 0.8
    assert any("person 1 is followed" in note for frame in sink.frames for note in frame.notes)


def test_empty_frames_single_points_and_nobody_at_all(keypoints) -> None:
    frames = frames_of(keypoints, 60)
    empty = frames_of(keypoints.with_notes(confidence=np.zeros_like(keypoints.confidence)), 60)
    sparse = keypoints.confidence.copy()
    sparse[:, 2:] = 0
    two_points = frames_of(keypoints.with_notes(confidence=sparse), 60)
    for made in (empty, two_points, [*empty[:5], *frames[5:20], *empty[20:40], *frames[40:]]):
        sink = played(MadeSource(made), LiveSettings(calibrate_s=0.3))
        assert [frame.frame for frame in sink.frames] == list(range(60))
        for frame in sink.frames:
            for pose in frame.poses:
                assert np.isfinite(pose.positions_m).all()
                assert np.isfinite(pose.rotations).all()
                assert np.isfinite(pose.humanoid.rotations).all()


def test_a_picture_of_unknown_size_grows_with_what_is_seen(keypoints) -> None:
    frames = frames_of(keypoints.with_notes(image_size=None), 30)
    wide = frames_of(keypoints.with_notes(image_size=None, points=keypoints.points * 1.5), 30)
    sink = played(MadeSource([*frames, *wide]), LiveSettings(calibrate_s=0))
    notes = [note for frame in sink.frames for note in frame.notes if "picture of" in note]
    assert notes[0].endswith("assumed (--image-size WxH tells it)")
    assert len(notes) == 2
    assert notes[0] != notes[1]
    persons = [pose.person for frame in sink.frames for pose in frame.poses]
    assert sorted(set(persons)) == [0, 1]  # numbers are never used twice
    assert [frame.gone for frame in sink.frames if frame.gone] == [(0,)]


def test_single_frames_on_other_keypoints_are_strays_and_lasting_ones_a_change(keypoints) -> None:
    frames = frames_of(keypoints, 40)
    other = frames_of(keypoints.with_notes(image_size=(640, 360), points=keypoints.points / 2), 40)
    strays = [other[i] if i in (20, 25, 26) else frame for i, frame in enumerate(frames)]
    sink = played(MadeSource(strays), LiveSettings(calibrate_s=0))
    assert {pose.person for frame in sink.frames for pose in frame.poses} == {0}
    assert len([note for frame in sink.frames for note in frame.notes if "picture of" in note]) == 1
    changed = played(MadeSource([*frames[:20], *other[20:]]), LiveSettings(calibrate_s=0))
    assert {pose.person for frame in changed.frames for pose in frame.poses} == {0, 1}
    assert [frame.gone for frame in changed.frames if frame.gone] == [(0,)]


def test_smoothing_is_steadier_or_prompter(short) -> None:
    shaking = []
    for smooth in (0.5, 1.0, 2.0):
        positions = lift_causal(short, LiveSettings(smooth=smooth, calibrate_s=0))[0].positions
        seen = positions[np.isfinite(positions[:, 0, 0])]
        shaking.append(float(np.linalg.norm(np.diff(seen - seen[:, :1], 2, axis=0), axis=-1).mean()))
    assert shaking[0] > 1.1 * shaking[1] > 1.2 * shaking[2]

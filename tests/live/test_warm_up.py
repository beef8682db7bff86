"""The made frames before the first real one: they reach every stage, and leave no trace."""

import numpy as np

from maquette.lifting.assumed_camera import camera_of_size
from maquette.lifting.lifter import Lifter
from maquette.live.made_frames import made_frames
from maquette.live.processing import LiveProcessor
from maquette.live.settings import LiveSettings
from maquette.live.sources.replay import replay_of
from maquette.live.stages import Stages
from maquette.runtime.shipped import LIVE_MODEL
from maquette.stream.pose_frame import PoseFrame


def poses_of(processor: LiveProcessor, frames: int) -> list[PoseFrame]:
    recording = replay_of("demo").recording
    return [pose for k in range(frames) for pose in processor.push(recording.frame(k, 0.0), k / 30)]


def test_warming_up_leaves_no_trace() -> None:
    fresh, warm = LiveProcessor(LiveSettings()), LiveProcessor(LiveSettings())
    warm.warm_up()
    for a, b in zip(poses_of(fresh, 20), poses_of(warm, 20), strict=True):
        assert (a.frame, a.state, a.gone, a.notes) == (b.frame, b.state, b.gone, b.notes)
        assert [pose.person for pose in a.poses] == [pose.person for pose in b.poses]
        for one, other in zip(a.poses, b.poses, strict=True):
            np.testing.assert_array_equal(one.positions_m, other.positions_m)
            np.testing.assert_array_equal(one.rotations, other.rotations)
            np.testing.assert_array_equal(one.humanoid.rotations, other.humanoid.rotations)


def test_made_people_go_all_the_way_and_look_like_people() -> None:
    camera = camera_of_size((1280, 720))
    lifter = Lifter(LIVE_MODEL, threads=1)
    settings = LiveSettings(people=2, calibrate_s=0.6)
    frames = list(made_frames(2, 32))
    stages = Stages(settings, lifter, camera, frames[0].skeleton, None)
    done = [pose for k, frame in enumerate(frames) for pose in stages.push(frame, k / 20, k, [])]
    assert [frame.state for frame in done][-1] == "live"
    assert {len(frame.poses) for frame in done[-10:]} == {2}
    # A joint is missing now and then, and that alone is mended.
    assert set(stages.edits()) <= {"gap"}
    for pose in done[-1].poses:
        heights_m = pose.positions_m[:, 1]
        assert 1.3 < heights_m.max() - heights_m.min() < 2.0

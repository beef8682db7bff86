"""People for the sinks that record and show: the built-in clip, frame by frame, as poses that go out."""

import time
from functools import cache

import numpy as np

from maquette.demo import perform, true_motion
from maquette.motion import Motion
from maquette.rig.solve import solve_rotations
from maquette.stream.pose_frame import Humanoid, LivePose, PoseFrame

FPS = 30


@cache
def clip() -> Motion:
    """Ten seconds of somebody who walks and waves, with rotations and contacts."""
    return solve_rotations(true_motion(perform(FPS).motion))


def turned(number: int) -> np.ndarray:
    """Rotations of a frame of the clip, (21, 4)."""
    rotations = clip().rotations
    assert rotations is not None
    return rotations[number]


def pose(number: int, person: int = 0, shift_m: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> LivePose:
    """A frame of the clip (it starts again at the end) as somebody's pose, moved sideways."""
    motion = clip()
    row = number % motion.n_frames
    assert motion.rotations is not None
    assert motion.contacts is not None
    still = Humanoid(np.tile([1.0, 0.0, 0.0, 0.0], (22, 1)), np.zeros((22, 3)), motion.positions[row, 0] + shift_m)
    return LivePose(
        person=person,
        positions_m=motion.positions[row] + shift_m,
        rotations=np.array(motion.rotations[row]),
        confidence=np.full(21, 0.9),
        contacts=np.array(motion.contacts[row]),
        humanoid=still,
    )


def frame(number: int, *poses: LivePose, time_s: float | None = None, **more) -> PoseFrame:
    """A frame of a session at 30 frames/s with these people."""
    at_s = number / FPS if time_s is None else time_s
    return PoseFrame(frame=number, time_s=at_s, arrived_s=time.monotonic(), poses=poses, **more)

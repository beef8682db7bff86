"""From frames of keypoints to frames of poses, one at a time."""

from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from maquette.lifting.assumed_camera import camera_of_size
from maquette.lifting.lifter import Lifter
from maquette.lifting.stream import PeopleStream
from maquette.live.made_frames import made_frames
from maquette.live.picture_size import PictureSize
from maquette.live.settings import LiveSettings
from maquette.live.stages import Stages
from maquette.mapping import find_map
from maquette.runtime.shipped import LIVE_MODEL
from maquette.skeleton import Skeleton
from maquette.skeletons import LANDMARKS_27
from maquette.stream.keypoint_frame import KeypointFrame
from maquette.stream.pose_frame import PoseFrame

_MADE_FRAMES, _MADE_FPS, _MADE_CALIBRATION_S = 32, 20, 0.6
"""As many as it takes to follow, to calibrate, and to go on after that."""
_CHANGED_FRAMES = 3
"""So many frames in a row on another skeleton, or of another size, are a change."""


class LiveProcessor:
    """Frames of keypoints in, frames of poses out.

    What one frame gives depends on nothing but the frames up to it and those within the model's look-ahead. A recording
    that is played live therefore gives what :func:`maquette.live.offline.lift_causal` gives.

    Args:
        settings: what the user chose.
        executor: runs the calibration beside the frames; its result is applied at a frame that does not depend on how
            long it took. None calibrates in between.

    Raises:
        ModelError: the model cannot be loaded, or takes whole clips only.
    """

    def __init__(self, settings: LiveSettings, executor: Executor | None = None) -> None:
        self.settings = settings
        # One thread: frames come one at a time, and the other cores have programs of the user to run.
        self._lifter = Lifter(settings.model or LIVE_MODEL, flip=settings.flip, threads=1)
        self._size = PictureSize(settings.image_size)
        self._executor = executor
        self._stages: Stages | None = None
        self._others = 0
        self._count = 0
        PeopleStream(self._lifter, camera_of_size((1, 1)))  # refuses models that take whole clips

    def warm_up(self) -> None:
        """Follow made people for a second, which takes a good half second and leaves no trace: whatever happens only
        once is done before the first frame comes, and not while it waits."""
        settings = replace(self.settings, calibrate_s=_MADE_CALIBRATION_S, image_size=None)
        stages: Stages | None = None
        for number, frame in enumerate(made_frames(min(self.settings.people, 2), _MADE_FRAMES)):
            if stages is None:
                camera = camera_of_size(frame.image_size or (1280, 720))
                stages = Stages(settings, self._lifter, camera, frame.skeleton, None)
            stages.push(frame, number / _MADE_FPS, number, [])

    @property
    def look_ahead_s(self) -> float:
        """How much later than a frame the model needs to see; the poses are late by this much."""
        return self._lifter.latency_s

    @property
    def model(self) -> str:
        """Name of the model that lifts."""
        return self._lifter.spec.name

    @property
    def model_sha256(self) -> str:
        """Hash of its file."""
        return self._lifter.model.sha256

    @property
    def scale_source(self) -> str:
        """How the metric scale is known, as :attr:`maquette.motion.Motion.scale_source` says it."""
        if self.settings.height_m is None:
            return "assumed: bone lengths as the network gave them"
        return f"body height {self.settings.height_m:.2f} m given"

    def push(self, frame: KeypointFrame, time_s: float) -> list[PoseFrame]:
        """Take a frame; returns the frames that have become ready: this one, or, with a look-ahead, older ones.

        Args:
            time_s: of the picture, strictly increasing from call to call.

        Raises:
            InputError: no map leads from the skeleton of the keypoints to the model's.
        """
        done: list[PoseFrame] = []
        size = self._size(frame)
        if size is None:
            number = self._next_number()
            return [PoseFrame(frame=number, time_s=time_s, arrived_s=frame.arrived_s, state="waiting")]
        stages, notes = self._stages, []
        if stages is not None and not self._has_changed(stages, frame, size):
            # What has been learnt stays: of people on other keypoints nothing is seen until they are there to stay.
            if frame.skeleton != stages.skeleton or size != stages.camera.image_size or not len(frame.points):
                frame, size = _nobody(frame, stages.skeleton), stages.camera.image_size
        if stages is None or stages.skeleton != frame.skeleton or stages.camera.image_size != size:
            before = stages
            first_person, followed = (0, ()) if before is None else (before.next_person, before.people)
            camera = camera_of_size(size, self.settings.focal_px)
            stages = Stages(self.settings, self._lifter, camera, frame.skeleton, self._executor, first_person, followed)
            if before is not None:
                done = before.finish()
            notes = [_began(frame.skeleton, size, self._size.is_assumed)]
            self._stages, self._others = stages, 0
        return done + stages.push(frame, time_s, self._next_number(), notes)

    def _has_changed(self, stages: Stages, frame: KeypointFrame, size: tuple[int, int]) -> bool:
        """Whether the source gives other keypoints or pictures from now on: a single frame of them is a stray one."""
        if len(frame.points):
            find_map(frame.skeleton.name, LANDMARKS_27.name)
            same = frame.skeleton == stages.skeleton and size == stages.camera.image_size
            self._others = 0 if same else self._others + 1
        return self._others >= _CHANGED_FRAMES

    def finish(self) -> list[PoseFrame]:
        """The frames still waiting for a future that will not come."""
        return [] if self._stages is None else self._stages.finish()

    def edits(self) -> dict[str, int]:
        """How many points the repair has dropped or exchanged, by kind."""
        return {} if self._stages is None else self._stages.edits()

    def _next_number(self) -> int:
        self._count += 1
        return self._count - 1


def _nobody(frame: KeypointFrame, skeleton: Skeleton) -> KeypointFrame:
    joints = len(skeleton)
    return replace(frame, points=np.empty((0, joints, 2)), confidence=np.empty((0, joints)), skeleton=skeleton)


def _began(skeleton: Skeleton, size: tuple[int, int], assumed: bool) -> str:
    how = "assumed (--image-size WxH tells it)" if assumed else "given"
    return f"keypoints on '{skeleton.name}', picture of {size[0]}x{size[1]} {how}"

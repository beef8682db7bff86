"""Sources and sinks in memory, for tests of the session."""

import asyncio
import time
from collections.abc import Sequence

import numpy as np

from maquette.demo import camera, detect, perform
from maquette.errors import OutputError
from maquette.keypoints import Keypoints
from maquette.live.ends import Deliver, SinkReport, SourceReport
from maquette.live.sources.replay import Recording
from maquette.stream.keypoint_frame import KeypointFrame
from maquette.stream.pose_frame import PoseFrame


def clip() -> Keypoints:
    """The built-in clip: somebody who walks, sits, waves; 300 frames at 30 a second, BODY_25."""
    return detect(perform().motion, camera())


def frames_of(people: Keypoints | Sequence[Keypoints], count: int | None = None) -> list[KeypointFrame]:
    recording = Recording([people] if isinstance(people, Keypoints) else list(people))
    return [recording.frame(index, arrived_s=0.0) for index in range(len(recording))][:count]


def crowd(keypoints: Keypoints, count: int) -> list[Keypoints]:
    """The same person several times, smaller and side by side."""
    points = 0.3 * keypoints.points
    return [
        keypoints.with_notes(points=points + [1920 / count * n + 20, 300], image_size=(1920, 1080))
        for n in range(count)
    ]


class MadeSource:
    """Delivers frames, a burst at a time, and lets the loop run in between."""

    def __init__(self, frames: list[KeypointFrame], *, burst: int = 1, error: Exception | None = None) -> None:
        self.address, self.report = "made:", SourceReport()
        self.frames, self.burst, self.error = frames, burst, error
        self.endless = False

    async def run(self, deliver: Deliver) -> None:
        for index, frame in enumerate(self.frames):
            now_s = time.monotonic()
            deliver(
                KeypointFrame(
                    frame.points, frame.confidence, frame.skeleton, now_s, frame.time_s, frame.number, frame.image_size
                )
            )
            self.report.received()
            if index % self.burst == self.burst - 1:
                # Twice: the session takes one turn of the loop for a frame.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        if self.endless:
            await asyncio.Event().wait()


class MadeSink:
    """Keeps what it is given; can be told to fail at the start or at the end."""

    def __init__(self, *, refuse: bool = False, fail_at_stop: bool = False) -> None:
        self.address, self.report = "made-sink:", SinkReport()
        self.frames: list[PoseFrame] = []
        self.told: list[object] = []
        self.started = self.stopped = 0
        self._refuse, self._fail_at_stop = refuse, fail_at_stop

    async def start(self) -> None:
        if self._refuse:
            raise OutputError("made-sink: refused")
        self.started += 1
        self.report.say("sending")

    def send(self, frame: PoseFrame) -> None:
        self.frames.append(frame)
        self.report.sent += 1

    def tell(self, status: object) -> None:
        self.told.append(status)

    async def stop(self) -> None:
        self.stopped += 1
        if self._fail_at_stop:
            raise OutputError("made-sink: the disk is full")

    def positions(self, person: int) -> np.ndarray:
        found = [pose.positions_m for frame in self.frames for pose in frame.poses if pose.person == person]
        return np.stack(found)

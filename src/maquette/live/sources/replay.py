"""A recording played as if it came in live."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.live.ends import Deliver, SourceReport
from maquette.skeleton import Skeleton
from maquette.stream.keypoint_frame import MAX_PEOPLE, KeypointFrame

BUILT_IN_CLIP = "demo"
_MOST_AT_ONCE = 16
"""Pictures that are due, before the event loop has its turn."""


class Recording:
    """The pictures of a recording, people who were told apart put back into them.

    Who is who is not passed on: that is for those to find out who are shown one picture after the other.

    Args:
        people: of one clip, as :func:`maquette.read_keypoints` gives them. Frames at the same time, to a quarter of a
            frame, are one picture.
        fps: frames a second at which the pictures are shown; None takes their own times.

    Raises:
        InputError: nobody, over 64 people, or people with different skeletons or picture sizes.
    """

    def __init__(self, people: Sequence[Keypoints], fps: Fraction | float | int | None = None) -> None:
        if not 1 <= len(people) <= MAX_PEOPLE:
            raise InputError(f"a recording of {len(people)} people; from 1 to {MAX_PEOPLE} can be replayed")
        _check_alike(people)
        self.people = tuple(people)
        self.skeleton: Skeleton = people[0].skeleton
        self.image_size = people[0].image_size
        self.times_s, self._rows = _pictures(people)
        if fps is not None:
            self.times_s = np.arange(len(self.times_s)) / float(fps)
            self.frame_s = 1.0 / float(fps)
        else:
            self.frame_s = 1.0 / float(people[0].fps)

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def duration_s(self) -> float:
        """From the first picture to where a next one would be."""
        return float(self.times_s[-1]) + self.frame_s

    def frame(self, index: int, arrived_s: float, *, after_s: float = 0.0, number: int | None = None) -> KeypointFrame:
        """One picture.

        Args:
            index: of the picture.
            arrived_s: when it is said to have come in.
            after_s: is added to its time.
            number: instead of ``index``.
        """
        rows = self._rows[:, index]
        shown = [
            (p, row) for p, row in zip(self.people, rows, strict=True) if row >= 0 and bool(p.confidence[row].any())
        ]
        joints = len(self.skeleton)
        return KeypointFrame(
            points=np.array([p.points[row] for p, row in shown]).reshape(-1, joints, 2),
            confidence=np.array([p.confidence[row] for p, row in shown]).reshape(-1, joints),
            skeleton=self.skeleton,
            arrived_s=arrived_s,
            time_s=after_s + float(self.times_s[index]),
            number=index if number is None else number,
            image_size=self.image_size,
        )


def _check_alike(people: Sequence[Keypoints]) -> None:
    skeletons = sorted({person.skeleton.name for person in people})
    if len(skeletons) > 1:
        raise InputError(f"{people[0].source}: people with different skeletons ({', '.join(skeletons)}) in one replay")
    sizes = {person.image_size for person in people}
    if len(sizes) > 1:
        raise InputError(f"{people[0].source}: pictures of different sizes ({sizes}) in one replay")
    if not any(person.n_frames for person in people):
        raise InputError(f"{people[0].source}: the recording has no frames")


def _pictures(people: Sequence[Keypoints]) -> tuple[Float[np.ndarray, " pictures"], np.ndarray]:
    """``(times from 0, row of each person in each picture or -1)``."""
    first = people[0].times_s
    if all(p.n_frames == len(first) and np.array_equal(p.times_s, first) for p in people):
        return first - first[0], np.tile(np.arange(len(first)), (len(people), 1))
    times = np.sort(np.concatenate([p.times_s for p in people]))
    apart_s = 0.25 / max(float(p.fps) for p in people)
    times = times[np.concatenate([[True], np.diff(times) > apart_s])]
    rows = np.full((len(people), len(times)), -1)
    for row, person in zip(rows, people, strict=True):
        row[np.searchsorted(times, person.times_s, side="right") - 1] = np.arange(person.n_frames)
    return times - times[0], rows


class ReplaySource:
    """Plays a recording at its own pace, or faster, or as fast as it is taken.

    Each picture has its moment, counted from the first, so that lateness never adds up: what is late comes at once.
    ``arrived_s`` is that moment, so that a loop too busy to look at the clock counts as latency, as it would with a
    source outside.

    Args:
        address: what to call it.
        recording: what to play.
        speed: times as fast; ``math.inf`` is as fast as the consumer goes, and then nothing is dropped as long as
            ``ready`` is set.
        loop: begin again at the end; times and numbers go on.
        ready: awaited before each picture at infinite speed: returns once there is room for one.

    Raises:
        InputError: the speed is no positive number.
    """

    def __init__(
        self,
        address: str,
        recording: Recording,
        *,
        speed: float | int = 1.0,
        loop: bool = False,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        if not speed > 0:
            raise InputError(f"{address}: speed is {speed:g}; expected a positive number, 1 for the recording's own")
        self.address = address
        self.recording = recording
        self.speed = float(speed)
        self.loop = loop
        self.ready = ready
        self.report = SourceReport()
        self._at_once = 0

    async def run(self, deliver: Deliver) -> None:
        """Deliver all pictures; with ``loop``, until cancelled."""
        begin_s = time.monotonic()
        round_ = 0
        while True:
            after_s = round_ * self.recording.duration_s
            for index in range(len(self.recording)):
                due_s = begin_s + (after_s + float(self.recording.times_s[index])) / self.speed
                arrived_s = await self._moment(due_s)
                number = round_ * len(self.recording) + index
                self.report.received()
                deliver(self.recording.frame(index, arrived_s, after_s=after_s, number=number))
            round_ += 1
            if not self.loop:
                break
        self.report.say("ended", f"all {len(self.recording)} frames were played")

    async def _moment(self, due_s: float) -> float:
        """Wait until a picture is due; returns when it came."""
        if math.isinf(self.speed):
            if self.ready is not None:
                await self.ready()
            else:
                await asyncio.sleep(0)
            return time.monotonic()
        late = due_s <= time.monotonic()
        # What is due comes at once, as from a camera: a consumer that is behind finds it in the queue, or dropped.
        self._at_once = self._at_once + 1 if late else 0
        if not late or self._at_once % _MOST_AT_ONCE == 0:
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        return min(due_s, time.monotonic())


def replay_of(
    what: str | Path,
    *,
    fps: Fraction | float | int | None = None,
    image_size: tuple[int, int] | None = None,
    skeleton: Skeleton | str | None = None,
    speed: float | int = 1.0,
    loop: bool = False,
) -> ReplaySource:
    """A replay of a file or folder of keypoints, or of the built-in clip (``demo``).

    Args:
        what: path, or ``demo``; a folder of that name in the current one is ``./demo``.
        fps: pictures a second; None takes the recording's own.
        image_size: ``(width, height)`` in pixels, where the files do not say.
        skeleton: where the files cannot tell.
        speed, loop: as in :class:`ReplaySource`.

    Raises:
        InputError: as :func:`maquette.read_keypoints` and :class:`ReplaySource`.
        NoPersonError: nobody is in it.
    """
    if str(what) == BUILT_IN_CLIP:
        from maquette.demo import camera, detect, perform

        people = [detect(perform().motion, camera())]
    else:
        from maquette.readers import read_keypoints
        from maquette.readers.footage import footage_kind

        if (kind := footage_kind(what)) is not None:
            raise InputError(f"{what}: is a {kind}, not keypoints; give it as the source video:{what}")
        people = read_keypoints(what, fps=fps, image_size=image_size, skeleton=skeleton)
    return ReplaySource(f"replay:{what}", Recording(people, fps), speed=speed, loop=loop)

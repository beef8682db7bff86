"""Pictures of a camera or a video, seen by a detector."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maquette.detect.choice import DetectorWish, open_detector
from maquette.detect.detector import Detector, Picture, Seen
from maquette.detect.footage_shape import to_rgb, turn_of
from maquette.errors import InputError, MaquetteError
from maquette.live.ends import Deliver, SourceReport
from maquette.live.sources.camera_device import OpenCamera, camera_opener, why_not
from maquette.live.sources.newest_picture import Grabbed, NewestPicture
from maquette.live.sources.silence import stalls_said
from maquette.stream.keypoint_frame import MAX_PEOPLE, KeypointFrame

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 5.0
_NOT_YET_S = 0.005
"""Until a camera that has no picture yet (on macOS) is asked again."""
_PATIENCE_S = 3.0
"""A camera that hangs is left alone after this."""


class CameraSource:
    """``camera:0`` or ``video:FILE``: one thread grabs pictures, another lets the detector look at the newest one.

    Pictures that come while the detector still looks are dropped and counted (``report.dropped``), so that what is seen
    is never old. A frame has arrived when its picture was grabbed: the latency contains the detector's time. A camera
    that is pulled out is opened again as soon as it is there.

    Args:
        address: as given on the command line.
        what: ``camera:`` with a number, name or path (:func:`maquette.live.sources.camera_device.camera_opener`), or
            ``video:`` with a video, an animated picture or a folder of pictures, which is played at its own pace.
        detector: by name, for one person; a :class:`maquette.detect.choice.DetectorWish` (with ``several``, MediaPipe
            takes a second for each picture); or one that is there already, which stays open.
        mirror: left and right exchanged, as in a mirror.
        open_camera: opens the device, instead of what ``what`` says.

    Raises:
        InputError: ``what`` is neither, or this machine has no such camera by number or name.
    """

    def __init__(
        self,
        address: str,
        what: str,
        *,
        detector: str | DetectorWish | Detector = "auto",
        mirror: bool = False,
        open_camera: OpenCamera | None = None,
    ) -> None:
        kind, colon, rest = what.partition(":")
        if not colon or kind not in ("camera", "video"):
            raise InputError(f"{what}: expected camera:NUMBER, camera:NAME or video:FILE")
        self.address, self.report = address, SourceReport()
        self.mirror = mirror
        self._video = Path(rest) if kind == "video" else None
        self._open_camera = open_camera or (camera_opener(rest) if self._video is None else None)
        # Who looks for several people with MediaPipe looks at the picture many times: that is asked for, or not done.
        self._wish = DetectorWish(name=detector, several=False) if isinstance(detector, str) else detector
        self._newest = NewestPicture()
        self._stopping = threading.Event()

    async def run(self, deliver: Deliver) -> None:
        """See :class:`maquette.live.ends.Source`; returns at the end of a video.

        Raises:
            InputError: there is no such camera or file, or it has no pictures.
            MissingExtraError: no detector is installed.
            ModelError: the detector's file cannot be used.
        """
        loop = asyncio.get_running_loop()
        self.report.say("waiting", "the detector is loaded")
        detector = await asyncio.to_thread(self._opened_detector)
        self.report.say("waiting", "")

        def call(function: Callable[..., object], *arguments: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(function, *arguments)

        grabbing = _in_thread("maquette-grabber", partial(self._grab, call))
        looking = _in_thread("maquette-detector", partial(self._look, detector, deliver, call))
        try:
            async with stalls_said(self.report):
                done, _ = await asyncio.wait({grabbing, looking}, return_when=asyncio.FIRST_EXCEPTION)
                for one in done:
                    one.result()
        except MaquetteError as error:
            self.report.say("failed", str(error))
            raise
        finally:
            self._stopping.set()
            self._newest.end(at_once=True)
            # A camera that hangs is left alone.
            await asyncio.wait({grabbing, looking}, timeout=_PATIENCE_S)
        self.report.say("ended")

    def _opened_detector(self) -> Detector:
        return open_detector(self._wish) if isinstance(self._wish, DetectorWish) else self._wish

    def _look(self, detector: Detector, deliver: Deliver, call: "_Call") -> None:
        """The detector's thread."""
        began_s, shape = time.monotonic(), ()
        try:
            while (grabbed := self._newest.take()) is not None:
                picture = grabbed.develop()
                if picture is None:
                    call(self.report.bad, "", "a picture that cannot be decoded")
                    continue
                if shape and picture.shape != shape:
                    detector.reset()
                shape = picture.shape
                seen = detector(picture, grabbed.grabbed_s - began_s)
                call(self._delivered, deliver, self._frame(seen, detector, grabbed, (shape[1], shape[0])))
        finally:
            if isinstance(self._wish, DetectorWish):
                detector.close()

    def _delivered(self, deliver: Deliver, frame: KeypointFrame) -> None:
        self.report.received()
        self.report.dropped = self._newest.dropped
        deliver(frame)

    def _frame(self, seen: Seen, detector: Detector, grabbed: Grabbed, size: tuple[int, int]) -> KeypointFrame:
        points, confidence = seen.points, seen.confidence
        if len(points) > MAX_PEOPLE:
            surest = np.argsort(-np.nansum(confidence, axis=1))[:MAX_PEOPLE]
            points, confidence = points[surest], confidence[surest]
        if self.mirror:
            exchanged = detector.skeleton.mirror_permutation
            points = np.stack((size[0] - points[:, exchanged, 0], points[:, exchanged, 1]), axis=-1)
            confidence = confidence[:, exchanged]
        return KeypointFrame(
            points=points,
            confidence=confidence,
            skeleton=detector.skeleton,
            arrived_s=grabbed.grabbed_s,
            time_s=grabbed.time_s,
            number=grabbed.number,
            image_size=size,
        )

    def _grab(self, call: "_Call") -> None:
        """The grabber's thread."""
        try:
            if self._video is not None:
                self._play(self._video)
            elif self._open_camera is not None:
                self._watch(self._open_camera, call)
        finally:
            self._newest.end()

    def _play(self, path: Path) -> None:
        """Each picture of a video when its time has come."""
        from maquette.detect.footage import open_footage

        with open_footage(path) as footage:
            began_s = time.monotonic()
            for shot in footage.shots():
                if self._stopping.wait(max(began_s + shot.time_s - time.monotonic(), 0.0)):
                    return
                develop = partial(shot.develop, None)
                self._newest.put(Grabbed(develop, time.monotonic(), shot.time_s, shot.index))

    def _watch(self, open_camera: OpenCamera, call: "_Call") -> None:
        """The pictures of a camera, which is opened again when it breaks off.

        Raises:
            InputError: it cannot be opened the first time.
        """
        from av.error import FFmpegError

        pause_s, was_open = _FIRST_PAUSE_S, False
        while not self._stopping.is_set():
            try:
                container = open_camera()
            except (FFmpegError, OSError, ValueError) as error:
                if not was_open:
                    raise InputError(
                        f"{self.address}: there is no such camera, or it cannot be opened ({why_not(error)})"
                    ) from None
                why = why_not(error)
            else:
                was_open = True
                with container:
                    why, pictures = self._read(container, call)
                pause_s = _FIRST_PAUSE_S if pictures else pause_s
            if not self._stopping.is_set():
                call(self.report.say, "reconnecting", f"the camera is gone ({why}); it is tried again")
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _read(self, container: "InputContainer", call: "_Call") -> tuple[str, int]:
        """Grab until the camera breaks off; ``(why, how many pictures came)``.

        Raises:
            InputError: it gives no pictures at all, but sound.
        """
        from av.error import FFmpegError
        from av.video.reformatter import VideoReformatter

        if not container.streams.video:
            raise InputError(f"{self.address}: gives no pictures; expected a camera")
        stream, reformatter, pictures = container.streams.video[0], VideoReformatter(), 0
        # Threads that work on several frames at once give each of them late.
        stream.thread_type = "SLICE"
        while not self._stopping.is_set():
            try:
                for packet in container.demux(stream):
                    grabbed_s = time.monotonic()
                    if self._stopping.is_set() or not packet.size:
                        break
                    for frame in self._decoded(packet, call):
                        stamp_s = None if frame.time is None else float(frame.time)
                        self._newest.put(Grabbed(partial(_pixels, frame, reformatter), grabbed_s, stamp_s, None))
                        pictures += 1
                else:
                    return "it gives no more pictures", pictures
                if not self._stopping.is_set():
                    return "it gives no more pictures", pictures
            except BlockingIOError:
                # No picture yet; on macOS that is an error.
                self._stopping.wait(_NOT_YET_S)
            except (FFmpegError, OSError) as error:
                return why_not(error), pictures
        return "", pictures

    def _decoded(self, packet: "Packet", call: "_Call") -> "list[VideoFrame]":
        """The frames of a packet; one that came damaged over the wire has none."""
        from av.error import FFmpegError

        try:
            return packet.decode()  # pyright: ignore[reportReturnType]
        except FFmpegError as error:
            call(self.report.bad, "", f"a picture that cannot be decoded ({why_not(error)})")
            return []


_Call = Callable[..., None]
"""Has a function called in the loop's thread."""


def _pixels(frame: "VideoFrame", reformatter: "VideoReformatter") -> Picture:
    turn = turn_of(frame)
    return to_rgb(frame, turn.size((frame.width, frame.height)), turn, reformatter)


def _in_thread(name: str, work: Callable[[], None]) -> "asyncio.Future[None]":
    """What comes of a function in a thread of its own, which nobody waits for at the end of the program: a camera's
    driver may hang."""
    promise: Future[None] = Future()

    def body() -> None:
        try:
            promise.set_result(work())
        except BaseException as error:
            promise.set_exception(error)

    threading.Thread(target=body, name=name, daemon=True).start()
    return asyncio.wrap_future(promise)

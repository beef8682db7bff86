"""Pictures of a video file at given times."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from PIL import Image

from maquette.errors import InputError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

_LOG = logging.getLogger(__name__)
_TURNS = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


def video_size(path: str | Path) -> tuple[int, int]:
    """``(width, height)`` of a video as it is shown: the turn that telephones write into the file is done.

    Raises:
        InputError: the file is missing, or no video that can be read.
    """
    with _opened(path) as container:
        for frame in container.decode(video=0):
            width, height = frame.width, frame.height
            return (height, width) if frame.rotation % 180 == 90 else (width, height)
    raise InputError(f"{path}: the video has no pictures in it")


def pictures_at(
    path: str | Path, times_s: Float[np.ndarray, " frames"], size: tuple[int, int]
) -> Iterator[Image.Image]:
    """The picture shown at each time (0 is the first picture of the video), scaled to ``size``. Only one is in memory.

    Times must not decrease. Before the first picture the first is given, after the last the last.

    Raises:
        InputError: the file is missing, or no video that can be read.
    """
    from av.video.reformatter import VideoReformatter

    reformatter = VideoReformatter()
    with _opened(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        start_s = float((stream.start_time or 0) * (stream.time_base or 0))
        # A time that falls on a picture's own, give or take rounding in the container, means that picture.
        slack_s = 0.25 / float(stream.average_rate or 30)
        if len(times_s) and times_s[0] > 5:
            container.seek(int((times_s[0] + start_s) * 1_000_000), backward=True)
        decoded = container.decode(stream)
        current = next(decoded, None)
        if current is None:
            raise InputError(f"{path}: the video has no pictures in it")
        following, picture = next(decoded, None), None
        for time_s in times_s:
            while following is not None and _time(following, start_s) <= time_s + slack_s:
                current, following, picture = following, next(decoded, None), None
            if following is None and time_s > _time(current, start_s) + 1.0:
                _LOG.warning("%s ends at %.1f s, before the keypoints; its last picture stays", path, time_s)
                start_s = -np.inf
            if picture is None:
                picture = _scaled(current, size, reformatter)
            yield picture


def _time(frame: "VideoFrame", start_s: float) -> float:
    return float(frame.time or 0.0) - start_s


def _scaled(frame: "VideoFrame", size: tuple[int, int], reformatter) -> Image.Image:
    turn = _TURNS.get(frame.rotation % 360)
    width, height = size[::-1] if frame.rotation % 180 == 90 else size
    how = "AREA" if width < frame.width else "BICUBIC"
    scaled = reformatter.reformat(frame, width=width, height=height, format="rgb24", interpolation=how)
    picture = Image.fromarray(scaled.to_ndarray())
    return picture.transpose(turn) if turn is not None else picture


@contextmanager
def _opened(path: str | Path) -> "Iterator[InputContainer]":
    """The file, open for reading; whatever goes wrong while it is read is an InputError."""
    import av
    from av.error import FFmpegError

    if not Path(path).exists():
        raise InputError(f"{path}: no such file; expected a video")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path}: has no video stream in it")
            yield container
    except (FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read as a video ({reason})") from error

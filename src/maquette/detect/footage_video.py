"""Videos, by FFmpeg: exact times, upright pictures, and whatever can be saved of broken files."""

import errno
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maquette.detect.detector import Picture
from maquette.detect.footage_clock import Clock, Watch
from maquette.detect.footage_damage import sound_frames
from maquette.detect.footage_rate import Rate, rate_of
from maquette.detect.footage_shape import Turn, squared, to_rgb, turn_of
from maquette.detect.footage_shots import ASSUMED_FPS, MAX_PIXELS, Reel, Shot
from maquette.detect.footage_stamps import Stamps, read_stamps, reason
from maquette.errors import InputError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,mjpeg,h264,hevc,av1,obu,ivf,flv,asf,ogg,mxf,"
    "dv,nut,yuv4mpegpipe,gif,apng,rm,wtv,wav,mp3,aac,flac"
)
"""Containers of video, and of sound, to say that it is sound. FFmpeg knows more: texts that it draws, and play lists
that open other files or addresses."""
_STARTS_FROM_S = 5.0
"""Below this, decoding from the start is as quick as a jump."""


def open_video(path: Path, fps: Fraction | None) -> Reel:
    """A video file.

    Args:
        fps: rate to play it at instead of the file's own times; None for those.

    Raises:
        InputError: no video, or one of which no picture can be decoded.
    """
    with opened(path) as (container, stream):
        stamps = read_stamps(container, stream)
        stated = (stream.guessed_rate, stream.average_rate, stream.base_rate)
        promised, tracks = stream.frames, len(_moving(container))
    frame, turn, size = first_picture(path)
    if len(stamps.ticks):
        rate = rate_of(stamps.ticks, stamps.tick_s, stated)
    else:
        rate = Rate(next((claim for claim in stated if claim), ASSUMED_FPS), False)
    notes = [f"it has {tracks} video tracks; the first is taken"] if tracks > 1 else []
    if stamps.fault:
        held = f"holds {stamps.packets} of the {promised} pictures that its header promises and " if promised else ""
        notes.append(f"it {held}breaks off at {stamps.end_s:.2f} s ({stamps.fault})")
    notes += _shape_notes(frame, turn, size) + _time_notes(stamps, rate, fps)
    clock = Clock(stamps, rate, fps)
    return Reel(
        fps=fps or rate.fps,
        is_variable=rate.is_variable and fps is None,
        size=size,
        n_frames=clock.n_frames,
        notes=tuple(notes),
        shots=partial(_shots, path, size, turn, clock),
    )


def first_picture(path: Path) -> "tuple[VideoFrame, Turn, tuple[int, int]]":
    """The first frame that can be decoded, how it is to be turned, and its ``(width, height)`` when that is done.

    Raises:
        InputError: no video, or one of which no picture can be decoded.
    """
    from av.error import FFmpegError

    why = ""
    with opened(path) as (container, stream):
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except FFmpegError as error:
                why = f" ({reason(error)})"
                continue
            for frame in frames:
                turn = turn_of(frame)
                size = turn.size(squared((frame.width, frame.height), stream.sample_aspect_ratio))
                if size[0] * size[1] > MAX_PIXELS:
                    most = MAX_PIXELS // 1_000_000
                    raise InputError(
                        f"{path}: {size[0]}x{size[1]} pixels are too many; up to {most} megapixels are read"
                    )
                return frame, turn, size
    raise InputError(f"{path}: not one picture of the video can be decoded{why}")


def _shape_notes(frame: "VideoFrame", turn: Turn, size: tuple[int, int]) -> list[str]:
    notes = []
    if turn.size(size) != (frame.width, frame.height):
        notes.append(f"its pixels are not square: {frame.width}x{frame.height} are shown as {size[0]}x{size[1]}")
    if frame.interlaced_frame:
        notes.append("it is interlaced: moving edges look like combs, which detectors like less")
    return notes


def _time_notes(stamps: Stamps, rate: Rate, asked: Fraction | None) -> list[str]:
    if asked is not None:
        if asked == rate.fps and not rate.is_variable:
            return []
        return [f"taken as {float(asked):.6g} pictures per second, as asked, instead of {float(rate.fps):.6g}"]
    if not stamps.stretches:
        return [f"its pictures carry no times; {float(rate.fps):.6g} per second taken"]
    notes = []
    if len(stamps.stretches) > 1:
        places = len(stamps.stretches) - 1
        notes.append(f"its times jump in {_counted(places, 'place')}; there the next picture follows at once")
    steps_s = np.diff(stamps.ticks) * float(stamps.tick_s)
    if rate.is_variable:
        slowest, fastest = 1 / steps_s.max(), 1 / steps_s.min()
        notes.append(
            f"variable frame rate: {slowest:.4g} to {fastest:.4g} pictures per second, often {float(rate.fps):.4g}"
        )
    elif len(gaps := np.flatnonzero(np.rint(steps_s * float(rate.fps)) > 1)):
        lost = int(np.rint(steps_s[gaps] * float(rate.fps)).sum()) - len(gaps)
        after_s = float(int(stamps.ticks[gaps[0]]) * stamps.tick_s)
        where = "" if len(gaps) == 1 else f" in {len(gaps)} places, first"
        notes.append(f"{_counted(lost, 'picture')} missing{where} after {after_s:.2f} s")
    return notes


def _counted(number: int, what: str) -> str:
    return f"one {what}" if number == 1 else f"{number} {what}s"


def _shots(
    path: Path, size: tuple[int, int], turn: Turn, clock: Clock, notes: list[str], from_s: float
) -> Generator[Shot]:
    """See :data:`maquette.detect.footage_shots.Shots`."""
    from av.video.reformatter import VideoReformatter

    reformatter, watch = VideoReformatter(), Watch(clock)
    coded: tuple[int, int] | None = None
    other_sizes = 0
    try:
        with opened(path) as (container, stream):
            stamp = clock.seek_stamp(from_s) if from_s > _STARTS_FROM_S else None
            if stamp is not None:
                container.seek(stamp, stream=stream, backward=True)
            for frame in sound_frames(container, stream, watch, notes):
                place = watch.place(frame)
                if place is not None:
                    coded = coded or (frame.width, frame.height)
                    other_sizes += (frame.width, frame.height) != coded
                    yield Shot(*place, partial(_develop, frame, size, turn, reformatter))
    finally:
        if watch.repeats:
            notes.append(f"{watch.repeats} pictures whose times repeat or run backwards are left out")
        if other_sizes:
            notes.append(f"{other_sizes} pictures of another size are scaled to that of the first")


def _develop(
    frame: "VideoFrame",
    size: tuple[int, int],
    turn: Turn,
    reformatter: "VideoReformatter",
    wanted: tuple[int, int] | None,
) -> Picture:
    return to_rgb(frame, wanted or size, turn, reformatter)


def _moving(container: "InputContainer") -> "list[VideoStream]":
    from av.stream import Disposition

    # The cover of a piece of music is a video stream, too.
    return [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]


def _cause(path: Path, error: Exception) -> str:
    """Why a file cannot be opened; of recordings that were cut off, FFmpeg only says that they are invalid."""
    boxes = _top_boxes(path)
    if b"ftyp" in boxes and b"moov" not in boxes:
        return "the recording was cut off before its index, which is written at the end; it needs to be repaired first"
    if getattr(error, "errno", None) == errno.EINVAL:
        return "it is a file of another kind"
    return reason(error)


def _top_boxes(path: Path) -> list[bytes]:
    """Kinds of the outermost boxes of an MP4 file."""
    found = []
    try:
        with path.open("rb") as file:
            while len(found) < 100 and len(head := file.read(16)) >= 8:
                length = int.from_bytes(head[:4], "big")
                length = int.from_bytes(head[8:], "big") if length == 1 else length
                found.append(head[4:8])
                if length < 8:
                    break
                file.seek(length - len(head), 1)
    except (OSError, OverflowError, ValueError):
        pass
    return found


@contextmanager
def opened(path: Path) -> "Iterator[tuple[InputContainer, VideoStream]]":
    """A file, open for reading, and its video stream; whatever goes wrong while it is read is an InputError.

    Raises:
        InputError: it is missing, or no video.
    """
    import av
    from av.error import FFmpegError

    if not path.exists():
        raise InputError(f"{path}: no such file; expected a video")
    try:
        options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
        # Titles and other tags need not be UTF-8, or text at all.
        with av.open(str(path.absolute()), container_options=options, metadata_errors="replace") as container:
            streams = _moving(container)
            if not streams:
                what = "is sound without pictures" if container.streams.audio else "has nothing in it that can be seen"
                raise InputError(f"{path}: {what}; expected a video (no video stream)")
            if streams[0].codec_context is None:
                raise InputError(f"{path}: there is no decoder for its kind of video")
            yield container, streams[0]
    except (FFmpegError, OSError) as error:
        raise InputError(f"{path}: cannot be read as a video or a picture ({_cause(path, error)})") from error

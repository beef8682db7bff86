"""Videos, by FFmpeg: exact times, upright pictures, and whatever can be saved of broken files."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maquette.detect.detector import Picture
from maquette.detect.footage_clock import Clock, Watch
from maquette.detect.footage_rate import Rate, rate_of
from maquette.detect.footage_shape import Turn, squared, to_rgb, turn_of
from maquette.detect.footage_shots import ASSUMED_FPS, MAX_PIXELS, Reel, Shot
from maquette.detect.footage_stamps import Stamps, read_stamps
from maquette.errors import InputError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,mjpeg,h264,hevc,av1,obu,ivf,flv,asf,ogg,mxf,"
    "dv,nut,yuv4mpegpipe,gif,apng,rm,wtv"
)
"""Containers of video. FFmpeg knows more: texts that it draws, and play lists that open other files or addresses."""
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
    notes += _shape_notes(frame, turn, size) + _damage_notes(stamps, promised) + _time_notes(stamps, rate, fps)
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

    reason = ""
    with opened(path) as (container, stream):
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except FFmpegError as error:
                reason = f" ({error.strerror or error})"
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
    raise InputError(f"{path}: not one picture of the video can be decoded{reason}")


def _shape_notes(frame: "VideoFrame", turn: Turn, size: tuple[int, int]) -> list[str]:
    notes = []
    if turn.size(size) != (frame.width, frame.height):
        notes.append(f"its pixels are not square: {frame.width}x{frame.height} are shown as {size[0]}x{size[1]}")
    if frame.interlaced_frame:
        notes.append("it is interlaced: moving edges look like combs, which detectors like less")
    return notes


def _damage_notes(stamps: Stamps, promised: int) -> list[str]:
    if not stamps.fault and stamps.packets >= promised:
        return []
    held = f"it holds {stamps.packets} of the {promised} pictures that its header promises and " if promised else "it "
    return [f"{held}breaks off at {stamps.end_s:.2f} s ({stamps.fault or 'the file was cut off'})"]


def _time_notes(stamps: Stamps, rate: Rate, asked: Fraction | None) -> list[str]:
    if asked is not None:
        if asked == rate.fps and not rate.is_variable:
            return []
        return [f"taken as {float(asked):.6g} pictures per second, as asked, instead of {float(rate.fps):.6g}"]
    if not stamps.stretches:
        return [f"its pictures carry no times; {float(rate.fps):.6g} per second taken"]
    notes = []
    if len(stamps.stretches) > 1:
        notes.append(f"its times jump in {len(stamps.stretches) - 1} places; there the next picture follows at once")
    if rate.is_variable:
        steps_s = np.diff(stamps.ticks) * float(stamps.tick_s)
        slowest, fastest = 1 / steps_s.max(), 1 / steps_s.min()
        notes.append(
            f"variable frame rate: {slowest:.3g} to {fastest:.3g} pictures per second, mostly {float(rate.fps):.4g}"
        )
    return notes


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
            stream.thread_type = "AUTO"
            stamp = clock.seek_stamp(from_s) if from_s > _STARTS_FROM_S else None
            if stamp is not None:
                container.seek(stamp, stream=stream, backward=True)
            for frame in _decoded(container, stream, watch, notes):
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


def _decoded(
    container: "InputContainer", stream: "VideoStream", watch: Watch, notes: list[str]
) -> "Iterator[VideoFrame]":
    """Frames; damaged ones are left out, and the notes say where and why."""
    from av.error import FFmpegError

    damaged, where, why = 0, 0.0, ""
    packets = container.demux(stream)
    try:
        while True:
            try:
                packet = next(packets, None)
            except (FFmpegError, OSError) as error:
                notes.append(f"breaks off after {watch.time_s:.2f} s ({getattr(error, 'strerror', None) or error})")
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
                fault = "damaged data" if any(frame.is_corrupt for frame in frames) else ""
                lost = sum(frame.is_corrupt for frame in frames)
            except FFmpegError as error:
                frames, fault, lost = [], error.strerror or str(error), 1
            if fault:
                where, why = (where, why) if damaged else (watch.time_s, fault)
                damaged += lost
            for frame in frames:
                if frame.is_corrupt:
                    watch.pass_over()
                else:
                    yield frame
            if not frames and fault:
                watch.pass_over()
    finally:
        if damaged:
            what = "one picture" if damaged == 1 else f"{damaged} pictures"
            notes.append(f"{what} from {where:.2f} s on cannot be decoded ({why}) and left out")


def _moving(container: "InputContainer") -> "list[VideoStream]":
    from av.stream import Disposition

    # The cover of a piece of music is a video stream, too.
    return [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]


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
        with av.open(str(path.absolute()), container_options=options) as container:
            streams = _moving(container)
            if not streams:
                raise InputError(f"{path}: has no video stream in it")
            if streams[0].codec_context is None:
                raise InputError(f"{path}: there is no decoder for its kind of video")
            yield container, streams[0]
    except (FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read as a video ({reason})") from error

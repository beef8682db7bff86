"""Videos, by FFmpeg: exact times, upright pictures, and whatever can be saved of broken files."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maquette.detect.footage_rate import Rate, rate_of
from maquette.detect.footage_shape import Turn, squared, to_rgb, turn_of
from maquette.detect.footage_shots import ASSUMED_FPS, MAX_PIXELS, Reel, Shot
from maquette.detect.footage_stamps import Stamps, read_stamps
from maquette.errors import InputError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,mjpeg,h264,hevc,av1,obu,ivf,flv,asf,ogg,mxf,"
    "dv,nut,yuv4mpegpipe,gif,apng,rm,wtv"
)
"""Containers of video. FFmpeg knows more: texts that it draws, and play lists that open other files or addresses."""


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
        in_header = stream.frames
    first, turn, size = first_picture(path)
    notes = _shape_notes(first, turn, size)
    if len(stamps.ticks):
        rate = rate_of(stamps.ticks, stamps.tick_s, stated)
    else:
        rate = Rate(next((claim for claim in stated if claim), ASSUMED_FPS), False)
        if fps is None:
            notes.append(f"its pictures carry no times; {float(rate.fps):g} per second taken")
    if stamps.fault or stamps.packets < in_header:
        lost = f"holds {stamps.packets} of the {in_header} pictures that its header promises; " if in_header else ""
        notes.append(f"{lost}it breaks off at {_end_s(stamps):.2f} s ({stamps.fault or 'cut off'})")
    if len(stamps.stretches) > 1:
        notes.append(f"its times jump in {len(stamps.stretches) - 1} places; the parts follow each other at once")
    if rate.is_variable and fps is None:
        steps = np.diff(stamps.ticks) * float(stamps.tick_s)
        notes.append(
            f"variable frame rate: {1 / steps.max():.3g} to {1 / steps.min():.3g} pictures per second, "
            f"mostly {float(rate.fps):.4g}"
        )
    clock = Clock(stamps, rate, fps)
    if fps is not None and fps != rate.fps:
        notes.append(f"taken as {float(fps):g} pictures per second as asked, instead of {float(rate.fps):.4g}")
    return Reel(
        fps or rate.fps,
        rate.is_variable and fps is None,
        size,
        clock.n_frames,
        tuple(notes),
        partial(_shots, path, size, turn, clock),
    )


class Clock:
    """Number and time of each decoded frame."""

    def __init__(self, stamps: Stamps, rate: Rate, asked: Fraction | None) -> None:
        self.stamps, self.rate, self.asked = stamps, rate, asked

    @property
    def n_frames(self) -> int:
        """Pictures of the clip, counting those that are lost; the decoder may find fewer."""
        ticks = self.stamps.ticks
        return self.number(int(ticks[-1])) + 1 if len(ticks) else self.stamps.packets

    def number(self, tick: int) -> int:
        """Number of the picture at a time."""
        if self.rate.is_variable:
            return int(np.searchsorted(self.stamps.ticks, tick))
        return round(tick * self.stamps.tick_s * self.rate.fps)

    def time_s(self, tick: int, number: int) -> float:
        """When it is shown."""
        return float(number / self.asked if self.asked else tick * self.stamps.tick_s)


def first_picture(path: Path) -> "tuple[VideoFrame, Turn, tuple[int, int]]":
    """The first frame that can be decoded, how it is to be turned, and its size when that is done.

    Raises:
        InputError: no video, or one of which no picture can be decoded.
    """
    from av.error import FFmpegError

    with opened(path) as (container, stream):
        reason = ""
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
                    raise InputError(f"{path}: {size[0]}x{size[1]} pixels are too many; up to {MAX_PIXELS} can be read")
                return frame, turn, size
    raise InputError(f"{path}: not one picture of the video can be decoded{reason}")


def _shape_notes(frame: "VideoFrame", turn: Turn, size: tuple[int, int]) -> list[str]:
    notes = []
    if turn.size(size) != (frame.width, frame.height):
        notes.append(f"its pixels are not square; {frame.width}x{frame.height} are shown as {size[0]}x{size[1]}")
    if frame.interlaced_frame:
        notes.append("it is interlaced: moving edges look like combs, which detectors like less")
    return notes


def _end_s(stamps: Stamps) -> float:
    return float(int(stamps.ticks[-1]) * stamps.tick_s) if len(stamps.ticks) else 0.0


def _shots(path: Path, size: tuple[int, int], turn: Turn, clock: Clock, notes: list[str], from_s: float):
    """See :data:`maquette.detect.footage_shots.Shots`."""
    from av.video.reformatter import VideoReformatter

    reformatter = VideoReformatter()
    stamps, stretch, last, other_sizes, left_out = clock.stamps, 0, -1, 0, 0
    counted, last_number = 0, -1
    coded: tuple[int, int] | None = None
    with opened(path) as (container, stream):
        stream.thread_type = "AUTO"
        if from_s > 5 and len(stamps.stretches) == 1 and clock.asked is None:
            container.seek(int(from_s / stamps.tick_s) - stamps.stretches[0].shift, stream=stream, backward=True)
        for frame in _decoded(container, stream, notes, clock):
            stamp = frame.pts if frame.pts is not None else frame.dts
            if stamp is not None and stamps.stretches:
                tick, stretch = stamps.tick(stamp, stretch)
                number, time_s = clock.number(tick), 0.0
            else:
                number = last_number + 1
                tick = round(number / (clock.rate.fps * stamps.tick_s)) if stamps.tick_s else number
            if tick <= last or number <= last_number:
                left_out += 1
                continue
            last, last_number = tick, number
            time_s = clock.time_s(tick, number) if stamps.stretches else float(number / (clock.asked or clock.rate.fps))
            if coded is None:
                coded = (frame.width, frame.height)
            other_sizes += (frame.width, frame.height) != coded
            counted += 1
            yield Shot(number, time_s, partial(_develop, frame, size, turn, reformatter))
    if left_out:
        notes.append(f"{left_out} pictures whose times repeat or run backwards are left out")
    if other_sizes:
        notes.append(f"{other_sizes} pictures of another size are scaled to that of the first")


def _develop(frame: "VideoFrame", size: tuple[int, int], turn: Turn, reformatter, wanted: tuple[int, int] | None):
    return to_rgb(frame, wanted or size, turn, reformatter)


def _decoded(
    container: "InputContainer", stream: "VideoStream", notes: list[str], clock: Clock
) -> "Iterator[VideoFrame]":
    """Frames; damaged ones are left out, and the notes say where and why."""
    from av.error import FFmpegError

    damaged, where, why = 0, "", ""
    time_s = 0.0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (FFmpegError, OSError) as error:
            notes.append(f"breaks off after {time_s:.2f} s ({getattr(error, 'strerror', None) or error})")
            break
        if packet is None:
            break
        try:
            frames = packet.decode()
        except FFmpegError as error:
            damaged += 1
            where, why = where or f"{time_s:.2f} s", why or str(error.strerror or error)
            continue
        for frame in frames:
            if frame.is_corrupt:
                damaged += 1
                where, why = where or f"{time_s:.2f} s", why or "damaged data"
                continue
            if frame.pts is not None and clock.stamps.stretches:
                time_s = float(clock.stamps.tick(frame.pts, 0)[0] * clock.stamps.tick_s)
            yield frame
    if damaged:
        notes.append(f"{damaged} pictures after {where} cannot be decoded ({why}) and are left out")


@contextmanager
def opened(path: Path) -> "Iterator[tuple[InputContainer, VideoStream]]":
    """A file, open for reading, and its video stream; whatever goes wrong while it is read is an InputError.

    Raises:
        InputError: it is missing, or no video.
    """
    import av
    from av.error import FFmpegError
    from av.stream import Disposition

    if not path.exists():
        raise InputError(f"{path}: no such file; expected a video")
    try:
        options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
        with av.open(str(path.absolute()), container_options=options) as container:
            # The cover of a piece of music is a video stream, too.
            streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
            if not streams:
                raise InputError(f"{path}: has no video stream in it")
            if streams[0].codec_context is None:
                raise InputError(f"{path}: there is no decoder for its kind of video")
            yield container, streams[0]
    except (FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read as a video ({reason})") from error

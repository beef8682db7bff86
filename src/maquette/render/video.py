"""Skeleton videos: ``.mp4`` (H.264) and ``.gif``."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from maquette.atomic import atomic_path
from maquette.errors import InputError, OutputError
from maquette.frozen_arrays import exact_fps
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.render.look import drawing_colours
from maquette.render.stage import Stage, stage

if TYPE_CHECKING:
    from av.video.stream import VideoStream

_LOG = logging.getLogger(__name__)

VIDEO_SUFFIXES = (".mp4", ".gif")

_ENCODERS: tuple[tuple[str, dict[str, str]], ...] = (
    # Superfast with the macroblock tree of slower presets: as quick, and half the size for pictures mostly at rest.
    ("libx264", {"preset": "superfast", "crf": "20", "x264-params": "mbtree=1:rc-lookahead=10:bframes=1:b-adapt=0"}),
    ("libopenh264", {"b": "4000000"}),
    ("mpeg4", {"flags": "+qscale", "global_quality": str(3 * 118)}),
)
"""In order of preference; the first that this build of FFmpeg has is taken."""
_BT709 = 1
_LIMITED_RANGE = 1
_GIF_FPS = 20
_QUEUED = 6
"""Pictures drawn ahead of the encoder."""


def render_video(
    path: str | Path,
    keypoints: Keypoints | None,
    motion: Motion | None,
    *,
    video: str | Path | None = None,
    video_start_s: float | int = 0.0,
    video_fps: Fraction | None = None,
    size: tuple[int, int] = (960, 540),
    fps: Fraction | float | int | str | None = None,
    title: str | None = None,
) -> None:
    """Write a video of the 2D input beside the 3D motion from the front, the side and between.

    Memory does not grow with the length of the clip. An ``.mp4`` is H.264 (4:2:0) with its index at the front, so that
    it plays while it loads; where FFmpeg was built without an H.264 encoder it is MPEG-4 part 2, and the log says so.

    Args:
        path: ``.mp4`` or ``.gif``.
        keypoints: the 2D; None shows only the motion.
        motion: the 3D; None shows only the keypoints.
        video: file to show under the keypoints, in step with their times.
        video_start_s: time in the video at which the keypoints' time is 0.
        video_fps: rate to play the video at instead of its own times, or that of a folder's pictures.
        size: ``(width, height)`` in pixels; for ``.mp4`` odd numbers are raised by one, as the format demands.
        fps: frame rate of the result; None for the input's own (``.gif``: the input's over a whole number, at most 20).
        title: shown at the bottom; None for the name of the source.

    Raises:
        InputError: nothing to draw, an impossible size, or a video that cannot be read.
        OutputError: an unknown suffix, or a file that cannot be written.
    """
    lead = motion if motion is not None else keypoints
    size, rate = terms(path, size, None if fps is None else exact_fps(fps), lead)
    clip = stage(
        keypoints,
        motion,
        video=video,
        video_start_s=video_start_s,
        video_fps=video_fps,
        size=size,
        fps=rate,
        title=title,
    )
    write_video(path, clip)


def terms(
    path: str | Path, size: tuple[int, int], asked: Fraction | None, lead: Motion | Keypoints | None
) -> tuple[tuple[int, int], Fraction | None]:
    """Size and frame rate as the format of ``path`` can hold them; ``lead`` is what sets the rate if none is asked for.

    Raises:
        InputError: a rate that the format cannot hold.
        OutputError: an unknown suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in VIDEO_SUFFIXES:
        raise OutputError(f"{path}: cannot write '{suffix}' as a video; known are {' '.join(VIDEO_SUFFIXES)}")
    if suffix == ".mp4":
        return (size[0] + size[0] % 2, size[1] + size[1] % 2), asked
    return size, _gif_rate(lead, asked)


def write_video(path: str | Path, clip: Stage) -> None:
    """Write a clip that is ready to be drawn, with size and rate from :func:`terms`.

    Raises:
        InputError: the video under it cannot be read.
        OutputError: the file cannot be written.
    """
    from av.error import FFmpegError

    write = _write_mp4 if Path(path).suffix.lower() == ".mp4" else _write_gif
    with atomic_path(path) as temporary:
        try:
            write(temporary, clip, Path(path))
        except FFmpegError as error:
            # Of the encoder or the disk: errors of the input are InputErrors by now.
            raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error


def render_frames(
    keypoints: Keypoints | None,
    motion: Motion | None,
    *,
    video: str | Path | None = None,
    video_start_s: float | int = 0.0,
    size: tuple[int, int] = (960, 540),
    fps: Fraction | float | int | str | None = None,
    title: str | None = None,
) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """The pictures of `render_video`, RGB, one after the other. Arguments and errors as there."""
    rate = None if fps is None else exact_fps(fps)
    clip = stage(keypoints, motion, video=video, video_start_s=video_start_s, size=size, fps=rate, title=title)
    return (np.asarray(picture) for picture in clip.pictures())


def _write_mp4(temporary: Path, clip: Stage, path: Path) -> None:
    import av
    from av.video.reformatter import Colorspace, VideoReformatter

    name, options = next((item for item in _ENCODERS if item[0] in av.codecs_available), ("", {}))
    if not name:
        raise OutputError(f"{path}: this build of FFmpeg has no encoder for .mp4; write a .gif instead")
    if name == "mpeg4":
        _LOG.warning("%s: no H.264 encoder in this build of FFmpeg; writing MPEG-4 part 2", path)
    rate = clip.timeline.fps
    with av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = cast("VideoStream", container.add_stream(name, rate=rate, options=options))
        stream.width, stream.height = clip.ground.size
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = 1 / rate
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        reformatter = VideoReformatter()

        def encode(item: tuple[int, Image.Image]) -> None:
            number, picture = item
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            frame = reformatter.reformat(frame, format="yuv420p", dst_colorspace=Colorspace.ITU709)
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))

        with in_background(encode) as put:
            for item in enumerate(clip.pictures()):
                put(item)
        container.mux(stream.encode(None))
    _LOG.info("%s: %d frames of %dx%d at %s fps, %s", path, len(clip.timeline), *clip.ground.size, rate, name)


@contextmanager
def in_background(consume: Callable) -> Iterator[Callable]:
    """A function that hands items to ``consume``, called in one other thread in order; its error is raised here."""
    items: queue.Queue = queue.Queue(_QUEUED)
    errors: list[BaseException] = []
    end = object()

    def work() -> None:
        while (item := items.get()) is not end:
            if not errors:
                try:
                    consume(item)
                except BaseException as error:
                    errors.append(error)

    def put(item: object) -> None:
        if errors:
            raise errors[0]
        items.put(item)

    thread = threading.Thread(target=work, name="maquette-encoder", daemon=True)
    thread.start()
    try:
        yield put
    finally:
        items.put(end)
        thread.join()
    if errors:
        raise errors[0]


def _gif_rate(lead: Motion | Keypoints | None, asked: Fraction | None) -> Fraction | None:
    """A rate that viewers keep to: browsers slow down what is faster than 50 frames/s."""
    if asked is not None:
        if asked > 50:
            raise InputError(f"fps {asked}: a .gif shows at most 50 frames/s; give a lower fps or write .mp4")
        return asked
    return None if lead is None else lead.fps / max(1, -(-lead.fps // _GIF_FPS))


def _write_gif(temporary: Path, clip: Stage, path: Path) -> None:
    import av

    palette_image, palette = _common_palette(clip)
    rate, count = clip.timeline.fps, len(clip.timeline)
    # A GIF counts hundredths of a second: each frame begins at its exact time, rounded, so that errors do not add up.
    begins = [round(100 * number / rate) for number in range(count + 1)]
    options = {"loop": "0", "final_delay": str(max(begins[-1] - begins[-2], 2))}
    with av.open(str(temporary), "w", format="gif", options=options) as container:
        stream = cast("VideoStream", container.add_stream("gif", rate=100))
        stream.width, stream.height = clip.ground.size
        stream.pix_fmt = "pal8"
        stream.codec_context.time_base = Fraction(1, 100)

        def encode(item: tuple[int, Image.Image]) -> None:
            number, picture = item
            indices = np.asarray(picture.quantize(palette=palette_image, dither=Image.Dither.NONE))
            frame = av.VideoFrame.from_ndarray((indices, palette), format="pal8")  # pyright: ignore[reportArgumentType]
            frame.pts, frame.time_base = begins[number], Fraction(1, 100)
            container.mux(stream.encode(frame))

        with in_background(encode) as put:
            for item in enumerate(clip.pictures()):
                put(item)
        container.mux(stream.encode(None))
    _LOG.info("%s: %d frames of %dx%d at %.4g fps, GIF", path, count, *clip.ground.size, float(rate))


def _common_palette(clip: Stage) -> tuple[Image.Image, UInt8[np.ndarray, "256 4"]]:
    """255 colours for the whole clip as Pillow's palette image and as ARGB: the drawing's own, then of a few frames.

    The last entry is transparent: the encoder uses it for what stays the same, which makes the file several times
    smaller.
    """
    frames = np.unique(np.linspace(0, len(clip.timeline) - 1, 6).astype(int))
    pictures = [picture.resize((picture.width // 2, picture.height // 2)) for picture in clip.pictures(frames)]
    width, height = pictures[0].size
    sample = Image.new("RGB", (width, height * len(pictures)))
    for row, picture in enumerate(pictures):
        sample.paste(picture, (0, row * height))
    own = drawing_colours()
    colours = sample.quantize(255 - len(own), method=Image.Quantize.MEDIANCUT)
    found = np.array(colours.getpalette(), dtype=np.uint8).reshape(-1, 3)[: 255 - len(own)]
    # Entries that are left over repeat the first colour.
    rgb = np.broadcast_to(own[0], (256, 3)).copy()
    rgb[: len(own)] = own
    rgb[len(own) : len(own) + len(found)] = found
    palette_image = Image.new("P", (1, 1))
    palette_image.putpalette(rgb.tobytes())
    argb = np.concatenate((np.full((256, 1), 255, dtype=np.uint8), rgb), axis=1)
    argb[255] = 0
    return palette_image, argb

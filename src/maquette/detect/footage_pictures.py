"""Photos, animated pictures and folders of pictures, by Pillow."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from maquette.detect.detector import Picture
from maquette.detect.footage_rate import rate_of
from maquette.detect.footage_shots import ASSUMED_FPS, MAX_PIXELS, Reel, Shot
from maquette.errors import InputError

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM", "AVIF")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pnm", ".avif")
_ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
_FAULTS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    AttributeError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow raises on damaged files."""


@contextmanager
def picture_file(path: Path) -> Iterator[Image.Image | None]:
    """The file as Pillow sees it before decoding; None if it is no picture.

    Raises:
        InputError: it has too many pixels, or is damaged.
    """
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                image = Image.open(path, formats=formats)
            except Image.UnidentifiedImageError:
                image = None
            if image is None:
                yield None
                return
            with image:
                if image.width * image.height > MAX_PIXELS:
                    raise InputError(_too_large(path, f"{image.width}x{image.height} pixels are"))
                yield image
    except Image.DecompressionBombError:
        raise InputError(_too_large(path, "its pixels are")) from None
    except InputError:
        raise
    except _FAULTS as error:
        raise InputError(f"{path}: the picture is damaged ({error})") from error


def _too_large(path: Path, what: str) -> str:
    return (
        f"{path}: {what} too many; pictures of up to {MAX_PIXELS // 1_000_000} megapixels can be read: shrink it first"
    )


def rgb(image: Image.Image) -> Picture:
    """RGB of any mode: transparent parts are laid over white, 16 bits become 8."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.float64)
        if image.mode == "F":
            values = values * 255 if np.nanmax(values, initial=0) <= 1 else values
        elif image.mode != "I" or np.max(values, initial=0) > 255:
            values = values / 257
        grey = np.nan_to_num(np.clip(np.rint(values), 0, 255)).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", over.size, (255, 255, 255, 255)), over)
    return np.array(image.convert("RGB"))


def read_picture(path: Path) -> Picture:
    """One picture, upright.

    Raises:
        InputError: no picture, too large, or damaged.
    """
    with picture_file(path) as image:
        if image is None:
            raise InputError(f"{path}: is no picture that can be read; known are {' '.join(SUFFIXES)}")
        return rgb(ImageOps.exif_transpose(image))
    raise AssertionError


def resized(picture: Picture, size: tuple[int, int] | None) -> Picture:
    """The picture at another size."""
    if size is None or size == (picture.shape[1], picture.shape[0]):
        return picture
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX if size[0] < picture.shape[1] else 3))


def open_picture(path: Path, fps: Fraction | None) -> Reel | None:
    """A photo or an animated picture; None if the file is neither.

    Raises:
        InputError: too large, or damaged.
    """
    with picture_file(path) as image:
        if image is None:
            return None
        pages = getattr(image, "n_frames", 1)
        if pages > 1 and image.format in _ANIMATED:
            return _animation(path, image, fps)
        notes = (f"has {pages} pages; the first is taken",) if pages > 1 and image.format == "TIFF" else ()
    picture = read_picture(path)
    size = (picture.shape[1], picture.shape[0])

    def shots(_: list[str], __: float) -> Iterator[Shot]:
        yield Shot(0, 0.0, partial(resized, picture))

    return Reel(fps or ASSUMED_FPS, False, size, 1, notes, shots, is_still=True)


def _animation(path: Path, image: Image.Image, fps: Fraction | None) -> Reel:
    notes: list[str] = []
    durations = []
    try:
        for number in range(image.n_frames):  # pyright: ignore
            image.seek(number)
            image.load()
            durations.append(round(float(image.info.get("duration", 0) or 0)))
    except _FAULTS:
        notes.append(f"breaks off after {len(durations)} of its pictures")
    if not durations:
        raise InputError(f"{path}: not one of its pictures can be decoded")
    if min(durations) <= 0:
        notes.append("pictures without a duration are shown for 0.1 s, as browsers do")
    shown_ms = np.array([duration if duration > 0 else 100 for duration in durations], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(shown_ms)[:-1]])
    tick = Fraction(1, 100 if image.format == "GIF" else 1000)
    rate = rate_of(starts // (10 if image.format == "GIF" else 1), tick, ())
    if len(starts) == 1:
        rate = rate_of(np.array([0, shown_ms[0]]), Fraction(1, 1000), ())
    if rate.is_variable and fps is None:
        notes.append(f"its pictures are shown for {shown_ms.min()} to {shown_ms.max()} ms")
    times = [float(k / fps) for k in range(len(starts))] if fps else (starts / 1000).tolist()

    def shots(notes: list[str], from_s: float) -> Iterator[Shot]:
        with picture_file(path) as again:
            assert again is not None
            for number, time_s in enumerate(times):
                again.seek(number)
                again.load()
                yield Shot(number, time_s, lambda size: resized(rgb(again), size))

    return Reel(fps or rate.fps, rate.is_variable and fps is None, image.size, len(starts), tuple(notes), shots)

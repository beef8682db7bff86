"""Photos, by Pillow: any mode, upright."""

import struct
import warnings
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from maquette.detect.detector import Picture
from maquette.detect.footage_shots import ASSUMED_FPS, MAX_PIXELS, Reel, Shot
from maquette.errors import InputError

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM", "AVIF")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pnm", ".avif")
PICTURE_FAULTS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow raises on damaged files."""
_RAW_SUFFIXES = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw", ".3fr", ".iiq")
"""Of cameras. Pillow would take the thumbnail in some of them for the picture."""
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")


@contextmanager
def picture_file(path: Path) -> Iterator[Image.Image | None]:
    """The file as Pillow sees it before decoding; None if it is no picture.

    Raises:
        InputError: it has too many pixels, is damaged, or of a kind that only looks as if it could be read.
    """
    _refuse_strangers(path)
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    try:
        # Pillow warns of large pictures, of odd tags, of animations cut off: what matters is said here.
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
    except PICTURE_FAULTS as error:
        raise InputError(f"{path}: the picture is damaged ({error or type(error).__name__})") from error


def _too_large(path: Path, what: str) -> str:
    return (
        f"{path}: {what} too many; pictures of up to {MAX_PIXELS // 1_000_000} megapixels can be read: shrink it first"
    )


def _refuse_strangers(path: Path) -> None:
    if path.suffix.lower() in _RAW_SUFFIXES:
        raise InputError(f"{path}: raw files of cameras cannot be read; export the picture as JPEG or PNG")
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF and not (head[8:11] == b"avi" and "AVIF" in Image.OPEN):
        kind = "AVIF" if head[8:11] == b"avi" else "HEIC"
        raise InputError(f"{path}: {kind} pictures cannot be read; save it as JPEG or PNG")


def rgb(image: Image.Image) -> Picture:
    """RGB of any mode: 16 bits become 8, transparent parts are laid over white, as viewers do."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.float64)
        if image.mode == "F":
            values = values * 255 if np.nanmax(values, initial=0) <= 1 else values
        elif image.mode != "I" or np.max(values, initial=0) > 255:
            values = values / 257
        grey = np.nan_to_num(np.clip(np.rint(values), 0, 255)).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.has_transparency_data:
        over = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", over.size, (255, 255, 255, 255)), over)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def read_picture(path: Path) -> Picture:
    """One picture, upright.

    Raises:
        InputError: no picture, too large, or damaged.
    """
    with picture_file(path) as image:
        if image is None:
            raise InputError(f"{path}: is no picture that can be read; known are {' '.join(SUFFIXES)}")
        ImageOps.exif_transpose(image, in_place=True)
        picture = rgb(image)
    return picture


def resized(picture: Picture, size: tuple[int, int] | None) -> UInt8[np.ndarray, "new_height new_width 3"]:
    """The picture at another size, ``(width, height)``; None for its own."""
    if size is None or size == (picture.shape[1], picture.shape[0]):
        return picture
    smaller = size[0] < picture.shape[1]
    how = Image.Resampling.BOX if smaller else Image.Resampling.BICUBIC
    return np.array(Image.fromarray(picture).resize(size, how))


def open_still(path: Path, fps: Fraction | None, notes: tuple[str, ...] = ()) -> Reel:
    """A photo: a clip of one picture.

    Raises:
        InputError: no picture, too large, or damaged.
    """
    picture = read_picture(path)

    def shots(_: list[str], __: float) -> Generator[Shot]:
        yield Shot(0, 0.0, partial(resized, picture))

    size = (picture.shape[1], picture.shape[0])
    return Reel(fps or ASSUMED_FPS, False, size, 1, notes, shots, is_still=True)

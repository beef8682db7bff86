"""Made-up videos whose pictures carry their number, in twelve blocks: bright for a one, dark for a nought."""

import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from maquette.detect.footage import Footage

WIDTH, HEIGHT = 96, 64
_BITS, _COLUMNS, _BLOCK = 12, 6, (16, 32)
UPRIGHT = (1, 0, 0, 1)


def numbered(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A picture that shows a number."""
    small = np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8)
    for bit in range(_BITS):
        row, column = divmod(bit, _COLUMNS)
        x, y = column * _BLOCK[0], row * _BLOCK[1]
        small[y : y + _BLOCK[1], x : x + _BLOCK[0]] = 230 if number >> bit & 1 else 20
    rows, columns = np.arange(height) * HEIGHT // height, np.arange(width) * WIDTH // width
    return small[rows][:, columns]


def number_of(picture: np.ndarray) -> int:
    """The number that a picture shows, read from the middles of its blocks."""
    height, width = picture.shape[:2]
    number = 0
    for bit in range(_BITS):
        row, column = divmod(bit, _COLUMNS)
        x, y = (column + 0.5) * _BLOCK[0] / WIDTH * width, (row + 0.5) * _BLOCK[1] / HEIGHT * height
        number |= int(picture[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].mean() > 128) << bit
    return number


def seen(footage: Footage, every: int = 1) -> tuple[list[int], list[float], list[int]]:
    """``(indices, times_s, numbers shown)`` of the frames."""
    frames = [(frame.index, frame.time_s, number_of(frame.picture)) for frame in footage.frames(every)]
    return tuple(map(list, zip(*frames, strict=True))) if frames else ([], [], [])  # pyright: ignore


def write_numbered(
    path: Path,
    count: int,
    fps: Fraction | int = 25,
    *,
    tick_s: Fraction | None = None,
    stamps: Sequence[int] | None = None,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    pixel_aspect: Fraction | None = None,
    container_options: dict[str, str] | None = None,
    picture: Callable[[int, int, int], np.ndarray] = numbered,
) -> Path:
    """A video; picture k shows k, at time ``stamps[k] * tick_s`` (``k / fps`` unless told otherwise)."""
    tick_s = 1 / Fraction(fps) if tick_s is None else tick_s
    if options is None:
        options = {"bf": "3", "g": "20", "threads": "1"} if codec == "libx264" else {}
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=Fraction(fps), options=options)
        stream.width, stream.height, stream.pix_fmt = *size, pixels  # pyright: ignore
        stream.codec_context.time_base = tick_s
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect  # pyright: ignore
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), format="rgb24")
            frame.pts, frame.time_base = number if stamps is None else int(stamps[number]), tick_s
            container.mux(stream.encode(frame))  # pyright: ignore
        container.mux(stream.encode(None))  # pyright: ignore
    return path


def lay(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write a display matrix (a, b, c, d) into the header of an MP4 file, as telephones do."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 44
    assert struct.unpack(">9i", data[place : place + 36]) == (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    a, b, c, d = (value << 16 for value in matrix)
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(bytes(data))
    return path


def with_hole(path: Path, start: float, length: float, seed: int = 0) -> Path:
    """Overwrite a part of a file (shares of its length) with noise."""
    data = bytearray(path.read_bytes())
    first, count = int(len(data) * start), max(int(len(data) * length), 1)
    data[first : first + count] = np.random.default_rng(seed).bytes(count)
    path.write_bytes(bytes(data))
    return path

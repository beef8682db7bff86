"""Animated GIF, WebP, PNG and AVIF, by Pillow, with the time that each picture is shown for."""

from collections.abc import Generator
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from maquette.detect.footage_pictures import PICTURE_FAULTS, open_still, picture_file, resized, rgb
from maquette.detect.footage_rate import rate_of
from maquette.detect.footage_shots import Reel, Shot
from maquette.errors import InputError

_ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
_TICKS_PER_S = {"GIF": 100, "WEBP": 1000, "PNG": 1_000_000, "AVIF": 1_000_000}
_UNTIMED_MS = 100.0


def open_picture(path: Path, fps: Fraction | None) -> Reel | None:
    """A photo or an animation; None if the file is neither.

    Raises:
        InputError: too large, or damaged.
    """
    with picture_file(path) as image:
        if image is None:
            return None
        pages, kind = _pages(image), image.format
        if pages > 1 and kind in _ANIMATED:
            return _animation(path, image, fps)
    return open_still(path, fps, (f"it has {pages} pages; the first is taken",) if pages > 1 and kind == "TIFF" else ())


def _pages(image: Image.Image) -> int:
    try:
        return int(getattr(image, "n_frames", 1))
    except PICTURE_FAULTS:
        return 2  # More than one, and damaged behind it.


def _animation(path: Path, image: Image.Image, fps: Fraction | None) -> Reel:
    notes = []
    shown_ms, fault = _durations_ms(image)
    if not shown_ms:
        raise InputError(f"{path}: not one of its pictures can be decoded ({fault})")
    if fault:
        notes.append(f"breaks off after {len(shown_ms)} pictures ({fault})")
    if min(shown_ms) <= 0 and fps is None:
        notes.append("pictures without a duration are shown for 0.1 s, as browsers do")
    ends_ms = np.cumsum([duration if duration > 0 else _UNTIMED_MS for duration in shown_ms])
    ticks = np.rint(np.concatenate([[0.0], ends_ms]) / 1000 * _TICKS_PER_S[image.format or ""]).astype(np.int64)
    # The last picture's duration belongs to the rate of a clip of two; of a long one, it is often a pause.
    counted = ticks if len(shown_ms) == 1 else ticks[:-1]
    tick_s = Fraction(1, _TICKS_PER_S[image.format or ""])
    rate = rate_of(counted, tick_s, ())
    if rate.is_variable and fps is None:
        notes.append(f"its pictures are shown for {min(shown_ms):g} to {max(shown_ms):g} ms")
    starts = [int(tick) * tick_s for tick in ticks[:-1]]
    if fps is not None:
        places = [(number, float(number / fps)) for number in range(len(starts))]
    elif rate.is_variable:
        places = [(number, float(start)) for number, start in enumerate(starts)]
    else:
        places = [(round(start * rate.fps), float(start)) for start in starts]
    return Reel(
        fps=fps or rate.fps,
        is_variable=rate.is_variable and fps is None,
        size=image.size,
        n_frames=places[-1][0] + 1,
        notes=tuple(notes),
        shots=partial(_shots, path, image.size, places),
    )


def _durations_ms(image: Image.Image) -> tuple[list[float], str]:
    """Of each picture that can be decoded, and why it ends if not with the last one."""
    shown: list[float] = []
    try:
        while True:
            image.seek(len(shown))
            image.load()
            shown.append(float(image.info.get("duration") or 0.0))
    except EOFError:
        return shown, ""
    except PICTURE_FAULTS as error:
        return shown, str(error) or type(error).__name__


def _shots(
    path: Path, size: tuple[int, int], places: list[tuple[int, float]], notes: list[str], from_s: float
) -> Generator[Shot]:
    """See :data:`maquette.detect.footage_shots.Shots`."""
    with picture_file(path) as image:
        if image is None:
            raise InputError(f"{path}: has changed while it was read")
        for number, (index, time_s) in enumerate(places):
            image.seek(number)
            # A picture that is larger than the first one's sheet makes Pillow enlarge it.
            picture = rgb(image if image.size == size else image.crop((0, 0, *size)))
            yield Shot(index, time_s, partial(resized, picture))

"""Pictures of footage at given times, to draw upon."""

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from maquette.detect.footage import open_footage
from maquette.detect.footage_shots import Shot
from maquette.errors import InputError

_LOG = logging.getLogger(__name__)


def video_size(path: str | Path) -> tuple[int, int]:
    """``(width, height)`` of footage as it is shown: the turn that telephones write into the file is done.

    Raises:
        InputError: the file is missing, or nothing in it can be seen.
    """
    return open_footage(path).size


def pictures_at(
    path: str | Path,
    times_s: Float[np.ndarray, " frames"],
    size: tuple[int, int],
    *,
    fps: Fraction | float | int | str | None = None,
) -> Iterator[Image.Image]:
    """The picture shown at each time (0 is the first picture), scaled to ``size``. Only one is in memory.

    Times must not decrease. Before the first picture the first is given, after the last the last.

    Args:
        path: whatever :func:`maquette.detect.footage.open_footage` takes: a video, a photo, a folder of pictures.
        fps: its rate, as there.

    Raises:
        InputError: the file is missing, or nothing in it can be seen.
    """
    footage = open_footage(path, fps=fps)
    # A time that falls on a picture's own, give or take rounding in the container, means that picture.
    slack_s = 0.25 / float(footage.fps)
    with footage:
        shots = footage.shots(from_s=float(times_s[0]) if len(times_s) else 0.0)
        current, following = next(shots, None), next(shots, None)
        if current is None:
            raise InputError(f"{path}: its pictures cannot be read any more; has the file changed?")
        picture = _developed(current, size)
        warned = footage.is_still
        for time_s in times_s:
            if following is not None and following.time_s <= time_s + slack_s:
                while following is not None and following.time_s <= time_s + slack_s:
                    current, following = following, next(shots, None)
                picture = _developed(current, size) or picture
            if following is None and time_s > current.time_s + 1.0 and not warned:
                _LOG.warning("%s ends at %.1f s, before the keypoints; its last picture stays", path, current.time_s)
                warned = True
            yield picture or Image.new("RGB", size)


def _developed(shot: Shot, size: tuple[int, int]) -> Image.Image | None:
    picture = shot.develop(size)
    return None if picture is None else Image.fromarray(picture)

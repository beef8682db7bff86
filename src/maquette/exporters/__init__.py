"""``write_motion``: a motion to a file, the format by its suffix."""

import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from maquette.errors import OutputError
from maquette.exporters.choices import LengthUnit, RotationOrder
from maquette.frozen_arrays import exact_fps
from maquette.keypoints import Keypoints
from maquette.motion import Motion


@dataclass(frozen=True)
class _Wish:
    """The arguments of :func:`write_motion`, of which each format takes what concerns it."""

    motion: Motion
    path: Path
    keypoints: Keypoints | None
    video: str | Path | None
    video_start_s: float
    video_fps: Fraction | None
    rotation_order: RotationOrder
    unit: LengthUnit
    size: tuple[int, int]
    frame: int | None
    fork_legacy: bool


def _bvh(wish: _Wish) -> None:
    from maquette.exporters.bvh import write_bvh

    write_bvh(wish.motion, wish.path, rotation_order=wish.rotation_order, unit=wish.unit)


def _glb(wish: _Wish) -> None:
    from maquette.exporters.glb import write_glb

    write_glb(wish.motion, wish.path)


def _npz(wish: _Wish) -> None:
    from maquette.exporters.npz import write_npz

    write_npz(wish.motion, wish.path)


def _json(wish: _Wish) -> None:
    from maquette.exporters.json import write_json

    write_json(wish.motion, wish.path)


def _csv(wish: _Wish) -> None:
    from maquette.exporters.csv import write_csv

    write_csv(wish.motion, wish.path)


def _video(wish: _Wish) -> None:
    from maquette.render import render_video

    render_video(
        wish.path,
        wish.keypoints,
        wish.motion,
        video=wish.video,
        video_start_s=wish.video_start_s,
        video_fps=wish.video_fps,
        size=wish.size,
    )


def _picture(wish: _Wish) -> None:
    from maquette.render import render_picture

    render_picture(
        wish.path,
        wish.keypoints,
        wish.motion,
        frame=wish.frame,
        video=wish.video,
        video_start_s=wish.video_start_s,
        video_fps=wish.video_fps,
        size=wish.size,
    )


def _fork_json(wish: _Wish) -> None:
    from maquette.exporters.fork_json import write_fork_json

    write_fork_json(wish.motion, wish.path, keypoints=wish.keypoints, legacy=wish.fork_legacy)


FORK_JSON = "3d_data.json"
"""Name of the file that 3d-pose-baseline's OpenPose fork writes; a name that ends so decides before the suffix does."""

WRITERS: dict[str, Callable[[_Wish], None]] = {
    ".bvh": _bvh,
    ".glb": _glb,
    ".npz": _npz,
    ".json": _json,
    ".csv": _csv,
    ".mp4": _video,
    ".gif": _video,
    ".png": _picture,
}
"""What is written for each suffix."""


def check_output(path: str | Path) -> None:
    """Refuse a path that cannot be written, before any work is done.

    Raises:
        OutputError: its suffix is unknown, it is a folder, a device or a pipe, its folder is a file, or that folder (or
            the nearest one that exists) takes no files.
    """
    target = Path(path)
    if not target.name.endswith(FORK_JSON) and target.suffix.lower() not in WRITERS:
        seen = f"'{target.suffix}' is no suffix that can be written" if target.suffix else "the name has no suffix"
        raise OutputError(f"{target}: {seen}; known are {' '.join(WRITERS)} and {FORK_JSON}")
    mode = _mode(target)
    if mode is not None and stat.S_ISDIR(mode):
        raise OutputError(f"{target}: is a folder, expected the name of a file")
    if mode is not None and not stat.S_ISREG(mode):
        raise OutputError(f"{target}: is a device or a pipe, expected the name of a file")
    folder = next((parent for parent in target.parents if parent.exists()), Path())
    if not folder.is_dir():
        raise OutputError(f"{target}: {folder} is a file, not a folder")
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OutputError(f"{target}: cannot write there ({error.strerror}); choose another output folder") from None


def _mode(target: Path) -> int | None:
    """What is there already, None for nothing.

    Raises:
        OutputError: no file can have such a name.
    """
    try:
        return target.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise OutputError(f"{str(target)[:200]!r}: cannot be the name of a file ({reason})") from None


def write_motion(
    motion: Motion,
    path: str | Path,
    *,
    keypoints: Keypoints | None = None,
    video: str | Path | None = None,
    video_start_s: float | int = 0.0,
    video_fps: Fraction | float | int | str | None = None,
    rotation_order: RotationOrder = "ZXY",
    unit: LengthUnit = "cm",
    size: tuple[int, int] = (960, 540),
    frame: int | None = None,
    fork_legacy: bool = False,
) -> None:
    """Write a motion; the suffix of ``path`` decides the format. Files appear whole or not at all.

    ``.bvh`` (animation), ``.glb`` (animated skinned body), ``.npz`` (without loss), ``.json``, ``.csv``, ``.mp4``,
    ``.gif`` and ``.png`` (2D beside 3D), or a path that ends in ``3d_data.json`` (the files of 3d-pose-baseline's
    OpenPose fork).

    Args:
        motion: what to write.
        path: the file; folders on the way are made.
        keypoints: the 2D that the motion was made from, for pictures and for the fork's files.
        video: video to draw the 2D on, for pictures.
        video_start_s: time in the video at which the motion starts, in seconds.
        video_fps: rate to play the video at instead of its own times, or that of a folder's pictures.
        rotation_order: order of the rotation channels of ``.bvh``.
        unit: unit of length of ``.bvh``.
        size: (width, height) of pictures in pixels.
        frame: which frame a ``.png`` shows; the middle one when None.
        fork_legacy: write ``3d_data.json`` in the fork's own quirky coordinates (see
            :func:`maquette.exporters.fork_json.write_fork_json`).

    Raises:
        OutputError: the suffix is unknown, the format cannot hold the motion (the text says why), or it cannot be
            written.
    """
    check_output(path)
    target = Path(path)
    rate = None if video_fps is None else exact_fps(video_fps)
    wish = _Wish(
        motion,
        target,
        keypoints,
        video,
        float(video_start_s),
        rate,
        rotation_order,
        unit,
        size,
        frame,
        fork_legacy,
    )
    if target.name.endswith(FORK_JSON):
        _fork_json(wish)
    else:
        WRITERS[target.suffix.lower()](wish)

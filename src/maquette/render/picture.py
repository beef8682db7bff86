"""Still pictures: one frame as ``.png`` or ``.jpg``, and several in a row for a report."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from maquette.atomic import atomic_path
from maquette.errors import InputError, OutputError
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.render.look import PAPER
from maquette.render.stage import Stage, stage

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")

_OVERSAMPLING = 4


def render_picture(
    path: str | Path,
    keypoints: Keypoints | None,
    motion: Motion | None,
    frame: int | None = None,
    *,
    video: str | Path | None = None,
    video_start_s: float | int = 0.0,
    video_fps: Fraction | None = None,
    size: tuple[int, int] = (960, 540),
    title: str | None = None,
) -> None:
    """Write one frame of `render_video` as a picture.

    Args:
        path: ``.png`` or ``.jpg``.
        frame: number of the frame, from 0 (negative counts from the end); None for the one nearest the middle among
            those in which most is seen.

    Other arguments as for `render_video`.

    Raises:
        InputError: nothing to draw, no such frame, an impossible size, or a video that cannot be read.
        OutputError: an unknown suffix, or a file that cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in PICTURE_SUFFIXES:
        raise OutputError(f"{path}: cannot write '{suffix}' as a picture; known are {' '.join(PICTURE_SUFFIXES)}")
    clip = stage(
        keypoints, motion, video=video, video_start_s=video_start_s, video_fps=video_fps, size=size, title=title
    )
    write_still(path, clip, frame)


def write_still(path: str | Path, clip: Stage, frame: int | None = None) -> None:
    """Write one frame of a clip that is ready to be drawn; ``frame`` as for :func:`render_picture`.

    Raises:
        InputError: no such frame.
        OutputError: the file cannot be written.
    """
    count = len(clip.timeline)
    if frame is None:
        frame = most_visible(clip)
    if not -count <= frame < count:
        raise InputError(f"frame {frame}: no such frame; there are {count}, from 0 to {count - 1}")
    picture = next(clip.pictures(np.array([frame % count]), oversampling=_OVERSAMPLING))
    with atomic_path(path) as temporary:
        picture.save(temporary, quality=92) if Path(path).suffix.lower() != ".png" else picture.save(
            temporary, optimize=True
        )


def most_visible(clip: Stage) -> int:
    """The frame nearest the middle of those in which most joints are seen (and believed)."""
    line = clip.timeline
    seen = np.zeros(len(line))
    if clip.view_panels and line.motion_index is not None:
        positions = clip.view_panels[0].motion.positions
        share = np.isfinite(positions).all(axis=-1).mean(axis=1)
        seen += np.where(line.motion_index >= 0, share[line.motion_index], 0.0)
    if clip.keypoints_panel is not None and line.keypoints_index is not None:
        confidence = clip.keypoints_panel.keypoints.confidence.mean(axis=1)
        seen += np.where(line.keypoints_index >= 0, confidence[line.keypoints_index], 0.0)
    good = np.flatnonzero(seen >= 0.97 * seen.max())
    return int(good[np.argmin(np.abs(good - len(line) / 2))])


def contact_sheet(
    motion: Motion | None,
    keypoints: Keypoints | None,
    frames: list[int],
    *,
    columns: int = 2,
    tile: tuple[int, int] = (640, 360),
    video: str | Path | None = None,
    video_start_s: float | int = 0.0,
) -> Image.Image:
    """Several frames of `render_video` in rows, for a report.

    Args:
        motion: the 3D, or None.
        keypoints: the 2D, or None.
        frames: numbers of the frames, ascending, from 0.
        columns: tiles in a row.
        tile: ``(width, height)`` of one in pixels.
        video: as for `render_video`.
        video_start_s: as for `render_video`.

    Raises:
        InputError: nothing to draw, frames that do not exist or do not ascend, or a video that cannot be read.
    """
    clip = stage(keypoints, motion, video=video, video_start_s=video_start_s, size=tile, title="")
    count = len(clip.timeline)
    if not frames or frames != sorted(frames) or frames[0] < 0 or frames[-1] >= count:
        raise InputError(f"frames {frames}: expected numbers from 0 to {count - 1} in ascending order")
    gap = max(4, tile[1] // 40)
    rows = -(-len(frames) // columns)
    across = min(columns, len(frames))
    sheet = Image.new("RGB", (across * (tile[0] + gap) - gap, rows * (tile[1] + gap) - gap), PAPER)
    for place, picture in enumerate(clip.pictures(np.array(frames), oversampling=_OVERSAMPLING)):
        sheet.paste(picture, ((place % columns) * (tile[0] + gap), (place // columns) * (tile[1] + gap)))
    return sheet

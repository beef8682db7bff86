"""The 2D beside several motions of one clip, all from the camera's side: a reconstruction and the ground truth."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from maquette.errors import InputError
from maquette.frozen_arrays import exact_fps
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.render.figure import Box
from maquette.render.look import PAPER
from maquette.render.panels import ViewPanel, keypoints_panel, scale_to_fit, view_panel
from maquette.render.picture import PICTURE_SUFFIXES, write_still
from maquette.render.stage import Stage, check_size, draw_footer
from maquette.render.timeline import timeline
from maquette.render.video import terms, write_video
from maquette.render.views import Extent, View, extent, followed_path, standard_views, view_axes

_ELEVATION_RAD = np.radians(15)
_DISTANCE_M = 6.0


def render_comparison(
    path: str | Path,
    keypoints: Keypoints | None,
    motions: Mapping[str, Motion],
    *,
    video: str | Path | None = None,
    video_start_s: float | int = 0.0,
    size: tuple[int, int] = (1280, 480),
    fps: Fraction | float | int | str | None = None,
    frame: int | None = None,
    title: str = "",
) -> None:
    """Write a video (``.mp4``, ``.gif``) or a picture (``.png``, ``.jpg``) of the 2D input and of motions beside each
    other.

    Args:
        path: of the video or picture.
        keypoints: the 2D; None shows only the motions.
        motions: title of the panel -> motion; all of one clip, with as many frames, in the same frame of reference.
            The views follow the last one (the ground truth) and have one scale.
        video, video_start_s, size, fps, title: as for :func:`maquette.render.render_video`.
        frame: which frame, for a picture; as for :func:`maquette.render.render_picture`.

    Raises:
        InputError: nothing to draw, motions that do not belong together, an impossible size, a video that cannot be
            read.
        OutputError: an unknown suffix, or a file that cannot be written.
    """
    lead = next(iter(motions.values()), None) or keypoints
    rate = None if fps is None else exact_fps(fps)
    still = Path(path).suffix.lower() in PICTURE_SUFFIXES
    if not still:
        size, rate = terms(path, size, rate, lead)
    clip = comparison_stage(
        keypoints, motions, video=video, video_start_s=video_start_s, size=size, fps=rate, title=title
    )
    write_still(path, clip, frame) if still else write_video(path, clip)


def comparison_stage(
    keypoints: Keypoints | None,
    motions: Mapping[str, Motion],
    *,
    video: str | Path | None = None,
    video_start_s: float | int = 0.0,
    size: tuple[int, int] = (1280, 480),
    fps: Fraction | None = None,
    title: str = "",
) -> Stage:
    """The clip of :func:`render_comparison`, ready to be drawn."""
    check_size(size)
    _check(motions)
    first = next(iter(motions.values()), None)
    line = timeline(keypoints, first, fps)
    unit_px = max(10.0, min(size[1] / 34, size[0] / 50))
    image_size = None if keypoints is None else keypoints.image_size
    aspect = None if keypoints is None else (image_size[0] / image_size[1] if image_size else 1.0)
    input_box, boxes, footer = _boxes(size, aspect, len(motions), unit_px)
    ground = Image.new("RGB", size, PAPER)
    input_panel = None
    if keypoints is not None and input_box is not None:
        input_panel = keypoints_panel(input_box, keypoints, image_size, on_video=video is not None, unit_px=unit_px)
        input_panel.draw_ground(ground)
    panels = _panels(motions, boxes, unit_px)
    for panel in panels:
        panel.draw_ground(ground)
    draw_footer(ground, footer, unit_px, title)
    return Stage(
        ground=ground,
        keypoints_panel=input_panel,
        view_panels=panels,
        footer=footer,
        unit_px=unit_px,
        timeline=line,
        video=Path(video) if video is not None and keypoints is not None else None,
        video_start_s=video_start_s,
        frame_total=len(line) if first is None else first.n_frames,
    )


def _check(motions: Mapping[str, Motion]) -> None:
    kinds = {(motion.n_frames, motion.frame, motion.fps) for motion in motions.values()}
    if len(kinds) > 1:
        seen = "; ".join(f"{n} frames in the {frame} frame at {fps} fps" for n, frame, fps in sorted(kinds))
        raise InputError(f"motions to compare differ: {seen}; expected the same clip in all of them")


def _boxes(
    size: tuple[int, int], aspect: float | None, views: int, unit_px: float
) -> tuple[Box | None, list[Box], Box]:
    """The input as broad as its picture at full height (25 to 45 % of the whole), the rest shared equally."""
    width, height = size
    gap = max(2, round(0.5 * unit_px))
    bottom = height - round(2.0 * unit_px)
    left, input_box = gap, None
    if aspect is not None:
        share = float(np.clip((bottom - gap) * aspect / width, 0.25, 0.45)) if views else 1.0
        right = max(left + 1, round(share * width)) if views else width - gap
        input_box, left = (left, gap, right, bottom), right + gap
    # As wide as each other to the pixel: equal motions must look equal.
    each = (width - gap - left - gap * (views - 1)) // max(views, 1)
    boxes = [(left + i * (each + gap), gap, left + i * (each + gap) + each, bottom) for i in range(views)]
    return input_box, boxes, (gap, bottom, width - gap, height)


def _panels(motions: Mapping[str, Motion], boxes: list[Box], unit_px: float) -> tuple[ViewPanel, ...]:
    if not motions:
        return ()
    *_, leader = motions.values()
    followed: Float[np.ndarray, "frames 3"] = followed_path(leader)
    towards = standard_views(leader)[0].R_view_scene[2]
    axes = view_axes(float(np.arctan2(towards[0], towards[2])), _ELEVATION_RAD)
    views = {title: View(title, axes, _DISTANCE_M) for title in motions}
    spaces = [extent(motion, views[title], followed) for title, motion in motions.items()]
    space = Extent(max(s.half_width_m for s in spaces), min(s.bottom_m for s in spaces), max(s.top_m for s in spaces))
    px_per_m = min(scale_to_fit(box, space, unit_px) for box in boxes)
    return tuple(
        view_panel(box, views[title], motion, followed, space, px_per_m=px_per_m, unit_px=unit_px)
        for box, (title, motion) in zip(boxes, motions.items(), strict=True)
    )

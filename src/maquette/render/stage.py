"""A clip made ready to be drawn: everything that stays the same is worked out (and drawn) once."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from pathlib import Path

import numpy as np
from jaxtyping import Int
from PIL import Image, ImageDraw

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.render.figure import Box
from maquette.render.footage import pictures_at, video_size
from maquette.render.layout import Layout, arrange
from maquette.render.look import INK, LINE, MUTED, PAPER, SIDE_COLOURS, font, shortened
from maquette.render.panels import KeypointsPanel, ViewPanel, keypoints_panel, scale_to_fit, view_panel
from maquette.render.timeline import Timeline, timeline
from maquette.render.views import Extent, View, extent, followed_path, standard_views

_SMALLEST, _LARGEST = (160, 90), (7680, 4320)


@dataclass(frozen=True, eq=False)
class Stage:
    """Panels, their ground and the order of frames of one clip."""

    ground: Image.Image
    keypoints_panel: KeypointsPanel | None
    view_panels: tuple[ViewPanel, ...]
    footer: Box
    unit_px: float
    timeline: Timeline
    video: Path | None
    video_start_s: float | int
    frame_total: int
    video_fps: Fraction | None = None
    """Rate to play the video at; None for its own times."""

    def pictures(self, frames: Int[np.ndarray, " shown"] | None = None, oversampling: int = 3) -> Iterator[Image.Image]:
        """The frames of the timeline (or some of them, in order), one after the other."""
        shown = np.arange(len(self.timeline)) if frames is None else frames
        footage: Iterator[Image.Image | None] = repeat(None)
        if self.video is not None and self.keypoints_panel is not None:
            sheet = self.keypoints_panel.sheet
            times_s = self.timeline.times_s[shown] + self.video_start_s
            footage = iter(
                pictures_at(self.video, times_s, (sheet[2] - sheet[0], sheet[3] - sheet[1]), fps=self.video_fps)
            )
        for frame in shown.tolist():
            yield self._picture(frame, next(footage), oversampling)

    def _picture(self, frame: int, footage: Image.Image | None, oversampling: int) -> Image.Image:
        picture = self.ground.copy()
        line = self.timeline
        if self.keypoints_panel is not None and line.keypoints_index is not None:
            self.keypoints_panel.draw(picture, int(line.keypoints_index[frame]), footage, oversampling)
        for panel in self.view_panels:
            panel.draw(picture, int(line.motion_index[frame]) if line.motion_index is not None else -1, oversampling)
        self._draw_counter(picture, frame)
        return picture

    def _draw_counter(self, picture: Image.Image, frame: int) -> None:
        """Number of the source's frame, and its time; a thin line shows how much of the clip is over."""
        line = self.timeline
        index = line.motion_index if line.motion_index is not None else line.keypoints_index
        number = int(index[frame]) if index is not None else frame
        text = f"frame {number} / {self.frame_total - 1}    {line.times_s[frame]:.2f} s"
        pen = ImageDraw.Draw(picture)
        left, top, right, bottom = self.footer
        pen.text((right, (top + bottom) / 2), text, fill=INK, font=font(0.85 * self.unit_px), anchor="rm")
        share = (frame + 1) / len(line)
        pen.rectangle((left, top + 2, left + max(round((right - left) * share) - 1, 0), top + 3), fill=MUTED)


def stage(
    keypoints: Keypoints | None,
    motion: Motion | None,
    *,
    video: str | Path | None = None,
    video_start_s: float | int = 0.0,
    video_fps: Fraction | None = None,
    size: tuple[int, int] = (960, 540),
    fps: Fraction | None = None,
    title: str | None = None,
) -> Stage:
    """Make a clip ready to be drawn; arguments as for `render_video`.

    Raises:
        InputError: nothing to draw, a size that is too small or too large, or a video that cannot be read.
    """
    check_size(size)
    line = timeline(keypoints, motion, fps)
    unit_px = max(10.0, min(size[1] / 34, size[0] / 50))
    footage_size = video_size(video) if video is not None and keypoints is not None else None
    image_size = None if keypoints is None else keypoints.image_size or footage_size
    views = () if motion is None else _views(motion)
    layout = _layout(size, _aspect(keypoints, image_size), views, unit_px)
    ground = Image.new("RGB", size, PAPER)
    input_panel = None
    if keypoints is not None and layout.keypoints is not None:
        input_panel = keypoints_panel(
            layout.keypoints, keypoints, image_size, on_video=footage_size is not None, unit_px=unit_px
        )
        input_panel.draw_ground(ground)
    panels = () if motion is None else _view_panels(motion, views, layout, unit_px)
    for panel in panels:
        panel.draw_ground(ground)
    lead = motion if motion is not None else keypoints
    draw_footer(ground, layout.footer, unit_px, _caption(keypoints, motion, title))
    return Stage(
        ground=ground,
        keypoints_panel=input_panel,
        view_panels=panels,
        footer=layout.footer,
        unit_px=unit_px,
        timeline=line,
        video=Path(video) if video is not None and keypoints is not None else None,
        video_start_s=video_start_s,
        frame_total=lead.n_frames if lead is not None else 0,
        video_fps=video_fps,
    )


def check_size(size: tuple[int, int]) -> None:
    """Raises an InputError for a size that is too small or too large to draw."""
    if not all(low <= side <= high for low, side, high in zip(_SMALLEST, size, _LARGEST, strict=True)):
        raise InputError(
            f"size {size[0]}x{size[1]}: expected {_SMALLEST[0]}x{_SMALLEST[1]} to {_LARGEST[0]}x{_LARGEST[1]} pixels"
        )


def _views(motion: Motion) -> tuple[tuple[View, Extent], ...]:
    """Front, side and perspective, each with the space that the clip needs in it."""
    followed = followed_path(motion)
    return tuple((view, extent(motion, view, followed)) for view in standard_views(motion))


def _layout(
    size: tuple[int, int], aspect: float | None, views: tuple[tuple[View, Extent], ...], unit_px: float
) -> Layout:
    """Front and side beside each other, or one above the other when that shows the person clearly larger."""
    beside, stacked = (
        arrange(size, picture_aspect=aspect, has_motion=bool(views), stacked=stacked, unit_px=unit_px)
        for stacked in (False, True)
    )
    if not views or _parallel_scale(stacked, views, unit_px) < 1.15 * _parallel_scale(beside, views, unit_px):
        return beside
    return stacked


def _parallel_scale(layout: Layout, views: tuple[tuple[View, Extent], ...], unit_px: float) -> float:
    """Pixels per metre of front and side: the same, so that they can be compared."""
    (_, front), (_, side), _ = views
    return min(
        scale_to_fit(box, space, unit_px)
        for box, space in ((layout.front, front), (layout.side, side))
        if box is not None
    )


def _view_panels(
    motion: Motion, views: tuple[tuple[View, Extent], ...], layout: Layout, unit_px: float
) -> tuple[ViewPanel, ...]:
    followed = followed_path(motion)
    parallel = _parallel_scale(layout, views, unit_px)
    boxes = (layout.front, layout.side, layout.oblique)
    return tuple(
        view_panel(
            box,
            view,
            motion,
            followed,
            space,
            px_per_m=parallel if view.distance_m is None else scale_to_fit(box, space, unit_px),
            unit_px=unit_px,
        )
        for box, (view, space) in zip(boxes, views, strict=True)
        if box is not None
    )


def _aspect(keypoints: Keypoints | None, image_size: tuple[int, int] | None) -> float | None:
    if keypoints is None:
        return None
    if image_size is not None:
        return image_size[0] / image_size[1]
    seen = keypoints.points[keypoints.observed]
    if not len(seen):
        return 1.0
    span = np.quantile(seen, 0.998, axis=0) - np.quantile(seen, 0.002, axis=0) + 1.0
    return float(np.clip(span[0] / span[1], 0.5, 2.0))


def _caption(keypoints: Keypoints | None, motion: Motion | None, title: str | None) -> str:
    """Name of the clip and how its scale is known."""
    source = (motion.source if motion is not None else "") or (keypoints.source if keypoints is not None else "")
    parts = [title if title is not None else Path(source).name]
    if motion is not None and motion.scale_source != "unknown":
        parts.append(f"scale: {motion.scale_source}")
    return "    ".join(part for part in parts if part)


def draw_footer(picture: Image.Image, footer: Box, unit_px: float, caption: str) -> None:
    """Legend and caption; the progress line's bed."""
    pen = ImageDraw.Draw(picture)
    left, top, right, bottom = footer
    pen.rectangle((left, top + 2, right - 1, top + 3), fill=LINE)
    size_px = 0.85 * unit_px
    face, middle, x = font(size_px), (top + bottom) / 2, float(left)
    for side in ("left", "right"):
        pen.rounded_rectangle(
            (x, middle - 0.22 * size_px, x + 1.4 * size_px, middle + 0.22 * size_px),
            radius=0.22 * size_px,
            fill=SIDE_COLOURS[side],
        )
        x += 1.9 * size_px
        pen.text((x, middle), side, fill=INK, font=face, anchor="lm")
        x += pen.textlength(side, font=face) + 1.4 * size_px
    room = right - x - pen.textlength("frame 000000 / 000000    0000.00 s", font=face)
    pen.text((x + size_px, middle), shortened(pen, caption, room, face), fill=MUTED, font=face, anchor="lm")

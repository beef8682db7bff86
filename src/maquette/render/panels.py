"""The parts of a picture: the 2D input, and the motion from one side. Each knows its place and draws one frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageChops, ImageDraw

from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.render.figure import Box, FigureStyle, draw_figure, draw_shadow, figure_style
from maquette.render.look import FLOOR, LINE, MUTED, PANEL, SHADE, SHEET, drawn_bones, font
from maquette.render.views import Extent, View, scene_positions

_TICK_M = 0.5
_GRID_M = 0.5


@dataclass(frozen=True, eq=False)
class KeypointsPanel:
    """The 2D input, on a sheet of the picture's shape or on the video."""

    box: Box
    sheet: Box
    """Where the picture lies in the box."""
    origin_px: Float[np.ndarray, "2"]
    """Pixel of the input at the sheet's top left corner."""
    scale: float
    """Pixels here for one pixel of the input."""
    keypoints: Keypoints
    style: FigureStyle
    label_size_px: float

    def draw_ground(self, picture: Image.Image) -> None:
        pen = ImageDraw.Draw(picture)
        pen.rectangle(_inclusive(self.sheet), fill=SHEET, outline=LINE)
        _label(pen, self.sheet, "2D input", self.label_size_px)

    def draw(self, picture: Image.Image, index: int, footage: Image.Image | None, oversampling: int) -> None:
        """Draw frame ``index`` (-1: nobody) on the ``footage``, a picture of the sheet's size, if any."""
        if footage is not None:
            picture.paste(footage, self.sheet[:2])
        if index >= 0:
            points_px = (self.keypoints.points[index] - self.origin_px) * self.scale + self.sheet[:2]
            opacity = self.keypoints.confidence[index]
            clip = self.sheet if footage is not None else self.box
            draw_figure(picture, clip, self.style, points_px, opacity=opacity, oversampling=oversampling)


def keypoints_panel(
    box: Box, keypoints: Keypoints, image_size: tuple[int, int] | None, *, on_video: bool, unit_px: float
) -> KeypointsPanel:
    """Place the input in ``box``: the whole picture when its size is known, else the space that the points need."""
    low, high = np.zeros(2), np.array(image_size or (1, 1), dtype=float)
    if image_size is None:
        seen = keypoints.points[keypoints.observed]
        if len(seen):
            # Of the bulk of the points, so that one far away does not make the person a dot.
            low, high = np.quantile(seen, 0.002, axis=0), np.quantile(seen, 0.998, axis=0)
        margin = 0.06 * max(float((high - low).max()), 1.0)
        low, high = low - margin, high + margin
    span = high - low
    room = (box[2] - box[0], box[3] - box[1])
    scale = float(min(room[0] / span[0], room[1] / span[1]))
    width, height = (max(1, min(round(s * scale), r)) for s, r in zip(span, room, strict=True))
    left, top = box[0] + (room[0] - width) // 2, box[1] + (room[1] - height) // 2
    lengths_px = _bone_lengths(keypoints.points, drawn_bones(keypoints.skeleton)) * scale
    tall = np.nanmax(lengths_px) if np.isfinite(lengths_px).any() else 4 * unit_px
    style = figure_style(
        keypoints.skeleton,
        lengths_px,
        width_px=float(np.clip(0.09 * tall, 0.12 * unit_px, 0.32 * unit_px)),
        casing=SHEET,
    )
    sheet = (left, top, left + width, top + height)
    return KeypointsPanel(box, sheet, low, scale, keypoints, style, 0.0 if on_video else 0.8 * unit_px)


@dataclass(frozen=True, eq=False)
class ViewPanel:
    """The motion from one side, in a box of fixed scale that moves with the person."""

    box: Box
    view: View
    motion: Motion
    followed: Float[np.ndarray, "frames 3"]
    origin_px: tuple[float, float]
    """Where the point followed is drawn."""
    px_per_m: float
    style: FigureStyle
    label_size_px: float
    grid_fade: Image.Image | None

    def draw_ground(self, picture: Image.Image) -> None:
        pen = ImageDraw.Draw(picture)
        pen.rectangle(_inclusive(self.box), fill=PANEL)
        if self.motion.frame == "world" and self.view.distance_m is None:
            pen.rectangle((self.box[0], round(self.origin_px[1]), self.box[2] - 1, self.box[3] - 1), fill=FLOOR)
        _label(pen, self.box, self.view.title, self.label_size_px)

    def to_px(self, relative_m: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """Pixel x and y, and metres towards the viewer, of scene points relative to the point followed."""
        seen = self.view.project(relative_m)
        return seen * [self.px_per_m, -self.px_per_m, 1.0] + [*self.origin_px, 0.0]

    def draw(self, picture: Image.Image, index: int, oversampling: int) -> None:
        """Draw frame ``index`` (-1: nobody)."""
        centre_m = self.followed[max(index, 0)]
        if self.motion.frame == "world":
            if self.view.distance_m is None:
                self._draw_ground_line(picture, centre_m)
            else:
                self._draw_grid(picture, centre_m)
        if index < 0:
            return
        relative_m = scene_positions(self.motion, slice(index, index + 1))[0] - centre_m
        if self.view.distance_m is not None and self.motion.frame == "world":
            shadow_m = relative_m * [1.0, 0.0, 1.0] + [0.0, -centre_m[1], 0.0]
            draw_shadow(picture, self.box, self.style, self.to_px(shadow_m)[:, :2], SHADE)
        drawn = self.to_px(relative_m)
        draw_figure(picture, self.box, self.style, drawn[:, :2], nearness=drawn[:, 2], oversampling=oversampling)

    def _draw_ground_line(self, picture: Image.Image, centre_m: Float[np.ndarray, "3"]) -> None:
        """The ground with a tick every half metre, which shows how far the person goes."""
        pen = ImageDraw.Draw(picture)
        y = round(self.origin_px[1])
        left, right = self.box[0], self.box[2] - 1
        pen.line((left, y, right, y), fill=LINE)
        along_m = float(self.view.R_view_scene[0] @ centre_m)
        first = int(np.ceil((along_m + (left - self.origin_px[0]) / self.px_per_m) / _TICK_M))
        last = int(np.floor((along_m + (right - self.origin_px[0]) / self.px_per_m) / _TICK_M))
        for tick in range(first, min(last, first + 200) + 1):
            x = self.origin_px[0] + (tick * _TICK_M - along_m) * self.px_per_m
            pen.line((x, y, x, y + (7 if tick % 2 == 0 else 4)), fill=LINE)

    def _draw_grid(self, picture: Image.Image, centre_m: Float[np.ndarray, "3"]) -> None:
        """A grid of half metres on the ground that fades out with the distance."""
        if self.grid_fade is None:
            return
        reach = 4.0
        offsets = np.arange(-reach, reach + 1e-9, _GRID_M)
        lines = []
        for axis, other in ((0, 2), (2, 0)):
            ends = np.zeros((len(offsets), 2, 3))
            ends[..., axis] = (offsets - centre_m[axis] % _GRID_M)[:, None]
            ends[..., other] = (-reach, reach)
            lines.append(ends)
        ends = np.concatenate(lines).reshape(-1, 3) - [0.0, centre_m[1], 0.0]
        factor = 2
        at = (self.to_px(ends)[:, :2] - self.box[:2]) * factor
        cover = Image.new("L", (self.grid_fade.width * factor, self.grid_fade.height * factor), 0)
        pen = ImageDraw.Draw(cover)
        for line in at.reshape(-1, 4).tolist():
            pen.line(line, fill=255, width=2)
        picture.paste(LINE, self.box, ImageChops.multiply(cover.reduce(factor), self.grid_fade))


def view_panel(
    box: Box,
    view: View,
    motion: Motion,
    followed: Float[np.ndarray, "frames 3"],
    space: Extent,
    *,
    px_per_m: float,
    unit_px: float,
) -> ViewPanel:
    """Place a view in ``box`` so that ``space`` lies in its middle."""
    middle_x = (box[0] + box[2]) / 2
    middle_y = (box[1] + box[3] + 0.8 * unit_px) / 2 + px_per_m * (space.top_m + space.bottom_m) / 2
    lengths_px = _bone_lengths(motion.positions, drawn_bones(motion.skeleton)) * px_per_m
    style = figure_style(
        motion.skeleton,
        lengths_px,
        width_px=float(np.clip(0.03 * px_per_m, 0.12 * unit_px, 0.6 * unit_px)),
        casing=PANEL,
    )
    panel = ViewPanel(
        box,
        view,
        motion,
        followed,
        (middle_x, middle_y),
        px_per_m,
        style,
        0.8 * unit_px,
        _fade(box, middle_x, middle_y),
    )
    return panel


def scale_to_fit(box: Box, space: Extent, unit_px: float) -> float:
    """Pixels for one metre so that ``space`` fits into ``box`` with a margin."""
    width, height = box[2] - box[0] - 1.2 * unit_px, box[3] - box[1] - 2.8 * unit_px
    return max(min(width / (2 * space.half_width_m), height / (space.top_m - space.bottom_m)), 1e-3)


def _fade(box: Box, x: float, y: float) -> Image.Image:
    """Opacity of the grid: full under the person, nothing at the sides of the box."""
    width, height = box[2] - box[0], box[3] - box[1]
    across = (np.arange(width) + 0.5 + box[0] - x) / (0.5 * width)
    down = (np.arange(height) + 0.5 + box[1] - y) / (0.36 * height)
    distance = np.sqrt(across[None] ** 2 + down[:, None] ** 2)
    return Image.fromarray((255 * np.clip(1.15 - distance, 0, 1)).astype(np.uint8))


def _bone_lengths(points: np.ndarray, bones: tuple[tuple[int, int], ...]) -> Float[np.ndarray, " bones"]:
    """Median length over (a sample of) the frames, NaN for a bone that is never seen."""
    pairs = np.array(bones, dtype=int).reshape(-1, 2)
    sample = points[:: max(1, len(points) // 500)]
    sample = np.where(np.abs(sample) < 1e6, sample, np.nan)
    lengths = np.linalg.norm(sample[:, pairs[:, 1]] - sample[:, pairs[:, 0]], axis=-1)
    medians = np.full(len(pairs), np.nan)
    seen = np.isfinite(lengths).any(axis=0)
    medians[seen] = np.nanmedian(lengths[:, seen], axis=0)
    return medians


def _label(pen: ImageDraw.ImageDraw, box: Box, text: str, size_px: float) -> None:
    if size_px > 0:
        pen.text((box[0] + 0.6 * size_px, box[1] + 0.45 * size_px), text, fill=MUTED, font=font(size_px))


def _inclusive(box: Box) -> Box:
    """Pillow's rectangles contain their last row and column."""
    return box[0], box[1], box[2] - 1, box[3] - 1

"""One stick figure on a picture, smooth-edged: drawn several times too large on a scratch sheet, reduced, pasted.

Each bone has a casing in the colour of the ground, so that a limb in front of another is seen to pass in front.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw

from maquette.render.look import Rgb, bone_sides, drawn_bones, joint_sides, mixed, side_colours
from maquette.skeleton import Skeleton

Colour = Rgb | list[int]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are the first beyond."""

_FADE = 0.4
"""Share of the ground's colour mixed into the limb furthest from the viewer."""
_HEAD = ("nose", "head")
"""The bone of Human3.6M's joints that runs through the head."""
_HEAD_BREADTH = 0.75
_FAINTEST = 0.2
"""Opacity of a point that is hardly believed."""


@dataclass(frozen=True, eq=False)
class FigureStyle:
    """Lines and dots of one skeleton, in pixels of the picture."""

    bones: tuple[tuple[int, int], ...]
    bone_colours: UInt8[np.ndarray, "bones 3"]
    joint_colours: UInt8[np.ndarray, "joints 3"]
    bone_widths_px: tuple[float, ...]
    joint_radii_px: tuple[float, ...]
    casing_px: float
    casing: Rgb
    head: int
    """Which bone is drawn as a head; -1 for none."""


def figure_style(
    skeleton: Skeleton, lengths_px: Float[np.ndarray, " bones"], *, width_px: float, casing: Rgb
) -> FigureStyle:
    """Style for a skeleton whose `drawn_bones` have these lengths: short bones (fingers) get thin lines.

    Args:
        skeleton: of the figure.
        lengths_px: usual length of each drawn bone in pixels, NaN where unknown.
        width_px: of the lines of limbs.
        casing: colour around the lines.
    """
    bones = drawn_bones(skeleton)
    widths = np.clip(0.45 * np.nan_to_num(lengths_px, nan=width_px), 0.35 * width_px, width_px)
    # Points that hang on something without a line (the contour of a face) are small.
    radii = np.where(np.array(skeleton.parents) < 0, 0.7, 0.35) * width_px
    head = [i for i, (a, b) in enumerate(bones) if (skeleton.joints[a], skeleton.joints[b]) == _HEAD]
    widths[head] = np.maximum(width_px, _HEAD_BREADTH * np.nan_to_num(lengths_px, nan=0.0)[head])
    for (parent, child), width in zip(bones, widths, strict=True):
        for joint in (parent, child):
            radii[joint] = max(radii[joint], 0.7 * min(width, width_px))
    return FigureStyle(
        bones=bones,
        bone_colours=side_colours(bone_sides(skeleton, bones)),
        joint_colours=side_colours(joint_sides(skeleton)),
        bone_widths_px=tuple(widths.tolist()),
        joint_radii_px=tuple(radii.tolist()),
        casing_px=max(0.8, 0.3 * width_px),
        casing=casing,
        head=head[0] if head else -1,
    )


def draw_figure(
    picture: Image.Image,
    clip: Box,
    style: FigureStyle,
    points_px: Float[np.ndarray, "joints 2"],
    *,
    opacity: Float[np.ndarray, " joints"] | None = None,
    nearness: Float[np.ndarray, " joints"] | None = None,
    oversampling: int = 3,
) -> None:
    """Draw one pose.

    Args:
        picture: changed in place.
        clip: part of the picture that may be drawn on.
        style: lines and colours.
        points_px: joints in pixels of the picture; NaN is not drawn.
        opacity: in [0, 1], shown by opacity and size; 0 is not drawn. The most opaque lie on top.
        nearness: metres towards the viewer; the nearest lie on top, the furthest are pale.
        oversampling: scratch pixels along one pixel.
    """
    drawn = _drawable(points_px, clip)
    if opacity is not None:
        drawn &= opacity > 0
    box = _box_around(points_px[drawn], max(style.joint_radii_px) + style.casing_px + 2, clip)
    if box is None:
        return
    size = ((box[2] - box[0]) * oversampling, (box[3] - box[1]) * oversampling)
    # The fourth channel says how much of the picture a pixel hides. Not RGBA: reducing that would premultiply.
    sheet = Image.new("RGBX", size, (*style.casing, 0))
    # Pillow cuts coordinates off to whole pixels, whose middles are half a pixel further: on average nothing is lost.
    points = ((points_px - [box[0], box[1]]) * oversampling).tolist()
    _Pen(ImageDraw.Draw(sheet), points, oversampling).draw(style, drawn, opacity, nearness)
    reduced = sheet.reduce(oversampling)
    picture.paste(reduced.convert("RGB"), box[:2], reduced.getchannel(3))


def draw_shadow(
    picture: Image.Image,
    clip: Box,
    style: FigureStyle,
    points_px: Float[np.ndarray, "joints 2"],
    colour: Rgb,
    oversampling: int = 2,
) -> None:
    """Draw the figure's outline flat in one colour, as a shadow on the ground."""
    drawn = _drawable(points_px, clip)
    box = _box_around(points_px[drawn], max(style.joint_radii_px) + 2, clip)
    if box is None:
        return
    cover = Image.new("L", ((box[2] - box[0]) * oversampling, (box[3] - box[1]) * oversampling), 0)
    pen = ImageDraw.Draw(cover)
    points = ((points_px - [box[0], box[1]]) * oversampling).tolist()
    for (a, b), width in zip(style.bones, style.bone_widths_px, strict=True):
        if drawn[a] and drawn[b]:
            pen.line((*points[a], *points[b]), fill=150, width=max(1, round(width * oversampling)))
    picture.paste(colour, box, cover.reduce(oversampling))


def _drawable(points_px: Float[np.ndarray, "joints 2"], clip: Box) -> Bool[np.ndarray, " joints"]:
    """Known points that are not absurdly far outside."""
    middle = np.array([(clip[0] + clip[2]) / 2, (clip[1] + clip[3]) / 2])
    reach = 4 * max(clip[2] - clip[0], clip[3] - clip[1])
    with np.errstate(invalid="ignore"):
        return np.all(np.abs(points_px - middle) < reach, axis=-1)


def _box_around(points_px: Float[np.ndarray, "joints 2"], margin_px: float, clip: Box) -> Box | None:
    if not len(points_px):
        return None
    low, high = np.floor(points_px.min(axis=0) - margin_px), np.ceil(points_px.max(axis=0) + margin_px)
    left, top = max(int(low[0]), clip[0]), max(int(low[1]), clip[1])
    right, bottom = min(int(high[0]), clip[2]), min(int(high[1]), clip[3])
    return (left, top, right, bottom) if right > left and bottom > top else None


@dataclass
class _Pen:
    """Draws on a sheet of colour and cover."""

    sheet: ImageDraw.ImageDraw
    points: list[list[float]]
    scale: int

    def draw(
        self,
        style: FigureStyle,
        drawn: Bool[np.ndarray, " joints"],
        opacity: Float[np.ndarray, " joints"] | None,
        nearness: Float[np.ndarray, " joints"] | None,
    ) -> None:
        shown = np.ones(len(drawn)) if opacity is None else np.clip(opacity, 0.0, 1.0)
        rank = shown if nearness is None else np.where(drawn, nearness, -np.inf)
        bones = np.array(style.bones, dtype=int).reshape(-1, 2)
        lines, dots = style.bone_colours, style.joint_colours
        if nearness is not None:
            pale = _paleness(rank, drawn)
            lines, dots = mixed(lines, style.casing, pale[bones].mean(axis=1)), mixed(dots, style.casing, pale)
        covers = (255 * (_FAINTEST + (1 - _FAINTEST) * shown)).astype(int).tolist()
        line_colours, dot_colours = lines.tolist(), dots.tolist()
        sizes = (0.65 + 0.35 * shown).tolist()
        radii = [radius * size * self.scale for radius, size in zip(style.joint_radii_px, sizes, strict=True)]
        lonely = set(np.flatnonzero(drawn).tolist())
        if nearness is None:
            self._outline(style, lonely, radii, covers)
        for index in np.argsort(rank[bones].mean(axis=1), kind="stable").tolist():
            a, b = style.bones[index]
            if not (drawn[a] and drawn[b]):
                continue
            width = style.bone_widths_px[index] * min(sizes[a], sizes[b]) * self.scale
            if index == style.head:
                self._head(a, b, width, line_colours[index], min(covers[a], covers[b]))
                lonely -= {a, b}
                continue
            if nearness is not None:
                self._casing(a, b, width, style.casing_px * self.scale, style.casing)
            self._line(a, b, width, line_colours[index], min(covers[a], covers[b]))
            for joint in (a, b):
                self._dot(self.points[joint], radii[joint], dot_colours[joint], covers[joint])
                lonely.discard(joint)
        for joint in lonely:
            self._dot(self.points[joint], radii[joint], dot_colours[joint], covers[joint])

    def _outline(self, style: FigureStyle, joints: set[int], radii: list[float], covers: list[int]) -> None:
        """The casing of the whole figure, under all of it."""
        rim = style.casing_px * self.scale
        for (a, b), width in zip(style.bones, style.bone_widths_px, strict=True):
            if a in joints and b in joints:
                self._line(a, b, width * self.scale + 2 * rim, style.casing, min(covers[a], covers[b]))
        for joint in joints:
            self._dot(self.points[joint], radii[joint] + rim, style.casing, covers[joint])

    def _casing(self, a: int, b: int, width: float, casing_px: float, colour: Colour) -> None:
        (ax, ay), (bx, by) = self.points[a], self.points[b]
        length = max(((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5, 1e-9)
        # It ends before the joints, or it would cut notches into the neighbouring bones.
        inset = min(0.3, 1.2 * width / length)
        dx, dy = (bx - ax) * inset, (by - ay) * inset
        self._line_between((ax + dx, ay + dy, bx - dx, by - dy), width + 2 * casing_px, colour, 255)

    def _head(self, neck: int, top: int, width: float, colour: Colour, cover: int) -> None:
        """A rounded block whose upper end is the top of the head."""
        (ax, ay), (bx, by) = self.points[neck], self.points[top]
        length = max(((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5, 1e-9)
        share = max(1 - 0.5 * width / length, 0.0)
        crown = [ax + (bx - ax) * share, ay + (by - ay) * share]
        self._line_between((ax, ay, *crown), width, colour, cover)
        for end in ([ax, ay], crown):
            self._dot(end, width / 2, colour, cover)

    def _line(self, a: int, b: int, width: float, colour: Colour, cover: int) -> None:
        self._line_between((*self.points[a], *self.points[b]), width, colour, cover)

    def _line_between(self, ends: tuple[float, ...], width: float, colour: Colour, cover: int) -> None:
        self.sheet.line(ends, fill=(*colour, cover), width=max(1, round(width)))

    def _dot(self, at: list[float], radius: float, colour: Colour, cover: int) -> None:
        x, y = at
        self.sheet.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*colour, cover))


def _paleness(
    nearness: Float[np.ndarray, " joints"], drawn: Bool[np.ndarray, " joints"]
) -> Float[np.ndarray, " joints"]:
    """0 for the nearest joint, up to `_FADE` for the furthest of a figure that is deep."""
    known = nearness[drawn]
    span = float(np.ptp(known)) if len(known) else 0.0
    if span < 1e-9:
        return np.zeros(len(nearness))
    far = (known.max() - np.where(drawn, nearness, known.max())) / span
    return far * (_FADE * min(span / 0.8, 1.0))

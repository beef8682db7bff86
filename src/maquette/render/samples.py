"""Poses in rows of triplets: the 2D input, the true pose and the predicted one, as 3d-pose-baseline's ``--sample``."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw

from maquette.atomic import atomic_path
from maquette.errors import InputError, OutputError
from maquette.render.figure import Box, FigureStyle, draw_figure
from maquette.render.look import FLOOR, INK, LINE, MUTED, Rgb, drawn_bones, font, joint_sides, shortened
from maquette.render.picture import PICTURE_SUFFIXES
from maquette.render.views import view_axes
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_17

_TRUE = {"right": (52, 152, 219), "else": (231, 76, 60)}
_FOUND = {"right": (155, 89, 182), "else": (46, 204, 113)}
_REACH_M = 0.75
"""From the root to the sides of a cell."""
_REACH_2D = 0.35
"""The same of the 2D, in widths of the picture; less for people who appear small."""
_PAPER: Rgb = (255, 255, 255)
_TRIPLETS_A_ROW = 3
_SHARES = (0.0, 0.28, 0.64, 1.0)
# Seen from where the camera stands, errors along its line of sight would not show.
_TURN_RAD, _ELEVATION_RAD = np.radians(35), np.radians(15)


@dataclass(frozen=True)
class PoseSample:
    """One pose."""

    caption: str
    """Where it is from."""
    points_px: Float[np.ndarray, "points 2"]
    """On ``skeleton_2d``; NaN where missing."""
    skeleton_2d: Skeleton
    image_width_px: int
    true_m: Float[np.ndarray, "true_joints 3"]
    """On ``true_skeleton``, from the root, Y up."""
    true_skeleton: Skeleton
    found_m: Float[np.ndarray, "found_joints 3"]
    """The prediction on ``found_skeleton``, likewise; NaN where the model gives no joint."""
    found_skeleton: Skeleton
    towards_camera: Float[np.ndarray, "3"]
    """Direction in which the camera stands, Y up."""

    @property
    def error_m(self) -> float | None:
        """Mean distance of the joints that both skeletons have; None where there is none."""
        shared = [name for name in self.true_skeleton.joints if name in self.found_skeleton]
        found, true = self.found_skeleton.indices(shared), self.true_skeleton.indices(shared)
        distances = np.linalg.norm(self.found_m[found] - self.true_m[true], axis=-1)
        known = np.isfinite(distances)
        return float(distances[known].mean()) if known.any() else None


def write_samples(path: str | Path, samples: Sequence[PoseSample], *, size: tuple[int, int] = (1920, 1080)) -> None:
    """Write the figure (``.png``, ``.jpg``).

    Raises:
        InputError: there is no sample, or too little room for so many.
        OutputError: an unknown suffix, or a file that cannot be written.
    """
    check_samples(path, len(samples), size)
    picture = samples_picture(samples, size)
    is_png = Path(path).suffix.lower() == ".png"
    with atomic_path(path) as temporary:
        picture.save(temporary, optimize=True) if is_png else picture.save(temporary, quality=92)


def check_samples(path: str | Path, count: int, size: tuple[int, int]) -> None:
    """Whether so many samples can be written there, to be known before they are made.

    Raises:
        InputError: there is no sample, or too little room for so many.
        OutputError: an unknown suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in PICTURE_SUFFIXES:
        raise OutputError(f"{path}: cannot write '{suffix}' as a picture; known are {' '.join(PICTURE_SUFFIXES)}")
    _check_room(count, size)


def samples_picture(samples: Sequence[PoseSample], size: tuple[int, int] = (1920, 1080)) -> Image.Image:
    """Rows of three triplets. Right arms and legs are blue (prediction: purple), the rest red (green)."""
    rows = _check_room(len(samples), size)
    picture = Image.new("RGB", size, _PAPER)
    head = max(round(0.026 * size[1]) + 6, 22)
    across, down = size[0] / _TRIPLETS_A_ROW, (size[1] - head) / rows
    text_px = float(np.clip(0.085 * down, 9, 17))
    for i, sample in enumerate(samples):
        left, top = (i % _TRIPLETS_A_ROW) * across, head + (i // _TRIPLETS_A_ROW) * down
        edges = [round(left + share * across) for share in _SHARES]
        boxes = [(a + 2, round(top), b - 2, round(top + down) - 2) for a, b in pairwise(edges)]
        _draw(picture, sample, boxes, text_px)
        if i < _TRIPLETS_A_ROW:
            pen = ImageDraw.Draw(picture)
            for box, words in zip(boxes, ("2D input", "ground truth", "prediction"), strict=True):
                pen.text(((box[0] + box[2]) / 2, head / 2), words, fill=INK, font=font(0.62 * head), anchor="mm")
    return picture


def _check_room(count: int, size: tuple[int, int]) -> int:
    """Number of rows of so many samples, if there is room for them."""
    rows = -(-count // _TRIPLETS_A_ROW)
    if not rows or size[0] < 480 or size[1] < 80 * rows:
        raise InputError(
            f"{count} samples on {size[0]}x{size[1]} pixels: expected at least one, 480 pixels of width and 80 of "
            "height for each three"
        )
    return rows


def _draw(picture: Image.Image, sample: PoseSample, boxes: list[Box], text_px: float) -> None:
    pen = ImageDraw.Draw(picture)
    _draw_input(picture, sample, boxes[0])
    azimuth = float(np.arctan2(sample.towards_camera[0], sample.towards_camera[2])) + _TURN_RAD
    axes = view_axes(azimuth, _ELEVATION_RAD)
    poses = (
        (boxes[1], sample.true_m, sample.true_skeleton, _TRUE),
        (boxes[2], sample.found_m, sample.found_skeleton, _FOUND),
    )
    for box, pose, skeleton, colours in poses:
        scale = _scale(box, text_px)
        middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3] - text_px) / 2])
        # Both stand on the floor under the true pose, so that a figure too large or too high shows.
        _draw_floor(pen, axes, middle, scale, float(np.nanmin(sample.true_m[:, 1])))
        seen = pose @ axes.T
        points = seen[:, :2] * [scale, -scale] + middle
        style = _style(skeleton, drawn_bones(skeleton), colours, width_px=0.035 * scale)
        draw_figure(picture, box, style, points, nearness=np.nan_to_num(seen[:, 2]), oversampling=4)
    base = boxes[0][3] - 0.2 * text_px
    face = font(text_px)
    error = "" if sample.error_m is None else f"{1000 * sample.error_m:.0f} mm"
    pen.text((boxes[2][2] - 4, base), error, fill=MUTED, font=face, anchor="rs")
    room_px = boxes[2][2] - boxes[0][0] - 8 - pen.textlength(f"  {error}", font=face)
    # Take, camera and frame stand at the end of a caption.
    caption = shortened(pen, sample.caption, room_px, face, keep_end=True)
    pen.text((boxes[0][0] + 4, base), caption, fill=MUTED, font=face, anchor="ls")


def _draw_input(picture: Image.Image, sample: PoseSample, box: Box) -> None:
    points, skeleton = sample.points_px, sample.skeleton_2d
    seen = points[np.isfinite(points).all(axis=-1)]
    if not len(seen):
        return
    root = points[skeleton.roots[0]] if skeleton.name == H36M_17.name else (seen.min(axis=0) + seen.max(axis=0)) / 2
    root = root if np.isfinite(root).all() else seen.mean(axis=0)
    reach_px = min(_REACH_2D * sample.image_width_px, 1.25 * float(np.abs(seen - root).max()))
    scale = min(box[2] - box[0], box[3] - box[1]) / (2 * max(reach_px, 1.0))
    at = (points - root) * scale + [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
    bones = drawn_bones(skeleton)
    if skeleton.name == H36M_17.name:
        # Without Human3.6M's neck/nose, which detectors do not mark.
        thorax, nose, head = skeleton.indices(("thorax", "nose", "head"))
        bones = tuple((thorax if a == nose else a, b) for a, b in skeleton.bones if b != nose)
        at[nose] = np.nan
        bones = tuple((thorax, head) if b == head else (a, b) for a, b in bones)
    width_px = max(1.2, 0.016 * (box[3] - box[1]))
    draw_figure(picture, box, _style(skeleton, bones, _TRUE, width_px=width_px), at, oversampling=4)


def _scale(box: Box, text_px: float) -> float:
    """Pixels for a metre: 0.75 m to the sides; up and down the tallest body has room, raised arms included."""
    return min((box[2] - box[0]) / (2 * _REACH_M), (box[3] - box[1] - 1.5 * text_px) / (2.55 * _REACH_M))


def _draw_floor(
    pen: ImageDraw.ImageDraw, axes: Float[np.ndarray, "3 3"], middle: np.ndarray, scale: float, height_m: float
) -> None:
    edge = 0.55  # metres; its corners stay within the cell
    corners = np.array([[x, height_m, z] for x, z in ((-edge, -edge), (edge, -edge), (edge, edge), (-edge, edge))])
    # Turned with the view, so that the square lies the same in every cell, a corner towards the viewer.
    right = 0.8 * axes[0] + 0.6 * np.cross(axes[0], [0.0, 1.0, 0.0])
    at = (corners @ np.array([right, [0.0, 1.0, 0.0], np.cross(right, [0.0, 1.0, 0.0])])) @ axes.T
    points = (at[:, :2] * [scale, -scale] + middle).ravel().tolist()
    pen.polygon(points, fill=FLOOR, outline=LINE)


def _style(
    skeleton: Skeleton, bones: Sequence[tuple[int, int]], colours: dict[str, Rgb], *, width_px: float
) -> FigureStyle:
    sides = joint_sides(skeleton)

    def colour(joint: int) -> Rgb:
        return colours["right" if sides[joint] == "right" else "else"]

    return FigureStyle(
        bones=tuple(bones),
        bone_colours=np.array([colour(child) for _, child in bones], dtype=np.uint8).reshape(-1, 3),
        joint_colours=np.array([colour(joint) for joint in range(len(skeleton))], dtype=np.uint8),
        bone_widths_px=(width_px,) * len(bones),
        joint_radii_px=(0.75 * width_px,) * len(skeleton),
        casing_px=max(0.8, 0.25 * width_px),
        casing=_PAPER,
        head=-1,
    )

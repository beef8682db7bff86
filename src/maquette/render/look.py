"""How pictures look: colours, line widths and type. One place, so that video, picture and viewer agree."""

from functools import cache
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8
from PIL import ImageDraw, ImageFont

from maquette.skeleton import Skeleton

Rgb = tuple[int, int, int]
Side = Literal["left", "right", "middle"]

PAPER: Rgb = (252, 251, 248)
"""Around the panels."""
PANEL: Rgb = (243, 241, 236)
"""Ground of a panel."""
SHEET: Rgb = (255, 255, 255)
"""Where the picture would be, when there is none."""
FLOOR: Rgb = (235, 232, 225)
"""Below the ground in the views from front and side."""
LINE: Rgb = (212, 208, 199)
"""Ground, ticks, frames."""
SHADE: Rgb = (196, 191, 181)
"""Shadow of the figure on the ground."""
INK: Rgb = (46, 50, 58)
"""Text that matters."""
MUTED: Rgb = (126, 124, 118)
"""Text that helps."""

SIDE_COLOURS: dict[Side, Rgb] = {
    # Blue and orange: told apart by every common kind of colour vision, and in grey (blue is the darker one).
    "left": (30, 106, 180),
    "right": (222, 104, 38),
    "middle": (88, 94, 106),
}


@cache
def font(size_px: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that comes with Pillow."""
    return ImageFont.load_default(size=size_px)


def joint_sides(skeleton: Skeleton) -> tuple[Side, ...]:
    """Side of each joint, from the mirror pairs."""
    left, right = set(skeleton.left), set(skeleton.right)
    return tuple("left" if i in left else "right" if i in right else "middle" for i in range(len(skeleton)))


def drawn_bones(skeleton: Skeleton) -> tuple[tuple[int, int], ...]:
    """Bones worth a line: without the stars of a face's contour, and with the hips joined where nothing joins them.

    Formats without a point between the hips (COCO, BlazePose, BODY_25B) hang each leg on its shoulder; the figure
    would fall in two.
    """
    bones = [
        (parent, child)
        for parent, child in skeleton.bones
        if not (skeleton.joints[child].startswith("face_") and skeleton.joints[child][5:].isdecimal())
    ]
    if "l_hip" in skeleton and "r_hip" in skeleton:
        left, right = skeleton.indices(("l_hip", "r_hip"))
        if skeleton.parents[left] != skeleton.parents[right]:
            bones.append((right, left))
    return tuple(bones)


def bone_sides(skeleton: Skeleton, bones: tuple[tuple[int, int], ...]) -> tuple[Side, ...]:
    """Side of each bone: its child's, and the middle for one that crosses from left to right."""
    sides = joint_sides(skeleton)
    return tuple(
        "middle" if {sides[parent], sides[child]} == {"left", "right"} else sides[child] for parent, child in bones
    )


def side_colours(sides: tuple[Side, ...]) -> UInt8[np.ndarray, "items 3"]:
    """Colours of joints or bones."""
    return np.array([SIDE_COLOURS[side] for side in sides], dtype=np.uint8).reshape(-1, 3)


def mixed(
    colours: UInt8[np.ndarray, "items 3"], other: Rgb, share: Float[np.ndarray, " items"]
) -> UInt8[np.ndarray, "items 3"]:
    """Colours moved towards ``other`` by ``share`` in [0, 1]."""
    weight = share[:, None]
    return (colours * (1 - weight) + np.array(other) * weight + 0.5).astype(np.uint8)


def drawing_colours() -> UInt8[np.ndarray, "colours 3"]:
    """Every flat colour of the pictures, and those of soft edges: what a palette must not lose."""
    flat = np.array([PAPER, PANEL, FLOOR, SHEET, LINE, SHADE, INK, MUTED], dtype=np.uint8)
    sides = side_colours(("left", "right", "middle"))
    softened = [mixed(sides, ground, np.full(3, share)) for share in (0.0, 0.3, 0.6) for ground in (PANEL, SHEET)]
    return np.unique(np.concatenate((flat, *softened)), axis=0)


def shortened(pen: ImageDraw.ImageDraw, text: str, room_px: float, face, *, keep_end: bool = False) -> str:
    """The text in one line; where it is too long, three dots stand for its end (or, ``keep_end``, its beginning)."""
    text = " ".join(text.split())
    if pen.textlength(text, font=face) <= room_px:
        return text
    while text and pen.textlength(text + "...", font=face) > room_px:
        text = text[1:] if keep_end else text[:-1]
    dots = "..." if text else ""
    return dots + text if keep_end else text + dots

"""Colours of a figure: by side, by motion, or by how large a number (an error, a standard deviation) is."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, UInt8

from maquette.render.look import Rgb, bone_sides, joint_sides, mixed, side_colours
from maquette.skeleton import Skeleton

ColourBy = Literal["side", "motion", "error", "uncertainty"]
COLOURINGS: tuple[ColourBy, ...] = get_args(ColourBy)

FULL_ERROR_M = 0.1
"""Distance at which the scale of colours ends."""
_PALE = (0.0, 0.35, 0.55)
"""How pale the first, the second, and further motions are when sides are coloured."""
_MOTIONS: tuple[Rgb, ...] = (
    # Okabe and Ito's colours, which every common kind of colour vision tells apart.
    (86, 96, 112),
    (213, 94, 0),
    (0, 114, 178),
    (0, 158, 115),
    (204, 121, 167),
    (180, 140, 0),
)
_SCALE = np.array([(62, 142, 90), (240, 200, 60), (214, 60, 40)], dtype=float)
"""Nothing, half, all of it."""
_UNKNOWN: Rgb = (158, 160, 166)


@dataclass(frozen=True, eq=False)
class Paint:
    """Colours of one figure, as the page wants them (linear light)."""

    bones: UInt8[np.ndarray, "bones 3"]
    joints: UInt8[np.ndarray, "joints 3"]


def by_side(skeleton: Skeleton, bones: tuple[tuple[int, int], ...], order: int) -> Paint:
    """Blue left, orange right; the second and further motions (``order``) are paler."""
    share = _PALE[min(order, len(_PALE) - 1)]
    sides = side_colours(bone_sides(skeleton, bones)), side_colours(joint_sides(skeleton))
    return Paint(*(linear(mixed(colours, (255, 255, 255), np.full(len(colours), share))) for colours in sides))


def by_motion(skeleton: Skeleton, bones: tuple[tuple[int, int], ...], order: int) -> Paint:
    """One colour for each motion."""
    colour = linear(np.array([motion_colour(order)], dtype=np.uint8))
    return Paint(np.repeat(colour, len(bones), axis=0), np.repeat(colour, len(skeleton), axis=0))


def by_value(values_m: Float[np.ndarray, " joints"], bones: tuple[tuple[int, int], ...], full_m: float) -> Paint:
    """From green (nothing) over yellow to red (``full_m`` and more); grey where the number is NaN."""
    pairs = np.array(bones, dtype=int).reshape(-1, 2)
    of_bones = values_m[pairs].mean(axis=1)
    return Paint(linear(scale_colours(of_bones, full_m)), linear(scale_colours(values_m, full_m)))


def motion_colour(order: int) -> Rgb:
    """Colour of a motion on screen."""
    return _MOTIONS[order % len(_MOTIONS)]


def scale_colours(values_m: Float[np.ndarray, " items"], full_m: float) -> UInt8[np.ndarray, "items 3"]:
    """Screen colours of numbers from 0 to ``full_m``."""
    share = np.clip(np.nan_to_num(values_m / full_m), 0.0, 1.0)
    colours = np.stack([np.interp(share, (0.0, 0.5, 1.0), _SCALE[:, axis]) for axis in range(3)], axis=-1)
    colours[~np.isfinite(values_m)] = _UNKNOWN
    return np.round(colours).astype(np.uint8)


def linear(colours: UInt8[np.ndarray, "items 3"]) -> UInt8[np.ndarray, "items 3"]:
    """Screen colours as meshes want them: the page takes theirs for linear light, without the screen's gamma."""
    return np.round(255 * (colours / 255) ** 2.2).astype(np.uint8)

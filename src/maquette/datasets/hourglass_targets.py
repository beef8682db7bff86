"""What networks for pictures are to say: a heatmap for each joint, and its depth behind the middle of the body."""

import math

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from maquette.datasets.hourglass_settings import DepthUnit, Gaussian
from maquette.datasets.picture_people import THORAX
from maquette.lifting.weak_perspective import BONES as NAMED_BONES
from maquette.skeletons import MPII_16

BONES = tuple(MPII_16.indices(pair) for pair in NAMED_BONES)
"""The 14 bones that published scales are measured by; the thorax is in none of them."""
SHOULDERS = (MPII_16.index("r_shoulder"), MPII_16.index("l_shoulder"))
_SIGMA = {"torch7": 1.75, "torch7-border": 1.75, "port6x6": 1.75, "sigma2": 2.0}
_FAR = 1e6
"""Pixels beyond which whole numbers are not asked for."""
_REACH = {"torch7": 3, "torch7-border": 3, "port6x6": 3, "sigma2": 6}


def draw_heatmaps(
    points: Float[np.ndarray, "joints 2"],
    drawn: Bool[np.ndarray, " joints"],
    size: int,
    kind: Gaussian = "subpixel",
    *,
    sigma_px: float = 1.75,
) -> Float32[np.ndarray, "joints {size} {size}"]:
    """A bump of height 1 at each joint that is drawn; nothing for the others.

    Args:
        points: in pixels of the heatmap, (0, 0) the upper left corner of the first. The published kinds take the pixel
            that a point lies in.
        sigma_px: of ``subpixel``; 1.75 is what published trainings have.
    """
    known = drawn & np.isfinite(points).all(axis=-1)
    if kind == "subpixel":
        # Far outside a bump is nothing, and a number that no exponential is asked for.
        known &= ((points > -3 * sigma_px) & (points < size + 3 * sigma_px)).all(axis=-1)
        places = np.where(known[:, None], points, 0)[..., None]
        across, down = np.exp(-0.5 * ((np.arange(size) + 0.5 - places) / sigma_px) ** 2).transpose(1, 0, 2)
        down *= known[:, None]
        return down.astype(np.float32)[:, :, None] * across.astype(np.float32)[:, None]
    maps = np.zeros((len(points), size, size), dtype=np.float32)
    for joint in np.flatnonzero(known & (np.abs(points) < _FAR).all(axis=-1)):
        x, y = points[joint]
        _stamp(maps[joint], math.floor(x), math.floor(y), kind)
    return maps


def _stamp(heatmap: Float32[np.ndarray, "size size"], x: int, y: int, kind: Gaussian) -> None:
    """One of the published bumps around a pixel."""
    reach, size = _REACH[kind], len(heatmap)
    end = 0 if kind == "port6x6" else 1
    profile = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SIGMA[kind]) ** 2)
    block = profile[:, None] * profile
    if kind == "port6x6":
        block = block.round(4)
    places = []
    for at in (x, y):
        low, high = max(at - reach, 0), min(at + reach + end, size)
        if low >= high:
            return
        first = low - (at - reach)
        if kind == "torch7-border":
            # What is cut off at the border is two pixels less than what lies beyond it.
            first = max(first - 2, 0)
        places.append((slice(low, high), slice(first, first + high - low)))
    (across, of_x), (down, of_y) = places
    if kind == "port6x6":
        heatmap[down, across] = block[of_y, of_x]
    else:
        np.maximum(heatmap[down, across], block[of_y, of_x], out=heatmap[down, across])


def weak_perspective(
    points_px: Float[np.ndarray, "16 2"], camera_mm: Float[np.ndarray, "16 3"], *, anchor: int = THORAX
) -> Float64[np.ndarray, "16 3"]:
    """3D joints in pixels of the picture: one scale for x, y and z, the anchor where it is in the picture, at z = 0.

    The scale is the length of the bones in the picture by that of their x and y in space (:data:`BONES`, added up over
    those with both ends). NaN where no bone is known.
    """
    of_picture, of_space = (
        np.array([np.linalg.norm(joints[a, :2] - joints[b, :2]) for a, b in BONES]) for joints in (points_px, camera_mm)
    )
    known = np.isfinite(of_picture) & np.isfinite(of_space)
    length = of_space[known].sum()
    scale = of_picture[known].sum() / length if length > 0 else np.nan
    joints = (camera_mm - camera_mm[anchor]) * scale
    joints[:, :2] += points_px[anchor]
    return joints.astype(np.float64)


def depth_target(
    z_px: Float[np.ndarray, " joints"], side_px: float, unit: DepthUnit, *, heatmap_size: int = 64
) -> Float64[np.ndarray, " joints"]:
    """Depth behind the anchor in pixels of the picture, as the network is to say it.

    Args:
        side_px: of the crop, in the same pixels.
    """
    if unit == "crop":
        return z_px / side_px
    # Depths in one-based pixels of a heatmap, less the 1 that moves them back.
    shift = (1 - heatmap_size / side_px) * 2 / heatmap_size if unit == "half-crop-torch7" else 0.0
    return z_px * 2 / side_px + shift


def depth_px(
    depth: Float[np.ndarray, "*any joints"], side_px: float, unit: DepthUnit
) -> Float64[np.ndarray, "*any joints"]:
    """The way back, but for the shift, which moves all joints alike."""
    return np.asarray(depth, dtype=np.float64) * (side_px if unit == "crop" else side_px / 2)


def thorax_between_shoulders(joints: Float[np.ndarray, "16 dims"]) -> Float64[np.ndarray, "16 dims"]:
    """Joints with the thorax in the middle of the shoulders."""
    moved = np.array(joints, dtype=np.float64)
    moved[THORAX] = moved[list(SHOULDERS)].mean(axis=0)
    return moved

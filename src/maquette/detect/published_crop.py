"""Crops as the published hourglass programs cut them, with their whole pixels; for parity with their weights.

Two of them: ``torch7`` (the paper's, after Newell et al. 2016) and ``port`` (its first PyTorch version). Both scale a
large picture down before, cut out whole pixels, and scale these to the crop; so what is seen is up to a pixel off, and
the crop is not quite the square that points are brought into (:func:`published_points`). The third version's crop is
exact, and that of OpenCV: :func:`opencv_crop`. Nothing new should use any of them: see
:mod:`maquette.detect.person_crop`.

Numbers are those of the published files: pixels count from the middle of the first one, which is 1 in MPII.
"""

import math
from typing import Literal

import numpy as np
from jaxtyping import Float, Float64, Int64, UInt8
from PIL import Image

from maquette.detect.warp import from_pixel_middles, warp

CropLine = Literal["torch7", "port"]
_SMALLEST = 2


def published_points(
    points: Float[np.ndarray, "*any 2"],
    centre: Float[np.ndarray, "2"],
    side: float,
    size: int,
    *,
    rotation_deg: float = 0.0,
    inverse: bool = False,
) -> Float64[np.ndarray, "*any 2"]:
    """Points of the picture in a crop (or heatmap) of ``size`` pixels, or the way back.

    Args:
        rotation_deg: how far what is seen appears turned in the crop, against the clock.
    """
    angle = -math.radians(rotation_deg)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    points = np.asarray(points, dtype=np.float64)
    if inverse:
        return (points - size / 2) @ turn * side / size + centre
    return (points - centre) @ turn.T * size / side + size / 2


def whole_pixels(points: Float[np.ndarray, "*any 2"]) -> Int64[np.ndarray, "*any 2"]:
    """Towards zero, as the programs round."""
    return np.trunc(points).astype(np.int64)


def published_crop(
    picture: UInt8[np.ndarray, "height width 3"],
    centre: Float[np.ndarray, "2"],
    side: float,
    size: int,
    line: CropLine,
    *,
    rotation_deg: float = 0.0,
) -> UInt8[np.ndarray, "{size} {size} 3"]:
    """The crop of one of the two programs; black outside the picture, and black altogether where they fail.

    Args:
        centre: of the square.
        side: of the square.
        rotation_deg: as of :func:`published_points`.
    """
    centre, factor = np.asarray(centre, dtype=np.float64), side / size
    if factor >= _SMALLEST:
        height, width = (math.floor(n / factor) for n in picture.shape[:2])
        if min(height, width) < _SMALLEST:
            return np.zeros((size, size, 3), dtype=np.uint8)
        picture = _resized(picture, width, height)
        centre, side = centre / factor, side / factor
    # In the order of the programs' sums: a corner at 16.999... becomes 16, and so a crop of 190 pixels one of 191.
    scale = size / side
    corner = -size * (0.5 - centre / side) / scale
    low = whole_pixels(corner)
    high = whole_pixels(size / scale + corner) if factor < _SMALLEST else low + size
    pad = 0
    if rotation_deg:
        pad = math.ceil(float(np.linalg.norm(high - low)) / 2 - (high - low)[0] / 2)
    cut = _cut(picture, low - pad, high + pad)
    if rotation_deg and cut.size:
        cut = _turned(cut, rotation_deg, line)
        # The port leaves out one pixel more at the upper left, and keeps as many fewer: its crop is a pixel off.
        cut = cut[pad + 1 : -pad + 1, pad + 1 : -pad + 1] if line == "port" else cut[pad:-pad, pad:-pad]
    if cut.size == 0:
        return np.zeros((size, size, 3), dtype=np.uint8)
    if cut.shape[:2] == (size, size):
        return np.ascontiguousarray(cut)
    return _resized(cut, size, size)


def opencv_crop(
    picture: UInt8[np.ndarray, "height width 3"],
    centre: Float[np.ndarray, "2"],
    side: float,
    size: int,
    *,
    rotation_deg: float = 0.0,
) -> UInt8[np.ndarray, "{size} {size} 3"]:
    """The crop of the third version: bilinear, black outside, no smoothing.

    Args:
        centre: of the square; (0, 0) is the MIDDLE of the first pixel, in the picture as in the crop.
    """
    inverse = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    corners = published_points(inverse, np.asarray(centre, float), side, size, rotation_deg=rotation_deg, inverse=True)
    matrix = np.stack([corners[1] - corners[0], corners[2] - corners[0], corners[0]], axis=1)
    return warp(picture, from_pixel_middles(matrix), (size, size), smooth=False)


def _resized(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Bilinear between the four nearest pixels, however small it becomes; the border repeats."""
    scale = (picture.shape[1] / width, picture.shape[0] / height)
    box = (scale[0], 0.0, 0.0, 0.0, scale[1], 0.0)
    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(image.transform((width, height), Image.Transform.AFFINE, box, Image.Resampling.BILINEAR))


def _cut(picture: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Columns and rows from ``low`` to before ``high``, black beyond the picture."""
    if (high - low < 1).any() or (high - low > 20_000).any():
        return np.zeros((0, 0, 3), dtype=np.uint8)
    made = np.zeros((high[1] - low[1], high[0] - low[0], 3), dtype=np.uint8)
    first, last = np.maximum(low, 0), np.minimum(high, picture.shape[1::-1])
    if (first < last).all():
        part = picture[first[1] : last[1], first[0] : last[0]]
        made[first[1] - low[1] : last[1] - low[1], first[0] - low[0] : last[0] - low[0]] = part
    return made


def _turned(picture: np.ndarray, rotation_deg: float, line: CropLine) -> np.ndarray:
    """Turned against the clock about its middle; the port counts from the middle of the first pixel and rounds."""
    height, width = picture.shape[:2]
    centre = np.array([width // 2, height // 2]) + 0.5 if line == "port" else np.array([width, height]) / 2
    angle = math.radians(rotation_deg)
    back = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = np.concatenate([back, (centre - back @ centre)[:, None]], axis=1)
    return warp(picture, matrix, (width, height), smooth=False)

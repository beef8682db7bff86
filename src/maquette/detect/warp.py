"""Part of a picture, moved, turned and scaled into a crop."""

import math

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image


def warp(
    picture: UInt8[np.ndarray, "height width 3"],
    picture_from_crop: Float[np.ndarray, "2 3"],
    size: tuple[int, int],
    *,
    smooth: bool = True,
    fill: tuple[int, int, int] = (0, 0, 0),
) -> UInt8[np.ndarray, "crop_height crop_width 3"]:
    """A crop by bilinear interpolation; ``fill`` outside the picture.

    Args:
        picture_from_crop: affine map from points of the crop to points of the picture; in both, (0, 0) is the upper
            left corner of the upper left pixel, so that the middle of that pixel is (0.5, 0.5). (OpenCV counts from
            the middles: its matrices need :func:`from_pixel_middles`.)
        size: ``(width, height)`` of the crop.
        smooth: average over the pixels that fall into one of the crop when the crop is much smaller, as no bilinear
            interpolation does.
    """
    matrix = np.array(picture_from_crop, dtype=np.float64)
    image = Image.fromarray(np.ascontiguousarray(picture))
    shrink = math.sqrt(abs(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]))
    if smooth and shrink >= 2:
        factor = int(shrink)
        box = _reach(matrix, size, (image.width, image.height), factor)
        if box is None:
            return np.broadcast_to(np.array(fill, dtype=np.uint8), (size[1], size[0], 3)).copy()
        image = image.reduce(factor, box=box)
        matrix[:, 2] -= box[:2]
        matrix /= factor
    data = tuple(matrix.ravel())
    return np.asarray(image.transform(size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR, fillcolor=fill))


def from_pixel_middles(matrix: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "2 3"]:
    """An affine map between points that are counted from the middle of the first pixel (OpenCV's), for points that are
    counted from its corner."""
    moved = np.array(matrix, dtype=np.float64)
    moved[:, 2] += 0.5 - moved[:, :2] @ np.array([0.5, 0.5])
    return moved


def _reach(
    matrix: np.ndarray, size: tuple[int, int], picture: tuple[int, int], factor: int
) -> tuple[int, int, int, int] | None:
    """What the crop can see of the picture, widened to whole blocks; None if it sees none of it."""
    corners = np.array([[x, y, 1.0] for x in (0, size[0]) for y in (0, size[1])]) @ matrix.T
    low = np.maximum(np.floor(corners.min(0) / factor).astype(int) - 1, 0) * factor
    high = np.minimum((np.ceil(corners.max(0) / factor).astype(int) + 1) * factor, picture)
    if (low >= high).any():
        return None
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])

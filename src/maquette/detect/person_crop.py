"""The square of a picture that a network for one person sees, and the way between its pixels and the picture's.

All pixels are Maquette's: (0, 0) is the upper left corner of the upper left pixel. Crops as published programs cut
them, with their roundings: :mod:`maquette.detect.published_crop`.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, UInt8

from maquette.detect.warp import warp
from maquette.errors import InputError

MARGIN = 1.25
"""Side of the square in longer sides of the box around the joints: heads, hands and feet stand beyond the joints."""
LEAST_SIDE_PX = 16.0
"""Nobody is found in less."""


@dataclass(frozen=True, eq=False)
class Crop:
    """A square around a person.

    Raises:
        InputError: the centre or the rotation is not finite, or the side is not above 0.
    """

    centre_px: Float[np.ndarray, "2"]
    """Its middle in the picture."""
    side_px: float
    """In pixels of the picture."""
    rotation_rad: float = 0.0
    """How far what is seen appears turned in the crop, clockwise."""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.centre_px).all() and math.isfinite(self.rotation_rad) and 0 < self.side_px < math.inf):
            raise InputError(
                f"a crop of {self.side_px} pixels around {np.asarray(self.centre_px).tolist()}, turned by "
                f"{self.rotation_rad}: expected finite numbers and a side above 0"
            )

    def crop_from_picture(self, size: int) -> Float64[np.ndarray, "2 3"]:
        """Takes points of the picture to those of a crop of ``size`` by ``size`` pixels."""
        cos, sin = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        linear = size / self.side_px * np.array([[cos, -sin], [sin, cos]])
        return np.concatenate([linear, (size / 2 - linear @ self.centre_px)[:, None]], axis=1)

    def picture_from_crop(self, size: int) -> Float64[np.ndarray, "2 3"]:
        """The way back."""
        cos, sin = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        linear = self.side_px / size * np.array([[cos, sin], [-sin, cos]])
        return np.concatenate([linear, (self.centre_px - linear @ np.full(2, size / 2))[:, None]], axis=1)

    def to_crop(self, points_px: Float[np.ndarray, "*any 2"], size: int) -> Float64[np.ndarray, "*any 2"]:
        """Points of the picture in a crop of ``size`` by ``size`` pixels (or in heatmaps of that size)."""
        return moved(points_px, self.crop_from_picture(size))

    def to_picture(self, points: Float[np.ndarray, "*any 2"], size: int) -> Float64[np.ndarray, "*any 2"]:
        """The way back."""
        return moved(points, self.picture_from_crop(size))


def moved(points: Float[np.ndarray, "*any 2"], matrix: Float[np.ndarray, "2 3"]) -> Float64[np.ndarray, "*any 2"]:
    """Points through an affine map; NaN stays NaN."""
    return np.asarray(points, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]


def crop_picture(
    picture: UInt8[np.ndarray, "height width 3"],
    crop: Crop,
    size: int,
    *,
    smooth: bool = True,
    fill: tuple[int, int, int] = (0, 0, 0),
) -> UInt8[np.ndarray, "{size} {size} 3"]:
    """What a network sees: the square in ``size`` by ``size`` pixels; ``fill`` outside the picture.

    Args:
        smooth: average where the picture is much larger than the crop, instead of picking single pixels.
    """
    return warp(picture, crop.picture_from_crop(size), (size, size), smooth=smooth, fill=fill)


def crop_around(
    points_px: Float[np.ndarray, "joints 2"],
    seen: Bool[np.ndarray, " joints"] | None = None,
    *,
    margin: float = MARGIN,
    least_px: float = LEAST_SIDE_PX,
) -> Crop:
    """The square around somebody's joints.

    Args:
        seen: which joints count; by default those that are finite.
        margin: side of the square in longer sides of the joints' box.

    Raises:
        InputError: no joint counts.
    """
    chosen = points_px[np.isfinite(points_px).all(axis=-1) if seen is None else seen]
    if not len(chosen):
        raise InputError("no joint that a crop could be put around")
    low, high = chosen.min(axis=0), chosen.max(axis=0)
    return Crop(np.asarray((low + high) / 2, dtype=np.float64), max(float((high - low).max()) * margin, least_px))

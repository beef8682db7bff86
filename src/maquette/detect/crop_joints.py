"""What a network of pictures says of crops around people: where joints are in them, and how deep."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from maquette.detect.heatmaps import Refinement, at_cells, decode
from maquette.runtime.picture_model import PictureModel, PictureResult
from maquette.skeletons import get_skeleton

_SIDES = {"half-crop": 0.5, "crop": 1.0}
"""A depth of 1, in sides of the crop."""


class CropJoints(NamedTuple):
    """Joints of every crop, in sides of it."""

    points: Float[np.ndarray, "crops joints 2"]
    """From its upper left corner, x right, y down: 1 is its side; NaN where a joint is not seen."""
    confidence: Float[np.ndarray, "crops joints"]
    """Height of the peak, 0 to 1."""
    depth: Float[np.ndarray, "crops joints"] | None
    """How far away joints are, from wherever the network counts; away from the camera is positive."""


def read_crops(
    model: PictureModel,
    crops: UInt8[np.ndarray, "crops size size 3"],
    *,
    flip: bool = False,
    refine: Refinement | None = None,
    first: bool = False,
) -> CropJoints:
    """Run the network, and read its heatmaps and depths.

    Args:
        crops: RGB, of the size that the model takes.
        flip: average with what the network says of the mirrored crops: heatmaps and depths, left and right exchanged.
            (A mirror does not change depths.)
        refine: how heatmaps are read; None as the model says.
        first: joints without a peak are in the first cell, as published programs have them, instead of missing.

    Raises:
        ModelError: crops of another size.
    """
    result = model.run(crops)
    if flip:
        order = get_skeleton(model.spec.skeleton).mirror_permutation
        result = averaged(result, mirrored(model.run(np.ascontiguousarray(crops[:, :, ::-1])), order))
    decoded = decode(result.heatmaps, model.spec.heatmap_decode if refine is None else refine)
    depth = result.depth if result.depth_map is None else at_cells(result.depth_map, decoded.cells)
    there = (decoded.confidence > 0) | first
    if depth is not None:
        depth = np.where(there, depth * _SIDES[model.spec.depth_unit], np.nan).astype(np.float64)
    points = np.where(there[..., None] & np.isnan(decoded.points), 0.5, decoded.points)
    return CropJoints(points / model.spec.output_size, decoded.confidence, depth)


def mirrored(result: PictureResult, order: np.ndarray) -> PictureResult:
    """What was said of mirrored crops, as of the crops themselves.

    Args:
        order: joint -> the joint that it is in a mirror.
    """
    maps = result.depth_map
    return PictureResult(
        result.heatmaps[:, order, :, ::-1],
        None if result.depth is None else result.depth[:, order],
        None if maps is None else maps[:, order, :, ::-1],
    )


def averaged(first: PictureResult, second: PictureResult) -> PictureResult:
    """The mean of both."""
    return PictureResult(
        *(None if a is None or b is None else (a + b) / 2 for a, b in zip(first, second, strict=True))  # pyright: ignore[reportArgumentType]
    )

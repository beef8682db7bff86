"""Crops: against a linear picture, whose interpolation is known everywhere."""

import numpy as np
import pytest

from maquette.detect.warp import from_pixel_middles, warp


def _ramp(height: int = 120, width: int = 160) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width] + 0.5
    return np.stack([x, y, (x + y) / 2], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("scale", [0.4, 1.0, 1.7, 2.5, 4.2])
def test_a_crop_of_a_ramp_is_the_ramp_there(scale: float) -> None:
    angle = 0.3
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, [70.0, 50.0] - turn @ [10.0, 12.0]])
    crop = warp(_ramp(), matrix, (20, 24)).astype(float)
    y, x = np.mgrid[0:24, 0:20] + 0.5
    at = np.stack([x, y], axis=-1) @ matrix[:, :2].T + matrix[:, 2]
    inside = ((at > 5) & (at < [155, 115])).all(-1)
    # The ramp's values are whole numbers, cut off: half a level on average.
    assert inside.sum() > 20
    assert np.abs(crop[..., :2] + 0.5 - at)[inside].max() < 1.6


def test_outside_is_the_fill_colour_also_when_nothing_is_inside() -> None:
    matrix = np.array([[1.0, 0, -30], [0, 1, 0]])
    crop = warp(_ramp(), matrix, (20, 20), fill=(1, 2, 3))
    assert (crop == [1, 2, 3]).all()
    far = np.array([[3.0, 0, 1000], [0, 3, 0]])
    assert (warp(_ramp(), far, (20, 20), fill=(9, 9, 9)) == 9).all()


def test_the_same_map_counted_from_pixel_middles() -> None:
    # OpenCV's half: out pixel i shows in pixel 2i, middle to middle.
    matrix = from_pixel_middles(np.array([[2.0, 0, 0], [0, 2, 0]]))
    assert np.allclose(matrix @ [0.5, 0.5, 1], [0.5, 0.5])
    assert np.allclose(matrix @ [1.5, 2.5, 1], [2.5, 4.5])

"""Crops around people: pixels that are moved to where the matrices say, and the published programs' crops."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.detect.person_crop import Crop, crop_around, crop_picture
from maquette.detect.published_crop import opencv_crop, published_crop, published_points, whole_pixels
from maquette.errors import InputError


def spots(places: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture with a round spot at each place."""
    x, y = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    values = sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / 2 / 4**2) for a, b in places)
    return np.repeat(np.clip(np.round(255 * np.asarray(values)), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def middle(picture: np.ndarray, around: np.ndarray, reach: int) -> np.ndarray:
    """Centre of brightness within a window."""
    x0, y0 = (int(v) - reach for v in around)
    part = picture[y0 : y0 + 2 * reach, x0 : x0 + 2 * reach, 0].astype(float)
    x, y = np.meshgrid(np.arange(part.shape[1]) + x0 + 0.5, np.arange(part.shape[0]) + y0 + 0.5)
    return np.array([(part * x).sum(), (part * y).sum()]) / part.sum()


@pytest.mark.parametrize("rotation_deg", [0.0, 30.0, -75.0])
@pytest.mark.parametrize("side", [90.0, 200.0, 700.0])
def test_points_and_pixels_move_together(rotation_deg: float, side: float) -> None:
    place = np.array([161.3, 118.9])
    crop = Crop(np.array([150.0, 130.0]), side, math.radians(rotation_deg))
    seen = crop_picture(spots(place[None], (320, 240)), crop, 256)
    wanted = crop.to_crop(place, 256)
    assert np.abs(middle(seen, wanted, 44) - wanted).max() < 0.06 * max(1, 256 / side)


def test_rotation_is_clockwise_and_the_centre_stays() -> None:
    crop = Crop(np.array([100.0, 50.0]), 64.0, math.pi / 2)
    np.testing.assert_allclose(crop.to_crop(np.array([[100.0, 50.0], [110.0, 50.0]]), 64), [[32, 32], [32, 42]])


@given(st.floats(-2000, 2000), st.floats(-2000, 2000), st.floats(1, 3000), st.floats(-7, 7), st.sampled_from([64, 256]))
def test_the_way_back(x: float, y: float, side: float, angle: float, size: int) -> None:
    crop = Crop(np.array([x, y]), side, angle)
    points = np.array([[[0.0, 0.0], [5.0, -3.0]], [[100.0, 700.0], [np.nan, np.nan]]])
    np.testing.assert_allclose(crop.to_picture(crop.to_crop(points, size), size), points, atol=1e-6)
    assert crop.to_crop(points, size).shape == points.shape


def test_crop_around_joints() -> None:
    points = np.array([[10.0, 20.0], [50.0, 100.0], [np.nan, np.nan], [1e6, 1e6]])
    crop = crop_around(points, np.array([True, True, False, False]), margin=1.5)
    assert crop.centre_px.tolist() == [30, 60]
    assert crop.side_px == 120
    assert crop_around(points[:1]).side_px == 16
    with pytest.raises(InputError, match="no joint"):
        crop_around(points[2:3])


@pytest.mark.parametrize(("centre", "side"), [((0.0, math.nan), 1.0), ((0.0, 0.0), 0.0), ((0.0, 0.0), math.inf)])
def test_what_is_no_crop(centre: tuple[float, float], side: float) -> None:
    with pytest.raises(InputError, match="expected finite numbers"):
        Crop(np.array(centre), side)


def test_published_points(goldens_dir: Path) -> None:
    golden = np.load(goldens_dir / "zhou_hourglass" / "image_helpers.npz")
    points, centre, side = golden["transform_in"], golden["center"], float(golden["scale"])

    def pixels(rotation_deg: float = 0.0, inverse: bool = False) -> np.ndarray:
        moved = published_points(points[:, :2], centre, side, 64, rotation_deg=rotation_deg, inverse=inverse)
        return whole_pixels(moved)

    np.testing.assert_array_equal(pixels(), golden["transform"])
    np.testing.assert_array_equal(pixels(rotation_deg=30.0), golden["transform_rot30"])
    np.testing.assert_array_equal(pixels(inverse=True), golden["transform_inv"])
    np.testing.assert_allclose(published_points(points[:, :2], centre, side, 64), golden["transform3d"][:, :2])
    np.testing.assert_allclose(points[:, 2] * 64 / side, golden["transform3d"][:, 2])
    ours = Crop(centre, side).to_crop(points[:, :2], 64)
    np.testing.assert_allclose(ours, golden["transform3d"][:, :2])


def test_published_points_return() -> None:
    points, centre = np.array([[3.0, 4.0], [500.0, -20.0]]), np.array([120.0, 95.0])
    there = published_points(points, centre, 170.0, 256, rotation_deg=37.0)
    np.testing.assert_allclose(published_points(there, centre, 170.0, 256, rotation_deg=37.0, inverse=True), points)


def test_published_crops_of_the_port(goldens_dir: Path) -> None:
    """Its ``resize`` is OpenCV's, which rounds weights to 11 bits: one grey level."""
    golden = np.load(goldens_dir / "zhou_hourglass" / "image_helpers.npz")
    picture = golden["crop_img"]
    big = np.repeat(np.repeat(picture, 3, axis=0), 3, axis=1)[:600, :640]
    whole = np.load(goldens_dir / "zhou_hourglass" / "h36m_targets.npz")["inp0"]
    cases = (
        (picture, golden["center"], float(golden["scale"]), golden["crop_small_scale"]),
        (big, golden["crop_big_center"], float(golden["crop_big_scale"]), golden["crop_big"]),
        (picture, np.array([112.0, 112.0]), 224.0, whole),
    )
    for seen, centre, side, expected in cases:
        ours = published_crop(seen, centre, side, 256, "port").astype(int)
        assert np.abs(ours - expected.transpose(1, 2, 0)).max() <= 1


@pytest.mark.parametrize("line", ["torch7", "port"])
@pytest.mark.parametrize("rotation_deg", [0.0, 20.0, -60.0])
@pytest.mark.parametrize("side", [180.0, 300.0, 900.0])
def test_published_crops_show_what_the_exact_crop_shows(line: str, rotation_deg: float, side: float) -> None:
    """A spot is within two pixels of the picture of where it belongs: the programs round corners to pixels twice."""
    place, centre = np.array([161.0, 118.0]), np.array([150.0, 130.0])
    picture = spots(place[None], (320, 240))
    seen = published_crop(picture, centre, side, 256, "port" if line == "port" else "torch7", rotation_deg=rotation_deg)
    wanted = published_points(place, centre, side, 256, rotation_deg=rotation_deg)
    assert np.abs(middle(seen, wanted, 40) - wanted).max() < 2.5 * max(256 / side, 1)


def test_the_port_turns_crops_a_pixel_off() -> None:
    place, centre = np.array([161.0, 118.0]), np.array([150.0, 130.0])
    picture = spots(place[None], (320, 240))
    paper, port = (
        published_crop(picture, centre, 200.0, 256, "torch7", rotation_deg=20.0),
        published_crop(picture, centre, 200.0, 256, "port", rotation_deg=20.0),
    )
    wanted = published_points(place, centre, 200.0, 256, rotation_deg=20.0)
    off = (middle(port, wanted, 40) - middle(paper, wanted, 40)) * 200 / 256
    np.testing.assert_allclose(off, -1, atol=0.75)


@pytest.mark.parametrize(("centre", "side"), [((5000.0, 5000.0), 200.0), ((100.0, 100.0), 0.4), ((100.0, 100.0), 1e6)])
def test_published_crops_of_nothing_are_black_or_tiny(centre: tuple[float, float], side: float) -> None:
    picture = np.full((100, 120, 3), 200, dtype=np.uint8)
    for rotation_deg in (0.0, 33.0):
        published_crop(picture, np.array(centre), 4.0, 64, "port", rotation_deg=rotation_deg)
        seen = published_crop(picture, np.array(centre), side, 64, "port", rotation_deg=rotation_deg)
        assert seen.shape == (64, 64, 3)
        if centre[0] > 1000 or side > 1e5:
            assert not seen.any()


@settings(max_examples=20)
@given(st.floats(-60, 60), st.floats(40, 400))
def test_opencv_crop_counts_from_the_middle_of_pixels(rotation_deg: float, side: float) -> None:
    """The middle of the crop is the middle of pixel (32, 32), in it as in the picture."""
    place = np.array([80.5, 60.5])
    seen = opencv_crop(spots(place[None], (160, 120)), place - 0.5, side, 64, rotation_deg=rotation_deg)
    assert np.abs(middle(seen, np.array([32.0, 32.0]), 20) - 32.5).max() < 0.1 * max(1, 64 / side)

"""Targets of networks for pictures: outputs of the original program, and what its description works out."""

from pathlib import Path

import numpy as np
import pytest
from drawn_people import MadePeople

from maquette.datasets.hourglass_samples import made_sample
from maquette.datasets.hourglass_settings import PORT
from maquette.datasets.hourglass_targets import (
    BONES,
    DepthUnit,
    Gaussian,
    depth_px,
    depth_target,
    draw_heatmaps,
    thorax_between_shoulders,
    weak_perspective,
)
from maquette.datasets.picture_people import PicturePerson

ONE = np.ones(1, dtype=bool)


def one(x: float, y: float, kind: Gaussian, size: int = 64) -> np.ndarray:
    return draw_heatmaps(np.array([[x, y]], dtype=float), ONE, size, kind)[0]


def test_bumps_of_the_port(goldens_dir: Path) -> None:
    golden = np.load(goldens_dir / "zhou_hourglass" / "image_helpers.npz")
    points = golden["gauss_points"]
    ours = draw_heatmaps(points, np.ones(len(points), dtype=bool), 64, "port6x6")
    np.testing.assert_allclose(ours, golden["gauss_maps"], atol=5e-8)


def test_profile_of_the_paper() -> None:
    heatmap = one(30.9, 20.0, "torch7")
    profile = [0.230066, 0.520450, 0.849366, 1, 0.849366, 0.520450, 0.230066]
    np.testing.assert_allclose(heatmap[20, 27:34], profile, atol=5e-7)
    np.testing.assert_allclose(heatmap[17:24, 30], profile, atol=5e-7)
    assert heatmap.sum() == pytest.approx(17.638022, rel=1e-6)
    assert np.count_nonzero(heatmap) == 49
    np.testing.assert_array_equal(heatmap, one(30.9, 20.0, "torch7-border"))


@pytest.mark.parametrize(("place", "peak"), [(1, 3), (2, 4), (3, 4), (0, 2), (-1, 1), (4, 4), (5, 5)])
def test_displaced_bumps_at_the_border(place: int, peak: int) -> None:
    """Both count from 1, as the program does."""
    heatmap = one(place - 1, 30, "torch7-border")
    assert heatmap[30].argmax() + 1 == peak
    assert one(30, place - 1, "torch7-border")[:, 30].argmax() + 1 == peak
    if place > 0:
        assert one(place - 1, 30, "torch7")[30].argmax() + 1 == place


@pytest.mark.parametrize("x", [60, 62, 63, 65])
def test_the_right_border_is_cut(x: int) -> None:
    plain, border = (one(x, 30, kind) for kind in ("torch7", "torch7-border"))
    np.testing.assert_array_equal(plain, border)
    whole = one(x, 30, "torch7", size=128)[:64, :64]
    np.testing.assert_array_equal(plain, whole)


def test_bumps_of_the_second_version() -> None:
    heatmap = one(30.0, 20.7, "sigma2")
    y, x = np.mgrid[:64, :64]
    expected = np.exp(-((x - 30) ** 2 + (y - 20) ** 2) / 8) * (abs(x - 30) <= 6) * (abs(y - 20) <= 6)
    np.testing.assert_allclose(heatmap, expected, atol=1e-7)


@pytest.mark.parametrize("place", [(31.5, 31.5), (31.9, 12.25), (0.3, 63.8)])
def test_subpixel_bumps_are_around_the_point(place: tuple[float, float]) -> None:
    """The logarithm of a Gaussian is a parabola: its top, from three pixels of a row and of a column."""
    heatmap = one(*place, "subpixel").astype(np.float64)
    x, y = (min(max(int(v), 1), 62) for v in place)
    for line, at, wanted in ((heatmap[y], x, place[0]), (heatmap[:, x], y, place[1])):
        before, here, after = np.log(line[at - 1 : at + 2])
        top = at + 0.5 + 0.5 * (before - after) / (before - 2 * here + after)
        assert top == pytest.approx(wanted, abs=1e-4)
    assert not one(-6.0, 3.0, "subpixel").any()


def test_joints_that_are_not_drawn_have_empty_maps() -> None:
    points = np.array([[10.0, 10.0], [20.0, 20.0], [np.nan, np.nan]])
    maps = draw_heatmaps(points, np.array([True, False, True]), 64)
    assert maps.any(axis=(1, 2)).tolist() == [True, False, False]


def test_targets_of_human36m(goldens_dir: Path) -> None:
    """Items of the port's data set in validation: picture, heatmaps, depths, all from one call."""
    golden = np.load(goldens_dir / "zhou_hourglass" / "h36m_targets.npz")
    picture = np.load(goldens_dir / "zhou_hourglass" / "image_helpers.npz")["crop_img"]
    for i in range(len(golden["joint_2d"])):
        person = PicturePerson(
            # The program reads pictures as BGR, and this one is given to it as it is.
            picture=lambda: np.ascontiguousarray(picture[..., ::-1]),
            name="",
            centre_px=np.array([112.0, 112.0]),
            side_px=224.0,
            points_px=golden["joint_2d"][i],
            visible=np.ones(16, dtype=bool),
            camera_mm=golden["joint_3d_mono"][i],
        )
        sample = made_sample(person, PORT, np.random.default_rng(0))
        np.testing.assert_allclose(sample.heatmaps, golden["outMap"][i], atol=5e-8)
        np.testing.assert_allclose(sample.depth, golden["outReg"][i, :, 2], atol=1e-6)
        assert np.abs(sample.picture * 256 - golden["inp0"]).max() <= 1
        assert sample.has_depth
        assert not sample.weak


def test_weak_perspective_gives_back_what_was_projected_so() -> None:
    person = MadePeople().person(2)
    assert person.camera_mm is not None
    joints = weak_perspective(person.points_px, person.camera_mm)
    np.testing.assert_allclose(joints[:, :2], person.points_px, atol=1e-9)
    np.testing.assert_allclose(joints[:, 2], 0.1 * (person.camera_mm[:, 2] - person.camera_mm[7, 2]), atol=1e-9)
    missing = person.points_px.copy()
    missing[[0, 9]] = np.nan
    np.testing.assert_allclose(weak_perspective(missing, person.camera_mm)[:, 2], joints[:, 2], atol=1e-9)
    assert np.isnan(weak_perspective(np.full((16, 2), np.nan), person.camera_mm)).all()


def test_bones_that_scales_are_measured_by() -> None:
    assert len(BONES) == 14
    assert not any(7 in bone for bone in BONES)


def test_depth_of_the_anchor_and_the_way_back() -> None:
    nothing = np.zeros(3)
    assert depth_target(nothing, 224.0, "half-crop").tolist() == [0, 0, 0]
    np.testing.assert_allclose(depth_target(nothing, 224.0, "half-crop-torch7"), 0.0223214, atol=5e-8)
    z_px = np.array([-30.0, 0, 77])
    np.testing.assert_allclose(depth_target(z_px, 224.0, "half-crop"), z_px / 112)
    np.testing.assert_allclose(depth_target(z_px, 300.0, "crop"), z_px / 300)
    units: tuple[DepthUnit, ...] = ("half-crop", "crop")
    for unit in units:
        np.testing.assert_allclose(depth_px(depth_target(z_px, 131.0, unit), 131.0, unit), z_px)
    shifted = depth_px(depth_target(z_px, 131.0, "half-crop-torch7"), 131.0, "half-crop-torch7")
    np.testing.assert_allclose(np.diff(shifted), np.diff(z_px))


def test_thorax_moves_between_the_shoulders() -> None:
    joints = np.arange(48.0).reshape(16, 3)
    moved = thorax_between_shoulders(joints)
    np.testing.assert_array_equal(moved[7], (joints[12] + joints[13]) / 2)
    np.testing.assert_array_equal(np.delete(moved, 7, axis=0), np.delete(joints, 7, axis=0))

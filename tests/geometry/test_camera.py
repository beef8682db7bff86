"""The camera against Human3.6M's published code (recorded), OpenCV (recorded) and its own inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maquette import geometry as g
from maquette.errors import InputError


def h36m_golden_camera(golden, name):
    return g.Camera(
        focal_px=tuple(golden[f"{name}_f"].ravel()),
        centre_px=tuple(golden[f"{name}_c"].ravel()),
        image_size=(1000, 1002),
        R_camera_world=golden[f"{name}_R"],
        position_world_m=golden[f"{name}_T"].ravel() / 1000,
        distortion=(*golden[f"{name}_k"].ravel(), *golden[f"{name}_p"].ravel()),
        distortion_model="h36m",
    )


@pytest.mark.parametrize("name", ["S1_cam1", "S9_cam3", "S11_cam4"])
def test_human36m_projection(goldens_dir, name):
    golden = np.load(goldens_dir / "geometry" / "h36m_cameras.npz")
    camera = h36m_golden_camera(golden, name)
    points = golden["points_world_mm"] / 1000
    in_camera = camera.world_to_camera(points)
    np.testing.assert_allclose(in_camera * 1000, golden[f"{name}_Xcam"], atol=1e-8)
    np.testing.assert_allclose(camera.camera_to_world(in_camera) * 1000, golden[f"{name}_Xworld_back"], atol=1e-8)
    visible = golden[f"{name}_depth"] > 0
    assert visible.sum() > 10
    pixels = camera.project_world(points)
    np.testing.assert_allclose(pixels[visible], golden[f"{name}_proj"][visible], rtol=1e-9)
    assert np.isnan(pixels[~visible]).all()


@pytest.mark.parametrize(("name", "subject", "camera"), [("S1_cam1", 1, 1), ("S11_cam4", 11, 4)])
def test_human36m_metadata_numbers(goldens_dir, name, subject, camera):
    golden = np.load(goldens_dir / "geometry" / "h36m_cameras.npz")
    w0 = golden["xml_w0"].ravel()
    pose = w0[6 * ((camera - 1) * 11 + subject - 1) :][:6]
    inner = w0[264 + 9 * (camera - 1) :][:9]
    made = g.h36m_camera(
        pose[:3],
        pose[3:],
        (inner[0], inner[1]),
        (inner[2], inner[3]),
        tuple(inner[4:7]),
        tuple(inner[7:]),
        (1000, 1002),
    )
    np.testing.assert_allclose(made.R_camera_world, golden[f"xml_{name}_R"], atol=1e-12)
    np.testing.assert_allclose(made.position_world_m * 1000, golden[f"xml_{name}_T"].ravel(), rtol=1e-8)
    np.testing.assert_allclose(made.focal_px, golden[f"xml_{name}_f"].ravel())
    np.testing.assert_allclose(made.centre_px, golden[f"xml_{name}_c"].ravel())
    np.testing.assert_allclose(made.distortion[:3], golden[f"xml_{name}_k"].ravel())
    np.testing.assert_allclose(made.distortion[3:], golden[f"xml_{name}_p"].ravel())


@pytest.mark.parametrize("n", [4, 5, 8, 12])
def test_opencv_projection(goldens_dir, n):
    golden = np.load(goldens_dir / "geometry" / "opencv_project.npz")
    matrix = golden["K"]
    camera = g.Camera(
        focal_px=(matrix[0, 0], matrix[1, 1]),
        centre_px=(matrix[0, 2], matrix[1, 2]),
        image_size=(1280, 720),
        R_camera_world=golden["R"],
        position_world_m=golden["position"],
        distortion=tuple(golden["coefficients"][:n]),
        distortion_model="opencv",
    )
    np.testing.assert_allclose(camera.project_world(golden["points"]), golden[f"pixels_{n}"], atol=1e-9)
    np.testing.assert_allclose(
        camera.pixels_to_normalized(golden[f"pixels_{n}"]), golden[f"undistorted_{n}"], atol=1e-9
    )


def test_opencv_formula_as_its_documentation_writes_it():
    k1, k2, p1, p2, k3 = -0.3, 0.12, 0.001, -0.002, 0.01
    x, y = np.random.default_rng(0).uniform(-0.4, 0.4, (2, 20))
    r = np.hypot(x, y)
    radial = 1 + k1 * r**2 + k2 * r**4 + k3 * r**6
    expected = np.stack(
        (
            x * radial + 2 * p1 * x * y + p2 * (r**2 + 2 * x**2),
            y * radial + p1 * (r**2 + 2 * y**2) + 2 * p2 * x * y,
        ),
        axis=-1,
    )
    np.testing.assert_allclose(
        g.distort(np.stack((x, y), axis=-1), (k1, k2, p1, p2, k3), "opencv"), expected, atol=1e-15
    )


def test_the_two_formulas_differ_only_in_the_tangential_part():
    points = np.random.default_rng(1).uniform(-0.3, 0.3, (50, 2))
    k = (-0.2, 0.24, -0.002)
    np.testing.assert_allclose(
        g.distort(points, (*k, 0.0, 0.0), "h36m"), g.distort(points, (k[0], k[1], 0.0, 0.0, k[2]), "opencv"), atol=1e-15
    )
    p1, p2 = -0.0009, -0.0016
    with_tangential = g.distort(points, (*k, p1, p2), "h36m") - g.distort(points, (k[0], k[1], p1, p2, k[2]), "opencv")
    x, y = points.T
    expected = np.stack((-(p1 * x * y + p2 * x * x), -(p1 * y * y + p2 * x * y)), axis=-1)
    np.testing.assert_allclose(with_tangential, expected, atol=1e-15)


@given(st.sampled_from([("h36m", (-0.2, 0.24, -0.002, -0.0009, -0.0016)), ("opencv", (-0.28, 0.11, 0.001, -0.002))]),
       st.integers(0, 10_000))  # fmt: skip
def test_undistort_inverts_distort(lens, seed):
    model, coefficients = lens
    points = np.random.default_rng(seed).uniform(-0.5, 0.5, (20, 2))
    np.testing.assert_allclose(
        g.undistort(g.distort(points, coefficients, model), coefficients, model), points, atol=1e-8
    )


def test_undistort_says_where_there_is_no_inverse():
    # r (1 - r^2) never exceeds 0.385, so nothing ideal lands at 0.6.
    bent = np.array([[0.2, 0.1], [0.6, 0.0], [np.nan, 0.0]])
    straight = g.undistort(bent, (-1.0, 0.0, 0.0, 0.0), "opencv")
    np.testing.assert_allclose(g.distort(straight[:1], (-1.0, 0.0, 0.0, 0.0), "opencv"), bent[:1], atol=1e-10)
    assert np.isnan(straight[1:]).all()


def test_unproject_inverts_project_and_behind_is_missing():
    camera = g.Camera((900.0, 905.0), (640.0, 360.0), (1280, 720))
    points = np.random.default_rng(2).uniform((-1, -1, 2), (1, 1, 6), (4, 5, 3))
    np.testing.assert_allclose(camera.unproject(camera.project(points), points[..., 2]), points, atol=1e-12)
    np.testing.assert_allclose(camera.unproject(np.array([640.0, 360.0]), 3.0), [0, 0, 3])
    assert np.isnan(camera.project(np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 0.0]]))).all()


def test_look_at():
    position, target = np.array([3.0, 1.6, 4.0]), np.array([0.5, 1.0, 0.0])
    rotation = g.look_at(position, target)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(rotation) > 0
    camera = g.Camera((1000.0, 1000.0), (640.0, 360.0), (1280, 720), R_camera_world=rotation, position_world_m=position)
    np.testing.assert_allclose(camera.project_world(target), [640, 360], atol=1e-9)
    above = camera.project_world(target + np.array([0, 0.3, 0]))
    assert above[1] < 360
    assert abs(above[0] - 640) < 1e-9
    facing = g.look_at(np.array([0.0, 0.0, 5.0]), np.zeros(3))
    np.testing.assert_allclose(facing, [[1, 0, 0], [0, -1, 0], [0, 0, -1]], atol=1e-15)
    with pytest.raises(InputError, match="looks along 'up'"):
        g.look_at(np.zeros(3), np.array([0.0, 2.0, 0.0]))


def test_assumed_and_given_fields_of_view():
    assert g.assumed_focal_px((1280, 720)) == pytest.approx(1472)
    assert g.assumed_focal_px((720, 1280), factor=1.0) == 1280
    assert g.focal_from_fov(np.pi / 2, 1000) == pytest.approx(500)
    with pytest.raises(InputError, match="180 degrees"):
        g.focal_from_fov(np.pi, 1000)


def test_all_problems_of_a_camera_are_named_at_once():
    with pytest.raises(InputError) as caught:
        g.Camera(
            (0.0, 1.0), (0.0, 0.0), (10, 10), np.diag([1.0, 1.0, -1.0]), distortion=(1.0,), distortion_model="h36m"
        )
    text = str(caught.value)
    for part in ("focal_px is (0.0, 1.0)", "reflection", "1 coefficients for distortion 'h36m', not 5"):
        assert part in text


def test_camera_arrays_are_read_only():
    camera = g.Camera((1.0, 1.0), (0.0, 0.0), (10, 10))
    with pytest.raises(ValueError, match="read-only"):
        camera.R_camera_world[0, 0] = 2.0


def test_rotations_too_large_to_multiply():
    with pytest.raises(InputError, match="not a 3x3 rotation matrix"):
        g.Camera((1.0, 1.0), (0.0, 0.0), (10, 10), np.full((3, 3), 1e300))

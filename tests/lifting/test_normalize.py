"""The normalisation: laws of mirrors, units and missing points."""

import numpy as np
import pytest

from maquette.lifting.normalize import (
    CHANNELS,
    LANDMARKS,
    mirror_features,
    mirror_positions,
    normalise_windows,
    positions_in_camera,
)
from maquette.skeletons import LANDMARKS_27, LIFTED_21

WIDTH, HEIGHT, FOCAL = 1920, 1080, 1500.0
CENTRE = (WIDTH / 2, HEIGHT / 2)
XY, FLAGS = slice(0, 2 * LANDMARKS), slice(2 * LANDMARKS, 3 * LANDMARKS)
ON_HIPS, ON_SHOULDERS = CHANNELS - 2, CHANNELS - 1


@pytest.fixture
def windows():
    """Points of a body-sized cloud that crosses the picture, a tenth of them missing."""
    rng = np.random.default_rng(3)
    body = rng.normal(0, 0.4, (6, 1, LANDMARKS, 3)) + 0.05 * rng.standard_normal((6, 27, LANDMARKS, 3))
    path = np.linspace([-0.7, 0.2, 4.0], [0.9, -0.1, 5.0], 27)
    camera = body + path[None, :, None]
    points = camera[..., :2] / camera[..., 2:] * FOCAL + CENTRE
    return points, rng.random(points.shape[:3]) > 0.1, camera


def test_mirrored_features_are_those_of_the_mirrored_picture(windows):
    points, observed, _ = windows
    features = normalise_windows(points, observed, FOCAL, CENTRE).features
    flipped = points.copy()
    flipped[..., 0] = WIDTH - flipped[..., 0]
    swap = LANDMARKS_27.mirror_permutation
    seen_in_mirror = normalise_windows(flipped[:, :, swap], observed[:, :, swap], FOCAL, CENTRE).features
    np.testing.assert_allclose(mirror_features(features), seen_in_mirror, atol=1e-4)
    np.testing.assert_array_equal(mirror_features(mirror_features(features)), features)


def test_mirroring_positions_twice_changes_nothing_and_once_swaps_sides():
    positions = np.random.default_rng(0).standard_normal((4, 21, 3))
    once = mirror_positions(positions)
    np.testing.assert_array_equal(mirror_positions(once), positions)
    left, right = LIFTED_21.indices(["l_wrist", "r_wrist"])
    np.testing.assert_array_equal(once[:, left], positions[:, right] * [-1, 1, 1])


def test_unit_of_the_picture_does_not_matter(windows):
    points, observed, _ = windows
    pixels = normalise_windows(points, observed, FOCAL, CENTRE).features
    unit = normalise_windows(points / WIDTH, observed, FOCAL / WIDTH, (CENTRE[0] / WIDTH, CENTRE[1] / WIDTH)).features
    np.testing.assert_allclose(pixels, unit, atol=1e-4)


def test_the_centre_lies_on_the_axis_of_the_virtual_camera(windows):
    points, _, camera = windows
    observed = np.ones(points.shape[:3], dtype=bool)
    normalised = normalise_windows(points, observed, FOCAL, CENTRE)
    left, right = LANDMARKS_27.indices(["l_hip", "r_hip"])
    middle = (points[:, 13, left] + points[:, 13, right]) / 2
    ray = np.concatenate([(middle - CENTRE) / FOCAL, np.ones((len(middle), 1))], axis=1)
    turned = (normalised.R_canonical_camera @ ray[..., None])[..., 0]
    np.testing.assert_allclose(turned[:, :2], 0, atol=1e-6)
    # Rotations: orthonormal, right-handed, and undone by the way back.
    R = normalised.R_canonical_camera
    np.testing.assert_allclose(R @ R.transpose(0, 2, 1), np.broadcast_to(np.eye(3), R.shape), atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(R), 1, atol=1e-6)
    there = camera[:, 13] @ R.transpose(0, 2, 1)
    np.testing.assert_allclose(positions_in_camera(there, R), camera[:, 13], atol=1e-5)


def test_coordinates_are_the_projection_into_the_virtual_camera(windows):
    points, _, camera = windows
    observed = np.ones(points.shape[:3], dtype=bool)
    normalised = normalise_windows(points, observed, FOCAL, CENTRE)
    turned = camera[:, 13] @ normalised.R_canonical_camera.transpose(0, 2, 1)
    expected = turned[..., :2] / turned[..., 2:] / normalised.scale[:, None, None]
    np.testing.assert_allclose(normalised.features[:, 13, XY].reshape(-1, LANDMARKS, 2), expected, atol=1e-4)


def test_missing_points_are_not_read_and_are_zero(windows):
    points, observed, _ = windows
    clean = normalise_windows(points, observed, FOCAL, CENTRE).features
    spoilt = np.where(observed[..., None], points, np.nan)
    np.testing.assert_array_equal(normalise_windows(spoilt, observed, FOCAL, CENTRE).features, clean)
    np.testing.assert_array_equal(clean[..., FLAGS], observed)
    assert (clean[..., XY].reshape(*observed.shape, 2)[~observed] == 0).all()


def test_nothing_observed_is_all_zeros():
    points = np.full((2, 27, LANDMARKS, 2), np.nan)
    normalised = normalise_windows(points, np.zeros(points.shape[:3], dtype=bool), FOCAL, CENTRE)
    assert not normalised.features.any()
    np.testing.assert_array_equal(normalised.R_canonical_camera, np.broadcast_to(np.eye(3), (2, 3, 3)))


@pytest.mark.parametrize(
    ("hidden", "on_hips", "on_shoulders"),
    [
        ((), 1, 0),
        (("hip", "l_hip"), 0, 1),
        (("hip", "l_hip", "l_shoulder"), 0, 1),
        (("hip", "r_hip", "r_shoulder", "neck"), 0, 0),
    ],
)
def test_what_a_window_is_centred_on(windows, hidden, on_hips, on_shoulders):
    points, _, _ = windows
    observed = np.ones(points.shape[:3], dtype=bool)
    observed[:, :, LANDMARKS_27.indices(hidden)] = False
    features = normalise_windows(points, observed, FOCAL, CENTRE).features
    assert (features[..., ON_HIPS] == on_hips).all()
    assert (features[..., ON_SHOULDERS] == on_shoulders).all()
    assert np.isfinite(features).all()


def test_hips_missing_for_some_frames_are_interpolated():
    points = np.zeros((1, 27, LANDMARKS, 2))
    points[..., 0] = np.linspace(900, 1030, 27)[None, :, None]
    points[..., 1] = 500 + 10 * np.arange(LANDMARKS)
    observed = np.ones((1, 27, LANDMARKS), dtype=bool)
    whole = normalise_windows(points, observed, FOCAL, CENTRE)
    observed[:, 8:17, LANDMARKS_27.indices(["hip", "l_hip", "r_hip"])] = False
    gap = normalise_windows(points, observed, FOCAL, CENTRE)
    np.testing.assert_allclose(gap.R_canonical_camera, whole.R_canonical_camera, atol=1e-6)
    path = slice(3 * LANDMARKS, 3 * LANDMARKS + 2)
    np.testing.assert_allclose(
        gap.features[..., path] * gap.scale[0], whole.features[..., path] * whole.scale[0], atol=1e-5
    )


def test_scale_does_not_depend_on_the_format():
    """A face or feet beside the limbs must not change the size of the body."""
    rng = np.random.default_rng(0)
    points = rng.normal(500, 80, (3, 27, LANDMARKS, 2))
    observed = np.ones(points.shape[:3], dtype=bool)
    every = normalise_windows(points, observed, FOCAL, CENTRE).scale
    observed[
        :, :, LANDMARKS_27.indices(["face_nose", "l_eye", "r_eye", "l_ear", "r_ear", "l_toe", "r_toe", "head"])
    ] = False
    np.testing.assert_array_equal(normalise_windows(points, observed, FOCAL, CENTRE).scale, every)


@pytest.mark.parametrize("frames", [1, 9, 27])
def test_single_poses_and_other_windows(frames, windows):
    points, observed, _ = windows
    assert normalise_windows(points[:, :frames], observed[:, :frames], FOCAL, CENTRE).features.shape == (
        6,
        frames,
        CHANNELS,
    )

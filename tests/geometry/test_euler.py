"""Euler angles of all twelve orders against SciPy, in gimbal lock, and unwrapped over time."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from maquette import geometry as g
from maquette.errors import InputError

RANDOM = Rotation.from_quat(np.random.default_rng(4).normal(size=(300, 4)))


@pytest.mark.parametrize("order", g.EULER_ORDERS)
def test_agrees_with_scipy(order):
    matrices = RANDOM.as_matrix()
    angles = RANDOM.as_euler(order)
    np.testing.assert_allclose(g.matrix_to_euler(matrices, order), angles, atol=1e-12)
    np.testing.assert_allclose(g.euler_to_matrix(angles, order), matrices, atol=1e-14)
    np.testing.assert_allclose(g.quat_to_euler(g.euler_to_quat(angles, order), order), angles, atol=1e-12)


def test_order_is_intrinsic_as_bvh_channels_apply():
    z, x, y = 0.3, -0.5, 0.8
    turn = {
        name: g.quat_to_matrix(g.quat_about(np.eye(3)["XYZ".index(name)], angle))
        for name, angle in (("Z", z), ("X", x), ("Y", y))
    }
    np.testing.assert_allclose(
        g.euler_to_matrix(np.array([z, x, y]), "ZXY"), turn["Z"] @ turn["X"] @ turn["Y"], atol=1e-15
    )


@pytest.mark.parametrize("order", g.EULER_ORDERS)
@pytest.mark.parametrize("off", [0.0, 1e-12, 1e-8, 1e-6, -1e-7, 1e-3])
def test_gimbal_lock_loses_no_precision(order, off):
    repeated = order[0] == order[2]
    for middle in (0.0, np.pi) if repeated else (np.pi / 2, -np.pi / 2):
        matrix = g.euler_to_matrix(np.array([0.7, middle + off, -1.9]), order)
        angles = g.matrix_to_euler(matrix, order)
        precision = 2e-7 if 0 < abs(off) < 2e-7 else 2e-15
        np.testing.assert_allclose(g.euler_to_matrix(angles, order), matrix, atol=precision)
        if off == 0.0:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # SciPy warns that the third angle is set to zero
                expected = Rotation.from_matrix(matrix).as_euler(order)
            np.testing.assert_allclose(np.exp(1j * angles), np.exp(1j * expected), atol=1e-6)


@pytest.mark.parametrize("order", g.EULER_ORDERS)
def test_unwrap_follows_a_smooth_path_through_lock(order):
    # The path runs through the lock exactly (at frame 50) and several turns around.
    time = np.linspace(-1, 1, 101)
    middle = 0.0 if order[0] == order[2] else np.pi / 2
    path = np.stack((0.4 + 7 * time, middle + 2.5 * time, -1 + 5 * time), axis=-1)
    angles = g.matrix_to_euler(g.euler_to_matrix(path, order), order)
    unwrapped = g.euler_unwrap(angles, order)
    np.testing.assert_allclose(g.euler_to_matrix(unwrapped, order), g.euler_to_matrix(path, order), atol=1e-9)
    smooth = np.diff(path, axis=0)
    # In the lock itself the outer angles may be split in another way, by no more than the two free steps beside it.
    assert np.abs(np.diff(unwrapped, axis=0)).max() <= 3 * np.abs(smooth).max() + 1e-6
    assert np.abs(np.diff(np.delete(unwrapped, 50, axis=0), axis=0)).max() <= 2 * np.abs(smooth).max() + 1e-6
    assert np.abs(np.diff(angles, axis=0)).max() > 2


@given(st.sampled_from(g.EULER_ORDERS), st.integers(0, 1000))
def test_unwrap_keeps_rotations_and_bridges_gaps(order, seed):
    rng = np.random.default_rng(seed)
    path = np.cumsum(rng.normal(0, 0.15, (40, 2, 3)), axis=0) + rng.normal(0, 2, (1, 2, 3))
    angles = g.matrix_to_euler(g.euler_to_matrix(path, order), order)
    angles[rng.integers(0, 40, 5), 0] = np.nan
    angles[:2, 1] = np.nan
    unwrapped = g.euler_unwrap(angles, order)
    known = ~np.isnan(angles).any(axis=-1)
    np.testing.assert_array_equal(np.isnan(unwrapped).any(axis=-1), ~known)
    before, after = (g.euler_to_quat(a[known], order) for a in (angles, unwrapped))
    assert np.all(g.quat_angle(before, after) < 1e-7)
    along_other_axis = g.euler_unwrap(np.swapaxes(angles, 0, 1), order, axis=1)
    np.testing.assert_array_equal(np.swapaxes(along_other_axis, 0, 1), unwrapped)


def test_unwrap_of_nothing():
    assert g.euler_unwrap(np.zeros((0, 3)), "ZXY").shape == (0, 3)
    assert np.isnan(g.euler_unwrap(np.full((4, 3), np.nan), "ZXY")).all()


def test_unknown_order_lists_the_known_ones():
    with pytest.raises(InputError, match="'zxy' is unknown; use one of XYZ"):
        g.euler_to_matrix(np.zeros(3), "zxy")

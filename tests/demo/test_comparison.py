"""Errors of the demo on estimates whose errors are known beforehand."""

import dataclasses

import numpy as np
import pytest

from maquette.demo import camera, compare, perform, true_motion
from maquette.errors import InputError
from maquette.geometry import quat_about, quat_rotate, quat_to_matrix

TRUTH = perform(30).motion
ESTIMATE = true_motion(TRUTH)


def moved(turn_rad: float, shift_m: tuple[float, float, float]):
    """The truth in another world frame, its camera moved along with it."""
    turn = quat_about(np.array([0.0, 1.0, 0.0]), turn_rad)
    view = camera()
    carried = dataclasses.replace(
        view,
        R_camera_world=view.R_camera_world @ quat_to_matrix(turn).T,
        position_world_m=quat_rotate(turn, view.position_world_m) + np.array(shift_m),
    )
    positions = quat_rotate(turn, ESTIMATE.positions) + np.array(shift_m)
    return dataclasses.replace(ESTIMATE, positions=positions, camera=carried)


def test_heading_and_place_do_not_count():
    errors = compare(TRUTH, moved(2.1, (3.0, 0.0, -1.0)), camera())
    assert errors.mpjpe_mm < 1e-9
    assert errors.pa_mpjpe_mm < 1e-9
    assert errors.world_mpjpe_mm < 1e-9
    np.testing.assert_allclose(errors.path_m, errors.truth_path_m, atol=1e-12)


def test_height_above_the_ground_counts_in_the_world_only():
    errors = compare(TRUTH, moved(0.3, (0.0, 0.07, 0.0)), camera())
    assert errors.mpjpe_mm < 1e-9
    assert errors.world_mpjpe_mm == pytest.approx(70)


def test_size_counts_before_the_fit_only():
    larger = dataclasses.replace(ESTIMATE, positions=1.1 * ESTIMATE.positions)
    errors = compare(TRUTH, larger, camera())
    from_hip = np.linalg.norm(TRUTH.positions[:, :17] - TRUTH.positions[:, :1], axis=-1)
    assert errors.mpjpe_mm == pytest.approx(100 * from_hip.mean())
    assert errors.pa_mpjpe_mm < 1e-9
    np.testing.assert_allclose(errors.joint_mm, 100 * from_hip.mean(axis=0))


def test_gaps_are_left_out():
    positions = np.array(ESTIMATE.positions)
    positions[10:20] = np.nan
    errors = compare(TRUTH, dataclasses.replace(ESTIMATE, positions=positions), camera())
    assert np.isnan(errors.pose_mm).sum() == 10
    assert errors.mpjpe_mm < 1e-9
    with pytest.raises(InputError, match="no complete frame"):
        compare(TRUTH, dataclasses.replace(ESTIMATE, positions=np.full_like(positions, np.nan)), camera())


def test_what_cannot_be_compared():
    with pytest.raises(InputError, match="no camera"):
        compare(TRUTH, dataclasses.replace(ESTIMATE, camera=None), camera())
    short = dataclasses.replace(ESTIMATE, positions=ESTIMATE.positions[:5], contacts=None, root_trajectory=None)
    with pytest.raises(InputError, match="5 frames"):
        compare(TRUTH, short, camera())

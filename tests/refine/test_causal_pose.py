"""Steady poses, against the One-Euro filter that is there and against what low-passes must do."""

import numpy as np
import pytest

from maquette.errors import InputError
from maquette.refine.causal_pose import PoseFilter
from maquette.refine.keypoints_smooth import OneEuro

ROW, SEEN = np.array([0]), np.array([True])


def _along_x(values: np.ndarray) -> np.ndarray:
    poses = np.zeros((len(values), 1, 1, 3))
    poses[:, 0, 0, 0] = values
    return poses


def test_at_a_constant_cutoff_it_is_two_one_euro_filters() -> None:
    values = np.random.default_rng(0).normal(size=60)
    steps = np.random.default_rng(1).uniform(0.01, 0.04, 60)
    ours = PoseFilter(1, 1, min_cutoff_hz=3.0, beta=0.0)
    first, second = (OneEuro(min_cutoff_hz=3.0, beta=0.0) for _ in range(2))
    for pose, step in zip(_along_x(values), steps, strict=True):
        found = ours(ROW, pose, SEEN, np.array([step]))[0, 0, 0]
        wanted = second(first(pose[0, 0, :1], float(step)), float(step))[0]
        assert found == pytest.approx(wanted, abs=1e-12)


def test_axes_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    poses = np.cumsum(0.05 * rng.normal(size=(40, 1, 21, 3)), axis=0)
    straight, turned = PoseFilter(1, 21), PoseFilter(1, 21)
    for pose in poses:
        a = straight(ROW, pose, SEEN, np.array([0.02]))
        b = turned(ROW, pose @ turn, SEEN, np.array([0.02]))
        np.testing.assert_allclose(a @ turn, b, atol=1e-12)


def test_fast_motion_is_followed_more_closely_than_slow() -> None:
    t = np.arange(200) / 50
    lags = []
    for speed in (0.1, 3.0):
        steady = PoseFilter(1, 1)
        for pose in _along_x(speed * t):
            found = steady(ROW, pose, SEEN, np.array([0.02]))[0, 0, 0]
        lags.append((speed * t[-1] - found) / speed)
    assert lags[1] < 0.5 * lags[0]
    assert lags[1] < 0.03


def test_unseen_poses_are_held_and_rows_stay_apart() -> None:
    steady = PoseFilter(3, 1)
    rows, dt = np.array([0, 2]), np.array([0.02, 0.02])
    poses = np.array([[[1.0, 0, 0]], [[2.0, 0, 0]]])
    np.testing.assert_array_equal(steady(rows, poses, np.array([True, True]), dt), poses)
    found = steady(rows, poses + 1.0, np.array([False, True]), dt)
    np.testing.assert_array_equal(found[0], poses[0])
    assert (found[1] > poses[1]).all()
    steady.reset(2)
    np.testing.assert_array_equal(steady(np.array([2]), poses[:1], SEEN, dt[:1]), poses[:1])


@pytest.mark.parametrize("settings", [{"min_cutoff_hz": 0}, {"beta": -1}, {"derivative_cutoff_hz": 0}])
def test_settings_that_are_none_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(InputError, match="positive cutoffs"):
        PoseFilter(1, 21, **settings)

"""Bones as they settle, against the offline medians and projection."""

from fractions import Fraction

import numpy as np
from walking_figure import walk

from maquette.motion import Motion
from maquette.refine.causal_bones import BoneKeeper
from maquette.refine.motion_bones import bone_lengths, constant_bones
from maquette.skeletons import LIFTED_21

ROW, SEEN, DT = np.array([0]), np.array([True]), np.array([1 / 30])
PARENTS, CHILDREN = np.array(LIFTED_21.bones).T


def _noisy(seconds: float, sigma_m: float = 0.02) -> np.ndarray:
    world, _ = walk(seconds)
    poses = world + sigma_m * np.random.default_rng(0).normal(size=world.shape)
    return poses - poses[:, :1]


def _lengths(poses: np.ndarray) -> np.ndarray:
    return np.linalg.norm(poses[:, CHILDREN] - poses[:, PARENTS], axis=-1)


def test_lengths_settle_at_the_offline_median_without_popping() -> None:
    poses = _noisy(6.0)
    keeper = BoneKeeper(1)
    course = []
    for pose in poses:
        keeper.learn(ROW, pose[None], SEEN, DT)
        course.append(keeper.lengths_m(ROW)[0, 1:])
    offline = bone_lengths(Motion(poses, LIFTED_21, Fraction(30), "camera"))[1:]
    assert np.abs(course[-1] - offline).max() < 0.008
    np.testing.assert_array_equal(course[-1], course[-1][LIFTED_21.mirror_permutation[1:] - 1])
    steps = np.abs(np.diff(course, axis=0)).max(axis=1)
    assert steps[15:].max() < 0.004
    assert steps[90:].max() < 0.0015


def test_poses_get_their_lengths_and_move_no_more_than_offline() -> None:
    poses = _noisy(3.0)
    people = np.arange(len(poses))
    keeper = BoneKeeper(len(poses))
    keeper.learn(people, np.repeat(walk(0.1)[0][:1], len(poses), axis=0), people >= 0, np.ones(len(poses)))
    found = keeper(people, poses)
    lengths = keeper.lengths_m(people[:1])[0]
    np.testing.assert_allclose(_lengths(found), np.tile(lengths[CHILDREN], (len(poses), 1)), atol=1e-6)
    np.testing.assert_allclose(found[:, 0], poses[:, 0], atol=1e-12)
    offline = constant_bones(Motion(poses, LIFTED_21, Fraction(30), "camera"), lengths, iterations=50).positions
    np.testing.assert_allclose(_lengths(found), _lengths(offline), atol=1e-6)
    moved = [np.linalg.norm(p - poses, axis=-1).mean() for p in (found, offline)]
    assert moved[0] < 1.02 * moved[1]
    assert np.linalg.norm(found - offline, axis=-1).mean() < 0.004


def test_a_scale_scales_the_lengths() -> None:
    poses = _noisy(0.2)
    keeper = BoneKeeper(1)
    keeper.learn(ROW, poses[:1], SEEN, DT)
    ratio = _lengths(keeper(ROW, 1.2 * poses[1:2], np.array([1.2]))) / _lengths(keeper(ROW, poses[1:2]))
    np.testing.assert_allclose(ratio, 1.2, rtol=1e-6)


def test_a_joint_on_its_parent_stays_finite() -> None:
    poses = _noisy(0.2)
    keeper = BoneKeeper(1)
    keeper.learn(ROW, poses[:1], SEEN, DT)
    folded = poses[1:2].copy()
    wrist, elbow = LIFTED_21.indices(["l_wrist", "l_elbow"])
    folded[0, wrist] = folded[0, elbow]
    assert np.isfinite(keeper(ROW, folded)).all()


def test_rows_are_forgotten_alone_and_found_lengths_are_taken_over() -> None:
    poses = _noisy(1.0)
    rows, dt = np.array([0, 1]), np.repeat(DT, 2)
    keeper = BoneKeeper(2)
    for pose in poses:
        keeper.learn(rows, np.stack((pose, 1.3 * pose)), np.array([True, True]), dt)
    before = keeper.lengths_m(rows)
    keeper.reset(0)
    assert np.isnan(keeper.lengths_m(rows)[0]).all()
    np.testing.assert_array_equal(keeper.lengths_m(rows)[1], before[1])
    wanted = 1.1 * before[1]
    keeper.settle(1, wanted)
    np.testing.assert_array_equal(keeper.lengths_m(rows)[1], before[1])
    for pose in np.repeat(poses, 3, axis=0)[:60]:
        keeper.learn(np.array([1]), 1.3 * pose[None], SEEN, DT)
    change = keeper.lengths_m(rows)[1, 1:] / before[1, 1:]
    assert ((change > 1.03) & (change < 1.11)).all()

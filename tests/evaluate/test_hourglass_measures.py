"""What the measures of networks of pictures mean: laws, and numbers by hand."""

import numpy as np
import pytest

from maquette.errors import InputError
from maquette.evaluate.hourglass import (
    ACCURACY_JOINTS,
    constant_skeleton,
    heatmap_accuracy,
    true_length_skeleton,
    v2_skeleton,
    with_torso,
)
from maquette.evaluate.pckh import pckh
from maquette.evaluate.protocols import PROTOCOLS
from maquette.evaluate.results import Prediction, evaluate
from maquette.lifting.weak_perspective import skeleton_lengths
from maquette.skeletons import H36M_17, MPII_16

PELVIS, THORAX, NECK, L_HIP = MPII_16.indices(("pelvis", "thorax", "upper_neck", "l_hip"))


@pytest.fixture(scope="module")
def poses() -> np.ndarray:
    return np.random.default_rng(8).normal(0, 300, (7, 16, 3))


def test_unit_and_place_of_what_is_found_do_not_matter(poses: np.ndarray) -> None:
    moved = 0.013 * poses + [20, -4, 9]
    np.testing.assert_allclose(constant_skeleton(moved), constant_skeleton(poses), atol=1e-8)
    np.testing.assert_allclose(v2_skeleton(moved), v2_skeleton(poses), atol=1e-8)
    np.testing.assert_allclose(true_length_skeleton(moved, poses), true_length_skeleton(poses, poses), atol=1e-8)


def test_lengths_are_those_that_are_said(poses: np.ndarray) -> None:
    np.testing.assert_allclose(skeleton_lengths(constant_skeleton(poses, 4321)), 4321)
    np.testing.assert_allclose(skeleton_lengths(true_length_skeleton(poses, 2 * poses)), skeleton_lengths(2 * poses))


def test_both_published_skeletons_are_one_but_for_their_joints(poses: np.ndarray) -> None:
    first, second = constant_skeleton(poses, 4000), v2_skeleton(poses)
    for ours, theirs in (("l_wrist", "l_wrist"), ("upper_neck", "thorax"), ("thorax", "spine"), ("head_top", "head")):
        np.testing.assert_allclose(first[:, MPII_16.index(ours)], second[:, H36M_17.index(theirs)], atol=1e-9)


def test_hips_move_a_fifth_of_the_way_to_the_neck(poses: np.ndarray) -> None:
    """Undone, the poses are what they were, but for scale."""
    found = true_length_skeleton(poses, poses)
    # In the moved pose the pelvis is the origin: the neck is 0.8 times as far from it as it was.
    factor = np.linalg.norm(found[:, NECK], axis=1) / (0.8 * np.linalg.norm(poses[:, NECK] - poses[:, PELVIS], axis=1))
    back = found / factor[:, None, None]
    shift = 0.25 * back[:, NECK]
    np.testing.assert_allclose(back[:, L_HIP], poses[:, L_HIP] - poses[:, PELVIS], atol=1e-8)
    elbow = MPII_16.index("l_elbow")
    np.testing.assert_allclose(back[:, elbow] + shift, poses[:, elbow] - poses[:, PELVIS], atol=1e-8)
    np.testing.assert_allclose(found[:, THORAX], found[:, NECK] / 2, atol=1e-9)
    np.testing.assert_allclose(
        true_length_skeleton(poses, poses, hip_shift=0), with_torso(poses) - poses[:, [PELVIS]], atol=1e-8
    )


def test_accuracy_by_hand() -> None:
    targets = np.full((2, 16, 2), 30.0)
    found = targets.copy()
    knee, wrist, head = MPII_16.indices(("l_knee", "r_wrist", "head_top"))
    found[0, knee, 0] += 3.19  # near enough is 3.2 of 64 cells
    found[1, knee, 1] += 3.21
    found[:, head] += 20  # none of the ten
    found[0, wrist] = np.nan
    counted = np.ones((2, 16), dtype=bool)
    counted[1, wrist] = False
    accuracy = heatmap_accuracy(found, targets, counted)
    expected = {name: 1.0 for name in ACCURACY_JOINTS} | {"l_knee": 0.5, "r_wrist": 0.0}
    assert accuracy.joints.tolist() == list(expected.values())
    assert accuracy.mean == pytest.approx(0.85)
    counted[:, MPII_16.indices(ACCURACY_JOINTS)] = False
    assert np.isnan(heatmap_accuracy(found, targets, counted).mean)
    counted[:, knee] = True
    assert heatmap_accuracy(found, targets, counted).mean == 0.5
    assert heatmap_accuracy(found / 64, targets / 64, counted, side=1).mean == 0.5


def test_pckh_by_hand() -> None:
    targets = np.zeros((3, 16, 2))
    found = targets.copy()
    found[:, :, 0] = np.array([[4.9], [5.1], [9.0]])
    scores = pckh(found, targets, np.array([10.0, 10.0, 20.0]))
    np.testing.assert_allclose(scores.joints, 200 / 3)
    assert scores.curve[46] == pytest.approx(100 / 3)
    targets[0, 9] = np.nan
    found[2, 9] = np.nan
    scores = pckh(found, targets, np.array([10.0, 10.0, 20.0]))
    assert scores.joints[9] == 0
    assert scores.counted[9] == 2
    assert scores.parts["head"] == 0
    targets[:, 9] = np.nan
    scores = pckh(found, targets, np.array([10.0, 10.0, 20.0]))
    assert np.isnan(scores.joints[9])
    assert scores.mean == pytest.approx(200 / 3)


def test_pckh_wants_people_with_heads() -> None:
    points = np.zeros((2, 16, 2))
    with pytest.raises(InputError, match="1 of 2 people"):
        pckh(points, points, np.array([10.0, np.nan]))
    with pytest.raises(InputError, match="no joint is annotated"):
        pckh(points, np.full((2, 16, 2), np.nan), np.array([10.0, 10.0]))


def test_pck_is_of_the_joints_of_its_protocol(poses: np.ndarray) -> None:
    """Without pelvis and thorax, which are right here, PCK is lower than the share of all joints."""
    truth = (poses - poses[:, [PELVIS]]) / 1000
    found = truth + [0.2, 0, 0]
    found[:, [PELVIS, THORAX]] = truth[:, [PELVIS, THORAX]]
    right = MPII_16.indices(("l_knee", "r_knee", "l_wrist", "r_wrist", "head_top", "l_ankle", "r_ankle"))
    found[:, right] = truth[:, right]
    prediction = Prediction("TS1", "Sports", "0", found, truth)
    report = evaluate([prediction], PROTOCOLS["hourglass-3dhp"], joints=MPII_16.joints, root="pelvis")
    assert report.headline == pytest.approx(50)
    assert report.pck_curve.correct[-1] == pytest.approx(50)
    assert report.average.metrics["auc"] == pytest.approx(50 * 30 / 31)  # at 0 mm nothing is nearer
    assert len(report.joints) == 16
    fewer = evaluate([prediction], PROTOCOLS["hourglass-3dhp"], joints=MPII_16.joints, root="pelvis", count=14)
    assert fewer.headline == report.headline
    assert len(fewer.joints) == 14

"""``body-rays/v1`` against the laws that it is made for: wherever, how tall, seen by any camera."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from walking_figure import camera_at, film, walk

from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.lifting.min_max import PUBLISHED_16
from maquette.motion import Motion
from maquette.refine.correction_view import (
    PICTURE_CENTRE,
    PICTURE_UNIT,
    REFERENCE_BODY_MM,
    CorrectionView,
    body_size_mm,
    correction_view,
    motion_view,
)
from maquette.skeletons import COCO_17, H36M_16, H36M_17, LIFTED_21

JOINTS = LIFTED_21.indices(H36M_16.joints)
WORLD = walk(duration_s=1.0)[0]
CAMERA = camera_at(8.0)
MOTION, KEYPOINTS, INSIDE = film(WORLD, CAMERA)


def _view(motion: Motion, keypoints: Keypoints, camera: Camera = INSIDE) -> CorrectionView:
    return motion_view(motion, keypoints, camera, PUBLISHED_16)


def _changed(keypoints: Keypoints, frames: slice | int, joints: tuple[str, ...]) -> Keypoints:
    points = keypoints.points.copy()
    for joint in joints:
        points[frames, keypoints.skeleton.index(joint)] = np.nan
    return replace(keypoints, points=points)


def test_the_pose_comes_back_exactly() -> None:
    view = _view(MOTION, KEYPOINTS)
    assert view.usable.all()
    np.testing.assert_allclose(view.positions_m(view.pose), MOTION.positions[:, JOINTS], rtol=0, atol=1e-12)


def test_a_placed_motion_is_seen_as_the_pose_alone() -> None:
    in_camera = CAMERA.world_to_camera(WORLD)
    placed = MOTION.with_notes(positions=in_camera, root_trajectory=in_camera[:, 0])
    np.testing.assert_allclose(_view(placed, KEYPOINTS).pose, _view(MOTION, KEYPOINTS).pose, rtol=0, atol=1e-12)


def test_size_and_distance_do_not_show() -> None:
    """A body twice as large, twice as far away, gives the same picture and the same pair."""
    in_camera = 2 * CAMERA.world_to_camera(WORLD)
    big = Motion(in_camera - in_camera[:, :1], LIFTED_21, Fraction(30), "camera")
    points = Keypoints(INSIDE.project(in_camera), KEYPOINTS.confidence, LIFTED_21, Fraction(30))
    one, two = _view(MOTION, KEYPOINTS), _view(big, points)
    np.testing.assert_allclose(two.pose, one.pose, rtol=0, atol=1e-9)
    np.testing.assert_allclose(two.picture, one.picture, rtol=0, atol=1e-9)
    assert body_size_mm(big.positions[:, JOINTS]) == pytest.approx(2 * body_size_mm(MOTION.positions[:, JOINTS]))


def test_the_camera_does_not_show() -> None:
    """Another focal length and another direction of the same eye: the rays are the same, turned."""
    angle = 0.3
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    other = Camera((700.0, 700.0), (300.0, 200.0), (800, 600), turn @ CAMERA.R_camera_world, CAMERA.position_world_m)
    motion, keypoints, inside = film(WORLD, other)
    one, two = _view(MOTION, KEYPOINTS), _view(motion, keypoints, inside)
    # The smallest rotations onto the axis differ by a roll of the picture; lengths and depths do not, but for the
    # middle of the hips in the picture, which is not quite that of the hips in space.
    body_one, body_two = (PUBLISHED_16.unnormalise(v.pose.reshape(-1, 16, 3)) for v in (one, two))
    np.testing.assert_allclose(body_two[..., 2], body_one[..., 2], rtol=0, atol=0.1)  # mm
    away_one, away_two = (np.linalg.norm(v.picture.reshape(-1, 16, 2) - 0.5, axis=-1) for v in (one, two))
    np.testing.assert_allclose(away_two, away_one, rtol=0, atol=1e-3)


def test_scales_are_what_the_text_says() -> None:
    view = _view(MOTION, KEYPOINTS)
    body = PUBLISHED_16.unnormalise(view.pose.reshape(-1, 16, 3))
    assert np.median([body_size_mm(frame[None] / 1000) for frame in body]) == pytest.approx(REFERENCE_BODY_MM)
    picture = (view.picture.reshape(-1, 16, 2) - PICTURE_CENTRE) / PICTURE_UNIT
    limbs = H36M_16.indices(
        f"{side}_{joint}" for side in "lr" for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    )
    np.testing.assert_allclose(np.square(picture[:, limbs]).sum(-1).mean(-1), 1)
    # The middle of the hips is in the middle, and y goes down.
    np.testing.assert_allclose(picture[:, H36M_16.indices(["l_hip", "r_hip"])].mean(1), 0, atol=1e-2)
    assert (picture[:, H36M_16.index("head"), 1] < 0).all()


def test_missing_hips_are_found_from_the_pose() -> None:
    view = _view(MOTION, _changed(KEYPOINTS, slice(3, 6), ("l_hip", "r_hip", "hip")))
    whole = _view(MOTION, KEYPOINTS)
    assert view.usable.all()
    assert (view.weight[3:6, H36M_16.indices(["hip", "l_hip", "r_hip"])] == 0).all()
    seen = np.repeat(view.weight > 0, 2, axis=1)
    np.testing.assert_allclose(view.picture[seen], whole.picture[seen], rtol=0, atol=0.01)
    np.testing.assert_allclose(view.positions_m(view.pose), MOTION.positions[:, JOINTS], rtol=0, atol=1e-12)


def test_missing_legs_do_not_change_the_size() -> None:
    view = _view(MOTION, _changed(KEYPOINTS, slice(None), ("l_knee", "r_knee", "l_ankle", "r_ankle")))
    whole = _view(MOTION, KEYPOINTS)
    seen = np.repeat(view.weight > 0, 2, axis=1)
    ratio = (view.picture[seen] - 0.5) / np.where(whole.picture[seen] == 0.5, 1, whole.picture[seen] - 0.5)
    assert 0.9 < np.median(ratio) < 1.1
    assert (view.picture[~seen] == 0.5).all()


def test_frames_that_cannot_be_used() -> None:
    positions = MOTION.positions.copy()
    positions[2, LIFTED_21.index("head")] = np.nan
    positions[4] = np.nan
    positions[6] *= 1e300
    positions[7, LIFTED_21.index("l_wrist"), 0] = -1e300
    keypoints = _changed(KEYPOINTS, 9, LIFTED_21.joints)
    keypoints = _changed(keypoints, 11, tuple(j for j in LIFTED_21.joints if j not in ("l_hip", "r_hip", "l_knee")))
    view = _view(replace(MOTION, positions=positions), keypoints)
    assert np.flatnonzero(~view.usable).tolist() == [2, 4, 6, 7, 9, 11]
    assert (view.weight[~view.usable] == 0).all()
    for array in (view.pose, view.picture, view.R_virtual_camera, view.positions_m(view.pose)):
        assert np.isfinite(array).all()


def test_joints_without_a_meaning_in_the_picture_are_missing() -> None:
    points = KEYPOINTS.points[:, LIFTED_21.indices(H36M_17.joints)]
    narrow = Keypoints(points, np.full(points.shape[:2], 0.5), H36M_17, Fraction(30))
    np.testing.assert_array_equal(_view(MOTION, narrow).weight, np.full((MOTION.n_frames, 16), 0.5))
    coco = Keypoints(np.zeros((MOTION.n_frames, 17, 2)), np.ones((MOTION.n_frames, 17)), COCO_17, Fraction(30))
    with pytest.raises(InputError, match="map them first"):
        _view(MOTION, coco)


def test_motions_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="camera's axes"):
        _view(replace(MOTION, frame="world"), KEYPOINTS)
    coco = Motion(np.zeros((2, 17, 3)), COCO_17, Fraction(30), "camera")
    with pytest.raises(InputError, match="has no hip, spine, thorax, head"):
        _view(coco, KEYPOINTS)


def test_no_frames_and_one() -> None:
    empty = correction_view(np.zeros((0, 16, 3)), np.zeros((0, 16, 2)), np.zeros((0, 16)), PUBLISHED_16, np.zeros(0))
    assert empty.positions_m(empty.pose).shape == (0, 16, 3)
    assert body_size_mm(np.zeros((0, 16, 3))) == 0
    one = _view(
        replace(MOTION, positions=MOTION.positions[:1]),
        replace(KEYPOINTS, points=KEYPOINTS.points[:1], confidence=KEYPOINTS.confidence[:1]),
    )
    assert one.usable.all()

"""The refiner of motions, with layers that can be followed by hand: the law is that of the layers, not their training.

The correction gives back the pose it gets, and the projector is the orthographic camera, which is nearly right for the
figure's five metres.
"""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest
from correction_recipes import SPEC, plain_weights, recipe_weights
from hypothesis import given
from hypothesis import strategies as st
from walking_figure import camera_at, film, walk

from maquette.errors import InputError, ModelError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.lifting.min_max import PUBLISHED_16
from maquette.motion import Motion
from maquette.refine.correction_batched import refine_frames
from maquette.refine.correction_loss import PictureLoss
from maquette.refine.correction_view import motion_view
from maquette.refine.correction_weights import CorrectionSpec, CorrectionWeights
from maquette.refine.refinement_measures import bone_spread_m, reprojection_px
from maquette.refine.self_supervised import SelfSupervisedRefiner, clip_fit
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_16, H36M_17, LIFTED_21

WORLD = walk(duration_s=1.5)[0]
TRUTH, KEYPOINTS, CAMERA = film(WORLD, camera_at(5.0))


def _orthographic() -> CorrectionWeights:
    """2D = 0.5 + 0.2 x / (RMS distance of the limbs), with the average RMS of the figure."""
    view = motion_view(TRUTH, KEYPOINTS, CAMERA, PUBLISHED_16)
    body = PUBLISHED_16.unnormalise(view.pose.reshape(-1, 16, 3))[..., :2]
    picture = (view.picture.reshape(-1, 16, 2) - 0.5) / 0.2
    per_mm = (picture * body).sum() / np.square(body).sum()
    picture_of, offset = np.zeros((48, 32)), np.full(32, 0.5)
    for joint in range(16):
        for axis in range(2):
            picture_of[3 * joint + axis, 2 * joint + axis] = 0.2 * per_mm * PUBLISHED_16.span_mm[joint, axis]
            offset[2 * joint + axis] += 0.2 * per_mm * PUBLISHED_16.min_mm[joint, axis]
    return plain_weights(picture_of, offset)


WEIGHTS = _orthographic()


def _bent(skeleton: Skeleton = LIFTED_21, error_m: float = 0.04) -> Motion:
    """The truth with errors that stay for a while, as a lifter's."""
    rng = np.random.default_rng(3)
    noise = np.repeat(rng.standard_normal((WORLD.shape[0] // 9 + 1, 21, 3)), 9, axis=0)[: len(WORLD)] * error_m
    noise[:, 0] = 0
    joints = LIFTED_21.indices(skeleton.joints)
    return Motion((TRUTH.positions + noise)[:, joints], skeleton, Fraction(30), "camera")


def _error_xy(motion: Motion) -> float:
    joints = LIFTED_21.indices(motion.skeleton.joints)
    return float(np.linalg.norm((motion.positions - TRUTH.positions[:, joints])[..., :2], axis=-1).mean())


@pytest.mark.parametrize("correct", [True, False])
def test_without_a_step_this_correction_changes_nothing(correct: bool) -> None:
    motion = _bent()
    refined = SelfSupervisedRefiner(WEIGHTS, n_steps=0, correct=correct, keep_worse=True)(motion, KEYPOINTS, CAMERA)
    np.testing.assert_allclose(refined.positions, motion.positions, rtol=0, atol=1e-6)


@pytest.mark.parametrize("skeleton", [LIFTED_21, H36M_17, H36M_16])
def test_steps_bring_the_pose_to_its_picture(skeleton: Skeleton) -> None:
    motion = _bent(skeleton)
    refined = SelfSupervisedRefiner(WEIGHTS, n_steps=30, learning_rate=2e-4)(motion, KEYPOINTS, CAMERA)
    before, after = (reprojection_px(m, KEYPOINTS, CAMERA).mean() for m in (motion, refined))
    assert after < 0.7 * before
    assert _error_xy(refined) < 0.8 * _error_xy(motion)
    np.testing.assert_array_equal(refined.positions[:, 0], motion.positions[:, 0])
    assert f"{before:.2f} px before and {after:.2f} px after" in refined.notes[-1]
    assert "30 steps for each frame" in refined.notes[-1]
    assert "spread of bone lengths" in refined.notes[-1]


def test_one_call_gives_what_frames_alone_give() -> None:
    motion = _bent()
    refiner = SelfSupervisedRefiner(WEIGHTS, n_steps=2, learning_rate=1.5e-4, keep_worse=True)
    whole = refiner(motion, KEYPOINTS, CAMERA)
    backwards = refiner(
        replace(motion, positions=motion.positions[::-1]),
        replace(KEYPOINTS, points=KEYPOINTS.points[::-1], confidence=KEYPOINTS.confidence[::-1]),
        CAMERA,
    )
    np.testing.assert_allclose(backwards.positions[::-1], whole.positions, rtol=0, atol=1e-6)


def test_carried_moments_depend_on_the_frames_before() -> None:
    motion = _bent()
    carry, reset = (
        SelfSupervisedRefiner(WEIGHTS, optimiser_state=state, learning_rate=1.5e-4, keep_worse=True)(
            motion, KEYPOINTS, CAMERA
        ).positions
        for state in ("carry", "reset")
    )
    np.testing.assert_allclose(carry[0], reset[0], rtol=0, atol=1e-6)
    assert np.abs(carry - reset)[1:].max() > 1e-4


def test_other_joints_go_with_those_around() -> None:
    motion = _bent()
    refined = SelfSupervisedRefiner(WEIGHTS, n_steps=5, learning_rate=1.5e-4)(motion, KEYPOINTS, CAMERA)
    shift = refined.positions - motion.positions
    index = LIFTED_21.index
    for side in "lr":
        for joint in ("heel", "toe"):
            np.testing.assert_allclose(shift[:, index(f"{side}_{joint}")], shift[:, index(f"{side}_ankle")], atol=1e-12)
    middle = (shift[:, index("thorax")] + shift[:, index("head")]) / 2
    np.testing.assert_allclose(shift[:, index("nose")], middle, atol=1e-12)
    assert np.abs(shift[:, index("l_toe")]).max() > 1e-3


def test_a_motion_in_space_keeps_its_path() -> None:
    path = camera_at(5.0).world_to_camera(WORLD)[:, 0]
    pose = _bent()
    placed = replace(pose, positions=pose.positions + path[:, None], root_trajectory=path)
    refiner = SelfSupervisedRefiner(WEIGHTS, n_steps=5, learning_rate=1.5e-4)
    refined = refiner(placed, KEYPOINTS, CAMERA)
    assert refined.root_trajectory is not None
    np.testing.assert_array_equal(refined.root_trajectory, path)
    np.testing.assert_array_equal(refined.positions[:, 0], placed.positions[:, 0])
    alone = refiner(pose, KEYPOINTS, CAMERA)
    np.testing.assert_allclose(refined.positions - path[:, None], alone.positions, rtol=0, atol=1e-9)
    assert reprojection_px(refined, KEYPOINTS, CAMERA).mean() < reprojection_px(placed, KEYPOINTS, CAMERA).mean()


def test_what_fits_worse_is_not_kept() -> None:
    """The truth fits its picture exactly: any step makes it worse."""
    refiner = SelfSupervisedRefiner(WEIGHTS, learning_rate=1e-3)
    kept = refiner(TRUTH, KEYPOINTS, CAMERA)
    np.testing.assert_array_equal(kept.positions, TRUTH.positions)
    assert "would fit the picture worse" in kept.notes[-1]
    worse = SelfSupervisedRefiner(WEIGHTS, learning_rate=1e-3, keep_worse=True)(TRUTH, KEYPOINTS, CAMERA)
    assert np.abs(worse.positions - TRUTH.positions).max() > 1e-3
    best = SelfSupervisedRefiner(WEIGHTS, n_steps=4, learning_rate=1e-2, best_step=True, keep_worse=True)
    last = SelfSupervisedRefiner(WEIGHTS, n_steps=4, learning_rate=1e-2, keep_worse=True)
    errors = [reprojection_px(r(TRUTH, KEYPOINTS, CAMERA), KEYPOINTS, CAMERA).mean() for r in (best, last)]
    assert errors[0] < errors[1]


def test_missing_joints_and_frames_stay() -> None:
    motion = _bent()
    positions, points = motion.positions.copy(), KEYPOINTS.points.copy()
    positions[3, LIFTED_21.index("l_knee")] = np.nan
    positions[5] = np.nan
    points[8] = np.nan
    points[11, LIFTED_21.indices(["hip", "l_hip", "r_hip"])] = np.nan
    gappy = replace(motion, positions=positions)
    refined = SelfSupervisedRefiner(WEIGHTS, n_steps=5, learning_rate=1.5e-4)(
        gappy, replace(KEYPOINTS, points=points), CAMERA
    )
    np.testing.assert_array_equal(np.isnan(refined.positions), np.isnan(positions))
    np.testing.assert_array_equal(refined.positions[[3, 5, 8]], positions[[3, 5, 8]])
    assert np.abs(refined.positions[11] - positions[11]).max() > 1e-3
    assert "3 frames with a missing joint" in refined.notes[-1]


def test_nobody_seen() -> None:
    unseen = replace(KEYPOINTS, points=np.full_like(KEYPOINTS.points, np.nan))
    refined = SelfSupervisedRefiner(WEIGHTS)(TRUTH, unseen, CAMERA)
    np.testing.assert_array_equal(refined.positions, TRUTH.positions)
    assert "left as it was" in refined.notes[-1]
    none = SelfSupervisedRefiner(WEIGHTS)(
        replace(TRUTH, positions=TRUTH.positions[:0]),
        replace(KEYPOINTS, points=KEYPOINTS.points[:0], confidence=KEYPOINTS.confidence[:0]),
        CAMERA,
    )
    assert none.n_frames == 0


def test_rotations_of_the_old_pose_are_dropped() -> None:
    rotations = np.zeros((TRUTH.n_frames, 21, 4))
    rotations[..., 0] = 1
    refined = SelfSupervisedRefiner(WEIGHTS, n_steps=2)(replace(_bent(), rotations=rotations), KEYPOINTS, CAMERA)
    assert refined.rotations is None


def test_what_cannot_be_is_refused(goldens_dir: Path) -> None:
    with pytest.raises(ModelError, match="square-crop/v1"):
        SelfSupervisedRefiner(recipe_weights(goldens_dir, 64, SPEC))
    with pytest.raises(ModelError, match="no correction weights"):
        SelfSupervisedRefiner("nothing")
    with pytest.raises(InputError, match="-2 steps"):
        SelfSupervisedRefiner(WEIGHTS, n_steps=-2)
    with pytest.raises(InputError, match="learning rate"):
        SelfSupervisedRefiner(WEIGHTS, learning_rate=float("nan"))
    with pytest.raises(InputError, match="frames of 3D"):
        SelfSupervisedRefiner(WEIGHTS)(replace(TRUTH, positions=TRUTH.positions[:4]), KEYPOINTS, CAMERA)


def test_masked_joints_pull_nothing() -> None:
    motion = _bent()
    points = KEYPOINTS.points.copy()
    points[:, LIFTED_21.index("l_wrist")] += 80
    off = replace(KEYPOINTS, points=points)
    masked = SelfSupervisedRefiner(
        WEIGHTS, loss=PictureLoss(masked=("l_wrist",)), keep_worse=True, n_steps=20, learning_rate=1.5e-4
    )
    # A detector's slip in one joint moves the unit of the others' values a little, so joint by joint it is compared.
    free = SelfSupervisedRefiner(WEIGHTS, keep_worse=True, n_steps=20, learning_rate=1.5e-4)
    wrist = LIFTED_21.index("l_wrist")
    errors = [
        np.linalg.norm((r(motion, off, CAMERA).positions - TRUTH.positions)[:, wrist, :2], axis=-1).mean()
        for r in (masked, free)
    ]
    assert errors[0] < errors[1]


def test_reprojection_is_the_cameras() -> None:
    px = reprojection_px(TRUTH, KEYPOINTS, CAMERA)
    np.testing.assert_allclose(px, 0, atol=1e-6)
    in_space = camera_at(5.0).world_to_camera(WORLD)
    placed = replace(TRUTH, positions=in_space, root_trajectory=in_space[:, 0])
    aside = replace(KEYPOINTS, points=KEYPOINTS.points + [3.0, 4.0])
    np.testing.assert_allclose(reprojection_px(placed, aside, CAMERA), 5.0, atol=1e-6)


def test_spread_of_bones() -> None:
    assert bone_spread_m(TRUTH) < 1e-2
    assert bone_spread_m(_bent()) > 1e-2
    assert np.isnan(bone_spread_m(replace(TRUTH, positions=TRUTH.positions[:1])))


_NUMBERS = st.sampled_from([0.0, np.nan, np.inf, -np.inf, 1e300, -1e300, 1e-300, 1.0, 5.0])


@given(st.data())
def test_anything_finite_or_not_gives_a_motion(data: st.DataObject) -> None:
    n_frames = data.draw(st.integers(1, 3))
    positions, points = TRUTH.positions[:n_frames].copy(), KEYPOINTS.points[:n_frames].copy()
    for _ in range(data.draw(st.integers(0, 8))):
        frame, joint = data.draw(st.integers(0, n_frames - 1)), data.draw(st.integers(0, 20))
        target = positions if data.draw(st.booleans()) else points
        target[frame, joint, data.draw(st.integers(0, 1))] = data.draw(_NUMBERS)
    focal = data.draw(st.sampled_from([1e-3, 1.0, 1e3, 1e12]))
    camera = Camera((focal, focal), (data.draw(st.sampled_from([0.0, 640.0, 1e9])), 360.0), (1280, 720))
    motion = Motion(positions, LIFTED_21, Fraction(30), "camera")
    keypoints = Keypoints(points, np.ones(points.shape[:2]), LIFTED_21, Fraction(30))
    refined = SelfSupervisedRefiner(WEIGHTS, n_steps=data.draw(st.integers(0, 2)), keep_worse=data.draw(st.booleans()))(
        motion, keypoints, camera
    )
    np.testing.assert_array_equal(np.isfinite(refined.positions), np.isfinite(positions))


def test_limits_of_the_weights_are_used() -> None:
    """Layers trained with other limits see other values; a correction that gives back what it gets shows nothing."""
    spec = CorrectionSpec(
        name="other",
        view="body-rays/v1",
        licence="",
        training_data="",
        max_mm=(2 * PUBLISHED_16.max_mm).tolist(),
        min_mm=(2 * PUBLISHED_16.min_mm).tolist(),
    )
    weights = CorrectionWeights.from_arrays(WEIGHTS.arrays, spec)
    refined = SelfSupervisedRefiner(weights, n_steps=0, keep_worse=True)(_bent(), KEYPOINTS, CAMERA)
    np.testing.assert_allclose(refined.positions, _bent().positions, rtol=0, atol=1e-6)


def test_no_more_steps_are_taken_than_a_good_fit_needs() -> None:
    motion = _bent()
    view = motion_view(motion, KEYPOINTS, CAMERA, PUBLISHED_16)
    steps = refine_frames(WEIGHTS, view.pose, view.picture, weight=view.weight, n_steps=30, learning_rate=2e-4)
    distance = np.sqrt(np.square((steps.projected - view.picture[:, None]) / 0.2).mean(axis=(0, 2)))
    np.testing.assert_allclose(clip_fit(steps.point_loss, view), distance, rtol=1e-5)
    assert distance[0] > distance[6] > distance[30]

    stopped = SelfSupervisedRefiner(WEIGHTS, n_steps=30, learning_rate=2e-4, good_fit=float(distance[6]) * 1.001)
    alone = SelfSupervisedRefiner(WEIGHTS, n_steps=6, learning_rate=2e-4)
    found = stopped(motion, KEYPOINTS, CAMERA)
    np.testing.assert_allclose(found.positions, alone(motion, KEYPOINTS, CAMERA).positions, rtol=0, atol=1e-6)
    assert "6 steps for each frame" in found.notes[-1]
    never = SelfSupervisedRefiner(WEIGHTS, n_steps=8, learning_rate=2e-4, good_fit=1e-6)
    assert "8 steps for each frame" in never(motion, KEYPOINTS, CAMERA).notes[-1]
    # This correction gives back the pose it gets: as it is, and corrected without a step, it fits alike.
    fits = SelfSupervisedRefiner(WEIGHTS, n_steps=30, good_fit=float(distance[0]) * 1.001)(motion, KEYPOINTS, CAMERA)
    np.testing.assert_array_equal(fits.positions, motion.positions)
    assert f"explain the 2D keypoints already (to {distance[0]:.3f} of" in fits.notes[-1]


def test_the_weights_say_how_they_are_best_used() -> None:
    spec = msgspec.structs.replace(WEIGHTS.spec, n_steps=3, learning_rate=1e-4, good_fit=0.01)
    weights, motion = CorrectionWeights.from_arrays(WEIGHTS.arrays, spec), _bent()
    told = SelfSupervisedRefiner(weights)
    assert (told.n_steps, told.learning_rate, told.good_fit) == (3, 1e-4, 0.01)
    by_hand = SelfSupervisedRefiner(WEIGHTS, n_steps=3, learning_rate=1e-4, good_fit=0.01)
    expected = by_hand(motion, KEYPOINTS, CAMERA).positions
    np.testing.assert_array_equal(told(motion, KEYPOINTS, CAMERA).positions, expected)
    with pytest.raises(InputError, match="a good fit is -1"):
        SelfSupervisedRefiner(weights, good_fit=-1)

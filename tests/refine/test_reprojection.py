"""The fit of fixed bones: against calculus, against scipy's optimiser, against a walk whose truth is known."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from walking_figure import FPS, camera_at, film, walk

from maquette.errors import InputError
from maquette.evaluate.metrics import n_mpjpe, velocity_error
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.refine.motion_ground import contact_speed_mps
from maquette.refine.motion_placing import root_trajectory
from maquette.refine.motion_tilt import CameraTilt
from maquette.refine.refinement_measures import bone_spread_m, jerk_mps3, measure, reprojection_px
from maquette.refine.reprojection import ReprojectionRefiner
from maquette.refine.reprojection_body import BoneTree, tangents
from maquette.refine.reprojection_fit import Trust, pose_and_problem
from maquette.refine.reprojection_limits import limit_rows
from maquette.refine.reprojection_problem import Pose, Problem
from maquette.refine.reprojection_solver import minimise, solve_clip
from maquette.skeletons import H36M_16, H36M_17, LIFTED_21, SKELETONS

TILT = CameraTilt(np.radians(10.0), 0.0, 0.02, 0.02, 1.77, "given")


def _placed(
    duration_s: float = 3.0, *, bend: float = 0.0, seed: int = 0, walked: np.ndarray | None = None
) -> tuple[Motion, Keypoints, np.ndarray]:
    """A walk seen from 10 degrees above, as a lifter might give it: each bone off by a slow part along the line of
    sight; placed in front of the camera. And the truth in the camera frame."""
    world = walk(duration_s)[0] if walked is None else walked
    camera = camera_at(10)
    motion, keypoints, seen_by = film(world, camera)
    truth = camera.world_to_camera(world)
    rng = np.random.default_rng(seed)
    pose = np.zeros_like(truth)
    t = np.arange(len(world))[:, None] / FPS
    for joint in LIFTED_21.order[1:]:
        parent = LIFTED_21.parents[joint]
        bone = truth[:, joint] - truth[:, parent]
        length = np.linalg.norm(bone, axis=-1, keepdims=True)
        phase, rate = rng.uniform(0, 2 * np.pi, 2)
        bone = bone + bend * length * np.sin(phase + 0.3 * rate * t) * np.array([0.0, 0.0, 1.0])
        pose[:, joint] = pose[:, parent] + bone
    lifted = motion.with_notes(positions=pose)
    return root_trajectory(lifted, keypoints, seen_by), keypoints, truth


def _problem(duration_s: float, **changes) -> tuple[Pose, Problem]:
    motion, keypoints, _ = _placed(duration_s, bend=0.2)
    assert motion.camera is not None
    pose, problem = pose_and_problem(motion, keypoints, motion.camera, TILT, Trust(), focal_known=False)
    return pose, dataclasses.replace(problem, **changes)


def _moved(problem: Problem, pose: Pose, seed: int, size: float) -> Pose:
    rng = np.random.default_rng(seed)
    own = size * rng.normal(size=(problem.frames, 3 + 2 * len(problem.tree.ends)))
    return problem.moved(pose, own, 0.2 * size * rng.normal(size=len(pose.shared)))


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_is_that_of_the_cost(seed: int) -> None:
    pose, problem = _problem(0.5)
    assert problem.standing.any()
    pose = _moved(problem, pose, seed, 0.3)
    normal = problem.normal(pose)
    rng = np.random.default_rng(seed)
    for with_own, with_shared in ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0)):
        own = with_own * rng.normal(size=normal.gradient.shape)
        shared = with_shared * rng.normal(size=len(pose.shared))
        h = 1e-6
        ahead, behind = (problem.cost(problem.moved(pose, s * h * own, s * h * shared)) for s in (1, -1))
        expected = (ahead - behind) / (2 * h)
        found = float((normal.gradient * own).sum() + normal.shared_gradient @ shared)
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-3 * abs(expected) + 1e-3)


@pytest.mark.parametrize("fixed", [False, True])
def test_the_step_solves_the_whole_damped_system(fixed: bool) -> None:
    """Against a dense solve of the matrix that the blocks describe."""
    pose, problem = _problem(0.4)
    normal = problem.normal(_moved(problem, pose, 1, 0.1))
    frames, n = normal.gradient.shape
    whole = np.zeros((frames * n, frames * n))
    for t in range(frames):
        at = slice(t * n, (t + 1) * n)
        whole[at, at] = normal.own[t] + 1e-9 * np.eye(n)
        whole[at, at][np.diag_indices(n)] += 0.01 * np.diag(normal.own[t])
        if t + 1 < frames:
            later = slice((t + 1) * n, (t + 2) * n)
            whole[later, at], whole[at, later] = normal.next[t], normal.next[t].T
        if t + 2 < frames:
            later = slice((t + 2) * n, (t + 3) * n)
            block = np.zeros((n, n))
            block[:3, :3] = normal.after_root[t] * np.eye(3)
            for bone in range(normal.after.shape[1]):
                two = slice(3 + 2 * bone, 5 + 2 * bone)
                block[two, two] = normal.after[t, bone]
            whole[later, at], whole[at, later] = block, block.T
    border = normal.border.reshape(frames * n, -1)
    shared = normal.shared + 0.01 * np.diag(np.diag(normal.shared))
    matrix = np.block([[whole, border], [border.T, shared]])
    gradient = np.concatenate((normal.gradient.ravel(), normal.shared_gradient))
    if fixed:
        matrix, gradient = whole, normal.gradient.ravel()
    expected = -np.linalg.solve(matrix, gradient)
    own, found = normal.step(0.01, fixed_shared=fixed)
    if fixed:
        assert not found.any()
        found = found[:0]
    np.testing.assert_allclose(np.concatenate((own.ravel(), found)), expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("unseen", [slice(0, 5), slice(6, 9), slice(9, None)])
def test_the_gradient_where_nobody_is_seen(unseen: slice) -> None:
    pose, problem = _problem(0.5)
    problem.weight[unseen] = 0.0
    pose = _moved(problem, pose, 0, 0.3)
    normal = problem.normal(pose)
    own = np.zeros(normal.gradient.shape)
    own[:, :3] = np.random.default_rng(0).normal(size=(problem.frames, 3))
    h, still = 1e-6, np.zeros(len(pose.shared))
    ahead, behind = (problem.cost(problem.moved(pose, s * h * own, still)) for s in (1, -1))
    assert float((normal.gradient * own).sum()) == pytest.approx((ahead - behind) / (2 * h), rel=1e-5)


def test_a_person_who_is_not_seen_stays() -> None:
    """At the ends of a clip nothing says where the root is: it must not fly on as it last moved."""
    motion, keypoints, _ = _placed(5.0)
    seen = np.zeros(motion.n_frames, dtype=bool)
    seen[45:-45] = True
    hidden = dataclasses.replace(
        keypoints,
        points=np.where(seen[:, None, None], keypoints.points, np.nan),
        confidence=np.where(seen[:, None], keypoints.confidence, 0.0),
    )
    assert motion.contacts is not None
    placed = dataclasses.replace(motion, contacts=motion.contacts & seen[:, None])
    refined = ReprojectionRefiner().refine(placed, hidden, TILT)
    assert refined.kept
    root = refined.motion.positions[:, 0]
    first, last = np.flatnonzero(seen)[[0, -1]]
    assert np.linalg.norm(root[:first] - root[first], axis=-1).max() < 0.2
    assert np.linalg.norm(root[last:] - root[last], axis=-1).max() < 0.2


def test_the_end_is_a_minimum() -> None:
    """No slope in any direction, and no lower cost around it; the second derivative gives the scale of each unknown."""
    pose, problem = _problem(0.4)
    found = minimise(problem, pose, iterations=80, tolerance=1e-13)
    normal = problem.normal(found)
    own = 1 / np.sqrt(np.einsum("fii->fi", normal.own))
    shared = 1 / np.sqrt(np.diag(normal.shared))
    cost = problem.cost(found)
    assert cost < 0.9 * problem.cost(pose)
    slope = np.sqrt(((normal.gradient * own) ** 2).sum() + ((normal.shared_gradient * shared) ** 2).sum())
    assert slope < 1e-3 * np.sqrt(cost)
    rng = np.random.default_rng(0)
    for size in (1e-3, 1e-2, 1e-1, 1.0):
        for _ in range(25):
            step = size * own * rng.normal(size=own.shape), size * shared * rng.normal(size=shared.shape)
            assert problem.cost(problem.moved(found, *step)) > cost


def test_a_right_pose_stays_right() -> None:
    motion, keypoints, truth = _placed(4.0)
    refined = ReprojectionRefiner().refine(motion, keypoints, TILT)
    assert refined.kept
    relative = refined.motion.positions - refined.motion.positions[:, :1]
    assert 1000 * n_mpjpe(relative[:, :17], (truth - truth[:, :1])[:, :17]).mean() < 10


@pytest.mark.parametrize("seed", range(3))
def test_a_bent_pose_gets_better_in_every_respect(seed: int) -> None:
    motion, keypoints, truth = _placed(6.0, bend=0.25, seed=seed)
    refined = ReprojectionRefiner().refine(motion, keypoints, TILT)
    assert refined.kept
    target = (truth - truth[:, :1])[:, :17]
    error = [n_mpjpe((m.positions - m.positions[:, :1])[:, :17], target).mean() for m in (motion, refined.motion)]
    assert error[1] < 0.8 * error[0]
    assert bone_spread_m(refined.motion) < 1e-9 < bone_spread_m(motion)
    assert refined.after.reprojection_px < refined.before.reprojection_px
    assert refined.after.foot_skate_mps < refined.before.foot_skate_mps


def test_a_wrong_focal_length_moves_towards_the_right_one() -> None:
    """A walk in a circle changes its size in the picture and meets the floor everywhere: both tell the focal length."""
    motion, keypoints, _ = _placed(8.0)
    assert motion.camera is not None
    true_px = motion.camera.focal_px[0]
    assumed = dataclasses.replace(motion.camera, focal_px=(1.25 * true_px, 1.25 * true_px))
    raw = motion.with_notes(positions=motion.positions - motion.positions[:, :1], root_trajectory=None)
    placed = root_trajectory(raw, keypoints, assumed)
    refined = ReprojectionRefiner(estimate_focal=True).refine(placed, keypoints, TILT).motion
    assert refined.camera is not None
    assert abs(refined.camera.focal_px[0] / true_px - 1) < 0.2
    assert "focal length corrected" in "\n".join(refined.notes)
    held = ReprojectionRefiner().refine(placed, keypoints, TILT).motion
    assert held.camera is not None
    assert held.camera.focal_px[0] == pytest.approx(assumed.focal_px[0], rel=1e-3)


def test_mirrored_in_mirrored_out() -> None:
    motion, keypoints, _ = _placed(1.5, bend=0.2)
    assert motion.camera is not None
    flip = LIFTED_21.mirror_permutation
    sign = np.array([-1.0, 1.0, 1.0])
    width = 2 * motion.camera.centre_px[0]
    points = keypoints.points[:, flip] * np.array([-1.0, 1.0]) + np.array([width, 0.0])
    mirrored = dataclasses.replace(
        motion,
        positions=motion.positions[:, flip] * sign,
        root_trajectory=motion.positions[:, 0] * sign,
        contacts=None,
        contact_joints=(),
    )
    plain = dataclasses.replace(motion, contacts=None, contact_joints=())
    a = ReprojectionRefiner(keep_worse=True)(plain, keypoints)
    b = ReprojectionRefiner(keep_worse=True)(mirrored, dataclasses.replace(keypoints, points=points))
    np.testing.assert_allclose(b.positions, a.positions[:, flip] * sign, atol=2e-4)


@pytest.mark.parametrize("step", [1, 2])
def test_the_frame_rate_does_not_matter(step: int) -> None:
    """The same walk at 30 and at 60 frames a second; the latter is fitted at every second frame."""
    motion, keypoints, _ = _placed(2.0, bend=0.2)
    frames = np.arange(0, motion.n_frames, 1 / step)
    frames = frames[frames <= motion.n_frames - 1]

    def at(values: np.ndarray) -> np.ndarray:
        low = np.minimum(frames.astype(int), motion.n_frames - 2)
        share = (frames - low).reshape(-1, *[1] * (values.ndim - 1))
        return values[low] + share * (values[low + 1] - values[low])

    fps = Fraction(FPS * step)
    faster = Motion(
        at(motion.positions), LIFTED_21, fps, "camera", root_trajectory=at(motion.positions)[:, 0], camera=motion.camera
    )
    seen = Keypoints(at(keypoints.points), at(keypoints.confidence), LIFTED_21, fps, keypoints.image_size)
    plain = dataclasses.replace(motion, contacts=None, contact_joints=())
    expected = ReprojectionRefiner(keep_worse=True)(plain, keypoints).positions
    found = ReprojectionRefiner(keep_worse=True)(faster, seen).positions[::step]
    assert n_mpjpe(found - found[:, :1], expected - expected[:, :1]).mean() < 0.008


def test_pieces_of_a_long_clip_join(monkeypatch: pytest.MonkeyPatch) -> None:
    pose, problem = _problem(6.0)
    whole = problem.joints_m(solve_clip(problem, pose))
    for name, value in (("_WHOLE_S", 3.0), ("_SAMPLE_S", 2.5), ("_PIECE_S", 2.0)):
        monkeypatch.setattr(f"maquette.refine.reprojection_solver.{name}", value)
    pieces = problem.joints_m(solve_clip(problem, pose))
    # The common size is hardly known: shapes are compared.
    assert n_mpjpe(pieces - pieces[:, :1], whole - whole[:, :1]).mean() < 0.02
    assert (
        np.linalg.norm(np.diff(pieces, 2, axis=0), axis=-1).max()
        < 1.5 * np.linalg.norm(np.diff(whole, 2, axis=0), axis=-1).max()
    )


def test_pictures_minutes_apart() -> None:
    """A second of such a clip holds no frame at all: pieces are counted in frames then."""
    motion, keypoints, _ = _placed(6.0)
    slow = dataclasses.replace(motion, fps=Fraction(1, 100), contacts=None, contact_joints=())
    refined = ReprojectionRefiner(iterations=3).refine(slow, dataclasses.replace(keypoints, fps=slow.fps))
    assert np.isfinite(refined.motion.positions).all()


@pytest.mark.parametrize("forwards", [False, True])
@pytest.mark.parametrize("turn", [0.0, 2.0, 4.0])
def test_knees_bend_one_way(forwards: bool, turn: float) -> None:
    """A body that faces the camera (x right, y down, z away) and one that has turned about the vertical."""
    tree = BoneTree(LIFTED_21)
    c, s = np.cos(turn), np.sin(turn)
    spin = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    direction = np.tile(np.array([0.0, -1.0, 0.0]), (1, len(tree.ends), 1))
    away = -0.7 if forwards else 0.7
    for side, x in (("l", 1.0), ("r", -1.0)):
        direction[0, tree.bone(f"{side}_hip")] = (x, 0, 0)
        direction[0, tree.bone(f"{side}_knee")] = (0, 1, 0)
        direction[0, tree.bone(f"{side}_ankle")] = np.array([0, 1, away]) / np.hypot(1, away)
    residual, _ = limit_rows(tree, direction @ spin.T)
    assert (np.count_nonzero(residual) == 2) == forwards


def test_elbows_and_knees_do_not_fold_into_themselves() -> None:
    tree = BoneTree(LIFTED_21)
    direction = np.tile(np.array([0.0, 1.0, 0.0]), (3, len(tree.ends), 1))
    for frame, angle_deg in enumerate((90, 150, 170)):
        angle = np.radians(angle_deg)
        direction[frame, tree.bone("l_wrist")] = (0, np.cos(angle), np.sin(angle))
    residual, _ = limit_rows(tree, direction)
    assert residual.any(axis=1).tolist() == [False, False, True]


def test_tangents_are_orthonormal() -> None:
    direction = np.random.default_rng(0).normal(size=(50, 3))
    direction = np.concatenate((direction, np.eye(3), -np.eye(3)))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    frame = np.concatenate((tangents(direction), direction[..., None]), axis=-1)
    np.testing.assert_allclose(frame.swapaxes(-1, -2) @ frame, np.broadcast_to(np.eye(3), frame.shape), atol=1e-12)


@pytest.mark.parametrize("skeleton", [LIFTED_21, H36M_17, H36M_16])
def test_bones_of_any_skeleton_add_up(skeleton) -> None:
    tree = BoneTree(skeleton)
    positions = np.random.default_rng(0).normal(size=(4, len(skeleton), 3))
    np.testing.assert_allclose(tree.positions(positions[:, tree.root], tree.vectors(positions)), positions, atol=1e-12)
    assert (tree.group[tree.bone("l_knee")], tree.bone("hip")) == (tree.group[tree.bone("r_knee")], -1)


def test_a_skeleton_of_several_roots_is_refused() -> None:
    with pytest.raises(InputError, match="one root"):
        BoneTree(SKELETONS["coco-17"])


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 7])
def test_few_frames(frames: int) -> None:
    motion, keypoints, _ = _placed(frames / FPS, bend=0.2)
    refined = ReprojectionRefiner().refine(motion, keypoints, TILT)
    assert np.isfinite(refined.motion.positions).all()


def test_other_skeletons_and_half_of_the_points() -> None:
    motion, keypoints, _ = _placed(2.0, bend=0.2)
    joints = LIFTED_21.indices(H36M_17.joints)
    body = dataclasses.replace(
        motion, positions=motion.positions[:, joints], skeleton=H36M_17, contacts=None, contact_joints=()
    )
    seen = np.random.default_rng(0).random(keypoints.confidence.shape) < 0.5
    points = np.where(seen[..., None], keypoints.points, np.nan)
    half = dataclasses.replace(keypoints, points=points, confidence=np.where(seen, keypoints.confidence, 0.0))
    refined = ReprojectionRefiner().refine(body, half)
    assert refined.kept
    assert np.isfinite(refined.motion.positions).all()


def test_nothing_seen_leaves_the_lifter() -> None:
    motion, keypoints, _ = _placed(1.0)
    blind = dataclasses.replace(
        keypoints, points=np.full_like(keypoints.points, np.nan), confidence=np.zeros_like(keypoints.confidence)
    )
    refined = ReprojectionRefiner().refine(motion, blind)
    np.testing.assert_array_equal(refined.motion.positions, motion.positions)
    assert not refined.kept
    assert "undone" in refined.motion.notes[-1]


def test_what_makes_things_worse_is_undone_and_said() -> None:
    """A detector that shakes, believed to the pixel."""
    motion, keypoints, _ = _placed(2.0)
    shaken = dataclasses.replace(
        keypoints, points=keypoints.points + 6 * np.random.default_rng(0).normal(size=keypoints.points.shape)
    )
    trust = Trust(picture_rate_hz=1e5, picture_floor=1e-4, shaking_factor=0.0, offset_factor=0.0, bone_acceleration=1e4)
    refined = ReprojectionRefiner(trust=trust).refine(motion, shaken)
    assert not refined.kept
    assert "shakes more" in refined.motion.notes[-1]
    np.testing.assert_array_equal(refined.motion.positions, motion.positions)
    kept = ReprojectionRefiner(trust=trust, keep_worse=True).refine(motion, shaken)
    assert kept.kept
    assert kept.after.jerk_mps3 > kept.before.jerk_mps3


def test_what_cannot_be_refined_is_said() -> None:
    motion, keypoints, _ = _placed(1.0)
    holes = motion.positions.copy()
    holes[3, 5] = np.nan
    cases = (
        (dataclasses.replace(motion, positions=holes), "lacks joints in 1 of 30 frames"),
        (dataclasses.replace(motion, frame="world"), "'world'"),
        (dataclasses.replace(motion, root_trajectory=None), "not placed"),
    )
    for bad, text in cases:
        with pytest.raises(InputError, match=text):
            ReprojectionRefiner()(bad, keypoints)
    with pytest.raises(InputError, match="iterations"):
        ReprojectionRefiner(iterations=0)


def test_measures_of_a_known_motion() -> None:
    """A cubic in time has a constant third derivative; a figure on its rays is 0 px away, one moved aside is not."""
    motion, keypoints, _ = _placed(1.0)
    assert motion.camera is not None
    assert reprojection_px(motion, keypoints, motion.camera).max() < 0.3
    found = measure(motion, keypoints, motion.camera)
    assert found.foot_skate_mps == contact_speed_mps(motion)
    aside = motion.with_notes(positions=motion.positions + np.array([0.05, 0, 0]))
    depth = motion.positions[..., 2]
    expected = (0.05 * motion.camera.focal_px[0] / depth).mean()
    assert measure(aside, keypoints, motion.camera).reprojection_px == pytest.approx(expected, rel=0.01)
    t = np.arange(20) / FPS
    cubic = np.zeros((20, 21, 3))
    cubic[..., 1] = (t**3)[:, None]
    assert jerk_mps3(Motion(cubic, LIFTED_21, Fraction(FPS), "camera")) == pytest.approx(6.0)
    assert velocity_error(cubic, cubic).max() == 0

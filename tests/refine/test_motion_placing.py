"""The root's path: closed forms against exact pictures, the banded solver against a dense one."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from walking_figure import FPS, camera_at, film, walk

from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.refine.motion_path import information_at_cutoff, solve_path
from maquette.refine.motion_placing import root_trajectory
from maquette.refine.motion_trajectory import fit_translation, matched_keypoints
from maquette.skeletons import COCO_17, LANDMARKS_27, LIFTED_21


def _dense_path(
    target: np.ndarray, information: np.ndarray, dt: float, feet: np.ndarray, still: np.ndarray, drag: float
) -> np.ndarray:
    """The same problem as rows of an ordinary least-squares problem, solved by numpy."""
    n = len(target)
    rows, rhs = [], []

    def add(terms: dict[int, float], axis: int, value: float, weight: float) -> None:
        row = np.zeros(3 * n)
        for frame, factor in terms.items():
            row[3 * frame + axis] = factor
        rows.append(row * np.sqrt(weight))
        rhs.append(value * np.sqrt(weight))

    for frame in range(n):
        values, vectors = np.linalg.eigh(information[frame])
        for value, vector in zip(values, vectors.T, strict=True):
            row = np.zeros(3 * n)
            row[3 * frame : 3 * frame + 3] = vector
            scale = np.sqrt(max(value, 0.0) * dt)
            rows.append(row * scale)
            rhs.append(vector @ target[frame] * scale)
        for axis in range(3):
            if 0 < frame < n - 1:
                add({frame - 1: dt**-2, frame: -2 * dt**-2, frame + 1: dt**-2}, axis, 0.0, dt)
            if frame < n - 1:
                add({frame: -1 / dt, frame + 1: 1 / dt}, axis, 0.0, drag * dt)
                for foot in range(len(feet)):
                    gone = (feet[foot, frame + 1, axis] - feet[foot, frame, axis]) / dt
                    add({frame: -1 / dt, frame + 1: 1 / dt}, axis, -gone, still[foot, frame] * dt)
    return np.linalg.lstsq(np.array(rows), np.array(rhs), rcond=None)[0].reshape(n, 3)


@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_the_banded_solution_is_the_dense_one(n: int) -> None:
    rng = np.random.default_rng(n)
    target, feet = rng.normal(size=(n, 3)), rng.normal(size=(2, n, 3))
    half = rng.normal(size=(n, 3, 3)) * 30
    information = half @ half.transpose(0, 2, 1)
    information[1:-1:3] = 0
    still = rng.random((2, n - 1)) * 50
    pull = np.einsum("fij,fj->fi", information, target)
    path = solve_path(pull, information, 0.04, feet, still, drag=0.01)
    np.testing.assert_allclose(path, _dense_path(target, information, 0.04, feet, still, 0.01), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("fps", [30.0, 120.0])
def test_a_sine_at_the_cutoff_keeps_its_share_at_any_frame_rate(fps: float) -> None:
    times_s = np.arange(0, 12, 1 / fps)
    wave = np.repeat(np.sin(2 * np.pi * 1.5 * times_s)[:, None], 3, axis=1)
    information = np.broadcast_to(np.eye(3) * information_at_cutoff(1.5), (len(wave), 3, 3))
    path = solve_path(wave * information_at_cutoff(1.5), information, 1 / fps)
    middle = slice(len(wave) // 4, -len(wave) // 4)
    np.testing.assert_allclose(path[middle], wave[middle] / np.sqrt(2), atol=0.01)


def test_an_exact_pose_and_picture_give_the_exact_place() -> None:
    world, _ = walk()
    camera = camera_at(20, roll_deg=3)
    motion, keypoints, blind = film(world, camera)
    points_px, confidence = matched_keypoints(motion, keypoints)
    fit = fit_translation(motion.positions, blind.pixels_to_normalized(points_px), confidence)
    assert fit.seen.all()
    np.testing.assert_allclose(fit.translation_m, camera.world_to_camera(world[:, 0]), atol=1e-9)


def test_wrong_joints_are_outvoted() -> None:
    world, _ = walk()
    camera = camera_at(10)
    motion, keypoints, blind = film(world, camera)
    points_px = keypoints.points.copy()
    points_px[::2, LIFTED_21.index("l_wrist")] += [150, -90]
    points_px[::3, LIFTED_21.index("r_ankle")] += [-120, 60]
    fit = fit_translation(motion.positions, blind.pixels_to_normalized(points_px), keypoints.confidence, iterations=8)
    assert np.linalg.norm(fit.translation_m - camera.world_to_camera(world[:, 0]), axis=-1).max() < 0.02


def test_lens_distortion_is_undone() -> None:
    world, _ = walk()
    plain = camera_at(15)
    camera = dataclasses.replace(plain, distortion=(-0.2, 0.05, 0.001, -0.001), distortion_model="opencv")
    motion, keypoints, blind = film(world, camera)
    blind = dataclasses.replace(blind, distortion=camera.distortion, distortion_model="opencv")
    placed = root_trajectory(motion, keypoints, blind)
    assert np.abs(blind.project(placed.positions) - keypoints.points).max() < 1.5


@pytest.mark.parametrize("use_feet", [True, False])
def test_the_path_of_a_perfect_lifter(use_feet: bool) -> None:
    world, _ = walk()
    camera = camera_at(15)
    motion, keypoints, blind = film(world, camera)
    placed = root_trajectory(motion, keypoints, blind, use_feet=use_feet)
    error = placed.positions - camera.world_to_camera(world)
    assert np.sqrt((error[..., 2] ** 2).mean()) < 0.02
    assert np.sqrt((error[..., :2] ** 2).mean()) < 0.004
    assert placed.root_trajectory is not None
    np.testing.assert_array_equal(placed.root_trajectory, placed.positions[:, 0])


def test_standing_feet_mend_a_depth_that_swings() -> None:
    """Size seen wrongly by a slow 4 %: the picture alone follows it, standing feet do not let the body drift."""
    world, _ = walk(12.0)
    camera = camera_at(10)
    motion, keypoints, blind = film(world, camera)
    swing = 1 + 0.04 * np.sin(2 * np.pi * 0.6 * np.arange(len(world)) / FPS)
    lied = motion.with_notes(positions=motion.positions * np.array([1.0, 1.0, 1.0]))
    centre = camera.centre_px
    blown = keypoints.with_notes(points=(keypoints.points - centre) * swing[:, None, None] + centre)
    truth = camera.world_to_camera(world[:, 0])

    def depth_error_m(use_feet: bool) -> float:
        path = root_trajectory(lied, blown, blind, use_feet=use_feet).root_trajectory
        assert path is not None
        return float(np.std(path[:, 2] - truth[:, 2]))

    assert depth_error_m(True) < 0.75 * depth_error_m(False)


def test_frames_without_the_person_are_bridged_smoothly() -> None:
    world, _ = walk()
    camera = camera_at(15)
    motion, keypoints, blind = film(world, camera)
    points = keypoints.points.copy()
    points[50:80] = np.nan
    placed = root_trajectory(motion, keypoints.with_notes(points=points), blind)
    assert any("30 frames" in note for note in placed.notes)
    truth = camera.world_to_camera(world[:, 0])
    assert placed.root_trajectory is not None
    assert np.linalg.norm(placed.root_trajectory - truth, axis=-1).max() < 0.15
    assert placed.contacts is not None
    assert not placed.contacts[50:80].any()


def test_a_few_frames_of_somebody_else_do_not_move_the_person() -> None:
    world, _ = walk()
    camera = camera_at(10)
    motion, keypoints, blind = film(world, camera)
    points = keypoints.points.copy()
    middle = points.mean(axis=1, keepdims=True)
    wrong = [0, 1, 90, 91, 92]
    points[wrong] = (middle + 1.8 * (points - middle) + [60, -40])[wrong]
    placed = root_trajectory(motion, keypoints.with_notes(points=points), blind)
    truth = camera.world_to_camera(world[:, 0])
    assert placed.root_trajectory is not None
    assert np.linalg.norm(placed.root_trajectory - truth, axis=-1).max() < 0.15
    assert any("5 frames" in note and "size" in note for note in placed.notes)


def test_shaking_points_do_not_draw_the_person_to_the_camera() -> None:
    world, _ = walk()
    camera = camera_at(10)
    motion, keypoints, blind = film(world, camera)
    shake = np.random.default_rng(0).normal(scale=12, size=(len(world), 1, 2))
    placed = root_trajectory(motion, keypoints.with_notes(points=keypoints.points + shake), blind, use_feet=False)
    truth = camera.world_to_camera(world[:, 0])
    assert placed.root_trajectory is not None
    assert abs(np.mean(placed.root_trajectory[:, 2] - truth[:, 2])) < 0.02


def test_joints_are_matched_by_name() -> None:
    world, _ = walk(1.0)
    motion, keypoints, blind = film(world, camera_at(5))
    wide = np.full((len(world), 27, 2), np.nan)
    wide[:, LANDMARKS_27.indices(LIFTED_21.joints)] = keypoints.points
    confidence = np.where(np.isfinite(wide).all(-1), 0.8, 0.0)
    other = Keypoints(wide, confidence, LANDMARKS_27, Fraction(FPS))
    a, b = (root_trajectory(motion, k, blind).positions for k in (keypoints, other))
    np.testing.assert_allclose(a, b, atol=1e-9)
    coco = Keypoints(np.ones((len(world), 17, 2)), np.ones((len(world), 17)), COCO_17, Fraction(FPS))
    # COCO's nose is the tip of the nose, Human3.6M's is not: equal names on other skeletons prove nothing.
    with pytest.raises(InputError, match="map"):
        matched_keypoints(motion, coco)


def test_what_does_not_fit_is_refused() -> None:
    world, _ = walk(1.0)
    motion, keypoints, blind = film(world, camera_at(5))
    with pytest.raises(InputError, match="as many"):
        root_trajectory(
            motion, keypoints.with_notes(points=keypoints.points[1:], confidence=keypoints.confidence[1:]), blind
        )
    nothing = keypoints.with_notes(points=np.full_like(keypoints.points, np.nan))
    with pytest.raises(InputError, match="cannot be placed"):
        root_trajectory(motion, nothing, blind)
    with pytest.raises(InputError, match="camera frame"):
        root_trajectory(dataclasses.replace(motion, frame="world"), keypoints, blind)


def test_one_frame_is_enough() -> None:
    world, _ = walk(1.0)
    camera = camera_at(5)
    motion, keypoints, blind = film(world[:1], camera)
    assert isinstance(blind, Camera)
    placed = root_trajectory(motion, keypoints, blind)
    assert isinstance(placed, Motion)
    np.testing.assert_allclose(placed.positions, camera.world_to_camera(world[:1]), atol=1e-3)

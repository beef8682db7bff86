"""The whole refinement: a known world comes back from what a lifter would give; real inputs do not break it."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from walking_figure import FPS, camera_at, film, walk

from maquette.errors import InputError
from maquette.geometry.camera import Camera, look_at
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.refine.motion_bones import bone_lengths
from maquette.refine.motion_contacts import CONTACT_JOINTS
from maquette.refine.motion_finish import finish
from maquette.refine.motion_ground import contact_speed_mps
from maquette.refine.motion_scale import height_from_bones
from maquette.refine.reprojection import ReprojectionRefiner
from maquette.skeletons import LIFTED_21

LEGS = [f"{side}_{part}" for side in "lr" for part in ("knee", "ankle", "heel", "toe")]


def _aligned(positions: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """``positions`` turned about the vertical and moved along the floor onto ``truth``; heights and size untouched."""
    a, b = positions.reshape(-1, 3), truth.reshape(-1, 3)
    p, q = a - a.mean(0), b - b.mean(0)
    angle = np.arctan2((p[:, 2] * q[:, 0] - p[:, 0] * q[:, 2]).sum(), (p[:, [0, 2]] * q[:, [0, 2]]).sum())
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    moved = p @ turn.T + b.mean(0)
    moved[:, 1] = a[:, 1]
    return moved.reshape(positions.shape)


def _gravity_error_deg(motion: Motion, camera: Camera) -> float:
    assert motion.camera is not None
    up, truth = motion.camera.R_camera_world[:, 1], camera.R_camera_world[:, 1]
    return float(np.degrees(np.arccos(np.clip(up @ truth, -1, 1))))


@pytest.mark.parametrize("elevation", [-15, 10, 35])
def test_a_perfect_lifter_gives_the_world_back(elevation: float) -> None:
    world, standing = walk()
    camera = camera_at(elevation, roll_deg=2)
    done = finish(*film(world, camera), smooth_hz=0)
    assert done.frame == "world"
    assert _gravity_error_deg(done, camera) < 2.0
    assert np.sqrt(((_aligned(done.positions, world) - world) ** 2).sum(-1).mean()) < 0.06
    assert done.contacts is not None
    truth = standing[:, [0, 0, 1, 1]]
    assert (done.contacts & truth).sum() > 0.85 * max(truth.sum(), done.contacts.sum())
    assert contact_speed_mps(done) < 0.05
    feet = done.positions[:, LIFTED_21.indices(CONTACT_JOINTS), 1]
    assert abs(np.median(feet[done.contacts]) - 0.02) < 0.01


@pytest.mark.parametrize("elevation", [-15, 10, 35])
def test_refinement_keeps_a_right_world_right(elevation: float) -> None:
    world, _ = walk()
    camera = camera_at(elevation, roll_deg=2)
    done = finish(*film(world, camera), refiner=ReprojectionRefiner())
    assert _gravity_error_deg(done, camera) < 2.0
    assert np.sqrt(((_aligned(done.positions, world) - world) ** 2).sum(-1).mean()) < 0.06
    assert contact_speed_mps(done) < 0.05
    assert "bones of fixed length" in "\n".join(done.notes)


def test_the_camera_sees_in_the_world_what_it_saw() -> None:
    world, _ = walk()
    motion, keypoints, camera = film(world, camera_at(15))
    done = finish(motion, keypoints, camera, plant=False)
    assert done.camera is not None
    assert np.median(np.linalg.norm(done.camera.project_world(done.positions) - keypoints.points, axis=-1)) < 3.0


def test_a_given_height_scales_everything() -> None:
    motion, keypoints, camera = film(walk()[0], camera_at(10))
    small, tall = (finish(motion, keypoints, camera, height_m=h) for h in (1.2, 1.8))
    assert height_from_bones(bone_lengths(tall), LIFTED_21) == pytest.approx(1.8, abs=0.002)
    assert tall.scale_source == "body height 1.80 m given"
    reach = [np.ptp(m.positions[:, 0, [0, 2]], axis=0) for m in (small, tall)]
    np.testing.assert_allclose(reach[1] / reach[0], 1.5, rtol=0.1)


def test_the_camera_frame_stays_in_front_of_the_camera() -> None:
    world, _ = walk()
    camera = camera_at(10)
    motion, keypoints, blind = film(world, camera)
    done = finish(motion, keypoints, blind, frame="camera")
    assert done.frame == "camera"
    assert np.linalg.norm(done.positions - camera.world_to_camera(world), axis=-1).mean() < 0.08


@pytest.mark.parametrize("n_frames", [1, 2, 3, 4, 7])
def test_few_frames(n_frames: int) -> None:
    done = finish(*film(walk()[0][:n_frames], camera_at(10)))
    assert done.n_frames == n_frames
    assert np.isfinite(done.positions).all()
    assert done.positions[:, :, 1].min() == pytest.approx(0.0, abs=0.1)


def test_frames_without_the_person_are_finite_and_listed() -> None:
    motion, keypoints, camera = film(walk()[0], camera_at(10))
    points = keypoints.points.copy()
    points[:5] = points[50:56] = points[100:160] = np.nan
    invented = motion.positions.copy()
    invented[100:160] = 7.0
    done = finish(motion.with_notes(positions=invented), keypoints.with_notes(points=points), camera)
    assert np.isfinite(done.positions).all()
    assert np.ptp(np.linalg.norm(done.positions - done.positions[:, :1], axis=-1)) < 1.0
    assert any("frames 100-159 (2.0 s)" in note for note in done.notes)
    assert any("11 frames without the person" in note for note in done.notes)
    assert done.contacts is not None
    assert not done.contacts[100:160].any()


def test_without_legs_no_ground_is_claimed() -> None:
    world, _ = walk(3.0)
    world = world - world[:, :1] + world[:1, :1]
    motion, keypoints, camera = film(world, camera_at(10))
    points = keypoints.points.copy()
    points[:, LIFTED_21.indices(LEGS)] = np.nan
    done = finish(motion, keypoints.with_notes(points=points), camera)
    assert done.contacts is None
    assert np.ptp(done.positions[:, 0], axis=0).max() < 1e-9
    assert done.positions[0, 0, 1] == pytest.approx(world[0, 0, 1], abs=0.1)
    assert any("no ground" in note for note in done.notes)


def test_nobody_is_an_error_and_so_is_a_negative_cutoff() -> None:
    motion, keypoints, camera = film(walk(1.0)[0], camera_at(10))
    nobody = keypoints.with_notes(points=np.full_like(keypoints.points, np.nan))
    with pytest.raises(InputError, match="nothing to place"):
        finish(motion, nobody, camera)
    with pytest.raises(InputError, match="cutoff"):
        finish(motion, keypoints, camera, smooth_hz=-1.0)


def test_every_step_leaves_a_note() -> None:
    done = finish(*film(walk()[0], camera_at(10)))
    text = "\n".join(done.notes)
    for word in ("smoothed", "bone lengths", "metric scale", "root path", "camera estimated", "ground at", "planted"):
        assert word in text


def _lifted(world: np.ndarray, camera: Camera, fps: int, seed: int) -> tuple[Motion, Keypoints, Camera]:
    """Motion capture as a detector and a lifter would report it: slow errors of every bone's direction, most of them
    along the line of sight, of the body's orientation and of its size, and jitter in pixels."""
    rng = np.random.default_rng(seed)
    n = len(world)

    def slow(*shape: int) -> np.ndarray:
        keep = np.exp(-1 / (0.4 * fps))
        out = rng.normal(size=(n, *shape))
        for i in range(1, n):
            out[i] = keep * out[i - 1] + np.sqrt(1 - keep**2) * out[i]
        return out

    in_camera = camera.world_to_camera(world)
    pixels = camera.project(in_camera)
    pixels = pixels + np.ptp(pixels[..., 1], axis=1).mean() * (
        0.004 * rng.normal(size=pixels.shape) + 0.006 * slow(21, 2)
    )
    ray = in_camera[:, 0] / np.linalg.norm(in_camera[:, 0], axis=-1, keepdims=True)
    turn = np.radians(3) * (rng.normal(size=3) + slow(3))
    pose = np.zeros_like(in_camera)
    for joint in LIFTED_21.order[1:]:
        parent = LIFTED_21.parents[joint]
        bone = in_camera[:, joint] - in_camera[:, parent]
        bone = bone + np.cross(turn, bone)
        length = np.linalg.norm(bone, axis=-1, keepdims=True)
        bone = bone + length * (0.12 * slow(1) * ray + 0.035 * slow(3) + 0.008 * rng.normal(size=(n, 3)))
        bone *= length * (1 + 0.03 * rng.normal()) / np.linalg.norm(bone, axis=-1, keepdims=True)
        pose[:, joint] = pose[:, parent] + bone
    motion = Motion(pose * (1 + 0.04 * rng.normal()), LIFTED_21, Fraction(fps), "camera")
    keypoints = Keypoints(pixels, np.ones(pixels.shape[:2]), LIFTED_21, Fraction(fps), camera.image_size)
    return motion, keypoints, Camera(camera.focal_px, camera.centre_px, camera.image_size)


def test_motion_capture_through_an_imperfect_lifter(shared_dir: Path) -> None:
    """Means over walking, jogging, boxing and dancing and six cameras: gravity, place, standing feet, ground."""
    folder = shared_dir / "data" / "cmu"
    if not folder.is_dir():
        pytest.skip("no CMU data")
    clips = np.load(folder / "cmu_landmarks.npz")
    fps = json.loads((folder / "index.json").read_text())["02/02_01"]["fps"]
    gravity, place, slide, foot = [], [], [], []
    for number, name in enumerate(("02/02_01", "02/02_03", "02/02_05", "94/94_04", "02/02_01", "94/94_06")):
        world = clips[name][:300, [*range(17), 17, 18, 19, 20]].astype(float)
        rng = np.random.default_rng(number)
        target = np.median(world[:, 0], axis=0)
        elevation, azimuth = np.radians(rng.uniform(-20, 40)), rng.uniform(0, 2 * np.pi)
        direction = [np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)]
        position = target + 5.0 * np.array(direction)
        camera = Camera((1472.0, 1472.0), (640.0, 360.0), (1280, 720), look_at(position, target), position)
        done = finish(*_lifted(world, camera, fps, number))
        gravity.append(_gravity_error_deg(done, camera))
        scale = height_from_bones(bone_lengths(done), LIFTED_21) / height_from_bones(
            bone_lengths(done.with_notes(positions=world)), LIFTED_21
        )
        place.append(np.linalg.norm(_aligned(done.positions / scale, world) - world, axis=-1).mean())
        slide.append(contact_speed_mps(done))
        feet = done.positions[:, LIFTED_21.indices(CONTACT_JOINTS), 1]
        foot.append(abs(float(np.median(feet[done.contacts])) - 0.02))
    assert np.mean(gravity) < 4.0, gravity
    assert np.mean(place) < 0.16, place
    assert np.mean(slide) < 0.20, slide
    assert np.mean(foot) < 0.01, foot


def test_who_jumps_from_a_roof_lands_in_front_of_the_camera() -> None:
    """The floor that is known is the roof's; feet on the grass below must not be drawn up to it."""
    world, _ = walk(9.0)
    times_s = np.arange(len(world)) / FPS
    height_m = np.clip(2.0 - 4.905 * np.clip(times_s - 6.0, 0.0, None) ** 2, 0.0, None)
    world[..., 1] += height_m[:, None]
    camera = camera_at(0.0, distance_m=8.0)
    motion, keypoints, assumed = film(world, camera)
    placed = finish(motion, keypoints, assumed, frame="camera")
    depth_m = camera.world_to_camera(world)[:, 0, 2]
    assert placed.root_trajectory is not None
    assert np.abs(placed.root_trajectory[:, 2] - depth_m).max() < 0.5


@pytest.mark.parametrize("cutoff_hz", [float("nan"), float("inf"), -1.0])
def test_cutoffs_that_are_none(cutoff_hz: float) -> None:
    world, _ = walk()
    with pytest.raises(InputError, match="smoothing cutoff is"):
        finish(*film(world, camera_at(10)), smooth_hz=cutoff_hz)

"""Which way is up, the world frame, the ground, and feet that stay: against a figure whose world is known."""

import dataclasses

import numpy as np
import pytest
from walking_figure import FPS, HIP_HALF_M, camera_at, film, walk

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.refine.motion_bones import bone_lengths
from maquette.refine.motion_contacts import CONTACT_JOINTS, REST_HEIGHT_M, contact_runs
from maquette.refine.motion_ground import contact_speed_mps, ground
from maquette.refine.motion_placing import root_trajectory
from maquette.refine.motion_plant import plant_feet
from maquette.refine.motion_tilt import CameraTilt, body_up, estimate_tilt
from maquette.refine.motion_world import camera_to_world, world_axes
from maquette.skeletons import LIFTED_21


def _degrees_between(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


def _world_motion(positions: np.ndarray) -> Motion:
    motion, _, _ = film(positions, camera_at(5))
    return dataclasses.replace(motion, positions=positions, frame="world")


def _tilt(pitch_deg: float, roll_deg: float, height_m: float | None = 1.5) -> CameraTilt:
    return CameraTilt(float(np.radians(pitch_deg)), float(np.radians(roll_deg)), 0.0, 0.0, height_m, "a test")


def test_up_is_what_pitch_and_roll_say() -> None:
    for elevation, roll in ((0, 0), (30, 0), (-15, 5), (20, -8)):
        camera = camera_at(elevation, roll_deg=roll)
        up = camera.R_camera_world @ np.array([0.0, 1.0, 0.0])
        np.testing.assert_allclose(_tilt(elevation, roll).up, up, atol=1e-12)


def test_the_world_is_right_handed_and_z_comes_towards_the_camera() -> None:
    for pitch in (-60, 0, 35, 90):
        rotation = world_axes(_tilt(pitch, 4).up)
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)
    level = world_axes(_tilt(0, 0).up)
    np.testing.assert_allclose(level, np.diag([1.0, -1.0, -1.0]), atol=1e-12)


@pytest.mark.parametrize("elevation", [-20, 0, 20, 40])
@pytest.mark.parametrize("roll", [-3, 2])
def test_gravity_is_found_from_body_and_feet(elevation: float, roll: float) -> None:
    world, _ = walk()
    camera = camera_at(elevation, roll_deg=roll)
    motion, keypoints, blind = film(world, camera)
    placed = root_trajectory(motion, keypoints, blind)
    assert placed.contacts is not None
    feet = placed.positions[:, LIFTED_21.indices(CONTACT_JOINTS)].transpose(1, 0, 2)
    rest = np.array([REST_HEIGHT_M[joint[2:]] for joint in CONTACT_JOINTS])
    tilt = estimate_tilt(placed, placed.contacts.T, feet, rest)
    up = camera.R_camera_world @ np.array([0.0, 1.0, 0.0])
    # Not zero: the priors on body and camera pull, by design.
    assert _degrees_between(tilt.up, up) < 2.0
    assert tilt.camera_height_m == pytest.approx(camera.position_world_m[1], abs=0.15)
    assert "foot contacts" in tilt.evidence


def test_the_body_alone_tells_gravity_nearly_and_says_so() -> None:
    world, _ = walk()
    camera = camera_at(30)
    motion, _, _ = film(world, camera)
    tilt = estimate_tilt(motion, legs_seen=False)
    assert _degrees_between(tilt.up, camera.R_camera_world @ np.array([0.0, 1.0, 0.0])) < 6
    assert np.degrees(tilt.pitch_sigma_rad) > 3
    assert tilt.camera_height_m is None
    assert "upright in 100%" in tilt.evidence


def test_a_given_tilt_is_kept() -> None:
    motion, _, _ = film(walk()[0], camera_at(30))
    tilt = estimate_tilt(motion, pitch_rad=0.2, roll_rad=-0.1)
    assert (tilt.pitch_rad, tilt.roll_rad) == pytest.approx((0.2, -0.1), abs=1e-6)
    assert "given" in tilt.evidence
    only_roll = estimate_tilt(motion, roll_rad=0.0)
    assert only_roll.roll_rad == pytest.approx(0.0, abs=1e-6)
    assert np.degrees(only_roll.pitch_rad) == pytest.approx(30, abs=8)


def test_a_lying_body_does_not_make_the_camera_lie() -> None:
    world, _ = walk()
    lying = world[..., [1, 0, 2]] * np.array([1.0, 1.0, -1.0])
    motion, _, _ = film(lying, camera_at(10))
    assert body_up(motion)[0] is None
    tilt = estimate_tilt(motion)
    assert _degrees_between(tilt.up, np.array([0.0, -1.0, 0.0])) < 6
    assert "upright" not in tilt.evidence


def test_the_camera_in_the_world_sees_the_same_picture() -> None:
    world, _ = walk()
    motion, keypoints, blind = film(world, camera_at(20, roll_deg=2))
    placed = root_trajectory(motion, keypoints, blind)
    turned = camera_to_world(placed, _tilt(17, 1))
    assert turned.camera is not None
    assert turned.root_trajectory is not None
    np.testing.assert_allclose(
        turned.camera.project_world(turned.positions), blind.project(placed.positions), atol=1e-8
    )
    np.testing.assert_allclose(turned.positions[:, 0], turned.root_trajectory, atol=1e-12)
    np.testing.assert_allclose(turned.positions[0, 0, [0, 2]], 0, atol=1e-12)
    assert turned.camera.position_world_m[1] == pytest.approx(1.5)


def test_who_faces_the_camera_faces_z() -> None:
    world, _ = walk(1.0)
    camera = camera_at(15, azimuth_deg=90)
    motion, keypoints, blind = film(world, camera)
    turned = camera_to_world(root_trajectory(motion, keypoints, blind), _tilt(15, 0))
    hips = turned.joint("l_hip") - turned.joint("r_hip")
    # The figure starts at azimuth 90 degrees, where the camera is: left is then +X of the world.
    np.testing.assert_allclose(hips[0], [2 * HIP_HALF_M, 0, 0], atol=0.01)


def test_only_a_placed_motion_can_be_turned() -> None:
    motion, _, _ = film(walk(1.0)[0], camera_at(0))
    with pytest.raises(InputError, match="root_trajectory"):
        camera_to_world(motion, _tilt(0, 0))
    with pytest.raises(InputError, match="world frame"):
        ground(motion)


@pytest.mark.parametrize("offset_m", [-0.7, 0.4])
def test_ground_and_contacts_of_a_walk(offset_m: float) -> None:
    world, standing = walk()
    grounded = ground(_world_motion(world + np.array([0.0, offset_m, 0.0])))
    np.testing.assert_allclose(grounded.positions, world, atol=0.01)
    assert grounded.contacts is not None
    assert grounded.contact_joints == CONTACT_JOINTS
    truth = standing[:, [0, 0, 1, 1]]
    assert (grounded.contacts & truth).sum() / grounded.contacts.sum() > 0.9
    assert (grounded.contacts & truth).sum() / truth.sum() > 0.9
    assert len(contact_runs(np.ascontiguousarray(grounded.contacts.T))) <= 36


def test_a_jump_and_a_seat_do_not_move_the_ground() -> None:
    world, _ = walk(4.0)
    jump = world.copy()
    height = np.clip(np.sin(np.linspace(0, np.pi, 20)), 0, None)
    jump[40:60, :, 1] += 0.5 * height[:, None]
    grounded = ground(_world_motion(jump + np.array([0.0, 0.3, 0.0])))
    np.testing.assert_allclose(grounded.positions, jump, atol=0.02)
    assert grounded.contacts is not None
    assert not grounded.contacts[45:55].any()
    still = np.repeat(world[:1], 60, axis=0)
    seated = still.copy()
    upper = [j for j in range(21) if LIFTED_21.joints[j][2:] not in ("ankle", "heel", "toe", "knee")]
    seated[20:, upper, 1] -= 0.35
    np.testing.assert_allclose(ground(_world_motion(seated)).positions, seated, atol=0.03)


def test_slow_drift_is_taken_out_and_a_step_up_is_left() -> None:
    world, _ = walk(12.0)
    drift = 0.04 * np.sin(2 * np.pi * np.arange(len(world)) / len(world))
    mended = ground(_world_motion(world + drift[:, None, None] * np.array([0.0, 1.0, 0.0])))
    assert np.abs(mended.positions - world).mean() < 0.3 * np.abs(drift).mean()
    assert "drift" in mended.notes[-1]
    up = np.where(np.arange(len(world)) > 240, 0.3, 0.0)
    stepped = world + up[:, None, None] * np.array([0.0, 1.0, 0.0])
    risen = ground(_world_motion(stepped)).positions[..., 1].max() - stepped[..., 1].max()
    assert abs(risen) < 0.03


def test_nobody_stands_in_the_air() -> None:
    flying = walk(2.0)[0] + np.arange(60)[:, None, None] * np.array([0.05, 0.05, 0.0])
    grounded = ground(_world_motion(flying))
    assert grounded.contacts is None
    assert "no foot" in grounded.notes[-1]


def test_planted_feet_stand_still_and_the_bones_stay() -> None:
    world, _ = walk()
    rng = np.random.default_rng(0)
    wander = rng.normal(scale=0.03, size=(len(world), 3)).cumsum(0) * 0.15
    sliding = _world_motion(world + wander[:, None] * np.array([1.0, 0.1, 1.0]))
    grounded = ground(sliding, max_speed_mps=(0.6, 1.0))
    planted = plant_feet(grounded)
    assert contact_speed_mps(planted) < 0.5 * contact_speed_mps(grounded)
    parents, children = np.array(LIFTED_21.bones).T

    def lengths(motion: Motion) -> np.ndarray:
        return np.linalg.norm(motion.positions[:, children] - motion.positions[:, parents], axis=-1)

    np.testing.assert_allclose(lengths(planted), lengths(grounded), atol=1e-9)
    hips_moved = np.linalg.norm(planted.joint("hip") - grounded.joint("hip"), axis=-1)
    assert hips_moved.max() < 0.015
    knee_speed = np.linalg.norm(np.diff(planted.joint("l_knee"), axis=0), axis=-1) * FPS
    assert knee_speed.max() < 4.0
    assert np.isfinite(bone_lengths(planted)[1:]).all()


def test_planting_needs_contacts() -> None:
    with pytest.raises(InputError, match="ground"):
        plant_feet(_world_motion(walk(1.0)[0]))

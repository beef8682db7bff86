"""Rotations from positions: recovered where positions tell them, sensible where they do not."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from made_body import OFFSETS_M, body_motion, made_motion, posed_parts, wild_motion  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.rig import rest_offsets_m, solve_rotations
from maquette.skeletons import COCO_17, H36M_17, LIFTED_21


def world_orientations(motion: Motion) -> dict[str, Rotation]:
    """Of each joint by chaining the local rotations with SciPy."""
    world: dict[str, Rotation] = {}
    assert motion.rotations is not None
    for joint in motion.skeleton.order:
        own = Rotation.from_quat(motion.rotations[:, joint][:, [1, 2, 3, 0]])
        parent = motion.skeleton.parents[joint]
        world[motion.skeleton.joints[joint]] = own if parent < 0 else world[motion.skeleton.joints[parent]] * own
    return world


def degrees_between(a: Rotation, b: Rotation) -> np.ndarray:
    return np.degrees((a.inv() * b).magnitude())


def test_rest_offsets_are_those_of_the_figure() -> None:
    offsets = rest_offsets_m(made_motion())
    for joint, (_, offset) in OFFSETS_M.items():
        np.testing.assert_allclose(offsets[LIFTED_21.index(joint)], offset, atol=2e-4, err_msg=joint)


@pytest.mark.parametrize("seed", range(4))
def test_orientations_of_bent_limbs_are_recovered(seed: int) -> None:
    parts = posed_parts(150, seed)
    world = world_orientations(solve_rotations(body_motion(parts)))
    expected = {"hip": "pelvis", "spine": "chest", "thorax": "chest"}
    for side in "lr":
        for joint, part in (("hip", "thigh"), ("knee", "shin"), ("shoulder", "upper_arm"), ("elbow", "forearm")):
            expected[f"{side}_{joint}"] = f"{side}_{part}"
    for joint, part in expected.items():
        assert degrees_between(world[joint], parts[part]).max() < 1e-4, joint
    # Feet and head go through rest directions that are rounded in the figure.
    for joint, part in (("l_ankle", "l_foot"), ("r_ankle", "r_foot"), ("nose", "head")):
        assert degrees_between(world[joint], parts[part]).max() < 0.2, joint


def test_elbows_and_knees_are_hinges() -> None:
    motion = solve_rotations(made_motion(seed=7))
    assert motion.rotations is not None
    for joint, axis in (("l_elbow", (0, -1, 0)), ("r_elbow", (0, 1, 0)), ("l_knee", (1, 0, 0)), ("r_knee", (1, 0, 0))):
        turn = Rotation.from_quat(motion.rotations[:, LIFTED_21.index(joint)][:, [1, 2, 3, 0]]).as_rotvec()
        bend = np.linalg.norm(turn, axis=1)
        np.testing.assert_allclose(turn / bend[:, None], np.broadcast_to(np.array(axis, float), turn.shape), atol=1e-6)


def test_straight_arms_swing_without_twist() -> None:
    parts = posed_parts(50, 1, bend=(0.0, 0.0))
    for side in "lr":
        # A pure swing has no component about the bone.
        swing = (parts["chest"].inv() * parts[f"{side}_upper_arm"]).as_rotvec() * [0.0, 1.0, 1.0]
        parts[f"{side}_upper_arm"] = parts[f"{side}_forearm"] = parts["chest"] * Rotation.from_rotvec(swing)
    world = world_orientations(solve_rotations(body_motion(parts)))
    for side in "lr":
        assert degrees_between(world[f"{side}_shoulder"], parts[f"{side}_upper_arm"]).max() < 1e-4


def test_an_arm_that_straightens_for_a_moment_keeps_its_twist() -> None:
    frames = 100
    still = Rotation.identity(frames)
    parts = {name: still for name in posed_parts(2, 0)}
    bend = np.radians(90 * (1 - np.exp(-0.5 * ((np.arange(frames) - 50) / 6.0) ** 2)))
    upper = Rotation.from_euler("ZX", [-60, 50], degrees=True)
    parts["l_upper_arm"] = Rotation.concatenate([upper] * frames)
    parts["l_forearm"] = parts["l_upper_arm"] * Rotation.from_rotvec(bend[:, None] * [0.0, -1.0, 0.0])
    world = world_orientations(solve_rotations(body_motion(parts)))
    assert degrees_between(world["l_shoulder"], parts["l_upper_arm"]).max() < 10.0


def test_straight_legs_with_noise_turn_with_the_foot() -> None:
    rng = np.random.default_rng(3)
    frames = 200
    parts = {name: Rotation.identity(frames) for name in posed_parts(2, 0)}
    toes_out = Rotation.from_euler("Y", 25, degrees=True)
    # Up to 8 degrees of bend, forwards and sideways as often as backwards.
    wobble = Rotation.from_rotvec(np.radians(rng.uniform(-8, 8, (frames, 3))) * [1.0, 0.0, 1.0])
    parts["l_thigh"] = Rotation.concatenate([toes_out] * frames)
    parts["l_shin"] = parts["l_thigh"] * wobble
    parts["l_foot"] = parts["l_thigh"]
    world = world_orientations(solve_rotations(body_motion(parts)))
    error = degrees_between(world["l_hip"], parts["l_thigh"])
    assert error.max() < 15.0


def test_turning_the_world_turns_the_root_alone() -> None:
    motion = made_motion(seed=2)
    turn = Rotation.from_euler("YXZ", [130, 40, -20], degrees=True)
    turned = dataclasses.replace(
        motion, positions=turn.apply(motion.positions.reshape(-1, 3).copy()).reshape(-1, 21, 3)
    )
    a, b = solve_rotations(motion).rotations, solve_rotations(turned).rotations
    assert a is not None
    assert b is not None
    np.testing.assert_allclose(np.abs(np.sum(a[:, 1:] * b[:, 1:], axis=-1)), 1.0, atol=1e-9)
    roots = (Rotation.from_quat(x[:, 0][:, [1, 2, 3, 0]]) for x in (a, b))
    assert degrees_between(turn * next(roots), next(roots)).max() < 1e-4


@pytest.mark.parametrize("make", [made_motion, wild_motion])
def test_the_mirror_image_has_mirrored_rotations(make) -> None:
    motion = make(seed=5)
    swapped = motion.positions[:, LIFTED_21.mirror_permutation] * [-1.0, 1.0, 1.0]
    a = solve_rotations(motion).rotations
    b = solve_rotations(dataclasses.replace(motion, positions=swapped)).rotations
    assert a is not None
    assert b is not None
    mirrored = b[:, LIFTED_21.mirror_permutation] * [1.0, 1.0, -1.0, -1.0]
    np.testing.assert_allclose(np.abs(np.sum(a * mirrored, axis=-1)), 1.0, atol=1e-8)


def test_quaternions_stay_in_one_hemisphere() -> None:
    rotations = solve_rotations(made_motion(400, seed=9)).rotations
    assert rotations is not None
    assert (np.sum(rotations[1:] * rotations[:-1], axis=-1) > 0).all()


def test_seventeen_joints_are_enough() -> None:
    motion = made_motion(seed=4)
    short = Motion(positions=motion.positions[:, :17], skeleton=H36M_17, fps=Fraction(50), frame="world")
    full, bare = solve_rotations(motion).rotations, solve_rotations(short).rotations
    assert full is not None
    assert bare is not None
    same = [j for j, name in enumerate(H36M_17.joints) if not name.endswith("ankle")]
    np.testing.assert_allclose(full[:, same], bare[:, same], atol=1e-6)
    assert (bare[:, H36M_17.index("l_ankle")] == [1.0, 0.0, 0.0, 0.0]).all()


def test_unknown_positions_leave_the_rest_known() -> None:
    motion = made_motion(seed=4)
    positions = motion.positions.copy()
    positions[10:20, LIFTED_21.index("l_wrist")] = np.nan
    rotations = solve_rotations(dataclasses.replace(motion, positions=positions)).rotations
    assert rotations is not None
    unknown = np.asarray(np.isnan(rotations).any(axis=-1))
    assert set(np.flatnonzero(unknown.any(axis=0))) == {LIFTED_21.index("l_elbow")}
    assert unknown[10:20, LIFTED_21.index("l_elbow")].all()
    assert not unknown[20:].any()


def test_points_that_coincide_give_rotations_all_the_same() -> None:
    motion = made_motion(seed=4)
    positions = motion.positions.copy()
    positions[5:8] = positions[5:8, :1]
    positions[30:32, LIFTED_21.index("l_elbow")] = positions[30:32, LIFTED_21.index("l_shoulder")]
    for broken in (positions, np.zeros_like(positions)):
        rotations = solve_rotations(dataclasses.replace(motion, positions=broken)).rotations
        assert rotations is not None
        np.testing.assert_allclose(np.linalg.norm(rotations, axis=-1), 1.0, atol=1e-9)


def test_other_skeletons_are_refused_by_name() -> None:
    motion = Motion(positions=np.zeros((2, 17, 3)), skeleton=COCO_17, fps=Fraction(30), frame="world")
    with pytest.raises(InputError, match=r"coco-17.*expected h36m-17 or maquette-21"):
        solve_rotations(motion)

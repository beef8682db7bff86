"""Rotations one frame at a time: those of the whole clip where positions tell them, steady where they do not."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_body import body_motion, made_motion, posed_parts, wild_motion  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.demo.choreography import perform
from maquette.errors import InputError
from maquette.motion import Motion
from maquette.rig import solve_rotations
from maquette.rig.solve_stream import RotationStream
from maquette.skeletons import LIFTED_21

SETTLED = 40
"""Frames after which the running medians of a figure with constant bones are those of the clip."""
ROW = np.array([0])


def streamed(positions: np.ndarray, fps: float = 50.0, stream: RotationStream | None = None) -> np.ndarray:
    """Rotations of one person, frame after frame."""
    stream = RotationStream(1) if stream is None else stream
    return np.stack([stream(ROW, at[None], frame / fps)[0] for frame, at in enumerate(positions)])


def offline(motion: Motion) -> np.ndarray:
    rotations = solve_rotations(motion).rotations
    assert rotations is not None
    return rotations


def angles_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Between rotations, joint by joint."""
    relative = as_scipy(a).inv() * as_scipy(b)
    return np.degrees(relative.magnitude()).reshape(a.shape[:-1])


def as_scipy(quats: np.ndarray) -> Rotation:
    return Rotation.from_quat(quats.reshape(-1, 4)[:, [1, 2, 3, 0]])


def world(rotations: np.ndarray) -> dict[str, Rotation]:
    """Orientation of each joint by chaining the local rotations with SciPy."""
    found: dict[str, Rotation] = {}
    for joint in LIFTED_21.order:
        own, parent = as_scipy(rotations[:, joint]), LIFTED_21.parents[joint]
        found[LIFTED_21.joints[joint]] = own if parent < 0 else found[LIFTED_21.joints[parent]] * own
    return found


@pytest.mark.parametrize("seed", range(3))
def test_bent_limbs_are_turned_as_in_the_clip_and_in_truth(seed: int) -> None:
    parts = posed_parts(150, seed)
    motion = body_motion(parts)
    found = streamed(motion.positions)
    assert angles_deg(found, offline(motion))[SETTLED:].max() < 1e-5
    turned = world(found)
    for side in "lr":
        for joint, part in (("hip", "thigh"), ("knee", "shin"), ("shoulder", "upper_arm"), ("elbow", "forearm")):
            error = (turned[f"{side}_{joint}"].inv() * parts[f"{side}_{part}"]).magnitude()
            assert np.degrees(error).max() < 1e-4, joint
    for joint, part in (("l_ankle", "l_foot"), ("r_ankle", "r_foot"), ("nose", "head")):
        error = (turned[joint].inv() * parts[part]).magnitude()[SETTLED:]
        assert np.degrees(error).max() < 0.2, joint


def test_the_demo_is_turned_as_in_the_clip() -> None:
    motion = perform(30).motion
    joints = motion.skeleton.indices(LIFTED_21.joints)
    found, whole = streamed(motion.positions[:, joints], 30.0), offline(motion)[:, joints]
    difference = angles_deg(found, whole)
    assert np.median(difference) < 0.01
    assert np.percentile(difference, 95, axis=0).max() < 8.0
    for joint in range(len(LIFTED_21)):
        steps = [angles_deg(turns[1:, joint], turns[:-1, joint]).max() for turns in (found, whole)]
        assert steps[0] < 1.1 * steps[1] + 1.0, LIFTED_21.joints[joint]


@pytest.mark.parametrize("make", [made_motion, wild_motion])
def test_the_mirror_image_has_mirrored_rotations(make) -> None:
    positions = make(60, seed=5).positions
    swapped = positions[:, LIFTED_21.mirror_permutation] * [-1.0, 1.0, 1.0]
    mirrored = streamed(swapped)[:, LIFTED_21.mirror_permutation] * [1.0, 1.0, -1.0, -1.0]
    np.testing.assert_allclose(np.abs(np.sum(streamed(positions) * mirrored, axis=-1)), 1.0, atol=1e-8)


@pytest.mark.parametrize("turn_deg", [(130, 0, 0), (0, 180, 0), (20, 90, 0), (0, -90, 0), (130, 40, -20)])
def test_place_and_pose_in_the_world_turn_the_root_alone(turn_deg: tuple[int, int, int]) -> None:
    """Also lying and upside down. Nearly straight limbs are among them."""
    motion = made_motion(50, seed=2, bend=(0.0, 60.0))
    turn = Rotation.from_euler("YXZ", turn_deg, degrees=True)
    moved = turn.apply(motion.positions.reshape(-1, 3).copy()).reshape(motion.positions.shape) + [3.0, -1.0, 40.0]
    a, b = streamed(motion.positions), streamed(moved)
    np.testing.assert_allclose(np.abs(np.sum(a[:, 1:] * b[:, 1:], axis=-1)), 1.0, atol=1e-9)
    assert np.degrees(((turn * as_scipy(a[:, 0])).inv() * as_scipy(b[:, 0])).magnitude()).max() < 1e-4


def swinging(limb: str, axis: str, start_deg: float, sweep_deg: float) -> tuple[Motion, str, str]:
    """A straight arm or leg that swings in two seconds; the joint that turns it and the one at its other end."""
    frames = 100
    parts = {name: Rotation.identity(frames) for name in posed_parts(2, 0)}
    angle = np.radians(start_deg + sweep_deg * np.linspace(0.0, 1.0, frames))
    turns = Rotation.from_rotvec(angle[:, None] * np.eye(3)["XYZ".index(axis)])
    chain = ("upper_arm", "forearm") if limb == "arm" else ("thigh", "shin", "foot")
    parts |= {f"l_{part}": turns for part in chain}
    joint, middle = ("l_shoulder", "l_elbow") if limb == "arm" else ("l_hip", "l_knee")
    return body_motion(parts), joint, middle


@pytest.mark.parametrize(
    ("limb", "axis", "start_deg", "sweep_deg"),
    [
        ("arm", "Z", -80, 150),
        ("arm", "Y", 60, -190),
        ("leg", "X", 40, -150),
        ("leg", "Z", -20, 90),
        ("leg", "X", 0, 70),
    ],
)
def test_straight_limbs_do_not_flip(limb: str, axis: str, start_deg: float, sweep_deg: float) -> None:
    """They turn no faster than twice their bone, with noise too."""
    motion, joint, middle = swinging(limb, axis, start_deg, sweep_deg)
    speed = abs(sweep_deg) / 99
    turned = world(streamed(motion.positions))[joint]
    assert np.degrees((turned[:-1].inv() * turned[1:]).magnitude()).max() < 2.0 * speed + 0.1
    noisy = motion.positions.copy()
    ends = LIFTED_21.indices((middle, middle[:2] + ("wrist" if limb == "arm" else "ankle")))
    noisy[:, ends] += 0.002 * np.random.default_rng(5).normal(size=(len(noisy), 2, 3))
    turned = world(streamed(noisy))[joint]
    assert np.degrees((turned[:-1].inv() * turned[1:]).magnitude()).max() < 2.0 * speed + 6.0


def test_an_arm_that_straightens_for_a_moment_keeps_its_twist() -> None:
    frames = 100
    parts = {name: Rotation.identity(frames) for name in posed_parts(2, 0)}
    bend = np.radians(90 * (1 - np.exp(-0.5 * ((np.arange(frames) - 50) / 6.0) ** 2)))
    upper = Rotation.from_euler("ZX", [-60, 50], degrees=True)
    parts["l_upper_arm"] = Rotation.concatenate([upper] * frames)
    parts["l_forearm"] = parts["l_upper_arm"] * Rotation.from_rotvec(bend[:, None] * [0.0, -1.0, 0.0])
    turned = world(streamed(body_motion(parts).positions))["l_shoulder"]
    assert np.degrees((turned.inv() * parts["l_upper_arm"]).magnitude()).max() < 10.0


def test_knees_of_straight_legs_face_as_the_toes_do() -> None:
    rng = np.random.default_rng(3)
    frames = 200
    parts = {name: Rotation.identity(frames) for name in posed_parts(2, 0)}
    toes_out = Rotation.from_euler("Y", 25, degrees=True)
    # Up to 8 degrees of bend, forwards and sideways as often as backwards.
    wobble = Rotation.from_rotvec(np.radians(rng.uniform(-8, 8, (frames, 3))) * [1.0, 0.0, 1.0])
    parts["l_thigh"] = parts["l_foot"] = Rotation.concatenate([toes_out] * frames)
    parts["l_shin"] = parts["l_thigh"] * wobble
    turned = world(streamed(body_motion(parts).positions))["l_hip"]
    assert np.degrees((turned.inv() * parts["l_thigh"]).magnitude()).max() < 15.0


def test_the_rate_of_the_frames_changes_little() -> None:
    """The same movement at 25, 50 and 100 frames/s, arms straight most of the time."""
    parts = posed_parts(240, 3, bend=(0.0, 40.0))
    fine = body_motion(parts, Fraction(100)).positions
    coarse = [streamed(fine[::every], 100.0 / every)[:: 4 // every] for every in (1, 2, 4)]
    for other in coarse[:2]:
        assert angles_deg(coarse[2], other)[SETTLED:].max() < 3.0


def test_many_people_are_as_each_alone() -> None:
    clips = [made_motion(25, seed, bend=(0.0, 90.0)).positions for seed in range(10)]
    together = RotationStream(12)
    rows = np.array([0, 1, 2, 3, 5, 6, 7, 8, 9, 11])
    found = np.stack([together(rows, np.stack([c[f] for c in clips]), f / 50) for f in range(25)], axis=1)
    for one, clip in zip(found, clips, strict=True):
        np.testing.assert_allclose(one, streamed(clip), atol=1e-12)


def test_who_was_away_comes_back_turned_as_positions_say() -> None:
    motion = made_motion(150, seed=6)
    stream, whole = RotationStream(2), offline(motion)
    other = made_motion(150, seed=7).positions
    for frame, at in enumerate(motion.positions):
        away = 60 <= frame < 110
        rows = np.array([1]) if away else np.array([0, 1])
        people = other[frame][None] if away else np.stack((at, other[frame]))
        found = stream(rows, people, frame / 50)
        if frame > SETTLED and not away:
            np.testing.assert_allclose(np.abs(np.sum(found[0] * whole[frame], axis=-1)), 1.0, atol=1e-12)


def test_unknown_positions_leave_the_rest_known() -> None:
    motion = made_motion(120, seed=4)
    positions = motion.positions.copy()
    positions[50:60, LIFTED_21.index("l_wrist")] = np.nan
    positions[80:90] = np.nan
    found, whole = streamed(positions), offline(dataclasses.replace(motion, positions=positions))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(whole))
    assert set(np.flatnonzero(np.isnan(found[50:60]).any(axis=(0, 2)))) == {LIFTED_21.index("l_elbow")}
    known = np.asarray(np.isfinite(found).all(axis=-1))
    known[:SETTLED] = False
    # Without its wrist nothing but the past, or past and future, tells how the upper arm is twisted.
    arm = LIFTED_21.index("l_shoulder")
    assert angles_deg(found[50:60, arm], whole[50:60, arm]).max() < 5.0
    known[50:60, arm] = False
    assert angles_deg(found[known], whole[known]).max() < 1e-5


def test_points_that_coincide_repeat_the_last_orientation() -> None:
    positions = made_motion(60, seed=4).positions.copy()
    positions[50:53] = positions[50:53, :1]
    trunk = LIFTED_21.indices(("hip", "spine", "thorax"))
    found = streamed(positions)
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1.0, atol=1e-9)
    np.testing.assert_allclose(found[50:53, trunk], found[[49] * 3][:, trunk], atol=1e-12)


def test_a_row_that_is_reset_knows_nothing() -> None:
    first, second = made_motion(80, 1, bend=(0.0, 60.0)).positions, made_motion(80, 8, bend=(0.0, 60.0)).positions
    stream = RotationStream(1)
    streamed(first, stream=stream)
    stream.reset(0)
    np.testing.assert_array_equal(streamed(second, stream=stream), streamed(second))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    wild=st.booleans(),
    damage=st.sampled_from(["none", "coincide", "straight", "unknown"]),
    step_s=st.sampled_from([1e-4, 1 / 60, 0.2, 100.0]),
)
def test_any_positions_have_rotations(seed: int, wild: bool, damage: str, step_s: float) -> None:
    rng = np.random.default_rng(seed)
    positions = (wild_motion if wild else made_motion)(6, seed).positions.copy()
    some = rng.random(positions.shape[:2]) < 0.2
    if damage == "coincide":
        positions = np.where(some[..., None], positions[:, :1], positions)
    elif damage == "straight":
        positions = positions[:, :1] + np.linspace(-1, 1, len(LIFTED_21))[None, :, None] * rng.normal(size=3)
    elif damage == "unknown":
        positions[some] = np.nan
    found = streamed(positions, 1.0 / step_s)
    known = np.asarray(np.isfinite(found).all(axis=-1))
    assert known.all() or damage == "unknown"
    # What is unknown stays in its limb and its frame.
    assert known[~some.any(axis=1)].all()
    np.testing.assert_allclose(np.linalg.norm(found[known], axis=-1), 1.0, atol=1e-9)


def test_nobody_is_an_answer() -> None:
    assert RotationStream(3)(np.zeros(0, dtype=int), np.zeros((0, 21, 3)), 0).shape == (0, 21, 4)
    with pytest.raises(InputError, match="capacity is 0 people"):
        RotationStream(0)

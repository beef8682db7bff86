"""Rotations of any positions: finite, continuous, exact; limbs that are straight; heads with faces."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_body import OFFSETS_M, body_motion, made_motion, posed_parts, wild_motion  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.motion import Motion
from maquette.rig import animate, joint_positions_m, solve_rotations
from maquette.skeletons import LANDMARKS_27, LIFTED_21

FACE_M = {
    "face_nose": (0.0, -0.150, 0.110),
    "l_eye": (0.032, -0.115, 0.085),
    "r_eye": (-0.032, -0.115, 0.085),
    "l_ear": (0.072, -0.130, 0.0),
    "r_ear": (-0.072, -0.130, 0.0),
}
"""From the crown, in the axes of the head."""


def orientation(motion: Motion, joint: str) -> Rotation:
    """World orientation of a joint, by chaining with SciPy."""
    assert motion.rotations is not None
    at, chain = motion.skeleton.index(joint), []
    while at >= 0:
        chain.insert(0, at)
        at = motion.skeleton.parents[at]
    world = Rotation.identity(motion.n_frames)
    for node in chain:
        world = world * Rotation.from_quat(motion.rotations[:, node][:, [1, 2, 3, 0]])
    return world


def about(axis: str, degrees: np.ndarray) -> Rotation:
    return Rotation.from_rotvec(np.radians(degrees)[:, None] * np.eye(3)["XYZ".index(axis)])


def steps_deg(turns: Rotation) -> np.ndarray:
    return np.degrees((turns[:-1].inv() * turns[1:]).magnitude())


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    frames=st.integers(1, 30),
    fps=st.sampled_from([Fraction(5), Fraction(30_000, 1001), Fraction(240)]),
    wild=st.booleans(),
    damage=st.sampled_from(["none", "coincide", "straight", "unknown"]),
)
def test_any_positions_have_rotations(seed: int, frames: int, fps: Fraction, wild: bool, damage: str) -> None:
    rng = np.random.default_rng(seed)
    motion = (wild_motion if wild else made_motion)(frames, seed)
    positions = motion.positions.copy()
    some = rng.random((frames, len(LIFTED_21))) < 0.2
    if damage == "coincide":
        positions = np.where(some[..., None], positions[:, :1], positions)
    elif damage == "straight":
        line = rng.normal(size=3)
        positions = positions[:, :1] + np.linspace(-1, 1, len(LIFTED_21))[None, :, None] * line
    elif damage == "unknown":
        some[0] = False
        positions[some] = np.nan
    solved = solve_rotations(dataclasses.replace(motion, positions=positions, fps=fps))
    assert solved.rotations is not None
    known = np.asarray(np.isfinite(solved.rotations).all(axis=-1))
    assert known.all() or damage == "unknown"
    np.testing.assert_allclose(np.linalg.norm(solved.rotations[known], axis=-1), 1.0, atol=1e-9)
    if damage == "unknown":
        # What is unknown stays in its limb and its frame: a frame without gaps has all its rotations.
        assert known[~some.any(axis=1)].all()
    elif damage == "none":
        np.testing.assert_allclose(
            joint_positions_m(animate(dataclasses.replace(motion, fps=fps))), positions, atol=1e-9
        )


@pytest.mark.parametrize("limb", ["arm", "leg"])
@pytest.mark.parametrize("way", ["up and over", "round the front", "behind the back"])
def test_straight_limbs_do_not_flip(limb: str, way: str) -> None:
    """A straight limb that swings by half a turn in two seconds turns no faster than twice its bone, with noise too."""
    frames = 100
    parts = {name: Rotation.identity(frames) for name in posed_parts(2, 0)}
    sweep = np.linspace(0.0, 1.0, frames)
    if limb == "arm":
        parts["l_upper_arm"] = parts["l_forearm"] = {
            "up and over": lambda: about("Z", -80 + 150 * sweep),
            "round the front": lambda: about("Y", 60 - 190 * sweep),
            "behind the back": lambda: about("Z", -70 + 0 * sweep) * about("Y", 40 + 80 * sweep),
        }[way]()
        joint, upper, lower = "l_shoulder", "l_elbow", "l_wrist"
    else:
        parts["l_thigh"] = parts["l_shin"] = parts["l_foot"] = {
            "up and over": lambda: about("X", 40 - 150 * sweep),
            "round the front": lambda: about("Z", -20 + 90 * sweep),
            "behind the back": lambda: about("X", 70 * sweep),
        }[way]()
        joint, upper, lower = "l_hip", "l_knee", "l_ankle"
    motion = body_motion(parts)
    bone = motion.joint(upper) - motion.joint(joint)
    bone /= np.linalg.norm(bone, axis=1, keepdims=True)
    speed = np.degrees(np.arccos(np.clip((bone[1:] * bone[:-1]).sum(axis=1), -1, 1))).max()
    assert steps_deg(orientation(solve_rotations(motion), joint)).max() < 2.0 * speed + 0.1
    noisy = motion.positions.copy()
    rng = np.random.default_rng(5)
    noisy[:, [LIFTED_21.index(upper), LIFTED_21.index(lower)]] += 0.002 * rng.normal(size=(frames, 2, 3))
    shaken = solve_rotations(dataclasses.replace(motion, positions=noisy))
    assert steps_deg(orientation(shaken, joint)).max() < 2.0 * speed + 6.0


@pytest.mark.parametrize("pose", [("X", 180), ("Z", 90), ("X", -90), ("Z", 180)])
def test_upside_down_and_lying_are_as_good_as_standing(pose: tuple[str, int]) -> None:
    motion = made_motion(80, seed=3)
    turn = Rotation.from_euler(pose[0], pose[1], degrees=True)
    positions = turn.apply(motion.positions.reshape(-1, 3).copy()).reshape(motion.positions.shape)
    upright, turned = solve_rotations(motion), solve_rotations(dataclasses.replace(motion, positions=positions))
    for joint in ("hip", "thorax", "nose", "l_elbow", "r_knee", "l_ankle"):
        error = (turn * orientation(upright, joint)).inv() * orientation(turned, joint)
        assert np.degrees(error.magnitude()).max() < 1e-4, joint


def with_face(frames: int, nose_forward: bool) -> tuple[Motion, Rotation]:
    """A figure whose head turns by 60 degrees to both sides; its inner nose in line with the neck, or before it."""
    parts = posed_parts(frames, 6)
    look = about("Y", 60 * np.sin(np.linspace(0, 6, frames)))
    parts["head"] = parts["chest"] * look
    motion = body_motion(parts)
    positions = np.full((frames, len(LANDMARKS_27), 3), np.nan)
    for joint in LIFTED_21.joints:
        positions[:, LANDMARKS_27.index(joint)] = motion.joint(joint)
    thorax = motion.joint("thorax")
    nose = np.array(OFFSETS_M["nose"][1])
    crown = nose + np.array(OFFSETS_M["head"][1])
    if not nose_forward:
        positions[:, LANDMARKS_27.index("nose")] = thorax + parts["head"].apply(0.5 * crown)
    for name, offset in FACE_M.items():
        positions[:, LANDMARKS_27.index(name)] = motion.joint("head") + parts["head"].apply(np.array(offset))
    positions[:, LANDMARKS_27.index("neck")] = thorax
    world = Motion(positions=positions, skeleton=LANDMARKS_27, fps=Fraction(50), frame="world")
    return world, parts["head"]


@pytest.mark.parametrize("hidden", [(), ("r_ear", "r_eye"), ("face_nose",), tuple(FACE_M)])
def test_faces_turn_heads(hidden: tuple[str, ...]) -> None:
    motion, truth = with_face(100, nose_forward=len(hidden) == len(FACE_M))
    positions = motion.positions.copy()
    for name in hidden:
        positions[40:, LANDMARKS_27.index(name)] = np.nan
    solved = solve_rotations(dataclasses.replace(motion, positions=positions))
    relative = truth.inv() * orientation(solved, "nose")
    if set(hidden) == {"r_ear", "r_eye"}:
        # Nothing is left to tell the side but the chest, and nothing invents it.
        assert np.isfinite(relative.magnitude()).all()
        relative = relative[:40]
    error = np.degrees((relative.mean().inv() * relative).magnitude())
    assert error.max() < 4.0

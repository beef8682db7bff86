"""Feet that stand: held to the tenth of a millimetre on legs of any length and axes, and nothing torn by it.

Places come from forward kinematics by SciPy's rotations. The figure is the demo's, whose feet do stand and whose
contacts are true; on other legs the same rotations slide.
"""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_body import made_motion, wild_motion  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.demo.choreography import perform
from maquette.errors import InputError
from maquette.motion import Motion
from maquette.refine.motion_contacts import CONTACT_JOINTS, detect_contacts, rest_heights_m
from maquette.rig import RigAnimation, animate
from maquette.rig.foot_lock import lock_feet
from maquette.skeletons import H36M_17, LIFTED_21

LEGS = [(1.0, 1.0, 1.0), (0.85, 1.1, 1.0), (1.2, 1.25, 0.8), (0.6, 0.55, 0.7)]
"""Length of thigh, shin and foot over the figure's."""
FEET = ("l_heel", "l_toe", "r_heel", "r_toe")


def places(animation: RigAnimation) -> tuple[np.ndarray, list[Rotation]]:
    """Of all joints in the world, and their orientations."""
    turns: list[Rotation] = []
    at = np.zeros((len(animation.rotations), len(animation.names), 3))
    for node, parent in enumerate(animation.parents):
        own = Rotation.from_quat(animation.rotations[:, node][:, [1, 2, 3, 0]])
        if parent < 0:
            at[:, node] = animation.root_positions_m
            turns.append(own)
        else:
            at[:, node] = at[:, parent] + turns[parent].apply(animation.rest_offsets_m[node])
            turns.append(turns[parent] * own)
    return at, turns


def foot_paths(animation: RigAnimation, joints: tuple[str, ...] = FEET) -> dict[str, np.ndarray]:
    at, turns = places(animation)
    paths = {}
    for joint in joints:
        node, is_tip = animation.places[joint]
        paths[joint] = at[:, node] + (turns[node].apply(animation.tip_offsets_m[node]) if is_tip else 0.0)
    return paths


def slide_m(animation: RigAnimation, joints: tuple[str, ...] = FEET) -> float:
    """How far a standing point strays from where it stands."""
    paths = foot_paths(animation, joints)
    return max(
        float(np.linalg.norm(paths[joint][a : b + 1] - paths[joint][a : b + 1].mean(axis=0), axis=-1).max())
        for joint in joints
        for a, b in animation.contacts[joint]
    )


def on_legs(animation: RigAnimation, thigh: float, shin: float, foot: float) -> RigAnimation:
    """The same rotations on a figure with other legs; the way of the hips scaled with them."""
    offsets, tips = animation.rest_offsets_m.copy(), animation.tip_offsets_m.copy()
    node = animation.names.index
    before = abs(offsets[node("LeftLeg"), 1] + offsets[node("LeftFoot"), 1])
    for side in ("Left", "Right"):
        offsets[node(f"{side}Leg")] *= thigh
        offsets[node(f"{side}Foot")] *= shin
        for name in (f"{side}ToeBase", f"{side}Heel"):
            if name in animation.names:
                offsets[node(name)] *= foot
                tips[node(name)] *= foot
    ratio = abs(offsets[node("LeftLeg"), 1] + offsets[node("LeftFoot"), 1]) / before
    return dataclasses.replace(
        animation,
        rest_offsets_m=offsets,
        tip_offsets_m=tips,
        root_positions_m=ratio * animation.root_positions_m,
    )


def walk(fps: int = 60) -> Motion:
    """The demo's figure walks, turns, sits, stands up."""
    motion = perform(fps).motion
    return dataclasses.replace(
        motion, skeleton=LIFTED_21, positions=motion.positions[:, : len(LIFTED_21)], root_trajectory=None
    )


def largest(paths: np.ndarray, fps: float, order: int) -> float:
    return float(np.linalg.norm(np.diff(paths, order, axis=0), axis=-1).max()) * fps**order


@pytest.mark.parametrize("legs", LEGS)
@pytest.mark.parametrize("fps", [5, 60, 240])
def test_standing_feet_do_not_move(legs: tuple[float, float, float], fps: int) -> None:
    animation = on_legs(animate(walk(fps)), *legs)
    locked = lock_feet(animation)
    assert legs == LEGS[0] or slide_m(animation) > 1e-2
    assert slide_m(locked) < 1e-6
    # Nothing goes under the ground, toes included.
    at, turns = places(locked)
    tips = [
        at[:, node] + turns[node].apply(locked.tip_offsets_m[node])
        for node, name in enumerate(locked.names)
        if name.endswith(("ToeBase", "Heel"))
    ]
    assert min(float(path[:, 1].min()) for path in [*foot_paths(locked).values(), *tips]) > -1e-6


@pytest.mark.parametrize("legs", LEGS)
def test_only_hips_and_legs_change_and_no_bone_its_length(legs: tuple[float, float, float]) -> None:
    animation = on_legs(animate(walk()), *legs)
    locked = lock_feet(animation)
    at, _ = places(locked)
    for node, parent in enumerate(locked.parents):
        if parent >= 0:
            length = np.linalg.norm(at[:, node] - at[:, parent], axis=-1)
            np.testing.assert_allclose(length, np.linalg.norm(animation.rest_offsets_m[node]), atol=1e-9)
    legs_nodes = [
        n for n, name in enumerate(locked.names) if name.endswith(("UpLeg", "Leg", "Foot", "ToeBase", "Heel"))
    ]
    others = [n for n in range(len(locked.names)) if n not in legs_nodes]
    np.testing.assert_array_equal(locked.rotations[:, others], animation.rotations[:, others])


@pytest.mark.parametrize("legs", LEGS)
def test_corrections_do_not_jerk(legs: tuple[float, float, float]) -> None:
    animation = on_legs(animate(walk()), *legs)
    locked = lock_feet(animation)
    (before, _), (after, _) = places(animation), places(locked)
    for order, factor in ((2, 2.5), (3, 2.5)):
        assert largest(after, 60, order) < factor * largest(before, 60, order)
    hips = [largest(at[:, :1], 60, 2) for at in (before, after)]
    assert hips[1] < 1.5 * hips[0]


@pytest.mark.parametrize("legs", LEGS)
def test_knees_bend_backwards_and_never_snap_straight(legs: tuple[float, float, float]) -> None:
    animation = on_legs(animate(walk()), *legs)
    locked = lock_feet(animation)
    for side in ("Left", "Right"):
        node = locked.names.index(f"{side}Leg")
        flexion = [
            np.degrees(Rotation.from_quat(a.rotations[:, node][:, [1, 2, 3, 0]]).as_rotvec()[:, 0])
            for a in (animation, locked)
        ]
        # The demo's legs are never straighter than 10 degrees.
        assert flexion[1].min() > 4.0
        assert np.abs(np.diff(flexion[1])).max() < 2.5 * np.abs(np.diff(flexion[0])).max()


def test_feet_that_stand_are_left_alone() -> None:
    locked = lock_feet(animate(walk()))
    again = lock_feet(locked)
    (first, _), (second, _) = places(locked), places(again)
    assert np.linalg.norm(first - second, axis=-1).max() < 1e-4
    (source, _) = places(animate(walk()))
    # The demo's feet roll a little while heel and ball both stand.
    assert np.linalg.norm(first - source, axis=-1).max() < 6e-3


def test_axes_of_joints_do_not_matter() -> None:
    """As in glTF, where each joint has a rest rotation of its own: the same figure moves the same."""
    animation = on_legs(animate(walk(30)), 1.1, 0.9, 1.0)
    count = len(animation.names)
    axes = Rotation.random(count, rng=np.random.default_rng(8))
    local = [axes[n] if p < 0 else axes[p].inv() * axes[n] for n, p in enumerate(animation.parents)]
    turned = [
        (Rotation.identity() if p < 0 else axes[p].inv())
        * Rotation.from_quat(animation.rotations[:, n][:, [1, 2, 3, 0]])
        * axes[n]
        for n, p in enumerate(animation.parents)
    ]
    parent_axes = [Rotation.identity() if p < 0 else axes[p] for p in animation.parents]
    other = dataclasses.replace(
        animation,
        rotations=np.stack([r.as_quat()[:, [3, 0, 1, 2]] for r in turned], axis=1),
        rest_rotations=np.stack([r.as_quat()[[3, 0, 1, 2]] for r in local]),
        rest_offsets_m=np.stack([a.inv().apply(o) for a, o in zip(parent_axes, animation.rest_offsets_m, strict=True)]),
        tip_offsets_m=np.stack([axes[n].inv().apply(animation.tip_offsets_m[n]) for n in range(count)]),
    )
    np.testing.assert_allclose(places(other)[0], places(animation)[0], atol=1e-9)
    np.testing.assert_allclose(places(lock_feet(other))[0], places(lock_feet(animation))[0], atol=1e-6)


def test_turning_and_moving_the_world_changes_nothing() -> None:
    motion = walk(30)
    turn, move = Rotation.from_euler("Y", 130, degrees=True), np.array([3.0, 0.0, -7.0])
    turned = turn.apply(motion.positions.reshape(-1, 3).copy()).reshape(motion.positions.shape) + move
    (a, _) = places(lock_feet(on_legs(animate(motion), 1.1, 1.0, 1.0)))
    other = on_legs(animate(dataclasses.replace(motion, positions=turned)), 1.1, 1.0, 1.0)
    (b, _) = places(lock_feet(other))
    shift = b[0, 0] - turn.apply(a[0, 0])
    np.testing.assert_allclose(turn.apply(a.reshape(-1, 3)).reshape(a.shape) + shift, b, atol=1e-6)


def test_a_heel_strike_and_a_push_off_roll_over_heel_and_ball() -> None:
    """The foot turns about the point that stands, as the source's does."""
    animation = on_legs(animate(walk()), 1.15, 1.0, 1.0)
    locked = lock_feet(animation)
    node = animation.names.index("LeftFoot")
    heel_only = np.zeros(len(animation.rotations), dtype=bool)
    toe_only = heel_only.copy()
    for joint, mask in (("l_heel", heel_only), ("l_toe", toe_only)):
        for a, b in animation.contacts[joint]:
            mask[a : b + 1] = True
    heel_only, toe_only = heel_only & ~toe_only, toe_only & ~heel_only
    assert heel_only.sum() > 5
    assert toe_only.sum() > 5
    (_, source), (_, held) = places(animation), places(locked)
    for mask in (heel_only, toe_only):
        off = np.degrees((source[node].inv() * held[node]).magnitude())[mask]
        pitch = np.degrees(source[node].magnitude())[mask]
        assert pitch.max() > 8.0
        assert off.max() < 5.0


def test_ankles_that_stand_hold_the_whole_foot_level() -> None:
    motion = walk(30)
    contacts = np.stack([motion.joint(f"{s}_ankle")[:, 1] < 0.0702 for s in "lr"], axis=1)
    short = Motion(
        positions=motion.positions[:, :17],
        skeleton=H36M_17,
        fps=motion.fps,
        frame="world",
        contacts=contacts,
        contact_joints=("l_ankle", "r_ankle"),
    )
    locked = lock_feet(on_legs(animate(short), 1.1, 1.1, 1.0))
    assert slide_m(locked, ("l_ankle", "r_ankle")) < 1e-6
    _, turns = places(locked)
    for side in ("Left", "Right"):
        foot = turns[locked.names.index(f"{side}Foot")]
        for a, b in locked.contacts[f"{side[0].lower()}_ankle"]:
            np.testing.assert_allclose(foot[a : b + 1].apply([0.0, 1.0, 0.0])[:, 1], 1.0, atol=1e-9)


def test_stands_that_run_away_are_named_and_not_held() -> None:
    motion = walk(30)
    contacts = np.ones((motion.n_frames, 4), dtype=bool)
    animation = animate(dataclasses.replace(motion, contacts=contacts, contact_joints=FEET))
    locked = lock_feet(animation)
    assert "but for 4 stands that move by more than 30 cm" in locked.notes[-1]
    # Only what is under the floor is raised, and hips with it.
    np.testing.assert_allclose(locked.root_positions_m, animation.root_positions_m, atol=0.02)
    assert slide_m(locked) > 0.3


def test_without_contacts_or_roles() -> None:
    animation = animate(dataclasses.replace(walk(30), contacts=None, contact_joints=()))
    assert lock_feet(animation) is animation
    without_roles = dataclasses.replace(animate(walk(30)), roles={}, rig="lamp.bvh")
    with pytest.raises(InputError, match=r"'lamp.bvh'.*leftUpperLeg.*switch the foot lock off"):
        lock_feet(without_roles)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    frames=st.integers(1, 40),
    fps=st.sampled_from([Fraction(5), Fraction(30_000, 1001), Fraction(240)]),
    wild=st.booleans(),
)
def test_any_pose_and_any_contacts_end_well(seed: int, frames: int, fps: Fraction, wild: bool) -> None:
    rng = np.random.default_rng(seed)
    motion = (wild_motion if wild else made_motion)(frames, seed)
    contacts = np.repeat(rng.random((frames // 4 + 1, 4)) < 0.5, 4, axis=0)[:frames]
    motion = dataclasses.replace(motion, fps=fps, contacts=contacts, contact_joints=FEET)
    animation = on_legs(animate(motion), *rng.uniform(0.5, 1.5, 3))
    locked = lock_feet(animation, max_move_m=0.2)
    assert np.isfinite(locked.rotations).all()
    assert np.isfinite(locked.root_positions_m).all()
    np.testing.assert_allclose(np.linalg.norm(locked.rotations, axis=-1), 1.0, atol=1e-9)
    assert (np.sum(locked.rotations[1:] * locked.rotations[:-1], axis=-1) >= 0).all()


@pytest.mark.parametrize("clip", ["02/02_01", "06/06_02", "01/01_01", "E/walk"])
def test_motion_capture_on_other_legs(shared_dir: Path, clip: str) -> None:
    store = np.load(shared_dir / "data" / "cmu" / "cmu_landmarks.npz")
    names = [name for name in store.files if name.startswith(clip)] or [n for n in store.files if n[:2] == clip[:2]]
    landmarks = store[names[0]][:600].astype(np.float64)
    positions = landmarks[:, :21]
    feet = np.stack([positions[:, LIFTED_21.index(joint)] for joint in CONTACT_JOINTS])
    contacts = detect_contacts(
        feet, np.array([0.0, 1.0, 0.0]), 50.0, rest_heights_m(CONTACT_JOINTS), floor_m=np.zeros(len(positions))
    )
    motion = Motion(
        positions=positions,
        skeleton=LIFTED_21,
        fps=Fraction(50),
        frame="world",
        contacts=contacts.T,
        contact_joints=CONTACT_JOINTS,
    )
    for legs in LEGS:
        animation = on_legs(animate(motion), *legs)
        locked = lock_feet(animation)
        assert slide_m(animation) > 5e-3
        assert "but for" in locked.notes[-1] or slide_m(locked) < 1e-4
        assert min(float(path[:, 1].min()) for path in foot_paths(locked).values()) > -1e-6

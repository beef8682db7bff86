"""The humanoid one frame at a time: bones point where the positions say, and all is as over the clip."""

import numpy as np
import pytest
from made_body import OFFSETS_M, made_motion, wild_motion  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.rig import solve_rotations
from maquette.rig.choice import animated
from maquette.rig.humanoid_stream import HumanoidPoses, HumanoidStream
from maquette.rig.rigs import RIGS
from maquette.rig.running import RunningMedians
from maquette.rig.solve_stream import RotationStream
from maquette.rig.target_rig import BONE_PARENTS, HUMANOID_BONES
from maquette.skeletons import LIFTED_21

SETTLED = 40
ROW = np.array([0])
POINTS_TO = {
    **{
        f"{side}{bone}": (f"{side[0]}_{start}", f"{side[0]}_{end}")
        for side in ("left", "right")
        for bone, start, end in (
            ("UpperLeg", "hip", "knee"),
            ("LowerLeg", "knee", "ankle"),
            ("Foot", "ankle", "toe"),
            ("UpperArm", "shoulder", "elbow"),
            ("LowerArm", "elbow", "wrist"),
        )
    },
    "chest": ("spine", "thorax"),
    "neck": ("thorax", "nose"),
}
CHILD = {
    "UpperLeg": "LowerLeg", "LowerLeg": "Foot", "Foot": "Toes", "UpperArm": "LowerArm", "LowerArm": "Hand",
    "chest": "upperChest", "neck": "head",
}  # fmt: skip
BONE_OF = {"l_wrist": "leftHand", "r_wrist": "rightHand", "nose": "head", "l_toe": "leftToes", "r_toe": "rightToes",
           "l_knee": "leftLowerLeg", "spine": "chest", "thorax": "neck", "r_shoulder": "rightUpperArm"}  # fmt: skip


def streamed(positions: np.ndarray) -> HumanoidPoses:
    """One person, frame after frame; the frames come where people are usually."""
    turns, stream = RotationStream(1), HumanoidStream(1)
    poses = [stream(ROW, at[None], turns(ROW, at[None], frame / 50)) for frame, at in enumerate(positions)]
    columns = ([getattr(pose, field)[0] for pose in poses] for field in ("rotations", "offsets_m", "hips_m"))
    return HumanoidPoses(*(np.stack(column) for column in columns))


def as_scipy(quats: np.ndarray) -> Rotation:
    return Rotation.from_quat(quats.reshape(-1, 4)[:, [1, 2, 3, 0]])


def chained(poses: HumanoidPoses) -> tuple[dict[str, Rotation], dict[str, np.ndarray]]:
    """Orientations and places of all bones in the world, by SciPy's rotations."""
    turned: dict[str, Rotation] = {}
    places: dict[str, np.ndarray] = {}
    for number, bone in enumerate(HUMANOID_BONES):
        own, parent = as_scipy(poses.rotations[:, number]), BONE_PARENTS.get(bone)
        if parent is None:
            turned[bone], places[bone] = own, poses.hips_m
        else:
            turned[bone] = turned[parent] * own
            places[bone] = places[parent] + turned[parent].apply(poses.offsets_m[:, number])
    return turned, places


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.mark.parametrize("make", [made_motion, wild_motion])
def test_every_limb_points_where_the_positions_say(make) -> None:
    motion: Motion = make(60, seed=3)
    poses = streamed(motion.positions)
    _, places = chained(poses)
    for bone, (start, end) in POINTS_TO.items():
        side = "left" if bone.startswith("left") else "right" if bone.startswith("right") else ""
        child = side + CHILD[bone.removeprefix(side)]
        wanted = unit(motion.joint(end) - motion.joint(start))
        np.testing.assert_allclose(unit(places[child] - places[bone]), wanted, atol=1e-6, err_msg=bone)


def test_joints_stand_where_the_positions_say() -> None:
    motion = made_motion(100, seed=1)
    _, places = chained(streamed(motion.positions))
    for joint, bone in BONE_OF.items():
        np.testing.assert_allclose(places[bone], motion.joint(joint), atol=1e-9, err_msg=joint)


@pytest.mark.parametrize("rig", ["unity", "vrm"])
def test_it_is_the_rig_of_whole_clips(rig: str) -> None:
    motion = made_motion(120, seed=2)
    poses, whole = streamed(motion.positions), animated(motion, rig=rig, foot_lock=False)
    nodes = [whole.names.index(whole.roles[bone]) for bone in HUMANOID_BONES]
    angle = (as_scipy(poses.rotations).inv() * as_scipy(whole.rotations[:, nodes])).magnitude().reshape(120, -1)
    assert angle[SETTLED:].max() < 1e-6
    np.testing.assert_allclose(poses.offsets_m[-1, 1:], whole.rest_offsets_m[nodes][1:], atol=1e-9)
    np.testing.assert_allclose(poses.hips_m, whole.root_positions_m, atol=1e-12)
    # The made figure's legs, and its ankle over the sole.
    np.testing.assert_allclose(poses.offsets_m[-1, 0], [0.0, 0.42 + 0.41 + 0.07, 0.0], atol=1e-9)


@pytest.mark.parametrize("rig", ["unity", "vrm"])
def test_parents_are_those_of_the_rigs(rig: str) -> None:
    bones = {row.joint: row.bone for row in RIGS[rig]}
    assert {row.bone: bones[row.parent] for row in RIGS[rig] if row.parent} == BONE_PARENTS


def test_the_t_pose_turns_nothing() -> None:
    at = np.zeros((21, 3))
    for joint, (parent, offset) in OFFSETS_M.items():
        at[LIFTED_21.index(joint)] = at[LIFTED_21.index(parent)] + offset
    rotations = streamed(np.stack([at + [5.0, 0.9, -2.0]] * 3)).rotations
    # The figure's neck is given in rounded numbers.
    np.testing.assert_allclose(np.abs(rotations[..., 0]), 1.0, atol=1e-5)
    np.testing.assert_allclose(rotations[:, HUMANOID_BONES.index("leftFoot"), 1:], 0.0, atol=1e-7)


def test_the_mirror_image_has_mirrored_rotations() -> None:
    positions = made_motion(50, seed=5, bend=(0.0, 90.0)).positions
    swapped = positions[:, LIFTED_21.mirror_permutation] * [-1.0, 1.0, 1.0]
    names = [b.replace("left", "*").replace("right", "left").replace("*", "right") for b in HUMANOID_BONES]
    partner = [HUMANOID_BONES.index(name) for name in names]
    a, b = streamed(positions), streamed(swapped)
    mirrored = b.rotations[:, partner] * [1.0, 1.0, -1.0, -1.0]
    np.testing.assert_allclose(np.abs(np.sum(a.rotations * mirrored, axis=-1)), 1.0, atol=1e-8)
    np.testing.assert_allclose(b.offsets_m[:, partner] * [-1.0, 1.0, 1.0], a.offsets_m, atol=1e-12)


def test_place_and_facing_turn_the_hips_alone() -> None:
    positions = made_motion(50, seed=6, bend=(0.0, 90.0)).positions
    turn = Rotation.from_euler("YXZ", [130, 40, -20], degrees=True)
    moved = turn.apply(positions.reshape(-1, 3).copy()).reshape(positions.shape) + [7.0, 0.0, -3.0]
    a, b = streamed(positions).rotations, streamed(moved).rotations
    np.testing.assert_allclose(np.abs(np.sum(a[:, 1:] * b[:, 1:], axis=-1)), 1.0, atol=1e-9)
    assert ((turn * as_scipy(a[:, 0])).inv() * as_scipy(b[:, 0])).magnitude().max() < 1e-6


def test_rotations_stay_in_one_hemisphere() -> None:
    rotations = streamed(made_motion(150, seed=9).positions).rotations
    assert (np.sum(rotations[1:] * rotations[:-1], axis=-1) > 0).all()


def test_unknown_positions_leave_the_rest_known() -> None:
    positions = made_motion(60, seed=4).positions.copy()
    whole = streamed(positions)
    positions[20:30, LIFTED_21.index("l_wrist")] = np.nan
    poses = streamed(positions)
    unknown = np.asarray(np.isnan(poses.rotations).any(axis=-1))
    assert {HUMANOID_BONES[bone] for bone in np.flatnonzero(unknown.any(axis=0))} == {"leftLowerArm"}
    assert set(np.flatnonzero(unknown.any(axis=1))) == set(range(20, 30))
    assert np.isfinite(poses.offsets_m).all()
    np.testing.assert_allclose(poses.rotations[40:], whole.rotations[40:], atol=1e-9)


def test_bones_never_seen_are_an_adults_in_the_size_of_the_person() -> None:
    small = 0.5 * made_motion(1, seed=4).positions
    small[:, LIFTED_21.index("l_wrist")] = np.nan
    hand = HUMANOID_BONES.index("leftHand")
    assert 0.10 < streamed(small).offsets_m[0, hand, 0] < 0.15
    assert 0.2 < streamed(np.full((1, 21, 3), np.nan)).offsets_m[0, hand, 0] < 0.3


def test_many_people_and_shared_bones() -> None:
    clips = np.stack([made_motion(12, seed, bend=(0.0, 90.0)).positions for seed in range(10)], axis=1)
    clips *= np.linspace(0.6, 1.1, 10)[:, None, None]
    rows, turns = np.array([0, 2, 3, 4, 5, 6, 7, 8, 10, 11]), RotationStream(12)
    own, shared = HumanoidStream(12), HumanoidStream(12, turns.bones)
    for frame, people in enumerate(clips):
        rotations = turns(rows, people, frame / 50)
        poses, same = own(rows, people, rotations), shared(rows, people, rotations)
        for field in ("rotations", "offsets_m", "hips_m"):
            np.testing.assert_allclose(getattr(same, field), getattr(poses, field), atol=1e-12)
    for person in range(10):
        alone = streamed(clips[:, person])
        np.testing.assert_allclose(poses.rotations[person], alone.rotations[-1], atol=1e-12)
        np.testing.assert_allclose(poses.offsets_m[person], alone.offsets_m[-1], atol=1e-12)


def test_a_row_that_is_reset_knows_nothing() -> None:
    stream = HumanoidStream(1)
    first, second = made_motion(40, 1), made_motion(40, 8)
    rotations = [solve_rotations(motion).rotations for motion in (first, second)]
    assert rotations[0] is not None
    assert rotations[1] is not None
    for frame in range(40):
        stream(ROW, 2.0 * first.positions[frame : frame + 1], rotations[0][frame : frame + 1])
    stream.reset(0)
    found = stream(ROW, second.positions[:1], rotations[1][:1])
    fresh = HumanoidStream(1)(ROW, second.positions[:1], rotations[1][:1])
    np.testing.assert_array_equal(found.rotations, fresh.rotations)
    np.testing.assert_array_equal(found.offsets_m, fresh.offsets_m)


def test_no_capacity_is_refused() -> None:
    with pytest.raises(InputError, match="capacity is 0 people"):
        HumanoidStream(0)


def test_running_medians_are_medians_of_what_is_known() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(3000, 2)) + [1.0, 5.0]
    values[::7, 1] = np.nan
    running = RunningMedians(2, 2, samples=32, every=8)
    for call, numbers in enumerate(values, start=1):
        running.add(np.array([1]), numbers[None])
        if call <= 32:
            known = [column[np.isfinite(column)] for column in values[:call].T]
            wanted = [np.median(column) if column.size else np.nan for column in known]
            np.testing.assert_allclose(running.medians[1], wanted)
    np.testing.assert_allclose(running.medians[1], [1.0, 5.0], atol=0.7)
    np.testing.assert_allclose(running.deviations[1], 0.6745, atol=0.4)
    assert np.isnan(running.medians[0]).all()

"""Retargeting: laws that hold for every pair of figures, whatever their rest poses and axes."""

import dataclasses

import numpy as np
import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.errors import InputError
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.human_pose import HumanPose, human_pose, pose_on_rig
from maquette.rig.retarget import pose_to_rig, retarget
from maquette.rig.rigs import RIGS
from maquette.rig.rigs_person import person_rig, whole_pose
from maquette.rig.t_pose import standing_turn
from maquette.rig.target_rig import Rig

MOTION = made_motion(40, seed=5)
POSE = whole_pose(human_pose(MOTION))


def scipy(quats: np.ndarray) -> Rotation:
    return Rotation.from_quat(np.asarray(quats)[..., [1, 2, 3, 0]])


def wxyz(rotation: Rotation) -> np.ndarray:
    return rotation.as_quat()[..., [3, 0, 1, 2]]


def role_places(animation: RigAnimation) -> dict[str, np.ndarray]:
    """Path of the joint of each bone in the world, by SciPy."""
    places, turns = [animation.root_positions_m], [scipy(animation.rotations[:, 0])]
    for node, parent in enumerate(animation.parents[1:], start=1):
        places.append(places[parent] + turns[parent].apply(animation.rest_offsets_m[node]))
        turns.append(turns[parent] * scipy(animation.rotations[:, node]))
    return {bone: places[animation.names.index(joint)] for bone, joint in animation.roles.items()}


def with_axes(rig: Rig, seed: int) -> Rig:
    """The same figure in the same rest pose, every joint with random axes of its own."""
    axes = Rotation.random(len(rig.names), rng=np.random.default_rng(seed))
    offsets, rotations = rig.offsets_m.copy(), rig.rotations.copy()
    for node, parent in enumerate(rig.parents):
        above = axes[parent] if parent >= 0 else Rotation.identity()
        offsets[node] = above.inv().apply(rig.offsets_m[node])
        rotations[node] = wxyz(above.inv() * scipy(rig.rotations[node]) * axes[node])
    tips = axes.inv().apply(np.nan_to_num(rig.tips_m))
    tips[~np.isfinite(rig.tips_m)] = np.nan
    return dataclasses.replace(rig, offsets_m=offsets, rotations=rotations, tips_m=tips)


def re_posed(rig: Rig, seed: int, angle_deg: float, only: tuple[str, ...] = ("",)) -> Rig:
    """The same figure, bones whose names end in one of ``only`` turned in the rest pose by up to an angle."""
    rng = np.random.default_rng(seed)
    rotations = rig.rotations.copy()
    for bone, joint in rig.roles.items():
        if bone.endswith(only):
            axis = rng.normal(size=3)
            turn = Rotation.from_rotvec(np.radians(rng.uniform(0, angle_deg)) * axis / np.linalg.norm(axis))
            node = rig.names.index(joint)
            rotations[node] = wxyz(scipy(rotations[node]) * turn)
    return dataclasses.replace(rig, rotations=rotations)


def turned(rig: Rig, rotation: Rotation) -> Rig:
    """The same figure under a node that is turned."""
    rotations, offsets = rig.rotations.copy(), rig.offsets_m.copy()
    rotations[0], offsets[0] = wxyz(rotation * scipy(rotations[0])), rotation.apply(offsets[0])
    return dataclasses.replace(rig, rotations=rotations, offsets_m=offsets)


def scaled(rig: Rig, factor: float) -> Rig:
    return dataclasses.replace(rig, offsets_m=rig.offsets_m * factor, tips_m=rig.tips_m * factor)


def odd_rigs(name: str) -> dict[str, Rig]:
    rig = person_rig(name, POSE)
    arms = re_posed(rig, 3, 50.0, ("UpperArm", "LowerArm"))
    return {
        "own": rig,
        "facing back": turned(rig, Rotation.from_euler("y", 180, degrees=True)),
        "on its back": turned(rig, Rotation.from_euler("x", -90, degrees=True)),
        "random axes": with_axes(rig, 1),
        "arms anywhere": with_axes(arms, 2),
    }


def same_turns(one: HumanPose, other: HumanPose, atol: float = 1e-9) -> None:
    for bone in one.turns.keys() & other.turns.keys():
        dot = np.abs(np.sum(one.turns[bone] * other.turns[bone], axis=-1))
        np.testing.assert_allclose(dot, 1.0, atol=atol, err_msg=bone)


@pytest.mark.parametrize("name", ["mixamo", "unreal", "cmu"])
def test_axes_and_rest_pose_of_the_rig_do_not_matter(name: str) -> None:
    rigs = odd_rigs(name)
    truth = role_places(pose_to_rig(POSE, rigs["own"]))
    for kind, rig in rigs.items():
        for bone, path in role_places(pose_to_rig(POSE, rig)).items():
            np.testing.assert_allclose(path, truth[bone], atol=1e-9, err_msg=f"{kind}: {bone}")


def test_nor_does_a_rest_pose_in_which_nobody_stands() -> None:
    rigs = [with_axes(re_posed(person_rig("unity", POSE), seed, 170.0), seed) for seed in (11, 12, 13)]
    paths = []
    for rig in rigs:
        assert standing_turn(rig, rig.rest_pose()[0]) is None
        paths.append(role_places(pose_to_rig(POSE, rig)))
    for bone, path in paths[0].items():
        np.testing.assert_allclose(paths[1][bone], path, atol=1e-9, err_msg=bone)
        np.testing.assert_allclose(paths[2][bone], path, atol=1e-9, err_msg=bone)
    # Only the slope of the foot is then the usual one, not the person's.
    for bone, path in role_places(pose_to_rig(POSE, person_rig("unity", POSE))).items():
        np.testing.assert_allclose(paths[0][bone], path, atol=0.006 if "Toes" in bone else 1e-9, err_msg=bone)


def test_every_bone_turns_as_the_persons_from_rig_to_rig() -> None:
    rigs = [rig for name in RIGS for rig in odd_rigs(name).values()]
    for first, second in zip(rigs, [*rigs[7:], *rigs[:7]], strict=True):
        there = pose_on_rig(pose_to_rig(POSE, first), first)
        onward = pose_on_rig(pose_to_rig(there, second), second)
        for pose in (there, onward):
            # Spines of two joints have no middle; necks of two joints bend between neck and head.
            middle = {"chest", "upperChest"} if "maquette" in (first.name, second.name) else set()
            middle |= {"neck"} if pose is onward and "cmu" in (first.name, second.name) else set()
            turns = {bone: turn for bone, turn in pose.turns.items() if bone not in middle}
            same_turns(dataclasses.replace(POSE, turns={b: t for b, t in POSE.turns.items() if b in turns}), pose)


def test_twist_comes_along() -> None:
    twist = Rotation.from_rotvec(np.linspace(-1.2, 1.2, 40)[:, None] * [1.0, 0.0, 0.0])
    turns = POSE.turns | {"leftLowerArm": wxyz(scipy(POSE.turns["leftLowerArm"]) * twist)}
    pose = dataclasses.replace(POSE, turns=turns)
    for rig in odd_rigs("unity").values():
        same_turns(pose, pose_on_rig(pose_to_rig(pose, rig), rig))


def test_legs_decide_how_far_it_goes() -> None:
    rig = scaled(person_rig("mixamo", POSE), 0.5)
    small, own = role_places(pose_to_rig(POSE, rig)), role_places(pose_to_rig(POSE, person_rig("mixamo", POSE)))
    for bone, path in own.items():
        np.testing.assert_allclose(small[bone], 0.5 * path, atol=1e-9, err_msg=bone)


def test_the_mirror_image_goes_onto_the_mirror_image() -> None:
    skeleton = MOTION.skeleton
    flipped = MOTION.positions[:, skeleton.mirror_permutation] * np.array([-1.0, 1.0, 1.0])
    mirrored = dataclasses.replace(MOTION, positions=flipped)
    rig = with_axes(person_rig("vrm", POSE), 4)
    path, image = role_places(retarget(MOTION, rig)), role_places(retarget(mirrored, rig))
    other = {"left": "right", "right": "left"}
    for bone in path:
        side = next((side for side in other if bone.startswith(side)), "")
        opposite = bone.replace(side, other[side], 1) if side else bone
        np.testing.assert_allclose(image[opposite] * [-1.0, 1.0, 1.0], path[bone], atol=1e-6, err_msg=bone)


def test_spines_of_any_length_bend_as_a_whole() -> None:
    rig = person_rig("unreal", POSE)
    node = rig.names.index("spine_02")
    # One joint more, halfway along the second.
    names = (*rig.names[: node + 1], "spine_extra", *rig.names[node + 1 :])
    old = {name: rig.names.index(name) for name in rig.names}
    parent_of = {name: rig.names[p] if p >= 0 else "" for name, p in zip(rig.names, rig.parents, strict=True)}
    parent_of |= {"spine_extra": "spine_02", "spine_03": "spine_extra"}
    offsets = {name: rig.offsets_m[old[name]] for name in rig.names}
    offsets["spine_extra"] = offsets["spine_03"] = 0.5 * offsets["spine_03"]
    longer = Rig(
        name="longer",
        names=names,
        parents=tuple(names.index(parent_of[name]) if parent_of[name] else -1 for name in names),
        offsets_m=np.array([offsets[name] for name in names]),
        rotations=np.tile([1.0, 0.0, 0.0, 0.0], (len(names), 1)),
        tips_m=np.full((len(names), 3), np.nan),
        roles=rig.roles,
    )
    animation = pose_to_rig(POSE, longer)
    pose = pose_on_rig(animation, longer)
    for bone in ("spine", "upperChest", "neck", "leftShoulder"):
        np.testing.assert_allclose(np.abs(np.sum(pose.turns[bone] * POSE.turns[bone], axis=-1)), 1.0, atol=1e-9)


def test_feet_that_point_backwards_are_refused() -> None:
    rig = person_rig("mixamo", POSE)
    swapped = {bone: joint.translate(str.maketrans("", "")) for bone, joint in rig.roles.items()}
    exchange = {"Left": "Right", "Right": "Left"}
    for bone, joint in swapped.items():
        for word, other in exchange.items():
            if word in joint:
                swapped[bone] = joint.replace(word, other)
                break
    with pytest.raises(InputError, match=r"feet point backwards when its left is on the left.*mirrored, or left and"):
        retarget(MOTION, dataclasses.replace(rig, roles=swapped))
    lame = {bone: joint for bone, joint in rig.roles.items() if "LowerLeg" not in bone}
    with pytest.raises(InputError, match="lacks leftLowerLeg, rightLowerLeg; found: hips = mixamorig:Hips"):
        retarget(MOTION, dataclasses.replace(rig, roles=lame))

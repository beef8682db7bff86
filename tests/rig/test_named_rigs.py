"""Named rigs: their joints and parents, and positions that come back in the person's own size."""

from typing import Literal

import numpy as np
import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]

from maquette.errors import InputError
from maquette.rig.animation_rig import HUMAN_RIG
from maquette.rig.choice import animated
from maquette.rig.forward import joint_positions_m
from maquette.rig.rigs import RIGS
from maquette.rig.roles import guess_roles
from maquette.rig.target_rig import HUMANOID_BONES
from maquette.skeletons import SMPL_24

MIXAMO = {
    "Hips": "", "Spine": "Hips", "Spine1": "Spine", "Spine2": "Spine1", "Neck": "Spine2", "Head": "Neck",
    "HeadTop_End": "Head", "LeftShoulder": "Spine2", "LeftArm": "LeftShoulder", "LeftForeArm": "LeftArm",
    "LeftHand": "LeftForeArm", "LeftUpLeg": "Hips", "LeftLeg": "LeftUpLeg", "LeftFoot": "LeftLeg",
    "LeftToeBase": "LeftFoot", "LeftToe_End": "LeftToeBase",
}  # fmt: skip
UNREAL = {
    "root": "", "pelvis": "root", "spine_01": "pelvis", "spine_02": "spine_01", "spine_03": "spine_02",
    "neck_01": "spine_03", "head": "neck_01", "clavicle_l": "spine_03", "upperarm_l": "clavicle_l",
    "lowerarm_l": "upperarm_l", "hand_l": "lowerarm_l", "thigh_l": "pelvis", "calf_l": "thigh_l", "foot_l": "calf_l",
    "ball_l": "foot_l",
}  # fmt: skip
NAMED = {name: {row.joint: row.parent for row in rows} for name, rows in RIGS.items()}


def test_joints_and_parents_as_the_programs_have_them() -> None:
    mixamo = {
        joint.removeprefix("mixamorig:"): above.removeprefix("mixamorig:") for joint, above in NAMED["mixamo"].items()
    }
    assert {joint: above for joint, above in mixamo.items() if not joint.startswith("Right")} == MIXAMO
    assert {joint: above for joint, above in NAMED["unreal"].items() if not joint.endswith("_r")} == UNREAL
    long = {"l_": "left_", "r_": "right_"}
    smpl = {j: SMPL_24.joints[p] if p >= 0 else "" for j, p in zip(SMPL_24.joints, SMPL_24.parents, strict=True)}
    assert NAMED["smpl"] == {
        long.get(joint[:2], joint[:2]) + joint[2:]: long.get(above[:2], above[:2]) + above[2:]
        for joint, above in smpl.items()
    }
    assert NAMED["maquette"] == {row.name: row.parent for row in HUMAN_RIG if not row.needs.endswith("heel")}
    lower = {joint[0].lower() + joint[1:] for joint in NAMED["unity"]}
    assert lower == set(NAMED["vrm"]) == set(HUMANOID_BONES)


@pytest.mark.parametrize("name", RIGS)
def test_roles_are_those_that_the_names_say(name: str) -> None:
    rows = RIGS[name]
    joints = [row.joint for row in rows]
    guessed = guess_roles(joints, [joints.index(row.parent) if row.parent else -1 for row in rows])
    assert guessed.bones == {row.bone: row.joint for row in rows if row.bone}
    assert not guessed.missing


@pytest.mark.parametrize("rest_pose", ["T", "A"])
@pytest.mark.parametrize("name", RIGS)
def test_positions_come_back(name: str, rest_pose: Literal["T", "A"]) -> None:
    motion = made_motion(60, seed=4)
    animation = animated(motion, rig=name, rest_pose=rest_pose)
    positions = joint_positions_m(animation)
    there = [joint for joint in motion.skeleton.joints if joint in animation.places]
    assert {*motion.skeleton.joints} - {*there} <= {"l_heel", "r_heel", "head"}
    for joint in there:
        np.testing.assert_allclose(
            positions[:, motion.skeleton.index(joint)], motion.joint(joint), atol=1e-9, err_msg=joint
        )


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(InputError, match="no rig is called 'mixamoo'; there are maquette, cmu, mixamo"):
        animated(made_motion(3), rig="mixamoo")

"""Roles of joints by the names that programs give them."""

from pathlib import Path

import pytest

from maquette.errors import InputError
from maquette.readers.motion import read_motion
from maquette.rig.roles import guess_roles, roles_or_error
from maquette.skeletons import H36M_17, SMPL_24

BONES = {
    "trunk": ("hips", "spine", "chest", "upperChest", "neck", "head"),
    "leg": ("UpperLeg", "LowerLeg", "Foot", "Toes"),
    "arm": ("Shoulder", "UpperArm", "LowerArm", "Hand"),
}
RIGS: dict[str, tuple[str, str, str, tuple[str, str]]] = {
    # Trunk from the hips to the head, a leg and an arm from the body outwards (* is the side), and the sides' words.
    "mixamo": (
        "mixamorig:Hips mixamorig:Spine mixamorig:Spine1 mixamorig:Spine2 mixamorig:Neck mixamorig:Head",
        "mixamorig:*UpLeg mixamorig:*Leg mixamorig:*Foot mixamorig:*ToeBase",
        "mixamorig:*Shoulder mixamorig:*Arm mixamorig:*ForeArm mixamorig:*Hand",
        ("Left", "Right"),
    ),
    "mixamo numbered": (
        "mixamorig7:Hips mixamorig7:Spine mixamorig7:Spine1 mixamorig7:Spine2 mixamorig7:Neck mixamorig7:Head",
        "mixamorig7:*UpLeg mixamorig7:*Leg mixamorig7:*Foot mixamorig7:*ToeBase",
        "mixamorig7:*Shoulder mixamorig7:*Arm mixamorig7:*ForeArm mixamorig7:*Hand",
        ("Left", "Right"),
    ),
    "mixamo in blender": (
        "mixamorig_Hips mixamorig_Spine mixamorig_Spine1 mixamorig_Spine2 mixamorig_Neck mixamorig_Head",
        "mixamorig_*UpLeg mixamorig_*Leg mixamorig_*Foot mixamorig_*ToeBase",
        "mixamorig_*Shoulder mixamorig_*Arm mixamorig_*ForeArm mixamorig_*Hand",
        ("Left", "Right"),
    ),
    "unreal": (
        "pelvis spine_01 spine_02 spine_03 neck_01 head",
        "thigh_* calf_* foot_* ball_*",
        "clavicle_* upperarm_* lowerarm_* hand_*",
        ("l", "r"),
    ),
    "unity": (
        "Hips Spine Chest UpperChest Neck Head",
        "*UpperLeg *LowerLeg *Foot *Toes",
        "*Shoulder *UpperArm *LowerArm *Hand",
        ("Left", "Right"),
    ),
    "vroid": (
        "J_Bip_C_Hips J_Bip_C_Spine J_Bip_C_Chest J_Bip_C_UpperChest J_Bip_C_Neck J_Bip_C_Head",
        "J_Bip_*_UpperLeg J_Bip_*_LowerLeg J_Bip_*_Foot J_Bip_*_ToeBase",
        "J_Bip_*_Shoulder J_Bip_*_UpperArm J_Bip_*_LowerArm J_Bip_*_Hand",
        ("L", "R"),
    ),
    "blender": (
        "hips spine chest upper_chest neck head",
        "thigh.* shin.* foot.* toe.*",
        "shoulder.* upper_arm.* forearm.* hand.*",
        ("L", "R"),
    ),
    "rigify": (
        "DEF-spine DEF-spine.001 DEF-spine.002 DEF-spine.003 DEF-neck DEF-head",
        "DEF-thigh.* DEF-shin.* DEF-foot.* DEF-toe.*",
        "DEF-shoulder.* DEF-upper_arm.* DEF-forearm.* DEF-hand.*",
        ("L", "R"),
    ),
    "biped": (
        "Bip01~Pelvis Bip01~Spine Bip01~Spine1 Bip01~Spine2 Bip01~Neck Bip01~Head",
        "Bip01~*~Thigh Bip01~*~Calf Bip01~*~Foot Bip01~*~Toe0",
        "Bip01~*~Clavicle Bip01~*~UpperArm Bip01~*~Forearm Bip01~*~Hand",
        ("L", "R"),
    ),
    "valve": (
        "ValveBiped.Bip01_Pelvis ValveBiped.Bip01_Spine ValveBiped.Bip01_Spine1 ValveBiped.Bip01_Spine2 "
        "ValveBiped.Bip01_Neck1 ValveBiped.Bip01_Head1",
        "ValveBiped.Bip01_*_Thigh ValveBiped.Bip01_*_Calf ValveBiped.Bip01_*_Foot ValveBiped.Bip01_*_Toe0",
        "ValveBiped.Bip01_*_Clavicle ValveBiped.Bip01_*_UpperArm ValveBiped.Bip01_*_Forearm ValveBiped.Bip01_*_Hand",
        ("L", "R"),
    ),
    "rokoko": (
        "Hips Spine1 Spine2 Spine3 Neck Head",
        "*Thigh *Shin *Foot *Toe",
        "*Shoulder *Arm *ForeArm *Hand",
        ("Left", "Right"),
    ),
    "xsens": (
        "Hips Chest Chest2 Chest3 Neck Head",
        "*Hip *Knee *Ankle *Toe",
        "*Collar *Shoulder *Elbow *Wrist",
        ("Left", "Right"),
    ),
    "perception neuron": (
        "Robot_Hips Robot_Spine Robot_Spine1 Robot_Spine2 Robot_Neck Robot_Head",
        "Robot_*UpLeg Robot_*Leg Robot_*Foot Robot_*Toe",
        "Robot_*Shoulder Robot_*Arm Robot_*ForeArm Robot_*Hand",
        ("Left", "Right"),
    ),
    "smpl in unity": (
        "m_avg_Pelvis m_avg_Spine1 m_avg_Spine2 m_avg_Spine3 m_avg_Neck m_avg_Head",
        "m_avg_*_Hip m_avg_*_Knee m_avg_*_Ankle m_avg_*_Foot",
        "m_avg_*_Collar m_avg_*_Shoulder m_avg_*_Elbow m_avg_*_Wrist",
        ("L", "R"),
    ),
    "daz genesis": (
        "hip abdomenLower abdomenUpper chestUpper neckLower head",
        "*ThighBend *Shin *Foot *Toe",
        "*Collar *ShldrBend *ForearmBend *Hand",
        ("l", "r"),
    ),
    "lower case": (
        "hips spine spine1 chest neck head",
        "*upleg *leg *foot *toebase",
        "*shoulder *arm *forearm *hand",
        ("left", "right"),
    ),
}


def tree(trunk: str, leg: str, arm: str, sides: tuple[str, str]) -> tuple[list[str], list[int], dict[str, str]]:
    """``(names, parents, what the roles are)`` of a figure, with a root above it and some joints that are no bones."""
    names, parents = ["Armature"], [-1]

    def hang(chain: list[str], above: int) -> None:
        for name in chain:
            names.append(name)
            parents.append(above)
            above = len(names) - 1

    middle = trunk.replace("~", " ").split(" ") if "~" not in trunk else [n.replace("~", " ") for n in trunk.split()]
    hang(middle, 0)
    roles = dict(zip(BONES["trunk"], middle, strict=True))
    for side, word in zip(("left", "right"), sides, strict=True):
        for text, bones, above in ((leg, BONES["leg"], middle[0]), (arm, BONES["arm"], middle[3])):
            chain = [name.replace("*", word).replace("~", " ") for name in text.split()]
            hang(chain, names.index(above))
            roles |= {f"{side}{bone}": name for bone, name in zip(bones, chain, strict=True)}
            hang([f"{chain[1]}_twist_01", f"{chain[1]}_twist_02"], names.index(chain[1]))
            hang([f"{chain[3]}_end"], names.index(chain[3]))
        hang([f"{word}_thumb_01", f"{word}_thumb_02"], len(names) - 1)
    return names, parents, roles


@pytest.mark.parametrize("rig", RIGS)
def test_names_that_programs_give(rig: str) -> None:
    names, parents, roles = tree(*RIGS[rig])
    found = guess_roles(names, parents)
    assert found.bones == roles
    assert not found.missing


def test_names_of_datasets() -> None:
    smpl = guess_roles(SMPL_24.joints, SMPL_24.parents).bones
    assert (smpl["leftFoot"], smpl["leftToes"], smpl["rightShoulder"]) == ("l_ankle", "l_foot", "r_collar")
    assert (smpl["leftUpperArm"], smpl["leftHand"], smpl["upperChest"]) == ("l_shoulder", "l_wrist", "spine3")
    human = guess_roles(H36M_17.joints, H36M_17.parents).bones
    assert (human["hips"], human["leftUpperLeg"], human["rightUpperArm"]) == ("hip", "l_hip", "r_shoulder")
    assert (human["rightFoot"], human["leftHand"], human["head"]) == ("r_ankle", "l_wrist", "head")


@pytest.mark.parametrize(
    ("file", "trunk", "left"),
    [
        (
            "cmu_asf_amc/02_01.amc",
            "root lowerback upperback thorax lowerneck head",
            "lfemur ltibia lfoot ltoes lclavicle lhumerus lradius lwrist",
        ),
        (
            "cmu_cgspeed_bvh/12_01_walk.bvh",
            "Hips LowerBack Spine Spine1 Neck Head",
            "LeftUpLeg LeftLeg LeftFoot LeftToeBase LeftShoulder LeftArm LeftForeArm LeftHand",
        ),
        (
            "cmu_motionbuilder_bvh/131_03.bvh",
            "Hips lowerback Chest Chest2 lowerneck Head",
            "LeftHip LeftKnee LeftAnkle LeftToe LeftCollar LeftShoulder LeftElbow LeftWrist",
        ),
        (
            "cmu_iclone_bvh/007_05.bvh",
            "CC_Base_Hip CC_Base_Waist CC_Base_Spine01 CC_Base_Spine02 CC_Base_NeckTwist01 CC_Base_Head",
            "CC_Base_L_Thigh CC_Base_L_Calf CC_Base_L_Foot CC_Base_L_ToeBase CC_Base_L_Clavicle CC_Base_L_Upperarm "
            "CC_Base_L_Forearm CC_Base_L_Hand",
        ),
        (
            "cmu_daz_bvh/11_01.bvh",
            "hip abdomen chest - neck head",
            "lThigh lShin lFoot - lCollar lShldr lForeArm lHand",
        ),
    ],
)
def test_real_files(shared_dir: Path, file: str, trunk: str, left: str) -> None:
    skeleton = read_motion(shared_dir / "data" / "raw" / file).skeleton
    found = guess_roles(skeleton.joints, skeleton.parents).bones
    bones = [*BONES["trunk"], *(f"left{bone}" for bone in (*BONES["leg"], *BONES["arm"]))]
    wanted = dict(zip(bones, (trunk + " " + left).split(), strict=True))
    assert {bone: joint for bone, joint in found.items() if not bone.startswith("right")} == {
        bone: joint for bone, joint in wanted.items() if joint != "-"
    }
    assert len([bone for bone in found if bone.startswith("right")]) == len([b for b in found if b.startswith("left")])


def test_what_is_missing_is_told() -> None:
    names, parents, _ = tree(*RIGS["unity"])
    names[names.index("LeftLowerArm")] = "Wing"
    with pytest.raises(InputError, match=r"leftUpperArm, leftLowerArm, leftHand were not found .* Found: hips = Hips"):
        roles_or_error(names, parents, "bird.bvh")

"""Named rigs as literals: joints, parents, and where each stands in a person.

All are in a T-pose with the axes of the world in every joint. Lengths are the person's own. Each row is a joint, its
parent, the bone of :data:`maquette.rig.target_rig.HUMANOID_BONES` that it is (``-`` for none), and where it stands:
a bone's joint, ``<bone>_end``, ``ground`` (below the hips), or two of them with a share of the way between.
"""

from dataclasses import dataclass

from maquette.rig.animation_rig import HUMAN_RIG, HUMAN_ROLES


@dataclass(frozen=True)
class RigRow:
    """One joint of a named rig."""

    joint: str
    parent: str
    """Empty for the root."""
    bone: str
    """The bone that it is; empty for none."""
    at: tuple[str, ...]
    """One place of a figure, or two."""
    share: float = 0.0
    """How far from the first to the second."""


def _rows(text: str) -> tuple[RigRow, ...]:
    """Rows from lines ``joint parent bone place [place share]``. A line with a mark stands for both sides: ``*`` is
    ``Left``/``Right``, ``+`` is ``left``/``right``, ``%`` is ``l``/``r``, ``^`` is ``L``/``R``.
    """
    rows = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        sides = ("left", "right") if any(mark in line for mark in "*+%^") else ("",)
        for side in sides:
            text = line.replace("*", side.capitalize()).replace("+", side)
            joint, parent, bone, *place = text.replace("%", side[:1]).replace("^", side[:1].upper()).split()
            share = float(place.pop()) if len(place) == 3 else 0.0
            rows.append(RigRow(joint, parent.strip("-"), bone.strip("-"), tuple(place), share))
    return _parents_first(rows)


def _parents_first(rows: list[RigRow]) -> tuple[RigRow, ...]:
    """Depth first, siblings in the order given."""
    done: list[RigRow] = []
    pending = [row for row in rows if not row.parent]
    while pending:
        row = pending.pop()
        done.append(row)
        pending += reversed([child for child in rows if child.parent == row.joint])
    return tuple(done)


_CMU = """
Hips - hips hips
^HipJoint Hips - hips
*UpLeg ^HipJoint +UpperLeg +UpperLeg
*Leg *UpLeg +LowerLeg +LowerLeg
*Foot *Leg +Foot +Foot
*ToeBase *Foot +Toes +Toes
LowerBack Hips spine spine
Spine LowerBack chest chest
Spine1 Spine upperChest upperChest
Neck Spine1 neck neck
Neck1 Neck - neck head 0.5
Head Neck1 head head
*Shoulder Spine1 +Shoulder +Shoulder
*Arm *Shoulder +UpperArm +UpperArm
*ForeArm *Arm +LowerArm +LowerArm
*Hand *ForeArm +Hand +Hand
*FingerBase *Hand - +Hand
*HandIndex1 *FingerBase - +Hand +Hand_end 0.55
^Thumb *Hand - +Hand
"""

_MIXAMO = """
Hips - hips hips
Spine Hips spine spine
Spine1 Spine chest chest
Spine2 Spine1 upperChest upperChest
Neck Spine2 neck neck
Head Neck head head
HeadTop_End Head - head_end
*Shoulder Spine2 +Shoulder +Shoulder
*Arm *Shoulder +UpperArm +UpperArm
*ForeArm *Arm +LowerArm +LowerArm
*Hand *ForeArm +Hand +Hand
*UpLeg Hips +UpperLeg +UpperLeg
*Leg *UpLeg +LowerLeg +LowerLeg
*Foot *Leg +Foot +Foot
*ToeBase *Foot +Toes +Toes
*Toe_End *ToeBase - +Toes_end
"""

_UNITY = """
Hips - hips hips
*UpperLeg Hips +UpperLeg +UpperLeg
*LowerLeg *UpperLeg +LowerLeg +LowerLeg
*Foot *LowerLeg +Foot +Foot
*Toes *Foot +Toes +Toes
Spine Hips spine spine
Chest Spine chest chest
UpperChest Chest upperChest upperChest
Neck UpperChest neck neck
Head Neck head head
*Shoulder UpperChest +Shoulder +Shoulder
*UpperArm *Shoulder +UpperArm +UpperArm
*LowerArm *UpperArm +LowerArm +LowerArm
*Hand *LowerArm +Hand +Hand
"""

_UNREAL = """
root - - ground
pelvis root hips hips
spine_01 pelvis spine spine
spine_02 spine_01 chest chest
spine_03 spine_02 upperChest upperChest
clavicle_% spine_03 +Shoulder +Shoulder
upperarm_% clavicle_% +UpperArm +UpperArm
lowerarm_% upperarm_% +LowerArm +LowerArm
hand_% lowerarm_% +Hand +Hand
neck_01 spine_03 neck neck
head neck_01 head head
thigh_% pelvis +UpperLeg +UpperLeg
calf_% thigh_% +LowerLeg +LowerLeg
foot_% calf_% +Foot +Foot
ball_% foot_% +Toes +Toes
"""

_SMPL = """
pelvis - hips hips
+_hip pelvis +UpperLeg +UpperLeg
spine1 pelvis spine spine
+_knee +_hip +LowerLeg +LowerLeg
spine2 spine1 chest chest
+_ankle +_knee +Foot +Foot
spine3 spine2 upperChest upperChest
+_foot +_ankle +Toes +Toes
neck spine3 neck neck
+_collar spine3 +Shoulder +Shoulder
head neck head head
+_shoulder +_collar +UpperArm +UpperArm
+_elbow +_shoulder +LowerArm +LowerArm
+_wrist +_elbow +Hand +Hand
+_hand +_wrist - +Hand +Hand_end 0.5
"""


def _renamed(rows: tuple[RigRow, ...], prefix: str = "", *, lower_first: bool = False) -> tuple[RigRow, ...]:
    def name(joint: str) -> str:
        return prefix + (joint[:1].lower() + joint[1:] if lower_first else joint) if joint else ""

    return tuple(RigRow(name(row.joint), name(row.parent), row.bone, row.at, row.share) for row in rows)


def _own_rows() -> tuple[RigRow, ...]:
    """:data:`HUMAN_RIG` without heels, which figures of other files do not have."""
    bones = {joint: bone for bone, joint in HUMAN_ROLES.items()}
    return tuple(
        RigRow(joint.name, joint.parent, bones.get(joint.name, ""), (bones.get(joint.name, "hips"),))
        for joint in HUMAN_RIG
        if not joint.name.endswith("Heel")
    )


_HUMANOID = _rows(_UNITY)

RIGS: dict[str, tuple[RigRow, ...]] = {
    "maquette": _own_rows(),
    "cmu": _rows(_CMU),
    "mixamo": _renamed(_rows(_MIXAMO), "mixamorig:"),
    "unity": _HUMANOID,
    "vrm": _renamed(_HUMANOID, lower_first=True),
    "unreal": _rows(_UNREAL),
    "smpl": _rows(_SMPL),
}
"""Rigs by name. ``maquette`` is :data:`maquette.rig.animation_rig.HUMAN_RIG` without heels, for figures of other files;
a person with Human3.6M's joints gets that rig itself (:func:`maquette.rig.animate.animate`);
``cmu`` has the joints of the BVH conversions of CMU's motion capture (cgspeed); ``mixamo`` those of Mixamo's
characters without fingers; ``unity`` Unity's ``HumanBodyBones``; ``vrm`` VRM 1.0's humanoid; ``unreal`` those of the
UE4 mannequin without fingers and twist joints; ``smpl`` SMPL's 24 joints. The lowest joint of the spine stands at the
hips, as in CMU's files, so that positions of the person come back exactly."""

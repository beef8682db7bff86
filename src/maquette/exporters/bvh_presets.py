"""What the BVH import of each program expects, as data: rotation order, unit, joint names, ends of lines."""

import re
from dataclasses import dataclass, field

from maquette.exporters.choices import BvhPresetName, LengthUnit, RotationOrder
from maquette.formats.unique_names import unique_names
from maquette.rig.animation_rig import RigAnimation


@dataclass(frozen=True)
class BvhPreset:
    """One way to write a BVH file. No preset adds a node above the hips: MotionBuilder's import makes its own
    "reference", and Biped does not take a root that is not called Hips."""

    rotation_order: RotationOrder
    """Of all joints; a caller's own choice comes first."""
    unit: LengthUnit
    """A caller's own choice comes first."""
    names: dict[str, str] = field(default_factory=dict)
    """Humanoid bone (VRM 1.0's name) -> name of its joint in the file; joints that are no such bone keep theirs."""
    plain_names: bool = False
    """Names of ASCII letters, digits and underscores only, not beginning with a digit."""
    longest_name: int | None = None
    """In bytes."""
    hips_carry: bool = False
    """Joints between the hips and a thigh, in the same place as the hips, are left out when nothing moves by it."""
    row_end: str = "\n"
    why: tuple[str, ...] = ()
    """A reason for each choice."""


def _sides(names: dict[str, str]) -> dict[str, str]:
    """The same for both sides; keys without ``left``/``right``, names without ``Left``/``Right``."""
    return {f"{side.lower()}{bone}": f"{side}{name}" for side in ("Left", "Right") for bone, name in names.items()}


BVH_PRESETS: dict[BvhPresetName, BvhPreset] = {
    "blender": BvhPreset(
        rotation_order="ZXY",
        unit="m",
        longest_name=63,
        why=(
            "unit m: the importer's scale is 1.0 and a unit of Blender is a metre",
            "order ZXY: read as declared ('Euler (Native)'); the hips lock lying down only, not when walking sideways",
            "names of 63 bytes at most: longer ones are cut, and then may collide",
        ),
    ),
    "motionbuilder": BvhPreset(
        rotation_order="ZXY",
        unit="cm",
        plain_names=True,
        names={
            "hips": "Hips", "spine": "Spine", "chest": "Spine1", "upperChest": "Spine2", "neck": "Neck", "head": "Head",
            **_sides(
                {
                    "UpperLeg": "UpLeg", "LowerLeg": "Leg", "Foot": "Foot", "Toes": "ToeBase", "Shoulder": "Shoulder",
                    "UpperArm": "Arm", "LowerArm": "ForeArm", "Hand": "Hand",
                }
            ),
        },
        why=(
            "unit cm: a unit of MotionBuilder is a centimetre",
            "order ZXY: each joint's declared order is read (CMU's MotionBuilder-friendly files mix two)",
            "names of its own skeletons, which Characterize maps without help",
            "names without colons, which are namespaces there",
            "rest pose: a T-pose facing +Z, which Characterize asks for, is there when all rotations are set to zero",
        ),
    ),
    "3dsmax": BvhPreset(
        rotation_order="ZXY",
        unit="inch",
        plain_names=True,
        hips_carry=True,
        names={
            "hips": "Hips", "spine": "Chest", "chest": "Chest2", "upperChest": "Chest3", "neck": "Neck", "head": "Head",
            **_sides(
                {
                    "UpperLeg": "Hip", "LowerLeg": "Knee", "Foot": "Ankle", "Toes": "Toe", "Shoulder": "Collar",
                    "UpperArm": "Shoulder", "LowerArm": "Elbow", "Hand": "Wrist",
                }
            ),
        },
        why=(
            "unit inch: the system unit of 3ds Max when it is installed",
            "order ZXY: that of Biovision's own files, for which Biped's import was made",
            "names: Biped knows these and ignores other joints",
            "LeftHip, RightHip and Chest hang on Hips, which Biped asks for",
        ),
    ),
    "maya": BvhPreset(
        rotation_order="ZYX",
        unit="cm",
        plain_names=True,
        row_end=" \n",
        why=(
            "Maya reads no BVH itself; the import scripts make joints of the OFFSETs and key the channels as they are",
            "unit cm: Maya's own",
            "order ZYX: joints of Maya turn about X first, then Y, Z (rotateOrder xyz); scripts that do not read the "
            "order leave it so",
            "names without colons, dots and bars, which Maya does not take",
            "a blank after the last number of a row: the most used script drops what follows the last blank",
        ),
    ),
}  # fmt: skip


def bvh_names(animation: RigAnimation, preset: BvhPreset | None) -> tuple[str, ...]:
    """Names in the file: the preset's where the joint is a known bone; unique, without blanks and braces."""
    bone_of = {joint: bone for bone, joint in animation.roles.items()}
    wanted = [_wanted(name, bone_of, preset) for name in animation.names]
    # Names of bones are taken first, so that a spare joint of the same name is the one to be numbered.
    order = sorted(range(len(wanted)), key=lambda node: not wanted[node][1])
    unique = dict(zip(order, unique_names([wanted[node][0] for node in order]), strict=True))
    return tuple(unique[node] for node in range(len(wanted)))


def _wanted(name: str, bone_of: dict[str, str], preset: BvhPreset | None) -> tuple[str, bool]:
    """``(name, whether it is the preset's)``."""
    if preset is not None and bone_of.get(name) in preset.names:
        return preset.names[bone_of[name]], True
    clean = re.sub(r"[\s{}]+", "_", name) or "joint"
    if preset is not None and preset.plain_names:
        clean = re.sub(r"[^A-Za-z0-9_]+", "_", clean)
        clean = f"_{clean}" if clean[0].isdigit() else clean
    if preset is not None and preset.longest_name is not None:
        # Room for a number that keeps names apart.
        clean = clean.encode()[: preset.longest_name - 4].decode(errors="ignore")
    return clean, False

"""A figure at rest, to put a motion on: joints, places, rest rotations, and which joint is which bone of a person."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.geometry.kinematics import forward_pose

HUMANOID_BONES: tuple[str, ...] = (
    "hips", "spine", "chest", "upperChest", "neck", "head",
    "leftUpperLeg", "leftLowerLeg", "leftFoot", "leftToes",
    "rightUpperLeg", "rightLowerLeg", "rightFoot", "rightToes",
    "leftShoulder", "leftUpperArm", "leftLowerArm", "leftHand",
    "rightShoulder", "rightUpperArm", "rightLowerArm", "rightHand",
)  # fmt: skip
"""Bones of a humanoid as VRM 1.0 names them (Unity's ``HumanBodyBones`` but for the case of the first letter), without
fingers, eyes and jaw, which no keypoints of ours move."""

BONE_PARENTS: dict[str, str] = {
    "spine": "hips", "chest": "spine", "upperChest": "chest", "neck": "upperChest", "head": "neck",
    "leftUpperLeg": "hips", "leftLowerLeg": "leftUpperLeg", "leftFoot": "leftLowerLeg", "leftToes": "leftFoot",
    "rightUpperLeg": "hips", "rightLowerLeg": "rightUpperLeg", "rightFoot": "rightLowerLeg", "rightToes": "rightFoot",
    "leftShoulder": "upperChest", "leftUpperArm": "leftShoulder",
    "leftLowerArm": "leftUpperArm", "leftHand": "leftLowerArm",
    "rightShoulder": "upperChest", "rightUpperArm": "rightShoulder",
    "rightLowerArm": "rightUpperArm", "rightHand": "rightLowerArm",
}  # fmt: skip
"""Parent of each of :data:`HUMANOID_BONES` but the hips, which have none, where all of them are there."""

REQUIRED_BONES: tuple[str, ...] = (
    "hips", "spine", "head",
    "leftUpperLeg", "leftLowerLeg", "leftFoot", "rightUpperLeg", "rightLowerLeg", "rightFoot",
    "leftUpperArm", "leftLowerArm", "leftHand", "rightUpperArm", "rightLowerArm", "rightHand",
)  # fmt: skip
"""Those that VRM 1.0 and Unity ask of every humanoid."""


@dataclass(frozen=True, eq=False)
class Rig:
    """A figure in its own rest pose, whichever that is. Y up, metres.

    Raises:
        InputError: shapes do not fit, there is not one root that comes first, or roles name unknown joints or bones.
    """

    name: str
    names: tuple[str, ...]
    parents: tuple[int, ...]
    """Index of the parent, lower than the joint's own; -1 for the one root, which comes first."""
    offsets_m: Float[np.ndarray, "nodes 3"]
    """Place at rest in the parent, in the parent's axes; of the root, in the world."""
    rotations: Float[np.ndarray, "nodes 4"]
    """Local rotations at rest, unit quaternions wxyz; identity in BVH files and in rigs of ours."""
    tips_m: Float[np.ndarray, "nodes 3"]
    """End of the bone of a joint without children, in its axes; NaN for others, and where no end is known."""
    roles: dict[str, str]
    """Bone of :data:`HUMANOID_BONES` -> name of the joint that is it."""
    standing: Float[np.ndarray, "nodes 4"] | None = None
    """Local rotations of a pose in which the figure stands, where it does not at rest (iClone's BVH files); None where
    the rest pose is one."""

    def __post_init__(self) -> None:
        count = len(self.names)
        problems = []
        shapes = {"offsets_m": (count, 3), "rotations": (count, 4), "tips_m": (count, 3)}
        for field, shape in shapes.items():
            if getattr(self, field).shape != shape:
                problems.append(f"{field} has shape {getattr(self, field).shape}, expected {shape}")
        if len(self.parents) != count:
            problems.append(f"{count} joints but {len(self.parents)} parents")
        elif not count or self.parents[0] != -1 or not all(0 <= p < i for i, p in enumerate(self.parents) if i):
            problems.append("expected one root, first, and every parent before its children")
        unknown = [f"{bone} = {joint}" for bone, joint in self.roles.items() if joint not in self.names]
        unknown += [bone for bone in self.roles if bone not in HUMANOID_BONES]
        if unknown:
            problems.append(f"unknown bones or joints among the roles: {', '.join(unknown)}")
        if problems:
            raise InputError.from_problems(f"rig '{self.name}'", problems)

    def node(self, bone: str) -> int | None:
        """Index of the joint that is a humanoid bone; None where the rig has none."""
        joint = self.roles.get(bone)
        return None if joint is None else self.names.index(joint)

    def missing_bones(self) -> tuple[str, ...]:
        """Bones that a humanoid must have and this rig has not."""
        return tuple(bone for bone in REQUIRED_BONES if bone not in self.roles)

    def rest_pose(self) -> tuple[Float[np.ndarray, "nodes 3"], Float[np.ndarray, "nodes 4"]]:
        """``(places, orientations)`` of all joints at rest, in the world."""
        return forward_pose(self.parents, self.offsets_m, self.rotations)


def told_tips_m(tips_m: Float[np.ndarray, "nodes 3"]) -> Float[np.ndarray, "nodes 3"]:
    """Ends of bones as :attr:`Rig.tips_m` has them: those that lie on their joint tell no direction and become NaN."""
    return np.where(np.linalg.norm(tips_m, axis=1, keepdims=True) < 1e-6, np.nan, tips_m)

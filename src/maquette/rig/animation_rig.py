"""The rig of animation files: the joints of a person under the names that animators know, and one clip on it."""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from maquette.geometry.kinematics import forward_pose
from maquette.geometry.rotations import quat_identity
from maquette.motion import Motion
from maquette.skeleton import Skeleton


@dataclass(frozen=True)
class RigJoint:
    """One joint of the rig. It stands at a joint of ours and turns the one bone that leaves there for another."""

    name: str
    parent: str
    """Name of the parent in the rig; empty for the root."""
    at: str
    """Joint of ours where it stands."""
    to: str
    """Joint of ours at the other end of its bone; empty when there is none."""
    oriented_by: tuple[str, ...]
    """Joints of ours whose rotations give its orientation before it is swung onto its bone; of two, halfway."""
    needs: str = ""
    """Joint of ours without which the rig has no such joint."""


def _side(letter: str, side: str) -> tuple[RigJoint, ...]:
    """Leg of one side."""
    return (
        RigJoint(f"{letter.upper()}HipJoint", "Hips", "hip", f"{letter}_hip", ("hip",)),
        RigJoint(f"{side}UpLeg", f"{letter.upper()}HipJoint", f"{letter}_hip", f"{letter}_knee", (f"{letter}_hip",)),
        RigJoint(f"{side}Leg", f"{side}UpLeg", f"{letter}_knee", f"{letter}_ankle", (f"{letter}_knee",)),
        RigJoint(f"{side}Foot", f"{side}Leg", f"{letter}_ankle", f"{letter}_toe", (f"{letter}_ankle",)),
        RigJoint(f"{side}ToeBase", f"{side}Foot", f"{letter}_toe", "", (f"{letter}_ankle",), f"{letter}_toe"),
        RigJoint(
            f"{side}Heel", f"{side}Foot", f"{letter}_ankle", f"{letter}_heel", (f"{letter}_ankle",), f"{letter}_heel"
        ),
    )


def _arm(letter: str, side: str) -> tuple[RigJoint, ...]:
    """Shoulder and arm of one side."""
    return (
        RigJoint(f"{side}Shoulder", "Spine", "thorax", f"{letter}_shoulder", ("thorax",)),
        RigJoint(f"{side}Arm", f"{side}Shoulder", f"{letter}_shoulder", f"{letter}_elbow", (f"{letter}_shoulder",)),
        RigJoint(f"{side}ForeArm", f"{side}Arm", f"{letter}_elbow", f"{letter}_wrist", (f"{letter}_elbow",)),
        RigJoint(f"{side}Hand", f"{side}ForeArm", f"{letter}_wrist", "", (f"{letter}_wrist",)),
    )


HUMAN_RIG: tuple[RigJoint, ...] = (
    RigJoint("Hips", "", "hip", "", ("hip",)),
    *_side("l", "Left"),
    *_side("r", "Right"),
    RigJoint("LowerBack", "Hips", "hip", "spine", ("hip", "spine")),
    RigJoint("Spine", "LowerBack", "spine", "thorax", ("spine",)),
    RigJoint("Neck", "Spine", "thorax", "nose", ("thorax", "nose")),
    RigJoint("Head", "Neck", "nose", "head", ("nose",)),
    *_arm("l", "Left"),
    *_arm("r", "Right"),
)
"""Names as in the BVH conversions of CMU's motion capture and in MotionBuilder. Where several bones leave one place,
each has a joint of its own there (LHipJoint, RHipJoint, LowerBack at the Hips; Neck and Shoulders above the Spine;
the Heel at the Foot), so that every bone can point exactly where it does. Parents come before children, each subtree
in one piece."""


HUMAN_ROLES: dict[str, str] = {
    "hips": "Hips",
    "spine": "LowerBack",
    "chest": "Spine",
    "neck": "Neck",
    "head": "Head",
    **{
        f"{side.lower()}{bone}": f"{side}{joint}"
        for side in ("Left", "Right")
        for bone, joint in {
            "UpperLeg": "UpLeg",
            "LowerLeg": "Leg",
            "Foot": "Foot",
            "Toes": "ToeBase",
            "Shoulder": "Shoulder",
            "UpperArm": "Arm",
            "LowerArm": "ForeArm",
            "Hand": "Hand",
        }.items()
    },
}
"""Humanoid bone (VRM 1.0's names) -> joint of :data:`HUMAN_RIG`."""


@dataclass(frozen=True, eq=False)
class RigAnimation:
    """One clip on a rig: what BVH, glTF and their like hold. Y up, +Z forward in the rest pose, metres."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    """Index of the parent, lower than the joint's own; -1 for the one root, which comes first."""
    rest_offsets_m: Float[np.ndarray, "nodes 3"]
    """Place in the parent, in the parent's axes, in all frames; zero for the root."""
    tip_offsets_m: Float[np.ndarray, "nodes 3"]
    """End of the bone of a joint without children, NaN for the others."""
    rotations: Float[np.ndarray, "frames nodes 4"]
    """Relative to the parent, unit quaternions wxyz, continuous over time. With :attr:`rest_rotations` these are the
    whole local rotations (as in glTF), which at rest are those; without, identity is the rest pose (as in BVH)."""
    root_positions_m: Float[np.ndarray, "frames 3"]
    fps: Fraction
    skeleton: Skeleton
    """Skeleton of the motion that this was made from."""
    places: dict[str, tuple[int, bool]]
    """Joint of :attr:`skeleton` -> index here, and whether it is the tip of that joint's bone instead of its place."""
    contacts: dict[str, list[list[int]]]
    """For each contact joint the first and last frames of its stands."""
    notes: tuple[str, ...] = ()
    rest_rotations: Float[np.ndarray, "nodes 4"] | None = None
    """Local rotation of each joint in the rest pose; None where all are the identity."""
    roles: dict[str, str] = field(default_factory=dict)
    """Humanoid bone (VRM 1.0's names: ``hips``, ``leftUpperLeg``, ...) -> name of the joint that is it."""
    times_s: Float[np.ndarray, " frames"] | None = None
    """Time of each frame from 0, where frames are not even; None where they are."""
    scale_source: str = "unknown"
    rig: str = "maquette"
    """Name of the rig, or of the file that it was taken from."""

    def local_rest(self) -> Float[np.ndarray, "nodes 4"]:
        """Local rotation of each joint in the rest pose, also where :attr:`rest_rotations` is None."""
        return quat_identity((len(self.names),)) if self.rest_rotations is None else self.rest_rotations

    def rest_pose(self) -> tuple[Float[np.ndarray, "nodes 3"], Float[np.ndarray, "nodes 4"]]:
        """``(places, orientations)`` of all joints at rest in the world, in metres and unit quaternions wxyz; the root
        stands where :attr:`rest_offsets_m` says."""
        return forward_pose(self.parents, self.rest_offsets_m, self.local_rest())


def contact_stands(motion: Motion) -> dict[str, list[list[int]]]:
    """First and last frame of each time that a contact joint stands."""
    stands: dict[str, list[list[int]]] = {}
    if motion.contacts is None:
        return stands
    for column, joint in enumerate(motion.contact_joints):
        edges = np.diff(np.concatenate(([False], motion.contacts[:, column], [False])).astype(np.int8))
        first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
        stands[joint] = [[int(a), int(b)] for a, b in zip(first, last, strict=True)]
    return stands

"""Another rest pose for an animation: arms level (T) or lowered (A)."""

import dataclasses
from typing import Literal

import numpy as np
from jaxtyping import Float

from maquette.geometry.kinematics import local_rotations
from maquette.geometry.rotations import quat_about, quat_conjugate, quat_multiply
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.human_pose import rig_of_animation
from maquette.rig.straight_rest import with_axes_turned
from maquette.rig.t_pose import t_pose

ARMS_DOWN_DEG = 45.0
"""Of the A-pose: upper arms are turned down by so much in the frontal plane, forearms and hands with them."""


def with_rest_pose(animation: RigAnimation, pose: Literal["T", "A"]) -> RigAnimation:
    """The same motion of the same figure, its rotations told from another rest pose.

    Joints whose rest rotations are the identity keep that: then the offsets are those of the new rest pose, as BVH
    needs it. Joints with rest rotations keep their axes and get new ones.

    Raises:
        InputError: the animation is on no human figure.
    """
    rig = rig_of_animation(animation, animation.rig)
    orientations, _ = t_pose(rig)
    _, before = rig.rest_pose()
    if pose == "A":
        orientations = _lowered(animation, orientations)
    if animation.rest_rotations is not None:
        return dataclasses.replace(animation, rest_rotations=local_rotations(animation.parents, orientations))
    return with_axes_turned(animation, quat_multiply(orientations, quat_conjugate(before)))


def _lowered(animation: RigAnimation, t_orientations: Float[np.ndarray, "nodes 4"]) -> Float[np.ndarray, "nodes 4"]:
    """World orientations of the A-pose."""
    lowered = t_orientations.copy()
    roles = {joint: bone for bone, joint in animation.roles.items()}
    side = [""] * len(animation.names)
    for node, parent in enumerate(animation.parents):
        bone = roles.get(animation.names[node], "")
        side[node] = bone.removesuffix("UpperArm") if bone.endswith("UpperArm") else side[parent] if parent >= 0 else ""
        if side[node]:
            angle = np.radians(ARMS_DOWN_DEG) * (-1.0 if side[node] == "left" else 1.0)
            lowered[node] = quat_multiply(quat_about(np.array([0.0, 0.0, 1.0]), float(angle)), t_orientations[node])
    return lowered

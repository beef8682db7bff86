"""Positions of a rig's joints from its rotations."""

import numpy as np
from jaxtyping import Float

from maquette.geometry.kinematics import forward_kinematics
from maquette.geometry.rotations import quat_rotate
from maquette.rig.animation_rig import RigAnimation


def node_positions_m(
    animation: RigAnimation,
) -> tuple[Float[np.ndarray, "frames nodes 3"], Float[np.ndarray, "frames nodes 4"]]:
    """``(positions, orientations)`` of all joints of the rig in the world."""
    offsets = np.repeat(animation.rest_offsets_m[None], len(animation.rotations), axis=0)
    offsets[:, 0] = animation.root_positions_m
    return forward_kinematics(animation.parents, offsets, animation.rotations)


def joint_positions_m(animation: RigAnimation) -> Float[np.ndarray, "frames joints 3"]:
    """Positions of the joints of the motion that the animation was made from, by forward kinematics; NaN for those
    that its rig has not."""
    nodes, orientations = node_positions_m(animation)
    positions = np.full((len(nodes), len(animation.skeleton), 3), np.nan)
    for name, (node, is_tip) in animation.places.items():
        joint = animation.skeleton.index(name)
        positions[:, joint] = nodes[:, node]
        if is_tip:
            positions[:, joint] += quat_rotate(orientations[:, node], animation.tip_offsets_m[node])
    return positions

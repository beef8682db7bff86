"""Forward kinematics of a tree of joints, in NumPy."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from maquette.geometry.rotations import quat_multiply, quat_rotate


def forward_kinematics(
    parents: Sequence[int],
    offsets: Float[np.ndarray, "*#frames joints 3"],
    rotations: Float[np.ndarray, "frames joints 4"],
) -> tuple[Float[np.ndarray, "frames joints 3"], Float[np.ndarray, "frames joints 4"]]:
    """Places and orientations of all joints: a child stands at its parent's place plus its offset turned by the parent.

    Args:
        parents: index of each joint's parent, always lower than the joint's own; -1 for a root.
        offsets: place of each joint in its parent, of a root in the world; the same in all frames or one for each.
        rotations: of each joint relative to its parent, unit quaternions wxyz.

    Returns:
        ``(positions, orientations)`` in the world.
    """
    n_frames, n_joints = rotations.shape[:2]
    local = np.ascontiguousarray(np.broadcast_to(offsets, (n_frames, n_joints, 3)).transpose(1, 0, 2))
    turns = np.ascontiguousarray(rotations.transpose(1, 0, 2))
    positions = np.empty((n_joints, n_frames, 3))
    orientations = np.empty((n_joints, n_frames, 4))
    for joint, parent in enumerate(parents):
        if parent < 0:
            positions[joint], orientations[joint] = local[joint], turns[joint]
        else:
            positions[joint] = positions[parent] + quat_rotate(orientations[parent], local[joint])
            orientations[joint] = quat_multiply(orientations[parent], turns[joint])
    return positions.transpose(1, 0, 2), orientations.transpose(1, 0, 2)

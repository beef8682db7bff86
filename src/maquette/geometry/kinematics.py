"""Forward kinematics of a tree of joints, in NumPy."""

from collections.abc import Collection, Sequence

import numpy as np
from jaxtyping import Float

from maquette.geometry.rotations import quat_conjugate, quat_multiply, quat_rotate


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


def forward_pose(
    parents: Sequence[int], offsets: Float[np.ndarray, "joints 3"], rotations: Float[np.ndarray, "joints 4"]
) -> tuple[Float[np.ndarray, "joints 3"], Float[np.ndarray, "joints 4"]]:
    """:func:`forward_kinematics` of a single pose."""
    positions, orientations = forward_kinematics(parents, offsets[None], rotations[None])
    return positions[0], orientations[0]


def local_rotations(
    parents: Sequence[int], orientations: Float[np.ndarray, "*frames joints 4"]
) -> Float[np.ndarray, "*frames joints 4"]:
    """Rotations of joints relative to their parents from orientations in the world; those of roots as they are."""
    local = orientations.copy()
    children = [joint for joint, parent in enumerate(parents) if parent >= 0]
    above = orientations[..., [parents[joint] for joint in children], :]
    local[..., children, :] = quat_multiply(quat_conjugate(above), orientations[..., children, :])
    return local


def depth_first_order(parents: Sequence[int], chosen: Collection[int] | None = None) -> list[int]:
    """Joints with parents before children and each subtree in one piece, siblings and trees in their order.

    Args:
        parents: index of each joint's parent, in any order; -1 for a root.
        chosen: only these joints; those whose parent is not among them count as roots. None for all.
    """
    among = set(range(len(parents)) if chosen is None else chosen)
    children: dict[int, list[int]] = {}
    for joint in sorted(among):
        children.setdefault(parents[joint] if parents[joint] in among else -1, []).append(joint)
    order: list[int] = []
    pending = children.get(-1, [])[::-1]
    while pending:
        order.append(pending.pop())
        pending += reversed(children.get(order[-1], []))
    return order

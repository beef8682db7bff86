"""A motion on the rig that it came with, for files of other programs that go out again."""

import logging

import numpy as np

from maquette.errors import OutputError
from maquette.geometry.kinematics import depth_first_order, forward_kinematics
from maquette.geometry.rotations import quat_conjugate, quat_continuous, quat_rotate
from maquette.motion import Motion
from maquette.rig.animation_rig import RigAnimation, contact_stands
from maquette.rig.roles import guess_roles

_log = logging.getLogger(__name__)

_END = "_end"


def animate_file_rig(motion: Motion) -> RigAnimation:
    """A rig of the motion's own joints, its rest pose the one that its rotations are relative to.

    Offsets are the medians over the frames of each joint's place in its parent, so they need not be known. A leaf named
    ``<parent>_end``, as :mod:`maquette.readers.motion_bvh` calls End Sites, becomes the tip of its parent.

    Raises:
        OutputError: the motion has no rotations, or more than one root.
    """
    skeleton = motion.skeleton
    if motion.rotations is None:
        raise OutputError(
            f"skeleton '{skeleton.name}' has positions and no rotations, and rotations are solved for the joints of "
            "h36m-17 and maquette-21 only: write .npz, .json or .csv, or map the motion to one of these first"
        )
    if len(skeleton.roots) != 1:
        raise OutputError(f"skeleton '{skeleton.name}' has {len(skeleton.roots)} roots; an animation has one")
    order = depth_first_order(skeleton.parents)
    is_tip = [_is_tip(skeleton.joints[i], skeleton.parents[i], i, skeleton.parents) for i in range(len(skeleton))]
    kept = [joint for joint in order if not is_tip[joint]]
    node_of = {joint: node for node, joint in enumerate(kept)}
    parents = tuple(node_of.get(skeleton.parents[joint], -1) for joint in kept)
    rotations = motion.rotations[:, kept]
    _, orientations = forward_kinematics(parents, np.zeros((1, len(kept), 3)), rotations)
    offsets, tips, worst_m = np.zeros((len(kept), 3)), np.full((len(kept), 3), np.nan), 0.0
    for joint, parent in enumerate(skeleton.parents):
        if parent < 0:
            continue
        bone = motion.positions[:, joint] - motion.positions[:, parent]
        local = quat_rotate(quat_conjugate(orientations[:, node_of[parent]]), bone)
        offset = np.median(local, axis=0)
        worst_m = max(worst_m, float(np.linalg.norm(local - offset, axis=-1).max()))
        if is_tip[joint]:
            tips[node_of[parent]] = offset
        else:
            offsets[node_of[joint]] = offset
    if worst_m > 1e-3:
        _log.warning("joints move in their parents by up to %.1f mm; the animation holds them still", 1000 * worst_m)
    places = {
        name: (node_of[skeleton.parents[joint]], True) if is_tip[joint] else (node_of[joint], False)
        for joint, name in enumerate(skeleton.joints)
    }
    names = tuple(skeleton.joints[joint] for joint in kept)
    roles = guess_roles(names, parents)
    return RigAnimation(
        names=names,
        parents=parents,
        rest_offsets_m=offsets,
        tip_offsets_m=tips,
        rotations=quat_continuous(rotations),
        root_positions_m=motion.positions[:, skeleton.roots[0]],
        fps=motion.fps,
        skeleton=skeleton,
        places=places,
        contacts=contact_stands(motion),
        notes=motion.notes,
        roles={} if roles.missing else roles.bones,
        rig=skeleton.name,
    )


def _is_tip(name: str, parent: int, joint: int, parents: tuple[int, ...]) -> bool:
    """Whether a joint is only the end of its parent's one bone."""
    return name.endswith(_END) and parent >= 0 and joint not in parents and parents.count(parent) == 1

"""Animation to the angles of SMPL's 24 joints, in the file layout of AMASS."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.atomic import write_bytes
from maquette.errors import OutputError
from maquette.formats.npz import write_arrays
from maquette.geometry.rotations import quat_multiply, quat_to_rotvec
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.rest_pose import with_rest_pose

SMPL_JOINTS: tuple[str, ...] = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hand", "right_hand",
)  # fmt: skip
"""SMPL's joints in its order (Loper et al. 2015). SMPL+H and AMASS have the same first 22; the joints of the fingers
follow there instead of the two hands."""

_COLUMNS = 156
_TO_Z_UP = np.array([np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0])
"""A quarter turn about X: Y up becomes Z up, +Z becomes -Y."""


def write_smpl(animation: RigAnimation, path: str | Path) -> None:
    """Write a ``.npz`` with AMASS's arrays.

    ``poses (frames, 156)``: axis-angle in radians, three numbers for each joint: the 22 joints of the body in SMPL's
    order, then zeros for SMPL+H's 30 joints of fingers; the first 72 are SMPL's 24 joints (hands at rest).
    ``trans (frames, 3)``: metres. ``betas (16)`` and ``dmpls (frames, 8)``: zeros. ``mocap_framerate``, ``gender``
    ``neutral``, ``up_axis`` ``Z``.

    What is known: SMPL's rest pose is a T-pose, Y up, facing +Z, with the axes of the world in every joint, as is that
    of the rig ``smpl`` here; each joint's angle is relative to its parent. As in AMASS's files the world is Z up: the
    pelvis and ``trans`` carry the quarter turn.

    What is not: the shape of the person (``betas`` are the mean body's, so lengths are not the person's), and the exact
    directions of the bones in SMPL's template, which comes with its licence: its legs and arms are a few degrees off a
    strict T-pose, and so is every posed limb. ``trans`` is the place of the pelvis; SMPL puts the pelvis at ``trans``
    plus its place in the template (0.2 to 0.3 m, constant), which whoever has the model may take off.

    Args:
        animation: on the rig ``smpl`` (:func:`maquette.rig.choice.animated`); any rest pose.

    Raises:
        OutputError: the animation is on another rig, or it cannot be written.
    """
    poses, trans = smpl_angles(animation)
    frames = len(poses)
    table = np.zeros((frames, _COLUMNS))
    table[:, :66] = poses[:, :22].reshape(frames, 66)
    arrays = {
        "poses": table,
        "trans": trans,
        "betas": np.zeros(16),
        "dmpls": np.zeros((frames, 8)),
        "mocap_framerate": np.array(float(animation.fps)),
        "gender": np.array("neutral"),
        "up_axis": np.array("Z"),
        "scale_source": np.array(animation.scale_source),
    }
    stream = io.BytesIO()
    write_arrays(stream, arrays)
    write_bytes(path, stream.getvalue())


def smpl_angles(animation: RigAnimation) -> tuple[Float[np.ndarray, "frames 24 3"], Float[np.ndarray, "frames 3"]]:
    """``(axis-angle in radians of SMPL's joints, place of the pelvis in metres)``, both in a world that is Z up.

    Raises:
        OutputError: the animation is on another rig.
    """
    missing = [joint for joint in SMPL_JOINTS if joint not in animation.names]
    if missing or animation.names[0] != SMPL_JOINTS[0] or animation.rest_rotations is not None:
        raise OutputError(
            f"SMPL's angles are those of the rig 'smpl', and this animation is on '{animation.rig}'; choose --rig smpl"
        )
    level = with_rest_pose(animation, "T")
    rotations = level.rotations[:, [level.names.index(joint) for joint in SMPL_JOINTS]]
    rotations[:, 0] = quat_multiply(_TO_Z_UP, rotations[:, 0])
    x, y, z = level.root_positions_m.T
    return quat_to_rotvec(rotations), np.stack((x, -z, y), axis=1)

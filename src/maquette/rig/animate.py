"""A motion on the rig of animation files."""

import logging
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from maquette.errors import OutputError
from maquette.geometry.lab_axes import turned_upright
from maquette.geometry.rotations import (
    quat_between,
    quat_conjugate,
    quat_continuous,
    quat_multiply,
    quat_rotate,
    quat_slerp,
)
from maquette.motion import Motion
from maquette.refine.motion_bones import bone_lengths, constant_bones
from maquette.rig.animate_file_rig import animate_file_rig
from maquette.rig.animation_rig import HUMAN_RIG, HUMAN_ROLES, RigAnimation, RigJoint, contact_stands
from maquette.rig.rest import is_human, rest_offsets_m
from maquette.rig.solve import solve_rotations
from maquette.skeleton import Skeleton

_log = logging.getLogger(__name__)

_STEADY_M = 1e-4
"""Bones that vary less than this are constant: five of them in a row stay within a millimetre."""
_RIG_JOINTS = {joint.at for joint in HUMAN_RIG} | {joint.to for joint in HUMAN_RIG}
_HAND_PER_FOREARM = 0.7
_TOES_PER_FOOT = 0.45
_FOOT_PER_SHIN = 0.31
"""Of bones that only give the figure an end to look at (hands, toes, feet where they are not known)."""


def animate(motion: Motion) -> RigAnimation:
    """The motion on a rig, for animation formats: Y up, metres, constant bones.

    A person with Human3.6M's joints gets :data:`HUMAN_RIG` in its T-pose; its rotations are solved when the motion has
    none, and swung where needed so that every bone points exactly where the positions say. Bones that change their
    length are first given a constant one (:func:`maquette.refine.motion_bones.constant_bones`). Any other skeleton
    keeps its joints, and must bring rotations (as a BVH file does).

    A motion in the camera's frame is turned upright: camera right, up and backwards become X, Y and Z.

    Raises:
        OutputError: frames with unknown joints (the text names them), or a skeleton that has no rotations.
    """
    _refuse_unknown(motion)
    upright = _upright(motion)
    animation = _animate_human(upright) if is_human(motion.skeleton) else animate_file_rig(upright)
    times_s = None if motion.timestamps_s is None else motion.timestamps_s - motion.timestamps_s[0]
    return replace(animation, times_s=times_s, scale_source=motion.scale_source)


def _refuse_unknown(motion: Motion) -> None:
    if not motion.n_frames:
        raise OutputError("the motion has no frames; an animation needs at least one")
    needed = [joint for joint, name in enumerate(motion.skeleton.joints) if _in_rig(name, motion.skeleton)]
    unknown = np.asarray(~np.isfinite(motion.positions).all(axis=-1))
    if motion.rotations is not None and not is_human(motion.skeleton):
        # Those of a person are solved again; another figure has only its own.
        unknown = unknown | ~np.isfinite(motion.rotations).all(axis=-1)
    unknown = unknown[:, needed]
    frames = np.flatnonzero(unknown.any(axis=1))
    if frames.size:
        runs = np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1)
        shown = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs[:5])
        names = [motion.skeleton.joints[needed[i]] for i in np.flatnonzero(unknown.any(axis=0))]
        raise OutputError(
            f"animation formats cannot leave joints out, and {len(frames)} of {motion.n_frames} frames have unknown "
            f"ones (frames {shown}{' ...' if len(runs) > 5 else ''}; {', '.join(names[:5])}"
            f"{' ...' if len(names) > 5 else ''}): fill the gaps first (maquette convert --fill-gaps), or write .npz, "
            ".json or .csv"
        )


def _in_rig(joint: str, skeleton: Skeleton) -> bool:
    """Whether the rig has a place for a joint of ours."""
    return not is_human(skeleton) or joint in _RIG_JOINTS


def _upright(motion: Motion) -> Motion:
    """A motion in the camera's frame with Y up, by half a turn about X; one in the world as it is."""
    if motion.frame == "world":
        return motion
    rotations = motion.rotations
    if rotations is not None:
        rotations = rotations.copy()
        roots = list(motion.skeleton.roots)
        rotations[:, roots] = quat_multiply(np.array([0.0, 1.0, 0.0, 0.0]), rotations[:, roots])
    note = "turned upright from the camera's frame: camera right is X, up is Y, towards the camera is Z"
    return motion.with_notes(
        note,
        positions=turned_upright(motion.positions),
        rotations=rotations,
        frame="world",
        camera=None,
        root_trajectory=None,
    )


def _animate_human(motion: Motion) -> RigAnimation:
    motion = _with_constant_bones(motion)
    if motion.rotations is None or not np.isfinite(motion.rotations).all():
        motion = solve_rotations(motion)
    skeleton = motion.skeleton
    rig = tuple(joint for joint in HUMAN_RIG if not joint.needs or joint.needs in skeleton)
    names = tuple(joint.name for joint in rig)
    parents = tuple(names.index(joint.parent) if joint.parent else -1 for joint in rig)
    rest = dict(zip(skeleton.joints, rest_offsets_m(motion), strict=True))
    turned = _turned(motion)
    at = dict(zip(skeleton.joints, np.ascontiguousarray(motion.positions.transpose(1, 0, 2)), strict=True))
    orientations = [_orientation(joint, at, turned, rest) for joint in rig]
    rotations = np.empty((len(rig), motion.n_frames, 4))
    offsets = np.zeros((len(rig), 3))
    for node, parent in enumerate(parents):
        rotations[node] = orientations[node]
        if parent >= 0:
            rotations[node] = quat_multiply(quat_conjugate(orientations[parent]), orientations[node])
            offsets[node] = rest[rig[node].at] if rig[parent].at != rig[node].at else 0.0
    return RigAnimation(
        names=names,
        parents=parents,
        rest_offsets_m=offsets,
        tip_offsets_m=_tips(rig, parents, rest),
        rotations=quat_continuous(rotations, axis=1).transpose(1, 0, 2),
        root_positions_m=motion.joint("hip"),
        fps=motion.fps,
        skeleton=skeleton,
        places=_places(skeleton, rig),
        contacts=contact_stands(motion),
        notes=motion.notes,
        roles={bone: joint for bone, joint in HUMAN_ROLES.items() if joint in names},
    )


def _with_constant_bones(motion: Motion) -> Motion:
    skeleton = motion.skeleton
    bones = [bone for bone in skeleton.bones if skeleton.joints[bone[1]] in _RIG_JOINTS]
    parents, children = [parent for parent, _ in bones], [child for _, child in bones]
    lengths = np.full(len(skeleton), np.nan)
    lengths[children] = bone_lengths(motion, symmetric=False)[children]
    spans = np.linalg.norm(motion.positions[:, children] - motion.positions[:, parents], axis=-1)
    stretch_m = float(np.abs(spans - lengths[children]).max())
    if stretch_m <= _STEADY_M:
        return motion
    _log.info("bones vary by up to %.1f mm: given their median length for the animation", 1000 * stretch_m)
    return constant_bones(motion, np.where(lengths > 0, lengths, np.nan))


def _turned(motion: Motion) -> dict[str, Float[np.ndarray, "frames 4"]]:
    """World orientation of each joint of the motion, from its rotations."""
    skeleton = motion.skeleton
    # Joints first in memory: each step works on one joint in all frames.
    turned = np.ascontiguousarray(np.moveaxis(np.array(motion.rotations), 1, 0))
    for joint in skeleton.order:
        if skeleton.parents[joint] >= 0:
            turned[joint] = quat_multiply(turned[skeleton.parents[joint]], turned[joint])
    return dict(zip(skeleton.joints, turned, strict=True))


def _orientation(
    joint: RigJoint,
    at: dict[str, Float[np.ndarray, "frames 3"]],
    turned: dict[str, Float[np.ndarray, "frames 4"]],
    rest: dict[str, Float[np.ndarray, "3"]],
) -> Float[np.ndarray, "frames 4"]:
    """World orientation of one joint of the rig."""
    given = [turned[name] for name in joint.oriented_by]
    base = given[0] if len(given) == 1 else quat_slerp(given[0], given[1], 0.5)
    if not joint.to or joint.to not in at or np.linalg.norm(rest[joint.to]) < 1e-9:
        return base
    here = quat_rotate(base, rest[joint.to])
    bone = at[joint.to] - at[joint.at]
    no_length = np.linalg.norm(bone, axis=-1, keepdims=True) < 1e-9
    return quat_multiply(quat_between(here, np.where(no_length, here, bone)), base)


def _tips(
    rig: tuple[RigJoint, ...], parents: tuple[int, ...], rest: dict[str, Float[np.ndarray, "3"]]
) -> Float[np.ndarray, "nodes 3"]:
    """Ends of the bones of joints without children."""
    tips = np.full((len(rig), 3), np.nan)
    for node, joint in enumerate(rig):
        if node in parents:
            continue
        side = joint.at[:2]
        if joint.to in rest:
            tips[node] = rest[joint.to]
        elif joint.name.endswith("Hand"):
            tips[node] = _HAND_PER_FOREARM * rest[f"{side}wrist"]
        elif joint.name.endswith("ToeBase"):
            tips[node] = [0.0, 0.0, _TOES_PER_FOOT * float(np.linalg.norm(rest[f"{side}toe"]))]
        else:
            shin_m = float(np.linalg.norm(rest[f"{side}ankle"]))
            tips[node] = _FOOT_PER_SHIN * shin_m * np.array([0.0, -0.45, 0.893])
    return tips


def _places(skeleton: Skeleton, rig: tuple[RigJoint, ...]) -> dict[str, tuple[int, bool]]:
    """Where the rig has the joints of ours: at a joint, or at the tip of one."""
    places = {joint.to: (node, True) for node, joint in enumerate(rig) if joint.to in skeleton}
    places |= {joint.at: (node, False) for node, joint in reversed(list(enumerate(rig)))}
    left_out = [name for name in skeleton.joints if name not in places]
    if left_out:
        _log.warning("the animation rig has no place for %s; .npz, .json and .csv keep them", ", ".join(left_out))
    return places

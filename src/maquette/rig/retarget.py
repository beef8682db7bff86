"""A motion on another figure: every bone turned as the person's, whatever the figure's rest pose and axes."""

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.geometry.rotations import (
    quat_conjugate,
    quat_continuous,
    quat_multiply,
    quat_rotate,
    quat_slerp,
)
from maquette.motion import Motion
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.human_pose import HumanPose, human_pose, leg_length_m, neck_base_m
from maquette.rig.rest import is_human
from maquette.rig.roles import guess_roles
from maquette.rig.t_pose import t_pose
from maquette.rig.target_rig import Rig
from maquette.rig.trunk import SPINE, bent_spine, neck_nodes, spine_nodes, spine_starts

Quats = Float[np.ndarray, "frames 4"]

OUR_JOINTS: dict[str, tuple[str, bool]] = {
    "hip": ("hips", False),
    "spine": ("chest", False),
    "thorax": ("neck", False),
    "nose": ("head", False),
    "head": ("head", True),
    **{
        f"{side[0]}_{joint}": (f"{side}{bone}", False)
        for side in ("left", "right")
        for joint, bone in (
            ("hip", "UpperLeg"),
            ("knee", "LowerLeg"),
            ("ankle", "Foot"),
            ("toe", "Toes"),
            ("shoulder", "UpperArm"),
            ("elbow", "LowerArm"),
            ("wrist", "Hand"),
        )
    },
}
"""Joint of ours -> the bone whose joint it is, and whether it is the tip of that bone."""


def retarget(motion: Motion, rig: Rig) -> RigAnimation:
    """The motion on a rig of any proportions, rest pose and axes.

    The orientation of each bone in the world is its turn from the T-pose (:func:`maquette.rig.human_pose.human_pose`)
    after the rig's own T-pose (:func:`maquette.rig.t_pose.t_pose`). Joints without a role, and those of bones that the
    motion does not know, stay as at rest in their parent; a spine of more or fewer joints bends where
    the person's does. The path of the
    hips is scaled by the ratio of the legs' lengths. Feet are neither held nor put on the ground here.

    Raises:
        InputError: the rig lacks bones of a person, or is mirrored; or the motion's skeleton is no human figure.
        OutputError: frames with unknown joints, or no rotations that the motion's skeleton needs.
    """
    return pose_to_rig(human_pose(motion), rig)


def pose_to_rig(pose: HumanPose, rig: Rig, *, bend_neck: bool = True) -> RigAnimation:
    """The same, from the pose of a person.

    Args:
        bend_neck: joints between neck and head bend evenly from one to the other; else they go with the neck.

    Raises:
        InputError: the rig lacks bones of a person, or is mirrored.
    """
    missing = [bone for bone in rig.missing_bones() if bone not in ("spine", "head")]
    if missing:
        seen = ", ".join(f"{bone} = {joint}" for bone, joint in rig.roles.items()) or "none"
        raise InputError(f"rig '{rig.name}' lacks {', '.join(missing)}; found: {seen}")
    t_orientations, t_places = t_pose(rig)
    node_of = {bone: rig.names.index(joint) for bone, joint in rig.roles.items()}
    middle = 0.5 * (t_places[node_of["leftUpperLeg"]] + t_places[node_of["rightUpperLeg"]])
    figure = {bone: t_places[node] - middle for bone, node in node_of.items()}
    turns = {node_of[bone]: pose.turns[bone] for bone in rig.roles if bone in pose.turns and bone not in SPINE}
    turns |= _neck_turns(pose, rig, bend_neck)
    chain = spine_nodes(rig)
    if chain:
        starts = spine_starts([t_places[node] - middle for node in chain], neck_base_m(figure))
        turns |= dict(zip(chain, bent_spine(pose.spine, pose.turns["hips"], starts), strict=True))
    rotations, orientations = _rotations(rig, turns, t_orientations, len(pose.hips_m))
    ratio = leg_length_m(figure) / pose.leg_m
    hips = node_of["hips"]
    hips_m = ratio * pose.hips_m + quat_rotate(pose.turns["hips"], figure["hips"])
    animation = pose.animation
    note = f"put on the rig '{rig.name}', by {len([b for b in rig.roles if b in pose.turns])} bones; "
    note += f"its legs are {100 * ratio:.0f} % of the person's, and so is the way of the hips"
    return RigAnimation(
        names=rig.names,
        parents=rig.parents,
        rest_offsets_m=np.concatenate((np.zeros((1, 3)), rig.offsets_m[1:])),
        tip_offsets_m=rig.tips_m,
        rotations=rotations,
        root_positions_m=_root_positions_m(rig, hips, hips_m, orientations),
        fps=animation.fps,
        skeleton=animation.skeleton,
        places=_places(animation, rig),
        contacts=animation.contacts,
        notes=(*animation.notes, note),
        rest_rotations=None if _is_identity(rig.rotations) else rig.rotations,
        roles=dict(rig.roles),
        times_s=animation.times_s,
        scale_source=animation.scale_source,
        rig=rig.name,
    )


def _neck_turns(pose: HumanPose, rig: Rig, bend: bool) -> dict[int, Quats]:
    """Turns of the joints of the neck, however many."""
    chain = neck_nodes(rig)
    if not chain or pose.whole_neck is None:
        return {}
    if len(chain) == len(pose.neck):
        return dict(zip(chain, pose.neck, strict=True))
    if len(chain) == 1 or not bend or "head" not in pose.turns:
        return {chain[0]: pose.whole_neck}
    first, step = pose.neck[0], 1.0 / len(chain)
    return {node: quat_slerp(first, pose.turns["head"], number * step) for number, node in enumerate(chain)}


def _rotations(
    rig: Rig, turns: dict[int, Quats], t_orientations: Float[np.ndarray, "nodes 4"], frames: int
) -> tuple[Float[np.ndarray, "frames nodes 4"], Float[np.ndarray, "nodes frames 4"]]:
    """``(local rotations, world orientations with joints first)``."""
    with_role = {rig.names.index(joint) for joint in rig.roles.values()}
    rotations = np.empty((len(rig.names), frames, 4))
    orientations = np.empty((len(rig.names), frames, 4))
    for node, parent in enumerate(rig.parents):
        if node in turns:
            orientations[node] = quat_multiply(turns[node], t_orientations[node])
            rotations[node] = orientations[node]
            if parent >= 0:
                rotations[node] = quat_multiply(quat_conjugate(orientations[parent]), orientations[node])
            continue
        still = rig.rotations[node]
        if node in with_role and parent >= 0:
            still = quat_multiply(quat_conjugate(t_orientations[parent]), t_orientations[node])
        rotations[node] = still
        orientations[node] = still if parent < 0 else quat_multiply(orientations[parent], still)
    return quat_continuous(rotations, axis=1).transpose(1, 0, 2), orientations


def _root_positions_m(
    rig: Rig, hips: int, hips_m: Float[np.ndarray, "frames 3"], orientations: Float[np.ndarray, "nodes frames 4"]
) -> Float[np.ndarray, "frames 3"]:
    """Where the root must be for the hips to be there."""
    root_m = hips_m
    node = hips
    while rig.parents[node] >= 0:
        root_m = root_m - quat_rotate(orientations[rig.parents[node]], rig.offsets_m[node])
        node = rig.parents[node]
    return root_m


def _is_identity(rotations: Float[np.ndarray, "nodes 4"]) -> bool:
    return bool((np.abs(rotations[:, 1:]) < 1e-12).all())


def _places(animation: RigAnimation, rig: Rig) -> dict[str, tuple[int, bool]]:
    """Where the rig has the joints of the motion's skeleton, by their bones."""
    skeleton = animation.skeleton
    if is_human(skeleton):
        found = {joint: (rig.node(bone), tip) for joint, (bone, tip) in OUR_JOINTS.items() if joint in skeleton}
        if rig.node("chest") is None:
            found.pop("spine")
    else:
        bones = animation.roles or guess_roles(animation.names, animation.parents).bones
        found = {joint: (rig.node(bone), False) for bone, joint in bones.items() if joint in skeleton}
    return {
        joint: (node, tip)
        for joint, (node, tip) in found.items()
        if node is not None and (not tip or np.isfinite(rig.tips_m[node]).all())
    }


def same_proportions(pose: HumanPose, rig: Rig, *, within: float = 0.01) -> bool:
    """Whether every limb of the rig is as long as the person's, but for a share of its length."""
    t_orientations, t_places = t_pose(rig)
    del t_orientations
    node_of = {bone: rig.names.index(joint) for bone, joint in rig.roles.items()}
    figure = {bone: t_places[node] for bone, node in node_of.items()}
    for side in ("left", "right"):
        for a, b in (("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot"), ("Foot", "Toes")):
            start, end = f"{side}{a}", f"{side}{b}"
            if start in figure and end in figure and start in pose.figure_m and end in pose.figure_m:
                own = float(np.linalg.norm(figure[start] - figure[end]))
                persons = float(np.linalg.norm(pose.figure_m[start] - pose.figure_m[end]))
                if abs(own - persons) > within * max(persons, 1e-6):
                    return False
    across = [np.linalg.norm(f["leftUpperLeg"] - f["rightUpperLeg"]) for f in (figure, pose.figure_m)]
    return bool(abs(across[0] - across[1]) <= within * across[1])

"""What a motion says about a person, apart from any rig: how each bone is turned from the T-pose, and where it is."""

import dataclasses
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError, OutputError
from maquette.geometry.rotations import (
    quat_between,
    quat_conjugate,
    quat_continuous,
    quat_identity,
    quat_multiply,
    quat_rotate,
)
from maquette.motion import Motion
from maquette.rig.animate import animate
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.forward import node_positions_m
from maquette.rig.rest import is_human
from maquette.rig.roles import guess_roles, roles_or_error
from maquette.rig.t_pose import standing_turn, t_pose
from maquette.rig.target_rig import Rig, told_tips_m
from maquette.rig.trunk import neck_nodes, spine_nodes, spine_starts

_MOST_FRAMES_TRIED = 500
_SHORTEST_LEG_M = 1e-6
_ENDS = ("head", "leftToes", "rightToes", "leftHand", "rightHand", "leftFoot", "rightFoot")


@dataclass(frozen=True, eq=False)
class HumanPose:
    """The movement of a person without a rig. World frame: Y up, metres."""

    turns: dict[str, Float[np.ndarray, "frames 4"]]
    """Bone of :data:`maquette.rig.target_rig.HUMANOID_BONES` -> rotation that leads from its orientation in the T-pose
    (Y up, facing +Z) to that in each frame, both in the world; unit quaternions wxyz."""
    hips_m: Float[np.ndarray, "frames 3"]
    """Path of the middle between the thighs' joints."""
    figure_m: dict[str, Float[np.ndarray, "3"]]
    """Bone -> place of its joint in the T-pose, from the middle between the thighs' joints; ``<bone>_end`` the end of
    one without a child among the bones, where it is known."""
    spine: tuple[tuple[float, Float[np.ndarray, "frames 4"]], ...]
    """Turns of the joints of the spine from the lowest upwards, each with where it lies
    (:func:`maquette.rig.trunk.spine_starts`)."""
    neck: tuple[Float[np.ndarray, "frames 4"], ...]
    """Turns of the joints from the neck's to below the head, in that order; empty where there is no neck."""
    whole_neck: Float[np.ndarray, "frames 4"] | None
    """Turn of a neck of one joint that holds the head where these do."""
    animation: RigAnimation
    """The clip on its own rig: its times, contacts, notes, skeleton."""
    rig: Rig
    """That rig, with its roles."""

    @property
    def fps(self) -> Fraction:
        return self.animation.fps

    @property
    def leg_m(self) -> float:
        """Length of a leg from thigh to foot, the mean of both sides."""
        return leg_length_m(self.figure_m)


def leg_length_m(figure_m: dict[str, Float[np.ndarray, "3"]]) -> float:
    """Length of a leg from thigh to foot in the T-pose, the mean of both sides.

    Raises:
        InputError: the legs have no length.
    """
    ways = [
        figure_m[f"{side}{a}"] - figure_m[f"{side}{b}"]
        for side in ("left", "right")
        for a, b in (("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot"))
    ]
    length_m = 0.5 * float(sum(np.linalg.norm(way) for way in ways))
    if length_m < _SHORTEST_LEG_M:
        raise InputError("the legs of the figure have no length, so that its size is not known; check its offsets")
    return length_m


def neck_base_m(figure_m: dict[str, Float[np.ndarray, "3"]]) -> Float[np.ndarray, "3"]:
    """Where the spine ends in the T-pose: at the neck, or between the arms of a figure without one."""
    return figure_m["neck"] if "neck" in figure_m else 0.5 * (figure_m["leftUpperArm"] + figure_m["rightUpperArm"])


def human_pose(motion: Motion) -> HumanPose:
    """What the motion says, from its own rotations, or from those solved for Human3.6M's joints.

    Rotations of any other human skeleton are told relative to its T-pose (:func:`maquette.rig.t_pose.t_pose`), so that
    the twist of each bone survives. A figure whose rest pose is nobody standing takes the frame of the motion that is
    nearest to a T-pose instead.

    Raises:
        InputError: the skeleton is no human figure (the text lists what was found), or mirrored.
        OutputError: frames with unknown joints, or no rotations where the skeleton needs them.
    """
    animation = animate(motion)
    if is_human(motion.skeleton):
        return pose_on_rig(animation, rig_at_rest(animation), quat_identity((len(animation.names),)))
    return pose_on_rig(animation, rig_of_animation(animation, motion.source or motion.skeleton.name))


def has_human_rotations(motion: Motion) -> bool:
    """Whether :func:`human_pose` can use the motion's own rotations: a human figure by its names, with rotations."""
    if motion.rotations is None or len(motion.skeleton.roots) != 1:
        return False
    return not guess_roles(motion.skeleton.joints, motion.skeleton.parents).missing


def rig_at_rest(animation: RigAnimation) -> Rig:
    """The rig that an animation is on, with its roles."""
    return Rig(
        name=animation.rig,
        names=animation.names,
        parents=animation.parents,
        offsets_m=animation.rest_offsets_m,
        rotations=animation.local_rest(),
        tips_m=animation.tip_offsets_m,
        roles=animation.roles,
    )


def rig_of_animation(animation: RigAnimation, where: str) -> Rig:
    """The same, with roles guessed from names where it has none, and the frame in which the figure stands where it does
    not at rest.

    Raises:
        InputError: bones of a person are missing; the text lists what was found.
    """
    roles = animation.roles
    if not roles:
        roles = roles_or_error(animation.names, animation.parents, where).bones
    tips = told_tips_m(animation.tip_offsets_m)
    rig = dataclasses.replace(rig_at_rest(dataclasses.replace(animation, roles=roles)), tips_m=tips)
    if standing_turn(rig, rig.rest_pose()[0]) is not None:
        return rig
    return dataclasses.replace(rig, standing=_standing_pose(animation, rig))


def _standing_pose(animation: RigAnimation, rig: Rig) -> Float[np.ndarray, "nodes 4"] | None:
    """Local rotations of a pose in which somebody stands: arms and legs of the frame in which they are straightest,
    and the mean of all else over all such frames; None when nobody ever stands."""
    frames = np.unique(np.linspace(0, len(animation.rotations) - 1, _MOST_FRAMES_TRIED).astype(int))
    few = dataclasses.replace(
        animation, rotations=animation.rotations[frames].copy(), root_positions_m=animation.root_positions_m[frames]
    )
    places, _ = node_positions_m(few)
    scores = np.full(len(frames), -np.inf)
    for number, at in enumerate(places):
        turn = standing_turn(rig, at, snap=False)
        if turn is not None:
            scores[number] = _uprightness(rig, quat_rotate(turn, at))
            few.rotations[number, 0] = quat_multiply(turn, few.rotations[number, 0])
    if not np.isfinite(scores).any():
        return None
    pose = few.rotations[int(np.argmax(scores))].copy()
    limbs = {
        name for bone, name in rig.roles.items() if bone.endswith(("UpperLeg", "LowerLeg", "UpperArm", "LowerArm"))
    }
    for node, name in enumerate(rig.names):
        if name not in limbs:
            mean = quat_continuous(few.rotations[np.isfinite(scores), node]).mean(axis=0)
            pose[node] = mean / np.linalg.norm(mean)
    return pose


def _uprightness(rig: Rig, places: Float[np.ndarray, "nodes 3"]) -> float:
    """How straight legs and trunk are and how far apart the arms; of an upright figure that faces +Z."""
    at = {bone: places[rig.names.index(joint)] for bone, joint in rig.roles.items()}
    score = 0.0
    for start, end, way in (
        ("UpperLeg", "LowerLeg", (0.0, -1.0, 0.0)),
        ("LowerLeg", "Foot", (0.0, -1.0, 0.0)),
        ("UpperArm", "LowerArm", (0.5, -0.8, 0.0)),
        ("LowerArm", "Hand", (0.5, -0.8, 0.0)),
    ):
        for side, sign in (("left", 1.0), ("right", -1.0)):
            bone = at[f"{side}{end}"] - at[f"{side}{start}"]
            score += float(bone @ (np.array(way) * [sign, 1.0, 1.0])) / max(float(np.linalg.norm(bone)), 1e-9)
    trunk = at["head"] - 0.5 * (at["leftUpperLeg"] + at["rightUpperLeg"])
    return score + 4.0 * float(trunk[1]) / max(float(np.linalg.norm(trunk)), 1e-9)


def pose_on_rig(
    animation: RigAnimation, rig: Rig, t_orientations: Float[np.ndarray, "nodes 4"] | None = None
) -> HumanPose:
    """The pose of an animation of which the T-pose is known.

    Args:
        rig: the same joints, with roles.
        t_orientations: of the joints in the T-pose; None finds them.

    Raises:
        InputError: the rig lacks hips or legs, or is mirrored.
    """
    if t_orientations is None:
        t_orientations, t_places = t_pose(rig)
    else:
        t_places, _ = rig.rest_pose()
    places, orientations = node_positions_m(animation)
    node_of = {bone: rig.names.index(joint) for bone, joint in rig.roles.items()}
    needed = [f"{side}{bone}" for side in ("left", "right") for bone in ("UpperLeg", "LowerLeg", "Foot", "UpperArm")]
    lacking = [bone for bone in ("hips", *needed) if bone not in node_of]
    if lacking:
        raise InputError(f"rig '{rig.name}' has no {', '.join(lacking)}; roles found: {', '.join(node_of)}")

    def turn(node: int) -> Float[np.ndarray, "frames 4"]:
        return quat_multiply(np.ascontiguousarray(orientations[:, node]), quat_conjugate(t_orientations[node]))

    middle = 0.5 * (t_places[node_of["leftUpperLeg"]] + t_places[node_of["rightUpperLeg"]])
    figure = {bone: t_places[node] - middle for bone, node in node_of.items()}
    for bone in _ENDS:
        node = node_of.get(bone)
        if node is not None and np.isfinite(rig.tips_m[node]).all():
            figure[f"{bone}_end"] = figure[bone] + quat_rotate(t_orientations[node], rig.tips_m[node])
    turns = {bone: turn(node) for bone, node in node_of.items()}
    hips_m = places[:, node_of["hips"]] - quat_rotate(turns["hips"], figure["hips"])
    chain = spine_nodes(rig)
    if not chain:
        raise OutputError(f"rig '{rig.name}' has no joint between hips and arms that is its spine")
    starts = spine_starts([t_places[node] - middle for node in chain], neck_base_m(figure))
    spine = tuple((start, turn(node)) for start, node in zip(starts, chain, strict=True))
    neck = tuple(turn(node) for node in neck_nodes(rig))
    whole = turns.get("neck")
    if whole is not None and len(neck) > 1:
        here = quat_rotate(whole, figure["head"] - figure["neck"])
        whole = quat_multiply(quat_between(here, places[:, node_of["head"]] - places[:, node_of["neck"]]), whole)
    return HumanPose(turns, hips_m, figure, spine, neck, whole, animation, rig)

"""The T-pose of any figure: how each of its joints is turned when the person stands upright, arms level, facing +Z.

The figure's own rest pose may be a T-pose, an A-pose, one with hanging arms or none at all, face anywhere, and its
joints may have any axes. Bones of arms and legs are swung on the shortest way from the rest pose until they lie along
the T-pose's, so that only their twist is the rest pose's. Trunk, neck, head, collar bones, hands and toes are as the
rest pose has them when the figure stands in it; when it does not, they are swung onto an upright person's directions.
"""

from itertools import pairwise

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.geometry.kinematics import forward_pose
from maquette.geometry.rotations import (
    matrix_from_two_vectors,
    matrix_to_quat,
    quat_between,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
)
from maquette.rig.target_rig import Rig

_TOWARDS: dict[str, tuple[str, ...]] = {
    "spine": ("chest", "upperChest", "neck", "head"),
    "chest": ("upperChest", "neck", "head"),
    "upperChest": ("neck", "head"),
    "neck": ("head",),
    **{
        f"{side}{bone}": (f"{side}{end}",)
        for side in ("left", "right")
        for bone, end in (
            ("UpperLeg", "LowerLeg"),
            ("LowerLeg", "Foot"),
            ("Foot", "Toes"),
            ("Shoulder", "UpperArm"),
            ("UpperArm", "LowerArm"),
            ("LowerArm", "Hand"),
        )
    },
}
"""The joint at the other end of each bone; of several, the first that the figure has."""

_LEFT_WAYS: dict[str, tuple[float, float, float]] = {
    "spine": (0.0, 1.0, 0.0),
    "chest": (0.0, 1.0, 0.0),
    "upperChest": (0.0, 1.0, 0.0),
    "neck": (0.0, 0.94, 0.341),
    "head": (0.0, 0.985, -0.173),
    "UpperLeg": (0.0, -1.0, 0.0),
    "LowerLeg": (0.0, -1.0, 0.0),
    "Foot": (0.0, -0.45, 0.893),
    "Toes": (0.0, 0.0, 1.0),
    "Shoulder": (0.96, -0.28, 0.0),
    "UpperArm": (1.0, 0.0, 0.0),
    "LowerArm": (1.0, 0.0, 0.0),
    "Hand": (1.0, 0.0, 0.0),
}
"""Direction of each bone in the T-pose; as in :data:`maquette.rig.rest.REST_DIRECTIONS`."""

_LIMBS = ("UpperLeg", "LowerLeg", "UpperArm", "LowerArm")
_LEVEL_FOOT = np.cos(np.radians(18.0))
"""A foot whose bone lies within this angle of the usual slope has a level sole at rest; others (CMU's files, where it
runs nearly level) are tilted until it has the usual slope."""
_LEGS_DOWN = np.cos(np.radians(55.0))
_SNAP = np.cos(np.radians(25.0))
_SHORTEST = 1e-3
"""Bones shorter than this share of a leg have no direction."""


def t_way(bone: str) -> Float[np.ndarray, "3"]:
    """Unit direction of a bone in the T-pose."""
    x, y, z = _LEFT_WAYS[bone.removeprefix("left").removeprefix("right")]
    way = np.array([-x if bone.startswith("right") else x, y, z])
    return way / np.linalg.norm(way)


def t_pose(rig: Rig) -> tuple[Float[np.ndarray, "nodes 4"], Float[np.ndarray, "nodes 3"]]:
    """``(orientations, places)`` of all joints in the T-pose, Y up, facing +Z, the root where it is at rest.

    Joints without a role keep their local rotation of the rest pose.

    Raises:
        InputError: the rig has no hips or legs, or its feet point backwards (left and right are exchanged).
    """
    lacking = [bone for bone in ("hips", "leftUpperLeg", "rightUpperLeg") if bone not in rig.roles]
    if lacking:
        raise InputError(f"rig '{rig.name}' has no {', '.join(lacking)}; roles found: {', '.join(rig.roles) or 'none'}")
    local = (rig.rotations if rig.standing is None else rig.standing).copy()
    places, _ = forward_pose(rig.parents, rig.offsets_m, local)
    upright = standing_turn(rig, places, snap=rig.standing is None)
    if upright is None:
        local[0] = quat_multiply(_hips_turn(rig, places), local[0])
    else:
        _check_feet(rig, places, upright)
        local[0] = quat_multiply(upright, local[0])
    bone_of = {rig.names.index(joint): bone for bone, joint in rig.roles.items()}
    leg_m = _leg_m(rig)
    orientations = np.empty((len(rig.names), 4))
    for node, parent in enumerate(rig.parents):
        orientations[node] = local[node] if parent < 0 else quat_multiply(orientations[parent], local[node])
        bone = bone_of.get(node, "")
        reach = _reach(rig, local, node, bone)
        if reach is None or np.linalg.norm(reach) < _SHORTEST * leg_m:
            continue
        here, way = quat_rotate(orientations[node], reach), t_way(bone)
        is_trunk = bone in ("spine", "chest", "upperChest", "neck", "head")
        if upright is not None and not _is_aimed(bone, here, way):
            if rig.standing is None or not is_trunk:
                continue
            # The lean of a pose from a clip is the figure's, a bend to one side is not.
            way = here * [0.0, 1.0, 1.0]
        swing = quat_between(here, way, np.array([0.0, 0.0, 1.0]))
        orientations[node] = quat_multiply(swing, orientations[node])
        if is_trunk and (upright is None or rig.standing is not None):
            orientations[node] = _faced(rig, local, node, orientations[node])
    return orientations, _places(rig, orientations)


def standing_turn(
    rig: Rig, places: Float[np.ndarray, "nodes 3"], *, snap: bool = True
) -> Float[np.ndarray, "4"] | None:
    """The rotation that turns a figure upright and towards +Z, if the pose is one of somebody standing; else None.

    Args:
        places: of the joints in the pose, in the world.
        snap: take the nearest axes of the world for up and forward when they are within 25 degrees.
    """
    at = {bone: places[rig.names.index(joint)] for bone, joint in rig.roles.items()}
    top = at.get("neck", at.get("head"))
    feet = [at[bone] for bone in ("leftFoot", "rightFoot") if bone in at]
    if top is None or len(feet) < 2:
        return None
    hips = 0.5 * (at["leftUpperLeg"] + at["rightUpperLeg"])
    left = at["leftUpperLeg"] - at["rightUpperLeg"]
    trunk, legs = top - hips, hips - 0.5 * (feet[0] + feet[1])
    if min(np.linalg.norm(v) for v in (left, trunk, legs)) < 1e-9:
        return None
    up = trunk / np.linalg.norm(trunk) + legs / np.linalg.norm(legs)
    if np.linalg.norm(up) < 1.0:
        return None
    if snap:
        up = _snapped(up)
        left = _snapped(left - (left @ up) * up / (up @ up))
    else:
        up = np.array([0.0, 1.0, 0.0])
    frame = matrix_from_two_vectors(up, left, axes="yx")
    if not np.isfinite(frame).all():
        return None
    turn = quat_conjugate(matrix_to_quat(frame))
    return turn if _stands(at, turn) else None


def _stands(at: dict[str, Float[np.ndarray, "3"]], turn: Float[np.ndarray, "4"]) -> bool:
    """Whether all bones of the legs point down after a turn."""
    for side in ("left", "right"):
        for bone, end in (("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot")):
            start, end = f"{side}{bone}", f"{side}{end}"
            if start in at and end in at:
                way = quat_rotate(turn, at[end] - at[start])
                if -way[1] < _LEGS_DOWN * np.linalg.norm(way):
                    return False
    return True


def _snapped(vector: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """The axis of the world that a vector nearly has, or its direction."""
    way = vector / np.linalg.norm(vector)
    axis = int(np.argmax(np.abs(way)))
    return np.sign(way[axis]) * np.eye(3)[axis] if abs(way[axis]) > _SNAP else way


def _check_feet(rig: Rig, places: Float[np.ndarray, "nodes 3"], upright: Float[np.ndarray, "4"]) -> None:
    ahead = []
    for side in ("left", "right"):
        foot, toes = rig.node(f"{side}Foot"), rig.node(f"{side}Toes")
        if foot is not None and toes is not None:
            ahead.append(float(quat_rotate(upright, places[toes] - places[foot])[2]))
    if ahead and max(ahead) < -0.1 * _leg_m(rig):
        raise InputError(
            f"rig '{rig.name}': its feet point backwards when its left is on the left, so that names and shape "
            f"disagree: left leg {rig.roles['leftUpperLeg']}, right leg {rig.roles['rightUpperLeg']}; the figure is "
            "mirrored, or left and right are exchanged in its names"
        )


def _is_aimed(bone: str, here: Float[np.ndarray, "3"], way: Float[np.ndarray, "3"]) -> bool:
    """Whether a bone of a figure that stands at rest is swung onto the T-pose's direction."""
    limb = bone.removeprefix("left").removeprefix("right")
    if limb == "Foot":
        return bool(here @ way < _LEVEL_FOOT * np.linalg.norm(here))
    return limb in _LIMBS


def _reach(rig: Rig, local: Float[np.ndarray, "nodes 4"], node: int, bone: str) -> Float[np.ndarray, "3"] | None:
    """The other end of a bone in the axes of its joint; None where there is none."""
    for end in _TOWARDS.get(bone, ()):
        target = rig.node(end)
        if target is not None and node in _way_up(rig, target):
            return _place_in(rig, local, target, node)
    if bone and bone != "hips" and np.isfinite(rig.tips_m[node]).all():
        return rig.tips_m[node]
    return None


def _place_in(rig: Rig, local: Float[np.ndarray, "nodes 4"], node: int, above: int) -> Float[np.ndarray, "3"]:
    """Place of a joint in the axes of one above it."""
    place = np.zeros(3)
    while node != above:
        place = rig.offsets_m[node] + (quat_rotate(local[node], place) if place.any() else 0.0)
        node = rig.parents[node]
    return place


def _way_up(rig: Rig, node: int) -> list[int]:
    way = []
    while node >= 0:
        way.append(node)
        node = rig.parents[node]
    return way


def _hips_turn(rig: Rig, places: Float[np.ndarray, "nodes 3"]) -> Float[np.ndarray, "4"]:
    """The rotation that turns the hips of a figure that does not stand: thighs left and right, the spine up."""
    at = {bone: places[rig.names.index(joint)] for bone, joint in rig.roles.items()}
    left = at["leftUpperLeg"] - at["rightUpperLeg"]
    above = next((at[b] for b in ("spine", "chest", "neck", "head") if b in at and _far(at[b], at["hips"])), None)
    if above is None:
        raise InputError(f"rig '{rig.name}' has no joint above its hips; roles found: {', '.join(rig.roles)}")
    frame = matrix_from_two_vectors(left, above - at["hips"], axes="xy")
    if not np.isfinite(frame).all():
        raise InputError(f"rig '{rig.name}': hips, thighs and spine lie in one line, which tells no front")
    return quat_conjugate(matrix_to_quat(frame))


def _far(a: Float[np.ndarray, "3"], b: Float[np.ndarray, "3"]) -> bool:
    return bool(np.linalg.norm(a - b) > 1e-6)


def _faced(
    rig: Rig, local: Float[np.ndarray, "nodes 4"], node: int, turned: Float[np.ndarray, "4"]
) -> Float[np.ndarray, "4"]:
    """The chest turned about the vertical until its shoulders lie left and right."""
    ends = [rig.node(f"{side}{bone}") for bone in ("UpperArm", "Shoulder") for side in ("left", "right")]
    for left, right in (ends[:2], ends[2:]):
        if left is None or right is None or node not in _way_up(rig, left) or node not in _way_up(rig, right):
            continue
        across = _place_in(rig, local, left, node) - _place_in(rig, local, right, node)
        across = quat_rotate(turned, across) * [1.0, 0.0, 1.0]
        if np.linalg.norm(across) > 1e-6:
            return quat_multiply(quat_between(across, np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])), turned)
    return turned


def _leg_m(rig: Rig) -> float:
    """Length of the left leg from thigh to foot."""
    nodes = [rig.node(f"left{bone}") for bone in ("UpperLeg", "LowerLeg", "Foot")]
    lengths = [
        float(np.linalg.norm(_place_in(rig, rig.rotations, end, start)))
        for start, end in pairwise(nodes)
        if start is not None and end is not None
    ]
    return sum(lengths) or 1.0


def _places(rig: Rig, orientations: Float[np.ndarray, "nodes 4"]) -> Float[np.ndarray, "nodes 3"]:
    places = np.zeros((len(rig.names), 3))
    for node, parent in enumerate(rig.parents):
        places[node] = rig.offsets_m[node]
        if parent >= 0:
            places[node] = places[parent] + quat_rotate(orientations[parent], rig.offsets_m[node])
    return places

"""Animations whose joints have axes of their own at rest, turned into ones whose joints all stand like the world."""

import logging
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from maquette.geometry.kinematics import depth_first_order
from maquette.geometry.rotations import quat_conjugate, quat_continuous, quat_identity, quat_multiply, quat_rotate
from maquette.rig.animation_rig import RigAnimation

_log = logging.getLogger(__name__)


def with_straight_rest(animation: RigAnimation) -> RigAnimation:
    """The same motion of the same figure with the identity as every joint's rotation at rest, as BVH has it.

    Each joint turns away from its rest pose as before, told in the axes of the world.
    """
    return animation if animation.rest_rotations is None else with_axes_turned(animation, animation.rest_pose()[1])


def with_axes_turned(animation: RigAnimation, turn: Float[np.ndarray, "nodes 4"]) -> RigAnimation:
    """The same motion of the same figure with the identity as every joint's rotation at rest, told in axes from which
    ``turn`` led to those of each joint so far.

    With W the turn of a joint and W' that of its parent, its offset becomes W' o, the end of its bone W e, and its
    rotation W' R W^-1.
    """
    above = np.array([turn[parent] if parent >= 0 else quat_identity() for parent in animation.parents])
    rotations = quat_multiply(quat_multiply(above, animation.rotations), quat_conjugate(turn))
    return replace(
        animation,
        rest_offsets_m=quat_rotate(above, animation.rest_offsets_m),
        tip_offsets_m=quat_rotate(turn, animation.tip_offsets_m),
        rotations=quat_continuous(rotations),
        rest_rotations=None,
    )


def depth_first(animation: RigAnimation) -> RigAnimation:
    """The same animation with each joint's subtree in one piece, as files that nest their joints have it."""
    order = depth_first_order(animation.parents)
    return animation if order == sorted(order) else _taken(animation, order)


def thighs_on_hips(animation: RigAnimation) -> RigAnimation:
    """The animation without the joints between the hips and a thigh or the spine that stand where the hips do, so that
    thighs and spine hang on the hips themselves. Their rotations go into the joints below; these then keep a constant
    place in the hips, the mean over the frames. How far that moves them is logged where it is more than 1 mm.

    The rest pose must be straight (:func:`with_straight_rest`).
    """
    hips = animation.names.index(animation.roles["hips"]) if "hips" in animation.roles else 0
    known = set(animation.roles.values())
    spare = [
        node
        for node, parent in enumerate(animation.parents)
        if parent == hips
        and animation.names[node] not in known
        and np.linalg.norm(animation.rest_offsets_m[node]) < 1e-6
        and any(above == node for above in animation.parents)
        and not np.isfinite(animation.tip_offsets_m[node]).all()
    ]
    if not spare:
        return animation
    offsets, rotations = animation.rest_offsets_m.copy(), animation.rotations.copy()
    parents, worst_m = list(animation.parents), 0.0
    for node, parent in enumerate(animation.parents):
        if parent in spare:
            places = quat_rotate(animation.rotations[:, parent], animation.rest_offsets_m[node])
            offsets[node] = places.mean(axis=0)
            worst_m = max(worst_m, float(np.linalg.norm(places - offsets[node], axis=-1).max()))
            rotations[:, node] = quat_multiply(animation.rotations[:, parent], animation.rotations[:, node])
            parents[node] = hips
    if worst_m > 1e-3:
        _log.warning("thighs move in the hips by up to %.1f mm; the file holds them still", 1000 * worst_m)
    changed = replace(animation, rest_offsets_m=offsets, rotations=quat_continuous(rotations), parents=tuple(parents))
    return _taken(changed, [node for node in range(len(parents)) if node not in spare])


def _taken(animation: RigAnimation, order: list[int]) -> RigAnimation:
    """Only some of the joints, in another order."""
    new = {old: number for number, old in enumerate(order)}
    rest = animation.rest_rotations
    return replace(
        animation,
        names=tuple(animation.names[node] for node in order),
        parents=tuple(new.get(animation.parents[node], -1) for node in order),
        rest_offsets_m=animation.rest_offsets_m[order],
        tip_offsets_m=animation.tip_offsets_m[order],
        rotations=animation.rotations[:, order],
        rest_rotations=None if rest is None else rest[order],
        places={name: (new[node], tip) for name, (node, tip) in animation.places.items() if node in new},
    )

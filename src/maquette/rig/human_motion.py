"""Positions of a person's joints from the motion of any figure, for those who measure and compare."""

from itertools import pairwise

import numpy as np
from jaxtyping import Float

from maquette.mapping.motions import READABLE, SPINE_SHARE, person_of, to_human
from maquette.motion import Motion
from maquette.rig.rest import is_human
from maquette.rig.roles import Roles, roles_or_error
from maquette.skeleton import Skeleton

_BONES = {
    "UpperLeg": "hip", "LowerLeg": "knee", "Foot": "ankle", "Toes": "toe",
    "UpperArm": "shoulder", "LowerArm": "elbow", "Hand": "wrist",
}  # fmt: skip
"""Humanoid bone without its side -> joint of ours where it begins."""
_CROWN_M = 0.175
_LEG_M = 0.83
"""From the pivot of the skull to the crown of an adult whose thigh and shin are this long."""
_SHORTEST_HEAD_M = 0.05


def human_motion(motion: Motion) -> Motion:
    """The motion on ``maquette-21`` or ``h36m-17``: as it is, by the names of its joints, or, for the figures of
    animation files, by which joint is which bone (:func:`maquette.rig.roles.guess_roles`).

    Of a figure the hip is the middle of the thighs' joints, the thorax the neck's joint, the spine a point on its
    joints, the crown 17.5 cm (of an adult) beyond the skull's joint; :func:`maquette.mapping.motions.person_of`
    estimates the rest. The notes say so.

    Raises:
        InputError: no human figure; the text lists what was found and what was not.
    """
    skeleton = motion.skeleton
    if is_human(skeleton):
        return motion
    if skeleton.name in READABLE:
        return to_human(motion)
    roles = roles_or_error(skeleton.joints, skeleton.parents, motion.source or f"skeleton '{skeleton.name}'")
    at: dict[str, np.ndarray] = {}
    for side in ("left", "right"):
        for bone, joint in _BONES.items():
            if f"{side}{bone}" in roles.bones:
                at[f"{side[0]}_{joint}"] = motion.joint(roles.bones[f"{side}{bone}"])
    at["hip"] = 0.5 * (at["l_hip"] + at["r_hip"])
    at["thorax"] = _thorax(motion, roles, at)
    at["spine"] = _spine(motion, roles, at)
    at["head"] = _crown(motion, roles, at)
    return person_of(motion, at)


def _thorax(motion: Motion, roles: Roles, at: dict[str, np.ndarray]) -> Float[np.ndarray, "frames 3"]:
    """Base of the neck: where the neck's bone begins; in ASF files, whose neck begins in the chest, where its first
    bone ends."""
    neck = roles.bones.get("neck")
    if neck is None:
        return np.full_like(at["hip"], np.nan)
    skeleton = motion.skeleton
    if skeleton.name.startswith("asf:"):
        below = skeleton.children(skeleton.index(neck))
        return motion.positions[:, below[0]] if below else motion.joint(neck)
    return motion.joint(neck)


def _spine(motion: Motion, roles: Roles, at: dict[str, np.ndarray]) -> Float[np.ndarray, "frames 3"]:
    """The point of the spine's joints that is a constant share of the way from hip to thorax."""
    stations = [at["hip"], *(motion.joint(name) for name in roles.spine), at["thorax"]]
    # Some rigs have the first joint of the spine below the hips, or on them.
    steps = [float(np.nanmedian(np.linalg.norm(b - a, axis=-1))) for a, b in pairwise(stations)]
    if not np.isfinite(steps).all():
        return np.full_like(at["hip"], np.nan)
    wanted = SPINE_SHARE * sum(steps)
    for (start, end), step in zip(pairwise(stations), steps, strict=True):
        if wanted <= step:
            return start + wanted / max(step, 1e-9) * (end - start)
        wanted -= step
    return at["thorax"]


def _crown(motion: Motion, roles: Roles, at: dict[str, np.ndarray]) -> Float[np.ndarray, "frames 3"]:
    """Beyond the skull's joint, towards the end of its bone where the file has one, else on from the neck."""
    skeleton, pivot = motion.skeleton, motion.joint(roles.bones["head"])
    way = pivot - at["thorax"]
    for child in _leaves(skeleton, skeleton.index(roles.bones["head"])):
        bone = motion.positions[:, child] - pivot
        if float(np.nanmedian(np.linalg.norm(bone, axis=-1))) > _SHORTEST_HEAD_M:
            way = bone
    legs_m = sum(
        float(np.nanmedian(np.linalg.norm(at[f"l_{upper}"] - at[f"l_{lower}"], axis=-1)))
        for upper, lower in (("hip", "knee"), ("knee", "ankle"))
    )
    length = np.linalg.norm(way, axis=-1, keepdims=True)
    return pivot + _CROWN_M * legs_m / _LEG_M * way / np.where(length > 1e-9, length, np.nan)


def _leaves(skeleton: Skeleton, head: int) -> list[int]:
    """Ends of the skull's own bone: children without children. Eyes and jaws have ends of their own."""
    children = skeleton.children(head)
    return [child for child in children if not skeleton.children(child)] if len(children) == 1 else []

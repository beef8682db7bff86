"""The rest pose: a T-pose, Y up, facing +Z, arms along the X axis (left = +X), legs down, feet flat and forward.

Directions are literals, lengths those of the motion.
"""

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.refine.motion_bones import bone_lengths
from maquette.skeleton import Skeleton

_SHOULDER = (0.96, -0.28, 0.0)
_ANKLE_TO_TOE = (0.0, -0.45, 0.893)
"""Where the heel is not known: the ball of the foot lies 27 degrees below the ankle's horizontal."""

REST_DIRECTIONS: dict[str, tuple[float, float, float]] = {
    "l_hip": (1.0, 0.0, 0.0),
    "l_knee": (0.0, -1.0, 0.0),
    "l_ankle": (0.0, -1.0, 0.0),
    "l_toe": _ANKLE_TO_TOE,
    "l_heel": (0.0, -0.8, -0.6),
    "spine": (0.0, 1.0, 0.0),
    "thorax": (0.0, 1.0, 0.0),
    "nose": (0.0, 0.94, 0.341),
    "head": (0.0, 0.985, -0.173),
    "l_shoulder": _SHOULDER,
    "l_elbow": (1.0, 0.0, 0.0),
    "l_wrist": (1.0, 0.0, 0.0),
}
"""Direction of the bone that ends in each joint; right joints have x negated. That of ``nose`` and ``head`` is how an
upright person's neck and head lie (Human3.6M's ``nose`` is a point inside the head, in front of the line from neck to
crown; medians of standing frames of three mocap rigs are within 6 degrees), and shoulders hang below the base of the
neck."""

HUMAN_BONES: dict[str, str] = {
    "r_hip": "hip", "r_knee": "r_hip", "r_ankle": "r_knee", "l_hip": "hip", "l_knee": "l_hip", "l_ankle": "l_knee",
    "spine": "hip", "thorax": "spine", "nose": "thorax", "head": "nose",
    "l_shoulder": "thorax", "l_elbow": "l_shoulder", "l_wrist": "l_elbow",
    "r_shoulder": "thorax", "r_elbow": "r_shoulder", "r_wrist": "r_elbow",
}  # fmt: skip
"""Joint -> parent of the bones that a skeleton must have, with Human3.6M's meaning, for rotations to be solved."""


def is_human(skeleton: Skeleton) -> bool:
    """Whether rotations can be solved: the joints and bones of Human3.6M-17 are there (more joints may be)."""
    return not _missing(skeleton)


def _missing(skeleton: Skeleton) -> list[str]:
    """Joints of :data:`HUMAN_BONES` that the skeleton has not, or hangs on another joint."""
    parent_of = {
        name: skeleton.joints[parent] if parent >= 0 else ""
        for name, parent in zip(skeleton.joints, skeleton.parents, strict=True)
    }
    return [joint for joint, parent in {"hip": "", **HUMAN_BONES}.items() if parent_of.get(joint) != parent]


def check_human(skeleton: Skeleton) -> None:
    """Refuse other skeletons.

    Raises:
        InputError: joints are missing; the text names them.
    """
    missing = _missing(skeleton)
    if missing:
        raise InputError(
            f"rotations cannot be solved for skeleton '{skeleton.name}': it lacks {', '.join(missing[:5])}"
            f"{' ...' if len(missing) > 5 else ''}, or hangs them on other joints than Human3.6M; "
            "expected h36m-17 or maquette-21"
        )


def rest_direction(joint: str) -> Float[np.ndarray, "3"]:
    """Unit direction of the bone that ends in ``joint``."""
    mirrored = joint.startswith("r_")
    x, y, z = REST_DIRECTIONS[f"l_{joint[2:]}" if mirrored else joint]
    direction = np.array([-x if mirrored else x, y, z])
    return direction / np.linalg.norm(direction)


def rest_offsets_m(motion: Motion) -> Float[np.ndarray, "joints 3"]:
    """Place of each joint in its parent in the rest pose; the root's is zero. Lengths are medians over the frames.

    With heel and toe of a side known, its foot is the triangle that their distances make, the sole level.

    Raises:
        InputError: the skeleton is not a human one, or a bone is never seen.
    """
    skeleton = motion.skeleton
    check_human(skeleton)
    lengths = bone_lengths(motion, symmetric=False)
    unseen = [skeleton.joints[joint] for joint in _known_bones(skeleton) if not np.isfinite(lengths[joint])]
    if unseen:
        raise InputError(f"the bones to {', '.join(unseen)} are seen in no frame; fill the gaps first")
    return offsets_of_lengths(skeleton, lengths, np.array([_sole_m(motion, side) for side in _SIDES]))


def offsets_of_lengths(
    skeleton: Skeleton, lengths_m: Float[np.ndarray, "*people joints"], soles_m: Float[np.ndarray, "*people 2"]
) -> Float[np.ndarray, "*people joints 3"]:
    """Rest offsets of bones of these lengths.

    Args:
        lengths_m: of the bone that ends in each joint of a human skeleton; those of joints that no rest direction is
            known for do not matter.
        soles_m: from heel to toe, left and right; NaN makes their angle at the ankle a right one.
    """
    offsets = np.zeros((*lengths_m.shape, 3))
    known = _known_bones(skeleton)
    offsets[..., known, :] = lengths_m[..., known, None] * [rest_direction(skeleton.joints[joint]) for joint in known]
    for number, side in enumerate(_SIDES):
        if has_foot(skeleton, side):
            ends = skeleton.indices((f"{side}toe", f"{side}heel"))
            offsets[..., ends, :] = _foot(lengths_m[..., ends[0]], lengths_m[..., ends[1]], soles_m[..., number])
    return offsets


def _known_bones(skeleton: Skeleton) -> list[int]:
    """Joints at the ends of bones whose rest direction is known."""
    return [
        joint
        for joint, name in enumerate(skeleton.joints)
        if skeleton.parents[joint] >= 0 and name.removeprefix("r_").removeprefix("l_") in _BONES
    ]


_SIDES = ("l_", "r_")
_BONES = {name.removeprefix("l_") for name in REST_DIRECTIONS}


def has_foot(skeleton: Skeleton, side: str) -> bool:
    """Whether heel and toe of a side (``l_`` or ``r_``) are there."""
    return f"{side}toe" in skeleton and f"{side}heel" in skeleton


def _sole_m(motion: Motion, side: str) -> float:
    """Median distance from heel to toe; NaN where they are not known."""
    if not has_foot(motion.skeleton, side):
        return np.nan
    soles = np.linalg.norm(motion.joint(f"{side}toe") - motion.joint(f"{side}heel"), axis=-1)
    seen = soles[np.isfinite(soles)]
    return float(np.median(seen)) if seen.size else np.nan


def _foot(
    toe_m: Float[np.ndarray, "*people"], heel_m: Float[np.ndarray, "*people"], sole_m: Float[np.ndarray, "*people"]
) -> Float[np.ndarray, "*people 2 3"]:
    """Toe and heel from the ankle, in the sagittal plane, the heel straight behind the toe."""
    sole_m = np.where(np.isnan(sole_m), np.hypot(toe_m, heel_m), sole_m)
    # Medians of three sides need not close a triangle; the nearest one that does is flat.
    sole_m = np.clip(sole_m, np.abs(toe_m - heel_m), toe_m + heel_m)
    ahead_m = np.where(sole_m > 1e-6, (toe_m**2 - heel_m**2 + sole_m**2) / np.maximum(2 * sole_m, 1e-6), 0.0)
    ahead_m = np.clip(ahead_m, -toe_m, toe_m)
    foot = np.zeros((*sole_m.shape, 2, 3))
    foot[..., 0, 1] = foot[..., 1, 1] = -np.sqrt(toe_m**2 - ahead_m**2)
    foot[..., 0, 2] = ahead_m
    foot[..., 1, 2] = ahead_m - sole_m
    length_m = np.linalg.norm(foot[..., 1, :], axis=-1)
    foot[..., 1, :] *= np.where(length_m > 1e-9, heel_m / np.maximum(length_m, 1e-9), 1.0)[..., None]
    return foot

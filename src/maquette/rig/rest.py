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
    offsets = np.zeros((len(skeleton), 3))
    unseen = []
    for joint, name in enumerate(skeleton.joints):
        if skeleton.parents[joint] < 0 or name.removeprefix("r_").removeprefix("l_") not in _BONES:
            continue
        if not np.isfinite(lengths[joint]):
            unseen.append(name)
        offsets[joint] = lengths[joint] * rest_direction(name)
    if unseen:
        raise InputError(f"the bones to {', '.join(unseen)} are seen in no frame; fill the gaps first")
    for side in ("l_", "r_"):
        if has_foot(skeleton, side):
            offsets[skeleton.indices((f"{side}toe", f"{side}heel"))] = _foot(motion, side, lengths)
    return offsets


_BONES = {name.removeprefix("l_") for name in REST_DIRECTIONS}


def has_foot(skeleton: Skeleton, side: str) -> bool:
    """Whether heel and toe of a side (``l_`` or ``r_``) are there."""
    return f"{side}toe" in skeleton and f"{side}heel" in skeleton


def _foot(motion: Motion, side: str, lengths: Float[np.ndarray, " joints"]) -> Float[np.ndarray, "2 3"]:
    """Toe and heel from the ankle, in the sagittal plane, the heel straight behind the toe."""
    toe_m, heel_m = (float(lengths[motion.skeleton.index(f"{side}{end}")]) for end in ("toe", "heel"))
    soles = np.linalg.norm(motion.joint(f"{side}toe") - motion.joint(f"{side}heel"), axis=-1)
    seen = soles[np.isfinite(soles)]
    sole_m = float(np.median(seen)) if seen.size else float(np.hypot(toe_m, heel_m))
    # Medians of three sides need not close a triangle; the nearest one that does is flat.
    sole_m = float(np.clip(sole_m, abs(toe_m - heel_m), toe_m + heel_m))
    ahead_m = (toe_m**2 - heel_m**2 + sole_m**2) / (2 * sole_m) if sole_m > 1e-6 else 0.0
    ahead_m = float(np.clip(ahead_m, -toe_m, toe_m))
    down_m = np.sqrt(toe_m**2 - ahead_m**2)
    heel = np.array([0.0, -down_m, ahead_m - sole_m])
    length = np.linalg.norm(heel)
    return np.array([[0.0, -down_m, ahead_m], heel * (heel_m / length if length > 1e-9 else 1.0)])

"""3D motions of other programs on the joints that rotations are solved for: Human3.6M-17, with heels and toes."""

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.geometry.rotations import hold_known, unit_vectors
from maquette.mapping.joint_map import JointMap
from maquette.mapping.maps import LANDMARKS_27_V1
from maquette.motion import Motion
from maquette.skeletons import H36M_17, LANDMARKS_27, LIFTED_21, SMPL_24

Path3 = Float[np.ndarray, "frames 3"]

_TRUNK_M = 0.51
"""From the middle of the hips to that of the shoulders of the adult that the lengths below belong to; others are
scaled."""
_EARS_TO_CROWN_M = 0.13
_EARS_TO_NOSE_M = (0.11, -0.02)
"""Forward and up. With :data:`_EARS_TO_CROWN_M` approximate anthropometry, good to about 2 cm."""
_NECK_PER_SHOULDERS = 0.146
"""Height of the base of the neck over the middle of the shoulders, per distance of the shoulders (the rest pose of
:mod:`maquette.rig.rest` has the same)."""
SPINE_SHARE = 0.486
"""Where Human3.6M's spine lies between hip and thorax in its mean pose."""
_NECK_NOSE_FORWARD_M = 0.04
"""Human3.6M's Neck/Nose lies in front of the middle between thorax and crown."""
_CROWN_PER_NECK = 1.9
"""SMPL's head joint is the pivot of the skull: the crown lies beyond it by this much of the way from neck to head."""

_INSTEP_RAD = np.radians(27.0)
"""How much steeper the line from ankle to ball of the foot is than the sole (:mod:`maquette.rig.rest` has the same)."""
_HEEL_M = (0.05, 0.01)
"""Heel behind the ankle, and below the ball of the foot."""

_SIDES = ("l", "r")

SMPL_TO_LANDMARKS: dict[str, str] = {
    **{f"{s}_{part}": f"{s}_{part}" for s in _SIDES for part in "hip knee ankle shoulder elbow wrist".split()},
    **{f"{s}_toe": f"{s}_foot" for s in _SIDES},
    "thorax": "neck",
    "spine": "spine2",
}
"""Landmark -> joint of SMPL-24. SMPL's ``foot`` is the ball of the foot."""

READABLE = (*LANDMARKS_27_V1, SMPL_24.name)
"""Names of skeletons that :func:`to_human` takes."""


def to_human(motion: Motion) -> Motion:
    """The motion on ``maquette-21``, or on ``h36m-17`` where toes are not among its joints.

    Joints that both have are taken over; what is missing is put where it lies in a body (:func:`person_of`).

    Raises:
        InputError: another skeleton (the text lists those that are known; :func:`maquette.rig.human_motion` takes any
            figure), or hips or shoulders are never seen.
    """
    if motion.skeleton in (H36M_17, LIFTED_21):
        return motion
    source = motion.skeleton.name
    if source not in READABLE:
        raise InputError(
            f"there is no map from skeleton '{source}' to a person's joints; known are {', '.join(READABLE)}"
        )
    rows = SMPL_TO_LANDMARKS if source == SMPL_24.name else LANDMARKS_27_V1[source].rows
    joint_map = JointMap(source, LANDMARKS_27.name, rows, "joints of the same meaning")
    sigma_m = np.zeros(motion.positions.shape[:2]) if motion.sigma_m is None else motion.sigma_m
    landmarks, landmarks_sigma_m = joint_map.apply_arrays(motion.positions, sigma_m)
    at = dict(zip(LANDMARKS_27.joints, landmarks.transpose(1, 0, 2), strict=True))
    pivot = motion.joint("head") if source == SMPL_24.name else None
    sigma = None
    if motion.sigma_m is not None:
        sigma = dict(zip(LANDMARKS_27.joints, landmarks_sigma_m.T, strict=True))
    return person_of(motion, at, sigma_m=sigma, skull_pivot=pivot)


def person_of(
    motion: Motion,
    at: dict[str, Path3],
    *,
    sigma_m: dict[str, Float[np.ndarray, " frames"]] | None = None,
    skull_pivot: Path3 | None = None,
) -> Motion:
    """A motion with the joints of a person from those that are known.

    What is missing is estimated: the hip between the hips, the base of the neck above the middle of the shoulders, the
    spine between both, the crown above the ears (or beyond the pivot of the skull), Human3.6M's Neck/Nose between neck
    and crown, heels behind the ankles of feet whose toes are known; the notes name what was. Rotations are dropped,
    since they belong to other bones; times, contacts of joints that stay, camera and provenance are kept.

    Args:
        motion: where all but the joints comes from.
        at: paths of landmarks of ``landmarks-27`` in metres, NaN where unknown.
        sigma_m: standard deviations of these; joints that are estimated get NaN.
        skull_pivot: path of the joint between neck and head, where there is one and no crown.

    Raises:
        InputError: hips, knees, ankles or arms are never known.
    """
    at = {name: at.get(name, np.full((motion.n_frames, 3), np.nan)) for name in LANDMARKS_27.joints}
    made = _complete(at, motion.source, skull_pivot)
    target = LIFTED_21 if _ever(at["l_toe"]) and _ever(at["r_toe"]) else H36M_17
    if target is LIFTED_21:
        made += _add_heels(at)
    unknown = np.full(motion.n_frames, np.nan)
    contacts = [i for i, name in enumerate(motion.contact_joints) if name in target]
    estimated = f"estimated from the joints around: {', '.join(made)}" if made else "all by name"
    sigma = {} if sigma_m is None else {name: value for name, value in sigma_m.items() if name not in made}
    return motion.with_notes(
        f"joints of {target.name} from those of {motion.skeleton.name}; {estimated}",
        skeleton=target,
        positions=np.stack([at[name] for name in target.joints], axis=1),
        rotations=None,
        sigma_m=None if sigma_m is None else np.stack([sigma.get(name, unknown) for name in target.joints], axis=1),
        contacts=None if motion.contacts is None or not contacts else motion.contacts[:, contacts],
        contact_joints=tuple(motion.contact_joints[i] for i in contacts) if motion.contacts is not None else (),
    )


def _add_heels(at: dict[str, Path3]) -> list[str]:
    """Put heels that are not known behind and below the ankles, in place; their names.

    The sole runs from under the ankle to the ball of the foot, 27 degrees flatter than the line between both.
    """
    made = [f"{side}_heel" for side in _SIDES if not _ever(at[f"{side}_heel"])]
    scale = _median_length(0.5 * (at["l_shoulder"] + at["r_shoulder"]) - at["hip"]) / _TRUNK_M
    ahead = unit_vectors(np.cross(at["l_hip"] - at["r_hip"], at["thorax"] - at["hip"]))
    for name in made:
        side = name[0]
        foot = at[f"{side}_toe"] - at[f"{side}_ankle"]
        shin = at[f"{side}_knee"] - at[f"{side}_ankle"]
        along = unit_vectors(foot)
        # The instep of a foot in line with its shin looks where the body looks.
        above = _perpendicular(unit_vectors(shin) + 0.03 * ahead, foot)
        forward = np.cos(_INSTEP_RAD) * along + np.sin(_INSTEP_RAD) * above
        up = np.cos(_INSTEP_RAD) * above - np.sin(_INSTEP_RAD) * along
        drop_m = np.sin(_INSTEP_RAD) * _median_length(foot) + _HEEL_M[1] * scale
        at[name] = at[f"{side}_ankle"] - _HEEL_M[0] * scale * forward - drop_m * up
    return made


def _complete(at: dict[str, Path3], where: str, skull_pivot: Path3 | None) -> list[str]:
    """Fill the joints of Human3.6M that no landmark gives, in place; their names."""
    lacking = [name for name in H36M_17.joints if not _ever(at[name])]
    limbs = [name for name in lacking if name[:2] in ("l_", "r_")]
    if limbs:
        raise InputError(f"{where or 'the motion'}: {', '.join(limbs)} are seen in no frame")
    hips, shoulders = (0.5 * (at[f"l_{part}"] + at[f"r_{part}"]) for part in ("hip", "shoulder"))
    trunk = shoulders - hips
    scale = _median_length(trunk) / _TRUNK_M
    if "hip" in lacking:
        at["hip"] = hips
    if "thorax" in lacking:
        span_m = _median_length(at["l_shoulder"] - at["r_shoulder"])
        at["thorax"] = shoulders + _NECK_PER_SHOULDERS * span_m * unit_vectors(trunk)
    if "spine" in lacking:
        at["spine"] = (1 - SPINE_SHARE) * at["hip"] + SPINE_SHARE * at["thorax"]
    forward = np.cross(at["l_shoulder"] - at["r_shoulder"], trunk)
    head_forward, crown = _head(at, forward, scale, skull_pivot)
    if "head" in lacking:
        at["head"] = crown
    if "nose" in lacking:
        at["nose"] = 0.5 * (at["thorax"] + at["head"]) + _NECK_NOSE_FORWARD_M * scale * head_forward
    return lacking


def _head(at: dict[str, Path3], forward: Path3, scale: float, skull_pivot: Path3 | None) -> tuple[Path3, Path3]:
    """``(way the head looks, crown)`` from ears and tip of the nose; without them in line with the trunk."""
    trunk = unit_vectors(at["thorax"] - at["hip"])
    seen = [name for name in ("l_ear", "r_ear", "face_nose") if _ever(at[name])]
    if skull_pivot is not None:
        neck_to_head = skull_pivot - at["thorax"]
        return _perpendicular(forward, neck_to_head), skull_pivot + _CROWN_PER_NECK * neck_to_head
    if len(seen) < 3:
        up = unit_vectors(at["head"] - at["thorax"]) if _ever(at["head"]) else trunk
        return _perpendicular(forward, up), at["thorax"] + 0.25 * scale * up
    ears = 0.5 * (at["l_ear"] + at["r_ear"])
    left = at["l_ear"] - at["r_ear"]
    ahead = _perpendicular(at["face_nose"] - ears, left)
    above = unit_vectors(np.cross(ahead, left))
    # The tip of the nose lies a little below the ears.
    down_rad = np.arctan2(-_EARS_TO_NOSE_M[1], _EARS_TO_NOSE_M[0])
    up = np.cos(down_rad) * above - np.sin(down_rad) * ahead
    look = np.cos(down_rad) * ahead + np.sin(down_rad) * above
    # Where the ears are not seen, the head goes on with the trunk as it last did.
    known = np.asarray(np.isfinite(up).all(axis=-1))
    crown = ears + _EARS_TO_CROWN_M * scale * up
    beside = hold_known(np.where(known[:, None], crown - at["thorax"], np.nan), known)
    return np.where(known[:, None], look, _perpendicular(forward, trunk)), np.where(
        known[:, None], crown, at["thorax"] + beside
    )


def _ever(path: Path3) -> bool:
    """Whether a joint is known in any frame."""
    return bool(np.isfinite(path).all(axis=-1).any())


def _median_length(vectors: Path3) -> float:
    lengths = np.linalg.norm(vectors, axis=-1)
    lengths = lengths[np.isfinite(lengths)]
    if not lengths.size:
        raise InputError("hips and shoulders are never seen together; a person's joints cannot be told")
    return float(np.median(lengths))


def _perpendicular(vectors: Path3, axis: Path3) -> Path3:
    """Unit part of ``vectors`` across ``axis``."""
    along = unit_vectors(axis)
    return unit_vectors(vectors - (vectors * along).sum(axis=-1, keepdims=True) * along)

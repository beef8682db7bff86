"""Local rotations from joint positions.

What positions determine is taken from them; what they leave open is settled by this twist policy:

* hips: the line through the hip joints, upright along the bone to the spine;
* chest: the bone from spine to thorax, turned by the line through the shoulders;
* upper arm and thigh: swing without twist from the shoulder girdle and from the hips, then twist until the plane of the
  bent elbow or knee is the hinge's plane. A limb that is nearly straight has no plane: the twist then fades, over
  10 to 25 degrees of bend, into that of the neighbouring moments (and for legs of the foot, whose toes the kneecap
  follows), and in their absence to no twist, within the ranges of :mod:`maquette.rig.limits`;
* forearm and shin: the hinge alone (pronation is not seen);
* head: the bone from nose to crown, turned by what tells where the face looks: ears, eyes and the tip of the nose where
  the skeleton has them, and how far Human3.6M's nose stands before the line from thorax to crown;
* feet: the line from ankle to toe, rolled by the heel, tempered by the shin; hands follow the forearm, toes the foot.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float

from maquette.geometry.rotations import (
    hold_known,
    matrix_from_two_vectors,
    matrix_to_quat,
    quat_about,
    quat_between,
    quat_conjugate,
    quat_continuous,
    quat_identity,
    quat_multiply,
    quat_rotate,
)
from maquette.motion import Motion
from maquette.rig.hinge import hinge_twist
from maquette.rig.limits import HINGE_AXES, TWIST_DEG, limited
from maquette.rig.rest import check_human, has_foot, rest_direction, rest_offsets_m

Vectors = Float[np.ndarray, "frames 3"]
Quats = Float[np.ndarray, "frames 4"]

_X, _Y, _Z = np.eye(3)
_LEAST_LEVER_M = 0.02
"""With less than this to tell where the face looks, the chest tells the rest."""
_CHEST_LEVER_M = 0.001
"""The chest's say in any case."""
_TURN_SD_RAD = np.radians(20.0)
"""How far heads are turned against the chest, standard deviation; chosen on takes with errors put on."""
_HEEL_SHARE = 0.7
"""Weight of the triangle of ankle, toe and heel for the roll of the foot, beside 1 for the axis of the knee."""


def solve_rotations(motion: Motion, *, limits: Literal["twist", "joints", "none"] = "twist") -> Motion:
    """The motion with ``rotations``: of each joint relative to its parent, identity in the T-pose.

    The rotation of a joint turns the bones that leave it towards its children (as in BVH and glTF). Where several
    leave it (hip, thorax, ankle) it is the frame of that part of the body; :func:`maquette.rig.animate` gives each of
    them a joint of its own, so that positions come back exactly. Joints at the ends of limbs follow their parent. A
    rotation is NaN where a position that it depends on is. The module tells the twist policy.

    Args:
        limits: anatomical ranges (:mod:`maquette.rig.limits`). ``"twist"`` bounds only what positions leave open, the
            twist of straight arms and legs, so that positions stay as they are. ``"joints"`` also turns elbows, knees,
            ankles and neck back where the positions bend them further than people can, and moves the positions that
            hang on them (:func:`maquette.rig.limits.limited`). ``"none"`` bounds nothing.

    Raises:
        InputError: the skeleton lacks joints of Human3.6M-17, or a bone is never seen.
    """
    check_human(motion.skeleton)
    skeleton = motion.skeleton
    orientations = _orientations(motion, limits != "none")
    # Joints first in memory: each step works on one joint in all frames.
    rotations = np.empty((len(skeleton), motion.n_frames, 4))
    for joint in skeleton.order:
        name, parent = skeleton.joints[joint], skeleton.parents[joint]
        above = orientations[skeleton.joints[parent]] if parent >= 0 else quat_identity((motion.n_frames,))
        own = orientations.setdefault(name, above)
        # Joints that are rigid with their parent are so also where the parent is unknown.
        rotations[joint] = (
            quat_identity((motion.n_frames,)) if own is above else quat_multiply(quat_conjugate(above), own)
        )
    solved = motion.with_notes(
        "local rotations solved from the positions (twist from the planes of elbows and knees)",
        rotations=quat_continuous(rotations, axis=1).transpose(1, 0, 2),
    )
    return limited(solved) if limits == "joints" else solved


def _orientations(motion: Motion, limit_twist: bool) -> dict[str, Quats]:
    """World orientation of each part of the body, under the name of the joint that turns it."""
    joints_first = np.ascontiguousarray(motion.positions.transpose(1, 0, 2))
    at = dict(zip(motion.skeleton.joints, joints_first, strict=True))
    rest = dict(zip(motion.skeleton.joints, rest_offsets_m(motion), strict=True))
    pelvis = _held(
        _frame(at["l_hip"] - at["r_hip"], at["spine"] - at["hip"], "xy"), at["hip"], at["l_hip"], at["r_hip"]
    )
    chest_known = (at["thorax"], at["spine"], at["l_shoulder"], at["r_shoulder"])
    chest = _held(_frame(at["thorax"] - at["spine"], at["l_shoulder"] - at["r_shoulder"], "yx"), *chest_known)
    turned = {"hip": pelvis, "spine": chest, "thorax": chest}
    turned |= {"nose": _head(at, rest, chest)}
    for side in ("l_", "r_"):
        girdle = _swung(chest, rest_direction(f"{side}shoulder"), at[f"{side}shoulder"] - at["thorax"])
        arm = tuple(at[f"{side}{joint}"] for joint in ("shoulder", "elbow", "wrist"))
        upper, lower = _limb(girdle, arm, f"{side}elbow", motion, limit_twist)
        turned |= {f"{side}shoulder": upper, f"{side}elbow": lower, f"{side}wrist": lower}
        leg = tuple(at[f"{side}{joint}"] for joint in ("hip", "knee", "ankle"))
        forward = at[f"{side}toe"] - at[f"{side}ankle"] if f"{side}toe" in at else None
        thigh, shin = _limb(pelvis, leg, f"{side}knee", motion, limit_twist, forward)
        turned |= {f"{side}hip": thigh, f"{side}knee": shin, f"{side}ankle": _foot(at, rest, side, shin, motion)}
    return turned


def _frame(primary: Vectors, secondary: Vectors, axes: str) -> Quats:
    """Orientation with one axis along ``primary`` and another as near as can be to ``secondary``."""
    # A frame that is open is NaN as a whole, and so is its quaternion.
    quats = matrix_to_quat(matrix_from_two_vectors(primary, secondary, axes=axes))
    return np.where(np.isnan(quats @ np.ones(4))[:, None], np.nan, quats)


def _held(quats: Quats, *seen: Vectors) -> Quats:
    """Orientations that are open although all positions are ``seen`` (points that coincide or lie in line) repeat the
    last that was not; unknown positions stay unknown."""
    known = np.asarray(np.isfinite(quats[:, 0]))
    if known.all():
        return quats
    is_seen = np.asarray(np.isfinite(np.concatenate(seen, axis=-1)).all(axis=-1))
    if not (is_seen & ~known).any():
        return quats
    filled = hold_known(quats, known)
    first = filled[np.argmax(known)] if known.any() else quat_identity()
    filled = np.where(np.isnan(filled), first, filled)
    return np.where((is_seen & ~known)[:, None], filled, quats)


def _swung(base: Quats, rest: Float[np.ndarray, "3"], bone: Vectors) -> Quats:
    """``base`` turned on the shortest way that brings the rest direction onto the bone; a bone without length points
    where it does at rest."""
    here = quat_rotate(base, rest)
    no_length = np.linalg.norm(bone, axis=-1, keepdims=True) < 1e-9
    return quat_multiply(quat_between(here, np.where(no_length, here, bone)), base)


def _limb(
    base: Quats,
    joints: tuple[Vectors, ...],
    hinge: str,
    motion: Motion,
    limit_twist: bool,
    forward: Vectors | None = None,
) -> tuple[Quats, Quats]:
    """Orientations of the upper and the lower half of an arm or a leg.

    Args:
        base: orientation of what the limb hangs on.
        joints: its three positions, from the body outwards.
        hinge: name of the middle joint.
        limit_twist: whether a straight limb is twisted no further than people can.
        forward: for legs, from ankle to toe.
    """
    start, middle, end = joints
    along, hinge_axis = rest_direction(hinge), HINGE_AXES[hinge]
    bend_way = np.cross(hinge_axis, along)
    swung = _swung(base, along, middle - start)
    back = quat_conjugate(swung)
    lower = quat_rotate(back, end - middle)
    bend = lower @ np.stack((along, bend_way, hinge_axis), axis=-1)
    foot = None
    if forward is not None:
        # The knee bends away from where the toes point.
        foot = -(quat_rotate(back, forward) @ np.stack((bend_way, hinge_axis), axis=-1))
    bounds = np.radians(TWIST_DEG[hinge]) if limit_twist else None
    twist_rad = hinge_twist(bend, float(motion.fps), foot, None if bounds is None else (bounds[0], bounds[1]))
    upper = quat_multiply(swung, quat_about(along, twist_rad))
    upper = np.where(np.isnan(swung), np.nan, upper)
    return upper, _swung(upper, along, end - middle)


def _head(at: dict[str, Vectors], rest: dict[str, Float[np.ndarray, "3"]], chest: Quats) -> Quats:
    """Crown above nose, turned sideways by everything that tells where the face looks."""
    nose, crown = (rest[j] if np.any(rest[j]) else rest_direction(j) for j in ("nose", "head"))
    rest_at = {"thorax": np.zeros((1, 3)), "nose": nose[None], "head": (nose + crown)[None]}
    at_rest = _face(rest_at, quat_identity((1,)))
    frame = _held(_face(at, chest), at["head"], at["nose"], at["thorax"], chest[:, :3])
    return _swung(quat_multiply(frame, quat_conjugate(at_rest)), rest_direction("head"), at["head"] - at["nose"])


def _face(at: dict[str, Vectors], chest: Quats) -> Quats:
    """Frame with Y from the base of the neck to the crown and X to the left of the face.

    Levers are added in metres, because a point that is off turns a short lever further than a long one: from ear to
    ear, from eye to eye, from between the ears to the tip of the nose, and from the middle of the neck and head to
    Human3.6M's nose. Where they cancel or are not seen, the chest tells; and the more the less steady the last one is.
    """
    up = at["head"] - at["thorax"]
    ahead = at["nose"] - 0.5 * (at["thorax"] + at["head"])
    up = up / np.maximum(np.linalg.norm(up, axis=-1, keepdims=True), 1e-9)
    sideways = np.cross(up, ahead)
    usual_m, off_m = _spread(np.linalg.norm(sideways, axis=-1))
    # A nose that stands further ahead than usual is off, and counts no more.
    sideways = sideways / np.maximum(np.linalg.norm(sideways, axis=-1, keepdims=True) / max(usual_m, 1e-9), 1.0)
    # Angles are weighed by their variances: points that are off over the lever, and heads that are turned.
    chest_m = max((off_m / _TURN_SD_RAD) ** 2 / max(usual_m, _LEAST_LEVER_M), _CHEST_LEVER_M)
    for left, right in (("l_ear", "r_ear"), ("l_eye", "r_eye")):
        if left in at and right in at:
            sideways = sideways + np.nan_to_num(at[left] - at[right])
    if {"l_ear", "r_ear", "face_nose"} <= at.keys():
        sideways = sideways + np.nan_to_num(np.cross(up, at["face_nose"] - 0.5 * (at["l_ear"] + at["r_ear"])))
    lacking_m = _LEAST_LEVER_M - np.linalg.norm(sideways, axis=-1, keepdims=True)
    return _frame(up, sideways + np.maximum(lacking_m, chest_m) * quat_rotate(chest, _X), "yx")


def _spread(levers_m: Float[np.ndarray, " frames"]) -> tuple[float, float]:
    """Median over the clip, and 1.48 times the median deviation: the standard deviation if normal. A head is rigid, so
    what a lever of it varies is how far its points are off."""
    known = levers_m[np.isfinite(levers_m)]
    if not known.size:
        return 0.0, 0.0
    usual_m = float(np.median(known))
    return usual_m, 1.48 * float(np.median(np.abs(known - usual_m)))


def _foot(
    at: dict[str, Vectors], rest: dict[str, Float[np.ndarray, "3"]], side: str, shin: Quats, motion: Motion
) -> Quats:
    """Ankle to toe, rolled by the triangle of ankle, toe and heel beside the axis of the knee; without toes at rest."""
    if f"{side}toe" not in at:
        return shin
    toe = at[f"{side}toe"] - at[f"{side}ankle"]
    sideways = quat_rotate(shin, _X)
    if has_foot(motion.skeleton, side):
        normal = np.cross(toe, at[f"{side}heel"] - at[f"{side}ankle"])
        full = np.linalg.norm(np.cross(rest[f"{side}toe"], rest[f"{side}heel"]))
        if full > 1e-6:
            sideways = sideways + _HEEL_SHARE * normal / np.maximum(
                np.linalg.norm(normal, axis=-1, keepdims=True), full
            )
    frame = _held(_frame(toe, sideways, "zx"), toe, sideways)
    direction = rest[f"{side}toe"]
    if np.linalg.norm(direction) < 1e-9:
        return shin
    return quat_multiply(frame, quat_conjugate(quat_between(_Z, direction)))

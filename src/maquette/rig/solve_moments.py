"""Local rotations from the joints' positions at many moments of one person, or of many people at one moment.

:mod:`maquette.rig.solve` tells what is determined by positions, and what is decided where they leave it open. Arrays
have the parts of the body first, so that both sides, and arms and legs, go through one calculation.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from maquette.geometry.rotations import (
    cross,
    matrix_from_two_vectors,
    matrix_to_quat,
    quat_about,
    quat_between,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    vector_lengths,
)
from maquette.rig.hinge import hinge_twist
from maquette.rig.limits import HINGE_AXES, TWIST_DEG
from maquette.rig.rest import rest_direction
from maquette.rig.solve_memory import Memory
from maquette.skeleton import Skeleton

Joints = Float[np.ndarray, "joints moments 3"]
Quats = Float[np.ndarray, "moments 4"]
Parts = Float[np.ndarray, "parts moments 4"]
Levers = Float[np.ndarray, "#moments 1"]

_X, _Y, _Z = np.eye(3)
_LEAST_LEVER_M = 0.02
"""With less than this to tell where the face looks, the chest tells the rest."""
_CHEST_LEVER_M = 0.001
"""The chest's say in any case."""
_TURN_SD_RAD = np.radians(20.0)
"""How far heads are turned against the chest, standard deviation; chosen on takes with errors put on."""
_HEEL_SHARE = 0.7
"""Weight of the triangle of ankle, toe and heel for the roll of the foot, beside 1 for the axis of the knee."""

_SIDES = ("l_", "r_")
_STARTS = ("l_shoulder", "r_shoulder", "l_hip", "r_hip")
_HINGES = ("l_elbow", "r_elbow", "l_knee", "r_knee")
_ENDS = ("l_wrist", "r_wrist", "l_ankle", "r_ankle")
_GIRDLE = np.stack([rest_direction(joint) for joint in _STARTS[:2]])[:, None]
_ALONG = np.stack([rest_direction(joint) for joint in _HINGES])[:, None]
_HINGE = np.stack([HINGE_AXES[joint] for joint in _HINGES])[:, None]
_BEND = np.concatenate((_ALONG, cross(_HINGE, _ALONG), _HINGE), axis=1).transpose(0, 2, 1)
"""Axes of each limb as columns: along it, the way the hinge bends, along the hinge."""
_CROWN = rest_direction("head")
_RANGES_RAD = np.radians([TWIST_DEG[joint] for joint in _HINGES])
_FACE = (("l_ear", "r_ear"), ("l_eye", "r_eye"))


@dataclass(frozen=True, eq=False)
class RestFigure:
    """What the rest pose of one person (one column), or of several, says about head and feet."""

    crown: Float[np.ndarray, "#moments 4"]
    """Turns the frame that neck and crown make back into the rest pose's axes."""
    toes: Float[np.ndarray, "feet #moments 4"]
    """Turns a frame with Z from ankle to toe back into the rest pose's axes."""
    has_toes: Bool[np.ndarray, "feet #moments 1"]
    """Whether ankle and toe are two places."""
    heel_m2: Float[np.ndarray, "feet #moments 1"]
    """Twice the area of the triangle of ankle, toe and heel; 0 without a heel."""


def rest_figure(skeleton: Skeleton, offsets_m: Float[np.ndarray, "joints people 3"]) -> RestFigure:
    """The figure with these rest offsets (:func:`maquette.rig.rest.rest_offsets_m`), one column for each person."""
    nose, crown = (
        np.where(offsets_m[at].any(axis=-1, keepdims=True), offsets_m[at], rest_direction(joint))
        for joint, at in (("nose", skeleton.index("nose")), ("head", skeleton.index("head")))
    )
    sides = [side for side in _SIDES if f"{side}toe" in skeleton]
    toes = offsets_m[skeleton.indices(f"{side}toe" for side in sides)]
    has_toes = vector_lengths(toes) >= 1e-9
    heels = [
        offsets_m[skeleton.index(f"{side}heel")] if f"{side}heel" in skeleton else np.zeros(nose.shape)
        for side in sides
    ]
    areas = vector_lengths(cross(toes, np.stack(heels))) if sides else np.zeros(has_toes.shape)
    return RestFigure(
        crown=quat_conjugate(quat_between(_Y, nose + crown)),
        toes=quat_conjugate(quat_between(_Z, np.where(has_toes, toes, _Z))),
        has_toes=has_toes,
        heel_m2=np.where(areas > 1e-6, areas, 0.0),
    )


class MomentSolver:
    """Local rotations of a skeleton with the joints of Human3.6M-17."""

    def __init__(self, skeleton: Skeleton) -> None:
        self._count = len(skeleton)
        self._index = {name: joint for joint, name in enumerate(skeleton.joints)}
        self._starts, self._hinges, self._ends = (
            np.array(skeleton.indices(names)) for names in (_STARTS, _HINGES, _ENDS)
        )
        self._pelvis = skeleton.indices(("hip", "l_hip", "r_hip"))
        self._chest = skeleton.indices(("thorax", "spine", "l_shoulder", "r_shoulder"))
        sides = [number for number, side in enumerate(_SIDES) if f"{side}toe" in skeleton]
        self._feet = sides
        toes = skeleton.indices(f"{_SIDES[number]}toe" for number in sides)
        self._toes = np.array(toes, dtype=np.intp)
        self._ankles = np.array(skeleton.indices(f"{_SIDES[number]}ankle" for number in sides), dtype=np.intp)
        # A side without a heel has the area 0 there, and what stands in for the heel does not matter.
        heels = [self._index.get(f"{_SIDES[number]}heel", toe) for number, toe in zip(sides, toes, strict=True)]
        self._heels = np.array(heels, dtype=np.intp)
        names = ("hip", "spine", "nose", *_STARTS, *_HINGES, *(f"{_SIDES[number]}ankle" for number in sides))
        self._turned = np.array(skeleton.indices(names))
        self._above = np.array([0, 1, 1, 1, 0, 0, 3, 4, 5, 6, *(9 + number for number in sides)])
        """Which of the turned parts carries each but the first."""

    def __call__(
        self, joints: Joints, rest: RestFigure, memory: Memory, *, limit_twist: bool
    ) -> Float[np.ndarray, "joints moments 4"]:
        """Rotations of all joints relative to their parents; joints rigid with theirs have the identity, also where
        those are unknown.

        Args:
            joints: positions in the world in metres, NaN where unknown.
            memory: what other moments say.
            limit_twist: whether straight limbs are twisted no further than people can.
        """
        parts = np.empty((len(self._turned), joints.shape[1], 4))
        trunk = parts[:2]
        trunk[:] = self._trunk(joints, memory)
        pelvis, chest = trunk
        parts[2] = self._head(joints, rest, chest, memory)
        thorax = joints[self._index["thorax"]]
        parts[3:5] = swung(chest, _GIRDLE, joints[self._starts[:2]] - thorax)
        parts[5:7] = pelvis
        parts[3:7], parts[7:11] = self._limbs(joints, parts[3:7], memory, limit_twist)
        if self._feet:
            parts[11:] = self._soles(joints, rest, parts[[9 + number for number in self._feet]], memory)
        rotations = np.zeros((self._count, joints.shape[1], 4))
        rotations[..., 0] = 1.0
        rotations[self._turned[0]] = pelvis
        rotations[self._turned[1:]] = quat_multiply(quat_conjugate(parts[self._above]), parts[1:])
        return rotations

    def _trunk(self, joints: Joints, memory: Memory) -> Parts:
        """Pelvis and chest."""
        index = self._index
        up, left, right = joints[index["spine"]] - joints[index["hip"]], joints[index["l_hip"]], joints[index["r_hip"]]
        pelvis = matrix_from_two_vectors(left - right, up, axes="xy")
        up = joints[index["thorax"]] - joints[index["spine"]]
        left, right = joints[index["l_shoulder"]], joints[index["r_shoulder"]]
        frames = _quats(np.array((pelvis, matrix_from_two_vectors(up, left - right, axes="yx"))))
        return memory.held(
            "trunk", frames, lambda: np.stack([_all_seen(joints[part]) for part in (self._pelvis, self._chest)])
        )

    def _limbs(self, joints: Joints, bases: Parts, memory: Memory, limit_twist: bool) -> tuple[Parts, Parts]:
        """Orientations of the upper and the lower halves of arms and legs.

        Args:
            bases: orientations of what the limbs hang on.
            limit_twist: whether a straight limb is twisted no further than people can.
        """
        middles = joints[self._hinges]
        uppers, lowers = middles - joints[self._starts], joints[self._ends] - middles
        untwisted = swung(bases, _ALONG, uppers)
        back = quat_conjugate(untwisted)
        bend = quat_rotate(back, lowers) @ _BEND
        foot = None
        if self._feet:
            # The knee bends away from where the toes point.
            foot = np.zeros((*bend.shape[:2], 2))
            legs = [2 + number for number in self._feet]
            forward = joints[self._toes] - joints[self._ankles]
            foot[legs] = -(quat_rotate(back[legs], forward) @ _BEND[legs][..., 1:])
        twist_rad = hinge_twist(bend, memory.neighbours, foot, _RANGES_RAD if limit_twist else None)
        twisted = quat_multiply(untwisted, quat_about(_ALONG, twist_rad))
        return twisted, swung(twisted, _ALONG, lowers)

    def _head(self, joints: Joints, rest: RestFigure, chest: Quats, memory: Memory) -> Quats:
        """Crown above nose, turned sideways by everything that tells where the face looks."""
        index = self._index
        head, nose, thorax = joints[index["head"]], joints[index["nose"]], joints[index["thorax"]]
        frame = memory.held(
            "head",
            self._face(joints, chest, memory)[None],
            lambda: _all_seen(np.stack((head, nose, thorax, chest[:, :3])))[None],
        )[0]
        return swung(quat_multiply(frame, rest.crown), _CROWN, head - nose)

    def _face(self, joints: Joints, chest: Quats, memory: Memory) -> Quats:
        """Frame with Y from the base of the neck to the crown and X to the left of the face.

        Levers are added in metres, because a point that is off turns a short lever further than a long one: from ear
        to ear, from eye to eye, from between the ears to the tip of the nose, and from the middle of the neck and head
        to Human3.6M's nose. Where they cancel or are not seen, the chest tells; and the more the less steady the last
        one is.
        """
        index = self._index
        head, nose, thorax = joints[index["head"]], joints[index["nose"]], joints[index["thorax"]]
        up = head - thorax
        ahead = nose - 0.5 * (thorax + head)
        up = up / np.maximum(vector_lengths(up), 1e-9)
        sideways = cross(up, ahead)
        lever_m = vector_lengths(sideways)
        usual_m, off_m = memory.spread(lever_m)
        # A nose that stands further ahead than usual is off, and counts no more.
        sideways = sideways / np.maximum(lever_m / np.maximum(usual_m, 1e-9), 1.0)
        # Angles are weighed by their variances: points that are off over the lever, and heads that are turned.
        chest_m = np.maximum((off_m / _TURN_SD_RAD) ** 2 / np.maximum(usual_m, _LEAST_LEVER_M), _CHEST_LEVER_M)
        for left, right in _FACE:
            if left in index and right in index:
                sideways = sideways + _zero_where_unknown(joints[index[left]] - joints[index[right]])
        if {"l_ear", "r_ear", "face_nose"} <= index.keys():
            between = 0.5 * (joints[index["l_ear"]] + joints[index["r_ear"]])
            sideways = sideways + _zero_where_unknown(cross(up, joints[index["face_nose"]] - between))
        lacking_m = _LEAST_LEVER_M - vector_lengths(sideways)
        towards = sideways + np.maximum(lacking_m, chest_m) * quat_rotate(chest, _X)
        return _quats(matrix_from_two_vectors(up, towards, axes="yx"))

    def _soles(self, joints: Joints, rest: RestFigure, shins: Parts, memory: Memory) -> Parts:
        """Ankle to toe, rolled by the triangle of ankle, toe and heel beside the axis of the knee."""
        ankles = joints[self._ankles]
        toes = joints[self._toes] - ankles
        normal = cross(toes, joints[self._heels] - ankles)
        roll = _HEEL_SHARE * normal / np.maximum(np.maximum(vector_lengths(normal), rest.heel_m2), 1e-9)
        sideways = quat_rotate(shins, _X) + np.where(rest.heel_m2 > 0.0, roll, 0.0)
        frames = _quats(matrix_from_two_vectors(toes, sideways, axes="zx"))
        frames = memory.held("feet", frames, lambda: np.asarray(np.isfinite(toes + sideways).all(axis=-1)))
        return np.where(rest.has_toes, quat_multiply(frames, rest.toes), shins)


def swung(
    base: Float[np.ndarray, "*#batch 4"], rest: Float[np.ndarray, "*#batch 3"], bone: Float[np.ndarray, "*batch 3"]
) -> Float[np.ndarray, "*batch 4"]:
    """``base`` turned on the shortest way that brings the rest direction onto the bone; a bone without length points
    where it does at rest."""
    here = quat_rotate(base, rest)
    return quat_multiply(quat_between(here, np.where(vector_lengths(bone) < 1e-9, here, bone)), base)


def _quats(matrices: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 4"]:
    """Of orientations; one that is open is NaN as a whole."""
    quats = matrix_to_quat(matrices)
    is_open = np.isnan(quats).any(axis=-1, keepdims=True)
    return np.where(is_open, np.nan, quats) if is_open.any() else quats


def _zero_where_unknown(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    return np.where(np.isnan(vectors), 0.0, vectors)


def _all_seen(points: Float[np.ndarray, "points moments 3"]) -> Bool[np.ndarray, " moments"]:
    return np.asarray(np.isfinite(points).all(axis=(0, -1)))

"""Poses on the humanoid of Unity and VRM, one frame at a time."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from maquette.errors import InputError
from maquette.geometry.rotations import quat_conjugate, quat_multiply, unit_vectors
from maquette.rig.animation_rig import HUMAN_RIG, HUMAN_ROLES
from maquette.rig.running import RunningBones
from maquette.rig.solve_moments import swung
from maquette.rig.solve_stream import SignKeeper
from maquette.rig.target_rig import BONE_PARENTS, HUMANOID_BONES
from maquette.skeletons import LIFTED_21

Rows = Int[np.ndarray, " people"]

_BONES = len(HUMANOID_BONES)
_NUMBER = {bone: number for number, bone in enumerate(HUMANOID_BONES)}

_RIGID = {"upperChest": "chest", "leftToes": "", "rightToes": "", "leftHand": "", "rightHand": ""}
"""Bones that never turn in their parent. The upper half of the spine is one bone of ours, so that two of its three
joints turn together; toes and hands are not seen."""
_MOVING = [bone for bone in HUMANOID_BONES if bone not in _RIGID]
_CHILDREN = _MOVING[1:]
_MOVING_PARENTS = [_RIGID.get(BONE_PARENTS[bone], BONE_PARENTS[bone]) for bone in _CHILDREN]
_PLACES = np.array([_NUMBER[bone] for bone in _MOVING])
_ABOVE = np.array([_MOVING.index(parent) for parent in _MOVING_PARENTS])

_OUR_JOINTS = {joint.name: joint for joint in HUMAN_RIG}
_OURS = [_OUR_JOINTS[HUMAN_ROLES[bone]] for bone in _MOVING]
"""Joint of our own rig that is each moving bone."""
_FIRST = [LIFTED_21.index(joint.oriented_by[0]) for joint in _OURS]
_HALVED = [number for number, joint in enumerate(_OURS) if len(joint.oriented_by) > 1]
_TOWARDS = [LIFTED_21.index(_OURS[number].oriented_by[1]) for number in _HALVED]
_AT = np.array([LIFTED_21.index(joint.at) for joint in _OURS[1:]])
_TO = np.array([LIFTED_21.index(joint.to) for joint in _OURS[1:]])
"""All bones but the hips point from one joint of ours to another."""

_SIDES = (("left", "l_"), ("right", "r_"))
_REST: dict[str, tuple[str, float]] = {
    "chest": ("spine", 1.0),
    "upperChest": ("thorax", 0.5),
    "neck": ("thorax", 0.5),
    "head": ("nose", 1.0),
    **{f"{side}Shoulder": ("thorax", 0.5) for side, _ in _SIDES},
    **{
        f"{side}{bone}": (f"{letter}{joint}", 1.0)
        for side, letter in _SIDES
        for bone, joint in (
            ("UpperLeg", "hip"), ("LowerLeg", "knee"), ("Foot", "ankle"), ("Toes", "toe"),
            ("UpperArm", "shoulder"), ("LowerArm", "elbow"), ("Hand", "wrist"),
        )
    },
}  # fmt: skip
"""Bone -> joint of ours whose rest offset is that of its joint, and which share of it. The spine begins at the hips."""
_REST_JOINTS = np.array([LIFTED_21.index(_REST.get(bone, ("hip", 0.0))[0]) for bone in HUMANOID_BONES])
_REST_SHARES = np.array([[_REST.get(bone, ("hip", 0.0))[1]] for bone in HUMANOID_BONES])
_LEGS = np.array([[_NUMBER[f"{side}{bone}"] for bone in ("LowerLeg", "Foot", "Toes")] for side, _ in _SIDES])


def _levels() -> list[tuple[np.ndarray, np.ndarray]]:
    """``(joints, parents)`` of our joints that turn bones, level by level below the root."""
    done, found = {LIFTED_21.index("hip")}, []
    pending = {*_FIRST, *_TOWARDS} - done
    pending |= {LIFTED_21.parents[joint] for joint in pending} - done
    while pending:
        level = sorted(joint for joint in pending if LIFTED_21.parents[joint] in done)
        found.append((np.array(level), np.array([LIFTED_21.parents[joint] for joint in level])))
        done |= {*level}
        pending -= {*level}
    return found


_LEVELS = _levels()
_TURNED_BY, _HALVES = np.array(_FIRST), np.array(_HALVED)


@dataclass(frozen=True, eq=False)
class HumanoidPoses:
    """Several people on the humanoid: the T-pose that faces +Z is the identity of all rotations. Y up, metres."""

    rotations: Float[np.ndarray, "people 22 4"]
    """Of each of :data:`maquette.rig.target_rig.HUMANOID_BONES` in its parent
    (:data:`maquette.rig.target_rig.BONE_PARENTS`), of the hips in the world: unit quaternions wxyz; NaN where a
    position that they depend on is."""
    offsets_m: Float[np.ndarray, "people 22 3"]
    """Place of each bone's joint in its parent in the T-pose; of the hips, their height over the ground."""
    hips_m: Float[np.ndarray, "people 3"]
    """Where the hips are in the world."""


class HumanoidStream:
    """What :func:`maquette.rig.choice.animated` makes of a person on the rig ``unity``, from the frames so far alone.

    Every bone of ours points exactly where the positions say, turned about itself as the rotations are; the spine bends
    halfway at its lowest joint, and the neck is turned halfway between chest and head.

    Args:
        capacity: how many people at once; rows are 0 to ``capacity`` - 1.
        bones: rest offsets that somebody else keeps (:attr:`maquette.rig.solve_stream.RotationStream.bones`); None
            takes them from the positions.

    Raises:
        InputError: a capacity below one.
    """

    def __init__(self, capacity: int, bones: RunningBones | None = None) -> None:
        if capacity < 1:
            raise InputError(f"capacity is {capacity} people, expected at least 1")
        self._keeps_bones = bones is None
        self._bones = RunningBones(capacity) if bones is None else bones
        self._signs = SignKeeper(capacity, len(_MOVING))

    def __call__(
        self,
        rows: Rows,
        positions_m: Float[np.ndarray, "people 21 3"],
        rotations: Float[np.ndarray, "people 21 4"],
    ) -> HumanoidPoses:
        """The poses of the people in one frame.

        Args:
            rows: of the people in this frame, ascending, each once.
            positions_m: of the joints of ``maquette-21`` in the world; NaN where unknown.
            rotations: of the same joints in their parents (:class:`maquette.rig.solve_stream.RotationStream`).
        """
        if self._keeps_bones:
            self._bones.add(rows, positions_m.transpose(1, 0, 2))
        rest_m = self._bones.offsets_m[rows]
        turned = _world(rotations)
        bases = turned[:, _TURNED_BY]
        bases[:, _HALVES] = _halfway(bases[:, _HALVES], turned[:, _TOWARDS])
        bases[:, 1:] = swung(bases[:, 1:], rest_m[:, _TO], positions_m[:, _TO] - positions_m[:, _AT])
        bases[:, 1:] = quat_multiply(quat_conjugate(bases[:, _ABOVE]), bases[:, 1:])
        local = np.zeros((len(rows), _BONES, 4))
        local[..., 0] = 1.0
        local[:, _PLACES] = self._signs(rows, bases)
        return HumanoidPoses(local, _offsets_m(rest_m), positions_m[:, LIFTED_21.index("hip")].copy())

    def reset(self, row: int) -> None:
        """Forget one row: somebody else will be in it."""
        self._signs.reset(row)
        if self._keeps_bones:
            self._bones.reset(row)


def _world(rotations: Float[np.ndarray, "people 21 4"]) -> Float[np.ndarray, "people 21 4"]:
    """World orientations of the joints that turn bones."""
    turned = np.array(rotations, dtype=np.float64)
    for joints, parents in _LEVELS:
        turned[:, joints] = quat_multiply(turned[:, parents], turned[:, joints])
    return turned


def _halfway(a: Float[np.ndarray, "*batch 4"], b: Float[np.ndarray, "*batch 4"]) -> Float[np.ndarray, "*batch 4"]:
    """Halfway from one orientation to the other on the shorter way."""
    same = np.add.reduce(a * b, axis=-1, keepdims=True) >= 0
    return unit_vectors(a + np.where(same, b, -b))


def _offsets_m(rest_m: Float[np.ndarray, "people 21 3"]) -> Float[np.ndarray, "people 22 3"]:
    """Rest offsets of the humanoid's bones from those of our joints."""
    offsets = rest_m[:, _REST_JOINTS] * _REST_SHARES
    # The toes are the lowest point of the T-pose.
    offsets[:, 0] = 0.0
    offsets[:, 0, 1] = -np.add.reduce(offsets[:, _LEGS, 1], axis=-1).min(axis=-1)
    return offsets

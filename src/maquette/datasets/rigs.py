"""The 17 joints of Human3.6M on the rigs that open motion capture comes in, as data: rows for each rig.

A rig is told by the names of its joints, never by their number. A row is a weighted sum of the rig's joints; where that
is not enough, the top of the head lies in a fixed place of the head's own frame, and the joint between thorax and head
(``nose``) stands 4 cm before their middle, along the forward axis of the head that is fitted over the clip.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.geometry.kinematics import forward_kinematics
from maquette.geometry.rotations import quat_conjugate, quat_rotate
from maquette.motion import Motion
from maquette.skeletons import H36M_17

Row = tuple[tuple[str, float], ...]

_NOSE_FORWARD_M = 0.04
_MID_HIPS: Row = (("r_hip", 0.5), ("l_hip", 0.5))


@dataclass(frozen=True)
class Rig:
    """How the joints of one rig make those of Human3.6M."""

    name: str
    rows: Mapping[str, str | Row]
    """Joint of h36m-17 -> a joint of the rig, or weighted ones; ``hip`` and ``nose`` have no row."""
    head: str
    """The joint that turns with the head."""
    feet: Mapping[str, tuple[str, ...]]
    """``l`` and ``r`` -> the joints of the foot that touch the ground."""
    head_top_m: tuple[float, float, float] | None = None
    """Top of the head in the frame of the head's joint; None where a row has the top."""
    lengths_m: Mapping[str, float] = field(default_factory=dict)
    """Joint of h36m-17 -> length of its bone, where the rig's proportions are no person's; what hangs on it follows."""
    start_pose: bool = True
    """Frame 0 is no part of the motion."""

    @property
    def joints(self) -> frozenset[str]:
        """The joints that a skeleton must have to be of this rig."""
        named = [name for row in self.rows.values() for name, _ in _weighted(row)]
        return frozenset((*named, self.head, *self.feet["l"], *self.feet["r"]))


def _weighted(row: str | Row) -> Row:
    return ((row, 1.0),) if isinstance(row, str) else row


def _sides(row: Mapping[str, str], left: str, right: str) -> dict[str, str]:
    """Rows for both sides: ``*`` in the names stands for the words of the sides."""
    return {
        f"{s}_{name}": rig.replace("*", word) for s, word in (("l", left), ("r", right)) for name, rig in row.items()
    }


def _beyond(start: str, end: str, factor: float, *more: tuple[str, float]) -> Row:
    """The point ``factor`` bones from ``start`` towards ``end``."""
    return ((start, 1 - factor), (end, factor), *more)


def _middle(first: str, second: str) -> Row:
    return ((first, 0.5), (second, 0.5))


_FOREARM = 1.3
"""CMU's forearm is two bones in line; this is the wrist in lengths of the first."""
_HEAD_TOP = 1.5
"""Top of the head in lengths of CMU's head bone."""

_ASF = Rig(
    "asf",
    {
        **_sides({"hip": "*femur", "knee": "*tibia", "ankle": "*foot"}, "l", "r"),
        **_sides({"shoulder": "*humerus", "elbow": "*radius"}, "l", "r"),
        "l_wrist": _beyond("lradius", "lwrist", _FOREARM),
        "r_wrist": _beyond("rradius", "rwrist", _FOREARM),
        "spine": _middle("upperback", "thorax"),
        "thorax": "upperneck",
        "head": _beyond("head", "head_end", _HEAD_TOP),
    },
    head="head",
    feet={side: (f"{side}toes", f"{side}toes_end") for side in "lr"},
    start_pose=False,
)

_ICLONE = Rig(
    "iclone",
    {
        **_sides({"hip": "CC_Base_*_Thigh", "knee": "CC_Base_*_Calf", "ankle": "CC_Base_*_Foot"}, "L", "R"),
        **_sides({"shoulder": "CC_Base_*_Upperarm", "elbow": "CC_Base_*_Forearm", "wrist": "CC_Base_*_Hand"}, "L", "R"),
        "spine": _middle("CC_Base_Spine01", "CC_Base_Spine02"),
        "thorax": "CC_Base_NeckTwist01",
    },
    head="CC_Base_Head",
    feet={side: (f"CC_Base_{side.upper()}_ToeBase", f"CC_Base_{side.upper()}_BigToe1") for side in "lr"},
    head_top_m=(0.0, 0.175, 0.010),
)

_DAZ = Rig(
    "daz",
    {
        **_sides({"hip": "*Thigh", "knee": "*Shin", "ankle": "*Foot"}, "l", "r"),
        **_sides({"shoulder": "*Shldr", "elbow": "*ForeArm", "wrist": "*Hand"}, "l", "r"),
        "spine": _middle("abdomen", "chest"),
        "thorax": "neck",
    },
    head="head",
    feet={side: (f"{side}Foot_end",) for side in "lr"},
    head_top_m=(0.0, 0.175, 0.015),
    # The avatar has 37, 45 and 12 cm.
    lengths_m={
        **{f"{side}_{name}": m for side in "lr" for name, m in (("knee", 0.425), ("ankle", 0.42), ("shoulder", 0.165))}
    },
)


def _without_thorax_bone(
    name: str, legs: dict[str, str], arms: dict[str, str], trunk: tuple[str, str, str, str], foot: str
) -> Rig:
    """CMU's skeleton in conversions that dropped the bone of the thorax.

    It is put back with the length and the direction of the bone below it, under all that hangs on it.
    """
    lower, upper, neck, head = trunk
    lift = ((upper, 1.0), (lower, -1.0))
    raised = {joint: ((rig, 1.0), *lift) for joint, rig in arms.items() if not joint.endswith("wrist")}
    wrists = {
        joint: _beyond(arms[joint.replace("wrist", "elbow")], rig, _FOREARM, *lift)
        for joint, rig in arms.items()
        if joint.endswith("wrist")
    }
    rows: dict[str, str | Row] = {
        **legs,
        **raised,
        **wrists,
        "spine": _middle(lower, upper),
        "thorax": ((neck, 1.0), *lift),
        "head": _beyond(head, f"{head}_end", _HEAD_TOP, *lift),
    }
    feet = {side: (f"{word}{foot}", f"{word}{foot}_end") for side, word in (("l", "Left"), ("r", "Right"))}
    return Rig(name, rows, head=head, feet=feet)


_MOTIONBUILDER = _without_thorax_bone(
    "motionbuilder",
    _sides({"hip": "*Hip", "knee": "*Knee", "ankle": "*Ankle"}, "Left", "Right"),
    _sides({"shoulder": "*Shoulder", "elbow": "*Elbow", "wrist": "*Wrist"}, "Left", "Right"),
    ("Chest", "Chest2", "Neck", "Head"),
    "Toe",
)

_CGSPEED = _without_thorax_bone(
    "cgspeed",
    _sides({"hip": "*UpLeg", "knee": "*Leg", "ankle": "*Foot"}, "Left", "Right"),
    _sides({"shoulder": "*Arm", "elbow": "*ForeArm", "wrist": "*Hand"}, "Left", "Right"),
    ("Spine", "Spine1", "Neck1", "Head"),
    "ToeBase",
)

RIGS: tuple[Rig, ...] = (_ASF, _ICLONE, _DAZ, _MOTIONBUILDER, _CGSPEED)


def rig_of(motion: Motion) -> Rig:
    """The rig of a motion, by the names of its joints.

    Raises:
        InputError: none; the text says what is missing for the one that is nearest.
    """
    names = set(motion.skeleton.joints)
    for rig in RIGS:
        if rig.joints <= names and motion.rotations is not None:
            return rig
    nearest = min(RIGS, key=lambda rig: len(rig.joints - names) / len(rig.joints))
    missing = sorted(nearest.joints - names)
    lacks = f"it lacks {', '.join(missing[:6])}" if missing else "it has no rotations"
    raise InputError(
        f"{motion.source or 'motion'}: skeleton '{motion.skeleton.name}' is of no rig that is known "
        f"({', '.join(rig.name for rig in RIGS)}); for '{nearest.name}' {lacks}"
    )


def on_h36m_17(motion: Motion) -> Motion:
    """The motion on the 17 joints of Human3.6M, on the ground, without a start pose.

    A skeleton that has joints of all 17 names gives those; else the rig's rows make them, and the clip is shifted so
    that the 1st percentile over frames of the lowest joint of the feet is at y = 0.

    Raises:
        InputError: neither the joints nor a known rig; or too short.
    """
    if all(joint in motion.skeleton for joint in H36M_17.joints):
        chosen = motion.skeleton.indices(H36M_17.joints)
        return motion.with_notes(
            skeleton=H36M_17,
            positions=motion.positions[:, chosen],
            sigma_m=None if motion.sigma_m is None else motion.sigma_m[:, chosen],
            rotations=None,
            contacts=None,
            contact_joints=(),
        )
    rig = rig_of(motion)
    first = 1 if rig.start_pose else 0
    if motion.n_frames <= first:
        raise InputError(f"{motion.source or 'motion'}: has no frames after its start pose")
    positions = _positions(motion, rig)[first:]
    notes = [f"joints of h36m-17 from the rig '{rig.name}'"]
    if motion.frame == "world":
        shift_m = -_ground_m(motion, rig, positions)
        positions[..., 1] += shift_m
        notes.append(f"shifted by {shift_m:+.3f} m onto the ground")
    if rig.lengths_m:
        notes.append("bones set to " + ", ".join(f"{name} {m:g} m" for name, m in rig.lengths_m.items()))
    return motion.with_notes(
        *notes,
        skeleton=H36M_17,
        positions=positions,
        rotations=None,
        sigma_m=None,
        contacts=None,
        contact_joints=(),
        root_trajectory=None,
        timestamps_s=None if motion.timestamps_s is None else motion.timestamps_s[first:],
    )


def _positions(motion: Motion, rig: Rig) -> Float[np.ndarray, "frames 17 3"]:
    out = np.full((motion.n_frames, len(H36M_17), 3), np.nan)
    for name, row in rig.rows.items():
        out[:, H36M_17.index(name)] = sum(weight * motion.joint(joint) for joint, weight in _weighted(row))
    out[:, 0] = sum(weight * out[:, H36M_17.index(joint)] for joint, weight in _MID_HIPS)
    assert motion.rotations is not None
    still = np.zeros((1, motion.n_joints, 3))
    head = forward_kinematics(motion.skeleton.parents, still, motion.rotations)[1][:, motion.skeleton.index(rig.head)]
    head_top, nose = H36M_17.indices(["head", "nose"])
    if rig.head_top_m is not None:
        out[:, head_top] = motion.joint(rig.head) + quat_rotate(head, np.array(rig.head_top_m))
    first = 1 if rig.start_pose else 0
    forward = _head_forward(out[first:], head[first:])
    out[:, nose] = (out[:, H36M_17.index("thorax")] + out[:, head_top]) / 2
    out[:, nose] += quat_rotate(head, _NOSE_FORWARD_M * forward)
    return _with_lengths(out, rig.lengths_m)


def _ground_m(motion: Motion, rig: Rig, positions: Float[np.ndarray, "frames 17 3"]) -> float:
    """Height of the ground: the 1st percentile over frames of the lowest joint of the feet, which follow the ankles."""
    start = motion.n_frames - len(positions)
    lowest = []
    for side, joints in rig.feet.items():
        ankle = f"{side}_ankle"
        own = sum(weight * motion.joint(joint)[start:, 1] for joint, weight in _weighted(rig.rows[ankle]))
        moved = positions[:, H36M_17.index(ankle), 1] - own
        lowest += [motion.joint(joint)[start:, 1] + moved for joint in joints]
    return float(np.percentile(np.min(lowest, axis=0), 1))


def _head_forward(positions: Float[np.ndarray, "frames 17 3"], head: Float[np.ndarray, "frames 4"]) -> np.ndarray:
    """The head's forward axis in its own frame: the chest's over the clip, made orthogonal to the way up the head."""
    hip, thorax, top, left, right = H36M_17.indices(["hip", "thorax", "head", "l_shoulder", "r_shoulder"])
    forward = np.cross(positions[:, left] - positions[:, right], positions[:, thorax] - positions[:, hip])
    own = quat_rotate(quat_conjugate(head), _unit(forward)).mean(axis=0)
    up = _unit(quat_rotate(quat_conjugate(head), _unit(positions[:, top] - positions[:, thorax])).mean(axis=0))
    return _unit(own - up * (own @ up))


def _with_lengths(
    positions: Float[np.ndarray, "frames 17 3"], lengths_m: Mapping[str, float]
) -> Float[np.ndarray, "frames 17 3"]:
    """Bones of other lengths, their directions kept."""
    if not lengths_m:
        return positions
    out = positions.copy()
    for joint in H36M_17.order[1:]:
        parent = H36M_17.parents[joint]
        bone = positions[:, joint] - positions[:, parent]
        length = lengths_m.get(H36M_17.joints[joint])
        out[:, joint] = out[:, parent] + (bone if length is None else _unit(bone) * length)
    return out


def _unit(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)

"""How far the joints of a person turn, and motions brought within that.

The ranges are those of the American Academy of Orthopaedic Surgeons (Joint Motion: Method of Measuring and Recording,
1965), as Norkin and White print them (Measurement of Joint Motion, appendix), in degrees from the anatomical zero:
shoulder rotation 90 outwards and 70 inwards; hip rotation 45 both ways; elbow 0 to 150; knee 0 to 135, which kneeling
presses to 155; ankle 50 down and 20 up; neck 45 forwards, back and to each side, 60 turned. Elbows and knees of some
people go 10 beyond straight.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.geometry.rotations import (
    quat_about,
    quat_conjugate,
    quat_continuous,
    quat_multiply,
    quat_rotate,
    quat_to_rotvec,
    rotvec_to_quat,
    swing_twist,
)
from maquette.motion import Motion
from maquette.skeleton import Skeleton

_X, _Y, _Z = np.eye(3)

HINGE_AXES: dict[str, Float[np.ndarray, "3"]] = {"l_elbow": -_Y, "r_elbow": _Y, "l_knee": _X, "r_knee": _X}
"""Axis about which each joint bends in the rest pose: palms down, so elbows bend forwards; knees bend backwards."""

TWIST_DEG: dict[str, tuple[float, float]] = {
    "l_elbow": (-90.0, 70.0),
    "r_elbow": (-70.0, 90.0),
    "l_knee": (-45.0, 45.0),
    "r_knee": (-45.0, 45.0),
}
"""Hinge at the end of an upper arm or a thigh -> how far that may be twisted about its bone, from the swing without
twist. A stand-in for the clinical angle, whose zero depends on how the limb is raised. In the T-pose the left forearm
points up at -90 and the right one at 90: outwards."""


@dataclass(frozen=True)
class JointRange:
    """How far a joint turns: about its first axis from ``low`` to ``high``, and about what is square to it."""

    axis: Float[np.ndarray, "3"]
    """In the rest pose; turns about it by the right hand count positive."""
    low_deg: float
    high_deg: float
    sideways_deg: float
    """Largest angle of the rest of the rotation."""


JOINT_RANGES: dict[str, JointRange] = {
    **{joint: JointRange(HINGE_AXES[joint], -10.0, 150.0, 15.0) for joint in ("l_elbow", "r_elbow")},
    **{joint: JointRange(HINGE_AXES[joint], -10.0, 155.0, 15.0) for joint in ("l_knee", "r_knee")},
    **{joint: JointRange(_X, -45.0, 60.0, 45.0) for joint in ("l_ankle", "r_ankle")},
    "nose": JointRange(_Y, -70.0, 70.0, 65.0),
}
"""Of the joints' rotations relative to their parents. They are wider than the cited ranges where our points are not the
anatomical ones, or the cited are of a joint that moves freely: an ankle under a squatting person's weight goes up to 35
and more, its zero is told by three points of the foot that are off by 10; the head bends forwards and sideways at once,
and its joint is the middle of the neck and the head."""


def limited(motion: Motion) -> Motion:
    """The motion with elbows, knees, ankles and neck within :data:`JOINT_RANGES`: rotations and positions.

    Joints beyond are turned back to the nearest angle; what hangs on them goes along, with all bones as long as they
    were. Joints within stay exactly as they are. Unknown joints stay unknown.

    Raises:
        InputError: the motion has no rotations (:func:`maquette.rig.solve_rotations` makes them).
    """
    if motion.rotations is None:
        raise InputError("joints cannot be limited: the motion has no rotations; solve them first")
    skeleton = motion.skeleton
    inside = motion.rotations.copy()
    for name, bounds in JOINT_RANGES.items():
        if name in skeleton:
            inside[:, skeleton.index(name)] = within(inside[:, skeleton.index(name)], bounds)
    beyond = np.asarray((inside != motion.rotations).any(axis=-1) & np.isfinite(motion.rotations).all(axis=-1))
    frames = np.flatnonzero(beyond.any(axis=1))
    if not frames.size:
        return motion
    positions = motion.positions.copy()
    positions[frames] = _moved(skeleton, positions[frames], motion.rotations[frames], inside[frames])
    names = ", ".join(skeleton.joints[joint] for joint in np.flatnonzero(beyond.any(axis=0)))
    return motion.with_notes(
        f"joints turned back into their anatomical ranges in {len(frames)} of {motion.n_frames} frames ({names})",
        positions=positions,
        rotations=quat_continuous(inside),
    )


def within(rotations: Float[np.ndarray, "frames 4"], bounds: JointRange) -> Float[np.ndarray, "frames 4"]:
    """Rotations of one joint brought into its range: first the turn about its axis, then what is square to it. Those
    inside come back bit by bit."""
    swing, twist = swing_twist(rotations, bounds.axis)
    turn = 2.0 * np.arctan2(twist[:, 1:] @ bounds.axis, twist[:, 0])
    low, high = np.radians(bounds.low_deg), np.radians(bounds.high_deg)
    # Angles are told within half a turn of the middle of the range.
    turn += 2.0 * np.pi * np.round(((low + high) / 2.0 - turn) / (2.0 * np.pi))
    sideways = quat_to_rotvec(swing)
    size, most = np.linalg.norm(sideways, axis=-1), np.radians(bounds.sideways_deg)
    sideways = sideways * np.minimum(1.0, most / np.maximum(size, 1e-12))[:, None]
    bounded = quat_multiply(rotvec_to_quat(sideways), quat_about(bounds.axis, np.clip(turn, low, high)))
    slack = 1e-9
    beyond = (turn < low - slack) | (turn > high + slack) | (size > most + slack)
    return np.where(beyond[:, None], bounded, rotations)


def _moved(
    skeleton: Skeleton,
    positions: Float[np.ndarray, "frames joints 3"],
    old: Float[np.ndarray, "frames joints 4"],
    new: Float[np.ndarray, "frames joints 4"],
) -> Float[np.ndarray, "frames joints 3"]:
    """Positions after joints turn from ``old`` to ``new``: each bone keeps its place in the joint that it hangs on."""
    moved, was, now = positions.copy(), old.copy(), new.copy()
    for joint in skeleton.order:
        parent = skeleton.parents[joint]
        if parent < 0:
            continue
        was[:, joint] = quat_multiply(was[:, parent], old[:, joint])
        now[:, joint] = quat_multiply(now[:, parent], new[:, joint])
        bone = quat_rotate(quat_conjugate(was[:, parent]), positions[:, joint] - positions[:, parent])
        place = moved[:, parent] + quat_rotate(now[:, parent], bone)
        moved[:, joint] = np.where(np.isfinite(place).all(axis=-1, keepdims=True), place, positions[:, joint])
    return moved

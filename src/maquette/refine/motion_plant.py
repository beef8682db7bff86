"""Feet held where they stand: legs bend, hips give way a little, bone lengths stay."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.geometry.rotations import cross
from maquette.motion import Motion
from maquette.refine.motion_contacts import contact_runs, rest_heights_m
from maquette.refine.motion_ground import contact_speed_mps
from maquette.refine.motion_hips import MovedLeg, eased_distance, hips_that_keep_knees
from maquette.refine.motion_path import information_at_cutoff, solve_path
from maquette.skeleton import Skeleton

_STEP_S, _STEP_M = 0.1, 0.08
"""Nobody lifts a foot, moves it by less than this and stands on it again within such a time: it stood throughout."""


def plant_feet(motion: Motion, *, hold_hz: float = 6.0, release_hz: float = 2.0, max_move_m: float = 0.15) -> Motion:
    """Move each foot by a smooth offset that keeps it at one place during every contact, and bend the leg to reach it.

    The place of a contact is the mean of the joint over the contact, at its standing height. The offset minimises its
    own acceleration, the distance to those places (firm below ``hold_hz``) and, everywhere, its own size (it fades over
    about 1 / ``release_hz`` seconds). Offsets longer than ``max_move_m`` are cut: contacts so far off are doubtful.

    Hips, and all that they carry, move by the little that keeps knees bent as they were
    (:func:`maquette.refine.motion_hips.hips_that_keep_knees`). The knee is set by the law of cosines in the plane in
    which it was bent; near the straight leg it eases (:func:`maquette.refine.motion_hips.eased_distance`). The foot
    keeps its orientation and all bones their length.

    Shifting the whole body by what the feet need would pull it off the picture: on motion capture filmed by a virtual
    camera with simulated lifter errors that doubled the reprojection error. Bending the legs alone spoils the knees:
    benchmarks/feet.py.

    Raises:
        InputError: the motion has no contacts (run :func:`ground` first), or the skeleton lacks hips, knees or ankles.
    """
    if motion.contacts is None or motion.frame != "world":
        raise InputError("feet can be planted only in a world motion with contacts: run ground() first")
    contacts = np.ascontiguousarray(motion.contacts.T)
    if not contacts.any():
        return motion
    before = contact_speed_mps(motion)
    offsets: dict[str, Float[np.ndarray, "frames 3"]] = {}
    for side in ("l_", "r_"):
        rows = [row for row, joint in enumerate(motion.contact_joints) if joint.startswith(side)]
        if rows:
            offset = _foot_offset(motion, contacts, rows, hold_hz, release_hz)
            size = np.linalg.norm(offset, axis=-1, keepdims=True)
            offsets[side] = offset * np.minimum(1.0, max_move_m / np.maximum(size, 1e-9))
    shift = hips_that_keep_knees([_moved(motion, side, offset) for side, offset in offsets.items()], float(motion.fps))
    positions = motion.positions + shift[:, None]
    for side, offset in offsets.items():
        bend_leg(positions, motion.positions, motion.skeleton, side, offset)
    trajectory = None if motion.root_trajectory is None else motion.root_trajectory + shift
    planted = motion.with_notes(positions=positions, root_trajectory=trajectory)
    moved_cm = 100 * float(np.percentile(np.linalg.norm(positions - motion.positions, axis=-1).max(1), 95))
    hips_cm = 100 * float(np.percentile(np.linalg.norm(shift, axis=-1), 95))
    return planted.with_notes(
        f"standing feet planted by moving legs (less than {moved_cm:.1f} cm in 95 % of the frames) and hips (less than "
        f"{hips_cm:.1f} cm): mean speed of standing feet {before:.2f} -> {contact_speed_mps(planted):.2f} m/s"
    )


def _foot_offset(
    motion: Motion, contacts: Bool[np.ndarray, "feet frames"], rows: list[int], hold_hz: float, release_hz: float
) -> Float[np.ndarray, "frames 3"]:
    """Smooth offset of one foot that brings its standing joints to the places of their contacts."""
    n = motion.n_frames
    rest_m = rest_heights_m(motion.contact_joints)
    weight, pull = np.zeros(n), np.zeros((n, 3))
    for row in rows:
        path = motion.joint(motion.contact_joints[row])
        runs = [(start, stop) for _, start, stop in contact_runs(contacts[row : row + 1])]
        for start, stop in joined_stands(runs, path, float(motion.fps)):
            place = path[start:stop].mean(0)
            place[1] = rest_m[row]
            weight[start:stop] += 1
            pull[start:stop] += place - path[start:stop]
    firm = information_at_cutoff(hold_hz) / np.maximum(weight, 1)
    information = information_at_cutoff(release_hz) + firm * weight
    return solve_path(firm[:, None] * pull, information[:, None, None] * np.eye(3), 1.0 / float(motion.fps))


def joined_stands(
    runs: Sequence[tuple[int, int]], path: Float[np.ndarray, "frames 3"], fps: float
) -> list[tuple[int, int]]:
    """``(start, stop)`` of stands of one point, where those become one between which it cannot have stepped.

    Two places for one foot on both sides of a gap of a frame or two would be a jump.
    """
    joined: list[tuple[int, int]] = []
    for start, stop in runs:
        if joined and start - joined[-1][1] <= _STEP_S * fps:
            moved_m = float(np.linalg.norm(path[start] - path[joined[-1][1] - 1]))
            if moved_m < _STEP_M:
                joined[-1] = (joined[-1][0], stop)
                continue
        joined.append((start, stop))
    return joined


def _moved(motion: Motion, side: str, offset: Float[np.ndarray, "frames 3"]) -> MovedLeg:
    hip, knee, ankle = (motion.joint(side + part) for part in ("hip", "knee", "ankle"))
    length = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
    return MovedLeg(hip, ankle, ankle + offset, length)


def bend_leg(
    positions: Float[np.ndarray, "frames joints 3"],
    source: Float[np.ndarray, "frames joints 3"],
    skeleton: Skeleton,
    side: str,
    offset: Float[np.ndarray, "frames 3"],
) -> None:
    """Move ankle and foot by ``offset`` (or as far as the leg reaches) and the knee with them, in place.

    Args:
        positions: hips where they shall be.
        source: the poses that the leg is taken from.
        side: ``"l_"`` or ``"r_"``.
    """
    hip_joint, knee_joint, ankle_joint = skeleton.indices([side + part for part in ("hip", "knee", "ankle")])
    left_hip, right_hip, thorax = (positions[:, skeleton.index(j)] for j in ("l_hip", "r_hip", "thorax"))
    hip = positions[:, hip_joint]
    forward = cross(left_hip - right_hip, thorax - hip)
    source_hip, source_knee, source_ankle = (source[:, joint] for joint in (hip_joint, knee_joint, ankle_joint))
    knee, ankle = bent_leg(hip, forward, source_hip, source_knee, source_ankle, offset)
    positions[:, knee_joint], positions[:, ankle_joint] = knee, ankle
    for child in skeleton.children(ankle_joint):
        positions[:, child] = source[:, child] + ankle - source_ankle


def bent_leg(
    hip: Float[np.ndarray, "*legs 3"],
    forward: Float[np.ndarray, "*legs 3"],
    source_hip: Float[np.ndarray, "*legs 3"],
    source_knee: Float[np.ndarray, "*legs 3"],
    source_ankle: Float[np.ndarray, "*legs 3"],
    offset: Float[np.ndarray, "*legs 3"],
) -> tuple[Float[np.ndarray, "*legs 3"], Float[np.ndarray, "*legs 3"]]:
    """``(knee, ankle)`` of a leg as long as before, whose ankle is moved by ``offset`` if it reaches so far.

    Args:
        hip: where it shall be.
        forward: of the body, for legs that are straight.
        source_hip, source_knee, source_ankle: the leg as it was.
    """
    thigh, shin = _norm(source_knee - source_hip), _norm(source_ankle - source_knee)
    reach = source_ankle + offset - hip
    distance = eased_distance(_norm(source_ankle - source_hip), _norm(reach), thigh + shin)
    distance = np.maximum(distance, np.abs(thigh - shin) + 1e-4)
    axis = reach / np.maximum(_norm(reach), 1e-9)
    forward = forward / np.maximum(_norm(forward), 1e-9)
    # A nearly straight leg does not tell its plane: a little of the body's forward keeps the knee from flipping.
    bent = source_knee - source_hip + 0.03 * forward
    pole = bent - (bent * axis).sum(-1, keepdims=True) * axis
    pole /= np.maximum(_norm(pole), 1e-9)
    along = (thigh**2 + distance**2 - shin**2) / (2 * distance)
    across = np.sqrt(np.maximum(thigh**2 - along**2, 0.0))
    return hip + axis * along + pole * across, hip + axis * distance


def _norm(vectors: Float[np.ndarray, "*legs 3"]) -> Float[np.ndarray, "*legs 1"]:
    return np.sqrt(np.add.reduce(vectors * vectors, axis=-1, keepdims=True))

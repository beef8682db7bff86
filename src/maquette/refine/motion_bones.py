"""Bones of constant length: estimated robustly over the clip, the same left and right, then imposed on every pose."""

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.skeleton import Skeleton

BoneLengths = Float[np.ndarray, " joints"]


def bone_lengths(motion: Motion, *, symmetric: bool = True) -> BoneLengths:
    """Length in metres of the bone that ends in each joint: the median over the frames; NaN for roots and for bones
    never seen.

    ``symmetric`` gives both bones of a mirror pair the median of the two sides together.
    """
    skeleton = motion.skeleton
    lengths = np.full(len(skeleton), np.nan)
    partner = skeleton.mirror_permutation
    norms = {
        child: np.linalg.norm(motion.positions[:, child] - motion.positions[:, parent], axis=-1)
        for parent, child in skeleton.bones
    }
    for child, norm in norms.items():
        mirrored = symmetric and partner[child] in norms and partner[child] != child
        samples = np.concatenate((norm, norms[int(partner[child])])) if mirrored else norm
        samples = samples[np.isfinite(samples)]
        if samples.size:
            lengths[child] = np.median(samples)
    return lengths


def constant_bones(motion: Motion, lengths: BoneLengths | None = None, *, iterations: int = 6) -> Motion:
    """Give each bone one length in all frames, moving the joints as little as possible.

    Every bone shares its error between its two ends (Gauss-Seidel projection onto the length constraints, the position
    step of Mueller et al., Position Based Dynamics, 2007), ``iterations`` times over the tree; a last pass from the
    root outwards keeps directions and makes the lengths exact. With ``iterations=0`` only that pass is done; it is
    simpler, but a wrong length of the thigh then moves the foot, and feet and hands are what the picture pins down.

    The root stays where it was. Spine and nose, which mocap data define as averages of other points, are treated as
    joints like the others: their bones vary by about 1 cm in the training data.

    Args:
        lengths: metres, for the bone that ends in each joint, NaN to leave a bone as it is; estimated by
            :func:`bone_lengths` when None.

    Raises:
        InputError: ``lengths`` is not one number per joint, or has one that is not positive.
    """
    skeleton = motion.skeleton
    note = "bone lengths held constant"
    if lengths is None:
        lengths = bone_lengths(motion)
        note += " at their median over the clip, equal left and right"
    if lengths.shape != (len(skeleton),) or (lengths[np.isfinite(lengths)] <= 0).any():
        raise InputError(
            f"bone lengths of shape {lengths.shape}, expected one positive length in metres (or NaN) for each of the "
            f"{len(skeleton)} joints of '{skeleton.name}'"
        )
    # Joints first in memory: each step works on whole columns of frames.
    joints = np.array(motion.positions.transpose(1, 2, 0), order="C")
    bones = [(p, c, float(lengths[c])) for p, c in _outward_bones(skeleton) if np.isfinite(lengths[c])]
    if iterations:
        anchors = joints[list(skeleton.roots)].copy()
        for _ in range(iterations):
            for parent, child, length_m in bones:
                shift = _excess(joints[child] - joints[parent], length_m)
                joints[parent] += 0.5 * shift
                joints[child] -= 0.5 * shift
        drift = joints[skeleton.roots[0]] - anchors[0]
        joints -= drift
    original = motion.positions.transpose(1, 2, 0)
    posed = joints.copy()
    for parent, child in _outward_bones(skeleton):
        bone = joints[child] - joints[parent]
        if np.isfinite(lengths[child]):
            bone = bone - _excess(bone, float(lengths[child]))
        # A joint whose bone is unknown keeps its own place rather than losing it.
        posed[child] = np.where(np.isfinite(bone + posed[parent]), posed[parent] + bone, original[child])
    return motion.with_notes(note, positions=posed.transpose(2, 0, 1))


def _outward_bones(skeleton: Skeleton) -> list[tuple[int, int]]:
    return [(skeleton.parents[joint], joint) for joint in skeleton.order if skeleton.parents[joint] >= 0]


def _excess(bone: Float[np.ndarray, "3 frames"], length_m: float) -> Float[np.ndarray, "3 frames"]:
    """The part of ``bone`` beyond ``length_m``, along it; zero for a missing bone, and for one of no length, which
    points nowhere."""
    norm = np.sqrt(np.einsum("cf,cf->f", bone, bone))
    usable = norm > 1e-6
    return np.where(usable, bone * (1.0 - length_m / np.where(usable, norm, 1.0)), 0.0)

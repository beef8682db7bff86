"""Errors of 3D poses under the published protocols. Positions in any unit; errors come in the same.

Every function returns one error for each pose (mean over its joints); take the mean over poses yourself, so that it is
plain over which of them.
"""

import numpy as np
from jaxtyping import Float

Poses = Float[np.ndarray, "poses joints 3"]
Errors = Float[np.ndarray, " poses"]


def mpjpe(predicted: Poses, target: Poses) -> Errors:
    """Mean per-joint position error (protocol 1). Both must have the same origin, usually the hip."""
    return np.linalg.norm(predicted - target, axis=-1).mean(axis=-1)


def n_mpjpe(predicted: Poses, target: Poses) -> Errors:
    """MPJPE after the scale of each pose is fitted by least squares (protocol 3; Rhodin et al. 2018)."""
    dot = (predicted * target).sum(axis=(1, 2), keepdims=True)
    square = np.square(predicted).sum(axis=(1, 2), keepdims=True)
    return mpjpe(dot / np.where(square > 0, square, 1) * predicted, target)


def pa_mpjpe(predicted: Poses, target: Poses) -> Errors:
    """MPJPE after the best similarity transform of each pose (protocol 2)."""
    return mpjpe(procrustes(predicted, target), target)


def procrustes(predicted: Poses, target: Poses, *, scale: bool = True) -> Poses:
    """``predicted`` rotated, moved and (``scale``) scaled onto ``target`` by least squares, pose by pose, unmirrored.

    MATLAB's ``procrustes`` as used by Martinez et al. 2017: the last singular direction is turned where the best
    orthogonal matrix would be a reflection. A pose without extent is put on the target's mean.
    """
    mean_p, mean_t = predicted.mean(axis=1, keepdims=True), target.mean(axis=1, keepdims=True)
    p, t = predicted - mean_p, target - mean_t
    norm_p = np.linalg.norm(p, axis=(1, 2), keepdims=True)
    norm_t = np.linalg.norm(t, axis=(1, 2), keepdims=True)
    safe_p, safe_t = np.where(norm_p > 0, norm_p, 1), np.where(norm_t > 0, norm_t, 1)
    U, singular, Vt = np.linalg.svd(np.swapaxes(t / safe_t, 1, 2) @ (p / safe_p))
    sign = np.where(np.linalg.det(U @ Vt) < 0, -1.0, 1.0).astype(singular.dtype)
    U[:, :, -1] *= sign[:, None]
    singular[:, -1] *= sign
    R = U @ Vt
    factor = singular.sum(axis=1)[:, None, None] * norm_t / safe_p if scale else 1.0
    return factor * (p @ np.swapaxes(R, 1, 2)) + mean_t


def velocity_error(predicted: Poses, target: Poses) -> Float[np.ndarray, " steps"]:
    """MPJVE of Pavllo et al. 2019: error of the differences between successive poses, one for each pair of frames."""
    return mpjpe(np.diff(predicted, axis=0), np.diff(target, axis=0))

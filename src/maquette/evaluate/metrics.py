"""Errors of 3D poses under the published protocols. Positions in any unit; errors come in the same.

Every function returns one number for each pose (or each step in time, or each joint of each pose); take the mean over
poses yourself, so that it is plain over which of them.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

Poses = Float[np.ndarray, "poses joints 3"]
Errors = Float[np.ndarray, " poses"]
JointErrors = Float[np.ndarray, "poses joints"]

PCK_THRESHOLD_M = 0.15
"""MPI-INF-3DHP (Mehta et al. 2017): about half the size of a head."""
AUC_THRESHOLDS_M: Float[np.ndarray, "31"] = np.arange(31) * 5 / 1000
"""0, 5, ... 150 mm, as the evaluation that comes with MPI-INF-3DHP; at 0 no joint is correct."""
AUC_THRESHOLDS_M.flags.writeable = False
PCP_SHARE = 0.5
"""Of the limb's length, as on KTH Football II (Burenius et al. 2013)."""
PcpRule = Literal["both ends", "mean of ends"]
"""What must be within that share."""


def joint_errors(predicted: Poses, target: Poses) -> JointErrors:
    """Distance of every joint from where it is."""
    return np.linalg.norm(predicted - target, axis=-1)


def mpjpe(predicted: Poses, target: Poses) -> Errors:
    """Mean per-joint position error (protocol 1). Both must have the same origin, usually the hip."""
    return joint_errors(predicted, target).mean(axis=-1)


def n_mpjpe(predicted: Poses, target: Poses) -> Errors:
    """MPJPE after the scale of each pose is fitted by least squares (protocol 3; Rhodin et al. 2018)."""
    return mpjpe(rescaled(predicted, target), target)


def rescaled(predicted: Poses, target: Poses) -> Poses:
    """``predicted`` with the scale of each pose fitted to ``target`` by least squares, about the origin."""
    dot = (predicted * target).sum(axis=(1, 2), keepdims=True)
    square = np.square(predicted).sum(axis=(1, 2), keepdims=True)
    return dot / np.where(square > 0, square, 1) * predicted


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


def acceleration_error(predicted: Poses, target: Poses) -> Float[np.ndarray, " steps"]:
    """Error of the second differences, one for each three frames in a row (Kanazawa et al. 2019): unit per frame^2."""
    return mpjpe(np.diff(predicted, n=2, axis=0), np.diff(target, n=2, axis=0))


def pck(errors: JointErrors, threshold: float | int = PCK_THRESHOLD_M) -> Errors:
    """Share of the joints of each pose that are nearer than ``threshold`` (metres by default), 0 to 1."""
    return (errors < threshold).mean(axis=-1)


def auc(errors: JointErrors, thresholds: Float[np.ndarray, " thresholds"] = AUC_THRESHOLDS_M) -> Errors:
    """Mean of :func:`pck` over ``thresholds`` (in growing order), 0 to 1: the area under its curve."""
    return _thresholds_above(errors, thresholds).mean(axis=-1) / len(thresholds)


def pck_curve(
    errors: JointErrors, thresholds: Float[np.ndarray, " thresholds"] = AUC_THRESHOLDS_M
) -> Float[np.ndarray, " thresholds"]:
    """Share of all joints of all poses that are nearer than each of ``thresholds`` (in growing order)."""
    above = np.bincount(_thresholds_above(errors, thresholds).ravel(), minlength=len(thresholds) + 1)
    # A joint that n thresholds lie above is correct at the last n of them.
    return np.cumsum(above[:0:-1])[: len(thresholds)] / max(errors.size, 1)


def pcp(
    predicted: Float[np.ndarray, "poses joints dims"],
    target: Float[np.ndarray, "poses joints dims"],
    limbs: Sequence[tuple[int, int]],
    *,
    share: float | int = PCP_SHARE,
    rule: PcpRule = "both ends",
) -> Float[np.ndarray, "poses limbs"]:
    """Percentage of correct parts: 1 where both ends of a limb are within ``share`` of its true length, else 0.

    NaN for a limb whose true length is 0: nothing can be said about it.

    Args:
        limbs: pairs of joints.
        rule: both ends, or the mean of their distances.
    """
    ends = np.array(limbs, dtype=int).reshape(-1, 2)
    length = np.linalg.norm(target[:, ends[:, 0]] - target[:, ends[:, 1]], axis=-1)
    apart = np.linalg.norm(predicted - target, axis=-1)[:, ends]
    counted = apart.max(axis=-1) if rule == "both ends" else apart.mean(axis=-1)
    return np.where(length > 0, (counted <= share * length).astype(float), np.nan)


def _thresholds_above(errors: JointErrors, thresholds: Float[np.ndarray, " thresholds"]) -> np.ndarray:
    """How many of the thresholds are larger than each error."""
    return len(thresholds) - np.searchsorted(thresholds, errors, side="right")

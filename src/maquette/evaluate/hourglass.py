"""Errors of the weakly supervised hourglass (Zhou et al. 2017) as its programs measure them.

Such a network gives joints of mpii-16 as x, y and depth in one scale of pixels, without a unit. Its published error on
Human3.6M compares them, relative to the pelvis, after every skeleton got the same length: neither the size of the
subject is known nor is the scale fitted to the truth. N-MPJPE and PA-MPJPE, which fit it, belong beside that number.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from maquette.lifting.weak_perspective import of_length, skeleton_lengths
from maquette.mapping import H36M_17_CONVENTIONS
from maquette.runtime.picture_spec import PUBLISHED_LENGTH_MM, V2_LENGTH_MM
from maquette.skeletons import MPII_16

ACCURACY_JOINTS: tuple[str, ...] = tuple(
    f"{side}_{joint}" for joint in ("ankle", "knee", "hip", "wrist", "elbow") for side in ("r", "l")
)
"""Those that the accuracy of the training is the mean of."""
ACCURACY_SHARE = 0.05
"""Of the heatmap's side (3.2 of 64 cells): a joint nearer than that is correct."""
HIP_SHIFT = 0.2
"""How far pelvis and hips move towards the neck before poses are compared with those of MPI-INF-3DHP, whose hips lie
higher than the ones that the network has learnt: share of the way from pelvis to neck."""

_PELVIS, _THORAX, _NECK = MPII_16.indices(("pelvis", "thorax", "upper_neck"))
_HIPS = MPII_16.indices(("r_hip", "l_hip"))
_V2_MAP = H36M_17_CONVENTIONS["pose-hg-3d/mpii-16"]

Joints = Float[np.ndarray, "people 16 3"]


class Accuracy(NamedTuple):
    """Of a batch or a set."""

    mean: float
    """Of the joints that were counted, 0 to 1; NaN where there are none."""
    joints: Float[np.ndarray, "10"]
    """Of :data:`ACCURACY_JOINTS`; NaN where a joint is nowhere."""


def heatmap_accuracy(
    points: Float[np.ndarray, "people 16 2"],
    targets: Float[np.ndarray, "people 16 2"],
    counted: Bool[np.ndarray, "people 16"],
    *,
    side: int = 64,
) -> Accuracy:
    """Share of joints within 5 % of the heatmap's side, the mean of ten joints (Newell et al. 2016).

    Args:
        points: found, in cells of the heatmap; NaN counts as wrong.
        counted: joints that are there, and have a target.
    """
    chosen = list(MPII_16.indices(ACCURACY_JOINTS))
    near = np.linalg.norm(points - targets, axis=-1) <= ACCURACY_SHARE * side
    right, there = (near & counted)[:, chosen].sum(axis=0), counted[:, chosen].sum(axis=0)
    joints = np.where(there > 0, right / np.maximum(there, 1), np.nan)
    return Accuracy(float(joints[there > 0].mean()) if there.any() else float("nan"), joints)


def with_torso(poses: Joints) -> Joints:
    """With the thorax halfway between pelvis and upper neck: a network that learns it from MPII, where it lies on the
    line of the shoulders, and from Human3.6M, where the spine stands in its place, knows neither."""
    poses = poses.copy()
    poses[:, _THORAX] = (poses[:, _PELVIS] + poses[:, _NECK]) / 2
    return poses


def constant_skeleton(points: Joints, length_mm: float | int = PUBLISHED_LENGTH_MM) -> Joints:
    """Poses in mm relative to the pelvis, of which each skeleton has the same length; the thorax as
    :func:`with_torso` puts it.

    Args:
        points: x, y and depth in one scale.
        length_mm: of the 14 bones together.
    """
    return with_torso(of_length(points, length_mm))


def v2_skeleton(points: Joints, length_mm: float | int = V2_LENGTH_MM) -> Float[np.ndarray, "people 17 3"]:
    """The same as the authors' program of 2019 does it, on h36m-17: spine and nose halfway between their neighbours.
    (Its 15 bones, the trunk being two of them, are together as long as the 14.)"""
    poses, _ = _V2_MAP.apply_arrays(of_length(points, length_mm), np.ones(points.shape[:2]))
    return poses


def true_length_skeleton(points: Joints, targets_mm: Joints, *, hip_shift: float | int = HIP_SHIFT) -> Joints:
    """Poses in mm relative to the pelvis as they are compared on MPI-INF-3DHP: pelvis and hips moved towards the neck,
    the thorax between pelvis and neck, and every skeleton as long as the true one of the same picture.

    That scale comes from the truth: the numbers say nothing about how well the size of the person is known.
    """
    poses = points.copy()
    shift = hip_shift * (poses[:, [_NECK]] - poses[:, [_PELVIS]])
    lower = [_PELVIS, *_HIPS]
    poses[:, lower] += shift
    scaled = of_length(with_torso(poses), 1.0)
    return scaled * skeleton_lengths(targets_mm)[:, None, None]

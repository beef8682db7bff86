"""Losses of the 3D pose machine, in normalised values, and which of them each training step adds up.

All are Caffe's: a sum of squares by twice the number of rows. Without weights they are the published ones, in which
missing joints count like others; weights leave out missing joints and rows that only fill a batch up.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from maquette.errors import InputError
from maquette.models.pose_machine import MachineOutput
from maquette.skeletons import H36M_16

Values = Float[Tensor, "rows values"]
JointWeights = Float[Tensor, "rows joints"]
BoneGradient = Literal["full", "child_only"]
PARENTS: tuple[int, ...] = tuple(max(int(parent), 0) for parent in H36M_16.parents)
"""Of the 16 joints; the root is its own."""
STEPS = (2, 3, 4, 5)
"""Training steps of the machine; the first trains a network of its own."""


def euclidean_loss(predicted: Values, target: Values, weights: JointWeights | None = None) -> Float[Tensor, ""]:
    """Sum of the squared differences by twice the number of rows.

    Args:
        weights: of each joint (or, of one column, each row), with which its squares are multiplied; targets of weight 0
            may be anything, not a number too. Rows whose weights are all 0 do not count as rows.

    Without any row it is 0.
    """
    if weights is None:
        return (predicted - target).square().sum() / (2 * max(len(predicted), 1))
    each = weights.repeat_interleave(predicted.shape[1] // weights.shape[1], dim=1)
    # A zero before the square: not a number times zero is not zero, neither here nor in the gradient.
    difference = torch.where(each > 0, predicted - target, 0)
    rows = (weights > 0).any(dim=1).sum().clamp(min=1)
    return (each * difference.square()).sum() / (2 * rows)


def bone_vectors(
    poses: Values, parents: tuple[int, ...] = PARENTS, *, gradient: BoneGradient = "full"
) -> Float[Tensor, "rows values"]:
    """Parent minus child in each coordinate, 0 for the root; of normalised poses no length, since each coordinate has
    its own scale.

    Args:
        gradient: ``child_only`` treats the parents as constants, as in the published layer, whose gradient lacks
            their half.
    """
    joints = poses.unflatten(1, (len(parents), -1))
    at_parents = joints[:, list(parents)]
    return ((at_parents.detach() if gradient == "child_only" else at_parents) - joints).flatten(1)


def bone_loss(
    predicted: Values,
    target: Values,
    weights: JointWeights | None = None,
    *,
    parents: tuple[int, ...] = PARENTS,
    gradient: BoneGradient = "full",
) -> Float[Tensor, ""]:
    """:func:`euclidean_loss` of bones, in 2D or 3D.

    Args:
        weights: of joints; a bone has the product of those of its ends.
    """
    of_bones = None if weights is None else weights * weights[:, list(parents)]
    bones = bone_vectors(predicted, parents, gradient=gradient)
    return euclidean_loss(bones, bone_vectors(target, parents), of_bones)


@dataclass(frozen=True)
class MachineTargets:
    """What the poses of all rows should be, normalised."""

    points: Float[Tensor, "rows points"]
    """2D; of missing joints anything, where weights say so."""
    poses: Float[Tensor, "rows values"]
    """3D; of rows without 3D anything."""
    has_pose: Bool[Tensor, " rows"]
    """Rows with 3D: those of Human3.6M. Pictures of MPII have 2D only."""
    point_weights: Float[Tensor, "rows joints"] | None = None
    """Of the 2D joints; None counts all, as published."""
    pose_weights: Float[Tensor, "rows joints"] | None = None
    """Of the 3D joints; None counts all."""


def machine_losses(
    output: MachineOutput,
    targets: MachineTargets,
    step: int,
    *,
    parents: tuple[int, ...] = PARENTS,
    bone_gradient: BoneGradient = "full",
) -> dict[str, Float[Tensor, ""]]:
    """The terms of a training step; its loss is their sum.

    ===== ================================================================================
    step  terms
    ===== ================================================================================
    2     ``coarse_3d``
    3, 4  and ``corrected_3d``, ``coarse_bones``, ``corrected_bones``, ``projected_2d``
    5     and ``projected_bones``
    ===== ================================================================================

    Terms of 3D are of the rows with 3D, those of 2D of all rows. In step 3 the layers behind the coarse pose are
    frozen, and its two terms only tell.

    Raises:
        InputError: another step.
    """
    if step not in STEPS:
        raise InputError(f"step {step} of the pose machine, expected {', '.join(map(str, STEPS))}")
    rows = targets.has_pose
    poses, weights = targets.poses[rows], None if targets.pose_weights is None else targets.pose_weights[rows]
    coarse, corrected = output.coarse[rows], output.corrected[rows]
    losses = {"coarse_3d": euclidean_loss(coarse, poses, weights)}
    if step > 2:
        bones = partial(bone_loss, parents=parents, gradient=bone_gradient)
        losses["corrected_3d"] = euclidean_loss(corrected, poses, weights)
        losses["coarse_bones"] = bones(coarse, poses, weights)
        losses["corrected_bones"] = bones(corrected, poses, weights)
        losses["projected_2d"] = euclidean_loss(output.projected, targets.points, targets.point_weights)
    if step == 5:
        losses["projected_bones"] = bones(output.projected, targets.points, targets.point_weights)
    return losses

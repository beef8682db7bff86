"""Losses of networks for pictures: heatmaps, depth, and the constraint on bone lengths of Zhou et al. 2017
("Towards 3D Human Pose Estimation in the Wild: a Weakly-supervised Approach", section 3.3).

The constraint says what 3D looks like where only 2D is known: bones of a person have nearly constant ratios, so that
within a group of them the lengths, each brought to one unit by the ratio, should be equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

THIGH_BY_SHIN = 1.0085885098415446
UPPER_ARM_BY_FORE_ARM = 1.1375361376887123
DepthLoss = Literal["mse", "smooth-l1"]
Reduction = Literal["paper", "v2"]


@dataclass(frozen=True)
class BoneGroup:
    """Bones of one length, once each is multiplied by its weight."""

    bones: tuple[tuple[int, int], ...]
    """Joints at the two ends, mpii-16."""
    weights: tuple[float, ...]


GROUPS: tuple[BoneGroup, ...] = (
    BoneGroup(((0, 1), (1, 2), (3, 4), (4, 5)), (THIGH_BY_SHIN, 1.0, 1.0, THIGH_BY_SHIN)),
    BoneGroup(((10, 11), (11, 12), (13, 14), (14, 15)), (UPPER_ARM_BY_FORE_ARM, 1.0, 1.0, UPPER_ARM_BY_FORE_ARM)),
    BoneGroup(((2, 6), (3, 6)), (1.0, 1.0)),
    BoneGroup(((12, 8), (13, 8)), (1.0, 1.0)),
)
"""Legs, arms, hips, shoulders, with the published ratios."""


def heatmap_loss(
    heatmaps: Sequence[Float[Tensor, "n joints height width"]],
    target: Float[Tensor, "n joints height width"],
    visible: Bool[Tensor, "n joints"] | None = None,
) -> Float[Tensor, ""]:
    """Mean squared error of each stack's heatmaps, added up.

    Args:
        heatmaps: of each stack.
        visible: only these joints' maps count, in the mean too. Without it all do (published): a joint that is not
            annotated is to have an empty map.
    """
    if visible is None:
        return torch.stack([functional.mse_loss(maps, target) for maps in heatmaps]).sum()
    count = (visible.sum() * target.shape[-2] * target.shape[-1]).clamp(min=1)
    weights = visible[..., None, None].to(target.dtype)
    return torch.stack([((maps - target).square() * weights).sum() / count for maps in heatmaps]).sum()


def depth_loss(
    depth: Float[Tensor, "n joints"],
    target: Float[Tensor, "n joints"],
    has_depth: Bool[Tensor, " n"],
    kind: DepthLoss = "mse",
    visible: Bool[Tensor, "n joints"] | None = None,
) -> Float[Tensor, ""]:
    """How far depths are from those that are known.

    Args:
        target: of samples without 3D it may be anything, not a number too.
        kind: ``mse``: mean over joints of the squared difference, added over the samples with 3D, by the number of ALL
            samples of the batch (so that an epoch weighs depth and bones as it has samples of each). ``smooth-l1``, of
            the later version: Huber's loss added over the joints that count, by their number plus 1e-4.
        visible: which joints count of those samples.
    """
    counts = has_depth[:, None].expand_as(depth)
    if visible is not None:
        counts = counts & visible
    # Zero before the square: not a number times zero is not zero, neither here nor in the gradient.
    difference = torch.where(counts, depth - target, 0)
    if kind == "smooth-l1":
        return functional.smooth_l1_loss(difference, torch.zeros_like(difference), reduction="sum") / (
            counts.sum() + 1e-4
        )
    each = difference.square().sum(dim=1) / counts.sum(dim=1).clamp(min=1)
    return each.sum() / max(len(depth), 1)


def geometry_loss(
    xy: Float[Tensor, "n joints 2"],
    z: Float[Tensor, "n joints"],
    visible: Bool[Tensor, "n joints"],
    *,
    reduction: Reduction = "paper",
    groups: Sequence[BoneGroup] = GROUPS,
    skip_zero_bones: bool = False,
) -> Float[Tensor, " n"]:
    """Variance of bone lengths in each group, added over the groups, for each sample.

    A group with fewer than two visible bones adds nothing.

    Args:
        xy: in the unit of ``z``: what maps to -1 to 1 across the crop for the published half-crop depths (``paper``),
            to 0 to 1 for depths in crops (``v2``). Of invisible joints it may be anything.
        visible: joints whose place in the picture is known; a bone counts when both its ends are.
        reduction: ``v2`` halves the sum.
        skip_zero_bones: as published, a bone of length 0 counts in the mean but not in the sum, and the gradient is
            that of a constant mean.
    """
    first = torch.tensor([a for group in groups for a, _ in group.bones], device=z.device)
    second = torch.tensor([b for group in groups for _, b in group.bones], device=z.device)
    weights = torch.tensor([w for group in groups for w in group.weights], dtype=z.dtype, device=z.device)
    of_group = torch.zeros(len(weights), len(groups), dtype=z.dtype, device=z.device)
    of_group[range(len(weights)), [i for i, group in enumerate(groups) for _ in group.bones]] = 1

    seen = visible[:, first] & visible[:, second]
    offsets = torch.cat([xy, z[..., None]], dim=-1)
    offsets = torch.where(seen[..., None], offsets[:, first] - offsets[:, second], 0)
    squares = offsets.square().sum(dim=-1)
    long = squares > 0
    # The root of 0 has no gradient; its place is taken by a number that has one.
    lengths = torch.where(long, torch.where(long, squares, 1).sqrt(), 0) * weights

    counts = seen.to(z.dtype) @ of_group
    means = (lengths @ of_group / counts.clamp(min=1)) @ of_group.T
    differences = torch.where(seen, lengths - (means.detach() if skip_zero_bones else means), 0)
    if skip_zero_bones:
        differences = torch.where(long, differences, 0)
    variances = (differences.square() @ of_group / counts.clamp(min=1)) * (counts > 1)
    return variances.sum(dim=1) / (2 if reduction == "v2" else 1)

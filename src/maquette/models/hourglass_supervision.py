"""What one batch of pictures teaches: which samples give which loss, and the published ways of adding them up."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from maquette.models.hourglass_losses import DepthLoss, Reduction, depth_loss, geometry_loss, heatmap_loss

PlacesOf = Literal["target", "torch7", "predicted"]


class HourglassTarget(NamedTuple):
    """What is known of the samples of a batch."""

    heatmaps: Float[Tensor, "n joints height width"]
    xy_px: Float[Tensor, "n joints 2"]
    """In pixels of the heatmaps; anything where not visible."""
    visible: Bool[Tensor, "n joints"]
    """Whose place is known."""
    depth: Float[Tensor, "n joints"]
    """Anything where there is no 3D."""
    has_depth: Bool[Tensor, " n"]
    weak: Bool[Tensor, " n"]
    """Samples whose bones are to have constant ratios."""


@dataclass(frozen=True)
class HourglassLossSettings:
    """How much each loss counts, and which of the published versions it is."""

    heatmap_weight: float = 1.0
    """Of each stack."""
    depth_weight: float = 0.1
    """``regWeight``; 0 in the first stage."""
    geometry_weight: float = 0.01
    """``varWeight``; 0 but in the last stage."""
    depth_kind: DepthLoss = "mse"
    reduction: Reduction = "paper"
    """``paper``: places and depths in half crops. ``v2``: in crops, and half the loss."""
    places_of: PlacesOf = "target"
    """Where joints are for the constraint: ``target``: where annotated. ``torch7``: the brightest pixel of the target,
    moved by a quarter towards the brighter neighbour of the PREDICTION, and by a half. ``predicted``: the brightest
    pixel of the prediction, so moved."""
    annotated_maps_alone: bool = False
    """Heatmaps of joints that are not annotated do not count, instead of being wanted empty."""
    skip_zero_bones: bool = False
    """As published: see :func:`~maquette.models.hourglass_losses.geometry_loss`."""
    shrunk_gradient: bool = False
    """As the first PyTorch version had it: its backward pass saw places a 32nd of their size apart, because it brought
    the caller's array to the unit once more. The loss is the same, its gradient is not."""


class HourglassLosses(NamedTuple):
    """Losses of one batch, weighted; ``total`` is their sum."""

    total: Float[Tensor, ""]
    heatmaps: Float[Tensor, ""]
    depth: Float[Tensor, ""]
    geometry: Float[Tensor, ""]


def hourglass_loss(
    heatmaps: list[Tensor],
    depth: Float[Tensor, "n joints"] | None,
    target: HourglassTarget,
    settings: HourglassLossSettings,
) -> HourglassLosses:
    """The losses of a batch.

    Args:
        heatmaps: of each stack.
        depth: None of a network without depths; then only heatmaps are compared.
    """
    masked = target.visible if settings.annotated_maps_alone else None
    of_maps = settings.heatmap_weight * heatmap_loss(heatmaps, target.heatmaps, masked)
    nothing = of_maps.new_zeros(())
    of_depth = of_bones = nothing
    if depth is not None and settings.depth_weight:
        known = target.visible if settings.depth_kind == "smooth-l1" else None
        of_depth = settings.depth_weight * depth_loss(depth, target.depth, target.has_depth, settings.depth_kind, known)
    if depth is not None and settings.geometry_weight:
        places = places_px(heatmaps[-1], target, settings.places_of)
        each = weak_geometry(places, depth, target, settings)
        of_bones = settings.geometry_weight * each.sum() / max(len(each), 1)
    return HourglassLosses(of_maps + of_depth + of_bones, of_maps, of_depth, of_bones)


def weak_geometry(
    places: Float[Tensor, "n joints 2"],
    depth: Float[Tensor, "n joints"],
    target: HourglassTarget,
    settings: HourglassLossSettings,
) -> Float[Tensor, " n"]:
    """The constraint of each sample that is to obey it, 0 of others.

    Args:
        places: in pixels of the heatmaps.
    """
    size = target.heatmaps.shape[-1]
    visible = target.visible & target.weak[:, None]
    xy = places / size if settings.reduction == "v2" else places / size * 2 - 1

    def constraint(at: Tensor) -> Tensor:
        return geometry_loss(at, depth, visible, reduction=settings.reduction, skip_zero_bones=settings.skip_zero_bones)

    if not settings.shrunk_gradient:
        return constraint(xy)
    shrunk = constraint(xy / size * 2 - 1)
    return shrunk + (constraint(xy) - shrunk).detach()


def places_px(
    predicted: Float[Tensor, "n joints height width"], target: HourglassTarget, kind: PlacesOf
) -> Float[Tensor, "n joints 2"]:
    """Where joints are for the constraint, in pixels of the heatmaps; without a gradient."""
    if kind == "target":
        return target.xy_px
    maps = predicted.detach()
    height, width = maps.shape[-2:]
    flat = maps.flatten(2)
    brightest = (target.heatmaps if kind == "torch7" else maps).flatten(2).argmax(dim=2)
    x, y = brightest % width, brightest // width

    def step(by: int) -> Tensor:
        ahead, behind = ((brightest + way).clamp(0, flat.shape[2] - 1)[..., None] for way in (by, -by))
        return 0.25 * torch.sign(flat.gather(2, ahead) - flat.gather(2, behind)).squeeze(2)

    inside = (x > 0) & (x < width - 1) & (y > 0) & (y < height - 1)
    steps = torch.stack([step(1), step(width)], dim=-1)
    return torch.stack([x, y], dim=-1) + 0.5 + torch.where(inside[..., None], steps, 0)

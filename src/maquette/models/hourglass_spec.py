"""What the model file of a network of pictures says about itself."""

import copy
from typing import Any

import torch
from torch import nn

from maquette.models.deconv_pose import DeconvPose
from maquette.models.hourglass import HourglassDepth
from maquette.runtime.picture_spec import PictureSpec


def picture_spec(
    network: HourglassDepth | DeconvPose, *, name: str, licence: str, training_data: str, **facts: Any
) -> PictureSpec:
    """The spec of a network.

    Args:
        facts: other fields of the spec, for example ``colour_order``, ``divide_by``, ``seed``, ``accuracy``; the
            defaults are those of the hourglass's first published program: red, green, blue from 0 to 1.
    """
    is_hourglass = isinstance(network, HourglassDepth)
    if isinstance(network, HourglassDepth):
        depth = "none" if network.depth is None else "vector"
    else:
        depth = "map" if "depth" in network.heads else "none"
    facts.setdefault("depth_unit", "half-crop" if is_hourglass else "crop")
    return PictureSpec(
        name=name,
        kind="hourglass" if is_hourglass else "deconv",
        input_size=network.input_size,
        output_size=network.output_size,
        depth=depth,
        licence=licence,
        training_data=training_data,
        parameters=sum(p.numel() for p in network.parameters()),
        macs_per_picture=macs_per_picture(network),
        **facts,
    )


def macs_per_picture(network: HourglassDepth | DeconvPose) -> int:
    """Multiply-adds of one picture: every weight of a convolution at every place, other weights once."""
    total = 0

    def count(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        # A transposed convolution spreads each of its inputs, the others gather each of their outputs.
        places = (inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output).shape[2:].numel()
        total += layer.get_parameter("weight").numel() * places

    # A copy, so that neither hooks nor statistics of norms stay.
    copied = copy.deepcopy(network).cpu().eval()
    for layer in copied.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            layer.register_forward_hook(count)
    with torch.no_grad():
        copied(torch.zeros(1, 3, network.input_size, network.input_size))
    return total

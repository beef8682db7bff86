"""The layers of a relative-encoding network as few and plain products: batch norms and encodings folded in, float64."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from maquette.errors import ModelError
from maquette.models.rie import Head, RelativeEncodingNetwork, current_tap
from maquette.models.rie_groups import JointGroup


@dataclass(frozen=True)
class FirstLayer:
    """The first layer of an encoder on the features of frames as they come in, without any encoding.

    The sum over taps of ``weight`` times the neighbours, plus ``current_weight`` times the current frame (the one whose
    pose is wanted), plus ``bias``.
    """

    columns: list[int]
    """Which features of a frame it reads: those of the group's joints, and the root's."""
    weight: Float[np.ndarray, "out columns taps"]
    current_columns: list[int]
    """Which features of the current frame it reads; none with a local temporal code."""
    current_weight: Float[np.ndarray, "out current"]
    bias: Float[np.ndarray, " out"]
    places: int
    """How often it is applied in a window."""


def first_layer(network: RelativeEncodingNetwork, group: JointGroup) -> FirstLayer:
    """Absolute, relative to the root and relative to the current frame are sums of the same positions: with the
    weights ``A``, ``D`` and ``T`` for the three, a joint gets ``A + D + T``, the root the sum of all ``-D``, and the
    current frame the sum over the taps of ``-T``."""
    encoder, features, root = network.encoder(group), network.features, network.groups.root
    weight, bias = with_norm(encoder.expand_conv, encoder.expand_bn)
    joints, taps = len(group.inputs), weight.shape[2]
    ends = np.cumsum([joints * features, joints * 2])
    absolute, to_root, in_time = np.split(weight, ends, axis=1)
    absolute = absolute.reshape(-1, joints, features, taps)
    to_root, in_time = (part.reshape(-1, joints, 2, taps) for part in (to_root, in_time))

    places = {joint: i for i, joint in enumerate(dict.fromkeys((*group.inputs, *root)))}
    summed = np.zeros((len(weight), len(places), features, taps))
    current = -in_time.sum(axis=3)
    for i, joint in enumerate(group.inputs):
        summed[:, places[joint]] += absolute[:, i]
        summed[:, places[joint], :2] += to_root[:, i] + in_time[:, i]
        if network.temporal_code == "local":
            summed[:, places[joint], :2, current_tap(taps, network.causal)] += current[:, i]
    for joint in root:
        summed[:, places[joint], :2] -= to_root.sum(axis=1) / len(root)

    # The root's own values beyond x and y are not read, unless it belongs to the group.
    read = [(joint, f) for joint in places for f in range(features if joint in group.inputs else 2)]
    rows = [places[joint] * features + f for joint, f in read]
    is_local = network.temporal_code == "local"
    return FirstLayer(
        columns=[joint * features + f for joint, f in read],
        weight=summed.reshape(len(weight), -1, taps)[:, rows],
        current_columns=[] if is_local else [joint * features + axis for joint in group.inputs for axis in (0, 1)],
        current_weight=current.reshape(len(weight), -1)[:, : 0 if is_local else None],
        bias=bias,
        places=network.receptive_field // taps,
    )


def with_norm(
    layer: nn.Module, norm: nn.Module | None
) -> tuple[Float[np.ndarray, "out in *taps"], Float[np.ndarray, " out"]]:
    """Weight and bias of a linear layer or a convolution, with the batch norm behind it (in evaluation)."""
    assert isinstance(layer, nn.Linear | nn.Conv1d)
    weight = double(layer.weight)
    bias = np.zeros(len(weight)) if layer.bias is None else double(layer.bias)
    if norm is None:
        return weight, bias
    assert isinstance(norm, nn.BatchNorm1d)
    if norm.running_var is None or norm.running_mean is None:
        raise ModelError("a batch norm without running statistics cannot be folded")
    factor = double(norm.weight) / np.sqrt(double(norm.running_var) + norm.eps)
    bias = (bias - double(norm.running_mean)) * factor + double(norm.bias)
    return weight * factor.reshape(-1, *[1] * (weight.ndim - 1)), bias


def behind_shrinks(
    head: Head, shrinks: list[nn.Conv1d | None]
) -> tuple[Float[np.ndarray, "out in"], Float[np.ndarray, " out"]]:
    """The first layer of ``head`` on features of which some have not been through their ``shrink`` layer.

    Args:
        head: reads features of equal length side by side.
        shrinks: the layer that each of the features lacks, or None.
    """
    weight, bias = with_norm(head.fc_1, head.bn_1)
    parts = []
    for part, shrink in zip(np.split(weight, len(shrinks), axis=1), shrinks, strict=True):
        if shrink is not None:
            matrix, offset = with_norm(shrink, None)
            bias = bias + part @ offset
            part = part @ matrix[:, :, 0]
        parts.append(part)
    return np.concatenate(parts, axis=1), bias


def folds_shrink(network: RelativeEncodingNetwork) -> bool:
    """Whether the last layers of the encoders vanish in their readers; these must not grow by it."""
    shrink = network.encoder(network.groups.groups[0]).shrink
    return shrink.in_channels <= shrink.out_channels


def macs_per_frame(network: RelativeEncodingNetwork) -> int:
    """Multiply-adds for one more frame of a clip, the layers folded as above."""
    heads = [module for module in network.modules() if isinstance(module, Head)]
    total = sum(module.weight.numel() for head in heads for module in head.modules() if isinstance(module, nn.Linear))
    is_local = network.temporal_code == "local"
    for group in network.groups.groups:
        encoder, layer = network.encoder(group), first_layer(network, group)
        places = 1 if is_local else layer.places
        total += places * (layer.weight.size + layer.current_weight.size)
        for i, width in enumerate(encoder.filter_widths[1:]):
            places = 1 if is_local else places // width
            total += places * (encoder.weight(2 * i).numel() + encoder.weight(2 * i + 1).numel())
        total += 0 if folds_shrink(network) else encoder.shrink.weight.numel()
    if folds_shrink(network):
        # Each group's features are read by its decoder and by the fusion of all others.
        readers = 1 if network.stage == 1 else len(network.groups.groups)
        shrink = network.encoder(network.groups.groups[0]).shrink
        saved = shrink.out_channels - shrink.in_channels
        total -= len(network.groups.groups) * readers * saved * network.GlobalInfo.fc_1.out_features
    return total


def double(tensor: Tensor) -> Float[np.ndarray, "..."]:
    return tensor.detach().cpu().double().numpy()

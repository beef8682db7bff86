"""The relative-encoding network as an ONNX graph: a clip in, the pose of every frame out.

* The first layer is linear in the positions, so what is relative to the root or to the current frame is another weight
  of the same positions (:func:`maquette.models.rie_folding.first_layer`); batch norms are folded, too.
* With the published temporal code every window subtracts its own current frame before the first rectifier, so all
  later layers are each window's own. They are convolutions over a picture of ``places x poses``: all windows side by
  side, and the temporal convolution goes down the places. This layout gives onnxruntime its fastest kernels (channels
  in blocks, the rectifier inside).
* With the local code the layers are dilated convolutions over the clip.
* The last layer of an encoder (``shrink``) is linear, and so are its readers: it is folded into them unless that makes
  them larger.
"""

from math import prod
from typing import Any

import msgspec
import numpy as np
from jaxtyping import Float
from torch import nn

from maquette.models.clip_spec import check_clip_spec, describe_clip
from maquette.models.graph import Graph
from maquette.models.rie import SLOPE, Head, HeadBlock, LocalEncoder, RelativeEncodingNetwork, current_tap
from maquette.models.rie_folding import FirstLayer, behind_shrinks, first_layer, folds_shrink, macs_per_frame, with_norm
from maquette.models.rie_groups import JointGroup
from maquette.runtime.spec import METADATA_KEY, ModelSpec

Layer = tuple[np.ndarray, np.ndarray]
"""Weight (out, in, high, wide) and bias, batch norm folded in."""


def clip_spec(network: RelativeEncodingNetwork, **fields: Any) -> ModelSpec:
    """What a model file of ``network`` says about itself; ``fields`` as :func:`maquette.models.clip_spec.describe_clip`
    takes them beside those that the network tells."""
    return describe_clip(
        network,
        kind="relative",
        receptive_field=network.receptive_field,
        causal=network.causal,
        macs_per_frame=macs_per_frame(network),
        **fields,
    )


def build_onnx(network: RelativeEncodingNetwork, spec: ModelSpec) -> Any:
    """The ``onnx.ModelProto``: ``features`` (frames, joints x features) to ``positions`` (poses, joints, 3).

    Raises:
        ModelError: the spec describes another form or window than the network has.
    """
    check_clip_spec(spec, receptive_field=network.receptive_field, causal=network.causal)
    graph = Graph()
    add_network(graph, network, "features", "positions")
    channels = network.groups.input_joints * network.features
    shape = ["poses", network.groups.output_joints, network.values]
    metadata = {METADATA_KEY: msgspec.json.encode(spec).decode()}
    return graph.model(("features", ["frames", channels]), ("positions", shape), metadata)


def add_network(graph: Graph, network: RelativeEncodingNetwork, features: str, output: str) -> str:
    """Adds all layers: ``features`` (frames, channels) to ``output`` (poses, joints, values)."""
    groups = network.groups.groups
    channels = graph.node("Transpose", [features], "channels", perm=[1, 0])
    current = _current_frames(graph, network, channels)
    x = _as_picture(graph, current, network.groups.input_joints * network.features, "GlobalInfo.in")
    overall = _head(graph, network.GlobalInfo, x, [None], "GlobalInfo")
    windows = _window_index(graph, network, features)
    local = [_encoder(graph, network, group, features, current, windows) for group in groups]
    shrinks = [network.encoder(group).shrink if folds_shrink(network) else None for group in groups]
    decoded = []
    for i, group in enumerate(groups):
        parts, lacking = [local[i], overall], [shrinks[i], None]
        if network.stage > 1:
            x = graph.node("Concat", local[:i] + local[i + 1 :], f"fuse{i}.in", axis=1)
            mixed = _head(graph, network.fusion(i), x, shrinks[:i] + shrinks[i + 1 :], f"fuse{i}")
            parts.insert(1, mixed)
            lacking.insert(1, None)
        x = graph.node("Concat", parts, f"{group.name}.known", axis=1)
        decoded.append(_head(graph, network.decoder(group), x, lacking, f"{group.name}.joints"))
    joined = graph.node("Concat", decoded, "decoded", axis=1)
    shape = [network.groups.output_joints, network.values, -1]
    apart = graph.node("Reshape", [joined, graph.constant("decoded.shape", np.array(shape))], "decoded.joints")
    order = graph.constant("decoded.order", network.order.cpu().numpy().astype(np.int64))
    ordered = graph.node("Gather", [apart, order], "decoded.ordered", axis=0)
    return graph.node("Transpose", [ordered], output, perm=[2, 0, 1])


def _as_picture(graph: Graph, x: str, channels: int, name: str) -> str:
    """Rows of channels as (1, channels, 1, columns)."""
    return graph.node("Reshape", [x, graph.constant(f"{name}.shape", np.array([1, channels, 1, -1]))], name)


def _slice(graph: Graph, x: str, begin: int, end: int, axis: int, name: str) -> str:
    """From ``begin`` to ``end``; an ``end`` of 0 is the end of the axis."""
    values = (begin, end or np.iinfo(np.int64).max, axis)
    return graph.node("Slice", [x, *(graph.constant(f"{name}.{i}", np.array([v])) for i, v in enumerate(values))], name)


def _gather(graph: Graph, x: str, places: list[int], axis: int, name: str) -> str:
    return graph.node("Gather", [x, graph.constant(f"{name}.places", np.array(places))], name, axis=axis)


def _current_frames(graph: Graph, network: RelativeEncodingNetwork, channels: str) -> str:
    """The frames whose poses are wanted, (channels, poses)."""
    before = network.current_frame
    return _slice(graph, channels, before, before - network.receptive_field + 1, 1, "current")


def _window_index(graph: Graph, network: RelativeEncodingNetwork, features: str) -> str:
    """Where place ``p`` of window ``t`` begins, (places, poses): one row for each output of the first layer."""
    width, window = network.filter_widths[0], network.receptive_field
    zero, one, lost = (
        graph.constant(f"index.{name}", np.array(v)) for name, v in (("zero", 0), ("one", 1), ("lost", window - 1))
    )
    sizes = graph.node("Shape", [features], "index.sizes")
    frames = graph.node("Gather", [sizes, zero], "index.frames")
    poses = graph.node("Sub", [frames, lost], "index.poses")
    begins = graph.node("Range", [zero, poses, one], "index.begins")
    places = graph.constant("index.places", np.arange(0, window, width)[:, None])
    return graph.node("Add", [begins, places], "index")


def _encoder(
    graph: Graph, network: RelativeEncodingNetwork, group: JointGroup, features: str, current: str, windows: str
) -> str:
    """Features of one group, (1, channels or latent, 1, poses)."""
    encoder, name = network.encoder(group), f"LocalLayer_{group.name}"
    layer, is_local = first_layer(network, group), network.temporal_code == "local"
    if is_local:
        channels = graph.node("Transpose", [features], f"{name}.channels", perm=[1, 0])
        seen = _gather(graph, channels, layer.columns, 0, f"{name}.seen")
        x, first = _as_picture(graph, seen, len(layer.columns), f"{name}.in"), _picture(layer.weight, True)
    else:
        x, first = _windows(graph, layer, features, current, windows, name), _side_by_side(layer)
    x = _active(graph, x, (first, layer.bias), f"{name}.first")
    for block, width in enumerate(encoder.filter_widths[1:]):
        reach = prod(encoder.filter_widths[: block + 1])
        steps = {"dilations": [1, reach]} if is_local else {"strides": [width, 1]}
        label = f"{name}.{block}"
        y = _active(graph, x, _normed(encoder, 2 * block, is_local), f"{label}.a", **steps)
        y = _active(graph, y, _normed(encoder, 2 * block + 1, is_local), f"{label}.b")
        # A convolution that takes one tap of each channel: onnxruntime keeps its blocks of channels and adds in place.
        taps = np.zeros((encoder.shrink.in_channels, 1, width))
        taps[:, :, current_tap(width, encoder.causal)] = 1
        weight = graph.constant(f"{label}.tap", _picture(taps, is_local).astype(np.float32))
        skip = graph.node("Conv", [x, weight], f"{label}.skip", group=len(taps), **steps)
        x = graph.node("Add", [skip, y], label)
    if folds_shrink(network):
        return x
    weight, bias = with_norm(encoder.shrink, None)
    return _conv(graph, x, (_picture(weight, is_local), bias), f"{name}.shrink")


def _windows(graph: Graph, layer: FirstLayer, features: str, current: str, windows: str, name: str) -> str:
    """What the first layer reads at each place of each window, (1, taps x columns + current columns, places, poses)."""
    seen = _gather(graph, features, layer.columns, 1, f"{name}.seen")
    width = layer.weight.shape[2]
    taps = [_slice(graph, seen, k, k - width + 1, 0, f"{name}.tap{k}") for k in range(width)]
    joined = graph.node("Concat", taps, f"{name}.taps", axis=1)
    # Rows are copied whole; single values would be gathered one by one.
    x = graph.node("Gather", [joined, windows], f"{name}.windows", axis=0)
    now = _gather(graph, current, layer.current_columns, 0, f"{name}.now.channels")
    now = graph.node("Transpose", [now], f"{name}.now", perm=[1, 0])
    places = graph.constant(f"{name}.places", np.array([layer.places, 1, 1]))
    x = graph.node("Concat", [x, graph.node("Expand", [now, places], f"{name}.now.all")], f"{name}.all", axis=2)
    x = graph.node("Transpose", [x], f"{name}.channels", perm=[2, 0, 1])
    return graph.node("Unsqueeze", [x, graph.constant(f"{name}.in.axis", np.array([0]))], f"{name}.in")


def _side_by_side(layer: FirstLayer) -> Float[np.ndarray, "out in 1 1"]:
    """Its weights in the order of :func:`_windows`."""
    taps = layer.weight.transpose(0, 2, 1).reshape(len(layer.weight), -1)
    return np.concatenate([taps, layer.current_weight], axis=1)[:, :, None, None]


def _normed(encoder: LocalEncoder, layer: int, along_clip: bool) -> Layer:
    weight, bias = with_norm(encoder.layers_conv[layer], encoder.layers_bn[layer])
    return _picture(weight, along_clip), bias


def _picture(weight: Float[np.ndarray, "out in taps"], along_clip: bool) -> Float[np.ndarray, "out in high wide"]:
    """The taps go along the clip, or down the places of the windows."""
    return weight[:, :, None] if along_clip else weight[..., None]


def _head(graph: Graph, head: Head, x: str, shrinks: list[nn.Conv1d | None], name: str) -> str:
    """``x`` through a fully connected part; ``shrinks`` as in :func:`behind_shrinks`."""
    x = _active(graph, x, _at_a_place(behind_shrinks(head, shrinks)), f"{name}.first")
    for i, block in enumerate(head.layers):
        assert isinstance(block, HeadBlock)
        y = _active(graph, x, _at_a_place(with_norm(block.w1, block.batch_norm1)), f"{name}.{i}.w1")
        y = _active(graph, y, _at_a_place(with_norm(block.w2, block.batch_norm2)), f"{name}.{i}.w2")
        x = graph.node("Add", [x, y], f"{name}.{i}")
    return _conv(graph, x, _at_a_place(with_norm(head.fc_2, None)), name)


def _at_a_place(layer: Layer) -> Layer:
    return layer[0][:, :, None, None], layer[1]


def _active(graph: Graph, x: str, layer: Layer, name: str, **attributes: Any) -> str:
    return graph.node("LeakyRelu", [_conv(graph, x, layer, f"{name}.sum", **attributes)], name, alpha=SLOPE)


def _conv(graph: Graph, x: str, layer: Layer, name: str, **attributes: Any) -> str:
    weight, bias = (np.ascontiguousarray(value, dtype=np.float32) for value in layer)
    inputs = [graph.constant(f"{name}.weight", weight), graph.constant(f"{name}.bias", bias)]
    return graph.node("Conv", [x, *inputs], name, **attributes)

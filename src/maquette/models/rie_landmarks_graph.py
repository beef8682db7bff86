"""Relative information encoding on landmarks as an ONNX graph: a batch of windows in, the decoder's values out."""

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from maquette.lifting.normalize import CHANNELS
from maquette.models.graph import Graph, folded
from maquette.models.rie import SLOPE, Head, HeadBlock, LocalEncoder
from maquette.models.rie_groups import JointGroup
from maquette.models.rie_landmarks import CENTRE, LandmarkEncoding, joints_of


def add_landmark_encoding(graph: Graph, network: LandmarkEncoding, middle: str) -> str:
    """Adds all layers: ``features`` (batch, frames, channels) and the features of the middle frame to ``values``."""
    encoding = network.encoding
    groups, rows = encoding.groups.groups, graph.rows("features", encoding.filter_widths[0] * CHANNELS, "neighbours")
    absolute = joints_of(torch.eye(CHANNELS)[None])[0].double().numpy()
    overall = _head(graph, "global", _on_features(encoding.GlobalInfo, absolute), encoding.GlobalInfo, middle)
    local = [
        _encoder(graph, group, encoding.encoder(group), absolute, rows, middle, encoding.receptive_field)
        for group in groups
    ]
    decoded = []
    for i, group in enumerate(groups):
        known = [local[i], overall]
        if encoding.stage > 1:
            others = graph.node("Concat", local[:i] + local[i + 1 :], f"{group.name}.others", axis=1)
            block = encoding.FuseBlocks[i]
            assert isinstance(block, Head)
            known.insert(1, _head(graph, f"{group.name}.fused", folded(block.fc_1, block.bn_1), block, others))
        joined = graph.node("Concat", known, f"{group.name}.known", axis=1)
        decoder = encoding.decoder(group)
        decoded.append(_head(graph, f"{group.name}.out", folded(decoder.fc_1, decoder.bn_1), decoder, joined))
    values = graph.node("Concat", decoded, "decoded", axis=1)
    # From values side by side for each joint of each group, to what the decoder reads: positions, then the others.
    places = encoding.values * np.arange(encoding.groups.output_joints).reshape(-1, 1) + np.arange(encoding.values)
    places = places[encoding.order.numpy()]
    order = np.concatenate([places[:, :3].ravel(), places[:, 3:].ravel()])
    return graph.node("Gather", [values, graph.constant("values.order", order)], "values", axis=1)


def _on_features(head: Head, absolute: Float[np.ndarray, "channels joints 3"]) -> tuple[np.ndarray, np.ndarray]:
    """The first layer of the global branch, reading features instead of joints."""
    weight, bias = folded(head.fc_1, head.bn_1)
    return weight @ absolute.reshape(len(absolute), -1).T, bias


def _encoder(
    graph: Graph,
    group: JointGroup,
    encoder: LocalEncoder,
    absolute: Float[np.ndarray, "channels joints 3"],
    rows: str,
    middle: str,
    frames: int,
) -> str:
    """The first layer is linear in the features: what is relative to the middle frame is one product per window."""
    name, joints, width = group.name, list(group.inputs), encoder.filter_widths[0]
    seen = absolute[:, joints].reshape(CHANNELS, -1)
    places = absolute[:, joints, :2].reshape(CHANNELS, -1)
    to_root = (absolute[:, joints, :2] - absolute[:, [CENTRE], :2]).reshape(CHANNELS, -1)
    weight, shift = folded(_as_linear(encoder.expand_conv), encoder.expand_bn)
    weight = weight.reshape(len(weight), width, -1)
    ends = np.cumsum([seen.shape[1], to_root.shape[1]])
    own, root, change = np.split(weight, ends, axis=2)
    per_frame = own @ seen.T + root @ to_root.T + change @ places.T
    per_window = -(change.sum(axis=1) @ places.T)
    x = _product(graph, f"{name}.expand.frames", per_frame.reshape(len(weight), -1), shift, rows)
    y = _product(graph, f"{name}.expand.window", per_window, np.zeros(len(weight)), middle)
    channels = len(weight)
    x = graph.node(
        "Reshape",
        [x, graph.constant(f"{name}.apart.shape", np.array([-1, frames // width, channels]))],
        f"{name}.apart",
    )
    y = graph.node("Unsqueeze", [y, graph.constant(f"{name}.window.axis", np.array([1]))], f"{name}.window")
    x = _leaky(graph, graph.node("Add", [x, y], f"{name}.expand.sum"), f"{name}.expand")
    x = graph.rows(x, channels, f"{name}.rows")
    for block, reach in enumerate(encoder.filter_widths[1:]):
        part = f"{name}.block{block}"
        joined = graph.rows(x, reach * channels, f"{part}.joined")
        bounds = [
            graph.constant(f"{part}.{end}", np.array([value]))
            for end, value in (("from", reach // 2 * channels), ("to", (reach // 2 + 1) * channels), ("axis", 1))
        ]
        skip = graph.node("Slice", [joined, *bounds], f"{part}.skip")
        y = joined
        for layer in (2 * block, 2 * block + 1):
            norm = encoder.layers_bn[layer]
            assert isinstance(norm, nn.BatchNorm1d)
            weight, bias = folded(_as_linear(encoder.layers_conv[layer]), norm)
            y = _leaky(graph, _product(graph, f"{part}.{layer}.sum", weight, bias, y), f"{part}.{layer}")
        x = graph.node("Add", [skip, y], part)
    return _product(graph, f"{name}.local", *folded(_as_linear(encoder.shrink), None), x)


def _head(graph: Graph, name: str, first: tuple[np.ndarray, np.ndarray], head: Head, x: str) -> str:
    x = _leaky(graph, _product(graph, f"{name}.first.sum", *first, x), f"{name}.first")
    for i, block in enumerate(head.layers):
        assert isinstance(block, HeadBlock)
        y = x
        for part, linear, norm in (("w1", block.w1, block.batch_norm1), ("w2", block.w2, block.batch_norm2)):
            y = _product(graph, f"{name}.{i}.{part}.sum", *folded(linear, norm), y)
            y = _leaky(graph, y, f"{name}.{i}.{part}")
        x = graph.node("Add", [x, y], f"{name}.{i}")
    return _product(graph, name, *folded(head.fc_2, None), x)


def _product(graph: Graph, name: str, weight: np.ndarray, bias: np.ndarray, x: str) -> str:
    inputs = [
        x,
        graph.constant(f"{name}.weight", np.ascontiguousarray(weight.T, dtype=np.float32)),
        graph.constant(f"{name}.bias", bias.astype(np.float32)),
    ]
    return graph.node("Gemm", inputs, name)


def _leaky(graph: Graph, x: str, name: str) -> str:
    return graph.node("LeakyRelu", [x], name, alpha=SLOPE)


def _as_linear(convolution: nn.Module) -> nn.Linear:
    """A convolution whose stride is its width, as the linear layer on neighbours side by side that it is."""
    assert isinstance(convolution, nn.Conv1d)
    outputs, inputs, width = convolution.weight.shape
    linear = nn.Linear(width * inputs, outputs, bias=convolution.bias is not None)
    with torch.no_grad():
        linear.weight.copy_(convolution.weight.transpose(1, 2).reshape(outputs, -1))
        if convolution.bias is not None:
            linear.bias.copy_(convolution.bias)
    return linear

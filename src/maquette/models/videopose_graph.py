"""The temporal convolution as an ONNX graph: a clip in, the pose of every frame that has a whole window out.

Every level is one matrix product on the rows of a clip: a frame's neighbours side by side, batch norm folded in. Its
speed is that of onnxruntime's matrix product, which its convolutions of the same work do not exceed.
"""

from typing import Any

import msgspec
import numpy as np
import torch
from torch import nn

from maquette.models.clip_spec import check_clip_spec, describe_clip
from maquette.models.graph import Graph
from maquette.models.videopose import TemporalModel
from maquette.runtime.spec import METADATA_KEY, ModelSpec

_TO_THE_END = np.iinfo(np.int64).max


def clip_spec(network: TemporalModel, **fields: Any) -> ModelSpec:
    """What a model file of ``network`` says about itself; ``fields`` as :func:`maquette.models.clip_spec.describe_clip`
    takes them beside those that the network tells."""
    return describe_clip(
        network,
        kind="temporal",
        receptive_field=network.receptive_field,
        causal=network.causal,
        macs_per_frame=macs_per_frame(network),
        **fields,
    )


def macs_per_frame(network: TemporalModel) -> int:
    """Multiply-adds for one more frame of a clip: every weight once."""
    return sum(m.weight.numel() for m in network.modules() if isinstance(m, nn.Conv1d))


def build_onnx(network: TemporalModel, spec: ModelSpec) -> Any:
    """The ``onnx.ModelProto``: ``features`` (frames, joints x features) to ``positions`` (poses, joints, 3).

    ``network`` may be of the strided form.

    Raises:
        ModelError: the spec describes another form or window than the network has.
    """
    check_clip_spec(spec, receptive_field=network.receptive_field, causal=network.causal)
    graph = Graph()
    add_network(graph, network, "features", "positions")
    metadata = {METADATA_KEY: msgspec.json.encode(spec).decode()}
    return graph.model(
        ("features", ["frames", network.joints_in * network.features_in]),
        ("positions", ["poses", network.joints_out, 3]),
        metadata,
    )


def add_network(graph: Graph, network: TemporalModel, features: str, output: str) -> str:
    """Adds all layers: ``features`` (frames, channels) to ``output`` (poses, joints, 3)."""
    joined, _ = _neighbours(graph, network, 0, features)
    x = graph.linear(joined, _as_linear(network.expand_conv), network.expand_bn, "expand")
    for level in range(1, len(network.filter_widths)):
        joined, current = _neighbours(graph, network, level, x)
        convolutions = network.layers_conv[2 * level - 2], network.layers_conv[2 * level - 1]
        norms = network.layers_bn[2 * level - 2], network.layers_bn[2 * level - 1]
        y = joined
        for convolution, norm, part in zip(convolutions, norms, "ab", strict=True):
            assert isinstance(norm, nn.BatchNorm1d)
            y = graph.linear(y, _as_linear(convolution), norm, f"level{level}.{part}")
        x = graph.node("Add", [current, y], f"level{level}")
    flat = graph.linear(x, _as_linear(network.shrink), None, "shrink", relu=False)
    shape = graph.constant("positions.shape", np.array([-1, network.joints_out, 3]))
    return graph.node("Reshape", [flat, shape], output)


def _neighbours(graph: Graph, network: TemporalModel, level: int, x: str) -> tuple[str, str]:
    """Rows with all frames that a convolution sees side by side; and the rows of the frame that stands for them."""
    width, dilation, tap = network.filter_widths[level], network.dilation(level), network.current_tap(level)
    if network.dense and level:
        width, dilation, tap = (width - 1) * dilation + 1, 1, tap * dilation
    rows = []
    for k in range(width):
        end = -(width - 1 - k) * dilation or _TO_THE_END
        name = f"level{level}.tap{k}"
        bounds = [graph.constant(f"{name}.{i}", np.array([v])) for i, v in enumerate((k * dilation, end, 0))]
        rows.append(graph.node("Slice", [x, *bounds], name))
    return graph.node("Concat", rows, f"level{level}.neighbours", axis=1), rows[tap]


def _as_linear(convolution: nn.Module) -> nn.Linear:
    """The product on neighbours side by side that a convolution is."""
    assert isinstance(convolution, nn.Conv1d)
    weight = convolution.weight.detach()
    outputs, inputs, width = weight.shape
    linear = nn.Linear(inputs * width, outputs, bias=convolution.bias is not None)
    with torch.no_grad():
        linear.weight.copy_(weight.transpose(1, 2).reshape(outputs, -1))
        if convolution.bias is not None:
            linear.bias.copy_(convolution.bias)
    return linear

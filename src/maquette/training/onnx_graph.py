"""ONNX graphs of our lifters, node by node: matrix products with folded batch norms, ReLU, additions, nothing else."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from maquette.errors import ModelError
from maquette.lifting.normalize import CHANNELS
from maquette.models.martinez import ResidualBlock
from maquette.models.temporal import TemporalBlock, TemporalNetwork
from maquette.training.networks import JOINTS, SinglePose

OPSET = 17
_IR_VERSION = 9


def folded(
    linear: nn.Linear, norm: nn.BatchNorm1d | None
) -> tuple[Float[np.ndarray, "out in"], Float[np.ndarray, " out"]]:
    """Weight and bias of a linear layer with the batch norm that follows it (in evaluation) folded in, float64."""
    weight = linear.weight.detach().double().numpy()
    bias = np.zeros(len(weight)) if linear.bias is None else linear.bias.detach().double().numpy()
    if norm is None:
        return weight, bias
    if norm.running_var is None or norm.running_mean is None:
        raise ModelError("a batch norm without running statistics cannot be folded")
    factor = (norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)).numpy()
    shifted = (bias - norm.running_mean.double().numpy()) * factor + norm.bias.detach().double().numpy()
    return weight * factor[:, None], shifted


@dataclass
class _Graph:
    """Nodes and constants as they are added; a tensor is known by its name."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def constant(self, name: str, value: np.ndarray) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def rows(self, x: str, columns: int, output: str) -> str:
        """``x`` laid out as rows of ``columns`` values."""
        return self.node("Reshape", [x, self.constant(f"{output}.shape", np.array([-1, columns]))], output)

    def linear(self, x: str, linear: nn.Linear, norm: nn.BatchNorm1d | None, name: str, *, relu: bool = True) -> str:
        weight, bias = folded(linear, norm)
        inputs = [
            x,
            # Stored input-major: what onnxruntime multiplies by without transposing.
            self.constant(f"{name}.weight", np.ascontiguousarray(weight.T, dtype=np.float32)),
            self.constant(f"{name}.bias", bias.astype(np.float32)),
        ]
        y = self.node("Gemm", inputs, f"{name}.sum" if relu else name)
        return self.node("Relu", [y], name) if relu else y


def build_onnx(network: nn.Module, metadata: dict[str, str]) -> Any:
    """The ``onnx.ModelProto`` of a lifter: ``features`` (batch, frames, channels) to ``positions`` (batch, 21, 3).

    Raises:
        ModelError: the network is of a kind that has no graph here.
    """
    from onnx import TensorProto, checker, helper

    graph = _Graph()
    if isinstance(network, TemporalNetwork):
        x, frames = _temporal(graph, network), network.window_frames
    elif isinstance(network, SinglePose):
        x, frames = _residual(graph, network), 1
    else:
        raise ModelError(f"no ONNX graph for a {type(network).__name__}")
    graph.node("Reshape", [x, graph.constant("positions.shape", np.array([-1, JOINTS, 3]))], "positions")
    proto = helper.make_graph(
        graph.nodes,
        "maquette-lifter",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", frames, CHANNELS])],
        [helper.make_tensor_value_info("positions", TensorProto.FLOAT, ["batch", JOINTS, 3])],
        graph.constants,
    )
    model = helper.make_model(
        proto, producer_name="maquette", ir_version=_IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
    )
    helper.set_model_props(model, metadata)
    checker.check_model(model, full_check=True)
    return model


def _temporal(graph: _Graph, network: TemporalNetwork) -> str:
    x = graph.rows("features", 3 * network.channels, "triples")
    x = graph.linear(x, network.expand.linear, network.expand.norm, "expand")
    for i, block in enumerate(network.blocks):
        assert isinstance(block, TemporalBlock)
        name, width = f"block{i}", block.width
        joined, skip = x, x
        if block.reach > 1:
            joined = graph.rows(x, block.reach * width, f"{name}.joined")
            bounds = [
                graph.constant(f"{name}.{end}", np.array([value]))
                for end, value in (
                    ("from", block.reach // 2 * width),
                    ("to", (block.reach // 2 + 1) * width),
                    ("axis", 1),
                )
            ]
            skip = graph.node("Slice", [joined, *bounds], f"{name}.skip")
        y = graph.linear(joined, block.first.linear, block.first.norm, f"{name}.first")
        y = graph.linear(y, block.second.linear, block.second.norm, f"{name}.second")
        x = graph.node("Add", [skip, y], name)
    return graph.linear(x, network.last, None, "last", relu=False)


def _residual(graph: _Graph, single: SinglePose) -> str:
    network = single.network
    x = graph.rows("features", CHANNELS, "pose")
    x = graph.linear(x, network.first.linear, network.first.norm, "first")
    for i, block in enumerate(network.blocks):
        assert isinstance(block, ResidualBlock)
        y = graph.linear(x, block.first.linear, block.first.norm, f"block{i}.first")
        y = graph.linear(y, block.second.linear, block.second.norm, f"block{i}.second")
        x = graph.node("Add", [x, y], f"block{i}") if block.residual else y
    return graph.linear(x, network.last, None, "last", relu=False)

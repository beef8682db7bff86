"""ONNX graphs of our lifters, node by node: matrix products with folded batch norms, ReLU, additions, nothing else."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from maquette.errors import ModelError
from maquette.lifting.normalize import CHANNELS, REFERENCE_SCALE
from maquette.models.decoder import COORDINATES, JOINTS, LOG_SCALE, UNIT_M
from maquette.models.martinez import ResidualBlock, ResidualNetwork
from maquette.models.temporal import TemporalBlock, TemporalNetwork
from maquette.training.networks import Lifter

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


def build_onnx(network: Lifter, metadata: dict[str, str]) -> Any:
    """The ``onnx.ModelProto`` of a lifter: ``features`` (batch, frames, channels) to ``positions`` (batch, 21, 3)."""
    from onnx import TensorProto, checker, helper

    graph, frames = _Graph(), network.window_frames
    middle = graph.node("Gather", ["features", graph.constant("middle.index", np.array(frames // 2))], "middle", axis=1)
    if isinstance(network.network, TemporalNetwork):
        values = _temporal(graph, network.network)
    else:
        values = _residual(graph, network.network, middle)
    _decoder(graph, values, middle)
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


def _residual(graph: _Graph, network: ResidualNetwork, middle: str) -> str:
    x = graph.linear(middle, network.first.linear, network.first.norm, "first")
    for i, block in enumerate(network.blocks):
        assert isinstance(block, ResidualBlock)
        y = graph.linear(x, block.first.linear, block.first.norm, f"block{i}.first")
        y = graph.linear(y, block.second.linear, block.second.norm, f"block{i}.second")
        x = graph.node("Add", [x, y], f"block{i}") if block.residual else y
    return graph.linear(x, network.last, None, "last", relu=False)


def _decoder(graph: _Graph, values: str, middle: str) -> None:
    """:class:`maquette.models.decoder.RayDecoder`."""

    def part(x: str, start: int, stop: int, axis: int, name: str) -> str:
        bounds = [
            graph.constant(f"{name}.{k}", np.array([v])) for k, v in (("from", start), ("to", stop), ("axis", axis))
        ]
        return graph.node("Slice", [x, *bounds], name)

    def shaped(x: str, columns: int, name: str) -> str:
        shape = graph.constant(f"{name}.shape", np.array([-1, JOINTS, columns]))
        return graph.node("Reshape", [x, shape], name)

    def number(value: float, name: str) -> str:
        return graph.constant(name, np.array(value, dtype=np.float32))

    own = shaped(part(values, 0, 3 * JOINTS, 1, "own.values"), 3, "own")
    across, depth = part(own, 0, 2, 2, "correction"), part(own, 2, 3, 2, "depth")
    unit = shaped(part(values, 3 * JOINTS, 4 * JOINTS, 1, "unit.values"), 1, "unit.learnt")
    unit = graph.node("Add", [unit, number(UNIT_M, "unit.start")], "unit")
    columns = graph.constant("seen.columns", np.array(COORDINATES))
    seen = shaped(graph.node("Gather", [middle, columns], "seen.values", axis=1), 2, "seen")
    scale = graph.node("Exp", [part(middle, LOG_SCALE, LOG_SCALE + 1, 1, "log_scale")], "scale.relative")
    scale = graph.node("Mul", [scale, number(REFERENCE_SCALE, "scale.reference")], "scale.row")
    axis = graph.constant("scale.axis", np.array([2]))
    scale = graph.node("Unsqueeze", [scale, axis], "scale")
    factor = graph.node("Add", [unit, graph.node("Mul", [scale, depth], "perspective")], "factor")
    across = graph.node("Add", [across, graph.node("Mul", [seen, factor], "on_ray")], "across")
    graph.node("Concat", [across, depth], "positions", axis=2)

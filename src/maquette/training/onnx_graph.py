"""ONNX graphs of our own lifters (:mod:`maquette.models.graph` has the parts)."""

from typing import Any

import numpy as np

from maquette.lifting.normalize import CHANNELS, REFERENCE_SCALE
from maquette.models.decoder import COORDINATES, JOINTS, LOG_SCALE, UNIT_M
from maquette.models.graph import Graph
from maquette.models.martinez import ResidualBlock, ResidualNetwork
from maquette.models.rie_landmarks import LandmarkEncoding
from maquette.models.rie_landmarks_graph import add_landmark_encoding
from maquette.models.temporal import TemporalBlock, TemporalNetwork
from maquette.training.networks import Lifter


def build_onnx(network: Lifter, metadata: dict[str, str]) -> Any:
    """The ``onnx.ModelProto`` of a lifter: ``features`` (batch, frames, channels) to ``positions`` (batch, 21, 3)."""
    graph, frames = Graph(), network.window_frames
    middle = graph.node("Gather", ["features", graph.constant("middle.index", np.array(frames // 2))], "middle", axis=1)
    if isinstance(network.network, TemporalNetwork):
        values = _temporal(graph, network.network)
    elif isinstance(network.network, LandmarkEncoding):
        values = add_landmark_encoding(graph, network.network, middle)
    else:
        values = _residual(graph, network.network, middle)
    _decoder(graph, values, middle)
    return graph.model(("features", ["batch", frames, CHANNELS]), ("positions", ["batch", JOINTS, 3]), metadata)


def _temporal(graph: Graph, network: TemporalNetwork) -> str:
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


def _residual(graph: Graph, network: ResidualNetwork, middle: str) -> str:
    x = graph.linear(middle, network.first.linear, network.first.norm, "first")
    for i, block in enumerate(network.blocks):
        assert isinstance(block, ResidualBlock)
        y = graph.linear(x, block.first.linear, block.first.norm, f"block{i}.first")
        y = graph.linear(y, block.second.linear, block.second.norm, f"block{i}.second")
        x = graph.node("Add", [x, y], f"block{i}") if block.residual else y
    return graph.linear(x, network.last, None, "last", relu=False)


def _decoder(graph: Graph, values: str, middle: str) -> None:
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

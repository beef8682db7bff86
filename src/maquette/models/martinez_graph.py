"""Model files of Martinez' network: its ONNX graph with batch norms and max-norms folded in, and its spec."""

import copy
from typing import Any

import msgspec
import torch

from maquette.datasets.pose_statistics import INPUT_JOINTS, PoseStatistics, output_joints
from maquette.errors import ModelError
from maquette.models.graph import Graph
from maquette.models.martinez import MaxNormLinear, ResidualBlock, ResidualNetwork
from maquette.runtime.spec import METADATA_KEY, SCHEMA, ModelSpec
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_17, MPII_16

MAPPING, HOURGLASS_MAPPING = "h36m-17/v1", "h36m-17/stacked-hourglass"
_FRAME_S = 0.02  # Human3.6M's 50 frames a second; single poses do not depend on it


def model_spec(
    network: ResidualNetwork,
    statistics: PoseStatistics,
    *,
    name: str,
    points: Skeleton,
    training_data: str,
    licence: str,
    camera_frame: bool = True,
    **facts: Any,
) -> ModelSpec:
    """The spec of a network that was trained on standard scores.

    Args:
        points: skeleton of the 2D points it was trained on: mpii-16 (Stacked Hourglass) or one of Human3.6M.
        camera_frame: it was trained on targets in the camera's frame, not in the world's.
        facts: other fields of the spec: attribution, command, seed, samples_seen, accuracy.

    Raises:
        ModelError: the network has neither 16 nor 14 joints.
    """
    joints = network.last.out_features // 3
    sizes = {len(output_joints(predict_14)): predict_14 for predict_14 in (False, True)}
    inputs = network.first.linear.in_features
    if joints not in sizes or network.last.out_features % 3 or inputs != 2 * len(INPUT_JOINTS):
        raise ModelError(
            f"a network of {inputs} inputs and {network.last.out_features} outputs, expected {2 * len(INPUT_JOINTS)} "
            "inputs (16 joints) and 48 (16 joints) or 42 (14) outputs"
        )
    predict_14 = sizes[joints]
    return ModelSpec(
        schema=SCHEMA,
        name=name,
        kind="residual",
        form="window",
        input_skeleton=H36M_17.name,
        output_skeleton=H36M_17.name,
        mapping=HOURGLASS_MAPPING if points == MPII_16 else MAPPING,
        normalisation="standard-scores/v1",
        input_joints=list(INPUT_JOINTS),
        output_joints=list(output_joints(predict_14)),
        statistics=statistics.for_spec(predict_14=predict_14),
        window_frames=1,
        window_step_s=_FRAME_S,
        unit="mm",
        frame="camera" if camera_frame else "world",
        licence=licence,
        training_data=training_data,
        parameters=sum(p.numel() for p in network.parameters()),
        macs_per_frame=sum(m.weight.numel() for m in network.modules() if isinstance(m, MaxNormLinear)),
        **facts,
    )


def build_onnx(network: ResidualNetwork, spec: ModelSpec) -> Any:
    """The ``onnx.ModelProto``: standard scores ``features`` (batch, 1, inputs) to ``positions`` (batch, joints, 3)."""
    network = _with_applied_weights(network)
    inputs, joints = network.first.linear.in_features, network.last.out_features // 3
    graph = Graph()
    x = graph.rows("features", inputs, "pose")
    x = graph.linear(x, network.first.linear, network.first.norm, "first")
    for i, block in enumerate(network.blocks):
        assert isinstance(block, ResidualBlock)
        y = graph.linear(x, block.first.linear, block.first.norm, f"block{i}.first")
        y = graph.linear(y, block.second.linear, block.second.norm, f"block{i}.second")
        x = graph.node("Add", [x, y], f"block{i}") if block.residual else y
    values = graph.linear(x, network.last, None, "last", relu=False)
    shape = graph.constant("positions.shape", torch.tensor([-1, joints, 3]).numpy())
    graph.node("Reshape", [values, shape], "positions")
    metadata = {METADATA_KEY: msgspec.json.encode(spec).decode()}
    return graph.model(("features", ["batch", 1, inputs]), ("positions", ["batch", joints, 3]), metadata)


def _with_applied_weights(network: ResidualNetwork) -> ResidualNetwork:
    """A copy in double precision whose stored matrices are those that are applied."""
    network = copy.deepcopy(network).double().cpu().eval()
    for module in network.modules():
        if isinstance(module, MaxNormLinear):
            with torch.no_grad():
                module.weight.copy_(module.effective_weight())
            module.max_norm = False
    return network

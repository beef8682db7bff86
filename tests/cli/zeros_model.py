"""A model file whose poses are known beforehand."""

from pathlib import Path

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def zeros_model(path: Path, *, joints: int = 17, window: int = 1, **spec) -> Path:
    """A model of one of the published forms that puts every joint of h36m-17 at a place that does not change."""
    places = np.random.default_rng(0).normal(scale=0.3, size=(joints, 3)).astype(np.float32)
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("ReduceSum", ["features", "one"], ["sums"], keepdims=1),
            node("Slice", ["sums", "begin", "end", "zero"], ["kept"]),
            node("Mul", ["kept", "nothing"], ["zeros"]),
            node("Unsqueeze", ["zeros", "one"], ["rows"]),
            node("Add", ["rows", "places"], ["positions"]),
        ],
        "places",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["frames", 2 * joints])],
        [helper.make_tensor_value_info("positions", TensorProto.FLOAT, ["poses", joints, 3])],
        [
            numpy_helper.from_array(places[None], "places"),
            numpy_helper.from_array(np.zeros(1, dtype=np.float32), "nothing"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "one"),
            numpy_helper.from_array(np.array([0], dtype=np.int64), "zero"),
            numpy_helper.from_array(np.array([window // 2], dtype=np.int64), "begin"),
            numpy_helper.from_array(np.array([-(window // 2) or 2**40], dtype=np.int64), "end"),
        ],
    )
    fields = {
        "schema": 1, "name": "places", "kind": "temporal", "form": "clip", "input_skeleton": "h36m-17",
        "output_skeleton": "h36m-17", "mapping": "h36m-17/v1", "normalisation": "screen/v1", "window_frames": window,
        "window_step_s": 0.02, "unit": "m", "licence": "none", "training_data": "none",
    } | spec  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"maquette": msgspec.json.encode(fields).decode()})
    onnx.save(model, str(path))
    return path

"""A made-up network for tests: a random linear layer and a tanh, with a valid spec."""

from pathlib import Path

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from maquette.lifting.normalize import CHANNELS

SPEC = {
    "schema": 1,
    "name": "made-up",
    "kind": "temporal",
    "input_skeleton": "landmarks-27",
    "output_skeleton": "maquette-21",
    "mapping": "landmarks-27/v1",
    "normalisation": "root-ray/v1",
    "window_frames": 27,
    "window_step_s": 0.04,
    "unit": "m",
    "licence": "none",
    "training_data": "none",
}


def write_model(path: Path, *, metadata: str | None = "spec", channels: int = CHANNELS, **spec) -> Path:
    """A model file whose output depends on every feature; ``metadata`` None leaves the spec out."""
    fields = {**SPEC, **spec}
    window = fields["window_frames"]
    weights = np.random.default_rng(0).normal(size=(window * channels, 63)).astype(np.float32) / 30
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["features"], ["flat"], axis=1),
            helper.make_node("MatMul", ["flat", "weights"], ["linear"]),
            helper.make_node("Tanh", ["linear"], ["bent"]),
            helper.make_node("Reshape", ["bent", "shape"], ["positions"]),
        ],
        "made-up",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", window, channels])],
        [helper.make_tensor_value_info("positions", TensorProto.FLOAT, ["batch", 21, 3])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([-1, 21, 3], dtype=np.int64), "shape"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if metadata is not None:
        text = msgspec.json.encode(fields).decode() if metadata == "spec" else metadata
        helper.set_model_props(model, {"maquette": text})
    onnx.save(model, str(path))
    return path

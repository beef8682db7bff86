"""Makes ``src/maquette/bench/gemm.onnx``: bare matrix products, against which ``maquette bench`` measures the networks.

Eight products (batch, 1024) x (1024, 1024) in a row, nothing else. The matrices are constants that onnxruntime expands
when it loads the model, so the file is a few hundred bytes and the matrices are packed as a network's weights are.

    python benchmarks/make_gemm_model.py
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH, LAYERS = 1024, 8
TARGET = Path(__file__).resolve().parents[1] / "src" / "maquette" / "bench" / "gemm.onnx"


def main() -> None:
    nodes = []
    for layer in range(LAYERS):
        # 1/1024 keeps the numbers at 1 from layer to layer: no overflow, no denormals, which would be slow.
        value = numpy_helper.from_array(np.array([1 / WIDTH + layer * 1e-9], dtype=np.float32))
        nodes.append(helper.make_node("ConstantOfShape", ["shape"], [f"w{layer}"], value=value))
        source, result = f"x{layer}", f"x{layer + 1}"
        nodes.append(helper.make_node("MatMul", [source, f"w{layer}"], [result]))
    graph = helper.make_graph(
        nodes,
        "gemm",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, ["batch", WIDTH])],
        [helper.make_tensor_value_info(f"x{LAYERS}", TensorProto.FLOAT, ["batch", WIDTH])],
        [numpy_helper.from_array(np.array([WIDTH, WIDTH], dtype=np.int64), "shape")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(TARGET))


if __name__ == "__main__":
    main()

"""Makes ``src/maquette/runtime/product.onnx``: one product of two matrices, both given at each call, and nothing else.

python benchmarks/make_product_model.py
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

TARGET = Path(__file__).resolve().parents[1] / "src" / "maquette" / "runtime" / "product.onnx"


def main() -> None:
    def matrix(name: str, rows: str, columns: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [rows, columns])

    graph = helper.make_graph(
        [helper.make_node("MatMul", ["a", "b"], ["product"])],
        "product",
        [matrix("a", "rows", "inner"), matrix("b", "inner", "columns")],
        [matrix("product", "rows", "columns")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(TARGET))


if __name__ == "__main__":
    main()

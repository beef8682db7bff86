"""ONNX graphs written node by node: matrix products with folded batch norms, and little else.

An exporter that traces torch code gives graphs full of shape arithmetic; these have only what onnxruntime runs fast.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from maquette.errors import ModelError

OPSET = 17
_IR_VERSION = 9

NamedShape = tuple[str, list[str | int]]
"""Of a tensor."""


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
class Graph:
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

    def model(
        self,
        inputs: NamedShape | list[NamedShape],
        outputs: NamedShape | list[NamedShape],
        metadata: dict[str, str],
        *,
        name: str = "maquette-lifter",
    ) -> Any:
        """The checked ``onnx.ModelProto``; ``inputs`` and ``outputs`` are names and shapes of tensors (float32)."""
        from onnx import TensorProto, checker, helper

        into, out = (
            [
                helper.make_tensor_value_info(n, TensorProto.FLOAT, shape)
                for n, shape in (tensors if isinstance(tensors, list) else [tensors])
            ]
            for tensors in (inputs, outputs)
        )
        proto = helper.make_graph(self.nodes, name, into, out, self.constants)
        model = helper.make_model(
            proto, producer_name="maquette", ir_version=_IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
        )
        helper.set_model_props(model, metadata)
        checker.check_model(model, full_check=True)
        return model

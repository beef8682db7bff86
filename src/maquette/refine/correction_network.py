"""The six layers of the self-supervised correction in NumPy, forwards and backwards, with gradients by hand.

::

    y0 = relu(e W0 + b0)      r = y0 W00 + b00                                       the corrected pose
    y1 = relu(s (r W1 + b1))  u = relu(s (y1 W2 + b2))  v = relu(s (u W3 + b3))
    p = (y1 + v) W4 + b4                                                             what it looks like in 2D

s is 1, or 1/sqrt(1.001) where the published program's batch norm, which nobody trained, is to be repeated.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import DTypeLike

from maquette.refine.correction_weights import CorrectionWeights, Layer
from maquette.runtime.products import Product

BATCH_NORM_SCALE = 1 / np.sqrt(1 + 1e-3)
"""A batch norm with the statistics 0 and 1 and the epsilon of TensorFlow."""


@dataclass(frozen=True, eq=False)
class Activations:
    """What the way back needs of the way forwards through the projector."""

    y1: Float[np.ndarray, "frames hidden"]
    u: Float[np.ndarray, "frames hidden"]
    v: Float[np.ndarray, "frames hidden"]


class Correction:
    """The layers in one precision.

    Args:
        dtype: float32 or float64, of all arithmetic.
        batch_norm_scale: repeat the published program's untrained batch norms; None as the weights' spec says.
        product: of the two large matrices with many rows; None is NumPy's.
    """

    def __init__(
        self,
        weights: CorrectionWeights,
        *,
        dtype: DTypeLike = np.float32,
        batch_norm_scale: bool | None = None,
        product: Product | None = None,
    ) -> None:
        scaled = weights.spec.batch_norm_scale if batch_norm_scale is None else batch_norm_scale
        # s (x W + b) = x (s W) + s b: the scale costs nothing in the weights.
        scales = [1.0, 1.0, *3 * [BATCH_NORM_SCALE if scaled else 1.0], 1.0]
        self.change_tmp, self.change, self.project_1, self.project_2, self.project_3, self.project_2d = (
            Layer(_scaled(layer.weight, scale, dtype), _scaled(layer.bias, scale, dtype))
            for layer, scale in zip(weights.layers, scales, strict=True)
        )
        self.dtype = np.dtype(dtype)
        self._product = np.matmul if product is None else product
        back = self.project_2.weight.T, self.project_3.weight.T
        self._project_2_back, self._project_3_back = back if product is None else map(np.ascontiguousarray, back)

    def correct(
        self, pose: Float[np.ndarray, "frames 48"]
    ) -> tuple[Float[np.ndarray, "frames hidden"], Float[np.ndarray, "frames 48"]]:
        """``(y0, r)``: the hidden layer and the corrected pose."""
        hidden = _relu(connect(self.change_tmp, pose))
        return hidden, connect(self.change, hidden)

    def project(self, pose: Float[np.ndarray, "frames 48"]) -> tuple[Float[np.ndarray, "frames 32"], Activations]:
        """``(p, activations)``: the 2D of a corrected pose."""
        y1 = _relu(connect(self.project_1, pose))
        u = self._product(y1, self.project_2.weight)
        u = _relu(np.add(u, self.project_2.bias, out=u))
        v = self._product(u, self.project_3.weight)
        v = _relu(np.add(v, self.project_3.bias, out=v))
        return connect(self.project_2d, y1 + v), Activations(y1, u, v)

    def pose_gradient(
        self, gradient: Float[np.ndarray, "frames 32"], activations: Activations
    ) -> Float[np.ndarray, "frames 48"]:
        """Gradient with respect to the corrected pose, of a loss whose gradient with respect to its 2D is given."""
        sum_gradient = gradient @ self.project_2d.weight.T
        back = self._product(sum_gradient * (activations.v > 0), self._project_3_back)
        back *= activations.u > 0
        back = self._product(back, self._project_2_back)
        back += sum_gradient
        back *= activations.y1 > 0
        return back @ self.project_1.weight.T

    def hidden_gradient(
        self, gradient: Float[np.ndarray, "frames 48"], hidden: Float[np.ndarray, "frames hidden"]
    ) -> Float[np.ndarray, "frames hidden"]:
        """Gradient with respect to what goes into the first ReLU; ``gradient`` is that of the corrected pose."""
        back = gradient @ self.change.weight.T
        back *= hidden > 0
        return back


def connect(layer: Layer, values: Float[np.ndarray, "frames inputs"]) -> Float[np.ndarray, "frames outputs"]:
    """``values @ weight + bias``."""
    out = values @ layer.weight
    out += layer.bias
    return out


def _scaled(array: Float[np.ndarray, "*shape"], scale: float, dtype: DTypeLike) -> Float[np.ndarray, "*shape"]:
    return array.astype(dtype) if scale == 1 else (array.astype(np.float64) * scale).astype(dtype)


def _relu(values: Float[np.ndarray, "frames hidden"]) -> Float[np.ndarray, "frames hidden"]:
    return np.maximum(values, 0, out=values)

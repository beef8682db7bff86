"""Products of large matrices by onnxruntime: on processors with AVX-512 almost twice as fast as NumPy's own.

``product.onnx`` is one ``MatMul`` of two matrices that are given at each call (``benchmarks/make_product_model.py``).
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

_MODEL = Path(__file__).with_name("product.onnx")

Product = Callable[[Float[np.ndarray, "rows inner"], Float[np.ndarray, "inner columns"]], np.ndarray]


@cache
def single_precision_product(threads: int = 0) -> Product:
    """A function that multiplies two float32 matrices, whose rows must be contiguous.

    Args:
        threads: of one product; 0 leaves the choice to onnxruntime (one for each core).
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Between two products other work is done on the same cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(_MODEL), options, providers=["CPUExecutionProvider"])
    return lambda a, b: np.asarray(session.run(None, {"a": a, "b": b})[0])

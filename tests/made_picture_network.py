"""A network of pictures that needs no training: it sees 16 colours, one for each joint, and how they stand.

People are 16 round spots on grey; the heatmap of a joint is high where its colour is. Depths are made up: of the vector
one number for each joint; of the map the column of the cell, so that it matters which cell is read.
"""

from pathlib import Path

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from maquette.runtime.picture_spec import PictureSpec

LEVELS = (0, 128, 255)
COLOURS = np.array(
    [(r, g, b) for r in LEVELS for g in LEVELS for b in LEVELS if len({r, g, b}) > 1 and (r, g, b) != (128, 255, 255)]
)[:16]
"""(16, 3): of each joint of mpii-16, RGB."""
GREY = (40, 40, 40)
DEPTHS = np.linspace(-0.4, 0.5, 16)
"""Of the vector, in half crops."""
_REACH = 64.0
"""Distance from its colour at which a joint is seen no more."""


def spotted(points_px: np.ndarray, size: tuple[int, int], *, radius_px: float = 12.0) -> np.ndarray:
    """A picture (height, width, 3) with somebody: ``points_px`` (16, 2), NaN where a joint is hidden."""
    width, height = size
    y, x = np.mgrid[:height, :width] + 0.5
    picture = np.full((height, width, 3), GREY, dtype=np.uint8)
    for point, colour in zip(points_px, COLOURS, strict=True):
        if np.isfinite(point).all():
            picture[(x - point[0]) ** 2 + (y - point[1]) ** 2 < radius_px**2] = colour
    return picture


def standing(centre_px: tuple[float, float], height_px: float) -> np.ndarray:
    """(16, 2): somebody upright with spread arms and legs, ``height_px`` from ankles to the top of the head."""
    right = [(-0.15, 0.5), (-0.12, 0.27), (-0.11, 0.02)]
    left = [(-x, y) for x, y in reversed(right)]
    trunk = [(0, 0.0), (0, -0.25), (0, -0.37), (0, -0.5)]
    arms = [(-0.4, -0.1), (-0.28, -0.2), (-0.12, -0.27), (0.12, -0.27), (0.28, -0.2), (0.4, -0.1)]
    return np.array(centre_px) + height_px * np.array([*right, *left, *trunk, *arms])


def write_picture_model(path: Path, *, size: int = 256, stride: int = 4, **fields) -> Path:
    """The model file; ``fields`` of its :class:`PictureSpec`."""
    usual = {"name": "spots", "kind": "hourglass", "input_size": size, "output_size": size // stride}
    spec = PictureSpec(**{**usual, "depth": "vector", "licence": "none", "training_data": "none", **fields})
    colours = COLOURS if spec.colour_order == "rgb" else COLOURS[:, ::-1]
    near = spec.divide_by / _REACH
    weights = {
        "twice": (2 * near**2 * colours / spec.divide_by)[:, :, None, None],
        "bias": 1 - (near * colours / spec.divide_by) ** 2 @ np.ones(3),
        "ones": np.full((16, 3, 1, 1), -(near**2)),
        "blur": np.tile(np.outer(*[np.exp(-0.5 * (np.arange(-3, 4) / 1.5) ** 2)] * 2), (16, 1, 1, 1)) / 8,
        "nothing": np.zeros((16, 3)),
        "depths": DEPTHS,
        "none": np.zeros((16, 16, 1, 1)),
        "columns": np.tile((np.arange(size // stride) + 0.5) / (size // stride), (1, 1, size // stride, 1)),
    }
    # 1 - |colour - own colour|^2, from 0 to 1, then blurred: the middle of a spot is its highest cell.
    nodes = [
        helper.make_node("Conv", ["pictures", "twice", "bias"], ["inner"]),
        helper.make_node("Mul", ["pictures", "pictures"], ["squares"]),
        helper.make_node("Conv", ["squares", "ones"], ["outer"]),
        helper.make_node("Add", ["inner", "outer"], ["likeness"]),
        helper.make_node("Clip", ["likeness", "zero", "one"], ["like"]),
        helper.make_node("AveragePool", ["like"], ["pooled"], kernel_shape=[stride] * 2, strides=[stride] * 2),
        helper.make_node("Conv", ["pooled", "blur"], ["heatmaps"], group=16, pads=[3] * 4),
    ]
    arrays = {name: numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()}
    arrays |= {name: numpy_helper.from_array(np.array(v, np.float32), name) for name, v in (("zero", 0), ("one", 1))}
    outputs: list[tuple[str, list]] = [("heatmaps", ["n", 16, size // stride, size // stride])]
    if spec.depth == "vector":
        nodes += [
            helper.make_node("GlobalAveragePool", ["pictures"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("Gemm", ["flat", "nothing", "depths"], ["depth"], transB=1),
        ]
        outputs.append(("depth", ["n", 16]))
    elif spec.depth == "map":
        nodes += [
            helper.make_node("Conv", ["heatmaps", "none"], ["zeros"]),
            helper.make_node("Add", ["zeros", "columns"], ["depth_map"]),
        ]
        outputs.append(("depth_map", ["n", 16, size // stride, size // stride]))
    used = {name for node in nodes for name in node.input}
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs]
    pictures = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 3, size, size])
    kept = [array for name, array in arrays.items() if name in used]
    graph = helper.make_graph(nodes, "spots", [pictures], infos, kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {"maquette": msgspec.json.encode(spec).decode()})
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path

"""Pictures of people who are blobs of known colours, and networks in the published ONNX formats that find the blobs.

The networks are not trained: their weights follow from the colours. What they say about a picture is where its blobs
are, so that a wrong order of colours, crop, scale or decoding shows as a wrong point.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
"""Of networks of poses, as rtmlib subtracts them from blue, green, red."""
RTMDET_MEAN, RTMDET_STD = np.array([103.53, 116.28, 123.675]), np.array([57.375, 57.12, 58.395])
NEAR = 45.0
"""A pixel this far from a blob's colour (in units of 0 to 255) is none of it."""


def colours(n_joints: int) -> np.ndarray:
    """One RGB for each joint, 26 at most; any two are 90 apart or more, and so are grey (the ground) and black (what
    lies beyond a picture)."""
    levels = (0, 127, 255)
    grid = [(r, g, b) for r in levels for g in levels for b in levels if (r, g, b) not in ((127, 127, 127), (0, 0, 0))]
    return np.array([*grid, (255, 191, 63)][:n_joints], dtype=np.float64)


def joints_of(box: tuple[float, float, float, float], n_joints: int, seed: int) -> np.ndarray:
    """Joints ``(n, 2)`` spread over a box (left, top, right, bottom), none on another; pixels from the corner."""
    rng = np.random.default_rng(seed)
    columns, rows = 4, -(-n_joints // 4)
    width, height = box[2] - box[0], box[3] - box[1]
    cells = np.array([(i % columns + 0.5, i // columns + 0.5) for i in range(n_joints)])
    cells += rng.uniform(-0.18, 0.18, cells.shape)
    return np.array(box[:2]) + cells / (columns, rows) * (width, height)


def picture_of(size: tuple[int, int], people: list[np.ndarray], radius_px: float, *, seed: int = 0) -> np.ndarray:
    """RGB ``(height, width, 3)``: grey noise, and for each joint of each person a disc of the joint's colour whose
    edge is soft, so that its middle is known to parts of a pixel."""
    rng = np.random.default_rng(seed)
    picture = 127 + rng.integers(-12, 13, (size[1], size[0], 3)).astype(np.float64)
    reach = int(radius_px) + 2
    for points in people:
        for (at_x, at_y), colour in zip(points, colours(len(points)), strict=True):
            left, top = max(int(at_x) - reach, 0), max(int(at_y) - reach, 0)
            part = picture[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
            y, x = np.mgrid[: part.shape[0], : part.shape[1]] + 0.5
            share = np.clip(radius_px + 0.5 - np.hypot(left + x - at_x, top + y - at_y), 0, 1)[..., None]
            part[:] = part * (1 - share) + colour * share
    return np.round(picture).astype(np.uint8)


class Graph:
    """An ONNX graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str | np.ndarray, to: str | None = None, **attributes: Any) -> str:
        """A node; arrays among the inputs become constants."""
        names = [self.constant(item) if isinstance(item, np.ndarray) else item for item in inputs]
        output = to or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [output], **attributes))
        return output

    def constant(self, array: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(array, f"c{len(self.constants)}"))
        return self.constants[-1].name

    def save(self, path: Path, inputs: dict[str, list], outputs: dict[str, list], kinds: dict[str, int]) -> Path:
        def info(tensors: dict[str, list]) -> list[onnx.ValueInfoProto]:
            return [helper.make_tensor_value_info(n, kinds.get(n, TensorProto.FLOAT), s) for n, s in tensors.items()]

        graph = helper.make_graph(self.nodes, "made", info(inputs), info(outputs), self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(model)
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, str(path))
        return path

    def likeness(self, source: str, wanted: np.ndarray, mean: np.ndarray, std: np.ndarray, *, bgr: bool = True) -> str:
        """``(n, colours, height, width)``: 1 where a pixel has the colour (RGB), 0 from ``NEAR`` on.

        The squared distance is (x - c)^2 summed over channels, in units of 0 to 255.
        """
        wanted = wanted[:, ::-1] if bgr else wanted
        values = (wanted - mean) / std
        squares = self.add("Mul", source, source)
        own = self.add("Conv", squares, _conv(np.tile(std**2, (len(wanted), 1))))
        cross = self.add("Conv", source, _conv(-2 * values * std**2), _floats((values**2 * std**2).sum(1)))
        distance = self.add("Add", own, cross)
        return self.add("Relu", self.add("Sub", _floats([1.0]), self.add("Mul", distance, _floats([NEAR**-2]))))

    def blurred(self, source: str, channels: int, sigma: float) -> str:
        """Each channel blurred by a Gaussian, so that the middle of a disc is its maximum."""
        half = round(3 * sigma)
        line = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * sigma**2))
        line = np.tile((line / line.sum()).astype(np.float32), (channels, 1))
        across = self.add("Conv", source, line[:, None, None, :], pads=[0, half, 0, half], group=channels)
        return self.add("Conv", across, line[:, None, :, None], pads=[half, 0, half, 0], group=channels)


def _ints(values: list) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def _floats(values: list | np.ndarray) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def _conv(weights: np.ndarray) -> np.ndarray:
    return weights.astype(np.float32)[:, :, None, None]


def simcc_model(
    path: Path,
    n_joints: int,
    size: tuple[int, int] = (192, 256),
    *,
    batch: int | str = "batch",
    n_outputs: int = 0,
    bgr: bool = False,
    blur_px: float = 2.0,
) -> Path:
    """RTMPose's format: simcc_x ``(n, joints, 2 x width)`` and simcc_y ``(n, joints, 2 x height)``.

    Args:
        n_outputs: joints that come out when that is more than have colours; the rest are nowhere.
        bgr: the colours are to go in as blue, green, red.
        blur_px: must be about half of a disc's radius in the input, or more, so that its middle is the best place.
    """
    graph, count = Graph(), n_outputs or n_joints
    heat = graph.blurred(graph.likeness("input", colours(n_joints), MEAN, STD, bgr=bgr), n_joints, blur_px)
    if count > n_joints:
        first = graph.add("Slice", heat, _ints([0]), _ints([1]), _ints([1]))
        nowhere = graph.add("Mul", first, _floats([0.0]))
        heat = graph.add("Concat", heat, *[nowhere] * (count - n_joints), axis=1)
    for name, axis, length in (("simcc_x", 2, size[0]), ("simcc_y", 3, size[1])):
        row = graph.add("ReduceMax", heat, axes=[axis], keepdims=0)
        # Between two pixels a cubic, so that either half of a pixel can be the best bin.
        cubic = np.tile(_floats([[[-1, 9, 9, -1]]]) / 16, (count, 1, 1))
        between = graph.add("Conv", row, cubic, pads=[1, 2], group=count)
        pair = [graph.add("Unsqueeze", part, _ints([3])) for part in (row, between)]
        graph.add("Reshape", graph.add("Concat", *pair, axis=3), _ints([0, count, 2 * length]), to=name)
    outputs = {"simcc_x": [batch, count, 2 * size[0]], "simcc_y": [batch, count, 2 * size[1]]}
    return graph.save(path, {"input": [batch, 3, size[1], size[0]]}, outputs, {})


def heatmap_model(
    path: Path, n_joints: int, size: tuple[int, int] = (192, 256), *, udp: bool, bgr: bool = False
) -> Path:
    """ViTPose's and HRNet's format: heatmaps ``(n, joints, height / 4, width / 4)``.

    Args:
        bgr: the colours are to go in as blue, green, red.
        udp: the first and the last pixel of the heatmap are those of the input; else every fourth is one.
    """
    graph = Graph()
    heat = graph.blurred(graph.likeness("input_0", colours(n_joints), MEAN, STD, bgr=bgr), n_joints, 6.0)
    if udp:
        way = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
        graph.add("Resize", heat, "", _floats([1, 1, 0.25, 0.25]), to="output_0", **way)
    else:
        ends = _ints([size[1], size[0]])
        graph.add("Slice", heat, _ints([0, 0]), ends, _ints([2, 3]), _ints([4, 4]), to="output_0")
    outputs = {"output_0": ["batch", n_joints, size[1] // 4, size[0] // 4]}
    return graph.save(path, {"input_0": ["batch", 3, size[1], size[0]]}, outputs, {})


def boxes_model(path: Path, n_joints: int, side: int, *, kind: str) -> Path:
    """YOLOX's or RTMDet's format with the suppression inside: dets ``(1, 4, 5)``, labels ``(1, 4)``.

    One box for the left and one for the right half of the input, around whatever has a joint's colour there; then the
    left one again with a low score, and the right one as another class.
    """
    graph = Graph()
    mean, std = (RTMDET_MEAN, RTMDET_STD) if kind == "rtmdet" else (np.zeros(3), np.ones(3))
    # The first layers are of the kinds that the two really begin with, and change nothing here.
    if kind == "yolox":
        source = _through_other_pixels(graph, side)
    else:
        source = graph.add("Conv", "input", _conv(np.eye(3)))
    found = graph.add("ReduceMax", graph.likeness(source, colours(n_joints), mean, std), axes=[1], keepdims=1)
    left, right = (_box(graph, found, half, side) for half in _halves(side))
    worse = graph.add("Mul", left, _floats([[[1, 1, 1, 1, 0.25]]]))
    graph.add("Concat", left, right, worse, right, axis=1, to="dets")
    graph.add("Identity", _ints([[0, 0, 0, 1]]), to="labels")
    outputs = {"dets": [1, 4, 5], "labels": [1, 4]}
    return graph.save(path, {"input": [1, 3, side, side]}, outputs, {"labels": TensorProto.INT64})


def raw_yolox_model(path: Path, side: int, box_px: tuple[float, float], *, decoded: bool = False) -> Path:
    """YOLOX's format without suppression: ``(1, cells, 7)`` of two classes.

    A cell near a blob of the first joint's colour gives a person's box of about the given size, one near the second's
    colour something else.
    """
    graph, rows = Graph(), []
    heat = graph.blurred(graph.likeness("images", colours(2), np.zeros(3), np.ones(3)), 2, 6.0)
    for stride in (8, 16, 32):
        near = graph.add("AveragePool", heat, kernel_shape=[stride, stride], strides=[stride, stride])
        person, other = (graph.add("Slice", near, _ints([i]), _ints([i + 1]), _ints([1])) for i in (0, 1))
        sure = [graph.add("Tanh", graph.add("Mul", one, _floats([8.0]))) for one in (person, other)]
        x, y = (graph.add("Add", graph.add("Mul", person, _floats([slope])), _floats([0.4])) for slope in (1, -1))
        width, height = (
            graph.add("Add", graph.add("Mul", person, _floats([0.3])), _floats([np.log(length / stride)]))
            for length in box_px
        )
        if decoded:
            count = side // stride
            row, column = np.mgrid[:count, :count].astype(np.float32)
            x, y = (
                graph.add("Mul", graph.add("Add", one, cell[None, None]), _floats([stride]))
                for one, cell in ((x, column), (y, row))
            )
            width, height = (graph.add("Mul", graph.add("Exp", one), _floats([stride])) for one in (width, height))
        cells = graph.add("Concat", x, y, width, height, graph.add("Max", *sure), *sure, axis=1)
        flat = graph.add("Reshape", cells, _ints([1, 7, (side // stride) ** 2]))
        rows.append(graph.add("Transpose", flat, perm=[0, 2, 1]))
    graph.add("Concat", *rows, axis=1, to="output")
    n_cells = sum((side // stride) ** 2 for stride in (8, 16, 32))
    return graph.save(path, {"images": [1, 3, side, side]}, {"output": [1, n_cells, 7]}, {})


def rtmo_model(path: Path, n_joints: int, side: int) -> Path:
    """RTMO's format: dets ``(1, 3, 5)``, keypoints ``(1, 3, joints, 3)``: who is in the left and in the right half of
    the input, and the left one again, a little worse and elsewhere."""
    graph = Graph()
    heat = graph.likeness("input", colours(n_joints), np.zeros(3), np.ones(3))
    found = graph.add("ReduceMax", heat, axes=[1], keepdims=1)
    boxes, people = [], []
    for half in _halves(side):
        boxes.append(_box(graph, found, half, side))
        here = graph.add("Mul", heat, half)
        x, y, _, _ = _moments(graph, here, side)
        top = graph.add("ReduceMax", here, axes=[2, 3], keepdims=0)
        parts = [graph.add("Reshape", part, _ints([1, 1, n_joints, 1])) for part in (x, y, top)]
        people.append(graph.add("Concat", *parts, axis=3))
    again = graph.add("Add", graph.add("Mul", boxes[0], _floats([[[1, 1, 1, 1, 0.9]]])), _floats([2, 2, 2, 2, 0]))
    graph.add("Concat", *boxes, again, axis=1, to="dets")
    graph.add("Concat", *people, graph.add("Add", people[0], _floats([2, 2, 0])), axis=1, to="keypoints")
    outputs = {"dets": [1, 3, 5], "keypoints": [1, 3, n_joints, 3]}
    return graph.save(path, {"input": [1, 3, side, side]}, outputs, {})


def _halves(side: int) -> tuple[np.ndarray, np.ndarray]:
    left = (np.arange(side) < side // 2).astype(np.float32)[None, None, None]
    return left, 1 - left


def _moments(graph: Graph, weights: str, side: int) -> tuple[str, str, str, str]:
    """Means and deviations of column and row ``(n, channels, 1, 1)``, each pixel at its index."""
    line = np.arange(side, dtype=np.float32)
    total = graph.add("Add", _summed(graph, weights), _floats([1e-6]))
    means, deviations = [], []
    for places in (line[None, None, None, :], line[None, None, :, None]):
        mean = graph.add("Div", _summed(graph, graph.add("Mul", weights, places)), total)
        square = graph.add("Div", _summed(graph, graph.add("Mul", weights, places**2)), total)
        spread = graph.add("Sub", square, graph.add("Mul", mean, mean))
        means.append(mean)
        deviations.append(graph.add("Sqrt", graph.add("Max", spread, _floats([0.0]))))
    return means[0], means[1], deviations[0], deviations[1]


def _summed(graph: Graph, source: str) -> str:
    return graph.add("ReduceSum", source, _ints([2, 3]), keepdims=1)


def _box(graph: Graph, found: str, half: np.ndarray, side: int) -> str:
    """``(1, 1, 5)``: twice the deviations around the mean of what was found in one half, and its highest value."""
    here = graph.add("Mul", found, half)
    x, y, wide, high = _moments(graph, here, side)
    reach = [graph.add("Mul", one, _floats([2.0])) for one in (wide, high)]
    low = [graph.add("Sub", *one) for one in zip((x, y), reach, strict=True)]
    up = [graph.add("Add", *one) for one in zip((x, y), reach, strict=True)]
    score = graph.add("ReduceMax", here, axes=[2, 3], keepdims=1)
    return graph.add("Reshape", graph.add("Concat", *low, *up, score, axis=1), _ints([1, 1, 5]))


def _through_other_pixels(graph: Graph, side: int) -> str:
    """The input through YOLOX's first layer, which parts it into every other pixel, and back together."""
    rows = []
    for top in (0, 1):
        row = graph.add("Slice", "input", _ints([top]), _ints([side]), _ints([2]), _ints([2]))
        columns = [graph.add("Slice", row, _ints([left]), _ints([side]), _ints([3]), _ints([2])) for left in (0, 1)]
        deep = [graph.add("Unsqueeze", column, _ints([4])) for column in columns]
        whole = graph.add("Reshape", graph.add("Concat", *deep, axis=4), _ints([1, 3, side // 2, side]))
        rows.append(graph.add("Unsqueeze", whole, _ints([3])))
    return graph.add("Reshape", graph.add("Concat", *rows, axis=3), _ints([1, 3, side, side]))

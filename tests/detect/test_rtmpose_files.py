"""Files that are no network of poses: one sentence each, never a traceback."""

from pathlib import Path

import made_rtm as made
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from maquette.detect.person_boxes import PersonBoxes
from maquette.detect.rtmo import OneStagePose
from maquette.detect.rtmpose import RtmposeDetector, open_pose
from maquette.errors import ModelError
from maquette.runtime.shipped import find_model

SIZE = (96, 128)


def _saved(path: Path, nodes: list, inputs: dict, outputs: dict, kinds: dict | None = None) -> Path:
    def info(tensors: dict) -> list:
        return [
            helper.make_tensor_value_info(n, (kinds or {}).get(n, TensorProto.FLOAT), s) for n, s in tensors.items()
        ]

    graph = helper.make_graph(nodes, "made", info(inputs), info(outputs))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def test_what_is_no_onnx_file(tmp_path) -> None:
    for name, data in {
        "empty.onnx": b"",
        "text.onnx": b"not a network",
        "weights.pth": b"PK\x03\x04" + bytes(99),
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ModelError, match=rf"{name}: .*; expected a network of poses: SimCC") as caught:
            open_pose(tmp_path / name)
        assert len(str(caught.value).splitlines()) == 1
    for absent in (tmp_path / "absent.onnx", tmp_path):
        with pytest.raises(ModelError, match="no such model file; expected a network of poses"):
            open_pose(absent)


def test_our_own_models_say_where_they_go() -> None:
    lifter = find_model("maquette-tcn27")
    for opened in (open_pose, PersonBoxes):
        with pytest.raises(
            ModelError, match=r"is a lifter of Maquette, which takes 2D joints and goes to --model FILE"
        ):
            opened(lifter)


def test_boxes_given_as_poses(tmp_path) -> None:
    for path in (
        made.boxes_model(tmp_path / "yolox.onnx", 17, 96, kind="yolox"),
        made.raw_yolox_model(tmp_path / "raw.onnx", 96, (30.0, 50.0)),
    ):
        with pytest.raises(ModelError, match=r"gives .*, which is a network of boxes, which goes to --det-model"):
            open_pose(path)


def test_the_text_lists_what_was_seen(tmp_path) -> None:
    flat = _saved(
        tmp_path / "classes.onnx",
        [helper.make_node("GlobalAveragePool", ["x"], ["scores"])],
        {"x": ["n", 3, 128, 96]},
        {"scores": ["n", 3, 1, 1]},
    )
    with pytest.raises(ModelError) as caught:
        open_pose(flat)
    assert "takes x (n, 3, 128, 96) and gives scores (1, 3, 1, 1); expected a network of poses: SimCC" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("shape", "kind", "text"),
    [
        (["n", 192, 192, 3], TensorProto.FLOAT, r"takes x \(n, 192, 192, 3\); expected .* \(n, 3, height, width\)"),
        (["n", 16], TensorProto.FLOAT, r"takes x \(n, 16\); expected"),
        ([1, 3, 128, 96], TensorProto.UINT8, r"of the type tensor\(uint8\)"),
        ([1, 3, 1 << 20, 1 << 20], TensorProto.FLOAT, "8 to 4096 pixels"),
        ([1 << 20, 3, 128, 96], TensorProto.FLOAT, "8 to 4096 pixels"),
    ],
)
def test_inputs_that_are_no_pictures(tmp_path, shape, kind, text) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    path = _saved(tmp_path / "in.onnx", [node], {"x": shape}, {"y": shape}, {"x": kind, "y": kind})
    with pytest.raises(ModelError, match=text):
        open_pose(path)


def test_two_inputs_or_none(tmp_path) -> None:
    node = helper.make_node("Add", ["a", "b"], ["y"])
    shape = [1, 3, 128, 96]
    with pytest.raises(ModelError, match=r"takes a \(1, 3, 128, 96\), b \(1, 3, 128, 96\)"):
        open_pose(_saved(tmp_path / "two.onnx", [node], {"a": shape, "b": shape}, {"y": shape}))
    constant = helper.make_node("Constant", [], ["y"], value_floats=[1.0, 2.0])
    with pytest.raises(ModelError, match="takes nothing"):
        open_pose(_saved(tmp_path / "none.onnx", [constant], {}, {"y": [2]}))


def test_what_does_not_run_or_gives_no_arrays(tmp_path) -> None:
    shape = helper.make_node("Constant", [], ["s"], value_ints=[1, 3, 7])
    broken = [shape, helper.make_node("Reshape", ["x", "s"], ["y"])]
    with pytest.raises(ModelError, match=r"does not run on pictures of 192x256 pixels \("):
        open_pose(_saved(tmp_path / "broken.onnx", broken, {"x": ["n", 3, "h", "w"]}, {"y": ["a", "b", "c"]}))
    graph = helper.make_graph(
        [helper.make_node("SequenceConstruct", ["x"], ["y"])],
        "made",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 128, 96])],
        [helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None)],
    )
    path = tmp_path / "sequence.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    with pytest.raises(ModelError, match="gives no array for 1 pictures"):
        open_pose(path)
    total = helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)
    with pytest.raises(ModelError, match=r"gives an array \(\) of float32"):
        open_pose(_saved(tmp_path / "sum.onnx", [total], {"x": [1, 3, 128, 96]}, {"y": []}))


def test_an_open_size_is_the_usual_one(tmp_path) -> None:
    path = made.rtmo_model(tmp_path / "rtmo.onnx", 5, 640)
    model = onnx.load(str(path))
    for axis, name in ((2, "h"), (3, "w")):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    onnx.save(model, str(path))
    assert open_pose(path).file.size == (640, 640)
    with pytest.raises(ModelError, match="does not run on pictures of 192x256"):
        open_pose(path.rename(tmp_path / "people.onnx"))
    detector = made.simcc_model(tmp_path / "pose.onnx", 17)
    assert open_pose(detector).file.size == (192, 256)


def test_half_precision(tmp_path) -> None:
    nodes = [
        helper.make_node("MaxPool", ["x"], ["p"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Concat", ["p"] * 6, ["y"], axis=1),
    ]
    inputs, outputs = {"x": ["n", 3, 128, 96]}, {"y": ["n", 18, 32, 24]}
    kinds = {"x": TensorProto.FLOAT16, "y": TensorProto.FLOAT16}
    detector = RtmposeDetector(_saved(tmp_path / "half.onnx", nodes, inputs, outputs, kinds))
    seen = detector(np.full((50, 40, 3), 255, np.uint8), 0.0)
    assert len(seen.points) in (0, 1)


def test_values_that_are_no_numbers_are_nobody(tmp_path) -> None:
    """A network that has gone wrong in half precision gives NaN everywhere."""
    nodes = [
        helper.make_node("Constant", [], ["nan"], value_float=float("nan")),
        helper.make_node("ReduceMax", ["x"], ["rows"], axes=[2], keepdims=0),
        helper.make_node("ReduceMax", ["x"], ["columns"], axes=[3], keepdims=0),
        *[helper.make_node("Concat", [name] * 6, [name + "18"], axis=1) for name in ("rows", "columns")],
        helper.make_node("Mul", ["rows18", "nan"], ["simcc_x"]),
        helper.make_node("Mul", ["columns18", "nan"], ["simcc_y"]),
    ]
    path = _saved(
        tmp_path / "nan.onnx", nodes, {"x": ["n", 3, 128, 96]}, {"simcc_x": ["n", 18, 96], "simcc_y": ["n", 18, 128]}
    )
    seen = RtmposeDetector(path)(np.full((50, 40, 3), 255, np.uint8), 0.0)
    assert len(seen.points) == 0


@pytest.fixture(scope="module")
def simcc_bytes(tmp_path_factory) -> bytes:
    return made.simcc_model(tmp_path_factory.mktemp("fuzz") / "pose.onnx", 17, SIZE).read_bytes()


@given(data=st.data())
@settings(max_examples=60)
def test_damaged_files(simcc_bytes, tmp_path_factory, data) -> None:
    """Cut off, or with bytes exchanged: it loads, or it is one sentence."""
    damaged = bytearray(simcc_bytes[: data.draw(st.integers(0, len(simcc_bytes)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    path.write_bytes(bytes(damaged))
    texts: list[str] = []
    for opened in (open_pose, PersonBoxes):
        try:
            opened(path)
        except ModelError as error:
            texts.append(str(error))
    assert all(len(text.splitlines()) == 1 for text in texts)


def test_rtmo_is_told_from_boxes(tmp_path) -> None:
    assert isinstance(open_pose(made.rtmo_model(tmp_path / "anything.onnx", 17, 96)), OneStagePose)

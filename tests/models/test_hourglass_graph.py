"""Networks of pictures as model files: the same outputs in both runtimes, and no file taken for what it is not."""

import msgspec
import numpy as np
import onnx
import pytest
import torch
from published_weights import fill

from maquette.errors import ModelError
from maquette.models.deconv_pose import DeconvPose
from maquette.models.hourglass import HourglassDepth
from maquette.models.hourglass_graph import picture_onnx
from maquette.models.hourglass_spec import picture_spec
from maquette.runtime.onnx_model import OnnxModel
from maquette.runtime.picture_model import PictureModel
from maquette.runtime.pose_machine import PoseMachineModel
from maquette.runtime.shipped import find_model

FACTS = {"name": "made-up", "licence": "none", "training_data": "none"}


def written(path, network, **facts):
    """The model file of ``network``."""
    spec = picture_spec(network, **(FACTS | facts))
    onnx.save(picture_onnx(network, spec), str(path))
    return path


def pictures(count: int, side: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def assert_same(found, expected: torch.Tensor | None) -> None:
    assert (found is None) == (expected is None)
    if expected is not None:
        np.testing.assert_allclose(found, expected.numpy(), rtol=0, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize(
    ("network", "crops"),
    [
        (lambda: HourglassDepth(), 1),
        (lambda: HourglassDepth(2, 1, 24, 2, input_size=128), 3),
        (lambda: HourglassDepth(1, 1, 16, 1, input_size=64), 2),
        (lambda: HourglassDepth(2, 2, 16, None, input_size=64), 2),
        (lambda: DeconvPose(50, input_size=128), 1),
        (lambda: DeconvPose(18, ("hm",), input_size=64), 2),
    ],
)
def test_both_runtimes_agree(tmp_path, network, crops: int) -> None:
    network = fill(network())
    model = PictureModel(written(tmp_path / "m.onnx", network), threads=1)
    seen = pictures(crops, network.input_size)
    with torch.no_grad():
        expected = network(torch.from_numpy(model.prepare(seen)))
    # One at a time and all at once: the batch is free.
    for batch in (1, 16):
        found = model.run(seen, batch=batch)
        assert_same(found.heatmaps, expected.heatmaps[-1])
        assert_same(found.depth, expected.depth)
        assert_same(found.depth_map, expected.depth_map)
    assert model.spec.parameters == sum(p.numel() for p in network.parameters())
    nothing = model.run(seen[:0])
    assert nothing.heatmaps.shape == (0, *expected.heatmaps[-1].shape[1:])


def test_a_graph_holds_layers_and_little_else(tmp_path) -> None:
    """Norms are folded wherever a convolution is before them: one of each three in a residual remains."""
    model = onnx.load(written(tmp_path / "m.onnx", HourglassDepth(1, 1, 8, 1, input_size=64).eval()))
    kinds = {node.op_type for node in model.graph.node}
    assert kinds == {
        *("Conv", "BatchNormalization", "Relu", "MaxPool", "Resize", "Add", "Flatten", "Gemm"),
    }
    residuals = 3 + 14 + 4
    assert sum(node.op_type == "BatchNormalization" for node in model.graph.node) == residuals


def test_multiply_adds_of_a_picture(tmp_path) -> None:
    """Counted again from the shapes that ONNX infers."""
    for network in (HourglassDepth(2, 1, 8, 1, input_size=128), DeconvPose(18, input_size=64)):
        model = onnx.shape_inference.infer_shapes(onnx.load(written(tmp_path / "m.onnx", network)))
        shapes = {
            value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
            for value in (*model.graph.value_info, *model.graph.output, *model.graph.input)
        }
        weights = {value.name: np.prod(value.dims) for value in model.graph.initializer}
        total = 0
        for node in model.graph.node:
            places = {"Conv": node.output, "ConvTranspose": node.input, "Gemm": []}.get(node.op_type)
            if places is not None:
                total += weights[node.input[1]] * np.prod(shapes[places[0]][2:] if places else 1)
        assert picture_spec(network, **FACTS).macs_per_picture == total


@pytest.mark.parametrize(
    ("order", "divide_by", "mean", "std"),
    [
        ("rgb", 255, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        ("bgr", 256, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        ("bgr", 256, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ],
)
def test_colours_as_the_network_wants_them(tmp_path, order, divide_by, mean, std) -> None:
    """The three published forms; means and deviations stand in the order in which the colours go in."""
    network = HourglassDepth(1, 1, 8, 1, input_size=64).eval()
    facts = {"colour_order": order, "divide_by": divide_by, "mean": mean, "std": std}
    model = PictureModel(written(tmp_path / "m.onnx", network, **facts), threads=1)
    crops = pictures(2, 64)
    colours = crops if order == "rgb" else crops[..., [2, 1, 0]]
    expected = ((colours / divide_by - mean) / std).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(model.prepare(crops), expected, atol=2e-6)


def test_models_are_not_taken_for_each_other(tmp_path) -> None:
    path = written(tmp_path / "m.onnx", HourglassDepth(1, 1, 8, 1, input_size=64).eval())
    for kind in (OnnxModel, PoseMachineModel):
        with pytest.raises(ModelError, match=r"is a network of pictures, .*--detector hourglass --model FILE"):
            kind(path)
    with pytest.raises(ModelError, match=r"is a lifter \(temporal\), which takes 2D joints and sees no pictures"):
        PictureModel(find_model())
    with pytest.raises(ModelError, match="no such model file"):
        PictureModel(tmp_path / "nothing.onnx")


def changed(path, **facts) -> None:
    """The file with other metadata."""
    model = onnx.load(path)
    spec = msgspec.json.decode(model.metadata_props[0].value) | facts
    model.metadata_props[0].value = msgspec.json.encode(spec).decode()
    onnx.save(model, str(path))


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"input_size": 128}, r"takes pictures \(n, 3, 64, 64\).*expected pictures \(n, 3, 128, 128\)"),
        ({"depth": "map"}, r"gives heatmaps \(n, 16, 16, 16\), depth \(n, 16\), expected .*depth_map"),
        ({"skeleton": "h36m-17"}, r"heatmaps \(n, 16, 16, 16\).*heatmaps \(n, 17, 16, 16\)"),
        ({"skeleton": "mine"}, "the joints of 'mine', which this version does not know"),
        ({"schema": 99}, "metadata of schema 99"),
        ({"std": [1, 0, 1]}, "expected none that is 0"),
        ({"skeleton_length_mm": -1}, "bones of -1.0 mm"),
        ({"depth": "deep"}, "metadata cannot be read"),
        ({"kind": "something"}, "metadata cannot be read"),
    ],
)
def test_metadata_that_are_not_those_of_the_file(tmp_path, facts: dict, text: str) -> None:
    path = written(tmp_path / "m.onnx", HourglassDepth(1, 1, 8, 1, input_size=64).eval())
    changed(path, **facts)
    with pytest.raises(ModelError, match=text):
        PictureModel(path)


def test_crops_of_another_size(tmp_path) -> None:
    model = PictureModel(written(tmp_path / "m.onnx", HourglassDepth(1, 1, 8, 1, input_size=64).eval()))
    with pytest.raises(ModelError, match="takes crops of 64x64 pixels, not of 80x64"):
        model.run(np.zeros((1, 64, 80, 3), np.uint8))


def test_a_spec_of_another_network() -> None:
    network = HourglassDepth(1, 1, 8, 1, input_size=64)
    spec = picture_spec(HourglassDepth(1, 1, 8, 1, input_size=128), **FACTS)
    with pytest.raises(ModelError, match=r"pictures of 64 pixels .* the spec says 128 and 32"):
        picture_onnx(network, spec)

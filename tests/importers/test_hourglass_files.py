"""Files in the forms of the three published programs, as model files whose outputs are those of the originals."""

import sys
import types
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from made_hourglass import OldTorchFile, filled, published_tensors
from made_torch7 import HourglassGraph, Torch7Writer, listed
from published_weights import fill
from torch import nn

from maquette.importers.hourglass import import_weights
from maquette.models.deconv_pose import DeconvPose
from maquette.models.hourglass import HourglassDepth
from maquette.runtime.picture_model import PictureModel

GOLDEN_SIZES = {"s2m2f64": (2, 2, 64, 2), "s1m1f128": (1, 1, 128, 1)}
SMALL = (2, 1, 16, 1)


@pytest.fixture(scope="module")
def golden(goldens_dir: Path) -> dict[str, np.ndarray]:
    return dict(np.load(goldens_dir / "zhou_hourglass" / "forward.npz"))


def imported(tmp_path: Path, data: bytes, name: str, **options) -> tuple[PictureModel, tuple[str, ...]]:
    (tmp_path / name).write_bytes(data)
    result = import_weights(tmp_path / name, **options)
    onnx.save(result.model, str(tmp_path / "m.onnx"))
    return PictureModel(tmp_path / "m.onnx", threads=1), result.notes


def assert_golden(outputs: dict[str, np.ndarray], golden: dict[str, np.ndarray], sizes: str) -> None:
    key, depth = f"{sizes}_hm_stack{GOLDEN_SIZES[sizes][0] - 1}", golden[f"{sizes}_depth"]
    atol = 1e-4 * float(golden[f"{key}_largest"])
    np.testing.assert_allclose(outputs["heatmaps"][..., 1::4, 2::4], golden[key], rtol=0, atol=atol)
    np.testing.assert_allclose(outputs["depth"], depth, rtol=0, atol=1e-4 * float(np.abs(depth).max()))


@pytest.mark.parametrize("sizes", GOLDEN_SIZES)
def test_the_pickled_network(tmp_path, golden, sizes: str) -> None:
    """The original saw blue, green, red / 256; our model gets red, green, blue."""
    tensors = published_tensors(HourglassDepth(*GOLDEN_SIZES[sizes]))
    model, notes = imported(tmp_path, OldTorchFile().write(tensors), "hgreg-3d.pth")
    found = model.run(golden["image_uint8"][::-1].transpose(1, 2, 0)[None])
    assert_golden({"heatmaps": found.heatmaps, "depth": found.depth}, golden, sizes)  # pyright: ignore[reportArgumentType]
    spec = model.spec
    assert (spec.name, spec.colour_order, spec.divide_by, spec.depth_unit) == ("hgreg-3d", "bgr", 256, "half-crop")
    assert "GPL-3.0" in spec.licence
    assert notes[0] == "read hgreg-3d.pth: a pickled HourglassNet3D"


@pytest.mark.parametrize("sizes", GOLDEN_SIZES)
def test_the_graph_of_torch7(tmp_path, golden, sizes: str) -> None:
    """Fed as the original of the outputs was, / 256, as both programs' weights are one network's."""
    network = filled(HourglassDepth(*GOLDEN_SIZES[sizes]))
    data = Torch7Writer().dump(HourglassGraph(network, seed=len(sizes)).gmodule())
    model, notes = imported(tmp_path, data, "HGRegS2M2M2_60.t7")
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"))
    picture = golden["image_uint8"][None].astype(np.float32) / 256
    heatmaps, depth = session.run(["heatmaps", "depth"], {"pictures": picture})
    assert_golden({"heatmaps": heatmaps, "depth": depth}, golden, sizes)  # pyright: ignore[reportArgumentType]
    assert (model.spec.colour_order, model.spec.divide_by) == ("rgb", 255)
    assert notes[0] == "read HGRegS2M2M2_60.t7: a graph of Torch7"


@pytest.mark.parametrize("layers", [18, 50])
def test_the_later_programs_state_dict(tmp_path, golden, goldens_dir: Path, layers: int) -> None:
    network = fill(DeconvPose(layers))
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save({"epoch": 60, "state_dict": state, "optimizer": {"state": {}}}, tmp_path / "a.pth")
    model, notes = imported(tmp_path, (tmp_path / "a.pth").read_bytes(), "fusion_3d_var.pth")
    # The original applied ImageNet's numbers to the picture's colours in their order, which were blue, green, red.
    found = model.run(golden["image_uint8"][::-1].transpose(1, 2, 0)[None])
    expected = np.load(goldens_dir / "zhou_v2_resnet" / "forward.npz")
    for maps, key in ((found.heatmaps, "hm"), (found.depth_map, "depth")):
        assert maps is not None
        atol = 1e-4 * expected[f"resnet{layers}_{key}_largest"]
        np.testing.assert_allclose(maps[..., 1::4, 2::4], expected[f"resnet{layers}_{key}"], rtol=0, atol=atol)
    assert (model.spec.depth, model.spec.depth_unit, model.spec.skeleton_length_mm) == ("map", "crop", 4000)
    assert f"residual network of {layers} layers with deconvolutions, heads hm, depth" in notes
    assert "trained for 60 epochs" in notes


def test_a_missing_depth_head_is_said(tmp_path) -> None:
    torch.save(DeconvPose(18, ("hm",)).state_dict(), tmp_path / "a.pth")
    model, notes = imported(tmp_path, (tmp_path / "a.pth").read_bytes(), "mpii.pth", input_size=64)
    assert (model.spec.depth, model.spec.input_size) == ("none", 64)
    assert "it has no depths: it finds joints in the picture only" in notes


def test_torch_reads_the_made_up_file(tmp_path, monkeypatch) -> None:
    """So the file has the layout of old torch: its own reader, given classes of the names in it, finds the same."""
    tensors = published_tensors(HourglassDepth(*SMALL))
    path = tmp_path / "a.pth"
    path.write_bytes(OldTorchFile().write(tensors))
    classes = {"models.hg_3d": ("HourglassNet3D", "Hourglass"), "models.layers.Residual": ("Residual",)}
    for name in ("models", "models.layers", *classes, "torch.nn.backends", "torch.nn.backends.thnn"):
        module = types.ModuleType(name)
        for class_name in classes.get(name, ()):
            setattr(module, class_name, type(class_name, (nn.Module,), {"__module__": name}))
        module._get_thnn_function_backend = lambda: None  # pyright: ignore[reportAttributeAccessIssue]
        monkeypatch.setitem(sys.modules, name, module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = torch.load(path, map_location="cpu", weights_only=False, encoding="latin1")
    state = network.state_dict()
    expected = {name: value for name, value in tensors.items() if not name.endswith("num_batches_tracked")}
    assert expected.keys() <= state.keys()
    for name, value in expected.items():
        torch.testing.assert_close(state[name], value, rtol=0, atol=0)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("sizes", [SMALL, (3, 1, 8, None), (1, 2, 8, None)])
def test_state_dicts_and_networks_of_heatmaps_alone(tmp_path, sizes, zipped: bool) -> None:
    network = filled(HourglassDepth(*sizes, input_size=128))
    tensors = published_tensors(network)
    torch.save(tensors, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    model, _ = imported(tmp_path, (tmp_path / "a.pth").read_bytes(), "model_60.pth", input_size=128)
    crops = np.random.default_rng(3).integers(0, 256, (2, 128, 128, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = network(torch.from_numpy(crops[..., ::-1].transpose(0, 3, 1, 2).copy()) / 256)
    found = model.run(crops)
    scale = float(expected.heatmaps[-1].abs().max())
    np.testing.assert_allclose(found.heatmaps, expected.heatmaps[-1], rtol=0, atol=1e-4 * scale)
    assert (found.depth is None) == (sizes[3] is None)


@pytest.mark.parametrize("sizes", [(2, 1, 16, None), (1, 2, 8, 1), (1, 1, 8, 3)])
def test_graphs_of_other_sizes(tmp_path, sizes) -> None:
    """Wrapped as training on several GPUs or a snapshot leaves it; residuals are counted, not guessed."""
    network = filled(HourglassDepth(*sizes, input_size=64))
    data = Torch7Writer().dump(HourglassGraph(network, seed=5).gmodule())
    (tmp_path / "a.t7").write_bytes(data)
    writer = Torch7Writer()
    wrapped = listed([])
    graph = HourglassGraph(network, seed=9)
    wrapped["model"] = graph.module("nn.DataParallelTable", modules=listed([graph.gmodule()]))  # pyright: ignore[reportArgumentType]
    for file, name in ((data, "a.t7"), (writer.dump(wrapped), "b.t7")):
        model, _ = imported(tmp_path, file, name, input_size=64)
        crops = np.random.default_rng(3).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
        with torch.no_grad():
            expected = network(torch.from_numpy(crops.transpose(0, 3, 1, 2).copy()) / 255)
        scale = float(expected.heatmaps[-1].abs().max())
        np.testing.assert_allclose(model.run(crops).heatmaps, expected.heatmaps[-1], rtol=0, atol=1e-4 * scale)


def test_colours_that_somebody_else_trained_with(tmp_path) -> None:
    torch.save(published_tensors(HourglassDepth(1, 1, 8, 1, input_size=64)), tmp_path / "a.pth")
    data = (tmp_path / "a.pth").read_bytes()
    model, notes = imported(tmp_path, data, "mine.pth", colour_order="rgb")
    assert model.spec.colour_order == "rgb"
    assert "takes pictures of 64 pixels, colours in the order R G B, divided by 256" in notes

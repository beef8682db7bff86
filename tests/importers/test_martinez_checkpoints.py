"""Published checkpoints of Martinez' network as model files."""

import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from maquette.datasets.h36m import prepare_h36m
from maquette.datasets.pose_statistics import INPUT_JOINTS, columns, output_joints, published_statistics
from maquette.errors import InputError, ModelError
from maquette.importers.imported import Imported
from maquette.importers.martinez import import_pytorch, import_tensorflow
from maquette.lifting.published import lift_clip
from maquette.runtime.onnx_model import OnnxModel
from maquette.skeletons import MPII_16

FLAGS: dict[str, Any] = {"max_norm": True, "residual": True}
HOURGLASS = [6, 2, 1, 0, 3, 4, 5, 7, 8, 9, 13, 14, 15, 12, 11, 10]
"""Published order of Stacked Hourglass' joints in the network's input."""


def opened(imported: Imported, path: Path) -> OnnxModel:
    path.write_bytes(imported.model.SerializeToString())
    return OnnxModel(path, threads=1)


@pytest.mark.parametrize("name", ["res_bn_maxnorm_16", "nores_nobn_nomaxnorm_16"])
def test_outputs_of_the_original(goldens_dir, tmp_path, name):
    golden = np.load(goldens_dir / "martinez" / f"{name}.npz")
    plain = name.startswith("nores")
    imported = import_tensorflow(
        goldens_dir / "martinez_model" / name, name="m", source="sh", max_norm=not plain, residual=not plain
    )
    found = opened(imported, tmp_path / "m.onnx").run(golden["enc_in"][:, None])
    np.testing.assert_allclose(found.reshape(len(found), -1), golden["outputs"], atol=1e-5)
    notes = "\n".join(imported.notes)
    assert "tensors, step 48742" in notes
    assert ("not residual, no batch norm, no max-norm" if plain else "residual, batch norm, max-norm folded") in notes
    assert "trained on Stacked Hourglass ('sh'), as --source says" in notes
    assert "published table for Stacked Hourglass" in notes


def test_a_training_of_14_joints(goldens_dir, tmp_path):
    folder = goldens_dir / "martinez_model" / "trace_res_bn_maxnorm_14"
    golden = np.load(folder / "trace.npz")
    model = opened(import_tensorflow(folder, name="m", statistics="published-gt", **FLAGS), tmp_path / "m.onnx")
    found = model.run(golden["X"][0][:, None])
    np.testing.assert_allclose(found.reshape(64, -1), golden["eval_outputs_batch0"], atol=1e-4)
    assert model.spec.output_joints == list(output_joints(True))
    assert model.spec.mapping == "h36m-17/v1"
    assert model.spec.statistics == published_statistics("gt").for_spec(predict_14=True)


def test_one_sequence_through_the_whole_original_program(goldens_dir, tmp_path):
    """Stacked Hourglass pixels to millimetres in the camera's frame and in the world's directions, with statistics of
    the training subjects' data."""
    with zipfile.ZipFile(goldens_dir / "martinez_data" / "h36m.zip") as archive:
        archive.extractall(tmp_path)
    store = prepare_h36m(tmp_path / "h36m", tmp_path / "store")
    imported = import_tensorflow(
        goldens_dir / "martinez_model" / "res_bn_maxnorm_16",
        name="m",
        source="sh",
        statistics=str(tmp_path / "store"),
        **FLAGS,
    )
    assert "computed from Human3.6M: 2D 'sh', subjects S1, S5, S6, S7, S8" in "\n".join(imported.notes)
    golden = np.load(goldens_dir / "martinez_data" / "sample_mode_sequence.npz")
    assert str(golden["key"]) == "9|Sitting|Sitting 1.60457274.h5-sh"
    recording = next(r for r in store.recordings if (r.subject, r.action) == ("S9", "Sitting 1"))
    view = next(view for view in recording.views if view.camera_name == "60457274")
    points = np.asarray(store.keypoints_px(recording, view, "sh"), dtype=np.float64)[:, HOURGLASS]
    model = opened(imported, tmp_path / "m.onnx")
    found_mm = lift_clip(model, points, (1000, 1002), flip=False) * 1000
    used = columns(output_joints(False), 3)
    size = np.abs(golden["unnormalized"][:, used]).max()
    np.testing.assert_allclose(found_mm.reshape(len(points), -1), golden["unnormalized"][:, used], atol=1e-4 * size)
    world = (found_mm @ view.camera.R_camera_world).reshape(len(points), -1)
    np.testing.assert_allclose(world, golden["world_centered"][:, used], atol=1e-4 * size)


def nested(goldens_dir: Path, root: Path, *parts: str) -> Path:
    """A checkpoint in folders named as the original program names them."""
    folder = root.joinpath("All", "dropout_0.5", "epochs_200", "lr_0.001", *parts)
    shutil.copytree(goldens_dir / "martinez_model" / "res_bn_maxnorm_16", folder)
    return folder


def test_flags_in_the_names_of_the_folders(goldens_dir, tmp_path):
    parts = ("residual", "depth_2", "linear_size64", "maxnorm", "batch_normalization", "use_stacked_hourglass")
    folder = nested(goldens_dir, tmp_path, *parts, "predict_17")
    imported = import_tensorflow(folder, name="m")
    assert "trained on Stacked Hourglass ('sh'), as the folder's name says" in imported.notes
    golden = np.load(goldens_dir / "martinez" / "res_bn_maxnorm_16.npz")
    found = opened(imported, tmp_path / "m.onnx").run(golden["enc_in"][:, None])
    np.testing.assert_allclose(found.reshape(len(found), -1), golden["outputs"], atol=1e-5)
    # What is typed comes first.
    found = opened(import_tensorflow(folder, name="m", max_norm=False), tmp_path / "n.onnx").run(
        golden["enc_in"][:, None]
    )
    assert np.abs(found.reshape(len(found), -1) - golden["outputs"]).max() > 0.01
    with pytest.raises(InputError, match="whose statistics differ"):
        import_tensorflow(folder, name="m", statistics="published-gt")
    with pytest.raises(InputError, match="--source gt, but the folder's name says sh"):
        import_tensorflow(folder, name="m", source="gt")
    with pytest.raises(InputError, match="no published statistics 'published-sh_ft'"):
        import_tensorflow(folder, name="m", source="sh_ft")


def test_folders_of_exact_points(goldens_dir, tmp_path):
    folder = nested(goldens_dir, tmp_path, "not_residual", "no_maxnorm", "not_stacked_hourglass")
    notes = "\n".join(import_tensorflow(folder, name="m").notes)
    assert "trained on exact 2D points ('gt')" in notes
    assert "not residual, batch norm, no max-norm" in notes


def test_nothing_is_guessed(goldens_dir):
    with pytest.raises(InputError) as error:
        import_tensorflow(goldens_dir / "martinez_model" / "res_bn_maxnorm_16", name="m")
    for text in ("tell --max-norm", "tell --residual", "nothing says which 2D points"):
        assert text in str(error.value)


def test_statistics_of_a_file(goldens_dir, tmp_path):
    (tmp_path / "own.json").write_bytes(published_statistics("sh").to_json())
    folder = goldens_dir / "martinez_model" / "res_bn_maxnorm_16"
    imported = import_tensorflow(folder, name="m", source="sh_ft", statistics=str(tmp_path / "own.json"), **FLAGS)
    model = opened(imported, tmp_path / "m.onnx")
    assert model.spec.statistics is not None
    assert model.spec.statistics.source.startswith("file own.json: ")
    assert model.spec.mapping == "h36m-17/stacked-hourglass"
    for statistics, text in (("nowhere", "no such file or store"), ("published", "no published statistics")):
        with pytest.raises(InputError, match=text):
            import_tensorflow(folder, name="m", source="sh", statistics=statistics, **FLAGS)
        with pytest.raises(InputError, match=text):
            import_tensorflow(folder, name="m", statistics=statistics, **FLAGS)
    with pytest.raises(InputError, match="--source cpn: no such 2D points; expected gt, sh, sh_ft"):
        import_tensorflow(folder, name="m", source="cpn", **FLAGS)


def port_state(width: int = 24, blocks: int = 2) -> dict[str, torch.Tensor]:
    """Tensors by the names of the port to PyTorch, random."""
    random = torch.Generator().manual_seed(0)
    state = {}
    layers = [("w1", "batch_norm1", 32, width)]
    layers += [
        (f"linear_stages.{i}.w{k}", f"linear_stages.{i}.batch_norm{k}", width, width)
        for i in range(blocks)
        for k in (1, 2)
    ]
    for linear, norm, inputs, outputs in [*layers, ("w2", None, width, 48)]:
        state[f"{linear}.weight"] = torch.randn(outputs, inputs, generator=random) / inputs**0.5
        state[f"{linear}.bias"] = torch.randn(outputs, generator=random)
        if norm:
            state[f"{norm}.weight"] = torch.rand(outputs, generator=random) + 0.5
            state[f"{norm}.bias"] = torch.randn(outputs, generator=random)
            state[f"{norm}.running_mean"] = torch.randn(outputs, generator=random)
            state[f"{norm}.running_var"] = torch.rand(outputs, generator=random) * 1e-4
    return state


def port_forward(state: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """What the port computes, from its published description; epsilon is torch's."""

    def layer(x: torch.Tensor, linear: str, norm: str) -> torch.Tensor:
        x = F.linear(x, state[f"{linear}.weight"], state[f"{linear}.bias"])
        mean, var = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
        return F.relu((x - mean) / torch.sqrt(var + 1e-5) * state[f"{norm}.weight"] + state[f"{norm}.bias"])

    x = layer(x, "w1", "batch_norm1")
    for i in range(sum(name.endswith("w2.weight") for name in state) - 1):
        name = f"linear_stages.{i}"
        x = x + layer(layer(x, f"{name}.w1", f"{name}.batch_norm1"), f"{name}.w2", f"{name}.batch_norm2")
    return F.linear(x, state["w2.weight"], state["w2.bias"])


@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_port_to_pytorch(tmp_path, prefix):
    state = port_state()
    saved = {f"{prefix}{name}": tensor for name, tensor in state.items()}
    path = tmp_path / "ckpt_best.pth.tar"
    torch.save({"epoch": 7, "lr": np.float64(1e-3), "step": 170597, "err": np.float64(45.0), "state_dict": saved}, path)
    imported = import_pytorch(path, name="m", statistics="published-gt")
    assert "epoch 7, step 170597" in imported.notes[0]
    x = torch.randn(9, 32, generator=torch.Generator().manual_seed(1))
    expected = port_forward({k: v.double() for k, v in state.items()}, x.double()).numpy()
    model = opened(imported, tmp_path / "m.onnx")
    found = model.run(x[:, None].numpy()).reshape(9, -1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    with pytest.raises(InputError, match="nothing says which 2D points"):
        import_pytorch(path, name="m")


def test_tensors_that_differ_are_all_named(tmp_path):
    state = port_state()
    state["w2.weight"], state["w2.bias"] = torch.zeros(51, 24), torch.zeros(51)
    del state["linear_stages.1.w1.bias"]
    state["attention.weight"] = torch.zeros(2, 2)
    torch.save({"state_dict": state}, tmp_path / "other.pth.tar")
    with pytest.raises(ModelError) as error:
        import_pytorch(tmp_path / "other.pth.tar", name="m", source="gt")
    for text in (
        "w2.weight has shape (51, 24), expected (48, 24)",
        "w2.bias has shape (51,), expected (48,)",
        "linear_stages.1.w1.bias is missing, expected shape (24,)",
        "attention.weight of shape (2, 2) does not belong",
    ):
        assert text in str(error.value)
    state = port_state()
    state["w1.bias"][3] = float("nan")
    torch.save({"state_dict": state}, tmp_path / "nan.pth.tar")
    with pytest.raises(ModelError, match=r"w1\.bias has values that are not finite"):
        import_pytorch(tmp_path / "nan.pth.tar", name="m", source="gt")


def test_checkpoints_of_something_else(goldens_dir, tmp_path):
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "resnet.pth")
    with pytest.raises(ModelError, match=r"w1.weight is missing, expected shape \(1024, 32\)"):
        import_pytorch(tmp_path / "resnet.pth", name="m", source="gt")
    torch.save({"epoch": 3, "model_pos": {"a": torch.zeros(1)}}, tmp_path / "rie.bin")
    with pytest.raises(ModelError, match=r"holds epoch, model_pos; expected 'state_dict' of 3d_pose_baseline_pytorch"):
        import_pytorch(tmp_path / "rie.bin", name="m", source="gt")
    assert [MPII_16.indices(["pelvis"]), len(INPUT_JOINTS)] == [[6], 16]


def test_networks_of_the_world_frame_are_not_taken_for_others(goldens_dir, tmp_path):
    folder = goldens_dir / "martinez_model" / "res_bn_maxnorm_16"
    with pytest.raises(InputError, match="no published statistics of 2D 'gt' in the world frame"):
        import_tensorflow(folder, name="m", source="gt", camera_frame=False, **FLAGS)
    (tmp_path / "own.json").write_bytes(published_statistics("gt").to_json())
    own = str(tmp_path / "own.json")
    imported = import_tensorflow(folder, name="m", source="gt", statistics=own, camera_frame=False, **FLAGS)
    assert imported.notes[-1] == "trained in the world's frame"
    model, points = opened(imported, tmp_path / "m.onnx"), np.full((2, 16, 2), 500.0)
    with pytest.raises(ModelError, match="gives positions in the world frame"):
        lift_clip(model, points, (1000, 1000), flip=False)
    with pytest.raises(ModelError, match="such a model has no flip"):
        lift_clip(model, points, (1000, 1000), frame="world")
    assert lift_clip(model, points, (1000, 1000), flip=False, frame="world").shape == (2, 16, 3)

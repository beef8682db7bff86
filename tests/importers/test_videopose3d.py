"""Checkpoints in the form that VideoPose3D writes, as model files."""

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor

from maquette.cli import main
from maquette.errors import InputError, ModelError
from maquette.importers.videopose3d import import_weights
from maquette.models.videopose import TemporalModel
from maquette.runtime.onnx_model import OnnxModel


def made(joints_in=17, features=2, joints_out=17, **options) -> TemporalModel:
    torch.manual_seed(0)
    network = TemporalModel(joints_in, features, joints_out, **({"filter_widths": (3, 3), "channels": 16} | options))
    for norm in [network.expand_bn, *network.layers_bn]:
        norm.running_mean.normal_()  # pyright: ignore[reportAttributeAccessIssue]
    return network.eval()


def saved(path, network: TemporalModel, *, zipped: bool = True, **more):
    document = {"epoch": 80, "lr": 1.6e-5, "random_state": np.random.RandomState(1234), "optimizer": None}
    document |= {"model_pos": network.state_dict(), "model_traj": None, "random_state_semi": None, **more}
    torch.save(document, path, _use_new_zipfile_serialization=zipped)
    return path


def outputs(imported, path, network: TemporalModel) -> tuple[np.ndarray, Tensor]:
    onnx.save(imported.model, str(path))
    x = torch.randn(60, network.joints_in, network.features_in)
    with torch.no_grad():
        return OnnxModel(path, threads=1).run_clip(x.flatten(1).numpy()), network(x[None])[0]


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("sizes", "options", "skeletons"),
    [
        ((17, 2, 17), {"filter_widths": (3, 5, 3)}, ("coco-17", "h36m-17")),
        ((17, 3, 17), {"causal": True}, ("h36m-17", "h36m-17")),
        ((17, 2, 15), {}, ("coco-17", "humaneva-15")),
        ((17, 2, 17), {"filter_widths": (3, 3, 3), "dense": True}, ("h36m-17", "h36m-17")),
    ],
)
def test_architecture_comes_from_the_shapes(tmp_path, zipped, sizes, options, skeletons):
    network = made(*sizes, **options)
    imported = import_weights(
        saved(tmp_path / "epoch_80.bin", network, zipped=zipped),
        skeleton=skeletons[0],
        causal=options.get("causal", False),
    )
    found, expected = outputs(imported, tmp_path / "m.onnx", network)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    spec = OnnxModel(tmp_path / "m.onnx").spec
    assert (spec.input_skeleton, spec.output_skeleton) == skeletons
    assert spec.window_frames == network.receptive_field
    assert spec.window_step_s == (1 / 60 if sizes[2] == 15 else 0.02)
    assert spec.parameters == sum(p.numel() for p in network.parameters())
    assert spec.name == "epoch_80"
    assert "trained for 80 epochs" in imported.notes


def test_old_files_hold_weights_without_counters(tmp_path):
    network = made(16)
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    torch.save({"model_pos": state}, tmp_path / "old.bin")
    imported = import_weights(tmp_path / "old.bin")
    found, expected = outputs(imported, tmp_path / "m.onnx", network)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    torch.save(state, tmp_path / "bare.bin")
    assert import_weights(tmp_path / "bare.bin").notes[0].startswith("architecture 3,3, 16 channels")


def test_joints_are_not_guessed(tmp_path):
    path = saved(tmp_path / "a.bin", made(), model_traj=made(17, 2, 1).state_dict())
    with pytest.raises(InputError, match=r"34 values a frame.*give --skeleton h36m-17 or coco-17"):
        import_weights(path)
    with pytest.raises(InputError, match=r"not two or three for each of the 16 joints of mpii-16"):
        import_weights(path, skeleton="mpii-16")
    assert any("trajectory network is left out" in note for note in import_weights(path, skeleton="h36m-17").notes)


def test_what_is_no_such_network(tmp_path):
    network = made()
    state = network.state_dict()
    cases = {
        "4 joints": {"model_pos": made(17, 2, 4).state_dict()},
        "a trajectory alone is no pose": {"model_pos": made(17, 2, 1).state_dict()},
        "expand_conv.weight is missing": {"model_pos": {k: v for k, v in state.items() if "expand_conv" not in k}},
        "layers_bn.1.bias": {"model_pos": {k: v for k, v in state.items() if k != "layers_bn.1.bias"}},
        "not of this network: LocalLayer.bias": {"model_pos": {**state, "LocalLayer.bias": torch.zeros(1)}},
        "has shape \\(16, 9, 1\\), expected \\(16, 16, 1\\)": {
            "model_pos": {**state, "layers_conv.1.weight": torch.zeros(16, 9, 1)}
        },
        "holds state, epoch": {"state": state, "epoch": 1},
        "found int": {"model_pos": 3},
        "layers have different widths": {"model_pos": {**state, "expand_conv.weight": torch.zeros(99, 34, 3)}},
        "expand_conv.weight are no tensors of": {
            "model_pos": {**state, "expand_conv.weight": torch.zeros(1).expand(9**9, 34, 3)}
        },
        "expected an odd number": {"model_pos": {**state, "layers_conv.0.weight": torch.zeros(16, 16, 2)}},
    }
    for text, document in cases.items():
        torch.save(document, tmp_path / "bad.bin")
        with pytest.raises(ModelError, match=text):
            import_weights(tmp_path / "bad.bin", skeleton="h36m-17")


def test_by_the_command(tmp_path, capsys):
    path = saved(tmp_path / "epoch_80.bin", made())
    command = ["import-weights", "videopose3d", str(path), "-o", str(tmp_path / "cpn.onnx")]
    assert main(command) == 2
    assert "give --skeleton h36m-17 or coco-17" in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "cpn.onnx").exists()
    assert main([*command, "--skeleton", "coco-17"]) == 0
    assert "coco-17 -> h36m-17, m" in capsys.readouterr().out
    assert OnnxModel(tmp_path / "cpn.onnx").spec.name == "cpn"

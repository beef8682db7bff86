"""Checkpoints in the form that Pose3D-RIE writes, as model files."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from maquette.cli import main
from maquette.errors import InputError, ModelError
from maquette.importers.rie import import_weights
from maquette.models.rie import HUMANEVA15_GROUPS, RelativeEncodingNetwork
from maquette.models.rie_stages import published_optimiser
from maquette.runtime.onnx_model import OnnxModel

SMALL: dict[str, Any] = {"filter_widths": (3, 3), "channels": 16, "hidden": 24, "latent": 12}


def made(**options: Any) -> RelativeEncodingNetwork:
    torch.manual_seed(0)
    network = RelativeEncodingNetwork(**(SMALL | options))
    for name, tensor in network.state_dict().items():
        if name.endswith("running_mean"):
            tensor.normal_()
    return network.eval()


def saved(path: Path, network: RelativeEncodingNetwork, *, zipped: bool = True) -> Path:
    """With everything that the published program saves: an optimiser that has made a step, and a random state."""
    optimiser = published_optimiser(network, 1e-3)
    frames = network.receptive_field
    network(torch.randn(2, frames, network.groups.input_joints, 2)).sum().backward()
    optimiser.step()
    document = {
        "epoch": 80,
        "lr": 1.65e-5,
        "random_state": np.random.RandomState(1234),
        "optimizer": optimiser.state_dict(),
        "model_pos": network.state_dict(),
    }
    torch.save(document, path, _use_new_zipfile_serialization=zipped)
    return path


def compare(imported, path: Path, network: RelativeEncodingNetwork) -> OnnxModel:
    onnx.save(imported.model, str(path))
    model = OnnxModel(path, threads=1)
    joints = network.groups.input_joints
    x = torch.rand(network.receptive_field + 5, joints, 2) - 0.5
    with torch.no_grad():
        expected = network(x[None])[0]
    np.testing.assert_allclose(model.run_clip(x.flatten(1).numpy()), expected, atol=1e-5)
    return model


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("options", "skeleton", "words"),
    [
        (
            {"stage": 3},
            "h36m-17",
            "stage 2 or 3, architecture 3,3 (window of 9 frames), 16 channels, latent 12, hidden",
        ),
        (
            {"stage": 1, "latent": 40},
            "h36m-17",
            "stage 1, architecture 3,3 (window of 9 frames), 16 channels, latent 40",
        ),
        ({"filter_widths": (3, 5, 3)}, "h36m-17", "architecture 3,5,3 (window of 45 frames)"),
        ({"groups": HUMANEVA15_GROUPS}, "humaneva-15", "hidden 24, humaneva-15"),
    ],
)
def test_architecture_comes_from_the_shapes(tmp_path, zipped, options, skeleton, words):
    network = made(**options)
    imported = import_weights(saved(tmp_path / "stage_3_epoch_80.bin", network, zipped=zipped))
    model = compare(imported, tmp_path / "m.onnx", network)
    assert words in imported.notes[0]
    assert "80 epochs" in imported.notes[1]
    spec = model.spec
    assert (spec.input_skeleton, spec.output_skeleton, spec.kind) == (skeleton, skeleton, "relative")
    assert spec.window_step_s == (0.02 if skeleton == "h36m-17" else 1 / 60)
    assert spec.parameters == sum(p.numel() for p in network.parameters())


def test_weights_only_and_causal(tmp_path):
    network = made(causal=True)
    torch.save(network.state_dict(), tmp_path / "weights.bin")
    imported = import_weights(tmp_path / "weights.bin", name="mine", causal=True, skeleton="h36m-17")
    model = compare(imported, tmp_path / "m.onnx", network)
    assert model.spec.causal
    assert model.spec.name == "mine"


def test_the_command(tmp_path, capsys):
    path = saved(tmp_path / "stage_3_epoch_80.bin", made())
    main(["import-weights", "rie", str(path), "-o", str(tmp_path / "rie.onnx")])
    said = capsys.readouterr().out
    assert "latent 12" in said
    assert "h36m-17 -> h36m-17, m" in said
    assert OnnxModel(tmp_path / "rie.onnx").spec.name == "rie"


class Malicious:
    def __reduce__(self):
        return (print, ("code of the file was run",))


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_in_the_file_is_run(tmp_path, capsys, zipped):
    path = tmp_path / "bad.bin"
    document = {"epoch": 1, "random_state": Malicious(), "model_pos": made().state_dict()}
    torch.save(document, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match="refused"):
        import_weights(path)
    assert "was run" not in capsys.readouterr().out


def test_what_does_not_fit_is_listed(tmp_path):
    def state_of(change) -> Path:
        state = made().state_dict()
        change(state)
        torch.save({"epoch": 1, "model_pos": state}, tmp_path / "bad.bin")
        return tmp_path / "bad.bin"

    def renamed(state) -> None:
        state["LocalLayer_Tail.shrink.bias"] = state.pop("LocalLayer_RArm.shrink.bias")
        state["Integration_Torso.fc_2.weight"] = torch.zeros(12, 24)
        state["GlobalInfo.fc_2.bias"] = torch.full((12,), torch.nan)

    with pytest.raises(
        ModelError,
        match=r"missing: LocalLayer_RArm.shrink.bias; not of this network: LocalLayer_Tail.shrink.bias; "
        r"Integration_Torso.fc_2.weight has shape \(12, 24\), expected \(15, 24\); .*finite in GlobalInfo.fc_2.bias",
    ):
        import_weights(state_of(renamed))
    with pytest.raises(ModelError, match=r"GlobalInfo.fc_1.weight is missing"):
        import_weights(state_of(lambda state: state.pop("GlobalInfo.fc_1.weight")))
    with pytest.raises(ModelError, match=r"reads 40 values a frame, expected 34 \(h36m-17\), 30 \(humaneva-15\)"):
        import_weights(state_of(lambda state: state.update({"GlobalInfo.fc_1.weight": torch.zeros(24, 40)})))
    with pytest.raises(ModelError, match=r"expand_conv.weight is 2 frames wide, expected odd"):
        import_weights(
            state_of(lambda state: state.update({"LocalLayer_Torso.expand_conv.weight": torch.ones(16, 30, 2)}))
        )
    with pytest.raises(InputError, match=r"not two for each joint of humaneva-15; it is one of h36m-17"):
        import_weights(state_of(lambda state: None), skeleton="humaneva-15")
    torch.save({"weights": 1}, tmp_path / "other.bin")
    with pytest.raises(ModelError, match=r"holds weights; expected 'model_pos' of Pose3D-RIE"):
        import_weights(tmp_path / "other.bin")

"""The ONNX files: the same numbers as torch, a lean graph, a spec that the runtime reads."""

import json

import numpy as np
import pytest
import torch

from maquette.lifting.normalize import CHANNELS
from maquette.models.rie_landmarks import LANDMARK_GROUPS, LandmarkEncoding
from maquette.runtime.onnx_model import OnnxModel
from maquette.runtime.shipped import SHIPPED, card_of, find_model
from maquette.skeletons import LIFTED_21
from maquette.training.export import spec_of, training_command
from maquette.training.networks import build_network
from maquette.training.onnx_graph import build_onnx
from maquette.training.plans import MocapPreset
from maquette.training.presets import PRESETS, get_preset

MOCAP = [name for name, preset in PRESETS.items() if isinstance(preset, MocapPreset)]


def random_network(preset: str, **fields):
    """A network in evaluation whose batch norms do something."""
    plan = get_preset(preset, **fields)
    assert isinstance(plan, MocapPreset)
    torch.manual_seed(0)
    network = build_network(plan)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                statistics = dict(module.named_buffers())
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(std=0.3)
                statistics["running_mean"].normal_(std=0.3)
                statistics["running_var"].uniform_(0.5, 1.5)
        for bias in last_biases(network.network):
            torch.nn.init.normal_(bias, std=0.1)
    return plan, network.eval()


def last_biases(network) -> list[torch.Tensor]:
    if isinstance(network, LandmarkEncoding):
        return [network.encoding.decoder(group).fc_2.bias for group in network.encoding.groups.groups]
    return [network.last.bias]


def write(path, plan, network) -> OnnxModel:
    spec = spec_of(plan, network, steps=10, accuracy={"a": 1.0})
    path.write_bytes(build_onnx(network, {"maquette": json.dumps(spec)}).SerializeToString())
    return OnnxModel(path)


@pytest.mark.parametrize("preset", MOCAP)
def test_onnxruntime_and_torch_agree(tmp_path, preset):
    plan, network = random_network(preset)
    model = write(tmp_path / "model.onnx", plan, network)
    features = torch.randn(70, network.window_frames, CHANNELS)
    with torch.no_grad():
        expected = network(features).numpy()
    found = model.run(features.numpy())
    assert found.shape == (70, len(LIFTED_21), 3)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-4, "metres"
    np.testing.assert_allclose(model.run(features[:1].numpy()), found[:1], atol=1e-5)


@pytest.mark.parametrize("preset", MOCAP)
def test_the_graph_has_no_batch_norms_and_one_product_per_layer(preset):
    _, network = random_network(preset, width=32)
    graph = build_onnx(network, {}).graph
    kinds = [node.op_type for node in graph.node]
    layers = sum(isinstance(m, torch.nn.Linear | torch.nn.Conv1d) for m in network.modules())
    # What is relative to the middle frame is a product for each window, beside that for each frame.
    per_window = len(LANDMARK_GROUPS.groups) if isinstance(network.network, LandmarkEncoding) else 0
    assert kinds.count("Gemm") == layers + per_window
    assert "BatchNormalization" not in kinds
    assert "Transpose" not in kinds


@pytest.mark.parametrize("preset", MOCAP)
def test_the_spec_is_read_by_the_runtime_and_counts_right(tmp_path, preset):
    plan, network = random_network(preset)
    spec = write(tmp_path / "model.onnx", plan, network).spec
    assert (spec.name, spec.kind, spec.window_frames) == (plan.model_name, plan.kind, network.window_frames)
    assert spec.parameters == sum(p.numel() for p in network.parameters())
    assert spec.samples_seen == 10 * plan.batch_size
    assert spec.accuracy == {"a": 1.0}
    assert spec.macs_per_frame > 0.9 * 4e6


def test_the_command_names_what_differs_from_the_preset():
    plan = get_preset("tcn-mocap", total_steps=10, pose_strength=0.5)
    assert training_command(plan, 10, 10, data="D").endswith("--total-steps 10 --pose-strength 0.5")
    assert "stopped after 4 of 10 steps" in training_command(plan, 4, 10, data="D")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_run_and_match_their_cards(name):
    path = find_model(name)
    model = OnnxModel(path)
    assert model.spec.name == name
    assert path.stat().st_size < 20e6
    card = card_of(name).read_text(encoding="utf-8")
    for fact in (model.sha256, model.spec.command, "mocap.cs.cmu.edu", "NSF EIA-0196217", str(model.spec.seed)):
        assert fact in card
    nothing_seen = model.run(np.zeros((2, model.spec.window_frames, CHANNELS)))
    assert np.isfinite(nothing_seen).all()
    np.testing.assert_allclose(nothing_seen[:, 0], 0, atol=0.02)

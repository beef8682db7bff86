"""The residual network against the published TensorFlow program."""

import math

import numpy as np
import pytest
import torch

from maquette.models.martinez import MaxNormLinear, ResidualNetwork

CONFIGURATIONS = {
    "res_bn_maxnorm_16": {},
    "res_bn_maxnorm_14": {"outputs": 42},
    "res_bn_nomaxnorm_16": {"max_norm": False},
    "nores_nobn_nomaxnorm_16": {"residual": False, "batch_norm": False, "max_norm": False},
}


def fill(stage, tensors, weight: str, bias: str, norm: str) -> None:
    stage.linear.weight.copy_(torch.from_numpy(tensors[f"linear_model/{weight}"].T))
    stage.linear.bias.copy_(torch.from_numpy(tensors[f"linear_model/{bias}"]))
    if stage.norm is not None:
        pairs = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
        for ours, theirs in pairs.items():
            getattr(stage.norm, ours).copy_(torch.from_numpy(tensors[f"linear_model/{norm}/{theirs}"]))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_outputs_of_the_original(goldens_dir, name):
    with np.load(goldens_dir / "martinez" / f"{name}.npz") as data:
        tensors = dict(data)
    network = ResidualNetwork(linear_size=64, **CONFIGURATIONS[name]).eval()
    with torch.no_grad():
        fill(network.first, tensors, "w1", "b1", "batch_normalization")
        for i, block in enumerate(network.blocks):
            scope = f"two_linear_{i}"
            fill(block.first, tensors, f"{scope}/w2_{i}", f"{scope}/b2_{i}", f"{scope}/batch_normalization1{i}")
            fill(block.second, tensors, f"{scope}/w3_{i}", f"{scope}/b3_{i}", f"{scope}/batch_normalization2{i}")
        network.last.weight.copy_(torch.from_numpy(tensors["linear_model/w4"].T))
        network.last.bias.copy_(torch.from_numpy(tensors["linear_model/b4"]))
        found = network(torch.from_numpy(tensors["enc_in"])).numpy()
    np.testing.assert_allclose(found, tensors["outputs"], atol=1e-5)


def test_parameter_count_of_the_paper():
    assert sum(p.numel() for p in ResidualNetwork().parameters()) == 4_291_632


def test_max_norm_clips_the_whole_matrix_and_lets_gradients_through():
    layer = MaxNormLinear(32, 64, max_norm=True)
    assert torch.linalg.matrix_norm(layer.weight) > 1
    assert torch.linalg.matrix_norm(layer.effective_weight()).item() == pytest.approx(1, abs=1e-6)
    layer(torch.ones(2, 32)).square().sum().backward()
    assert layer.weight.grad is not None
    # Scaling a matrix beyond the unit sphere changes nothing, so its gradient is orthogonal to it.
    assert abs((layer.weight.grad * layer.weight).sum().item()) < 1e-3
    with torch.no_grad():
        layer.weight.mul_(0.5 / torch.linalg.matrix_norm(layer.weight))
    torch.testing.assert_close(layer.effective_weight(), layer.weight)


def test_initial_weights_have_the_published_spread():
    torch.manual_seed(0)
    network = ResidualNetwork()
    cut_normal = 0.8796
    layers = [module for module in network.modules() if isinstance(module, MaxNormLinear)]
    assert len(layers) == 6
    for linear in layers:
        assert linear.weight.std().item() == pytest.approx(cut_normal * math.sqrt(2 / linear.in_features), rel=0.03)
        assert linear.bias.std().item() == pytest.approx(cut_normal * math.sqrt(2 / linear.out_features), rel=0.25)
        assert linear.weight.abs().max().item() <= 2 * math.sqrt(2 / linear.in_features) + 1e-6

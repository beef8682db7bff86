"""The residual network against the published TensorFlow program."""

import math

import numpy as np
import pytest
import torch
from martinez_variables import NETWORKS, load_variables

from maquette.models.martinez import MaxNormLinear, ResidualNetwork


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_of_the_original(goldens_dir, name):
    with np.load(goldens_dir / "martinez" / f"{name}.npz") as data:
        tensors = dict(data)
    network = ResidualNetwork(linear_size=64, **NETWORKS[name]).eval()
    load_variables(network, tensors)
    with torch.no_grad():
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


def test_max_norm_by_rows_clips_each_unit():
    layer = MaxNormLinear(32, 4, max_norm="per_row")
    with torch.no_grad():
        layer.weight.copy_(torch.ones(4, 32) * torch.tensor([[0.01], [0.1], [1.0], [10.0]]))
    norms = torch.linalg.vector_norm(layer.effective_weight(), dim=1)
    torch.testing.assert_close(norms, torch.tensor([0.01 * 32**0.5, 0.1 * 32**0.5, 1.0, 1.0]))


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

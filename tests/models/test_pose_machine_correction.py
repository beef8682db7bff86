"""The correction of the 3D pose machine: against the published program's outputs, and its equations in NumPy."""

import json
import zlib

import numpy as np
import pytest
import torch

from maquette.errors import ModelError
from maquette.formats.restricted_pickle import load_pickle
from maquette.models.pose_machine_correction import Correction, JointDropout


def recipe_arrays(goldens_dir, width):
    """The golden weights as the public recipe of the goldens makes them."""
    recipe = json.loads((goldens_dir / "ssl3d" / f"weights_ls{width}.json").read_text())
    arrays = []
    for name, shape, total in zip(recipe["names"], recipe["shapes"], recipe["sums"], strict=True):
        rng = np.random.default_rng(zlib.crc32(f"dev/{name}".encode()))
        fan_in = np.prod(shape[1:]) if len(shape) > 1 else shape[0]
        arrays.append((rng.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32))
        assert arrays[-1].sum(dtype=float) == pytest.approx(total, abs=1e-9)
    return arrays


def pickled_arrays(goldens_dir, _):
    path = goldens_dir / "ssl3d" / "model_ls64.pkl"
    return load_pickle(path.read_bytes(), path.name)


@pytest.mark.parametrize(("width", "source"), [(64, recipe_arrays), (1024, recipe_arrays), (64, pickled_arrays)])
def test_outputs_of_the_published_program(goldens_dir, width, source):
    correction = Correction(width=width, batch_norm_scale=True)
    correction.load_published_arrays(source(goldens_dir, width))
    golden = np.load(goldens_dir / "ssl3d" / f"forward_ls{width}.npz")
    with torch.no_grad():
        corrected, projected = correction(torch.from_numpy(golden["enc_in"]).float())
    np.testing.assert_allclose(corrected.numpy(), golden["refine"], atol=5e-6)
    np.testing.assert_allclose(projected.numpy(), golden["proj"], atol=5e-6)


def relu(x):
    return np.maximum(x, 0)


@pytest.mark.parametrize("test_template", [False, True])
def test_equations(test_template):
    correction = Correction(width=20, test_template=test_template).double()
    for parameter in correction.parameters():
        torch.nn.init.normal_(parameter)
    w0, b0, w00, b00, w1, b1, w2, b2, w3, b3, w4, b4 = (
        array.detach().numpy() for layer in correction.layers() for array in (layer.weight.T, layer.bias)
    )
    e = np.random.default_rng(0).normal(size=(3, 48))
    r = relu(e @ w0 + b0) @ w00 + b00
    y = relu(r @ w1 + b1)
    third = relu(y @ w2 + b2) @ w3 + b3
    p = (relu(y + third) if test_template else y + relu(third)) @ w4 + b4
    with torch.no_grad():
        corrected, projected = correction(torch.from_numpy(e))
    np.testing.assert_allclose(corrected.numpy(), r, rtol=1e-10)
    np.testing.assert_allclose(projected.numpy(), p, rtol=1e-10)


def test_arrays_there_and_back():
    one, other = Correction(width=8), Correction(width=8)
    arrays = one.published_arrays()
    assert [a.shape for a in arrays[::2]] == [(48, 8), (8, 48), (48, 8), (8, 8), (8, 8), (8, 32)]
    other.load_published_arrays(arrays)
    for before, after in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(before, after)


def test_arrays_of_another_network_are_refused():
    correction = Correction(width=8)
    arrays = correction.published_arrays()
    with pytest.raises(ModelError, match="11 arrays, expected 12"):
        correction.load_published_arrays(arrays[:-1])
    with pytest.raises(ModelError) as error:
        correction.load_published_arrays(Correction(width=9).published_arrays())
    assert "change_tmp weight has shape (48, 9), expected (48, 8)" in str(error.value)
    assert "project_2d weight" in str(error.value)


@pytest.mark.parametrize(("initialisation", "deviation"), [("published", 0.01), ("scaled", 1 / 32)])
def test_weights_at_the_start(initialisation, deviation):
    correction = Correction(initialisation=initialisation)
    assert sum(p.numel() for p in correction.parameters()) == 2_281_552
    assert correction.project_2.weight.std().item() == pytest.approx(deviation, rel=0.01)
    assert not any(layer.bias.any() for layer in correction.layers())


def test_joints_are_dropped_as_often_as_published():
    torch.manual_seed(0)
    dropout, rows = JointDropout(0.02, value=0.0), 100_000
    kept = (dropout(torch.ones(rows, 48)).reshape(rows, 16, 3)) > 0
    assert torch.equal(kept.all(dim=2), kept.any(dim=2))
    expected = np.full(16, 0.02)
    expected[[7, 9]] = 0.04
    found = 1 - kept[:, :, 0].double().mean(dim=0).numpy()
    assert np.all(np.abs(found - expected) < 5 * np.sqrt(expected / rows))
    assert kept.flatten(1).all(dim=1).double().mean().item() == pytest.approx(0.6946, abs=5 * np.sqrt(0.25 / rows))


def test_dropped_joints_get_no_gradient_and_the_value():
    dropout = JointDropout(0.5, value=0.25)
    x = torch.rand(4, 48, requires_grad=True)
    kept = torch.rand(4, 16, generator=torch.Generator().manual_seed(0)) > 0.5
    y = dropout.replaced(x, kept)
    y.sum().backward()
    each = kept.repeat_interleave(3, dim=1)
    assert torch.equal(y, torch.where(each, x, 0.25))
    assert x.grad is not None
    assert torch.equal(x.grad != 0, each)


def test_nothing_is_dropped_outside_of_training():
    x = torch.rand(50, 48)
    assert torch.equal(JointDropout(0.5).eval()(x), x)
    assert torch.equal(JointDropout(0.0)(x), x)

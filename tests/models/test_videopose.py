"""The temporal convolution against the published program."""

import json

import numpy as np
import pytest
import torch
from published_weights import fill  # pyright: ignore[reportMissingImports]
from torch import nn

from maquette.errors import InputError
from maquette.models.videopose import (
    TemporalModel,
    batch_norm_momentum,
    published_optimiser,
    set_batch_norm_momentum,
)

ARC_333 = {"filter_widths": (3, 3, 3), "channels": 64}


def made(**options) -> TemporalModel:
    return fill(TemporalModel(17, 2, 17, **(ARC_333 | options)))


@pytest.fixture(scope="module")
def golden(goldens_dir):
    return dict(np.load(goldens_dir / "videopose3d" / "forward.npz"))


@pytest.mark.parametrize("strided", [False, True])
def test_tensors_of_the_published_checkpoints(goldens_dir, strided):
    expected = json.loads((goldens_dir / "videopose3d" / "state_dict_arc333_ch64.json").read_text())
    network = made(strided=strided)
    state = network.state_dict()
    assert [(name, list(tensor.shape)) for name, tensor in state.items()] == [
        (tensor["name"], tensor["shape"]) for tensor in expected["tensors"]
    ]
    assert network.receptive_field == expected["receptive_field"]
    assert sum(p.numel() for p in network.parameters()) == expected["n_parameters"]


@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize(
    ("features", "joints_out", "count"), [(2, 17, 16_952_371), (2, 1, 16_903_171), (3, 17, 17_004_595)]
)
def test_parameter_counts(features, joints_out, count, strided):
    with torch.device("meta"):
        network = TemporalModel(17, features, joints_out, strided=strided)
    assert sum(p.numel() for p in network.parameters()) == count
    assert len(network.state_dict()) == 56


@pytest.mark.parametrize(
    ("key", "data", "options"),
    [
        ("dilated_clip", "clip", {}),
        ("dilated_windows", "windows", {}),
        ("optimized1f_windows", "windows", {"strided": True}),
        ("causal_dilated_clip", "clip", {"causal": True}),
        ("causal_dilated_windows", "windows", {"causal": True}),
        ("causal_optimized1f_windows", "windows", {"causal": True, "strided": True}),
        ("dense_clip", "clip", {"dense": True}),
        ("arc35_clip", "clip", {"filter_widths": (3, 5)}),
    ],
)
def test_outputs_of_the_original(golden, key, data, options):
    with torch.no_grad():
        np.testing.assert_allclose(made(**options)(torch.from_numpy(golden[data])), golden[key], atol=1e-5)


@pytest.mark.parametrize("widths", [(3,), (5, 3), (3, 3, 3)])
@pytest.mark.parametrize("causal", [False, True])
def test_both_forms_are_one_function_in_training_too(widths, causal):
    torch.manual_seed(0)
    options = {"filter_widths": widths, "channels": 16, "causal": causal, "dropout": 0.0}
    dilated = TemporalModel(5, 2, 4, **options).double()
    strided = TemporalModel(5, 2, 4, strided=True, **options).double()
    strided.load_state_dict(dilated.state_dict())
    x = torch.randn(3, dilated.receptive_field, 5, 2, dtype=torch.float64)
    dilated.eval()
    strided.eval()
    torch.testing.assert_close(strided(x), dilated(x), rtol=0, atol=1e-12)
    pair = strided(x.reshape(1, -1, 5, 2))
    torch.testing.assert_close(pair[0, :, None], strided(x), rtol=0, atol=1e-12)


def test_the_form_for_bfloat16_is_the_same_function():
    torch.manual_seed(0)
    network = TemporalModel(5, 2, 4, strided=True, filter_widths=(3, 5), channels=16, causal=True, dropout=0.0).double()
    x = torch.randn(7, 30, 5, 2, dtype=torch.float64)
    torch.testing.assert_close(network._by_products(x.flatten(2)).reshape(7, 2, 4, 3), network(x), rtol=0, atol=1e-12)
    with torch.autocast("cpu", torch.bfloat16):
        low = network.float()(x.float())
    torch.testing.assert_close(low.float(), network(x.float()), rtol=0.05, atol=0.05)


@pytest.mark.parametrize(("precision", "tolerance"), [("_f64", 1e-9), ("", 1e-5)])
def test_ten_published_training_steps(goldens_dir, golden, precision, tolerance):
    expected = dict(np.load(goldens_dir / "videopose3d" / f"train_trace{precision}.npz"))
    batches = dict(np.load(goldens_dir / "generators" / "batches_videopose3d.npz"))
    kind = torch.float64 if precision else torch.float32
    network = made(strided=True, dropout=0.0).to(kind).train()
    optimiser = published_optimiser([network], 1e-3)
    losses = []
    for step in range(10):
        x, target = (torch.from_numpy(batches[f"aug_b{step % 2}_{what}"]).to(kind) for what in ("2d", "3d"))
        target[:, :, 0] = 0
        optimiser.zero_grad()
        loss = (network(x) - target).norm(dim=-1).mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    np.testing.assert_allclose(losses, expected["losses"], atol=tolerance)
    with torch.no_grad():
        after = network.eval()(torch.from_numpy(golden["windows"]).to(kind))
    np.testing.assert_allclose(after, expected["eval_windows_after"], atol=max(tolerance, 1e-8))
    state = network.state_dict()
    for name in [key.removeprefix("final/") for key in expected if key.startswith("final/")]:
        np.testing.assert_allclose(state[name], expected[f"final/{name}"], atol=max(tolerance, 1e-8), err_msg=name)


def test_momentum_of_the_batch_norms():
    found = [batch_norm_momentum(epoch, 80) for epoch in (0, 1, 40, 80)]
    np.testing.assert_allclose(found, [0.1, 0.0944, 0.01, 0.001], rtol=5e-4)
    network = made()
    assert set_batch_norm_momentum(network, 0.03) == 5
    assert {network.expand_bn.momentum} | {norm.momentum for norm in network.layers_bn} == {0.03}
    nn.SyncBatchNorm.convert_sync_batchnorm(network)  # as for several GPUs, in place
    assert set_batch_norm_momentum(network, 0.02) == 5
    assert {m.momentum for m in network.modules() if isinstance(m, nn.SyncBatchNorm)} == {0.02}


def test_what_no_such_network_can_be():
    with pytest.raises(InputError, match=r"(?s)3 problems.*\(3, 4\).*dense.*0 joints"):
        TemporalModel(17, 2, 0, filter_widths=(3, 4), dense=True, strided=True)
    with pytest.raises(InputError, match=r"expected \(batch, 27 frames or more, 17 joints, 2 features\)"):
        made()(torch.zeros(1, 26, 17, 2))
    with pytest.raises(InputError, match="a multiple of 27 frames"):
        made(strided=True)(torch.zeros(1, 28, 17, 2))
    with pytest.raises(InputError, match="17 joints"):
        made()(torch.zeros(1, 30, 16, 2))

"""The stages of training against the published program: what they load and freeze, and four steps of the optimiser."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from published_weights import fill  # pyright: ignore[reportMissingImports]
from torch import nn

from maquette.errors import InputError, ModelError
from maquette.models.rie import RelativeEncodingNetwork
from maquette.models.rie_stages import (
    batch_norm_momentum,
    freeze_for_stage,
    load_stage,
    published_optimiser,
    set_temporal_momentum,
)

SMALL: dict[str, Any] = {"channels": 8, "latent": 6, "hidden": 16}


def test_stage_2_loads_and_freezes_what_the_original_does(goldens_dir):
    expected = json.loads((goldens_dir / "rie_model" / "stage1_to_stage2_rf243.json").read_text())
    first, second = (RelativeEncodingNetwork(stage=stage, **SMALL) for stage in (1, 2))
    before = {name: tensor.clone() for name, tensor in second.state_dict().items()}
    assert load_stage(second, first.state_dict(), 2) == expected["loaded_keys"]
    assert freeze_for_stage(second, 2) == expected["frozen"]
    assert [n for n, p in second.named_parameters() if p.requires_grad] == expected["trainable"]
    taken, state = first.state_dict(), second.state_dict()
    for name in state:
        torch.testing.assert_close(state[name], (taken if name in expected["loaded_keys"] else before)[name])


def test_stages_of_the_smaller_window():
    """The published code cannot do this one."""
    first, second, third = (RelativeEncodingNetwork(filter_widths=(3, 3, 3), stage=s, **SMALL) for s in (1, 2, 3))
    assert load_stage(first, None, 1) == []
    assert freeze_for_stage(first, 1) == []
    assert len(load_stage(second, first.state_dict(), 2)) == 5 * (56 - 2 * 12) + 37
    frozen = freeze_for_stage(second, 2)
    assert {name.split(".")[0].split("_")[0] for name in frozen} == {"LocalLayer", "GlobalInfo"}
    loaded = load_stage(third, second.state_dict(), 3)
    assert loaded == list(third.state_dict())
    assert freeze_for_stage(third, 3) == []
    for name, tensor in third.state_dict().items():
        torch.testing.assert_close(tensor, second.state_dict()[name])


@pytest.mark.parametrize("freeze", [False, True])
def test_frozen_encoders_drift_as_published_unless_told(freeze):
    network = RelativeEncodingNetwork(filter_widths=(3, 3), stage=2, **SMALL)
    freeze_for_stage(network, 2, freeze_batch_norm=freeze)
    network.eval()
    network.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network(torch.randn(16, 9, 17, 2))
    after = network.state_dict()
    shared, own = "LocalLayer_Torso.expand_bn.running_mean", "FuseBlocks.0.bn_1.running_mean"
    assert torch.equal(before[shared], after[shared]) == freeze
    assert not torch.equal(before[own], after[own])


def test_published_momenta_in_the_encoders_only():
    assert [round(batch_norm_momentum(epoch, 80), 4) for epoch in (0, 1, 40, 80)] == [0.1, 0.0944, 0.01, 0.001]
    for widths, count in (((3, 3, 3, 3, 3), 45), ((3, 3, 3), 25)):
        network = RelativeEncodingNetwork(filter_widths=widths, stage=3, **SMALL)
        assert set_temporal_momentum(network, 0.02) == count
        for name, module in network.named_modules():
            if isinstance(module, nn.BatchNorm1d):
                assert module.momentum == (0.02 if name.startswith("LocalLayer") else 0.1), name


@pytest.mark.parametrize("freeze", [False, True])
def test_batch_norms_across_gpus_follow_the_same_rules(freeze):
    """Several processes on GPUs turn every batch norm into one that is no BatchNorm1d any more."""
    network = RelativeEncodingNetwork(filter_widths=(3, 3, 3), stage=2, **SMALL)
    freeze_for_stage(network, 2, freeze_batch_norm=freeze)
    nn.SyncBatchNorm.convert_sync_batchnorm(network)  # changes the parts of the network in place
    assert set_temporal_momentum(network, 0.02) == 25
    network.train()
    for name, module in network.named_modules():
        if isinstance(module, nn.SyncBatchNorm):
            assert module.momentum == (0.02 if name.startswith("LocalLayer") else 0.1), name
            assert module.training != (freeze and name.startswith(("LocalLayer", "GlobalInfo"))), name


def four_steps(goldens_dir, stage: int, real: torch.dtype) -> tuple[RelativeEncodingNetwork, list[float], dict]:
    """The network after four steps, their losses, and the norms of the first gradients."""
    with np.load(goldens_dir / "rie_model" / "batches.npz") as data:
        batches = dict(data)
    network = RelativeEncodingNetwork(filter_widths=(3, 3, 3), stage=stage, dropout=0.0, head_dropout=0.0)
    fill(network).to(real).train()
    optimiser = published_optimiser(network, 1e-3)
    losses, norms = [], {}
    for step in range(4):
        x, target = (torch.from_numpy(batches[f"aug_b{step % 2}_{kind}"]).to(real) for kind in ("2d", "3d"))
        target[:, :, 0] = 0
        optimiser.zero_grad()
        loss = (network(x) - target).norm(dim=-1).mean()
        loss.backward()
        norms = norms or {n: p.grad.norm().item() for n, p in network.named_parameters() if p.grad is not None}
        optimiser.step()
        losses.append(loss.item())
    return network.eval(), losses, norms


def traced(goldens_dir, name: str) -> dict:
    with np.load(goldens_dir / "rie_model" / f"{name}.npz") as data:
        return dict(data)


@pytest.mark.parametrize("stage", [1, 3])
def test_four_steps_of_the_original(goldens_dir, stage):
    name = f"train_trace_f64_rf27_stage{stage}"
    expected = traced(goldens_dir, name)
    network, losses, norms = four_steps(goldens_dir, stage, torch.float64)
    np.testing.assert_allclose(losses, expected["losses"], rtol=0, atol=1e-6)
    with torch.no_grad():
        found = network(torch.from_numpy(expected["eval_x"]).double())
    np.testing.assert_allclose(found, expected["eval_output_after_4_steps"], rtol=0, atol=1e-6)
    compare_tensors(network, norms, json.loads((goldens_dir / "rie_model" / f"{name}.json").read_text()))


@pytest.mark.parametrize("stage", [1, 3])
def test_four_steps_in_single_precision(goldens_dir, stage):
    """After the first step this is noise: biases in front of batch norms have no true gradient, and Adam makes steps of
    their rounding. The bounds are those within which the original repeats itself on another machine."""
    expected = traced(goldens_dir, f"train_trace_rf27_stage{stage}")
    network, losses, _ = four_steps(goldens_dir, stage, torch.float32)
    np.testing.assert_allclose(losses[0], expected["losses"][0], rtol=1e-6)
    np.testing.assert_allclose(losses, expected["losses"], rtol=0, atol=5e-3)
    with torch.no_grad():
        found = network(torch.from_numpy(expected["eval_x"]))
    np.testing.assert_allclose(found, expected["eval_output_after_4_steps"], rtol=0, atol=5e-2)


def compare_tensors(network: RelativeEncodingNetwork, norms: dict[str, float], expected: dict) -> None:
    """First gradients and last weights of every tensor."""
    assert norms.keys() == expected["grad_norms_step0"].keys()
    for name, norm in expected["grad_norms_step0"].items():
        assert norms[name] == pytest.approx(norm, rel=1e-6, abs=1e-12), name
    for name, tensor in network.state_dict().items():
        if no_true_gradient(name):
            continue
        found = [tensor.sum().item(), tensor.norm().item()] if tensor.is_floating_point() else [tensor.item()] * 2
        assert found == pytest.approx(expected["final_state_sum_and_norm"][name], rel=1e-5, abs=1e-5), name


def no_true_gradient(name: str) -> bool:
    """A bias in front of a batch norm, or one of whose parts only constants reach a batch norm."""
    return name.endswith((".fc_1.bias", ".w1.bias", ".w2.bias", "shrink.bias", "GlobalInfo.fc_2.bias"))


def test_errors_say_what_does_not_fit():
    first, second = (RelativeEncodingNetwork(filter_widths=(3, 3), stage=stage, **SMALL) for stage in (1, 2))
    with pytest.raises(InputError, match="stage 2 builds on the weights of stage 1"):
        load_stage(second, None, 2)
    with pytest.raises(InputError, match="takes none"):
        load_stage(first, first.state_dict(), 1)
    with pytest.raises(ModelError, match="built for stage 1"):
        freeze_for_stage(first, 2)
    other = RelativeEncodingNetwork(filter_widths=(3, 3, 3), stage=1, **SMALL).state_dict()
    del other["GlobalInfo.fc_2.bias"]
    with pytest.raises(ModelError, match=r"(?s)GlobalInfo.fc_2.bias \(6,\) is missing.*layers_conv.2.weight.*not exp"):
        load_stage(second, other, 2)
    wide = RelativeEncodingNetwork(filter_widths=(3, 3), stage=1, channels=8, latent=7, hidden=16).state_dict()
    with pytest.raises(ModelError, match=r"shrink.weight has shape \(7, 8, 1\), expected \(6, 8, 1\)"):
        load_stage(second, wide, 2)
    with pytest.raises(ModelError, match=r"another stage, or of other widths.*(?s:.*)- and \d+ more$") as error:
        load_stage(RelativeEncodingNetwork(filter_widths=(3, 3), stage=3, **SMALL), first.state_dict(), 3)
    assert len(str(error.value).splitlines()) == 14

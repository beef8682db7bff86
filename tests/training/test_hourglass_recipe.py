"""How networks of pictures are trained: published numbers, samples, optimisers, rates, norms, weights to start from."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import nn

from maquette.datasets import hourglass_settings
from maquette.errors import InputError, ModelError
from maquette.models.hourglass import HourglassDepth
from maquette.models.hourglass_graph import picture_onnx
from maquette.models.hourglass_spec import picture_spec
from maquette.runtime.picture_model import PictureModel
from maquette.training.hourglass_data import sample_settings
from maquette.training.hourglass_experiment import loss_settings
from maquette.training.hourglass_recipe import (
    batch_norms,
    batch_statistics,
    build_network,
    learning_rate,
    load_before,
    make_optimizer,
)
from maquette.training.plans import HourglassPreset
from maquette.training.presets import PRESETS, get_preset

TINY: dict[str, Any] = {"stacks": 1, "modules": 1, "feats": 8, "reg_modules": 1, "input_size": 64}
LINES = ("hourglass", "hourglass-port", "deconv", "hourglass-modern")


def preset(name: str, **fields: Any) -> HourglassPreset:
    found = get_preset(name, **fields)
    assert isinstance(found, HourglassPreset)
    return found


def network(name: str, seed: int = 0, **fields: Any) -> HourglassDepth:
    torch.manual_seed(seed)
    found = build_network(preset(name, **(TINY | fields)))
    assert isinstance(found, HourglassDepth)
    return found


def test_the_published_numbers():
    """``specs/hourglass.md``, section 9."""
    names = "weight_3d", "weight_var", "epochs", "drop_epochs", "learning_rate", "batch_size", "optimizer", "ratio_3d"
    expected = {
        "hourglass-stage1": (0, 0, 60, (), 2.5e-4, 6, "rmsprop", 1),
        "hourglass-stage2": (0.1, 0, 50, (40,), 2.5e-4, 6, "rmsprop", 1),
        "hourglass-stage3": (0.1, 0.01, 10, (), 2.5e-5, 6, "rmsprop", 1),
        "hourglass-port-stage1": (0, 0, 60, (), 2.5e-4, 6, "rmsprop", 0),
        "hourglass-port-stage2": (0.1, 0, 30, (25,), 2.5e-4, 6, "rmsprop", 1),
        "hourglass-port-stage3": (0.1, 0.01, 10, (), 2.5e-5, 6, "rmsprop", 1),
        "deconv-stage1": (0, 0, 140, (90, 120), 1e-3, 32, "adam", 0),
        "deconv-stage2": (0.1, 0, 60, (45,), 1e-3, 32, "adam", 1),
        "deconv-stage3": (0.1, 0.01, 10, (), 1e-4, 32, "adam", 1),
    }
    for name, values in expected.items():
        assert tuple(getattr(preset(name), field) for field in names) == values, name
    paper = preset("hourglass-stage2")
    assert (paper.stacks, paper.modules, paper.feats, paper.reg_modules, paper.input_size) == (2, 2, 256, 2, 256)
    assert (paper.alpha, paper.epsilon, paper.momentum, paper.weight_decay) == (0.99, 1e-8, 0, 0)
    assert (paper.mixing, paper.epoch_samples, paper.validate_epochs) == ("independent", 4000 * 6, 5)
    assert sum(p.numel() for p in build_network(paper).parameters()) == 14_429_104
    flat = preset("hourglass-port-stage1", depth=False, epochs=180)  # the branch that has no depths
    assert sum(p.numel() for p in build_network(flat).parameters()) == 12_577_184


def test_samples_are_those_of_the_published_lines():
    """But for mistakes that the presets do not have."""
    lines = {"port": hourglass_settings.PORT, "modern": hourglass_settings.MODERN}
    for stage in (1, 2, 3):
        for line, settings in lines.items():
            assert sample_settings(preset(f"hourglass-{line}-stage{stage}")) == settings
        mistakes = {"heatmaps": "torch7-border", "depth_unit": "half-crop-torch7"}
        assert sample_settings(preset(f"hourglass-stage{stage}", **mistakes)) == hourglass_settings.TORCH7
        second = preset(f"deconv-stage{stage}", visible="inside-or-missing")
        assert sample_settings(second) == hourglass_settings.V2


def test_sizes_and_flags_reach_the_samples_and_the_loss():
    changed = preset("hourglass-modern-stage3", input_size=128, flip_share=0.1, augment_3d="none", weight_3d=0.7)
    settings = sample_settings(changed)
    assert (settings.input_size, settings.heatmap_size) == (128, 32)
    assert (settings.without_depth.flip_share, settings.with_depth.flip_share) == (0.1, 0)
    loss = loss_settings(changed)
    assert (loss.depth_weight, loss.geometry_weight, loss.annotated_maps_alone) == (0.7, 0.01, True)
    with pytest.raises(InputError, match="flip_share is 3"):
        sample_settings(preset("hourglass-modern-stage3", flip_share=3.0))


def test_impossible_trainings_are_refused():
    with pytest.raises(InputError, match="network without depths learns neither them nor the geometry"):
        preset("hourglass-stage2", depth=False)
    with pytest.raises(InputError, match="--drop-epochs 40 20: expected rising numbers"):
        preset("hourglass-stage2", drop_epochs=(40, 20))
    with pytest.raises(InputError, match="nothing to learn"):
        preset("hourglass-stage1", weight_2d=0.0)
    with pytest.raises(InputError, match="pictures of 100 pixels, expected a multiple of 64"):
        build_network(preset("hourglass-stage1", input_size=100))


def test_rates_drop_and_fall():
    drops = preset("deconv-stage1")
    rates = [learning_rate(drops, epoch * 10, steps_per_epoch=10) for epoch in (0, 89, 90, 119, 120, 139)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5])
    assert learning_rate(drops, 899, steps_per_epoch=10) == 1e-3
    modern = preset("hourglass-modern-stage1", learning_rate=1.0, warmup_steps=10, epochs=4)
    rates = [learning_rate(modern, step, steps_per_epoch=100) for step in (0, 4, 200, 399)]
    assert rates == pytest.approx([0.1, 0.5, 0.5, 0.0], abs=2e-3)


@pytest.mark.parametrize("line", LINES)
def test_optimisers_take_one_step_as_their_papers_say(line):
    """RMSprop: g / (sqrt((1 - alpha) g^2) + eps), Adam: g / (sqrt(g^2) + eps), times the rate."""
    plan = preset(f"{line}-stage2")
    weight = nn.Linear(3, 2, dtype=torch.float64)
    before = weight.weight.detach().clone()
    weight.weight.grad = torch.tensor([[1e-3, -2.0, 1e-8], [4.0, 1e-5, 0.0]], dtype=torch.float64)
    gradient = weight.weight.grad.clone()
    make_optimizer(weight, plan).step()
    size = (0.01 if plan.optimizer == "rmsprop" else 1) ** 0.5 * gradient.abs() + plan.epsilon
    decayed = before * (1 - plan.learning_rate * plan.weight_decay) if plan.optimizer == "adamw" else before
    torch.testing.assert_close(weight.weight.detach(), decayed - plan.learning_rate * gradient / size)


def test_weights_before_training():
    """The first Torch drew the factors of batch norms between 0 and 1."""
    paper, modern = network("hourglass-stage1"), network("hourglass-modern-stage1")
    factors = torch.cat([norm.weight.detach() for norm in batch_norms(paper)])
    assert 0 <= factors.min() < 0.02 < 0.98 < factors.max() <= 1
    assert factors.mean() == pytest.approx(0.5, abs=0.03)
    assert all(bool((norm.weight == 1).all()) for norm in batch_norms(modern))
    assert {norm.momentum for norm in batch_norms(network("hourglass-stage1", norm_momentum=0.02))} == {0.02}


def test_what_serves_depths_alone_may_be_new():
    flat, full = network("hourglass-stage1", depth=False), network("hourglass-stage2", seed=1)
    fresh = {name: tensor.clone() for name, tensor in full.state_dict().items()}
    taken = load_before(full, flat.state_dict(), "flat.pt")
    assert set(taken) == set(flat.state_dict())
    for name, tensor in full.state_dict().items():
        assert torch.equal(tensor, flat.state_dict()[name] if name in taken else fresh[name]), name
    assert {name.split(".")[0] for name in fresh.keys() - set(taken)} == {"depth", "stacks"}
    back = network("hourglass-stage1", seed=2, depth=False)
    assert set(load_before(back, full.state_dict(), "full.pt")) == set(flat.state_dict())
    assert torch.equal(back.state_dict()["stem.conv.weight"], flat.state_dict()["stem.conv.weight"])


def test_weights_of_other_networks_are_refused():
    state = network("hourglass-stage1").state_dict()
    with pytest.raises(ModelError, match=r"(?s)before\.pt: its weights do not fit.*has shape .*and \d+ more"):
        load_before(network("hourglass-stage2", feats=16), state, "before.pt")
    with pytest.raises(ModelError, match=r"running_mean .*is not of this network"):
        load_before(network("hourglass-stage2", norm="group"), state, "before.pt")
    with pytest.raises(ModelError, match=r"stacks\.1\.\S+ .*is missing"):
        load_before(network("hourglass-stage2", stacks=2), state, "before.pt")


def test_stage_1_leaves_depths_alone():
    for name, parameter in network("hourglass-stage1").named_parameters():
        for_depth = name.startswith(("depth.", "stacks.0.from_features.", "stacks.0.from_heatmap."))
        assert parameter.requires_grad == (not for_depth), name
    assert all(p.requires_grad for p in network("hourglass-stage2").parameters())


def test_batch_statistics_are_those_of_training_and_leave_nothing_behind():
    found = network("hourglass-modern-stage2").double()
    seen = torch.randn(4, 3, 64, 64, dtype=torch.float64)
    state = {name: tensor.clone() for name, tensor in found.state_dict().items()}
    with torch.no_grad():
        found.eval()
        with batch_statistics(found):
            inside = found(seen).heatmaps[-1]
        assert all(torch.equal(tensor, state[name]) for name, tensor in found.state_dict().items())
        assert not torch.allclose(found(seen).heatmaps[-1], inside)
        torch.testing.assert_close(found.train()(seen).heatmaps[-1], inside)


@pytest.mark.parametrize(("name", "fields"), [("hourglass-stage2", TINY), ("deconv-stage2", {"layers": 18})])
def test_group_norms_do_not_see_the_batch_and_are_exported(tmp_path, name, fields):
    torch.manual_seed(3)
    found = build_network(preset(name, norm="group", **(fields | {"input_size": 64})))
    assert not batch_norms(found)
    for parameter in found.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, 0.5, 0.2)
    model = picture_onnx(found.eval(), picture_spec(found, name="x", licence="", training_data="", divide_by=1))
    (tmp_path / "x.onnx").write_bytes(model.SerializeToString())
    crops = torch.randint(0, 255, (3, 64, 64, 3), dtype=torch.uint8)
    result = PictureModel(tmp_path / "x.onnx").run(crops.numpy())
    with torch.no_grad():
        seen = crops.permute(0, 3, 1, 2).float()
        expected, one = found.train()(seen), found(seen[:1])
    torch.testing.assert_close(torch.from_numpy(result.heatmaps), expected.heatmaps[-1], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(one.heatmaps[-1], expected.heatmaps[-1][:1], rtol=1e-3, atol=1e-4)


def test_every_field_that_a_line_has_is_in_its_presets():
    """A stage is two weights, a length, a rate: nothing else may differ within a line."""
    same = {"name", "model_name", "stage", "weight_3d", "weight_var", "epochs", "drop_epochs", "learning_rate"}
    for line in LINES:
        first, *others = (dataclasses.asdict(PRESETS[f"{line}-stage{i}"]) for i in (1, 2, 3))
        for other in others:
            assert {k for k in first if first[k] != other[k]} <= same | {"ratio_3d", "depth"}, line

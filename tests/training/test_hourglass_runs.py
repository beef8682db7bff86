"""Trainings of networks of pictures from start to finish: stages, stops, data, and what comes out."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_blobs import picture, write_blobs

from maquette.errors import InputError, ModelError
from maquette.models.hourglass_names import to_published
from maquette.runtime.picture_model import PictureModel
from maquette.training.checkpoint import CHECKPOINT, read_checkpoint
from maquette.training.hourglass_experiment import HourglassExperiment
from maquette.training.hourglass_recipe import build_network
from maquette.training.plans import HourglassPreset
from maquette.training.presets import get_preset
from maquette.training.run import train

TINY: dict[str, Any] = {
    "stacks": 1,
    "modules": 1,
    "feats": 8,
    "reg_modules": 1,
    "input_size": 64,
    "epochs": 2,
    "epoch_samples": 12,
    "batch_size": 4,
    "log_steps": 1,
    "workers": 0,
    "validate_epochs": 1,
}
"""Six steps, a validation after each three."""
DEPTH, GEOMETRY = "hourglass-modern-stage2", "hourglass-modern-stage3"


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return write_blobs(tmp_path_factory.mktemp("people") / "p", with_3d=7, only_2d=9)


@pytest.fixture(scope="module")
def stages(people, tmp_path_factory):
    """All three, each from the one before."""
    out = tmp_path_factory.mktemp("stages")
    before: dict[str, Any] = {}
    for stage in (1, 2, 3):
        name = f"hourglass-modern-stage{stage}"
        path = train(name, data_dir=people, out_dir=out / str(stage), **TINY, **before)
        assert path == out / str(stage) / f"{name}.onnx"
        before = {"start_from": out / str(stage) / CHECKPOINT}
    return out


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(folder / CHECKPOINT)["network"]


def log_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_log_has_what_a_stage_learns(stages):
    first, second = log_of(stages / "1")[-1], log_of(stages / "2")[-1]
    assert list(first)[4:] == ["loss", "missed_2d_percent", "missed_3d_percent", "batch_norm_gap_percent"]
    errors = ["mpjpe_3d_mm", "depth_3d_mm", "missed_2d_percent", "missed_3d_percent", "geometry_2d"]
    assert list(second)[4:] == ["loss", *errors, "batch_norm_gap_percent"]
    assert (second["step"], second["samples"]) == ("6", "24")
    assert 100 < float(second["mpjpe_3d_mm"]) < 2000
    assert 0 < float(second["depth_3d_mm"]) < float(second["mpjpe_3d_mm"])
    assert 0 < float(second["geometry_2d"]) < 10
    assert 0 <= float(second["missed_2d_percent"]) <= 100


def test_a_stage_begins_with_the_weights_of_the_one_before(people, stages, tmp_path):
    """Seen before its first step: at a rate of nothing at all."""
    fields: dict[str, Any] = TINY | {"learning_rate": 1e-30, "weight_decay": 0.0, "epochs": 1, "norm": "frozen"}
    train(GEOMETRY, data_dir=people, out_dir=tmp_path, start_from=stages / "2" / CHECKPOINT, **fields)
    state = read_checkpoint(stages / "2" / CHECKPOINT)
    for name, tensor in weights(tmp_path).items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, state["mean"][name], rtol=1e-5, atol=1e-6)


def test_each_stage_moves_what_it_should(stages):
    """(Biases before a batch norm have no effect.)"""
    torch.manual_seed(1)
    plan = get_preset("hourglass-modern-stage1", **TINY)
    assert isinstance(plan, HourglassPreset)
    fresh = build_network(plan).state_dict()
    first, second = weights(stages / "1"), weights(stages / "2")
    trained = [name for name, parameter in build_network(plan).named_parameters() if parameter.ndim > 1]
    for name in trained:
        for_depth = name.startswith(("depth.", "stacks.0.from_features.", "stacks.0.from_heatmap."))
        assert torch.equal(first[name], fresh[name]) == for_depth, name
        assert not torch.equal(second[name], first[name]), name


@pytest.mark.parametrize("name", [DEPTH, "hourglass-stage3"])
def test_a_run_that_was_stopped_ends_with_the_same_weights(people, stages, tmp_path, monkeypatch, name):
    fields: dict[str, Any] = TINY | {"start_from": stages / "1" / CHECKPOINT}
    train(name, data_dir=people, out_dir=tmp_path / "whole", **fields)
    real = HourglassExperiment.before_step

    def stop(self, step):
        if step == 4:
            raise RuntimeError("the power failed")
        real(self, step)

    monkeypatch.setattr(HourglassExperiment, "before_step", stop)
    with pytest.raises(RuntimeError, match="power"):
        train(name, data_dir=people, out_dir=tmp_path / "parts", checkpoint_minutes=0.0, **fields)
    monkeypatch.setattr(HourglassExperiment, "before_step", real)
    assert read_checkpoint(tmp_path / "parts" / CHECKPOINT)["step"] == 4
    train(name, data_dir=people, out_dir=tmp_path / "parts", resume=True, workers=2)
    whole, parts = (read_checkpoint(tmp_path / folder / CHECKPOINT) for folder in ("whole", "parts"))
    for kind in ("network", "mean"):
        for tensor_name, tensor in (whole[kind] or {}).items():
            assert torch.equal(tensor, parts[kind][tensor_name]), tensor_name
    assert [row["step"] for row in log_of(tmp_path / "parts")] == [str(i) for i in range(1, 7)]


def test_what_is_exported_gives_what_was_trained(people, stages):
    state = read_checkpoint(stages / "3" / CHECKPOINT)
    plan = get_preset(GEOMETRY, **TINY)
    assert isinstance(plan, HourglassPreset)
    network = build_network(plan).eval()
    network.load_state_dict({**state["network"], **state["mean"]})
    crop = np.array(picture(np.full((16, 2), 20.0)).resize((64, 64)))[None]
    with torch.no_grad():
        expected = network(torch.from_numpy(crop).permute(0, 3, 1, 2) / 255)
    model = PictureModel(stages / "3" / f"{GEOMETRY}.onnx")
    found = model.run(crop)
    np.testing.assert_allclose(found.heatmaps, expected.heatmaps[-1], atol=1e-5)
    assert found.depth is not None
    np.testing.assert_allclose(found.depth, expected.depth, atol=1e-5)
    spec = model.spec
    assert (spec.input_size, spec.output_size, spec.colour_order, spec.divide_by) == (64, 16, "rgb", 255)
    assert (spec.depth, spec.depth_unit, spec.samples_seen) == ("vector", "half-crop", 6 * 4)
    # The mean of people whose bones are known, by the data's own numbers.
    assert spec.skeleton_length_mm == pytest.approx(state["facts"]["bones_mm"])
    assert 4000 < spec.skeleton_length_mm < 9000
    # Bells around the joints themselves; the thorax is where MPII has it in all samples.
    assert (spec.heatmap_decode, spec.spine_from_neighbours) == ("taylor", False)
    assert "7 people with 3D, 9 with 2D alone" in spec.training_data
    assert "--feats 8" in spec.command


def test_depths_that_nothing_has_trained_are_not_exported(stages):
    model = PictureModel(stages / "1" / "hourglass-modern-stage1.onnx")
    assert model.spec.depth == "none"
    state = read_checkpoint(stages / "1" / CHECKPOINT)
    plan = get_preset("hourglass-modern-stage1", **TINY)
    assert isinstance(plan, HourglassPreset)
    network = build_network(plan).eval()
    network.load_state_dict({**state["network"], **state["mean"]})
    crop = np.random.default_rng(3).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = network(torch.from_numpy(crop).permute(0, 3, 1, 2) / 255).heatmaps[-1]
    found = model.run(crop)
    assert found.depth is None
    np.testing.assert_allclose(found.heatmaps, expected, atol=1e-5)


def test_published_lines_train_and_say_how_they_are_fed(people, tmp_path):
    fields: dict[str, Any] = TINY | {"epochs": 1}
    path = train("hourglass-port-stage1", data_dir=people, out_dir=tmp_path / "port", depth=False, **fields)
    assert path is not None
    spec = PictureModel(path).spec
    assert spec.depth == "none"
    assert (spec.colour_order, spec.divide_by, spec.skeleton_length_mm) == ("bgr", 256, 4296.99233013)
    path = train("deconv-stage1", data_dir=people, out_dir=tmp_path / "v2", **fields, layers=18)
    assert path is not None
    spec = PictureModel(path).spec
    assert (spec.kind, spec.depth, spec.heatmap_decode, spec.skeleton_length_mm) == ("deconv", "none", "none", 4000)
    assert spec.std == pytest.approx((0.229, 0.224, 0.225))


def test_a_further_folder_gives_2d_alone(people, tmp_path):
    more = write_blobs(tmp_path / "more", with_3d=5, seed=1, name="more")
    only_3d = write_blobs(tmp_path / "with", with_3d=6, seed=2, name="with")
    fields: dict[str, Any] = TINY | {"data_2d": str(more), "epochs": 1}
    path = train("hourglass-modern-stage1", data_dir=only_3d, out_dir=tmp_path / "out", **fields)
    assert path is not None
    facts = read_checkpoint(tmp_path / "out" / CHECKPOINT)["facts"]
    assert (facts["samples_3d"], facts["samples_2d"], facts["data"]) == (6, 5, "with; more (2D alone)")
    assert "--data-2d PICTURES_2D" in PictureModel(path).spec.command


def test_joints_are_learned(people, tmp_path):
    """In sixty steps."""
    fields: dict[str, Any] = TINY | {"feats": 16, "epochs": 1, "epoch_samples": 480, "batch_size": 8, "log_steps": 10}
    fields |= {"rotation_deg": 0.0, "scale": 0.0, "shift": 0.0, "flip_share": 0.0, "hidden_share": 0.0, "noise": 0.0}
    fields |= {"warmup_steps": 10, "ema_decay": 0.9, "learning_rate": 1e-2}
    train("hourglass-modern-stage1", data_dir=people, out_dir=tmp_path, **fields)
    rows = log_of(tmp_path)
    assert float(rows[-1]["loss"]) < 0.5 * float(rows[1]["loss"])
    assert float(rows[-1]["missed_3d_percent"]) < 90  # of places drawn at random 99 are missed


def test_norms_with_spoiled_statistics_are_noticed(people, tmp_path, caplog, monkeypatch):
    """What users of the first program met: right in training, wrong in evaluation."""
    from maquette.training import hourglass_experiment
    from maquette.training.experiments import build_experiment

    plan = get_preset("hourglass-modern-stage1", **TINY)
    experiment = build_experiment(plan, people)
    assert isinstance(experiment, HourglassExperiment)
    experiment.network.eval()
    with torch.no_grad():
        assert experiment.validate()["batch_norm_gap_percent"] < 10
        answers = iter([80.0, 12.0])
        monkeypatch.setattr(hourglass_experiment.JointsMissed, "percent", lambda self: next(answers))
        assert experiment._batch_norm_gap() == 68
    assert "80.0 % of the joints are missed with the running statistics" in caplog.text
    group = build_experiment(get_preset("hourglass-modern-stage1", norm="group", **TINY), people)
    assert "batch_norm_gap_percent" not in group.metrics


def test_a_published_network_is_a_beginning(people, tmp_path):
    """The state dict of the first PyTorch version: its colours are in the order of OpenCV."""
    plan = get_preset("hourglass-port-stage2", **TINY)
    assert isinstance(plan, HourglassPreset)
    torch.manual_seed(5)
    network = build_network(plan)
    names = to_published(network.state_dict(), n_modules=1, n_reg_modules=1)
    published = {names[k]: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    torch.save(published, tmp_path / "model_60.pth")
    fields: dict[str, Any] = TINY | {"learning_rate": 1e-30, "epochs": 1, "norm": "frozen"}
    fields |= {"data_dir": people, "start_from": tmp_path / "model_60.pth"}
    train("hourglass-port-stage2", out_dir=tmp_path / "out", **fields)
    for name, tensor in weights(tmp_path / "out").items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, network.state_dict()[name], rtol=1e-5, atol=1e-6)
    with pytest.raises(InputError, match=r"model_60\.pth: was trained with colours in the order bgr, not rgb"):
        train("hourglass-stage2", out_dir=tmp_path / "other", **fields)


def test_weights_of_imagenet_are_a_trunk(people, tmp_path):
    plan = get_preset("deconv-stage1", layers=18, input_size=64)
    assert isinstance(plan, HourglassPreset)
    torch.manual_seed(9)
    trunk = {k: v for k, v in build_network(plan).state_dict().items() if not k.startswith(("deconv", "hm"))}
    torch.save(trunk | {"fc.weight": torch.zeros(10, 512), "fc.bias": torch.zeros(10)}, tmp_path / "resnet18.pth")
    fields: dict[str, Any] = TINY | {"layers": 18, "trunk": str(tmp_path / "resnet18.pth"), "learning_rate": 1e-30}
    path = train("deconv-stage1", data_dir=people, out_dir=tmp_path / "out", **fields)
    assert path is not None
    found = weights(tmp_path / "out")
    for name, tensor in trunk.items():
        if "running" not in name and tensor.is_floating_point():
            torch.testing.assert_close(found[name], tensor, rtol=1e-6, atol=1e-20)
    assert "--trunk TRUNK" in PictureModel(path).spec.command


def test_what_cannot_be_trained_is_said(people, stages, tmp_path):
    common: dict[str, Any] = TINY | {"out_dir": tmp_path / "out"}
    with pytest.raises(InputError, match=r"starts from the weights of stage 1: train hourglass-stage1 .* --from"):
        train("hourglass-stage2", data_dir=people, **common)
    with pytest.raises(InputError, match="leave --stage out; each of its stages is a preset"):
        train("hourglass-stage2", data_dir=people, stage=2, **common)
    with pytest.raises(InputError, match="--norm frozen: keeps the statistics"):
        train("hourglass-stage1", data_dir=people, norm="frozen", **common)
    with pytest.raises(InputError, match=r"--from .*nothing\.pt: no such file"):
        train("hourglass-stage2", data_dir=people, start_from=tmp_path / "nothing.pt", **common)
    with pytest.raises(InputError, match="no such folder; expected one of maquette prepare mpii"):
        train("hourglass-stage1", data_dir=tmp_path / "nowhere", **common)
    with pytest.raises(InputError, match="holds no people in pictures"):
        train("hourglass-stage1", data_dir=tmp_path, **common)
    wider: dict[str, Any] = common | {"feats": 16}
    with pytest.raises(ModelError, match=r"last\.pt: its weights do not fit"):
        train(DEPTH, data_dir=people, start_from=stages / "1" / CHECKPOINT, **wider)
    alone = write_blobs(tmp_path / "alone", with_3d=0, only_2d=5)
    with pytest.raises(InputError, match="nobody with 3D there, which preset"):
        train(DEPTH, data_dir=alone, start_from=stages / "1" / CHECKPOINT, **common)
    only_3d = write_blobs(tmp_path / "only", with_3d=5)
    with pytest.raises(InputError, match=r"nobody without 3D there, whom preset .* --data-2d, or .* --weight-var 0"):
        train(GEOMETRY, data_dir=only_3d, start_from=stages / "2" / CHECKPOINT, **common)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_picture_ends_a_training_with_its_name(tmp_path, workers):
    folder = write_blobs(tmp_path / "p", with_3d=6)
    for path in folder.glob("seen/*.png"):
        path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError, match=r"seen/\d+\.png: cannot be read as a picture"):
        train("hourglass-stage1", data_dir=folder, out_dir=tmp_path / "out", **(TINY | {"workers": workers}))


def test_other_data_do_not_go_on_unnoticed(people, stages, tmp_path):
    other = write_blobs(tmp_path / "other", with_3d=7, only_2d=8)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / CHECKPOINT).write_bytes((stages / "2" / CHECKPOINT).read_bytes())
    with pytest.raises(InputError, match="other samples_2d: 8, expected 9"):
        train(DEPTH, data_dir=other, out_dir=tmp_path / "run", resume=True)
    with pytest.raises(InputError, match="cannot change flip_share, weight_3d"):
        train(DEPTH, data_dir=people, out_dir=tmp_path / "run", resume=True, weight_3d=1.0, flip_share=0.0)

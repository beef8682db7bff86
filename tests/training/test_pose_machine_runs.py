"""Trainings of the pose machine from start to finish: stages, stops, pictures, weights of Caffe, and what comes out."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_caffemodel import snapshot
from made_machine_data import FILMED, PAIRS, write_filmed_store, write_lists, write_people, write_stills

from maquette.errors import InputError, ModelError
from maquette.importers.pose_machine_layers import take_layers_from
from maquette.models.pose_machine import PoseMachine
from maquette.models.pose_machine_lstm import swap_gates
from maquette.refine.correction_weights import load_correction
from maquette.runtime.pose_machine import PoseMachineModel
from maquette.training.checkpoint import CHECKPOINT, read_checkpoint
from maquette.training.plans import PoseMachinePreset
from maquette.training.pose_machine import PoseMachineExperiment
from maquette.training.run import train

NAME = "pose-machine-h36m-pairs"
SHORT: dict[str, Any] = FILMED | {"stage_steps": (1, 1, 1, 1, 1)}


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    return write_filmed_store(tmp_path_factory.mktemp("filmed") / "store")


@pytest.fixture(scope="module")
def stills(tmp_path_factory):
    return write_stills(tmp_path_factory.mktemp("mpii"))


@pytest.fixture(scope="module")
def pairs(filmed, stills, tmp_path_factory):
    """All four stages in one go."""
    out = tmp_path_factory.mktemp("pairs")
    assert train(NAME, data_dir=filmed, out_dir=out, mpii=str(stills), **PAIRS) == out / f"{NAME}.onnx"
    return out


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(folder / CHECKPOINT)["network"]


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_stages_by_hand_are_the_stages_in_one_go(filmed, stills, pairs, tmp_path):
    """Stage 5 draws random numbers at every step; it starts from the folder of another run."""
    fields: dict[str, Any] = PAIRS | {"mpii": str(stills)}
    train(NAME, data_dir=filmed, out_dir=tmp_path, stage=2, **fields)
    train(NAME, data_dir=filmed, out_dir=tmp_path, stage=3, **fields)
    elsewhere = tmp_path / "elsewhere"
    train(NAME, data_dir=filmed, out_dir=elsewhere, stage=4, start_from=tmp_path / "stage-3" / CHECKPOINT, **fields)
    train(NAME, data_dir=filmed, out_dir=elsewhere, stage=5, **fields)
    for folder, stage in ((tmp_path, 2), (tmp_path, 3), (elsewhere, 4), (elsewhere, 5)):
        assert same(weights(folder / f"stage-{stage}"), weights(pairs / f"stage-{stage}")), stage


@pytest.mark.parametrize("stage", [3, 5])
def test_a_run_that_was_stopped_ends_with_the_same_weights(filmed, stills, pairs, tmp_path, monkeypatch, stage):
    real = PoseMachineExperiment.before_step

    def stop(self, step):
        if step == 4:
            raise RuntimeError("the power failed")
        real(self, step)

    fields: dict[str, Any] = PAIRS | {"mpii": str(stills)}
    before = pairs / f"stage-{stage - 1}" / CHECKPOINT
    monkeypatch.setattr(PoseMachineExperiment, "before_step", stop)
    with pytest.raises(RuntimeError, match="power"):
        train(NAME, data_dir=filmed, out_dir=tmp_path, stage=stage, start_from=before, checkpoint_minutes=0.0, **fields)
    monkeypatch.setattr(PoseMachineExperiment, "before_step", real)
    assert read_checkpoint(tmp_path / f"stage-{stage}" / CHECKPOINT)["step"] == 4
    train(NAME, data_dir=filmed, out_dir=tmp_path, resume=True, stage=stage, workers=4)
    assert same(weights(tmp_path / f"stage-{stage}"), weights(pairs / f"stage-{stage}"))


def test_each_stage_moves_its_parts_and_no_others(pairs):
    stages = {stage: weights(pairs / f"stage-{stage}") for stage in (2, 3, 4, 5)}
    for stage in (3, 4, 5):
        for name, tensor in stages[stage].items():
            moved = not torch.equal(tensor, stages[stage - 1][name])
            assert moved == (stage > 3 or name.startswith("correction.")), (stage, name)


def test_the_log_has_normalised_losses_and_millimetres(pairs):
    with (pairs / "stage-5" / "log.csv").open() as file:
        last = list(csv.DictReader(file))[-1]
    assert list(last)[4:] == ["loss", "corrected_mpjpe_mm", "coarse_mpjpe_mm", "projected_2d_percent"]
    assert 0 < float(last["loss"]) < 20
    assert 100 < float(last["coarse_mpjpe_mm"]) < 1000
    assert (last["step"], last["samples"]) == ("6", str(6 * 8))


def test_what_is_exported_gives_what_was_trained(pairs):
    network = PoseMachine("keypoints", width=16)
    network.load_state_dict(weights(pairs / "stage-5"))
    network.eval()
    points, clip = np.random.default_rng(0).uniform(size=(7, 32)).astype(np.float32), np.arange(7) % 4 > 0
    with torch.no_grad():
        expected = network(torch.from_numpy(points), torch.from_numpy(clip))
    model = PoseMachineModel(pairs / f"{NAME}.onnx")
    found = model.run(points, clip)
    for name in ("coarse", "corrected", "projected"):
        np.testing.assert_allclose(getattr(found, name).reshape(7, -1), getattr(expected, name), atol=1e-5)
    assert (model.spec.form, model.spec.normalisation, model.spec.name) == ("keypoints", "square-crop/v1", NAME)
    assert (model.spec.window_frames, model.spec.samples_seen) == (5, 4 * 6 * 5)
    assert model.spec.window_step_s == pytest.approx(0.02)
    assert "--mpii MPII " in model.spec.command
    assert "--width 16" in model.spec.command
    assert "Human3.6M" in model.spec.licence
    correction = load_correction(pairs / f"{NAME}-correction.npz")
    assert (correction.spec.view, correction.spec.name) == ("square-crop/v1", f"{NAME}-correction")
    for found_array, array in zip(correction.arrays, network.correction.published_arrays(), strict=True):
        np.testing.assert_array_equal(found_array, array)


def test_lists_of_a_stores_rows_give_the_same_weights(filmed, pairs, tmp_path):
    lists = write_lists(tmp_path / "lists", filmed)
    train(NAME, data_dir=lists, out_dir=tmp_path / "out", stage=2, **PAIRS)
    assert same(weights(tmp_path / "out" / "stage-2"), weights(pairs / "stage-2"))


def test_prepared_people_are_still_pictures(filmed, pairs, tmp_path):
    people = write_people(tmp_path / "mpii", tmp_path)
    fields: dict[str, Any] = SHORT | {"mpii": str(people), "export_weights": "best"}
    train("pose-machine-h36m", data_dir=filmed, out_dir=tmp_path / "one", stage=1, **fields)
    assert read_checkpoint(tmp_path / "one" / "stage-1" / CHECKPOINT)["facts"]["samples"] == 6
    with (tmp_path / "one" / "stage-1" / "log.csv").open() as file:
        assert 0 < float(list(csv.DictReader(file))[-1]["point_error_percent"]) < 200
    fields = PAIRS | {"mpii": str(people), "sequence_frames": 4, "batch_size": 8}
    before = pairs / "stage-2" / CHECKPOINT
    path = train(NAME, data_dir=filmed, out_dir=tmp_path / "two", stage=3, start_from=before, **fields)
    assert path is not None
    spec = PoseMachineModel(path).spec
    assert spec.window_frames == 4
    assert "6 still pictures" in spec.training_data


def test_pairs_are_learned(filmed, tmp_path):
    """By heart, in one stage: more than what the mean pose would give."""
    fields: dict[str, Any] = PAIRS | {
        "stage_steps": (1, 150, 1, 1, 1),
        "width": 64,
        "learning_rate": (1e-4, 3e-3, 1e-4, 1e-5, 1e-5),
    }
    fields |= {"subjects_test": ("S9",), "batch_size": 50, "log_steps": 10, "validate_steps": 1000}
    train(NAME, data_dir=filmed, out_dir=tmp_path, stage=2, **fields)
    with (tmp_path / "stage-2" / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["loss"]) < 0.2 * float(rows[0]["loss"])
    assert float(rows[-1]["coarse_mpjpe_mm"]) < 150  # of the mean pose 236


@pytest.mark.parametrize(("form", "last"), [pytest.param("heatmaps", 5, marks=pytest.mark.slow), ("regression", 2)])
def test_pictures_train_all_five_stages(filmed, stills, tmp_path, form, last):
    fields: dict[str, Any] = SHORT | {"mpii": str(stills), "pretraining": form, "initialisation": "scaled"}
    for stage in range(1, last + 1):
        path = train("pose-machine-h36m", data_dir=filmed, out_dir=tmp_path, stage=stage, **fields)
        assert path is not None
        assert path.is_file()
    first, second = weights(tmp_path / "stage-1"), weights(tmp_path / "stage-2")
    trunk = [name for name in second if name.startswith("front.trunk.")]
    assert len(trunk) == 30
    assert all(torch.equal(second[name], first[name.removeprefix("front.")]) for name in trunk)
    if last == 2:
        return
    third, fourth, fifth = (weights(tmp_path / f"stage-{stage}") for stage in (3, 4, 5))
    for name in trunk:
        assert torch.equal(third[name], second[name])
        assert not torch.equal(fourth[name], third[name])
        assert torch.equal(fifth[name], fourth[name])
    model = PoseMachineModel(tmp_path / "pose-machine-h36m.onnx")
    assert (model.spec.form, model.spec.image_size) == ("images", 56)
    assert model.run(np.zeros((2, 3, 56, 56), np.float32), np.array([0, 1])).coarse.shape == (2, 16, 3)


def blobs_of(network: PoseMachine, names: list[str]) -> dict[str, list[np.ndarray]]:
    return {
        name: [
            swap_gates(p.detach().numpy()) if name.startswith("lstm") else p.detach().numpy()
            for p in network.caffe_layers()[name]
        ]
        for name in names
    }


def test_a_stage_starts_from_a_snapshot_of_caffe(filmed, tmp_path, caplog):
    caplog.set_level("INFO")
    torch.manual_seed(7)
    other = PoseMachine("image", width=16, image_size=56)
    layers = list(other.caffe_layers())
    trunk = [name for name in layers if name.startswith("conv")]
    (tmp_path / "cpm.caffemodel").write_bytes(snapshot(blobs_of(other, trunk), raw=True))
    fields: dict[str, Any] = SHORT | {"data_dir": filmed, "out_dir": tmp_path / "out"}
    train("pose-machine-h36m", stage=2, start_from=tmp_path / "cpm.caffemodel", **fields)
    assert "cpm.caffemodel: taken over: conv1_1, conv1_2" in caplog.text
    found = weights(tmp_path / "out" / "stage-2")
    for name, tensor in other.front.trunk.state_dict().items():  # pyright: ignore[reportAttributeAccessIssue]
        assert torch.equal(found[f"front.trunk.{name}"], tensor)
    correction = [name for name in layers if name.startswith(("change", "project"))]
    step_2 = [name for name in layers if name not in correction]
    (tmp_path / "bilstm.caffemodel").write_bytes(snapshot(blobs_of(other, step_2), raw=True))
    train("pose-machine-h36m", stage=3, start_from=tmp_path / "bilstm.caffemodel", **fields)
    found, expected = weights(tmp_path / "out" / "stage-3"), other.state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in found if not name.startswith("correction."))
    with pytest.raises(ModelError, match=r"(?s)stage 3 do not fit the network of stage 4.*correction\.change"):
        train("pose-machine-h36m", stage=4, start_from=tmp_path / "bilstm.caffemodel", **fields)
    assert take_layers_from(other, tmp_path / "cpm.caffemodel").taken == tuple(trunk)


def test_a_stage_cannot_be_left_out(filmed, pairs, tmp_path):
    """All checkpoints have the tensors of the correction, also those that it was not trained in."""
    common: dict[str, Any] = PAIRS | {"data_dir": filmed, "out_dir": tmp_path}
    with pytest.raises(InputError, match=r"last\.pt: is of stage 2; expected one of stage 3"):
        train(NAME, stage=4, start_from=pairs / "stage-2" / CHECKPOINT, **common)
    path = train(NAME, stage=2, **common)
    assert path is not None
    assert not PoseMachineModel(path).spec.corrects
    assert PoseMachineModel(pairs / f"{NAME}.onnx").spec.corrects


def test_what_cannot_be_trained_is_said(filmed, stills, tmp_path):
    common: dict[str, Any] = {"data_dir": filmed, "out_dir": tmp_path}
    with pytest.raises(InputError, match=r"--stage 1: preset .*-pairs' has the stages 2, 3, 4, 5"):
        train(NAME, stage=1, **PAIRS, **common)
    with pytest.raises(InputError, match="--stage 2 starts from nothing; leave --from out"):
        train(NAME, stage=2, start_from=stills / "train_h36m.txt", **PAIRS, **common)
    with pytest.raises(InputError, match="stage 2 has not been trained here; train it first"):
        train(NAME, stage=3, **PAIRS, **common)
    with pytest.raises(InputError, match="stage 1 has not been trained here"):
        train("pose-machine-h36m", stage=2, **SHORT, **common)
    with pytest.raises(InputError, match="--batch-size 8: is no multiple of the 5 frames"):
        train(NAME, batch_size=8, **PAIRS, **common)
    with pytest.raises(InputError, match=r"is no folder made by maquette prepare mpii, .*; stage 1 .* \(--mpii\)"):
        train("pose-machine-h36m", stage=1, **SHORT, **common)
    with pytest.raises(InputError, match=r"none of the pose machine's lists is there"):
        train(NAME, stage=2, data_dir=tmp_path, out_dir=tmp_path / "run", **PAIRS)
    other: Any = SHORT | {"actions": ("Walking",), "mpii": str(stills)}
    with pytest.raises(InputError, match=r"made up, 2D 'gt': no such picture: .*Walking.*jpg .*--picture-names"):
        train("pose-machine-h36m", stage=2, start_from=stills / "train_h36m.txt", **other, **common)


def test_what_a_later_stage_lacks_is_said_before_the_first(filmed, stills, tmp_path):
    """Not after the days that the stages before it take."""
    fields: dict[str, Any] = SHORT | {"mpii": str(stills), "out_dir": tmp_path / "out"}
    with pytest.raises(InputError, match="no such folder"):
        train("pose-machine-h36m", data_dir=tmp_path / "nowhere", **fields)
    fields["stills"] = 50
    with pytest.raises(InputError, match=r"7 still pictures, fewer than the 50 of a step \(--stills\)"):
        train("pose-machine-h36m", data_dir=filmed, **fields)
    with pytest.raises(InputError, match=r"7 still pictures, fewer than the 50 of a step \(--stills\)"):
        train(NAME, data_dir=filmed, out_dir=tmp_path, stage=2, mpii=str(stills), stills=50, **PAIRS)
    with pytest.raises(InputError, match="--dropped-value nan: expected 0 or more"):
        train(NAME, data_dir=filmed, out_dir=tmp_path, dropped_value=float("nan"), **PAIRS)
    assert not (tmp_path / "out").exists()


def test_a_broken_picture_ends_a_training_with_its_name(tmp_path, stills):
    store = write_filmed_store(tmp_path / "store")
    for picture in store.rglob("*.jpg"):
        picture.write_bytes(picture.read_bytes()[:300])
    torch.manual_seed(0)
    checkpoint = {"schema": 2, "network": PoseMachine("image", width=16, image_size=56).state_dict(), "mean": None}
    torch.save(checkpoint, tmp_path / "before.pt")
    with pytest.raises(InputError, match=r"\.jpg: cannot be read as a picture"):
        train(
            "pose-machine-h36m", data_dir=store, out_dir=tmp_path, stage=2, start_from=tmp_path / "before.pt", **SHORT
        )


def test_the_preset_of_pairs_sees_no_picture():
    from maquette.training.presets import PRESETS

    for name, front in ((NAME, "keypoints"), ("pose-machine-h36m", "image")):
        preset = PRESETS[name]
        assert isinstance(preset, PoseMachinePreset)
        assert preset.front == front

"""Trainings: exact resume, refusal of what cannot be resumed, divergence, and what comes out."""

import csv
import json
import signal
import time
from typing import Any

import numpy as np
import pytest
import torch

from maquette.datasets.feed import feed
from maquette.datasets.mocap import clips_of_split, load_clips
from maquette.datasets.sample_settings import SampleSettings
from maquette.datasets.samples import MotionLibrary, make_batch
from maquette.errors import InputError, ModelError, OutputError
from maquette.runtime.onnx_model import OnnxModel
from maquette.training import mocap, run
from maquette.training.checkpoint import CHECKPOINT, read_checkpoint
from maquette.training.run import train

SMALL: dict[str, Any] = {
    "width": 16,
    "batch_size": 16,
    "total_steps": 7,
    "warmup_steps": 2,
    "cooldown_steps": 3,
    "validate_windows": 20,
    "validate_steps": 100,
}
SHORT: dict[str, Any] = SMALL | {"total_steps": 2}
STEADY_SHORT: dict[str, Any] = SHORT | {"cooldown_steps": 0}


@pytest.mark.parametrize("preset", ["tcn-mocap", "martinez-mocap"])
def test_a_run_that_was_stopped_ends_with_the_same_weights(store, tmp_path, preset, monkeypatch):
    whole = train(preset, data_dir=store, out_dir=tmp_path / "whole", **SMALL)
    real = mocap.learning_rate

    def stop(plan, step):
        if step == 4:
            raise RuntimeError("the power failed")
        return real(plan, step)

    monkeypatch.setattr(mocap, "learning_rate", stop)
    with pytest.raises(RuntimeError, match="power"):
        train(preset, data_dir=store, out_dir=tmp_path / "parts", **SMALL, checkpoint_minutes=0.0)
    monkeypatch.setattr(mocap, "learning_rate", real)
    assert read_checkpoint(tmp_path / "parts" / CHECKPOINT)["step"] == 4
    resumed = train(preset, data_dir=store, out_dir=tmp_path / "parts", resume=True, workers=2)

    first, second = (read_checkpoint(tmp_path / name / CHECKPOINT) for name in ("whole", "parts"))
    assert first["step"] == second["step"] == 7
    for kind in ("network", "mean"):
        for name, tensor in first[kind].items():
            torch.testing.assert_close(tensor, second[kind][name], rtol=0, atol=0)
    assert whole is not None
    assert resumed is not None
    features = np.random.default_rng(0).standard_normal((3, 27 if preset == "tcn-mocap" else 1, 86))
    np.testing.assert_array_equal(OnnxModel(whole).run(features), OnnxModel(resumed).run(features))
    with (tmp_path / "whole" / "log.csv").open() as file:
        last = list(csv.DictReader(file))[-1]
    assert last["step"] == "7"
    assert 10 < float(last["clean_mpjpe_mm"]) < 2000


def test_what_cannot_be_resumed_is_refused(store, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(InputError, match="no checkpoint there"):
        train("tcn-mocap", data_dir=store, out_dir=out, resume=True)
    train("martinez-mocap", data_dir=store, out_dir=out, **SHORT)
    with pytest.raises(InputError, match="holds a run already; pass --resume"):
        train("martinez-mocap", data_dir=store, out_dir=out)
    with pytest.raises(InputError, match="of preset 'martinez-mocap', not 'tcn-mocap'"):
        train("tcn-mocap", data_dir=store, out_dir=out, resume=True)
    with pytest.raises(InputError, match="cannot change learning_rate, pose_strength"):
        train("martinez-mocap", data_dir=store, out_dir=out, resume=True, learning_rate=1.0, pose_strength=0.5)
    with pytest.raises(InputError, match="step 2 is past step -1, where the learning rate begins to fall"):
        train("martinez-mocap", data_dir=store, out_dir=out, resume=True, total_steps=9)
    with pytest.raises(InputError, match="has one stage only"):
        train("martinez-mocap", data_dir=store, out_dir=out, stage=2)
    (out / CHECKPOINT).write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        train("martinez-mocap", data_dir=store, out_dir=out, resume=True)


def test_other_data_are_refused(store, lab, tmp_path):
    out = tmp_path / "mocap"
    train("martinez-mocap", data_dir=store, out_dir=out, **STEADY_SHORT)
    index = json.loads((store / "index.json").read_text())
    index["1/1"]["split"] = "test"
    (tmp_path / "index.json").write_text(json.dumps(index))
    (tmp_path / "made_landmarks.npz").write_bytes((store / "made_landmarks.npz").read_bytes())
    with pytest.raises(InputError, match="not the data that this run was trained on: other clips: 2, expected 3"):
        train("martinez-mocap", data_dir=tmp_path, out_dir=out, resume=True, total_steps=6)
    out = tmp_path / "lab"
    few: dict[str, Any] = {"linear_size": 8, "batch_size": 16, "subjects_test": ("S9",), "subjects_train": ("S1",)}
    train("martinez-h36m-gt", data_dir=lab, out_dir=out, epochs=1, **few)
    state = read_checkpoint(out / CHECKPOINT)
    state["facts"]["samples"] += 1
    state["facts"]["statistics"]["mean_2d_px"] += 1
    torch.save(state, out / CHECKPOINT)
    with pytest.raises(InputError, match=r"(?s)2 problems:.*other samples: 50, expected 51.*other statistics$"):
        train("martinez-h36m-gt", data_dir=lab, out_dir=out, resume=True, epochs=2)


def test_folders_that_cannot_be_written_are_said_and_halves_are_swept(store, tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match=r"nothing can be written there .*; choose another output folder"):
            train("martinez-mocap", data_dir=store, out_dir=out, **SHORT)
    assert (tmp_path / "file").read_text() == "mine"
    out = tmp_path / "run"
    out.mkdir()
    for name in (".last.x1.pt", ".curves.x2.png", "notes.txt"):
        (out / name).write_bytes(b"left by a run that was killed")
    train("martinez-mocap", data_dir=store, out_dir=out, **SHORT)
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]
    assert (out / "notes.txt").is_file()


def test_a_stage_is_not_begun_when_the_time_is_up(lab, tmp_path, monkeypatch):
    small: dict[str, Any] = {"filter_widths": (3,), "channels": 8, "latent": 6, "hidden": 16, "epochs": (1, 1, 1)}
    small |= {"subjects_train": ("S1",), "subjects_test": ("S9",), "batch_size": 64, "validate_epochs": 0}
    with pytest.raises(InputError, match="--max-minutes -1"):
        train("rie-h36m-gt", data_dir=lab, out_dir=tmp_path, max_minutes=-1.0, **small)
    real = run._run_stage

    def slow(*arguments: Any) -> bool:
        finished = real(*arguments)
        later = time.monotonic() + 61
        monkeypatch.setattr(run.time, "monotonic", lambda: later)
        return finished

    monkeypatch.setattr(run, "_run_stage", slow)
    path = train("rie-h36m-gt", data_dir=lab, out_dir=tmp_path, max_minutes=1.0, **small)
    assert path == tmp_path / "rie-h36m-gt-stage-1.onnx"
    assert not (tmp_path / "stage-2").exists()


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_state(store, tmp_path):
    out = tmp_path / "run"
    train("martinez-mocap", data_dir=store, out_dir=out, **STEADY_SHORT)
    state = read_checkpoint(out / CHECKPOINT)
    state["network"]["network.last.bias"].fill_(float("nan"))
    torch.save(state, out / CHECKPOINT)
    before = (out / CHECKPOINT).read_bytes()
    with pytest.raises(ModelError, match=r"no longer finite, .*last\.pt holds the last good state"):
        train("martinez-mocap", data_dir=store, out_dir=out, resume=True, total_steps=6)
    assert (out / CHECKPOINT).read_bytes() == before


def test_a_run_ends_with_its_time_and_keeps_its_rows(store, tmp_path):
    out = tmp_path / "run"
    train("martinez-mocap", data_dir=store, out_dir=out, max_minutes=0.0, log_steps=1, **SMALL)
    assert read_checkpoint(out / CHECKPOINT)["step"] == 1
    with (out / "log.csv").open("a") as file:
        file.write("3,48,1.0,0.1,5.0,,,,\n")  # of a step after the checkpoint: it will be made again
    train("martinez-mocap", data_dir=store, out_dir=out, resume=True, log_steps=2)
    with (out / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [1, 2, 4, 6, 7]
    assert rows[0]["noise_mpjpe_mm"]
    assert not rows[1]["noise_mpjpe_mm"]
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((out / "tensorboard").iterdir())) == 2
    smallest = min(float(row["noise_mpjpe_mm"] or "inf") for row in rows)
    assert read_checkpoint(out / "best.pt")["best"] == pytest.approx(smallest, abs=0.01)


def test_ctrl_c_ends_after_the_step_with_a_checkpoint(store, tmp_path, monkeypatch):
    real, calls = mocap.learning_rate, iter(range(100))

    def interrupted(plan, step):
        if next(calls) == 3:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)  # torchrun passes on what the terminal has sent already
        return real(plan, step)

    monkeypatch.setattr(mocap, "learning_rate", interrupted)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train("martinez-mocap", data_dir=store, out_dir=tmp_path, **SMALL)
    assert signal.getsignal(signal.SIGINT) == before
    assert read_checkpoint(tmp_path / CHECKPOINT)["step"] == 4
    with (tmp_path / "log.csv").open() as file:
        assert not any(row["clean_mpjpe_mm"] for row in csv.DictReader(file)), "nobody has to wait for a validation"


def test_loss_is_the_mean_distance_over_joints():
    target = torch.randn(4, 21, 3)
    shifted = target + torch.tensor([0.03, 0.0, 0.04])
    assert mocap.position_loss(shifted, target, 0.0, 0.0).item() == pytest.approx(0.05, rel=1e-5)
    assert mocap.position_loss(shifted, target, 0.5, 0.0).item() == pytest.approx(0.05 * (17 + 4 * 0.5) / 17, rel=1e-5)
    assert mocap.position_loss(1.7 * target, target, 0.0, 1.0) == pytest.approx(
        mocap.position_loss(1.7 * target, target, 0.0, 0.0).item(), rel=1e-4
    )


def test_processes_deliver_the_batches_of_their_numbers(store):
    settings = SampleSettings(window_frames=1)
    library = MotionLibrary(clips_of_split(load_clips(store), "train"))
    with feed(str(store), settings, 8, seed=3, first=5, workers=2) as batches:
        for index in (5, 6, 7):
            found, expected = next(batches), make_batch(library, settings, 8, 3, index)
            np.testing.assert_allclose(found.features, expected.features, atol=5e-3)
            np.testing.assert_array_equal(found.targets_m, expected.targets_m)

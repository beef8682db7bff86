"""Trainings: exact resume, refusal of what cannot be resumed, divergence, and what comes out."""

import csv
import dataclasses
import inspect
from typing import Any

import numpy as np
import pytest
import torch

from maquette.datasets.feed import feed
from maquette.datasets.mocap import clips_of_split, load_clips
from maquette.datasets.samples import MotionLibrary, SampleSettings, make_batch
from maquette.errors import InputError, ModelError
from maquette.runtime.onnx_model import OnnxModel
from maquette.training import loop
from maquette.training.checkpoint import CHECKPOINT, read_checkpoint
from maquette.training.presets import PRESETS, get_preset
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


@pytest.mark.parametrize("preset", PRESETS)
def test_a_run_that_was_stopped_ends_with_the_same_weights(store, tmp_path, preset, monkeypatch):
    whole = train(preset, data_dir=store, out_dir=tmp_path / "whole", **SMALL)
    real = loop.learning_rate

    def stop(plan, step):
        if step == 4:
            raise KeyboardInterrupt
        return real(plan, step)

    monkeypatch.setattr(loop, "learning_rate", stop)
    with pytest.raises(KeyboardInterrupt):
        train(preset, data_dir=store, out_dir=tmp_path / "parts", **SMALL, checkpoint_minutes=0.0)
    monkeypatch.setattr(loop, "learning_rate", real)
    assert read_checkpoint(tmp_path / "parts" / CHECKPOINT)["step"] == 4
    resumed = train(preset, data_dir=store, out_dir=tmp_path / "parts", resume=True, workers=2)

    first, second = (read_checkpoint(tmp_path / name / CHECKPOINT) for name in ("whole", "parts"))
    assert first["step"] == second["step"] == 7
    for kind in ("network", "mean"):
        for name, tensor in first[kind].items():
            torch.testing.assert_close(tensor, second[kind][name], rtol=0, atol=0)
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
    (out / CHECKPOINT).write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="cannot be read as a checkpoint"):
        train("martinez-mocap", data_dir=store, out_dir=out, resume=True)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_state(store, tmp_path):
    out = tmp_path / "run"
    train("martinez-mocap", data_dir=store, out_dir=out, **STEADY_SHORT)
    state = read_checkpoint(out / CHECKPOINT)
    state["network"]["network.last.bias"].fill_(float("nan"))
    torch.save(state, out / CHECKPOINT)
    before = (out / CHECKPOINT).read_bytes()
    with pytest.raises(ModelError, match=r"no longer finite; .*last\.pt holds the last good state"):
        train("martinez-mocap", data_dir=store, out_dir=out, resume=True, total_steps=6)
    assert (out / CHECKPOINT).read_bytes() == before


def test_unknown_presets_and_fields_are_named():
    with pytest.raises(InputError, match="no preset is called 'x'; there are: tcn-mocap, martinez-mocap"):
        get_preset("x")
    with pytest.raises(InputError, match=r"has no field speed; it has: .*learning_rate"):
        get_preset("tcn-mocap", speed=1)
    changed = get_preset("tcn-mocap", width=64, pose_strength=0.5)
    assert (changed.width, changed.samples.pose_strength) == (64, 0.5)


def test_every_field_of_a_preset_is_explained():
    for kind in (type(PRESETS["tcn-mocap"]), SampleSettings):
        text = inspect.getsource(kind)
        for field in dataclasses.fields(kind):
            after = text.split(f"    {field.name}: ", 1)[1].split("\n", 1)[1]
            assert after.lstrip().startswith('"""'), f"{kind.__name__}.{field.name} has no docstring"


def test_learning_rate_rises_stays_and_falls():
    preset = get_preset("tcn-mocap", total_steps=1000, warmup_steps=100, cooldown_steps=400, learning_rate=2.0)
    rates = [loop.learning_rate(preset, step) for step in (0, 49, 99, 300, 600, 800, 999)]
    assert rates == pytest.approx([0.02, 1.0, 2.0, 2.0, 2.0, 1.0, 0.0], abs=1e-3)
    longer = dataclasses.replace(preset, total_steps=2000)
    assert all(loop.learning_rate(longer, s) == loop.learning_rate(preset, s) for s in range(0, 600, 50))


def test_loss_is_the_mean_distance_over_joints():
    target = torch.randn(4, 21, 3)
    shifted = target + torch.tensor([0.03, 0.0, 0.04])
    assert loop.position_loss(shifted, target, 0.0, 0.0).item() == pytest.approx(0.05, rel=1e-5)
    assert loop.position_loss(shifted, target, 0.5, 0.0).item() == pytest.approx(0.05 * (17 + 4 * 0.5) / 17, rel=1e-5)
    assert loop.position_loss(1.7 * target, target, 0.0, 1.0) == pytest.approx(
        loop.position_loss(1.7 * target, target, 0.0, 0.0).item(), rel=1e-4
    )


def test_processes_deliver_the_batches_of_their_numbers(store):
    settings = SampleSettings(window_frames=1)
    library = MotionLibrary(clips_of_split(load_clips(store), "train"))
    with feed(str(store), settings, 8, seed=3, first=5, workers=2) as batches:
        for index in (5, 6, 7):
            found, expected = next(batches), make_batch(library, settings, 8, 3, index)
            np.testing.assert_allclose(found.features, expected.features, atol=5e-3)
            np.testing.assert_array_equal(found.targets_m, expected.targets_m)

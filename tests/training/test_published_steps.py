"""The presets' own training step against the optimiser traces of the original programs, in double precision."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from published_weights import fill  # pyright: ignore[reportMissingImports]

from maquette.datasets.chunks import ChunkBatch
from maquette.training import lightning_run
from maquette.training.chunks import ChunkData, ChunkExperiment
from maquette.training.lightning_run import Run, fit
from maquette.training.plans import PosePreset, RelativePreset, TemporalPreset
from maquette.training.poses import PoseData, PoseExperiment, Poses
from maquette.training.presets import get_preset
from maquette.training.relative import RelativeExperiment
from maquette.training.temporal import TemporalExperiment

sys.path.append(str(Path(__file__).resolve().parents[1] / "models"))


class GoldenFeed:
    """The batches of the original's generator, in turn."""

    def __init__(self, batches: list[ChunkBatch]) -> None:
        self._batches = batches

    def batch(self, epoch: int, index: int) -> ChunkBatch:
        assert epoch == 0
        return self._batches[index % len(self._batches)]


def run_steps(experiment: ChunkExperiment | PoseExperiment, steps: int, out_dir: Path) -> list[float]:
    """Train one epoch of ``steps`` steps; the losses."""
    experiment.steps_per_epoch = experiment.total_steps = steps
    losses, real = [], experiment.loss

    def recorded(batch):
        loss = real(batch)
        losses.append(loss.item())
        return loss

    experiment.loss = recorded
    assert fit(experiment, experiment.preset, Run(out_dir, {"settings": {}, "stage": 0}), None)
    return losses


def golden_batches(path: Path) -> list[ChunkBatch]:
    with np.load(path) as data:
        return [
            ChunkBatch(
                data[f"aug_b{i}_2d"].astype(np.float32),
                data[f"aug_b{i}_3d"].astype(np.float32),
                np.zeros((len(data[f"aug_b{i}_2d"]), 9), dtype=np.float32),
            )
            for i in (0, 1)
        ]


@pytest.fixture(autouse=True)
def no_checkpoints(monkeypatch):
    """Networks of the published size in double precision would fill a gigabyte."""
    monkeypatch.setattr(lightning_run, "save_checkpoint", lambda path, state: None)


@pytest.mark.parametrize("stage", [1, 3])
def test_relative_information_encoding(goldens_dir, lab, tmp_path, stage):
    fields: dict[str, Any] = {"filter_widths": (3, 3, 3), "dropout": 0.0, "head_dropout": 0.0, "precision": "64"}
    fields |= {"subjects_train": ("S1",), "validate_epochs": 0, "learning_rate": (1e-3, 1e-3, 1e-3)}
    plan = get_preset("rie-h36m-gt", **fields)
    assert isinstance(plan, RelativePreset)
    experiment = RelativeExperiment(plan, ChunkData.open(plan, lab), stage)
    fill(experiment.network).train()
    feed = GoldenFeed(golden_batches(goldens_dir / "rie_model" / "batches.npz"))
    experiment.feed = feed  # pyright: ignore[reportAttributeAccessIssue]
    found = run_steps(experiment, 4, tmp_path)
    with np.load(goldens_dir / "rie_model" / f"train_trace_f64_rf27_stage{stage}.npz") as expected:
        np.testing.assert_allclose(found, expected["losses"], rtol=0, atol=1e-6)
        network = experiment.network.eval()
        with torch.no_grad():
            output = network(torch.from_numpy(expected["eval_x"]).double())
        np.testing.assert_allclose(output, expected["eval_output_after_4_steps"], rtol=0, atol=1e-6)


def test_temporal_convolution(goldens_dir, lab, tmp_path):
    fields: dict[str, Any] = {"filter_widths": (3, 3, 3), "channels": 64, "dropout": 0.0, "precision": "64"}
    plan = get_preset("tcn-h36m-cpn", source="gt", subjects_train=("S1",), validate_epochs=0, **fields)
    assert isinstance(plan, TemporalPreset)
    experiment = TemporalExperiment(plan, ChunkData.open(plan, lab))
    fill(experiment.network).train()
    feed = GoldenFeed(golden_batches(goldens_dir / "generators" / "batches_videopose3d.npz"))
    experiment.feed = feed  # pyright: ignore[reportAttributeAccessIssue]
    found = run_steps(experiment, 10, tmp_path)
    windows = np.load(goldens_dir / "videopose3d" / "forward.npz")["windows"]
    with np.load(goldens_dir / "videopose3d" / "train_trace_f64.npz") as expected:
        np.testing.assert_allclose(found, expected["losses"], rtol=0, atol=1e-6)
        network = experiment.network.eval()
        with torch.no_grad():
            output = network(torch.from_numpy(windows).double())
        np.testing.assert_allclose(output, expected["eval_windows_after"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["res_bn_maxnorm_16", "res_bn_maxnorm_14", "nores_nobn_nomaxnorm_16"])
def test_residual_network(goldens_dir, lab, tmp_path, monkeypatch, name):
    from martinez_variables import load_variables  # pyright: ignore[reportMissingImports]

    golden = dict(np.load(goldens_dir / "martinez_model" / f"trace_{name}" / "trace.npz"))
    switches: dict[str, Any] = {"predict_14": name.endswith("14")}
    if name.startswith("nores"):
        switches |= {"residual": False, "batch_norm": False, "max_norm": "none"}
    fields: dict[str, Any] = {"linear_size": 64, "dropout": 0.0, "precision": "64", "validate_epochs": 0}
    plan = get_preset("martinez-h36m-gt", subjects_train=("S1", "S5"), **fields, **switches)
    assert isinstance(plan, PosePreset)
    experiment = PoseExperiment(plan, PoseData.open(plan, lab))
    load_variables(experiment.network, {k.removeprefix("init/"): v for k, v in golden.items() if k.startswith("init/")})
    x, y = torch.from_numpy(golden["X"]), torch.from_numpy(golden["Y"])
    monkeypatch.setattr(experiment, "batch", lambda step: Poses(x[step % 4], y[step % 4], 1.0))
    np.testing.assert_allclose([experiment.learning_rate(s) for s in range(20)], golden["lr_before_step"], rtol=1e-6)
    found = run_steps(experiment, 20, tmp_path)
    np.testing.assert_allclose(found, golden["losses"], atol=1e-5)
    with torch.no_grad():
        output = experiment.network.eval()(x[0].double())
    np.testing.assert_allclose(output, golden["eval_outputs_batch0"], atol=1e-4)

"""Trainings on windows of recordings: stages one after the other, and alone."""

from pathlib import Path
from typing import Any

import pytest
import torch

from maquette.errors import InputError, ModelError
from maquette.training import chunks
from maquette.training.checkpoint import read_checkpoint
from maquette.training.chunks import mpjpe_loss
from maquette.training.run import train

RIE: dict[str, Any] = {
    "filter_widths": (3, 3),
    "channels": 8,
    "latent": 6,
    "hidden": 16,
    "batch_size": 64,
    "epochs": (2, 1, 1),
    "subjects_train": ("S1", "S5"),
    "subjects_test": ("S9",),
}


@pytest.fixture(scope="module")
def whole(lab, tmp_path_factory) -> Path:
    """A run of all stages."""
    folder = tmp_path_factory.mktemp("whole")
    assert train("rie-h36m-gt", data_dir=lab, out_dir=folder, **RIE) == folder / "rie-h36m-gt.onnx"
    return folder


def test_three_stages_one_after_the_other(whole):
    ends = [read_checkpoint(whole / f"stage-{stage}" / "last.pt") for stage in (1, 2, 3)]
    per_epoch = -(-2 * 2 * (25 + 31) // 64)
    assert [end["step"] for end in ends] == [2 * per_epoch, per_epoch, per_epoch]
    weights = [end["network"] for end in ends]
    frozen = [name for name in weights[0] if name.startswith(("LocalLayer", "GlobalInfo")) and "running" not in name]
    same = [torch.equal(weights[0][name], weights[1][name]) for name in frozen if "batches" not in name]
    assert same
    assert all(same)
    assert not torch.equal(weights[1][frozen[0]], weights[2][frozen[0]])


def test_stages_alone_stopped_and_resumed_end_where_all_in_a_row_do(lab, whole, tmp_path):
    begun = train("rie-h36m-gt", data_dir=lab, out_dir=tmp_path / "parts", max_minutes=0.0, **RIE)
    assert begun == tmp_path / "parts" / "rie-h36m-gt-stage-1.onnx"
    assert read_checkpoint(tmp_path / "parts" / "stage-1" / "last.pt")["step"] == 1
    train("rie-h36m-gt", data_dir=lab, out_dir=tmp_path / "parts", resume=True)
    second = whole / "stage-2" / "last.pt"
    train("rie-h36m-gt", data_dir=lab, out_dir=tmp_path / "alone", stage=3, start_from=second, max_minutes=0.0, **RIE)
    train("rie-h36m-gt", data_dir=lab, out_dir=tmp_path / "alone", stage=3, resume=True)
    ends = [read_checkpoint(p / "stage-3" / "last.pt") for p in (whole, tmp_path / "parts", tmp_path / "alone")]
    for end in ends[1:]:
        assert all(torch.equal(tensor, end["network"][name]) for name, tensor in ends[0]["network"].items())


def test_published_checkpoints_start_a_stage(lab, whole, tmp_path):
    weights = read_checkpoint(whole / "stage-1" / "last.pt")["network"]
    torch.save({"epoch": 80, "lr": 1e-5, "model_pos": weights}, tmp_path / "stage_1.bin")
    path = train("rie-h36m-gt", data_dir=lab, out_dir=tmp_path, stage=2, start_from=tmp_path / "stage_1.bin", **RIE)
    assert path == tmp_path / "rie-h36m-gt-stage-2.onnx"
    first, second = (read_checkpoint(folder / "stage-2" / "last.pt")["network"] for folder in (whole, tmp_path))
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


WIDE: dict[str, Any] = RIE | {"latent": 12}
LONGER: dict[str, Any] = RIE | {"epochs": (9, 1, 1), "checkpoint_minutes": 0.0}


def test_what_cannot_start_a_stage_is_said(lab, tmp_path):
    with pytest.raises(InputError, match="stage 1 has not been trained here; train it first, or give --from FILE"):
        train("rie-h36m-gt", data_dir=lab, out_dir=tmp_path, stage=2, **RIE)
    with pytest.raises(InputError, match="--stage 4: preset 'rie-h36m-gt' has the stages 1, 2, 3"):
        train("rie-h36m-gt", data_dir=lab, out_dir=tmp_path, stage=4, **RIE)
    with pytest.raises(InputError, match=r"nothing.bin: no such file"):
        train("rie-h36m-gt", data_dir=lab, out_dir=tmp_path, stage=2, start_from=tmp_path / "nothing.bin", **RIE)
    train("rie-h36m-gt", data_dir=lab, out_dir=tmp_path / "wide", stage=1, **WIDE)
    before = tmp_path / "wide" / "stage-1" / "last.pt"
    with pytest.raises(
        ModelError, match=r"LocalLayer_Torso.shrink.weight has shape \(12, 8, 1\), expected \(6, 8, 1\)"
    ):
        train("rie-h36m-gt", data_dir=lab, out_dir=tmp_path, stage=2, start_from=before, **RIE)


def test_a_loss_that_is_not_finite_is_caught_before_the_checkpoint(lab, tmp_path, monkeypatch):
    def spoilt(predicted, target):
        return mpjpe_loss(predicted, target) * (float("nan") if next(calls) == 5 else 1)

    calls = iter(range(100))
    monkeypatch.setattr(chunks, "mpjpe_loss", spoilt)
    with pytest.raises(ModelError, match=r"no longer finite, at or before step 6; .*last.pt holds the last good state"):
        train("rie-h36m-gt", data_dir=lab, out_dir=tmp_path, stage=1, **LONGER)
    assert read_checkpoint(tmp_path / "stage-1" / "last.pt")["step"] == 5

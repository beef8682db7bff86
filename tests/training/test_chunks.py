"""Trainings on windows of recordings: stages one after the other, and alone."""

from typing import Any

import torch

from maquette.training.checkpoint import read_checkpoint
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


def test_three_stages_one_after_the_other(lab, tmp_path):
    train("rie-h36m-gt", data_dir=lab, out_dir=tmp_path / "run", **RIE)
    ends = [read_checkpoint(tmp_path / "run" / f"stage-{stage}" / "last.pt") for stage in (1, 2, 3)]
    per_epoch = -(-2 * 2 * (25 + 31) // 64)
    assert [end["step"] for end in ends] == [2 * per_epoch, per_epoch, per_epoch]
    weights = [end["network"] for end in ends]
    frozen = [name for name in weights[0] if name.startswith(("LocalLayer", "GlobalInfo")) and "running" not in name]
    same = [torch.equal(weights[0][name], weights[1][name]) for name in frozen if "batches" not in name]
    assert same
    assert all(same)
    assert not torch.equal(weights[1][frozen[0]], weights[2][frozen[0]])

"""Two processes that train one network together, started with torchrun as users do."""

import os
import subprocess
import sys

import pytest
import torch

from maquette.errors import InputError
from maquette.training.checkpoint import read_checkpoint
from maquette.training.experiment import Share
from maquette.training.run import train


def test_shares_cover_a_batch_and_weigh_what_they_hold():
    for n in (7, 8, 64):
        for processes in (1, 2, 3):
            shares = [Share(rank, processes) for rank in range(processes)]
            rows = [row for share in shares for row in range(n)[share.of(n)]]
            assert rows == list(range(n))
            values = torch.arange(n, dtype=torch.float64) ** 2
            means = [share.weight(n) * values[share.of(n)].mean() for share in shares]
            assert sum(means) / processes == pytest.approx(values.mean().item())


def test_gradients_are_those_of_one_process_with_the_whole_batch(lab, tmp_path):
    """No batch norm: on CPUs each process normalises by its own half of the batch."""
    # One step an epoch of 112 poses; an odd batch, whose halves differ by one.
    fields = {
        "batch_size": 111,
        "epochs": 1,
        "linear_size": 32,
        "dropout": 0.0,
        "precision": "64",
        "batch_norm": False,
        "validate_epochs": 0,
        "subjects_train": ("S1", "S5"),
    }
    train("martinez-h36m-gt", data_dir=lab, out_dir=tmp_path / "one", **fields)
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "maquette"]
    line += ["train", "martinez-h36m-gt", "--data", str(lab), "--out", str(tmp_path / "two"), "--no-batch-norm"]
    line += "--batch-size 111 --epochs 1 --linear-size 32 --dropout 0 --precision 64 --validate-epochs 0".split()
    line += ["--subjects-train", "S1", "S5"]
    done = subprocess.run(line, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("wrote ") == 1, "by the first process"
    one, two = (read_checkpoint(tmp_path / name / "last.pt") for name in ("one", "two"))
    assert one["step"] == two["step"] == 1
    assert len(two["random"]) == 2
    assert not torch.equal(two["random"][0]["cpu"], two["random"][1]["cpu"]), "each process drops its own values"
    for place, state in one["optimizer"]["state"].items():
        # The first moment after one step is a tenth of the gradient.
        other = two["optimizer"]["state"][place]["exp_avg"]
        assert state["exp_avg"].abs().max() > 1e-6
        torch.testing.assert_close(other, state["exp_avg"], rtol=1e-9, atol=1e-13)
    for name, tensor in one["network"].items():
        torch.testing.assert_close(two["network"][name], tensor, rtol=1e-7, atol=1e-9)
    with pytest.raises(
        InputError, match=r"trained by 2 processes, and can only go on with as many .*--nproc-per-node 2"
    ):
        train("martinez-h36m-gt", data_dir=lab, out_dir=tmp_path / "two", resume=True, epochs=2)


def test_a_gpu_that_is_not_there_is_said(lab, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(InputError, match=r"--accelerator gpu: there is no GPU to be used: torch .* train with"):
        train("martinez-h36m-gt", data_dir=lab, out_dir=tmp_path, accelerator="gpu", subjects_train=("S1",), **FEW)
    with pytest.raises(InputError, match="float16 is for GPUs; on a CPU take bf16 or 32"):
        train("martinez-h36m-gt", data_dir=lab, out_dir=tmp_path, precision="16", subjects_train=("S1",), **FEW)


FEW = {"linear_size": 8, "batch_size": 16, "subjects_test": ("S9",)}

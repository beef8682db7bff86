"""Runs that are killed, by a signal or by a full disk, in a process of their own as users start them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from maquette.training.checkpoint import read_checkpoint
from maquette.training.run import train

TINY: dict[str, dict] = {
    "tcn-mocap": {
        "width": 16,
        "batch_size": 16,
        "warmup_steps": 2,
        "cooldown_steps": 10,
        "total_steps": 61,
        "validate_windows": 8,
        "validate_steps": 20,
        "dropout": 0.3,
        "precision": "32",
    },
    "rie-h36m-gt": {
        "filter_widths": (3,),
        "channels": 8,
        "latent": 6,
        "hidden": 16,
        "batch_size": 8,
        "epochs": (3, 1, 1),
        "subjects_train": ("S1",),
        "subjects_test": ("S9",),
        "validate_frames": 1,
    },
}


def command(preset: str, data: Path, out: Path, **fields) -> list[str]:
    line = [sys.executable, "-m", "maquette", "train", preset, "--data", str(data), "--out", str(out)]
    for name, value in fields.items():
        line += [f"--{name.replace('_', '-')}", *map(str, value if isinstance(value, tuple) else (value,))]
    return line


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}


def kill_at(line: list[str], log: Path, rows: int) -> None:
    """Run ``line`` and kill it, without a chance to do anything, when its log has so many rows."""
    process = subprocess.Popen(line, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + 120
        while not (log.is_file() and len(log.read_bytes().splitlines()) > rows):
            assert process.poll() is None, process.stderr and process.stderr.read().decode()
            assert time.monotonic() < until
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("preset", TINY)
def test_a_run_that_was_killed_ends_with_the_same_weights(request, tmp_path, preset):
    data = request.getfixturevalue("store" if preset == "tcn-mocap" else "lab")
    folder = "stage-1" if preset.startswith("rie") else "."
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    stage: dict[str, Any] = {"stage": 1} if preset.startswith("rie") else {}
    line = command(preset, data, parts, checkpoint_minutes=0.0, log_steps=1, **stage, **TINY[preset])
    kill_at(line, parts / folder / "log.csv", rows=17)
    killed = read_checkpoint(parts / folder / "last.pt")
    assert 10 < killed["step"] < killed["total_steps"] - 3
    train(preset, data_dir=data, out_dir=parts, resume=True, **stage)
    train(preset, data_dir=data, out_dir=whole, **stage, **TINY[preset])
    first, second = (read_checkpoint(path / folder / "last.pt") for path in (whole, parts))
    assert first["step"] == second["step"] == killed["total_steps"]
    for kind in ("network", "mean"):
        for name, tensor in (first[kind] or {}).items():
            assert torch.equal(tensor, second[kind][name]), name
    assert all(torch.equal(a, b["cpu"]) for a, b in zip([first["random"][0]["cpu"]], second["random"], strict=True))
    steps = [line.split(",")[0] for line in (parts / folder / "log.csv").read_text().splitlines()[1:]]
    assert len(set(steps)) == len(steps)


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import torch
from maquette.errors import OutputError
from maquette.training.checkpoint import read_checkpoint, save_checkpoint
path = Path(sys.argv[1])
save_checkpoint(path, {"step": 2, "network": torch.zeros(100_000)})
before = path.read_bytes()
# No file can grow beyond 4 kB from here on; the system says so as it says that a disk is full.
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
try:
    save_checkpoint(path, {"step": 3, "network": torch.ones(100_000)})
except OutputError as error:
    print(error)
try:
    save_checkpoint(path.parent / "first.pt", {"step": 1, "network": torch.ones(100_000)})
except OutputError as error:
    print(error)
assert path.read_bytes() == before
assert [p.name for p in path.parent.iterdir()] == ["last.pt"]
"""


def test_a_full_disk_leaves_the_checkpoint_before_it(tmp_path):
    line = [sys.executable, "-c", FULL_DISK, str(tmp_path / "last.pt")]
    done = subprocess.run(line, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "last.pt") in done.stdout
    kept, none = done.stdout.splitlines()
    assert "cannot be written" in kept
    assert kept.endswith("the one before it is kept. Make room on the disk and go on with --resume")
    assert none.endswith("there is none before it. Make room on the disk and start again")
    assert read_checkpoint(tmp_path / "last.pt")["step"] == 2

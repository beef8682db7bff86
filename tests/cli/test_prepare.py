"""``maquette prepare`` as a user meets it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from made_h36m import write_martinez, write_release

from maquette.cli.prepare import KINDS
from maquette.datasets.store import open_store
from maquette.errors import InputError


def test_a_store_and_its_summary(run, tmp_path: Path) -> None:
    write_martinez(tmp_path / "h36m", ["S1", "S11"])
    (tmp_path / "h36m" / "S11" / "StackedHourglass" / "Directions.54138969.h5").unlink()
    status, out, err = run("prepare", "h36m", tmp_path / "h36m", tmp_path / "store", "--subjects", "S1", "S11")
    assert status == 0
    assert f"wrote {tmp_path / 'store'}: Human3.6M" in out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for line in (
        "3D h36m-32 (32 joints), 12 recordings, 60 frames at 50 fps",
        "S1 6 recordings, 30 frames",
        "2D gt h36m-32 (32 joints), 48 clips, 240 frames",
        "2D sh mpii-16 (16 joints), 47 clips, 235 frames",
        "note only the subjects asked for: S1, S11",
        "note no points of 'sh' for S11 Directions, camera 54138969: its video is damaged",
    ):
        assert line in lines
    assert "note absent: 12 of 15 actions, Discussion" in "\n".join(lines)
    assert "preparing h36m: 0% (S1 Directions)" in err
    assert open_store(tmp_path / "store").subjects == ("S1", "S11")


def test_what_is_missing_and_what_is_there_already(run, tmp_path: Path) -> None:
    write_release(tmp_path / "h36m", ["S1"])
    status, _, err = run("prepare", "h36m", tmp_path / "h36m", tmp_path / "store")
    assert status == 2
    assert "S9/MyPoseFeatures/D3_Positions: no *.cdf" in err
    assert err.rstrip().endswith("(to prepare only the subjects that are there: --subjects S1)")
    command = ("prepare", "h36m", tmp_path / "h36m", tmp_path / "store", "--subjects", "S1")
    assert run(*command)[0] == 0
    status, _, err = run(*command)
    assert status == 2
    assert "there is a store already; choose another folder, or replace it with --overwrite" in err
    assert run(*command, "--overwrite", "--layout", "release")[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h36m", "store"]


def test_wrong_use(run, tmp_path: Path) -> None:
    status, _, err = run("prepare", "h37m", tmp_path, tmp_path / "store")
    assert (status, f"no data set 'h37m'; expected one of: {', '.join(KINDS)}" in err) == (2, True)
    status, _, err = run("prepare", "custom", tmp_path, tmp_path / "store", "--published-cameras", "--layout", "raw")
    assert (status, "--layout, --published-cameras: no option for the data set 'custom'" in err) == (2, True)
    status, _, err = run("prepare", "h36m", tmp_path, tmp_path / "store")
    assert (status, "no files of Human3.6M; expected S1/MyPoses/3D_positions/*.h5" in err) == (2, True)


def test_a_package_that_is_not_installed(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_release(tmp_path / "h36m", ["S1"])
    monkeypatch.setitem(sys.modules, "cdflib", None)
    status, _, err = run("prepare", "h36m", tmp_path / "h36m", tmp_path / "store", "--subjects", "S1")
    assert status == 2
    assert "pip install 'maquette[train]'" in err
    assert not (tmp_path / "store").exists()


def test_a_killed_command_leaves_no_store(tmp_path: Path) -> None:
    """Killed while it writes the last take; after that the same command works."""
    write_martinez(tmp_path / "h36m", ["S1"], hourglass=None)
    last = tmp_path / "h36m" / "S1" / "MyPoses" / "3D_positions" / "SittingDown 2.h5"
    content = last.read_bytes()
    last.unlink()
    os.mkfifo(last)  # the command waits here
    command = [sys.executable, "-m", "maquette", "prepare", "h36m", tmp_path / "h36m", tmp_path / "store"]
    process = subprocess.Popen([*command, "--subjects", "S1"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not (part := list(tmp_path.glob(".store.*.part/positions.npy"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "store").exists()
    with pytest.raises(InputError, match="no store"):
        open_store(part[0].parent)
    last.unlink()
    last.write_bytes(content)
    subprocess.run([*command, "--subjects", "S1"], check=True, capture_output=True)
    store = open_store(tmp_path / "store")
    assert np.isfinite(store.positions_world_m(store.recordings[-1])).all()

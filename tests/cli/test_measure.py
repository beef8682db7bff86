"""``maquette measure``: from a motion file to numbers, as a user calls it."""

import json
from pathlib import Path

import pytest
from made_body import made_motion

from maquette.cli import main
from maquette.exporters.npz import write_npz


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_npz(made_motion(90, 1), tmp_path / "clip.npz")
    return tmp_path / "clip.npz"


def test_all_results_are_written_and_told(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = clip.parent / "out"
    outputs = ["-o", f"{folder}/angles.csv", "-o", f"{folder}/all.json", "--numbers", f"{folder}/numbers.csv"]
    status = main(["measure", str(clip), *outputs, "--plots", f"{folder}/plots", "--sigma-m", "0.02", "--speeds"])
    told = capsys.readouterr().out
    assert status == 0
    assert "range:l_knee_flexion" in told
    assert "joints sure to 20 mm" in told
    assert "warning: no true scale" in told or "warning:" in told
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"angles.csv", "all.json", "numbers.csv", "plots/angles.png"} <= written
    assert json.loads((folder / "all.json").read_text())["kind"] == "maquette-measurement"


def test_numbers_alone_need_no_output(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", str(clip)]) == 0
    assert "uncertainty of angles: not known" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["-o", "angles.txt"], "angles.txt: expected .csv"),
        (["--numbers", "n.json"], "expected a name ending in .csv"),
        (["--speeds"], "add -o angles.csv"),
        (["-o", "a.csv", "--numbers", "a.csv"], "same file"),
        (["--sigma-m", "-1"], "metres above 0"),
    ],
)
def test_wrong_use_is_told_before_anything_is_written(
    clip: Path, options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"{clip.parent}/{word}" if word.endswith((".csv", ".json", ".txt")) else word for word in options]
    assert main(["measure", str(clip), *options]) == 2
    assert told in capsys.readouterr().err
    assert [path.name for path in clip.parent.iterdir()] == ["clip.npz"]

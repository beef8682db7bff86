"""FBX through Blender: the command that is run, what is said when there is none, and, where there is one, the file."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]

from maquette.errors import OutputError
from maquette.exporters import fbx
from maquette.exporters.fbx import blender_command, write_fbx
from maquette.rig import animate
from maquette.rig.choice import animated
from maquette.rig.forward import node_positions_m

CHECK = Path(__file__).resolve().parents[2] / "docs" / "conformance" / "blender_check.py"

FAKE = """#!{python}
import json, shutil, sys
args = sys.argv[1:]
json.dump(args, open({record!r}, "w"))
print("Blender 9.9.9 at work")
if {status}:
    print("Error: the bones are broken", file=sys.stderr)
    sys.exit({status})
if {writes}:
    shutil.copyfile(args[-2], {source!r})
    open(args[-1], "wb").write(b"Kaydara FBX Binary  ")
"""


def fake_blender(folder: Path, *, status: int = 0, writes: bool = True) -> Path:
    """A program in the place of Blender's: it records its arguments and keeps what it was given."""
    program = folder / "blender"
    text = FAKE.format(
        python=sys.executable,
        record=str(folder / "arguments.json"),
        source=str(folder / "source.npz"),
        status=status,
        writes=writes,
    )
    program.write_text(text)
    program.chmod(0o755)
    return program


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No bpy, and a PATH with one empty folder."""
    empty = tmp_path / "bin"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr(fbx, "find_spec", lambda name: None)
    return empty


def test_neither_is_there(nowhere: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        write_fbx(animate(made_motion(2)), tmp_path / "out" / "a.fbx")
    for words in ("there is none", "blender.org", "--via-blender PROGRAM", "pip install bpy", ".glb and .usdc"):
        assert words in str(caught.value)
    assert not (tmp_path / "out").exists()
    with pytest.raises(OutputError, match="'/no/blender' is not there or cannot be run"):
        blender_command("/no/blender")


def test_the_command_that_is_run(nowhere: Path, tmp_path: Path) -> None:
    fake_blender(nowhere)
    animation = animate(made_motion(5, seed=3))
    write_fbx(animation, tmp_path / "walk.fbx")
    assert (tmp_path / "walk.fbx").read_bytes().startswith(b"Kaydara FBX Binary")
    arguments = json.loads((nowhere / "arguments.json").read_text())
    script = arguments[5]
    assert arguments[:5] == ["--background", "--factory-startup", "--python-exit-code", "1", "--python"]
    assert Path(script).name == "maquette_to_fbx.py"
    assert arguments[6] == "--"
    assert len(arguments) == 9
    with np.load(nowhere / "source.npz", allow_pickle=False) as given:
        np.testing.assert_array_equal(given["rotations"], animation.rotations)
        assert json.loads(str(given["header"]))["fps"] == "50"
    assert [item.name for item in tmp_path.iterdir() if item.is_file()] == ["walk.fbx"]


def test_a_program_that_is_named_comes_first(nowhere: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    program = fake_blender(other)
    assert blender_command(program)[0] == str(program)
    write_fbx(animate(made_motion(2)), tmp_path / "a.fbx", blender=program)
    assert (other / "arguments.json").exists()


def test_the_module_runs_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fbx, "find_spec", lambda name: object())
    assert blender_command() == [sys.executable]
    assert "bpy" not in sys.modules


@pytest.mark.parametrize(
    ("status", "says"), [(1, "failed with status 1 and said: .*the bones are broken"), (0, "without a file")]
)
def test_a_blender_that_fails_leaves_nothing(tmp_path: Path, status: int, says: str) -> None:
    program = fake_blender(tmp_path, status=status, writes=False)
    with pytest.raises(OutputError, match=says):
        write_fbx(animate(made_motion(2)), tmp_path / "a.fbx", blender=program)
    assert not list(tmp_path.glob("*.fbx"))


def python_with_bpy() -> str:
    """This interpreter, or the one that MAQUETTE_BPY_PYTHON names."""
    named = os.environ.get("MAQUETTE_BPY_PYTHON")
    if named is None and find_spec("bpy") is None:
        pytest.skip("no Blender: bpy is not installed, and MAQUETTE_BPY_PYTHON names no interpreter that has it")
    return named or sys.executable


@pytest.mark.parametrize("rig", ["maquette", "unreal"])
def test_blender_reads_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rig: str) -> None:
    python = python_with_bpy()
    monkeypatch.setattr(fbx, "blender_command", lambda blender: [python])
    animation = animated(made_motion(8, seed=3), rig=rig)
    write_fbx(animation, tmp_path / "a.fbx")
    expected, _ = node_positions_m(animation)
    for importer in ("fbx", "fbx-ufbx"):
        result = tmp_path / f"{importer}.npz"
        subprocess.run(
            [python, str(CHECK), str(tmp_path / "a.fbx"), str(result), "--importer", importer],
            check=True,
            capture_output=True,
        )
        with np.load(result) as found:
            names = [str(name) for name in found["names"]]
            assert sorted(names) == sorted(animation.names)
            order = [names.index(name) for name in animation.names]
            assert np.abs(found["heads"][:, order] - expected).max() < 1e-4
            assert float(found["fps"]) == 50.0

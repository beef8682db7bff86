"""``maquette plugins``: the scripts come out of the package as they are in it, ready for their programs."""

import ast
from pathlib import Path

import pytest

import maquette.plugins
from maquette.cli import main

SHELF = Path(maquette.plugins.__file__).parent


def test_all_programs_get_a_folder_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "-o", str(tmp_path)]) == 0
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.parts[0] for path in written} == {"maya", "blender", "unity", "unreal"}
    said = capsys.readouterr().out
    for path in written:
        assert (tmp_path / path).read_bytes() == (SHELF / path).read_bytes()
        assert f"wrote {tmp_path / path}" in said
    assert not any(path.suffix == ".pyc" for path in written)


def test_one_program_goes_straight_into_the_folder(tmp_path: Path) -> None:
    """So that the folder can be the one where the program looks."""
    assert main(["plugins", "maya", "-o", str(tmp_path / "scripts")]) == 0
    names = {path.name for path in (tmp_path / "scripts").iterdir()}
    assert names >= {"maquette_maya.py", "maquette_maya_clip.py", "README.md"}


def test_without_a_folder_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins"]) == 0
    listed = capsys.readouterr().out
    assert "unity: MaquetteFigure.cs, MaquetteJson.cs" in listed
    assert "maquette_live.py" in listed
    assert main(["plugins", "unity"]) == 0
    assert "# Maquette in Unity" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["plugins", "word"])


def test_scripts_stand_alone() -> None:
    """Inside other programs there is no package of ours."""
    for script in sorted(SHELF.rglob("*.py")):
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "maquette" for name in names), script

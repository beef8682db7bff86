"""The command line as a user meets it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import maquette
from maquette.cli import COMMANDS

CHECKOUT = Path(__file__).resolve().parents[2]


def test_help_names_every_command(run) -> None:
    status, out, _ = run("--help")
    assert status == 0
    for name in COMMANDS:
        assert re.search(rf"^  {name} +\w", out, re.MULTILINE)


def test_without_a_command_help_and_status_2(run) -> None:
    status, out, _ = run()
    assert (status, "commands:" in out) == (2, True)


def test_version(run) -> None:
    assert run("--version") == (0, f"maquette {maquette.__version__}\n", "")


def test_a_near_miss_is_named(run) -> None:
    status, _, err = run("lfit")
    assert status == 2
    assert "no command 'lfit'; did you mean 'lift'?" in err


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command(run, name: str) -> None:
    status, out, _ = run(name, "--help")
    assert status == 0
    assert f"usage: maquette {name}" in out


def test_a_wrong_option_is_status_2(run, openpose_folder: Path) -> None:
    status, _, err = run("lift", openpose_folder, "--hight-m", "1.75", "-o", "x.bvh")
    assert status == 2
    assert "--height-m" in err  # the near miss is named


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_loads_nothing_heavy(name: str) -> None:
    code = (
        "import sys\nfrom maquette.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'scipy', 'onnxruntime', 'av', 'viser', 'matplotlib', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    arguments = [name, "--help"] if name else ["--help"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_import_loads_nothing_heavy() -> None:
    code = (
        "import sys, maquette\n"
        "heavy = {'torch', 'scipy', 'onnxruntime', 'av', 'viser', 'matplotlib', 'PIL', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_reference_page_is_made_from_the_commands() -> None:
    sys.path.insert(0, str(CHECKOUT / "docs"))
    try:
        from make_command_line import TARGET, page  # pyright: ignore[reportMissingImports]
    finally:
        sys.path.pop(0)
    assert TARGET.read_text(encoding="utf-8") == page(), "run: python docs/make_command_line.py"


def test_models_are_listed(run) -> None:
    status, out, _ = run("models", "--json")
    assert status == 0
    assert '"maquette-tcn27"' in out
    assert run("models")[0] == 0
    _, cards, _ = run("models", "--cards")
    assert "NSF EIA-0196217" in cards

"""Commands and Python of the README and the documentation are run, word for word."""

import re
import shlex
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import tyro
from cli_samples import write_openpose
from made_store import write_store

import maquette as mq
from maquette.cli import COMMANDS
from maquette.importers.pose_machine_correction import import_correction
from maquette.refine.correction_weights import save_correction

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
GOLDENS = CHECKOUT / "tests" / "goldens" / "ssl3d"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)

# Run elsewhere: the demo, the training, the benchmark and what reads data sets and checkpoints have tests of their own,
# view and bench are for people, and a model under runs/ or from a checkpoint is what a command before it makes. What is
# not run is at least understood.
NOT_HERE = {"demo", "train", "view", "bench", "benchmark-lifters", "prepare", "import-weights"}
MADE_BEFORE = ("--model runs/", " runs/try/", " rie-gt.onnx")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for i, match in enumerate(FENCE.finditer(page.read_text(encoding="utf-8"))):
            if match.group(1) == language:
                yield f"{page.relative_to(CHECKOUT)}:{i}", match.group(2)


TYPED = [
    (where, line.split("#")[0].strip())
    for where, block in blocks("")
    for line in block.splitlines()
    if line.startswith("maquette ") and line.split()[1] != "COMMAND"
]
COMMAND_LINES = [
    (where, line)
    for where, line in TYPED
    if line.split()[1] not in NOT_HERE and not any(made in line for made in MADE_BEFORE)
]
PYTHON = list(blocks("python"))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Path:
    """A folder with the files that the texts speak of."""
    root = tmp_path_factory.mktemp("docs")
    write_openpose(root / "openpose_json", 40)
    motion = mq.lift(mq.read_keypoints(root / "openpose_json", fps=30, image_size=(640, 480))[0])
    for name in ("walk.npz", "motion.npz"):
        mq.write_motion(motion, root / name)
    write_store(root / "h36m")
    shutil.copytree(GOLDENS / "data", root / "3dpose_ssl")
    save_correction(import_correction(GOLDENS / "model_ls64.pkl", name="correction").weights, root / "correction.npz")
    return root


def test_there_is_something_to_run() -> None:
    assert len(COMMAND_LINES) > 8
    assert len(PYTHON) >= 4
    assert all(line.split()[1] in COMMANDS for _, line in COMMAND_LINES)


@pytest.mark.parametrize(("where", "line"), COMMAND_LINES, ids=[f"{w} {c[:40]}" for w, c in COMMAND_LINES])
def test_commands(run, workplace: Path, monkeypatch, where: str, line: str) -> None:
    monkeypatch.chdir(workplace)
    status, _, err = run(*shlex.split(line)[1:])
    assert status == 0, f"{where}: {line}\n{err}"


@pytest.mark.parametrize(("where", "line"), TYPED, ids=[f"{w} {c[:40]}" for w, c in TYPED])
def test_commands_are_understood(capsys, where: str, line: str) -> None:
    _, name, *arguments = shlex.split(line)
    command = getattr(import_module(f"maquette.cli.{name.replace('-', '_')}"), COMMANDS[name][0])
    try:
        own = getattr(command, "parse", None)
        own(arguments) if own else tyro.cli(command, args=arguments)
    except (SystemExit, mq.MaquetteError) as error:
        if {"-h", "--help", "--version"} & set(arguments):
            return
        pytest.fail(f"{where}: {line}: {error} {capsys.readouterr().err}")


@pytest.mark.parametrize(("where", "code"), PYTHON, ids=[w for w, _ in PYTHON])
def test_python(workplace: Path, monkeypatch, where: str, code: str) -> None:
    monkeypatch.chdir(workplace)
    # Opening a browser is for people; everything before it runs.
    code = re.sub(r"^mq\.view\(.*$", "", code, flags=re.MULTILINE)
    names = {"mq": mq, "keypoints": mq.read_keypoints("openpose_json", fps=30, image_size=(640, 480))[0]}
    exec(compile(code, where, "exec"), names)

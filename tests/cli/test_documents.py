"""Commands and Python of the README and the documentation are run, word for word."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_samples import write_openpose

import maquette as mq
from maquette.cli import COMMANDS

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)

# Run elsewhere: the demo and the training have tests of their own, view and bench are for people, and a model under
# runs/ is what the training before it makes.
NOT_HERE = {"demo", "train", "view", "bench"}


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for i, match in enumerate(FENCE.finditer(page.read_text(encoding="utf-8"))):
            if match.group(1) == language:
                yield f"{page.relative_to(CHECKOUT)}:{i}", match.group(2)


COMMAND_LINES = [
    (where, line.split("#")[0].strip())
    for where, block in blocks("")
    for line in block.splitlines()
    if line.startswith("maquette ") and line.split()[1] not in {"COMMAND", *NOT_HERE} and "--model runs/" not in line
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


@pytest.mark.parametrize(("where", "code"), PYTHON, ids=[w for w, _ in PYTHON])
def test_python(workplace: Path, monkeypatch, where: str, code: str) -> None:
    monkeypatch.chdir(workplace)
    # Opening a browser is for people; everything before it runs.
    code = re.sub(r"^mq\.view\(.*$", "", code, flags=re.MULTILINE)
    names = {"mq": mq, "keypoints": mq.read_keypoints("openpose_json", fps=30, image_size=(640, 480))[0]}
    exec(compile(code, where, "exec"), names)

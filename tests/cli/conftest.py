"""A folder of keypoints, and a way to run the command line in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cli_samples import write_openpose

from maquette.cli import main


@pytest.fixture(scope="session")
def openpose_folder(tmp_path_factory) -> Path:
    return write_openpose(tmp_path_factory.mktemp("openpose") / "walk", 45)


@pytest.fixture
def run(capsys) -> Callable[..., tuple[int, str, str]]:
    """``run("lift", ...)`` -> (exit status, standard output, standard error)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as exit_:  # tyro leaves that way for wrong options and for --help
            status = exit_.code if isinstance(exit_.code, int) else 1
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call

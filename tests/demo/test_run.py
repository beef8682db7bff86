"""The demo from end to end, with the shipped weights."""

import math

import numpy as np
import pytest

from maquette.demo import run_demo
from maquette.errors import OutputError
from maquette.readers.motion import read_motion
from maquette.skeletons import LIFTED_21


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return run_demo(tmp_path_factory.mktemp("results") / "demo")


def test_everything_is_there(result):
    assert set(result.files) == {"clip", "npz", "bvh", "glb", "truth", "plots", "video", "picture", "report"}
    for name, path in result.files.items():
        assert path.parent == result.folder
        assert any(path.iterdir()) if name in ("clip", "plots") else path.stat().st_size > 1000, name
    assert not [path for path in result.folder.rglob(".*")]


def test_lifted_motion_is_near_the_truth(result):
    errors = result.errors
    # Far above what the shipped network reaches; a broken path (mirrored, in millimetres, tipped over) is farther off.
    assert errors.mpjpe_mm < 75
    assert errors.pa_mpjpe_mm < 50
    assert errors.world_mpjpe_mm < 120
    assert math.isfinite(errors.joint_mm.max())
    assert not np.isnan(errors.pose_mm).any()


def test_files_hold_the_motion(result):
    motion = read_motion(result.files["npz"])
    np.testing.assert_array_equal(motion.positions, result.motion.positions)
    assert motion.notes == result.motion.notes
    truth = read_motion(result.files["truth"])
    assert truth.skeleton == LIFTED_21
    assert truth.camera is not None


def test_the_mistakes_were_noticed(result):
    notes = " ".join(result.motion.notes)
    for words in ("swap", "54-58", "143"):
        assert words in notes


def test_report_shows_the_numbers(result):
    page = result.files["report"].read_text(encoding="utf-8")
    assert f"{result.errors.mpjpe_mm:.0f} mm" in page
    assert page.count("data:image/png;base64,") == 6


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match="taken"):
        run_demo(tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "a file"

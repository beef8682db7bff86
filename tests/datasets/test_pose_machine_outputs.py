"""Files of results, found by the names that the published programs give them."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.datasets.h36m_facts import ACTIONS
from maquette.datasets.pose_machine_outputs import find_results
from maquette.datasets.pose_machine_results import write_results
from maquette.errors import InputError
from maquette.lifting.min_max import PUBLISHED_16

POSES = np.random.default_rng(0).uniform(-500, 500, size=(3, 48))


@pytest.mark.parametrize(
    ("name", "action", "kind"),
    [
        ("result1_norm.csv", "Directions", "norm"),
        ("result15_unnorm.csv", "WalkTogether", "unnorm"),
        ("result_Sitting_norm.csv", "Sitting", "norm"),
        ("result3_change_unnorm.csv", "Eating", "change_unnorm"),
        ("4/RESULT_norm.csv", "Greeting", "norm"),
        ("test04/RESULT_change_unnorm.csv", "Greeting", "change_unnorm"),
        ("WalkingDog/RESULT_unnorm.csv", "WalkDog", "unnorm"),
        ("action_12/result_norm.csv", "Waiting", "norm"),
        ("refine3d_2.txt", "Discussion", "refined"),
        ("refine3d_takingphoto.txt", "Photo", "refined"),
        ("0.00015mpjp_9.txt", "Sitting", "errors"),
        ("1e-4mpjp_Smoking.txt", "Smoking", "errors"),
    ],
)
def test_names(tmp_path: Path, name: str, action: str, kind: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    (tmp_path / "readme.txt").write_text("something else")
    found = find_results(tmp_path)
    assert {key: files.paths for key, files in found.items()} == {action: {kind: path}}


@pytest.mark.parametrize("name", ["result16_norm.csv", "result0_norm.csv", "RESULT_norm.csv", "refine3d_Jumping.txt"])
def test_names_without_an_action(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(InputError, match=r"does not say which action it is of; expected a number from 1 to 15"):
        find_results(tmp_path)


def test_order_and_preference(tmp_path: Path) -> None:
    """Millimetres are taken before what has to be scaled to them; actions come in the order of the tables."""
    for number in (15, 2, 9):
        write_results(tmp_path / f"result{number}_norm.csv", np.zeros_like(POSES))
        write_results(tmp_path / f"result{number}_unnorm.csv", POSES, counted=30, digits=17)
        np.savetxt(tmp_path / f"refine3d_{number}.txt", POSES, delimiter="," if number == 2 else " ")
        # Older programs wrote five iterations.
        np.savetxt(tmp_path / f"0.00015mpjp_{number}.txt", np.arange(18).reshape(3, 6))
    found = find_results(tmp_path)
    assert list(found) == [ACTIONS[i - 1] for i in (2, 9, 15)]
    for files in found.values():
        poses = files.poses_mm(PUBLISHED_16)
        assert list(poses) == ["coarse", "refined"]
        np.testing.assert_array_equal(poses["coarse"].reshape(3, 48), POSES)
        np.testing.assert_allclose(poses["refined"].reshape(3, 48), POSES)
        errors = files.errors_mm()
        assert {stage: e.tolist() for stage, e in errors.items()} == {
            "coarse": [0, 6, 12], "corrected": [1, 7, 13], "refined": [5, 11, 17],
        }  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200), name=st.sampled_from(["result1_norm.csv", "refine3d_1.txt", "0.1mpjp_1.txt"]))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str) -> None:
    folder = tmp_path_factory.mktemp("results")
    (folder / name).write_bytes(data)
    (files,) = find_results(folder).values()
    for read in (lambda: files.poses_mm(PUBLISHED_16), files.errors_mm):
        with contextlib.suppress(InputError):
            read()


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        find_results(tmp_path / "none")
    with pytest.raises(InputError, match=r"expected resultN_norm\.csv"):
        find_results(tmp_path)
    (tmp_path / "result1_norm.csv").write_text("")
    with pytest.raises(InputError, match="is a file, expected the folder"):
        find_results(tmp_path / "result1_norm.csv")

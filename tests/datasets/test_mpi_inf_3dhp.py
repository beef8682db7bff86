"""MPI-INF-3DHP: made-up trees in the release's layouts, their numbers made by formulas written out here."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat
from scipy.spatial.transform import Rotation

from maquette.cli import main
from maquette.datasets.mpi_inf_3dhp import prepare_mpi_inf_3dhp
from maquette.datasets.mpi_inf_3dhp_files import read_calibration, read_test, read_train
from maquette.datasets.store import open_store
from maquette.errors import InputError, MaquetteError
from maquette.skeletons import MPI_INF_3DHP_17, MPI_INF_3DHP_28

FRAMES = 9
TEST_IN_28 = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]
"""The release's "relevant" joints among "all", counted from 0."""
S1_ONLY = ("S1",)


def lens(number: int) -> np.ndarray:
    return np.array([[1490.0 + number, 0, 1020 + number], [0, 1495.0 + number, 1050 - number], [0, 0, 1]])


def pose(number: int) -> tuple[np.ndarray, np.ndarray]:
    """World (Y up, mm) to camera: R, t."""
    R = Rotation.from_euler("xyz", [178, 25 * number, 3], degrees=True).as_matrix()
    return R, np.array([-100.0 + 10 * number, 1300, 4000])


def body(seed: int, joints: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform([-500, 0, -500], [500, 1800, 500], (FRAMES, joints, 3))


def write_sequence(folder: Path, seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """A training sequence; returns world positions in mm and the 2D of each camera."""
    folder.mkdir(parents=True)
    world = body(seed, 28)
    cells: dict[str, np.ndarray] = {
        name: np.empty((14, 1), dtype=object) for name in ("annot2", "annot3", "univ_annot3")
    }
    lines = ["Skeletool Camera Calibration File V1.0"]
    points = []
    for number in range(14):
        R, t = pose(number)
        K = lens(number)
        camera = np.einsum("ij,ftj->fti", R, world) + t
        homogeneous = np.einsum("ij,ftj->fti", K, camera)
        uv = homogeneous[..., :2] / homogeneous[..., 2:]
        cells["annot3"][number, 0] = camera.reshape(FRAMES, 84)
        cells["univ_annot3"][number, 0] = 0.9 * camera.reshape(FRAMES, 84)
        cells["annot2"][number, 0] = uv.reshape(FRAMES, 56)
        K4, E4 = np.eye(4), np.eye(4)
        K4[:3, :3], E4[:3, :3], E4[:3, 3] = K, R, t
        lines += [f"name          {number}", "  sensor      10 10", "  size        2048 2048", "  animated    0"]
        lines += [
            f"  {name}   {' '.join(f'{v:.7g}' for v in m.ravel())} "
            for name, m in (("intrinsic", K4), ("extrinsic", E4))
        ]
        lines.append("  radial      0")
        points.append(uv)
    savemat(folder / "annot.mat", {**cells, "frames": np.arange(FRAMES)[:, None], "cameras": np.arange(14)[None]})
    (folder / "camera.calibration").write_text("\n".join(lines) + "\n")
    return world, points


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    root = tmp_path_factory.mktemp("3dhp")
    return root, {seq: write_sequence(root / "S1" / seq, i) for i, seq in enumerate(("Seq1", "Seq2"))}


VALID = [1, 1, 0, 0, 1, 1, 1, 0, 1]
ACTIVITY = [1, 1, 1, 1, 1, 3, 3, 3, 1]


def write_test(root: Path, subject: str) -> tuple[np.ndarray, np.ndarray]:
    """A test sequence; returns positions (mm, camera) and 2D."""
    (root / subject).mkdir(parents=True)
    camera = body(int(subject[2]), 17) * [1, -1, 1] + [0, 1000, 4000]
    wide = subject in ("TS5", "TS6")
    f, cx, cy = (1683.98346, 939.8575, 560.1407) if wide else (1500.172288, 1017.38734, 1043.03198)
    uv = np.stack([f * camera[..., 0] / camera[..., 2] + cx, f * camera[..., 1] / camera[..., 2] + cy], axis=-1)
    with h5py.File(root / subject / "annot_data.mat", "w") as file:
        file["annot3"], file["annot2"] = camera[:, None], uv[:, None]
        file["univ_annot3"] = 1.1 * camera[:, None]
        file["valid_frame"] = np.array(VALID, dtype=np.float64)[:, None]
        file["activity_annotation"] = np.array(ACTIVITY, dtype=np.float64)[:, None]
        file["bb_crop"] = np.zeros((FRAMES, 34))
    return camera, uv


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    root = tmp_path_factory.mktemp("3dhp_test")
    return root, {f"TS{n}": write_test(root / "mpi_inf_3dhp_test_set", f"TS{n}") for n in range(1, 7)}


def test_training_set(train: tuple[Path, dict], tmp_path: Path) -> None:
    root, truth = train
    assert main(["prepare", "mpi-inf-3dhp", str(root), str(tmp_path / "store"), "--subjects", "S1"]) == 0
    store = open_store(tmp_path / "store")
    assert store.skeleton == MPI_INF_3DHP_28
    assert [(str(r), r.fps, r.frames) for r in store.recordings] == [("S1 Seq1", 25, FRAMES), ("S1 Seq2", 50, FRAMES)]
    for recording in store.recordings:
        world, points = truth[recording.action]
        np.testing.assert_allclose(store.positions_world_m(recording), world / 1000, atol=2e-5)
        assert [view.camera_name for view in recording.views] == ["0", "1", "2", "4", "5", "6", "7", "8"]
        for view in recording.views:
            seen = points[int(view.camera_name)]
            np.testing.assert_allclose(store.keypoints_px(recording, view, "gt"), seen, rtol=1e-6, atol=1e-3)
            np.testing.assert_allclose(view.camera.project_world(store.positions_world_m(recording)), seen, atol=0.02)
            assert view.camera.image_size == (2048, 2048)
    assert any(re.search(r"on annot2 within \S+e-1\d px", note) for note in store.notes)


def test_joints_of_the_test_set_and_all_cameras(train: tuple[Path, dict], tmp_path: Path) -> None:
    root, truth = train
    store = prepare_mpi_inf_3dhp(root, tmp_path / "store", subjects=S1_ONLY, joints=17, all_cameras=True)
    assert store.skeleton == MPI_INF_3DHP_17
    recording = store.recordings[0]
    assert len(recording.views) == 14
    world, points = truth["Seq1"]
    np.testing.assert_allclose(store.positions_world_m(recording), world[:, TEST_IN_28] / 1000, atol=2e-5)
    last = store.keypoints_px(recording, recording.views[13], "gt")
    np.testing.assert_allclose(last, points[13][:, TEST_IN_28], rtol=1e-6, atol=1e-3)


def test_universal_positions_are_of_each_camera(train: tuple[Path, dict], tmp_path: Path) -> None:
    root, truth = train
    store = prepare_mpi_inf_3dhp(root, tmp_path / "store", subjects=S1_ONLY, universal=True)
    assert len(store.recordings) == 16
    recording = next(r for r in store.recordings if r.action == "Seq2 camera5")
    R, t = pose(5)
    expected = 0.9 * (np.einsum("ij,ftj->fti", R, truth["Seq2"][0]) + t) / 1000
    np.testing.assert_allclose(store.positions_camera_m(recording, recording.views[0]), expected, atol=2e-5)


def test_test_set_in_runs_of_valid_frames(held_out: tuple[Path, dict], tmp_path: Path) -> None:
    root, truth = held_out
    store = prepare_mpi_inf_3dhp(root, tmp_path / "store")
    assert store.skeleton == MPI_INF_3DHP_17
    for subject, (camera, points) in truth.items():
        mine = {r.action: r for r in store.recordings if r.subject == subject}
        runs = {
            "Standing/Walking 1": slice(0, 2), "Standing/Walking 2": slice(4, 5), "Sitting 1": slice(5, 7),
            "Standing/Walking 3": slice(8, 9),
        }  # fmt: skip
        assert list(mine) == list(runs)
        for action, frames in runs.items():
            recording = mine[action]
            view = recording.views[0]
            np.testing.assert_allclose(store.positions_camera_m(recording, view), camera[frames] / 1000, atol=1e-12)
            np.testing.assert_allclose(store.keypoints_px(recording, view, "gt"), points[frames], rtol=1e-6)
            # Focal lengths and centres of the release, in pixels by hand.
            projected = view.camera.project(camera[frames] / 1000)
            np.testing.assert_allclose(projected, points[frames], atol=0.02)
            assert view.camera.image_size == ((1920, 1080) if subject in ("TS5", "TS6") else (2048, 2048))
    assert any("TS1: 3 frames that are not valid left out" in note for note in store.notes)


def test_all_frames_and_universal_of_the_test_set(held_out: tuple[Path, dict], tmp_path: Path) -> None:
    root, truth = held_out
    store = prepare_mpi_inf_3dhp(root, tmp_path / "store", subjects=("TS2",), all_frames=True, universal=True)
    assert [(r.action, r.frames) for r in store.recordings] == [
        ("Standing/Walking 1", 5), ("Sitting 1", 3), ("Standing/Walking 2", 1),
    ]  # fmt: skip
    whole = np.concatenate([store.positions_world_m(r) for r in store.recordings])
    np.testing.assert_allclose(whole, 1.1 * truth["TS2"][0] / 1000, atol=1e-12)


def test_all_missing_and_damaged_files_are_named(train: tuple[Path, dict], tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "S1").symlink_to(train[0] / "S1")
    (whole / "S8" / "Seq1").mkdir(parents=True)
    with pytest.raises(InputError, match=r"--subjects S1\): 28 problems:(?s:.*)S2/Seq1/annot\.mat is missing"):
        prepare_mpi_inf_3dhp(whole, tmp_path / "store")
    broken = tmp_path / "broken"
    write_sequence(broken / "S1" / "Seq1", 1)
    write_sequence(broken / "S1" / "Seq2", 2)
    (broken / "S1" / "Seq1" / "annot.mat").write_bytes((broken / "S1" / "Seq1" / "annot.mat").read_bytes()[:3000])
    calibration = broken / "S1" / "Seq2" / "camera.calibration"
    text = calibration.read_text()
    calibration.write_text(text.replace("name          13", "name          99").replace("2048 2048", "2048", 1))
    with pytest.raises(InputError) as error:
        prepare_mpi_inf_3dhp(broken, tmp_path / "store", subjects=S1_ONLY)
    for part in ("Seq1/annot.mat: is damaged", "camera 0: 'size' has 1 numbers", "no camera 13"):
        assert part in str(error.value)
    calibration.write_text(
        text.replace("name          1\n", "name          77\n")
        .replace("name          0\n", "name          1\n")
        .replace("name          77\n", "name          0\n")
    )
    write_sequence(broken / "again" / "Seq1", 1)
    (broken / "S1" / "Seq1" / "annot.mat").write_bytes((broken / "again" / "Seq1" / "annot.mat").read_bytes())
    with pytest.raises(InputError, match="is it the calibration of this sequence"):
        prepare_mpi_inf_3dhp(broken, tmp_path / "store", subjects=S1_ONLY)


def test_damaged_test_files(tmp_path: Path) -> None:
    write_test(tmp_path, "TS1")
    path = tmp_path / "TS1" / "annot_data.mat"
    with h5py.File(path, "a") as file:
        del file["valid_frame"]
        del file["annot2"]
        file["annot2"] = np.zeros((FRAMES, 17, 2))
    with pytest.raises(
        InputError, match=r"2 problems:(?s:.*)'annot2' has shape \(9, 17, 2\)(?s:.*)'valid_frame' is missing"
    ):
        prepare_mpi_inf_3dhp(tmp_path, tmp_path / "store", subjects=("TS1",))
    path.write_bytes(b"MATLAB 7.3")
    with pytest.raises(InputError, match="is no HDF5 file, or damaged"):
        prepare_mpi_inf_3dhp(tmp_path, tmp_path / "store", subjects=("TS1",))


def test_wrong_use(train: tuple[Path, dict], held_out: tuple[Path, dict], tmp_path: Path) -> None:
    options: dict[str, Any]
    for options, text in (
        ({"subjects": ("S9",)}, "--subjects S9: expected some of S1 S2"),
        ({"joints": 16}, "--joints 16: expected 28 or 17"),
        ({"subjects": ("S1", "TS1")}, "the test set has 17 joints, the training set 28"),
    ):
        with pytest.raises(InputError, match=text):
            prepare_mpi_inf_3dhp(train[0], tmp_path / "store", **options)
    with pytest.raises(InputError, match=r"none of the folders S1 \.\.\. S8"):
        prepare_mpi_inf_3dhp(tmp_path, tmp_path / "store")


READERS: dict[str, Callable[[Path], object]] = {
    "annot.mat": lambda path: read_train(path, (0, 13), universal=False),
    "camera.calibration": read_calibration,
    "annot_data.mat": lambda path: read_test(path, universal=True),
}


@pytest.mark.parametrize("name", ["annot.mat", "camera.calibration", "annot_data.mat"])
@settings(max_examples=30)
@given(data=st.data())
def test_any_damage_is_read_or_said(tmp_path_factory: pytest.TempPathFactory, train, held_out, name: str, data) -> None:
    folder = train[0] / "S1" / "Seq1" if name != "annot_data.mat" else held_out[0] / "mpi_inf_3dhp_test_set" / "TS3"
    sound = folder / name
    content = bytearray(sound.read_bytes())
    for _ in range(data.draw(st.integers(0, 5))):
        place = data.draw(st.integers(0, len(content) - 1) | st.integers(0, min(len(content), 3000) - 1))
        content[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    path = tmp_path_factory.mktemp("damaged") / sound.name
    path.write_bytes(content)
    said = str(path)
    try:
        READERS[name](path)
    except MaquetteError as error:
        said = str(error)
    assert str(path) in said

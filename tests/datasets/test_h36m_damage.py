"""Damaged files of Human3.6M: a sentence with the file, what was seen and what was expected; all of them at once."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_h36m import (
    hourglass_px,
    positions_mm,
    write_archives,
    write_cameras_h5,
    write_cdf,
    write_h5,
    write_martinez,
    write_metadata_xml,
    write_points,
    write_release,
)
from scipy.io import savemat

from maquette.datasets.h36m import prepare_h36m
from maquette.datasets.h36m_archives import read_points_archive, read_positions_archive
from maquette.datasets.h36m_cameras import read_cameras_h5, read_metadata_xml
from maquette.datasets.h36m_numbers import read_hourglass_px, read_positions_m
from maquette.errors import InputError, MaquetteError

READERS: dict[str, Callable[[Path], object]] = {
    "take.h5": read_positions_m,
    "take.cdf": read_positions_m,
    "take.cdf.mat": read_positions_m,
    "hourglass.h5": read_hourglass_px,
    "cameras.h5": lambda path: read_cameras_h5(path, ["S1"]),
    "metadata.xml": lambda path: read_metadata_xml(path, ["S1"]),
    "data_3d_h36m.npz": lambda path: read_positions_archive(path, ["S1"]),
    "data_2d_h36m_sh_pt_mpii.npz": lambda path: read_points_archive(path, ["S1"]),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of each kind that can be read."""
    folder = tmp_path_factory.mktemp("sound")
    flat = positions_mm("S1", "Walking").reshape(-1, 96)
    write_h5(folder / "take.h5", "3D_positions", flat.T)
    write_cdf(folder / "take.cdf", flat)
    savemat(folder / "take.cdf.mat", {"data": flat})
    write_h5(folder / "hourglass.h5", "poses", hourglass_px("S1", "Walking", "58860488"))
    write_cameras_h5(folder / "cameras.h5", ["S1"])
    write_metadata_xml(folder / "metadata.xml", ["S1"])
    write_archives(folder, ["S1"])
    for name, read in READERS.items():
        read(folder / name)
    return folder


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=40)
@given(data=st.data())
def test_any_damage_is_read_or_said(sound: Path, tmp_path_factory: pytest.TempPathFactory, name: str, data) -> None:
    content = bytearray((sound / name).read_bytes())
    for _ in range(data.draw(st.integers(0, 5))):
        place = data.draw(st.integers(0, len(content) - 1) | st.integers(0, min(len(content), 3000) - 1))
        content[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(content)
    said = str(path)
    try:
        READERS[name](path)
    except MaquetteError as error:
        said = str(error)
    assert str(path) in said


def error_of(name: str, path: Path) -> str:
    with pytest.raises(InputError) as caught:
        READERS[name](path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["take.h5", "take.cdf", "hourglass.h5", "cameras.h5"])
def test_cut_short(sound: Path, tmp_path: Path, name: str) -> None:
    content = (sound / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    assert "damaged" in error_of(name, tmp_path / name)
    (tmp_path / name).write_bytes(b"")
    error_of(name, tmp_path / name)


def test_wrong_arrays_in_a_take(tmp_path: Path) -> None:
    flat = positions_mm("S1", "Walking").reshape(-1, 96)
    path = tmp_path / "take.h5"
    write_h5(path, "3D_positions", flat)
    assert "float64 of shape (5, 96), expected numbers of shape (96, frames)" in error_of("take.h5", path)
    write_h5(path, "2D_positions", flat.T)
    assert "no dataset '3D_positions'; it holds '2D_positions'" in error_of("take.h5", path)
    write_h5(path, "3D_positions/group", flat)
    assert "'3D_positions' is a group of shape None" in error_of("take.h5", path)
    write_h5(path, "3D_positions", flat.T / 1000)
    assert "expected millimetres, not metres" in error_of("take.h5", path)
    flat[3, 7] = np.nan
    write_h5(path, "3D_positions", flat.T)
    assert "1 of 5 frames hold numbers that are not finite, first frame 3" in error_of("take.h5", path)
    with h5py.File(path, "w") as file:
        file.create_dataset("3D_positions", shape=(96, 10**12), chunks=(96, 1), dtype="f4")
    assert "of shape (96, 1000000000000), expected" in error_of("take.h5", path)
    write_cdf(tmp_path / "take.cdf", flat[:, :90])
    assert "'Pose' has shape (1, 5, 90)" in error_of("take.cdf", tmp_path / "take.cdf")
    savemat(tmp_path / "take.cdf.mat", {"data": flat[:, :90]})
    assert "'data' has shape (5, 90), expected (frames, 96)" in error_of("take.cdf.mat", tmp_path / "take.cdf.mat")
    savemat(tmp_path / "take.cdf.mat", {"pose": flat})
    assert "'data' is a NoneType, expected a cell" in error_of("take.cdf.mat", tmp_path / "take.cdf.mat")
    write_h5(tmp_path / "hourglass.h5", "poses", np.zeros((5, 17, 2)))
    text = error_of("hourglass.h5", tmp_path / "hourglass.h5")
    assert "float64 of shape (5, 17, 2), expected numbers of shape (frames, 16, 2)" in text
    write_h5(tmp_path / "hourglass.h5", "poses", np.full((5, 16, 2), np.inf))
    assert "not finite" in error_of("hourglass.h5", tmp_path / "hourglass.h5")


def test_wrong_cameras(tmp_path: Path) -> None:
    path = tmp_path / "cameras.h5"
    write_cameras_h5(path, ["S1"])
    with h5py.File(path, "a") as file:

        def change(name: str, value) -> None:
            dataset = file[name]
            assert isinstance(dataset, h5py.Dataset)
            dataset[...] = value

        del file["subject1/camera1/R"]
        change("subject1/camera2/R", 2 * np.eye(3))
        change("subject1/camera3/Name", ord("7"))
        change("subject1/camera4/T", np.nan)
    text = error_of("cameras.h5", path)
    assert "subject1/camera1/R is missing" in text
    assert "subject1/camera2: camera: R_camera_world is not a 3x3 rotation matrix" in text
    assert "subject1/camera3: the camera is called '77777777', expected '58860488'" in text
    assert "subject1/camera4/T holds numbers that are not finite" in text
    path = tmp_path / "metadata.xml"
    write_metadata_xml(path, ["S1"])
    content = path.read_text()
    for wrong, said in (
        (content.replace("w0", "w1"), "expected an element 'w0' with 300 numbers in brackets, saw 0"),
        (content.replace("[", "[1.5 "), "saw 301"),
        (content.replace("[", "[nine "), "could not convert"),
        (content.replace("1145.0494384765625", "nan"), "not finite"),
        (content.replace("1145.0494384765625", "-3"), "camera 54138969: camera: focal_px"),
        (content.replace("</dbdata>", ""), "is damaged"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + content, "declares a document type"),
    ):
        path.write_text(wrong)
        assert said in error_of("metadata.xml", path)


def test_wrong_archives(tmp_path: Path) -> None:
    path = tmp_path / "data_3d_h36m.npz"
    good = np.ones((5, 32, 3), np.float32)
    takes = {
        "Directions": good[:, :17],
        "Eating": good.astype(int),
        "Posing": good * np.nan,
        "Sitting": good * 2000,
        "Smoking": "a film",
        "Walking": good,
    }
    np.savez(path, positions_3d=np.array({"S1": takes}, dtype=object))
    text = error_of(path.name, path)
    for line in (
        "S1 Directions: has shape (5, 17, 3), expected (frames, 32, 3)",
        "S1 Eating: is an array of int64, expected an array of float32",
        "S1 Posing: holds numbers that are not finite",
        "S1 Sitting: the largest coordinate is 2e+03; expected metres",
        "S1 Smoking: is a str, expected an array of float32",
    ):
        assert line in text
    assert "Walking" not in text
    np.savez(path, positions_3d=np.array([Path("x")], dtype=object))
    assert "refused" in error_of(path.name, path)
    np.savez(path, positions_3d=np.array(["S1"], dtype=object))
    assert "expected subject -> action -> arrays" in error_of(path.name, path)
    np.savez(path, positions_2d=good)
    assert "'positions_3d' is damaged" in error_of(path.name, path)
    path = tmp_path / "data_2d_h36m_sh_pt_mpii.npz"
    points = [np.ones((5, 16, 2), np.float32)] * 4
    write_points(path, {"S1": {"Walking": points, "Sitting": [*points[1:], points[0][:, :14]]}}, {})
    assert "arrays of different shapes (joints, channels): [(14, 2), (16, 2)]" in error_of(path.name, path)
    write_points(path, {"S1": {"Walking": points}}, {})
    assert "its 16 joints have no layout name that is known" in error_of(path.name, path)


def test_all_damaged_files_are_named(tmp_path: Path) -> None:
    root = tmp_path / "h36m"
    write_martinez(root, ["S1", "S5"])
    (root / "S1/MyPoses/3D_positions/Sitting 1.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(90))
    write_h5(root / "S5/MyPoses/3D_positions/Directions.h5", "3D_positions", np.full((96, 5), np.nan))
    write_h5(root / "S5/StackedHourglass/Sitting_2.58860488.h5", "poses", np.zeros((4, 16, 2)))
    write_h5(root / "S5/StackedHourglass/SittingDown.58860488.h5", "pose", np.zeros((4, 16, 2)))
    (root / "data_2d_h36m_cpn.npz").write_bytes(b"PK")
    with pytest.raises(InputError) as caught:
        prepare_h36m(root, tmp_path / "store", subjects=["S1", "S5"])
    text = str(caught.value)
    for part in (
        "5 problems",
        "S1/MyPoses/3D_positions/Sitting 1.h5: is no HDF5 file, or damaged",
        "S5/MyPoses/3D_positions/Directions.h5: 5 of 5 frames",
        "S5/StackedHourglass/Sitting_2.58860488.h5: 4 frames, but the 3D has 5",
        "S5/StackedHourglass/SittingDown.58860488.h5: no dataset 'poses'; it holds 'pose'",
        "data_2d_h36m_cpn.npz: array 'positions_2d' is damaged",
    ):
        assert part in text, part
    assert [path.name for path in tmp_path.iterdir()] == ["h36m"]


def test_a_take_that_cannot_be_read_at_all(tmp_path: Path) -> None:
    write_release(tmp_path / "h36m", ["S1"])
    folder = tmp_path / "h36m" / "S1" / "MyPoseFeatures" / "D3_Positions"
    (folder / "Sitting 1.cdf").unlink()
    (folder / "Sitting 1.cdf").symlink_to(folder / "gone.cdf")
    with pytest.raises(InputError, match=r"Sitting 1\.cdf: is no CDF file, or damaged"):
        prepare_h36m(tmp_path / "h36m", tmp_path / "store", subjects=["S1"])

"""Damaged files of people in pictures: a result or a Maquette error, never anything else."""

import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import savemat

from maquette.datasets.picture_3dhp import mpi_inf_3dhp_pictures
from maquette.datasets.picture_h36m import h36m_pictures
from maquette.datasets.picture_h36m_v2 import h36m_v2_pictures
from maquette.datasets.picture_people import read_picture
from maquette.datasets.picture_table import open_picture_table
from maquette.errors import MaquetteError

NAME = "s_01_act_02_subact_01_ca_01"
DAMAGE = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=20)
FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _image(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (24, 20), (9, 9, 9)).save(path)


def _h36m_list(root: Path) -> Path:
    _image(root / NAME / f"{NAME}_000001.jpg")
    with h5py.File(root / "annotFullTest.h5", "w") as file:
        for name in ("id", "subject", "camera", "subaction"):
            file[name] = np.ones(3)
        file["action"] = np.full(3, 2.0)
        file["joint_2d"], file["joint_3d_mono"] = np.ones((3, 16, 2)), np.ones((3, 16, 3))
    return root / "annotFullTest.h5"


def _h36m_take(root: Path) -> Path:
    _image(root / NAME / f"{NAME}_000001.jpg")
    savemat(root / NAME / "matlab_meta.mat", {"Y2d": np.ones((34, 5)), "Y3d_mono": np.ones((51, 5))})
    return root / NAME / "matlab_meta.mat"


def _cut_list(root: Path) -> Path:
    _image(root / "1_1.png")
    with h5py.File(root / "annotTest.h5", "w") as file:
        for name in ("TSId", "data_id", "valid_frame", "activity_annotation"):
            file[name] = np.ones(2)
        file["univ_annot3"], file["annot_2d"] = np.ones((2, 17, 3)), np.ones((2, 17, 2))
        file["bbox"] = np.ones((2, 4))
    return root / "annotTest.h5"


def _pickled(root: Path) -> Path:
    joints = np.ones((17, 3), dtype=np.float32)
    box = dict.fromkeys(("center_x", "center_y", "width", "height"), 2.5)
    path = root / "train.pkl"
    path.write_bytes(pickle.dumps([{"joints_3d": joints, "joints_3d_relative": joints, **box}] * 2))
    return path


def _table(root: Path) -> Path:
    _h36m_take(root)
    h36m_pictures(root).write(root)
    return root / "pictures.npz"


def _listing(root: Path) -> Path:
    return _table(root).with_name("pictures.json")


def _jpeg(root: Path) -> Path:
    path = root / "picture.jpg"
    _image(path)
    return path


KINDS: dict[str, tuple[Callable[[Path], Path], Callable[[Path, Path], object]]] = {
    "list of Human3.6M": (_h36m_list, lambda root, path: h36m_pictures(root)),
    "take of Human3.6M": (_h36m_take, lambda root, path: h36m_pictures(root)),
    "list of the second version": (_pickled, lambda root, path: h36m_v2_pictures(path)),
    "list of MPI-INF-3DHP": (_cut_list, lambda root, path: mpi_inf_3dhp_pictures(root)),
    "prepared arrays": (_table, lambda root, path: open_picture_table(root)),
    "prepared listing": (_listing, lambda root, path: open_picture_table(root)),
    "picture": (_jpeg, lambda root, path: read_picture(path)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_told(tmp_path: Path, kind: str) -> None:
    make, read = KINDS[kind]
    path = make(tmp_path)
    whole = path.read_bytes()
    read(tmp_path, path)

    @FEW
    @given(DAMAGE, st.floats(0.3, 1))
    def damaged(changes: list[tuple[float, int]], kept: float) -> None:
        data = bytearray(whole[: int(len(whole) * kept)] if kept < 0.5 else whole)
        for place, value in changes:
            data[min(int(place * len(data)), len(data) - 1)] = value
        path.write_bytes(data)
        with suppress(MaquetteError):
            read(tmp_path, path)

    damaged()

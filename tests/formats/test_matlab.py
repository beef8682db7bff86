"""MATLAB files against SciPy's writer and reader, and against damage."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import loadmat, savemat

from maquette.errors import InputError, MaquetteError
from maquette.formats.matlab import read_mat


def cell(*values: object) -> np.ndarray:
    boxed = np.empty((1, len(values)), dtype=object)
    for i, value in enumerate(values):
        boxed[0, i] = value
    return boxed


RNG = np.random.default_rng(0)
MADE = {
    "double": RNG.normal(size=(5, 7)),
    "single": RNG.normal(size=(3, 4, 2)).astype(np.float32),
    "whole": np.arange(12, dtype=np.float64).reshape(3, 4),
    **{kind: np.array([[1, 2, 100]], dtype=kind) for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")},
    "text": "Walking 1",
    "empty": np.empty((0, 0)),
    "poses": cell(RNG.normal(size=(4, 96)), np.empty((0, 0)), "S1", cell(np.eye(2))),
    "numbers": {
        **{f"n_{kind}": np.array([[7]], dtype=kind) for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4")},
        **{f"double_{i}": np.array([[value]]) for i, value in enumerate((0.0, -3.0, 300.0, 70000.0, 0.25, np.inf))},
        "logical": np.array([[True]]),
        "letter": "x",
        "column": np.array([[1.0], [2.0]]),
    },
    "take": {"subject": "S9", "points": RNG.normal(size=(6, 34))},
}


def same(ours: object, theirs: object) -> None:
    """``theirs``: as loadmat gives it, structures simplified."""
    if isinstance(ours, dict):
        assert isinstance(theirs, dict)
        assert ours.keys() == theirs.keys()
        for name, value in ours.items():
            same(value, theirs[name])
    elif isinstance(ours, np.ndarray) and ours.dtype == object:
        assert isinstance(theirs, np.ndarray)
        assert ours.shape == theirs.shape
        for one, other in zip(ours.ravel(), theirs.ravel(), strict=True):
            same(one, other)
    elif isinstance(ours, str):
        assert isinstance(theirs, np.ndarray)
        assert ours == str(theirs.ravel()[0])
    else:
        assert isinstance(ours, np.ndarray)
        assert isinstance(theirs, np.ndarray)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def plain(value: object) -> object:
    """loadmat's structures as dicts."""
    if isinstance(value, np.ndarray) and value.dtype.names:
        return {name: plain(value[name][0, 0]) for name in value.dtype.names}
    if isinstance(value, np.ndarray) and value.dtype == object:
        return cell(*(plain(part) for part in value.ravel())).reshape(value.shape)
    return value


@pytest.mark.parametrize("compressed", [False, True])
def test_everything_comes_back_as_scipy_reads_it(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "made.mat"
    savemat(path, MADE, do_compression=compressed)
    theirs = loadmat(path)
    ours = read_mat(path)
    assert ours.keys() == MADE.keys()
    for name, value in ours.items():
        same(value, plain(theirs[name]))
    np.testing.assert_array_equal(ours["double"], MADE["double"])
    assert ours["take"]["subject"] == "S9"
    assert read_mat(path, ("single", "nothing")).keys() == {"single"}


def test_big_endian_files(tmp_path: Path) -> None:
    """By hand: one matrix [1 2] of doubles named a."""
    import struct

    body = struct.pack(">IIII", 6, 8, 6, 0) + struct.pack(">IIii", 5, 8, 1, 2)
    body += struct.pack(">HH", 1, 1) + b"a\0\0\0" + struct.pack(">IIdd", 9, 16, 1.0, 2.0)
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    (tmp_path / "big.mat").write_bytes(header + struct.pack(">II", 14, len(body)) + body)
    np.testing.assert_array_equal(read_mat(tmp_path / "big.mat")["a"], [[1.0, 2.0]])
    np.testing.assert_array_equal(loadmat(tmp_path / "big.mat")["a"], [[1.0, 2.0]])


def test_what_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    savemat(path, {"z": np.array([[1 + 2j]])})
    with pytest.raises(InputError, match="'z' is complex or of class 6, which is not read"):
        read_mat(path)
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
    with pytest.raises(InputError, match=r"version 7\.3, expected version 5 to 7"):
        read_mat(path)
    path.write_bytes(b"not at all")
    with pytest.raises(InputError, match="no MATLAB file"):
        read_mat(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_mat(tmp_path / "gone.mat")


@pytest.mark.parametrize("compressed", [False, True])
@settings(max_examples=150)
@given(data=st.data())
def test_any_damage_is_read_or_said(tmp_path_factory: pytest.TempPathFactory, compressed: bool, data) -> None:
    path = tmp_path_factory.mktemp("mat") / "made.mat"
    savemat(path, MADE, do_compression=compressed)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))])
    said = str(path)
    try:
        read_mat(path)
    except MaquetteError as error:
        said = str(error)
    assert str(path) in said

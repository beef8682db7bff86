"""Pickles: what NumPy writes is read, everything else is refused without being run."""

import collections
import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from maquette.errors import InputError
from maquette.formats.npz import read_array
from maquette.formats.restricted_pickle import load_pickle

CONTENT = {
    "plain": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "big_endian": np.arange(4, dtype=">i4"),
    "bool": np.array([True, False]),
    "text": np.array(["a", "bc"]),
    "empty": np.zeros((0, 17, 2)),
    "number": np.float32(1.5),
    "nested": {"list": [1, 2.5, None, "x"], "tuple": (True, b"bytes")},
}


@pytest.mark.parametrize("protocol", range(6))
def test_what_numpy_writes(protocol: int) -> None:
    boxed = np.empty((2,), dtype=object)
    boxed[:] = [CONTENT["plain"], {"k": 1}]
    loaded = load_pickle(pickle.dumps({**CONTENT, "boxed": boxed}, protocol=protocol), "file")
    for name, value in CONTENT.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(loaded[name], value)
            assert loaded[name].dtype == value.dtype
    assert loaded["number"] == 1.5
    assert loaded["nested"] == CONTENT["nested"]
    np.testing.assert_array_equal(loaded["boxed"][0], CONTENT["plain"])


def test_module_names_of_both_numpy_versions() -> None:
    data = pickle.dumps(np.arange(3.0), protocol=2)
    for old, new in ((b"numpy._core.multiarray", b"numpy.core.multiarray"), (b"numpy.core.mul", b"numpy._core.mul")):
        np.testing.assert_array_equal(load_pickle(data.replace(old, new), "file"), np.arange(3.0))


class Runs:
    def __init__(self, function, *arguments) -> None:
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "value",
    [
        Runs(os.system, "echo run > ran.txt"),
        Runs(eval, "open('ran.txt', 'w')"),
        Runs(getattr, "text", "upper"),
        Runs(np.fromfile, "ran.txt"),
        Path("x"),
        collections.Counter("aab"),
        Runs(np.zeros, (10**10,)),
    ],
    ids=["system", "eval", "getattr", "fromfile", "path", "counter", "zeros"],
)
def test_everything_else_is_refused(value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="refused"):
        load_pickle(pickle.dumps(value), "file")
    assert not list(tmp_path.iterdir())


def test_lies_about_size_take_no_memory() -> None:
    honest = pickle.dumps(np.arange(3, dtype=np.uint8), protocol=2)
    shape = honest.index(b"K\x03\x85")
    for lie in (b"J\xff\xff\xff\x7f\x85", b"J\xff\xff\xff\xff\x85"):
        with pytest.raises(InputError):
            load_pickle(honest[:shape] + lie + honest[shape + 3 :], "file")
    with pytest.raises(InputError):  # a memo index that would reserve gigabytes
        load_pickle(b"\x80\x02]r\xff\xff\xff\x7f.", "file")
    with pytest.raises(InputError):  # a text that claims more bytes than there are
        load_pickle(b"\x80\x04\x8d" + struct.pack("<Q", 1 << 40) + b"abc.", "file")


def test_self_reference_and_multiplied_references_end() -> None:
    own: list = []
    own.append(own)
    with pytest.raises(InputError, match="contain themselves"):
        load_pickle(pickle.dumps(own), "file")
    laughs: list = ["ha"]
    for _ in range(30):
        laughs = [laughs] * 10
    assert isinstance(load_pickle(pickle.dumps(laughs), "file"), list)


def test_npz_that_claims_a_huge_array() -> None:
    stream = io.BytesIO()
    np.savez(stream, points=np.zeros(3))
    data = stream.getvalue().replace(b"'shape': (3,), }       ", b"'shape': (999999999,), }")
    assert len(data) != len(stream.getvalue()) or data != stream.getvalue()
    with pytest.raises(InputError):
        read_array(data, "points", "file")


def test_npz_pickles_only_where_allowed() -> None:
    stream = io.BytesIO()
    np.savez(stream, a=np.array({"x": 1}, dtype=object))
    assert read_array(stream.getvalue(), "a", "file", allow_objects=True) == {"x": 1}
    with pytest.raises(InputError, match="pickled"):
        read_array(stream.getvalue(), "a", "file")

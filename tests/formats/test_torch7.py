"""Torch7's files: every type, references, views; and no file that is read as more than it holds."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_torch7 import Lua, Storage, Thing, Torch7Writer, View, listed

from maquette.errors import InputError, MaquetteError
from maquette.formats.torch7 import Table, Torch7Object, Torch7Storage, Torch7Tensor, read_torch7


def written(tmp_path, value):
    path = tmp_path / "a.t7"
    path.write_bytes(Torch7Writer().dump(value))
    return path


def read(tmp_path, value):
    return read_torch7(written(tmp_path, value))


def test_plain_values(tmp_path) -> None:
    table = Lua({1: 2.5, 2: True, "text": "Größe", 3: None, "whole": 7, 4.5: -1})
    found = read(tmp_path, table)
    assert found.entries == {1: 2.5, 2: True, "text": "Größe", 3: None, "whole": 7, 4.5: -1}
    assert isinstance(found.get("whole"), int)
    assert found.sequence() == [2.5, True]
    for value in (None, 1.25, "word", False):
        assert read(tmp_path, value) == value


def test_bytes_by_hand(tmp_path) -> None:
    """As the documentation of the format lays them out: an object with a table of one field."""
    words = struct.pack("<iii", 4, 1, 3) + b"V 1" + struct.pack("<i", 7) + b"nn.ReLU" + struct.pack("<iii", 3, 2, 1)
    words += struct.pack("<ii", 2, 5) + b"train" + struct.pack("<ii", 5, 1)
    (tmp_path / "a.t7").write_bytes(words)
    found = read_torch7(tmp_path / "a.t7")
    assert isinstance(found, Torch7Object)
    assert (found.class_name, found.get("train"), found.get("other")) == ("nn.ReLU", True, None)
    # Files from before there were versions begin with the class.
    (tmp_path / "b.t7").write_bytes(words[:8] + words[15:])
    assert read_torch7(tmp_path / "b.t7").class_name == "nn.ReLU"


def test_tensors_are_views_of_one_storage(tmp_path) -> None:
    storage = Storage("torch.CudaStorage", np.arange(12, dtype=np.float32))
    rows = View("torch.CudaTensor", (2, 3), (3, 1), 2, storage)
    columns = View("torch.CudaTensor", (3, 2), (1, 3), 6, storage)
    nothing = View("torch.CudaTensor", (), (), 0, None)
    found = read(tmp_path, listed([rows, columns, nothing, storage]))
    one, two, three, four = found.sequence()
    np.testing.assert_array_equal(one.array(), [[2, 3, 4], [5, 6, 7]])
    np.testing.assert_array_equal(two.array(), [[6, 9], [7, 10], [8, 11]])
    assert three.array().size == 0
    assert one.storage is two.storage is four
    assert isinstance(four, Torch7Storage)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("torch.DoubleStorage", "<f8"),
        ("torch.FloatStorage", "<f4"),
        ("torch.LongStorage", "<i8"),
        ("torch.CudaHalfStorage", "<f2"),
        ("torch.ByteStorage", "u1"),
    ],
)
def test_kinds_of_numbers(tmp_path, name: str, dtype: str) -> None:
    values = np.array([1, 2, 3], dtype)
    found = read(tmp_path, View(name.replace("Storage", "Tensor"), (3,), (1,), 0, Storage(name, values))).array()
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found, values)


def test_graphs_and_keys_that_are_objects(tmp_path) -> None:
    node, other = Thing("graph.Node"), Thing("graph.Node")
    node.fields["children"] = Lua({1: other, other: 1})
    other.fields["children"] = Lua({1: node, node: 1})
    found = read(tmp_path, node)
    child = found.get("children").get(1)
    assert child.get("children").get(1) is found
    assert found.get("children").get(child) == 1


def test_deep_within_each_other(tmp_path) -> None:
    """A graph of many layers: no recursion."""
    value = Lua()
    for _ in range(5000):
        value = Lua({1: value})
    found, depth = read(tmp_path, value), 0
    while isinstance(found, Table):
        found, depth = found.get(1), depth + 1
    assert depth == 5001


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "no file of Torch7, or a damaged one"),
        (struct.pack("<i", 9), "a value of type 9"),
        (struct.pack("<ii", 6, 10), "a function of Lua, which is not read"),
        (struct.pack("<iii", 8, 1, 10), "a function of Lua"),
        (struct.pack("<iii", 3, 1, 2**31 - 1), "a table of 2147483647 entries reaches beyond the end"),
        (struct.pack("<iii", 3, 1, -1), "a table of -1 entries"),
        (struct.pack("<ii", 2, 2**31 - 1), "a text of 2147483647 characters"),
        (struct.pack("<iiiiid", 3, 1, 1, 0, 1, 2.0), "a table with the key None"),
        (
            struct.pack("<iiidid", 3, 1, 1, float("nan"), 1, 2.0)[:12] + struct.pack("<idid", 1, float("nan"), 1, 2),
            "nan",
        ),
        (b"4\n1\n3\nV 1\n", r"in its ascii form; save it again in Torch7"),
    ],
)
def test_damage_is_named(tmp_path, data: bytes, text: str) -> None:
    (tmp_path / "a.t7").write_bytes(data)
    with pytest.raises(InputError, match=text):
        read_torch7(tmp_path / "a.t7")


def test_a_storage_that_the_file_does_not_fill(tmp_path) -> None:
    data = bytearray(Torch7Writer().dump(Storage("torch.FloatStorage", np.zeros(4, np.float32))))
    at = data.index(struct.pack("<q", 4))
    data[at : at + 8] = struct.pack("<q", 2**60)
    (tmp_path / "a.t7").write_bytes(data)
    with pytest.raises(InputError, match="elements of 4 bytes reach beyond the end of the file"):
        read_torch7(tmp_path / "a.t7")


@pytest.mark.parametrize(
    ("sizes", "strides", "offset"),
    [
        ((5,), (1,), 0),
        ((2,), (1,), 3),
        ((2,), (-1,), 3),
        ((100, 100), (0, 0), 0),
        ((2,), (1,), -2),
        ((2**40,), (0,), 0),
    ],
)
def test_views_beyond_their_storage(tmp_path, sizes, strides, offset) -> None:
    found = read(
        tmp_path,
        View("torch.FloatTensor", sizes, strides, offset, Storage("torch.FloatStorage", np.zeros(4, np.float32))),
    )
    assert isinstance(found, Torch7Tensor)
    with pytest.raises(ValueError, match="reaches beyond its storage"):
        found.array()


def test_no_such_file(tmp_path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_torch7(tmp_path / "nothing.t7")
    with pytest.raises(InputError, match="cannot be read"):
        read_torch7(tmp_path)


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 400))
def test_any_bytes(tmp_path_factory, data: bytes, start: int, stop: int) -> None:
    """Whole files of chance, and a good file with a piece replaced."""
    storage = Storage("torch.CudaStorage", np.arange(4, dtype=np.float32))
    good = Torch7Writer().dump(
        Thing("nn.Linear", {"weight": View("torch.CudaTensor", (2, 2), (2, 1), 0, storage), 1: 2})
    )
    path = tmp_path_factory.getbasetemp() / "fuzz.t7"
    for content in (data, good[:start] + data + good[stop:]):
        path.write_bytes(content)
        try:
            found = read_torch7(path)
        except MaquetteError:
            continue
        if isinstance(found, Torch7Tensor):
            try:
                found.array()
            except ValueError:
                continue

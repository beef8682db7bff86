"""Snapshots of Caffe: what Google's encoder writes is read to the last bit, anything else is refused in a sentence."""

import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_caffemodel import messages, snapshot

from maquette.errors import InputError
from maquette.formats.caffemodel import read_caffemodel
from maquette.formats.protobuf_wire import FIXED_32, LENGTH, VARINT, Damaged, fields, varint, varints

RNG = np.random.default_rng(4)
LAYERS = {
    "conv1_1": [RNG.normal(size=(4, 3, 3, 3)).astype(np.float32), RNG.normal(size=4).astype(np.float32)],
    "data": [],
    "fc-final_16": [RNG.normal(size=(5, 7)).astype(np.float32), RNG.normal(size=5).astype(np.float32)],
    "scale": [np.float32(2.5).reshape(())],
}


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "net.caffemodel"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("diff", [True, False])
@pytest.mark.parametrize("doubles", [True, False])
@pytest.mark.parametrize("old", [True, False])
def test_what_google_writes(tmp_path, old: bool, doubles: bool, diff: bool, packed: bool) -> None:
    data = snapshot(LAYERS, old=old, doubles=doubles, diff=diff, packed=packed, name="ssl")
    net = read_caffemodel(written(tmp_path, data))
    assert (net.name, net.untrained) == ("ssl", 1)
    assert list(net.layers) == [name for name, blobs in LAYERS.items() if blobs]
    assert [layer.kind for layer in net.layers.values()] == ["Convolution", "InnerProduct", "InnerProduct"]
    for name, layer in net.layers.items():
        for found, values in zip(layer.blobs, LAYERS[name], strict=True):
            assert found.shape == ((1,) * (4 - values.ndim) + values.shape if old else values.shape)
            assert (found.dtype, found.flags.writeable) == (np.float32, False)
            np.testing.assert_array_equal(found.reshape(values.shape), values)


def test_numbers_beyond_single_precision_are_infinite(tmp_path) -> None:
    data = snapshot({"a": [np.array([1e300, -1e300, 1.0])]}, doubles=True)
    np.testing.assert_array_equal(
        read_caffemodel(written(tmp_path, data)).layers["a"].blobs[0], np.array([np.inf, -np.inf, 1.0])
    )


def test_values_as_bytes_are_the_same_file() -> None:
    assert snapshot(LAYERS) == snapshot(LAYERS, raw=True)


def test_an_array_in_pieces(tmp_path) -> None:
    """A parser must join packed pieces, single values and pieces of a message in any order."""
    values = np.arange(6, dtype="<f4")
    piece = b"\x2a\x08" + values[:2].tobytes() + b"\x2d" + values[2:3].tobytes() + b"\x2a\x0c" + values[3:].tobytes()
    blob = piece[:10] + b"\x3a\x02\x08\x02" + piece[10:] + b"\x3a\x03\x0a\x01\x03"
    layer = b"\x3a" + bytes([len(blob)]) + blob + b"\x0a\x01a"
    data = b"\xa2\x06" + bytes([len(layer)]) + layer
    truth = messages()["NetParameter"].FromString(data).layer[0].blobs[0]
    assert (list(truth.data), list(truth.shape.dim)) == (values.tolist(), [2, 3])
    np.testing.assert_array_equal(read_caffemodel(written(tmp_path, data)).layers["a"].blobs[0], values.reshape(2, 3))


@pytest.mark.parametrize("packed", [True, False])
def test_large_files_are_read_quickly(tmp_path, packed: bool) -> None:
    """Two million values; the whole machine has 42."""
    if packed:
        path = written(tmp_path, snapshot({"fc": [np.ones((1000, 2000), np.float32)]}))
    else:
        count = 2_000_000
        rows = np.zeros((count, 5), np.uint8)
        rows[:, 0], rows[:, 1:] = 0x2D, np.frombuffer(struct.pack("<f", 1.0), np.uint8)
        blob = rows.tobytes() + b"\x3a\x04\x0a\x02" + b"\xe8\x07"
        blob = blob.replace(b"\x3a\x04\x0a\x02\xe8\x07", b"\x3a\x06\x08\xe8\x07\x08\xd0\x0f")
        layer = b"\x0a\x02fc\x3a" + _size(len(blob)) + blob
        path = written(tmp_path, b"\xa2\x06" + _size(len(layer)) + layer)
    start = time.perf_counter()
    (blob,) = read_caffemodel(path).layers["fc"].blobs
    assert time.perf_counter() - start < 1
    assert blob.shape == (1000, 2000)
    assert (blob == 1).all()


def _size(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def _net(layer: bytes) -> bytes:
    return b"\xa2\x06" + _size(len(layer)) + layer


def _blob(blob: bytes) -> bytes:
    return _net(b"\x0a\x01a\x3a" + _size(len(blob)) + blob)


VALUE = b"\x2a\x04" + struct.pack("<f", 1.0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\x89HDF\r\n\x1a\n....", "is a snapshot in HDF5; give the binary one"),
        (b'name: "ssl"\nlayer {\n  name: "data"\n}', "is a description of a net as text"),
        (b'# made by hand\n\nlayer {\n  name: "data"\n}', "is a description of a net as text"),
        (b"<!DOCTYPE html><html>", "is a page of the web"),
        (b"\x0a\x03ssl", "it has no layers"),
        (b"\xa2\x06\x7f\x0a\x01a", "it has a field beyond the end of its message"),
        (b"\xa2\x06\xff", "it is cut off inside a number"),
        (b"\xa2\x06" + b"\xff" * 12, "it has an endless number"),
        (b"\xa3\x06\x08\x01", "it has a field of kind 3 at byte 0"),
        (b"\x00\x01", "it has a field of number 0"),
        (_blob(VALUE + b"\x3a\x02\x08\x02"), "it has 1 values in an array of layer 'a' that says it is 2"),
        (_blob(VALUE), "it has 1 values in an array of layer 'a' that says it is 0 x 0 x 0 x 0"),
        (_blob(b"\x3a\x04\x08\x00\x08\x05"), "it has 0 values in an array of layer 'a' that says it is 0 x 5"),
        (_blob(VALUE + b"\x3a\x0b\x08" + b"\xff" * 9 + b"\x01"), "that says it is 18446744073709551615"),
        (_blob(VALUE + b"\x3a\x50" + b"\x08\x01" * 40), "it has an array of more than 32 dimensions"),
        (_blob(b"\x2a\x03abc\x3a\x00"), "it has values of another type in an array of layer 'a'"),
        (_blob(b"\x28\x03\x3a\x00"), "it has values of another type in an array of layer 'a'"),
        (_blob(b"\x29" + bytes(8) + b"\x3a\x00"), "it has values of another type in an array of layer 'a'"),
        (2 * _blob(VALUE + b"\x3a\x00"), "it has two layers 'a' with arrays"),
        (_net(b"\x0a" + _size(2000) + b"a" * 2000), "it has a name of 2000 bytes"),
        (b"\x12\x04\x0a\x02\x0a\x00", "it has layers in the form of 2013"),
    ],
)
def test_what_it_refuses(tmp_path, data: bytes, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_caffemodel(written(tmp_path, data))
    assert words in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_small_fields_do_not_take_endless_time(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("maquette.formats.caffemodel._MOST_FIELDS", 1000)
    read_caffemodel(written(tmp_path, _net(b"\x40\x01" * 900)))
    with pytest.raises(InputError, match="it has more fields than any network"):
        read_caffemodel(written(tmp_path, 4 * _net(b"\x40\x01" * 300)))


def test_a_file_that_is_not_there(tmp_path) -> None:
    with pytest.raises(InputError, match=r"a\.caffemodel: cannot be read \(No such file"):
        read_caffemodel(tmp_path / "a.caffemodel")
    with pytest.raises(InputError, match="cannot be read"):
        read_caffemodel(tmp_path)


def test_the_state_of_a_solver(tmp_path) -> None:
    path = tmp_path / "mask3d_iter_400000.solverstate"
    path.write_bytes(b"\x08\x05")
    with pytest.raises(InputError, match=r"is the state of a solver; the trained arrays are in the \.caffemodel"):
        read_caffemodel(path)


def test_a_file_too_large_for_one_is_not_read(tmp_path) -> None:
    path = tmp_path / "sparse.caffemodel"
    with path.open("wb") as file:
        file.truncate(1 << 32)
    with pytest.raises(InputError, match="has 4294967296 bytes, expected a file of Caffe, which ends below 2 GiB"):
        read_caffemodel(path)


def test_names_are_text(tmp_path) -> None:
    net = read_caffemodel(written(tmp_path, snapshot({"a\nb\x1b[31m": LAYERS["conv1_1"]})))
    assert list(net.layers) == ["a?b?[31m"]


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_files_are_refused_or_read(tmp_path_factory, data) -> None:
    raw = bytearray(snapshot(LAYERS, old=data.draw(st.booleans()), packed=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.integers(0, len(raw)))]
    path = tmp_path_factory.getbasetemp() / "damaged.caffemodel"
    path.write_bytes(raw)
    try:
        net = read_caffemodel(path)
    except InputError:
        return
    assert all(isinstance(blob, np.ndarray) for layer in net.layers.values() for blob in layer.blobs)


@given(raw=st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_fields_or_damaged(raw: bytes) -> None:
    try:
        found = list(fields(memoryview(raw)))
    except Damaged:
        return
    assert sum(len(_size(field.number << 3)) for field in found) <= len(raw)


def test_runs_of_fixed_values_are_one_field() -> None:
    raw = b"\x2d\x01\x00\x00\x00\x2d\x02\x00\x00\x00\x08\x07\x2d\x03\x00\x00\x00\x12\x01a"
    found = list(fields(raw))
    assert [(field.number, field.kind) for field in found] == [(5, FIXED_32), (1, VARINT), (5, FIXED_32), (2, LENGTH)]
    assert [field.whole for field in found] == [2, 7, 3, None]
    assert [field.content for field in found] == [None, None, None, b"a"]
    assert found[0].value == b"\x01\x00\x00\x00\x02\x00\x00\x00"
    assert list(varints(b"\x01\xac\x02")) == [1, 300]
    assert varint(b"\xac\x02", 0) == (300, 2)
    with pytest.raises(Damaged, match="beyond the end"):
        list(fields(b"\x2d\x01\x00"))

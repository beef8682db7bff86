"""GLB bytes: what is packed can be unpacked, by us and by pygltflib; damage is an InputError."""

import contextlib
from typing import Any

import numpy as np
import pygltflib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.errors import InputError
from maquette.formats.glb import BufferBuilder, pack_glb, unpack_glb


def small_file() -> tuple[bytes, dict[str, np.ndarray]]:
    arrays = {
        "points": np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32),
        "bytes": np.arange(20, dtype=np.uint8).reshape(5, 4),
        "index": np.array([0, 1, 2, 2, 1], dtype=np.uint16),
    }
    buffer = BufferBuilder()
    buffer.add(arrays["points"], "vertex", bounds=True)
    buffer.add(arrays["bytes"], "vertex")
    buffer.add(arrays["index"], "index")
    return buffer.glb({"asset": {"version": "2.0", "generator": "ü"}}), arrays


def test_pygltflib_finds_the_arrays() -> None:
    data, arrays = small_file()
    gltf: Any = pygltflib.GLTF2.load_from_bytes(data)
    assert gltf is not None
    blob = gltf.binary_blob()
    assert blob is not None
    assert gltf.buffers[0].byteLength == len(blob)
    for array, accessor in zip(arrays.values(), gltf.accessors, strict=True):
        view = gltf.bufferViews[accessor.bufferView]
        found = np.frombuffer(blob, array.dtype, array.size, view.byteOffset).reshape(array.shape)
        np.testing.assert_array_equal(found, array)
        assert view.byteOffset % 4 == 0
    np.testing.assert_allclose(gltf.accessors[0].max, arrays["points"].max(axis=0))
    np.testing.assert_allclose(gltf.accessors[0].min, arrays["points"].min(axis=0))


def test_unpacking_gives_what_was_packed() -> None:
    document, binary = {"asset": {"version": "2.0"}, "x": [1, "é"]}, b"12345"
    found, rest = unpack_glb(pack_glb(document, binary), "a.glb")
    assert found == document
    assert rest == b"12345\0\0\0"


@pytest.mark.parametrize("cut", [0, 3, 12, 19, 30, 60])
def test_cut_files_are_refused(cut: int) -> None:
    with pytest.raises(InputError, match=r"a\.glb"):
        unpack_glb(small_file()[0][:cut], "a.glb")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_gives_a_document_or_an_input_error(data: st.DataObject) -> None:
    raw = bytearray(small_file()[0])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        unpack_glb(bytes(raw), "fuzz.glb")

"""GLB, the binary form of glTF 2.0: one JSON chunk and one chunk of bytes, with a builder for the arrays in it."""

import json
import struct
from typing import Any, Literal

import numpy as np

from maquette.errors import InputError

_MAGIC, _VERSION = 0x46546C67, 2
_JSON_CHUNK, _BIN_CHUNK = 0x4E4F534A, 0x004E4942
_COMPONENT_TYPES = {"uint8": 5121, "uint16": 5123, "uint32": 5125, "float32": 5126}
_SHAPE_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER = 34962, 34963

Use = Literal["vertex", "index", "other"]


class BufferBuilder:
    """Collects arrays into the one buffer of a GLB; each becomes an accessor with a view of its own."""

    def __init__(self) -> None:
        self.accessors: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, array: np.ndarray, use: Use = "other", *, bounds: bool = False) -> int:
        """Append an array and return the index of its accessor.

        Args:
            array: ``(count,)``, ``(count, 2..4)`` or, for matrices, ``(count, 16)`` column by column; of a type in
                glTF: uint8, uint16, uint32 or float32. Rows of bytes are 4 wide, so that vertices stay aligned.
            use: what a graphics card does with it.
            bounds: store the least and the largest value of each column, as glTF asks of positions and times.
        """
        data = np.ascontiguousarray(array)
        columns = 1 if data.ndim == 1 else data.shape[1]
        view: dict[str, Any] = {"buffer": 0, "byteOffset": self._length, "byteLength": data.nbytes}
        if use != "other":
            view["target"] = _ARRAY_BUFFER if use == "vertex" else _ELEMENT_ARRAY_BUFFER
        accessor: dict[str, Any] = {
            "bufferView": len(self.views),
            "componentType": _COMPONENT_TYPES[data.dtype.name],
            "count": len(data),
            "type": _SHAPE_TYPES[columns],
        }
        if bounds:
            table = data.reshape(len(data), columns)
            accessor["min"], accessor["max"] = table.min(axis=0).tolist(), table.max(axis=0).tolist()
        self.views.append(view)
        self.accessors.append(accessor)
        padding = -data.nbytes % 4
        self._parts += [data.astype(data.dtype.newbyteorder("<"), copy=False).tobytes(), b"\0" * padding]
        self._length += data.nbytes + padding
        return len(self.accessors) - 1

    def glb(self, document: dict[str, Any]) -> bytes:
        """The file: ``document`` with the collected accessors, views and buffer put in."""
        full = {
            **document,
            "accessors": self.accessors,
            "bufferViews": self.views,
            "buffers": [{"byteLength": self._length}],
        }
        return pack_glb(full, b"".join(self._parts))


def pack_glb(document: dict[str, Any], binary: bytes) -> bytes:
    """The bytes of a file from its JSON document and its buffer. Characters that no text has (of file names that are
    not UTF-8) become question marks."""
    content = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    text = content.encode("utf-8", "replace")
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    chunks = struct.pack("<II", len(text), _JSON_CHUNK) + text + struct.pack("<II", len(binary), _BIN_CHUNK) + binary
    return struct.pack("<III", _MAGIC, _VERSION, 12 + len(chunks)) + chunks


def unpack_glb(data: bytes, where: str) -> tuple[dict[str, Any], bytes]:
    """``(JSON document, buffer)`` of a file; the buffer is empty where the file has none.

    Raises:
        InputError: not a GLB of version 2, cut off, or its JSON is damaged.
    """
    if len(data) < 20 or struct.unpack_from("<I", data)[0] != _MAGIC:
        raise InputError(f"{where}: not a GLB file")
    _, version, length = struct.unpack_from("<III", data)
    if version != _VERSION or length > len(data):
        seen = f"version {version}" if version != _VERSION else f"{len(data)} of {length} bytes"
        raise InputError(f"{where}: GLB with {seen}, expected a whole file of version 2")
    chunks: dict[int, bytes] = {}
    at = 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<II", data, at)
        if at + 8 + size > length:
            raise InputError(f"{where}: a chunk of the GLB runs over the end of the file")
        chunks.setdefault(kind, data[at + 8 : at + 8 + size])
        at += 8 + size
    try:
        document = json.loads(chunks.get(_JSON_CHUNK, b"").decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: the JSON of the GLB is damaged ({error})") from None
    if not isinstance(document, dict):
        raise InputError(f"{where}: the JSON of the GLB is no object")
    return document, chunks.get(_BIN_CHUNK, b"")

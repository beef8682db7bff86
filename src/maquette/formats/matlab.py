"""MATLAB's ``.mat`` files of level 5 (versions 5 to 7.2), read without trusting their numbers.

After MathWorks' "MAT-File Format". Numeric arrays, cells, structures and texts; no objects, sparse matrices or
functions. Version 7.3 is HDF5 and not read here.
"""

import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maquette.errors import InputError

_LARGEST_BYTES = 1 << 30
_DEEPEST = 16
_MATRIX, _COMPRESSED = 14, 15
_DATA_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8", 16: "u1"}
_TEXT_CODECS = {2: "latin1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32", 1: "latin1"}
_CELL, _STRUCTURE, _TEXT = 1, 2, 4
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}


def read_mat(path: Path, names: tuple[str, ...] = ()) -> dict[str, Any]:
    """Variables of a file, or those of ``names`` that it has.

    A numeric array keeps its type and shape; a cell is an object array of its shape; a structure of one element is a
    dict, of several an object array of dicts; a text is a str.

    Raises:
        InputError: not such a file, damaged, or holding what is not read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if data[:8] == b"\x89HDF\r\n\x1a\n" or data[512:520] == b"\x89HDF\r\n\x1a\n":
        raise InputError(f"{path}: is a MATLAB file of version 7.3, expected version 5 to 7; save it with -v7")
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None or len(data) < 128:
        raise InputError(f"{path}: is no MATLAB file of version 5 to 7, or damaged; copy it again")
    found: dict[str, Any] = {}
    try:
        part = _Part(memoryview(data)[128:], order)
        while part.left:
            kind, body = part.element()
            if kind == _COMPRESSED:
                kind, body = _Part(memoryview(_inflated(body)), order).element()
            if kind != _MATRIX:
                raise _Damage(f"an element of type {kind} instead of an array")
            header = _header(_Part(body, order))
            if not names or header.name in names:
                found[header.name] = _value(header, 0)
    except (_Damage, struct.error, zlib.error, ValueError, LookupError, OverflowError, MemoryError) as error:
        raise InputError(f"{path}: is damaged, or not read here ({error}); copy it again") from None
    return found


class _Damage(Exception):
    """The file contradicts itself."""


@dataclass
class _Part:
    """A piece of the file that is read from its front."""

    bytes: memoryview
    order: str
    at: int = 0

    @property
    def left(self) -> int:
        return len(self.bytes) - self.at

    def element(self) -> tuple[int, memoryview]:
        """Type and content of the next element."""
        if self.left < 8:
            raise _Damage("an element is cut short")
        kind, size = struct.unpack_from(self.order + "II", self.bytes, self.at)
        begin, step = self.at + 8, 8 + size
        if kind >> 16:  # a small element: size and type share the first word, the content is in the second
            kind, size, begin, step = kind & 0xFFFF, kind >> 16, self.at + 4, 8
            if size > 4:
                raise _Damage("an element does not fit its place")
        elif kind != _COMPRESSED:
            step += -size % 8
        if size > len(self.bytes) - begin:
            raise _Damage(f"an element of {size} bytes, but {len(self.bytes) - begin} are left")
        self.at = min(self.at + step, len(self.bytes))
        return kind, self.bytes[begin : begin + size]

    def numbers(self) -> np.ndarray:
        """The next element as numbers."""
        kind, body = self.element()
        if kind not in _DATA_TYPES:
            raise _Damage(f"an element of type {kind} instead of numbers")
        return np.frombuffer(body, dtype=np.dtype(self.order + _DATA_TYPES[kind]))


@dataclass
class _Header:
    kind: int
    is_complex: bool
    shape: tuple[int, ...]
    name: str
    rest: _Part


def _header(part: _Part) -> _Header:
    """Flags, shape and name of an array."""
    flags = part.numbers()
    shape = tuple(int(n) for n in part.numbers())
    _, name = part.element()
    if not len(flags) or not 2 <= len(shape) <= 16 or min(shape) < 0:
        raise _Damage(f"an array of shape {shape[:16]}")
    flag = int(flags[0])
    return _Header(flag & 0xFF, bool(flag & 0x800), shape, bytes(name).decode("latin1"), part)


def _value(header: _Header, depth: int) -> Any:
    if depth > _DEEPEST:
        raise _Damage("cells that nest too deeply")
    if header.kind == _CELL:
        return _boxed([_child(header.rest, depth) for _ in range(_count(header))], header.shape)
    if header.kind == _STRUCTURE:
        return _structure(header, depth)
    if header.kind == _TEXT:
        kind, body = header.rest.element()
        codec = _TEXT_CODECS.get(kind, "latin1")
        suffix = {"<": "-le", ">": "-be"}[header.rest.order] if codec in ("utf-16", "utf-32") else ""
        return bytes(body).decode(codec + suffix, errors="replace")
    if header.kind not in _CLASSES or header.is_complex:
        raise _Damage(f"'{header.name}' is complex or of class {header.kind}, which is not read")
    values = header.rest.numbers()
    if len(values) != math.prod(header.shape):
        raise _Damage(f"{len(values)} numbers for an array of shape {header.shape}")
    with np.errstate(invalid="ignore", over="ignore"):
        # A file stores whole numbers in fewer bytes than their class has.
        return values.astype(_CLASSES[header.kind]).reshape(header.shape, order="F")


def _count(header: _Header, bytes_each: int = 8) -> int:
    count = math.prod(header.shape)
    if count * bytes_each > header.rest.left:
        raise _Damage(f"{count} parts in {header.rest.left} bytes")
    return count


def _child(part: _Part, depth: int) -> Any:
    """One part of a cell or a structure; one of no bytes is an empty array."""
    kind, body = part.element()
    if kind != _MATRIX:
        raise _Damage(f"an element of type {kind} instead of an array")
    if not len(body):
        return np.empty((0, 0))
    number = _one_number(body, part.order)
    return _value(_header(_Part(body, part.order)), depth + 1) if number is None else number


_PLAIN_HEADER = (6, 8, 5, 8, 1, 1, 1, 0)
"""Types and sizes of flags and shape, a shape of 1 x 1, and the type and size of no name."""


def _one_number(body: memoryview, order: str) -> np.ndarray | None:
    """An array of a single number without a name, such as structures hold by the million; None for anything else."""
    if not 48 <= len(body) <= 56:
        return None
    *head, flags, _, t, s, rows, columns, name_type, name_size = struct.unpack_from(order + "IIIIIIiiII", body)
    kind = flags & 0xFF
    if (*head, t, s, rows, columns, name_type, name_size) != _PLAIN_HEADER or flags & 0x800 or kind not in _CLASSES:
        return None
    values = _Part(body, order, 40).numbers()
    if len(values) != 1:
        return None
    with np.errstate(invalid="ignore", over="ignore"):
        return values.astype(_CLASSES[kind]).reshape(1, 1)


def _structure(header: _Header, depth: int) -> Any:
    (length,) = (int(n) for n in header.rest.numbers()[:1])
    _, text = header.rest.element()
    if length < 1 or len(text) % length:
        raise _Damage("names of fields that do not fit")
    names = [bytes(text[i : i + length]).split(b"\0")[0].decode("latin1") for i in range(0, len(text), length)]
    if not names:
        return _boxed([{} for _ in range(_count(header))], header.shape)
    count = _count(header, 8 * len(names))
    parts = [{name: _child(header.rest, depth) for name in names} for _ in range(count)]
    return parts[0] if count == 1 else _boxed(parts, header.shape)


def _boxed(parts: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    boxed = np.empty(len(parts), dtype=object)
    for i, part in enumerate(parts):
        boxed[i] = part
    return boxed.reshape(shape, order="F")


def _inflated(body: memoryview) -> bytes:
    inflater = zlib.decompressobj()
    data = inflater.decompress(body, _LARGEST_BYTES)
    if inflater.unconsumed_tail:
        raise _Damage(f"an array of more than {_LARGEST_BYTES >> 30} GiB")
    return data

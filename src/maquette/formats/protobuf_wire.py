"""The wire format of protocol buffers (protobuf.dev, "Encoding"): messages as numbered fields, without their schema.

Checkpoints of TensorFlow and of Caffe are such messages. Who reads one knows which number means what; a message within
a message is a field of kind ``LENGTH`` that is read again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

VARINT, FIXED_64, LENGTH, FIXED_32 = 0, 1, 2, 5
_SIZES = {FIXED_32: 4, FIXED_64: 8}


class Damaged(Exception):
    """Bytes that are not what the format says; the text says where."""


class Field(NamedTuple):
    """A field of a message."""

    number: int
    kind: int
    value: int | bytes | memoryview
    """``VARINT``: the number; ``LENGTH``: the bytes; ``FIXED_32`` and ``FIXED_64``: the bytes of this field and of all
    that follow with the same key, which is how old programs wrote an array, millions of fields."""

    @property
    def whole(self) -> int | None:
        """The (last) value as a whole number without a sign; None for a text or a message."""
        if isinstance(self.value, int):
            return self.value
        return int.from_bytes(self.value[-_SIZES[self.kind] :], "little") if self.kind in _SIZES else None

    @property
    def content(self) -> bytes | memoryview | None:
        """The bytes of a text, of an array or of a message; None for a number."""
        return self.value if self.kind == LENGTH and not isinstance(self.value, int) else None


@dataclass
class Allowance:
    """How many fields a file may have in all its messages, so that small fields cannot take endless time."""

    left: int


def varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the place after it.

    Raises:
        Damaged: it does not end.
    """
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(data):
            raise Damaged("is cut off inside a number")
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
    raise Damaged(f"has an endless number at byte {at}")


def varints(data: bytes | memoryview) -> Iterator[int]:
    """The numbers of a packed array of them.

    Raises:
        Damaged: the last one does not end.
    """
    at = 0
    while at < len(data):
        number, at = varint(data, at)
        yield number


def fields(data: bytes | memoryview, allowance: Allowance | None = None) -> Iterator[Field]:
    """The fields of a message in the order of the file; bytes are views of ``data`` where it is one.

    Raises:
        Damaged: no such message, or more fields than allowed.
    """
    at = 0
    while at < len(data):
        if allowance is not None:
            allowance.left -= 1
            if allowance.left < 0:
                raise Damaged("has more fields than any network")
        start = at
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if not 0 < number < 1 << 29:
            raise Damaged(f"has a field of number {number} at byte {start} of a message")
        if kind == VARINT:
            value, at = varint(data, at)
        elif kind == LENGTH:
            size, at = varint(data, at)
            value, at = data[at : at + size], at + size
        elif kind in _SIZES:
            key_size, size = at - start, _SIZES[kind]
            count = _repeats(data, start, key_size, key_size + size)
            at = start + max(count, 1) * (key_size + size)
            value = _without_keys(data[start:at], key_size, count)
        else:
            raise Damaged(f"has a field of kind {kind} at byte {start} of a message")
        if at > len(data):
            raise Damaged("has a field beyond the end of its message")
        yield Field(number, kind, value)


def _repeats(data: bytes | memoryview, start: int, key_size: int, stride: int) -> int:
    """How many whole fields from ``start`` on have the key of the first one; 0: not even that one is whole."""
    most = (len(data) - start) // stride
    if most < 2 or data[start : start + key_size] != data[start + stride : start + stride + key_size]:
        return min(most, 1)
    keys = np.frombuffer(data, np.uint8, most * stride, start).reshape(most, stride)[:, :key_size]
    # In growing pieces, so that many short runs do not each look at the rest of the file.
    count, piece = 2, 2
    while count < most:
        is_same = (keys[count : count + piece] == keys[0]).all(axis=1)
        if not is_same.all():
            return count + int(is_same.argmin())
        count, piece = count + len(is_same), 2 * piece
    return count


def _without_keys(rows: bytes | memoryview, key_size: int, count: int) -> bytes:
    """The values of ``count`` fields in a row."""
    if count < 2:
        return bytes(rows[key_size:])
    return np.frombuffer(rows, np.uint8).reshape(count, -1)[:, key_size:].tobytes()

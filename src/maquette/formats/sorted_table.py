"""The sorted string table of LevelDB (``doc/table_format.md`` of that project), as far as TensorFlow's checkpoints use
it: keys and values in blocks, not compressed, each with a checksum.
"""

import struct
from collections.abc import Iterator

from maquette.errors import InputError
from maquette.formats.crc32c import crc32c
from maquette.formats.protobuf_wire import Damaged, varint

MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_TRAILER = 5
_MASK = 0xA282EAD8


def read_table(data: bytes, where: str) -> dict[bytes, bytes]:
    """All keys and values of a table.

    Args:
        data: the whole file.
        where: its name, for errors.

    Raises:
        InputError: no table, cut off, damaged, or compressed.
    """
    if len(data) < _FOOTER or struct.unpack_from("<Q", data, len(data) - 8)[0] != MAGIC:
        raise InputError(f"{where}: is no table of LevelDB, or its end is missing (no magic number); copy it again")
    try:
        _, at = _handle(data, len(data) - _FOOTER)
        index, _ = _handle(data, at)
        found, total = {}, 0
        for _, value_of_index in _entries(_block(data, *index)):
            handle, _ = _handle(value_of_index, 0)
            total += handle[1] + _TRAILER
            if total > len(data):
                raise Damaged("its blocks are larger than the file together")
            found.update(_entries(_block(data, *handle)))
        return found
    except Damaged as error:
        raise InputError(f"{where}: {error}; copy it again") from None


def masked(crc: int) -> int:
    """How checksums are stored: turned and shifted, so that a checksum over checksums is no trivial one."""
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """(offset, size) of a block, and the place after them."""
    offset, at = varint(data, at)
    size, at = varint(data, at)
    return (offset, size), at


def _block(data: bytes, offset: int, size: int) -> bytes:
    """The content of a block whose checksum is right."""
    if offset + size + _TRAILER > len(data) - _FOOTER:
        raise Damaged(f"a block of {size} bytes at {offset} lies beyond its end")
    (stored,) = struct.unpack_from("<I", data, offset + size + 1)
    if masked(crc32c(data[offset : offset + size + 1])) != stored:
        raise Damaged(f"the checksum of the block at byte {offset} is wrong")
    if data[offset + size] != 0:
        raise Damaged(f"the block at byte {offset} is compressed, which checkpoints of TensorFlow are not")
    return data[offset : offset + size]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys, each stored as what differs from the one before, and values."""
    if len(block) < 4:
        raise Damaged("a block is empty")
    (restarts,) = struct.unpack_from("<I", block, len(block) - 4)
    end = len(block) - 4 * (restarts + 1)
    if end < 0:
        raise Damaged("a block is shorter than its list of restarts")
    key, at = b"", 0
    while at < end:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        size, at = varint(block, at)
        if shared > len(key) or at + own + size > end:
            raise Damaged("an entry of a block lies beyond the block's end")
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + size]
        at += own + size

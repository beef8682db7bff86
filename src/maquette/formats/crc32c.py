"""CRC-32C (Castagnoli; RFC 3720, appendix B.4), fast enough for files of weights without a compiled module.

The data are cut into equal pieces whose remainders NumPy computes side by side, a byte of each at a time; two
remainders make one because the state after ``n`` more bytes is a linear map (over two-element numbers) of the state.
"""

from functools import cache

import numpy as np
from jaxtyping import UInt32

_POLYNOMIAL = 0x82F63B78  # reflected
_PIECES = 4096
_ONES = 0xFFFFFFFF
Map = UInt32[np.ndarray, "32"]


def crc32c(data: bytes | bytearray | memoryview) -> int:
    """CRC-32C of ``data``."""
    values = np.frombuffer(data, dtype=np.uint8)
    table = _table()
    pieces = 1
    while pieces < _PIECES and len(values) >= pieces * 64:
        pieces *= 2
    length = len(values) // pieces
    states = np.zeros(pieces, dtype=np.uint32)
    states[0] = _ONES
    # Contiguous over the pieces, so that every step reads one row.
    columns = np.ascontiguousarray(values[: pieces * length].reshape(pieces, length).T)
    for column in columns:
        states = table[(states & 0xFF) ^ column] ^ (states >> 8)
    further = _further(length)
    while len(states) > 1:
        states = _mapped(further, states[0::2]) ^ states[1::2]
        further = _mapped(further, further)
    state = int(states[0])
    for byte in values[pieces * length :].tolist():
        state = int(table[(state ^ byte) & 0xFF]) ^ (state >> 8)
    return state ^ _ONES


@cache
def _table() -> UInt32[np.ndarray, "256"]:
    """State after one byte."""
    states = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        states = (states >> 1) ^ np.where(states & 1, np.uint32(_POLYNOMIAL), np.uint32(0))
    return states


def _further(count: int) -> Map:
    """The map of a state to that after ``count`` zero bytes: the images of its 32 bits."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    power, result = _table()[bits & 0xFF] ^ (bits >> 8), bits
    while count:
        if count & 1:
            result = _mapped(power, result)
        power, count = _mapped(power, power), count >> 1
    return result


def _mapped(images: Map, states: UInt32[np.ndarray, " n"]) -> UInt32[np.ndarray, " n"]:
    """The linear map with these images of the bits, applied to each state."""
    out = np.zeros_like(states)
    for bit, image in enumerate(images):
        out ^= np.where((states >> np.uint32(bit)) & np.uint32(1), image, np.uint32(0))
    return out

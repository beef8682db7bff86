"""CRC-32C against the examples of RFC 3720 and against the definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maquette.formats.crc32c import crc32c


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_published_examples(data, expected):
    assert crc32c(data) == expected


def by_definition(data: bytes) -> int:
    """Division by the polynomial, bit by bit."""
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


@given(st.binary(max_size=700))
def test_definition(data):
    assert crc32c(data) == by_definition(data)


def test_long_data_in_every_kind_of_buffer():
    data = bytes(i * i % 251 for i in range(300_007))
    expected = by_definition(data)
    assert crc32c(data) == crc32c(bytearray(data)) == crc32c(memoryview(data)) == expected

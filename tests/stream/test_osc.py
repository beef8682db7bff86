"""Open Sound Control against python-osc, against the bytes of the specification's examples, and against garbage."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc import osc_bundle_builder, osc_message_builder
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage as PythonOscMessage
from pythonosc.osc_packet import OscPacket
from pythonosc.parsing.ntp import system_time_to_ntp

from maquette.errors import InputError
from maquette.stream.osc import (
    IMMEDIATELY,
    MAX_DEPTH,
    PreparedBundle,
    decode_packet,
    encode_bundle,
    encode_message,
    encode_string,
)

texts = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=40)
singles = st.floats(width=32, allow_nan=False)
ints = st.integers(-(2**31), 2**31 - 1)
values = st.one_of(ints, singles, texts, st.binary(max_size=40), st.booleans(), st.none())
addresses = st.lists(st.text("abcXYZ09_", min_size=1, max_size=9), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


def test_the_specifications_example_byte_by_byte() -> None:
    # "OSC Message Examples" of https://opensoundcontrol.stanford.edu/spec-1_0-examples.html
    oscillator = bytes.fromhex("2f6f7363696c6c61746f722f342f6672657175656e6379002c66000043dc0000")
    assert encode_message("/oscillator/4/frequency", 440.0) == oscillator
    foo = bytes.fromhex("2f666f6f000000002c69697366660000000003e8ffffffff68656c6c6f0000003f9df3b640b5b22d")
    assert encode_message("/foo", 1000, -1, "hello", 1.2339999675750732, 5.677999973297119) == foo
    assert decode_packet(foo)[0].arguments == (1000, -1, "hello", 1.2339999675750732, 5.677999973297119)


@given(addresses, st.lists(values, max_size=12))
def test_python_osc_reads_what_is_written(address: str, arguments: list) -> None:
    packet = encode_message(address, *arguments)
    message = PythonOscMessage(packet)
    assert len(packet) % 4 == 0
    assert message.address == address
    assert message.params == arguments
    assert [type(value) for value in message.params] == [type(value) for value in arguments]


# python-osc does not write empty blobs.
@given(
    addresses, st.lists(st.one_of(ints, singles, texts, st.binary(min_size=1, max_size=40), st.booleans()), max_size=9)
)
def test_what_python_osc_writes_is_read(address: str, arguments: list) -> None:
    builder = osc_message_builder.OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument, None if not isinstance(argument, float) else "f")
    bundle = osc_bundle_builder.OscBundleBuilder(osc_bundle_builder.IMMEDIATELY)
    bundle.add_content(builder.build())
    for packet in (builder.build().dgram, bundle.build().dgram):
        (message,) = decode_packet(packet)
        assert (message.address, list(message.arguments), message.tag) == (address, arguments, IMMEDIATELY)


@given(st.lists(st.tuples(addresses, st.lists(values, max_size=5)), max_size=6), st.floats(0, 2e9))
def test_bundles_are_read_by_python_osc_in_their_order(messages: list, unix_s: float) -> None:
    tag = int.from_bytes(system_time_to_ntp(unix_s), "big")
    packet = encode_bundle([encode_message(address, *arguments) for address, arguments in messages], tag)
    read = OscPacket(packet).messages
    assert [(timed.message.address, timed.message.params) for timed in read] == messages
    assert OscBundle(packet).timestamp == pytest.approx(unix_s, abs=1e-6)
    assert [(m.address, list(m.arguments), m.tag) for m in decode_packet(packet)] == [(a, g, tag) for a, g in messages]


@given(
    st.lists(st.tuples(addresses, st.lists(st.one_of(singles, ints, texts), max_size=6)), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_a_prepared_bundle_equals_one_made_anew(messages: list, random: object) -> None:
    prepared = PreparedBundle([(address, tuple(arguments)) for address, arguments in messages])
    floats = iter(np.linspace(-2, 3, 64).astype(np.float32).tolist())
    filled = [(a, [next(floats) if isinstance(v, float) else v for v in arguments]) for a, arguments in messages]
    count = sum(isinstance(v, float) for _, arguments in messages for v in arguments)
    given_floats = np.linspace(-2, 3, 64).astype(np.float32)[:count].astype(np.float64)
    tag = int.from_bytes(system_time_to_ntp(1.5e9), "big")
    expected = encode_bundle([encode_message(a, *arguments) for a, arguments in filled], tag)
    assert prepared.fill(given_floats, tag) == expected
    assert prepared.size == len(expected)


def test_strings_end_in_one_to_four_zero_bytes() -> None:
    assert [len(encode_string("x" * n)) for n in range(6)] == [4, 4, 4, 4, 8, 8]
    assert encode_string("Grüße") == b"Gr\xc3\xbc\xc3\x9fe\0"


def test_floats_out_of_range_become_infinite() -> None:
    assert decode_packet(encode_message("/a", 1e300, -1e300))[0].arguments == (math.inf, -math.inf)


def test_all_optional_types_are_read() -> None:
    tags = encode_string(",hdtScrmTFNI[ff]")
    data = struct.pack(">qdQ", -5, 2.5, 2**63) + encode_string("sym")
    data += struct.pack(">iIIff", ord("x"), 0x11223344, 0x00903C40, 1.0, 2.0)
    (message,) = decode_packet(encode_string("/all") + tags + data)
    expected = (-5, 2.5, 2**63, "sym", "x", 0x11223344, 0x00903C40, True, False, None, math.inf, 1.0, 2.0)
    assert message.arguments == expected


@pytest.mark.parametrize(
    ("packet", "word"),
    [
        (b"", "multiples"),
        (b"/a\0", "multiples"),
        (b"GET / HTTP/1.1\r\n", "address"),
        (b"/a\0\0", "without type tags"),
        (b"/a\0\0if\0\0", "begin with"),
        (b"/a\0\0,i\0\0", "before its arguments"),
        (b"/a\0\0,b\0\0\0\0\1\0", "blob"),
        (b"/a\0\0,b\0\0\xff\xff\xff\xff", "blob"),
        (b"/a\0\0,Q\0\0", "unknown type"),
        (b"/a\0\0,s\0\0abcd", "does not end"),
        (b"/a\xff\0,\0\0\0", "UTF-8"),
        (b"/a\0\0,\0\0\0\0\0\0\0", "left over"),
        (b"#bundle\0", "time tag"),
        (b"#bundle\0" + b"\0" * 8 + b"\x7f\xff\xff\xff", "where 0 are left"),
        (b"#bundle\0" + b"\0" * 8 + b"\0\0\0\0", "says it has 0"),
        (b"#bundle\0" + b"\0" * 8 + b"\xff\xff\xff\xfc/a\0\0", "says it has -4"),
    ],
)
def test_what_is_wrong_is_said(packet: bytes, word: str) -> None:
    with pytest.raises(InputError, match=word):
        decode_packet(packet)


def test_bundles_in_bundles_have_a_limit() -> None:
    packet = encode_message("/deep", 1)
    for _ in range(MAX_DEPTH):
        packet = encode_bundle([packet])
    assert decode_packet(packet)[0].arguments == (1,)
    with pytest.raises(InputError, match="nested"):
        decode_packet(encode_bundle([packet]))
    for _ in range(3000):
        packet = encode_bundle([packet])
    with pytest.raises(InputError, match="nested"):
        decode_packet(packet)


def test_messages_in_a_packet_have_a_limit() -> None:
    with pytest.raises(InputError, match="more than"):
        decode_packet(encode_bundle([b"/a\0\0,\0\0\0"] * 5000))


@settings(max_examples=500)
@given(st.binary(max_size=200), st.booleans(), st.data())
def test_garbage_is_refused_in_words_or_read(noise: bytes, mangle: bool, data: st.DataObject) -> None:
    if mangle:
        whole = bytearray(encode_bundle([encode_message("/VMC/Ext/Bone/Pos", "Hips", 1.0, 2), b"/x\0\0,N\0\0"]))
        for _ in range(data.draw(st.integers(1, 4))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        noise = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        messages = decode_packet(noise)
    except InputError:
        messages = []
    assert all(message.address.startswith("/") for message in messages)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, "a\0b"])
def test_what_cannot_be_sent_is_refused(value: int | str) -> None:
    with pytest.raises(InputError, match=r"32 bits|zero byte"):
        encode_message("/a", value)


@pytest.mark.parametrize("address", ["", "a", "/a\0b"])
def test_addresses_begin_with_a_slash(address: str) -> None:
    with pytest.raises(InputError, match="address"):
        encode_message(address)

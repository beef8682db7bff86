"""Open Sound Control 1.0: messages and bundles as bytes, both ways.

Everything is big-endian and a multiple of four bytes long (https://opensoundcontrol.stanford.edu/spec-1_0.html). We
decode ourselves, with fixed bounds, since the port may be shouted at by anybody: a packet is either understood as a
whole or refused in one pass over it, nothing is logged, and bundles are not followed deeper than :data:`MAX_DEPTH`.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError

Argument = int | float | str | bytes | bool | None

IMMEDIATELY: Final = 1
"""The time tag that asks for no waiting."""
MAX_DEPTH: Final = 4
"""Bundles in bundles that are followed."""
MAX_MESSAGES: Final = 4096
"""In one packet; a UDP packet could hold five thousand empty ones."""

_BUNDLE: Final = b"#bundle\0"
_FIXED: Final = {"i": ">i", "f": ">f", "h": ">q", "d": ">d", "t": ">Q", "r": ">I", "m": ">I"}
_ALONE: Final = {"T": True, "F": False, "N": None, "I": float("inf")}


@dataclass(frozen=True)
class OscMessage:
    """One message: its address and its arguments in order."""

    address: str
    arguments: tuple[Argument, ...]
    tag: int = IMMEDIATELY
    """Time tag of its bundle: seconds since 1900 in the upper 32 bits, fractions of one in the lower."""


def encode_string(text: str | bytes) -> bytes:
    """A string (UTF-8), ended by one to four zero bytes."""
    data = text.encode("utf-8") if isinstance(text, str) else text
    return data + b"\0" * (4 - len(data) % 4)


def encode_message(address: str, *arguments: Argument) -> bytes:
    """A message. An int becomes ``i``, a float ``f``, a string ``s``, bytes ``b``, True ``T``, False ``F``, None ``N``.

    Raises:
        InputError: the address does not begin with a slash, an int needs more than 32 bits, a text holds a zero byte,
            or an argument is of another type.
    """
    if not address.startswith("/") or "\0" in address:
        raise InputError(f"an OSC address begins with '/' and holds no zero byte; seen {address!r}")
    tags, data = ",", b""
    for argument in arguments:
        tag, encoded = _encode_argument(argument)
        tags, data = tags + tag, data + encoded
    return encode_string(address) + encode_string(tags) + data


def _encode_argument(value: Argument) -> tuple[str, bytes]:
    """``(type tag, bytes)``."""
    if isinstance(value, bool) or value is None:  # before int, which a bool is, too
        return {True: "T", False: "F", None: "N"}[value], b""
    if isinstance(value, int):
        if not -(2**31) <= value < 2**31:
            raise InputError(f"an int of OSC has 32 bits; seen {value}")
        return "i", struct.pack(">i", value)
    if isinstance(value, float):
        return "f", _encode_float(value)
    if isinstance(value, str):
        if "\0" in value:
            raise InputError("a string of OSC cannot hold a zero byte")
        return "s", encode_string(value)
    if isinstance(value, bytes):
        return "b", struct.pack(">i", len(value)) + value + b"\0" * (-len(value) % 4)
    raise InputError(f"OSC has no {type(value).__name__}; expected int, float, str, bytes, bool or None")


def _encode_float(value: float) -> bytes:
    """Single precision; what is beyond its range becomes infinite, as elsewhere in IEEE arithmetic."""
    try:
        return struct.pack(">f", value)
    except OverflowError:
        return struct.pack(">f", float("inf") if value > 0 else -float("inf"))


def encode_bundle(messages: Sequence[bytes], tag: int = IMMEDIATELY) -> bytes:
    """A bundle of encoded messages (or bundles), to be taken together at the time of the tag."""
    parts = [_BUNDLE, struct.pack(">Q", tag)]
    for message in messages:
        parts += (struct.pack(">i", len(message)), message)
    return b"".join(parts)


class PreparedBundle:
    """A bundle whose texts and ints stay and whose floats change: sixty times a second for ten people.

    Since everything in OSC is aligned to four bytes, the floats of a whole bundle are written by one assignment.
    """

    def __init__(self, messages: Sequence[tuple[str, tuple[Argument, ...]]]) -> None:
        """
        Args:
            messages: address and arguments; the floats among the arguments are the ones that :meth:`fill` replaces.
        """
        encoded = [encode_message(address, *arguments) for address, arguments in messages]
        self._words = np.frombuffer(encode_bundle(encoded), dtype=">u4").copy()
        places: list[int] = []
        at = 16
        for (_, arguments), message in zip(messages, encoded, strict=True):
            end = at + 4 + len(message)
            place = end
            for argument in reversed(arguments):
                place -= len(_encode_argument(argument)[1])
                if isinstance(argument, float):
                    places.append(place // 4)
            at = end
        self._places = np.array(sorted(places), dtype=np.intp)
        self._floats = self._words.view(">f4")

    @property
    def size(self) -> int:
        """Of the packet, in bytes."""
        return self._words.nbytes

    def fill(self, floats: Float[np.ndarray, " floats"], tag: int = IMMEDIATELY) -> bytes:
        """The packet with these floats in the order of the messages and their arguments."""
        self._floats[self._places] = floats
        self._words[2], self._words[3] = tag >> 32, tag & 0xFFFFFFFF
        return self._words.tobytes()


def decode_packet(packet: bytes) -> list[OscMessage]:
    """The messages of a packet, those of bundles in their order; time tags are told and not waited for.

    All types of OSC 1.0 are understood, the optional ones too (``h t d S c r m T F N I``); the brackets of arrays are
    left out and what they hold stays. Time tags, colours and MIDI messages are given as unsigned numbers.

    Raises:
        InputError: it is no OSC packet: why, in a few words.
    """
    messages: list[OscMessage] = []
    _decode_element(packet, (0, len(packet)), messages, 0, IMMEDIATELY)
    return messages


def _decode_element(packet: bytes, span: tuple[int, int], messages: list[OscMessage], depth: int, tag: int) -> None:
    """Append what lies in the span."""
    start, end = span
    if end - start < 4 or (end - start) % 4:
        raise InputError(f"OSC comes in multiples of 4 bytes; seen {end - start}")
    if not packet.startswith(_BUNDLE, start, end):
        if len(messages) >= MAX_MESSAGES:
            raise InputError(f"more than {MAX_MESSAGES} messages in one OSC packet")
        messages.append(_decode_message(packet, start, end, tag))
        return
    if depth >= MAX_DEPTH:
        raise InputError(f"OSC bundles are nested deeper than {MAX_DEPTH}")
    if end - start < 16:
        raise InputError("an OSC bundle ends before its time tag does")
    (tag,) = struct.unpack_from(">Q", packet, start + 8)
    at = start + 16
    while at < end:
        (size,) = struct.unpack_from(">i", packet, at)
        at += 4
        if not 0 < size <= end - at:
            raise InputError(f"a part of an OSC bundle says it has {size} bytes where {end - at} are left")
        _decode_element(packet, (at, at + size), messages, depth + 1, tag)
        at += size


def _decode_message(packet: bytes, start: int, end: int, tag: int) -> OscMessage:
    if packet[start] != 0x2F:
        raise InputError("expected an OSC address, which begins with '/', or a bundle")
    address, at = _decode_string(packet, start, end)
    if at >= end:
        raise InputError("an OSC message without type tags")
    tags, at = _decode_string(packet, at, end)
    if not tags.startswith(","):
        raise InputError("the type tags of an OSC message begin with ','")
    arguments: list[Argument] = []
    index, count = 1, len(tags)
    while index < count:
        kind = tags[index]
        run = index + 1
        if kind in _FIXED:
            # Keypoints come as long runs of one type.
            while run < count and tags[run] == kind:
                run += 1
            code, number = _FIXED[kind], run - index
            size = struct.calcsize(code) * number
            if at + size > end:
                raise InputError("an OSC message ends before its arguments do")
            arguments += struct.unpack_from(f">{number}{code[1]}", packet, at)
            at += size
        elif kind in _ALONE:
            arguments.append(_ALONE[kind])
        elif kind not in "[]":
            value, at = _decode_sized(packet, at, end, kind)
            arguments.append(value)
        index = run
    if at != end:
        raise InputError(f"{end - at} bytes are left over after the arguments of an OSC message")
    return OscMessage(address, tuple(arguments), tag)


def _decode_sized(packet: bytes, at: int, end: int, tag: str) -> tuple[Argument, int]:
    """``(argument, place after it)`` of a text, a blob or a character."""
    if tag in "sS":
        return _decode_string(packet, at, end)
    if tag not in "bc" or at + 4 > end:
        reason = "ends before its arguments do" if tag in "bc" else f"has an argument of unknown type {tag!r}"
        raise InputError(f"an OSC message {reason}")
    (number,) = struct.unpack_from(">i", packet, at)
    at += 4
    if tag == "c":
        return chr(number & 0x7F), at
    if not 0 <= number <= end - at:
        raise InputError(f"a blob of OSC says it has {number} bytes where {end - at} are left")
    return packet[at : at + number], at + number + -number % 4


def _decode_string(packet: bytes, at: int, end: int) -> tuple[str, int]:
    """``(text, place after its padding)``."""
    stop = packet.find(b"\0", at, end)
    if stop < 0:
        raise InputError("a text in an OSC packet does not end")
    after = stop + 4 - (stop - at) % 4
    if after > end:
        raise InputError("a text in an OSC packet is not padded to 4 bytes")
    try:
        return packet[at:stop].decode("utf-8"), after
    except UnicodeDecodeError:
        raise InputError("a text in an OSC packet is not UTF-8") from None

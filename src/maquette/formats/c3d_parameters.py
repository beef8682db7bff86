"""The parameter section of C3D: named groups of texts and small arrays (c3d.org, "The C3D parameter section")."""

from dataclasses import dataclass, field

import numpy as np

from maquette.errors import InputError

BLOCK = 512
_SIZES = {-1: 1, 1: 1, 2: 2, 4: 4}
"""Bytes of each type of value: text, byte, 16-bit integer, float."""


@dataclass(frozen=True)
class Numbers:
    """How a file stores its numbers, which its processor tells."""

    order: str
    """Byte order as NumPy has it."""
    is_dec: bool
    """Floats of DEC's VAX."""

    def floats(self, data: bytes | memoryview) -> np.ndarray:
        """Single-precision numbers of all bytes.

        DEC's have their 16-bit halves exchanged and an exponent that is two greater (c3d.org, "Floating-point
        format")."""
        if not self.is_dec:
            return np.frombuffer(data, dtype=f"{self.order}f4").astype(np.float32)
        halves = np.frombuffer(data, dtype="<u2").reshape(-1, 2)[:, ::-1]
        return np.ascontiguousarray(halves).view("<f4").ravel() / np.float32(4)

    def integers(self, data: bytes | memoryview) -> np.ndarray:
        """Signed 16-bit numbers of all bytes."""
        return np.frombuffer(data, dtype=f"{self.order}i2")


PROCESSORS = {84: Numbers("<", False), 85: Numbers("<", True), 86: Numbers(">", False)}
"""Intel, DEC, and MIPS by the number that stands in the parameter section."""


@dataclass(frozen=True, eq=False)
class Parameters:
    """Parameters by ``(group, name)``, both in capitals: a list of texts, or an array, whose first index runs fastest
    in the file."""

    numbers: Numbers
    values: dict[tuple[str, str], list[str] | np.ndarray] = field(default_factory=dict)

    def texts(self, group: str, name: str) -> list[str]:
        """Texts of a parameter, and of its continuations (``LABELS2``, ``LABELS3``, ... hold what follows the first
        255); empty when there is none."""
        found: list[str] = []
        for count in range(1, 1000):
            value = self.values.get((group, name if count == 1 else f"{name}{count}"))
            if not isinstance(value, list):
                break
            found += value
        return found

    def text(self, group: str, name: str) -> str:
        """The first text of a parameter; empty when there is none."""
        return next(iter(self.texts(group, name)), "")

    def number(self, group: str, name: str) -> float | None:
        """The first number of a parameter; None when there is none."""
        value = self.values.get((group, name))
        return float(value.ravel()[0]) if isinstance(value, np.ndarray) and value.size else None

    def count(self, group: str, name: str) -> int | None:
        """The first number of a parameter as a count: integers have no sign there, and -1 is 65535."""
        number = self.number(group, name)
        if number is None or not np.isfinite(number):
            return None
        return int(number) & 0xFFFF if number < 0 else int(number)


def parse_parameters(data: bytes, first_block: int, where: str) -> Parameters:
    """The parameters of a file.

    Args:
        data: the whole file.
        first_block: block where they begin, counted from 1.
        where: name of the file.

    Raises:
        InputError: they lie outside of the file, an unknown processor, or a damaged entry.
    """
    start = (first_block - 1) * BLOCK
    if start < 0 or start + 4 > len(data):
        raise InputError(f"{where}: its parameters begin at block {first_block}, outside of the file; C3D damaged")
    processor = data[start + 3]
    if processor not in PROCESSORS:
        raise InputError(
            f"{where}: processor type {processor}, expected 84 (Intel), 85 (DEC) or 86 (MIPS); C3D damaged"
        )
    numbers = PROCESSORS[processor]
    groups: dict[int, str] = {}
    entries: list[tuple[int, str, list[str] | np.ndarray]] = []
    at = start + 4
    while at + 4 <= len(data):
        length, group = abs(_signed(data[at])), _signed(data[at + 1])
        end_of_name = at + 2 + length
        if not length or end_of_name + 2 > len(data):
            break
        name = _text(data[at + 2 : end_of_name]).upper()
        step = int.from_bytes(data[end_of_name : end_of_name + 2], "big" if numbers.order == ">" else "little")
        if group < 0:
            groups[-group] = name
        elif group > 0:
            entries.append((group, name, _value(data, end_of_name + 2, numbers, f"{where}: parameter {name[:40]}")))
        if not step:
            break
        at = end_of_name + step
    return Parameters(numbers, {(groups.get(group, str(group)), name): value for group, name, value in entries})


def _value(data: bytes, at: int, numbers: Numbers, where: str) -> list[str] | np.ndarray:
    if at + 2 > len(data):
        raise InputError(f"{where} ends with the file; C3D damaged")
    kind, n_dimensions = _signed(data[at]), data[at + 1]
    shape = tuple(data[at + 2 : at + 2 + n_dimensions])
    if kind not in _SIZES or n_dimensions > 7 or len(shape) != n_dimensions:
        raise InputError(f"{where} has type {kind} and {n_dimensions} dimensions; C3D damaged")
    count = int(np.prod(shape, dtype=object)) if shape else 1
    start = at + 2 + n_dimensions
    raw = data[start : start + count * _SIZES[kind]]
    if len(raw) != count * _SIZES[kind]:
        raise InputError(f"{where} ends with the file; C3D damaged")
    if kind == -1:
        length = shape[0] if shape else 1
        return [_text(raw[i : i + length]) for i in range(0, len(raw), length)] if length else []
    if kind == 1:
        return np.frombuffer(raw, dtype=np.int8).reshape(shape, order="F")
    values = numbers.floats(raw) if kind == 4 else numbers.integers(raw)
    return values.reshape(shape, order="F")


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _text(raw: bytes) -> str:
    """Text without the spaces and zeros that fill it up; Latin letters of older programs where it is not UTF-8."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.strip(" \0")

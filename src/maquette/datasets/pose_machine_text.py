"""Lines of numbers between commas, as the published 3D pose machine (Wang et al. 2019) keeps all its data.

Numbers are counted, not assumed; a file is read whole or refused with every line that is wrong. Plain lines are turned
into numbers in one go, several megabytes at a time; a piece that is not plain is looked at line by line.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from maquette.errors import InputError

_PIECE = 1 << 22
_NUMBER = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_CHARACTERS = b"0123456789+-.eE,"
_LARGEST = 1e6
"""Of a share of a square, or of millimetres, nothing sensible is farther from 0; and every number fits into float32."""
_LONGEST = 64
"""Characters of a number: what is longer is no number that a program wrote."""
_SHOWN = 20

Line = tuple[bytes, bytes]
"""What stands before the numbers, and the numbers."""
Split = Callable[[bytes], Line | str]
"""A line without blanks at its ends to its parts, or what is wrong with it."""


@dataclass
class _Problems:
    """Lines that are wrong: all are counted, the first are told."""

    first: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, text: str) -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(text)


def read_number_lines(
    data: bytes, where: str, split: Split, widths: Sequence[int]
) -> tuple[list[bytes], Float64[np.ndarray, "rows width"]]:
    """What stands before the numbers of each line, and the numbers. Empty lines are passed over.

    Args:
        data: the whole file.
        where: its name, for errors.
        split: finds the numbers of a line.
        widths: how many numbers a line may have; all lines have as many as the first.

    Raises:
        InputError: no line, or lines that are wrong, all of them with their numbers.
    """
    heads: list[bytes] = []
    tables: list[np.ndarray] = []
    problems = _Problems()
    allowed = list(widths)
    for first_number, lines in _pieces(data.removeprefix(b"\xef\xbb\xbf")):
        parts = [split(line.strip()) for line in lines if line and not line.isspace()]
        table = _plain(parts, allowed)
        if table is None:
            numbered = [(first_number + i, line) for i, line in enumerate(lines) if line and not line.isspace()]
            table = _with_care(parts, [number for number, _ in numbered], allowed, problems)
        if len(table):
            allowed = [table.shape[1]]
            tables.append(table)
        if not problems.count:  # a file of gigabytes in which every line is wrong must not fill the memory
            heads += [part[0] for part in parts if not isinstance(part, str)]
    if problems.count:
        rest = problems.count - _SHOWN
        more = [f"and {rest} more lines that are wrong"] if rest > 0 else []
        raise InputError.from_problems(where, [*problems.first, *more])
    if not tables:
        raise InputError(f"{where}: is empty, expected lines of {_either(widths)} numbers")
    return heads, np.concatenate(tables)


def _pieces(data: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Number of the first line, counted from 1, and some whole lines."""
    begin, number = 0, 1
    while begin < len(data):
        end = data.rfind(b"\n", begin, begin + _PIECE) + 1 or data.find(b"\n", begin) + 1 or len(data)
        lines = data[begin:end].split(b"\n")
        if not lines[-1]:
            lines.pop()
        yield number, lines
        begin, number = end, number + len(lines)


def _plain(parts: Sequence[Line | str], widths: Sequence[int]) -> Float64[np.ndarray, "rows width"] | None:
    """The numbers of lines that are all as they should be; None: some are not, or are written in an unusual way."""
    tails = [part[1] for part in parts if not isinstance(part, str)]
    counts = {tail.count(b",") + 1 for tail in tails}
    joined = b",".join(tails)
    if len(tails) < len(parts) or len(counts) != 1 or joined.translate(None, _CHARACTERS):
        return None
    width = counts.pop()
    if max(len(tail) for tail in tails) > width * _LONGEST // 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # older NumPy says so where newer raises
        try:
            values = np.fromstring(joined, sep=",")
        except ValueError:
            return None
    if width not in widths or values.size != len(tails) * width or not (np.abs(values) <= _LARGEST).all():
        return None
    return values.reshape(-1, width)


def _with_care(
    parts: Sequence[Line | str], numbers: Sequence[int], widths: Sequence[int], problems: _Problems
) -> Float64[np.ndarray, "rows width"]:
    """The numbers of the lines that are right; a problem for each of the others."""
    rows: list[list[float]] = []
    for number, part in zip(numbers, parts, strict=True):
        if isinstance(part, str):
            problems.add(f"line {number}: {part}")
            continue
        fields = part[1].split(b",")
        allowed = [len(rows[0])] if rows else widths
        if len(fields) not in allowed:
            problems.add(f"line {number}: {len(fields)} numbers, expected {_either(allowed)}")
            continue
        wrong = next((i for i, field in enumerate(fields) if not _is_number(field.strip())), None)
        if wrong is None:
            rows.append([float(field) for field in fields])
        else:
            problems.add(
                f"line {number}: number {wrong + 1} is '{_shown(fields[wrong])}', expected a number from "
                f"{-_LARGEST:g} to {_LARGEST:g}"
            )
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(rows[0]) if rows else 0)


def _is_number(field: bytes) -> bool:
    return len(field) <= _LONGEST and _NUMBER.fullmatch(field) is not None and abs(float(field)) <= _LARGEST


def _shown(field: bytes) -> str:
    return field[:30].decode("utf-8", "replace")


def _either(widths: Sequence[int]) -> str:
    texts = [str(width) for width in widths]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"

"""Tables of joint positions as text with commas, as :mod:`maquette.exporters.csv` writes them."""

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.readers.motion_facts import told_facts
from maquette.readers.motion_table import JOINT, TableColumns, check_columns, is_long, motion_from_columns, wanted

_BLOCK_ROWS = 10_000
_WORDS = {"": np.nan, "na": np.nan, "n/a": np.nan, "null": np.nan, "none": np.nan, "true": 1.0, "false": 0.0}
"""What R, pandas and polars write in cells that are no numbers."""


def read_motion_csv(path: Path, data: bytes) -> Motion:
    """The motion of a table, wide (columns ``<joint>_x_m``, ``<joint>_y_m``, ``<joint>_z_m``) or long (columns
    ``joint``, ``x_m``, ``y_m``, ``z_m``, and ``frame`` or ``time_s``); which one its header tells.

    Without the comment line the frame is taken as the world, the frame rate from the times, and the skeleton from
    the names of the columns; the notes say so. Columns with other names are passed over.

    Raises:
        InputError: no such columns, cells that are no numbers, several people, or no way to know the frame rate.
    """
    where = str(path)
    facts, columns = table_columns(data, where)
    return motion_from_columns(columns, facts, where)


def table_columns(data: bytes, where: str, *, positions: bool = True) -> tuple[dict[str, str], TableColumns]:
    """``(facts, columns)`` of a table.

    Args:
        data: the file.
        where: its name.
        positions: whether it must hold positions.

    Raises:
        InputError: no text, rows of different lengths, no header, or cells that are no numbers.
    """
    facts: dict[str, str] = {}
    try:
        lines = _rows(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig"), facts)
        names = [_bare(name) for name in next(lines, "").split(",")]
        if positions:
            check_columns(names, where)
        return facts, _columns(lines, names, where)
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not UTF-8 text ({error.reason})") from None


def _rows(stream: io.TextIOWrapper, facts: dict[str, str]) -> Iterator[str]:
    """Lines without comments, whose facts are gathered on the way."""
    for line in stream:
        if line.startswith("#"):
            facts.update({key: value for key, value in told_facts(line).items() if key not in facts})
        elif line.strip():
            yield line.rstrip("\r\n")


def _columns(lines: Iterator[str], names: list[str], where: str) -> TableColumns:
    long = is_long(names)
    taken = [i for i, name in enumerate(names) if wanted(name)]
    at = names.index(JOINT) if long else -1
    joints: dict[str, int] = {}
    joint: list[np.ndarray] = [np.zeros(0, dtype=np.int64)]
    blocks: list[np.ndarray] = [np.zeros((0, len(taken)))]
    first = 1
    # In blocks, so that a long table never exists as Python numbers all at once.
    while block := list(islice(lines, _BLOCK_ROWS)):
        widths = [line.count(",") + 1 for line in block]
        if set(widths) != {len(names)}:
            row = next(i for i, width in enumerate(widths) if width != len(names))
            raise InputError(f"{where}: row {first + row} has {widths[row]} cells, the header {len(names)}")
        blocks.append(_numbers(block, taken, first, where))
        if long:
            codes = [joints.setdefault(_bare(line.split(",", at + 1)[at]), len(joints)) for line in block]
            joint.append(np.array(codes, dtype=np.int64))
        first += len(block)
    table = np.concatenate(blocks)
    numbers = {names[i]: table[:, k] for k, i in enumerate(taken)}
    return TableColumns(numbers, list(joints), np.concatenate(joint) if long else None)


def _numbers(block: list[str], taken: list[int], first: int, where: str) -> Float[np.ndarray, "rows columns"]:
    """Numbers in the taken columns of rows of equal width, NaN where empty."""
    # NumPy reads whole rows much faster than Python reads cells, but no empty ones.
    text = "\n" + "\n".join(block) + "\n"
    for empty, full in ((",,", ",nan,"), (",,", ",nan,"), (",\n", ",nan\n"), ("\n,", "\nnan,")):
        text = text.replace(empty, full)
    try:
        return np.loadtxt(text.split("\n")[1:-1], delimiter=",", usecols=taken, comments=None, ndmin=2)
    except ValueError:
        return np.array([_row(line, taken, number, where) for number, line in enumerate(block, start=first)])


def _row(line: str, taken: list[int], number: int, where: str) -> list[float]:
    """The same of a row in which words stand for numbers."""
    cells = line.split(",")
    row = []
    for cell in (cells[i] for i in taken):
        text = _bare(cell).lower()
        try:
            row.append(_WORDS[text] if text in _WORDS else float(text))
        except ValueError:
            raise InputError(f"{where}: row {number}: a cell is no number ('{cell[:40]}')") from None
    return row


def _bare(cell: str) -> str:
    """Without white space and quotes around it."""
    return cell.strip().strip("\"'").strip()

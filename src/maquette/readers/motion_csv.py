"""Tables of joint positions as text with commas, as :mod:`maquette.exporters.csv` writes them."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

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
    joint: list[np.ndarray] = []
    blocks: list[np.ndarray] = []
    rows: list[list[float]] = []
    codes: list[int] = []
    for number, line in enumerate(lines, start=1):
        cells = line.split(",")
        if len(cells) != len(names):
            raise InputError(f"{where}: row {number} has {len(cells)} cells, the header {len(names)}")
        rows.append(_numbers([cells[i] for i in taken], number, where))
        if long:
            codes.append(joints.setdefault(_bare(cells[at]), len(joints)))
        if len(rows) == _BLOCK_ROWS:
            blocks.append(np.array(rows, dtype=np.float64))
            joint.append(np.array(codes, dtype=np.int64))
            rows, codes = [], []
    blocks.append(np.array(rows, dtype=np.float64).reshape(len(rows), len(taken)))
    joint.append(np.array(codes, dtype=np.int64))
    table = np.concatenate(blocks)
    numbers = {names[i]: table[:, k] for k, i in enumerate(taken)}
    return TableColumns(numbers, list(joints), np.concatenate(joint) if long else None)


def _numbers(cells: list[str], number: int, where: str) -> list[float]:
    try:
        return [float(cell) if cell else np.nan for cell in cells]
    except ValueError:
        pass
    row = []
    for cell in cells:
        text = _bare(cell).lower()
        try:
            row.append(_WORDS[text] if text in _WORDS else float(text))
        except ValueError:
            raise InputError(f"{where}: row {number} has a cell that is no number ('{cell[:40]}')") from None
    return row


def _bare(cell: str) -> str:
    """Without white space and quotes around it."""
    return cell.strip().strip("\"'").strip()

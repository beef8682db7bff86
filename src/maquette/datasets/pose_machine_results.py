"""Poses as the published 3D pose machine (Wang et al. 2019) writes them, and the limits they are normalised by.

A line of a result is a first field and 48 (3D) or 32 (2D) numbers between commas. The first field is empty, so that the
line begins with a comma (what the network put out, normalised), or counts, from 1 up to the frames of an evaluation and
then from 1 again (millimetres), or from 0.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float64, Int64

from maquette.atomic import write_bytes
from maquette.datasets.pose_machine_rows import JOINTS
from maquette.datasets.pose_machine_text import Line, read_number_lines
from maquette.errors import InputError
from maquette.lifting.min_max import CAFFE_ROOT_MM, MinMax
from maquette.readers.input_files import read_bytes

_WIDTHS = (3 * JOINTS, 2 * JOINTS)
COUNTED_FRAMES = 30
"""Frames of an evaluation in the published program, after which the count begins anew."""


@dataclass(frozen=True, eq=False)
class Results:
    """Poses of a file, in its order."""

    values: Float64[np.ndarray, "rows width"]
    """48 or 32: joint by joint, x, y(, z); normalised, or millimetres: the file does not say."""
    count: Int64[np.ndarray, " rows"] | None
    """The first field; None where it is empty or absent."""


def read_results(path: str | Path) -> Results:
    """A file of results; the first field may be empty, a number that counts, or absent.

    Raises:
        InputError: it cannot be read, or lines are wrong; all of them at once.
    """
    heads, values = read_number_lines(read_bytes(path), str(path), _count_and_numbers, _WIDTHS)
    if not any(heads):
        return Results(values, None)
    if not all(heads):
        row = next(i for i, head in enumerate(heads) if bool(head) != bool(heads[0]))
        raise InputError(f"{path}: lines with and without a number in front, the first that differs is pose {row + 1}")
    return Results(values, np.array([int(head) for head in heads], dtype=np.int64))


def _count_and_numbers(line: bytes) -> Line | str:
    if line.count(b",") + 1 in _WIDTHS and not line.startswith(b","):
        return b"", line
    count, _, numbers = line.partition(b",")
    count = count.strip()
    if count and not (count.isdigit() and len(count) < 16):
        text = count[:30].decode("utf-8", "replace")
        return f"begins with '{text}', expected a comma, or a number that counts lines"
    return count, numbers


def write_results(
    path: str | Path, values: Float[np.ndarray, "rows width"], *, counted: int | None = None, digits: int = 6
) -> None:
    """Write a file of results.

    Args:
        values: 48 or 32 numbers a row.
        counted: None: the first field is empty; else it counts from 1, and anew after so many rows.
        digits: that count; 6 published (C++ writes no more unless told to), 17 lose nothing.

    Raises:
        InputError: rows of another width, or numbers that are not finite.
        OutputError: it cannot be written.
    """
    if values.shape[1] not in _WIDTHS or not np.isfinite(values).all():
        raise InputError(f"results of shape {values.shape}, expected finite numbers, 48 (3D) or 32 (2D) a row")
    if not 1 <= digits <= 17 or (counted is not None and counted < 1):
        raise InputError(f"{digits} digits, counted up to {counted}; expected 1 to 17, and 1 or more")
    form = f",%.{digits}g" * values.shape[1] + "\n"
    lines = [
        ("" if counted is None else str(row % counted + 1)) + form % tuple(numbers)
        for row, numbers in enumerate(values.tolist())
    ]
    write_bytes(path, "".join(lines).encode())


def read_min_max(path: str | Path) -> MinMax:
    """``16point_mean_limb_scaled_max_min.csv``: a line of the largest values and one of the smallest, millimetres; 48
    numbers each, or 51 for 17 joints.

    A root whose largest value is not above 0 gets the hair that the published evaluation adds to it.

    Raises:
        InputError: it cannot be read, or does not hold such limits.
    """
    _, values = read_number_lines(
        read_bytes(path), str(path), lambda line: (b"", line.strip(b",")), (3 * JOINTS, 3 * JOINTS + 3)
    )
    if len(values) != 2:
        raise InputError(f"{path}: {len(values)} lines of numbers, expected two: the largest, then the smallest")
    high, low = values.reshape(2, -1, 3)
    if (high[0] <= low[0]).all() and not high[0].any() and not low[0].any():
        high[0] = CAFFE_ROOT_MM
    try:
        return MinMax(high, low)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def write_min_max(path: str | Path, limits: MinMax) -> None:
    """Write limits as :func:`read_min_max` reads them; nothing is lost.

    Raises:
        OutputError: it cannot be written.
    """
    lines = [",".join(repr(value) for value in side.ravel().tolist()) for side in (limits.max_mm, limits.min_mm)]
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode())

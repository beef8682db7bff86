"""Rows of tables: what a motion has in each column, wide or long, and how numbers become text."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.atomic import atomic_path
from maquette.motion import Motion
from maquette.readers.motion_facts import csv_names, observed_joints_of

LENGTH_DECIMALS = 6
_BLOCK_ROWS = 1000
LONG_COLUMNS = "time_s frame person joint x_m y_m z_m sigma_m observed contact".split()


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a wide table."""

    name: str
    values: np.ndarray
    """One number a frame; NaN where unknown, flags as 0 and 1."""
    decimals: int


def frame_columns(motion: Motion) -> list[Column]:
    """``frame`` (from 0), ``time_s``, ``person`` (unknown where there is no number)."""
    person = np.nan if motion.person_id is None else float(motion.person_id)
    return [
        Column("frame", np.arange(motion.n_frames), 0),
        Column("time_s", motion.times_s, 6),
        Column("person", np.full(motion.n_frames, person), 0),
    ]


def position_columns(motion: Motion) -> list[Column]:
    """``<joint>_x_m``, ``_y_m``, ``_z_m`` for all joints."""
    names = csv_names(motion.skeleton.joints)
    return [
        Column(f"{joint}_{axis}_m", motion.positions[:, i, k], LENGTH_DECIMALS)
        for i, joint in enumerate(names)
        for k, axis in enumerate("xyz")
    ]


def trust_columns(motion: Motion) -> list[Column]:
    """``<joint>_sigma_m`` where the motion has it, ``<joint>_observed`` (0 or 1,
    :func:`maquette.readers.motion_facts.observed_joints_of`), ``<joint>_contact`` of contact joints."""
    names = csv_names(motion.skeleton.joints)
    columns = []
    if motion.sigma_m is not None:
        columns += [Column(f"{j}_sigma_m", motion.sigma_m[:, i], LENGTH_DECIMALS) for i, j in enumerate(names)]
    observed = observed_joints_of(motion.positions, motion.sigma_m)
    columns += [Column(f"{j}_observed", observed[:, i], 0) for i, j in enumerate(names)]
    if motion.contacts is not None:
        at = dict(zip(motion.skeleton.joints, names, strict=True))
        columns += [Column(f"{at[j]}_contact", motion.contacts[:, i], 0) for i, j in enumerate(motion.contact_joints)]
    return columns


def confidence_columns(motion: Motion) -> list[Column]:
    """Columns of the table that stands beside a file of bare positions."""
    return [*frame_columns(motion), *trust_columns(motion)]


def wide_columns(motion: Motion) -> list[Column]:
    """All columns of the wide table."""
    return [*frame_columns(motion), *position_columns(motion), *trust_columns(motion)]


def wide_lines(columns: list[Column]) -> Iterator[str]:
    """Header and rows, piece by piece; unknown numbers are empty cells, an infinite uncertainty is ``inf``."""
    yield ",".join(column.name for column in columns) + "\n"
    row_format = ",".join(f"%.{column.decimals}f" for column in columns) + "\n"
    decimals = {column.decimals for column in columns}
    n_frames = len(columns[0].values)
    # In blocks, so that a long clip never exists as Python numbers all at once.
    for first in range(0, n_frames, _BLOCK_ROWS):
        block = slice(first, first + _BLOCK_ROWS)
        part = _rounded(np.stack([column.values[block] for column in columns], axis=1), max(decimals))
        whole = bool(np.isfinite(part).all())
        for row in part.tolist():
            text = row_format % tuple(row)
            yield text if whole else text.replace("nan", "")


def long_lines(motion: Motion) -> Iterator[str]:
    """Header and rows of the long table: a row for each frame and joint, columns :data:`LONG_COLUMNS`."""
    yield ",".join(LONG_COLUMNS) + "\n"
    names = csv_names(motion.skeleton.joints)
    person = "" if motion.person_id is None else str(motion.person_id)
    times_s = motion.times_s
    number = f"%.{LENGTH_DECIMALS}f"
    row_format = ",".join([*[number] * 4, "%.0f", "%.0f"]) + "\n"
    for first in range(0, motion.n_frames, _BLOCK_ROWS):
        cells = _rounded(long_numbers(motion, slice(first, first + _BLOCK_ROWS)), LENGTH_DECIMALS)
        for frame, rows in enumerate(cells.tolist(), start=first):
            start = f"{times_s[frame]:.6f},{frame},{person},"
            for joint, row in zip(names, rows, strict=True):
                yield f"{start}{joint},{(row_format % tuple(row)).replace('nan', '')}"


def long_numbers(motion: Motion, block: slice) -> Float[np.ndarray, "frames joints 6"]:
    """x, y, z, sigma, observed, contact of all joints in some frames; NaN where unknown or not estimated."""
    positions = motion.positions[block]
    numbers = np.full((*positions.shape[:2], 6), np.nan)
    numbers[..., :3] = positions
    sigma_m = None if motion.sigma_m is None else motion.sigma_m[block]
    if sigma_m is not None:
        numbers[..., 3] = sigma_m
    numbers[..., 4] = observed_joints_of(positions, sigma_m)
    if motion.contacts is not None:
        numbers[:, motion.skeleton.indices(motion.contact_joints), 5] = motion.contacts[block]
    return numbers


def _rounded(numbers: np.ndarray, decimals: int) -> np.ndarray:
    """Rounded as they will be written, so that no number is -0."""
    return np.round(numbers, decimals) + 0.0


def write_table(path: str | Path, first_line: str, columns: list[Column]) -> None:
    """Write a wide table under a line of comment.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write(first_line + "\n")
        file.writelines(wide_lines(columns))

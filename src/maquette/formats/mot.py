"""MOT, OpenSim's file of motion: a header, then a tab-separated table of coordinates over time."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError

_END = "endheader"


@dataclass(frozen=True, eq=False)
class Mot:
    """Content of a .mot or .sto file of coordinates, in the file's own units."""

    name: str
    """First line of the file; OpenSim writes ``Coordinates``."""
    in_degrees: bool
    """Whether angles are in degrees; lengths are in metres."""
    columns: tuple[str, ...]
    """Names of the coordinates, without ``time``."""
    times_s: Float[np.ndarray, " frames"]
    values: Float[np.ndarray, "frames columns"]


def format_mot(mot: Mot) -> str:
    """The text of a file, as OpenSim 4 writes and reads it: version 1, every value with 8 decimals."""
    head = [
        mot.name,
        "version=1",
        f"nRows={len(mot.times_s)}",
        f"nColumns={len(mot.columns) + 1}",
        f"inDegrees={'yes' if mot.in_degrees else 'no'}",
        "",
        "Units are S.I. units (second, meters, Newtons, ...)",
        "If the header above contains a line with 'inDegrees', this indicates whether rotational values are in degrees "
        "(yes) or radians (no).",
        "",
        _END,
        "\t".join(("time", *mot.columns)),
    ]
    # Rounded first and + 0.0, so that no -0.00000000 is written.
    table = np.round(np.column_stack((mot.times_s, mot.values)), 8) + 0.0
    rows = ["\t".join(f"{value:.8f}" for value in row) for row in table.tolist()]
    return "\n".join([*head, *rows]) + "\n"


def parse_mot(text: str, where: str) -> Mot:
    """The table of a .mot or .sto file; ``nan`` and empty cells are NaN.

    Raises:
        InputError: there is no header, no column ``time``, or a row does not fit; the text names the line.
    """
    lines = text.splitlines()
    ends = [number for number, line in enumerate(lines[:1000]) if line.strip().lower() == _END]
    if not ends or len(lines) < ends[0] + 2:
        raise InputError(f"{where}: not a MOT file: expected a line '{_END}' and the names of the columns after it")
    header = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines[: ends[0]])}
    names = [name.strip() for name in lines[ends[0] + 1].rstrip("\t\r").split("\t")]
    if not names or names[0].lower() != "time":
        raise InputError(f"{where}: line {ends[0] + 2} begins with '{names[0][:40]}', expected the column 'time'")
    rows = []
    for number, line in enumerate(lines[ends[0] + 2 :], start=ends[0] + 3):
        if not line.strip():
            continue
        cells = line.rstrip("\r\n").split("\t")
        if len(cells) == len(names) + 1 and not cells[-1].strip():
            cells = cells[:-1]
        if len(cells) != len(names):
            raise InputError(f"{where}: line {number} has {len(cells)} cells, expected {len(names)}")
        try:
            rows.append([float(cell) if cell.strip() else np.nan for cell in cells])
        except ValueError as error:
            raise InputError(f"{where}: line {number} has a cell that is no number ({error})") from None
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(names))
    return Mot(
        name=lines[0].strip(),
        in_degrees=header.get("inDegrees", "no").lower() == "yes",
        columns=tuple(names[1:]),
        times_s=table[:, 0],
        values=table[:, 1:],
    )

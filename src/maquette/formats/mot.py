"""MOT, OpenSim's file of motion: a header, then a tab-separated table of coordinates over time."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_END = "endheader"


@dataclass(frozen=True, eq=False)
class Mot:
    """Content of a .mot file of coordinates, in the file's own units."""

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

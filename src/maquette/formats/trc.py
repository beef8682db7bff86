"""TRC, the tab-separated marker file of OpenSim and Sports2D: five header lines, then one line for each frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from maquette.errors import InputError


@dataclass(frozen=True, eq=False)
class Trc:
    """Content of a TRC file, in the file's own units and axes."""

    data_rate: str
    """Frames per second, as written."""
    units: str
    """``m``, ``mm``, ...; Sports2D writes ``m`` even over pixels."""
    markers: tuple[str, ...]
    frame: Int[np.ndarray, " frames"]
    time_s: Float[np.ndarray, " frames"]
    values: Float[np.ndarray, "frames markers 3"]
    """NaN where a cell is empty."""


def parse_trc(text: str, where: str) -> Trc:
    """A TRC file from its text.

    Raises:
        InputError: the header is not TRC's, or a cell is no number; the text names the line.
    """
    lines = text.splitlines()
    if len(lines) < 5 or not lines[0].startswith("PathFileType"):
        raise InputError(
            f"{where}: not a TRC file: expected five header lines, the first beginning with 'PathFileType'"
        )
    header = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
    markers = tuple(name.strip() for name in lines[3].split("\t")[2:] if name.strip())
    if not markers:
        raise InputError(f"{where}: the fourth line names no markers")
    width = 3 * len(markers)
    frame: list[int] = []
    rows: list[list[float]] = []
    for number, line in enumerate(lines[5:], start=6):
        if not line.strip():
            continue
        cells = line.split("\t")
        try:
            row = [float(cell) if cell and not cell.isspace() else np.nan for cell in cells[1 : width + 2]]
            frame.append(int(cells[0]))
        except ValueError as error:
            raise InputError(f"{where}: line {number} has a cell that is no number ({error})") from None
        row += [np.nan] * (width + 1 - len(row))
        rows.append(row)
    table = np.array(rows, dtype=np.float64).reshape(len(rows), width + 1)
    if frame and not -(1 << 53) < min(frame) <= max(frame) < 1 << 53:
        raise InputError(f"{where}: a frame number is {max(frame, key=abs)}")
    return Trc(
        data_rate=header.get("DataRate", "").strip(),
        units=header.get("Units", "").strip(),
        markers=markers,
        frame=np.array(frame, dtype=np.int64),
        time_s=table[:, 0],
        values=table[:, 1:].reshape(len(rows), len(markers), 3),
    )

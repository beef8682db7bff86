"""TRC, the tab-separated marker file of OpenSim and Sports2D: five header lines, then one line for each frame."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from maquette.errors import InputError

_KEYS = "DataRate CameraRate NumFrames NumMarkers Units OrigDataRate OrigDataStartFrame OrigNumFrames".split()
_BLOCK_ROWS = 1000


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
    comment: str = ""
    """What the first line has after the name of the file; programs pass over it."""
    notes: tuple[str, ...] = ()
    """Whether it was cut off."""


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
    blocks: list[np.ndarray] = [np.zeros((0, width + 1))]
    # In blocks, so that a long file never exists as Python numbers all at once.
    for start in range(5, len(lines), _BLOCK_ROWS):
        rows = [
            _row(line, number, width, frame, where)
            for number, line in enumerate(lines[start : start + _BLOCK_ROWS], start=start + 1)
            if line.strip()
        ]
        if rows:
            blocks.append(np.array(rows, dtype=np.float64))
    table = np.concatenate(blocks)
    if frame and not -(1 << 53) < min(frame) <= max(frame) < 1 << 53:
        raise InputError(f"{where}: a frame number is {max(frame, key=abs)}")
    notes: tuple[str, ...] = ()
    told = header.get("NumFrames", "").strip()
    if told.isascii() and told.isdigit() and len(told) < 16 and int(told) > len(frame):
        notes = (f"the header says {int(told)} frames, the file holds {len(frame)}; the whole ones were taken",)
        if frame and not text.endswith(("\n", "\r")):
            # Its last number may have lost digits.
            table, frame = table[:-1], frame[:-1]
    return Trc(
        data_rate=header.get("DataRate", "").strip(),
        units=header.get("Units", "").strip(),
        markers=markers,
        frame=np.array(frame, dtype=np.int64),
        time_s=table[:, 0],
        values=table[:, 1:].reshape(len(table), len(markers), 3),
        comment="\t".join(lines[0].split("\t")[4:]).strip(),
        notes=notes,
    )


def _row(line: str, number: int, width: int, frame: list[int], where: str) -> list[float]:
    """Time and coordinates of one line; its frame number is appended to ``frame``."""
    cells = line.split("\t")
    try:
        row = [float(cell) if cell and not cell.isspace() else np.nan for cell in cells[1 : width + 2]]
        frame.append(int(cells[0]))
    except ValueError as error:
        raise InputError(f"{where}: line {number} has a cell that is no number ({error})") from None
    return row + [np.nan] * (width + 1 - len(row))


def trc_lines(trc: Trc, name: str, decimals: int) -> Iterator[str]:
    """The text of a TRC file, piece by piece, as OpenSim 4 reads and writes it.

    A marker of which a coordinate is unknown has three empty cells. Every cell, the last one of a line too, ends in a
    tab: without it OpenSim refuses a line whose last marker is missing ("Unexpected number of columns").

    Args:
        trc: the content; its markers contain no tabs.
        name: of the file, for the first line.
        decimals: of coordinates.
    """
    n_frames, n_markers = trc.values.shape[:2]
    start = str(trc.frame[0]) if n_frames else "1"
    told = (trc.data_rate, trc.data_rate, n_frames, n_markers, trc.units, trc.data_rate, start, n_frames)
    numbered = (f"{axis}{i}" for i in range(1, n_markers + 1) for axis in "XYZ")
    yield "\t".join(["PathFileType", "4", "(X/Y/Z)", name, *([trc.comment] if trc.comment else [])]) + "\n"
    yield "\t".join(_KEYS) + "\n" + "\t".join(map(str, told)) + "\n"
    yield "Frame#\tTime\t" + "".join(f"{marker}\t\t\t" for marker in trc.markers) + "\n"
    yield "\t\t" + "".join(f"{label}\t" for label in numbered) + "\n\n"
    cell = f"%.{decimals}f\t"
    whole, marker, gap = f"%d\t%.9f\t{cell * 3 * n_markers}\n", cell * 3, "\t\t\t"
    for first in range(0, n_frames, _BLOCK_ROWS):
        block = slice(first, first + _BLOCK_ROWS)
        values = np.round(trc.values[block], decimals) + 0.0
        known: np.ndarray = np.all(np.isfinite(values), axis=-1)
        full = np.all(known, axis=-1).tolist()
        rows = zip(trc.frame[block].tolist(), trc.time_s[block].tolist(), strict=True)
        for i, (frame, time_s) in enumerate(rows):
            if full[i]:
                yield whole % (frame, time_s, *values[i].ravel().tolist())
            else:
                cells = zip(values[i].tolist(), known[i].tolist(), strict=True)
                row = "".join(marker % tuple(point) if here else gap for point, here in cells)
                yield f"{frame}\t{time_s:.9f}\t{row}\n"

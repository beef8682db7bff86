"""The published lists of the 3D pose machine (Wang et al. 2019): a picture and its numbers in each line.

``PICTURE v0,v1,...``: the name, one space, numbers between commas. How many says what they are: 81 are 2D (x, y of 16
joints as shares of the square picture's side), 3D (by min and max, x, y, z) and the mark "clip"; 80 the same without
the mark; 49 and 48 the 3D with and without it (some lists of protocol III); 33 the 2D with the mark (MPII); 32 the 2D
alone (hourglass). "clip" is 0 where a video begins. The name may hold spaces here, as the original's reader in C++ has
it; the one in Python wants exactly one space in a line.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float64

from maquette.atomic import atomic_path
from maquette.datasets.pose_machine_rows import JOINTS, PictureNames, PoseMachineRows
from maquette.datasets.pose_machine_text import Line, read_number_lines
from maquette.datasets.sequences import Label
from maquette.errors import InputError, OutputError
from maquette.lifting.min_max import PUBLISHED_16, MinMax
from maquette.readers.input_files import read_bytes

_N2, _N3 = 2 * JOINTS, 3 * JOINTS
WIDTHS = (_N2 + _N3 + 1, _N2 + _N3, _N3 + 1, _N3, _N2 + 1, _N2)
"""How many numbers a line can have."""
NOT_KNOWN = Label("", "", "")
_ROWS_AT_ONCE = 4096
"""Written: numbers as Python has them take six times the memory of the array."""


def read_list(path: str | Path, *, label: Label = NOT_KNOWN, limits: MinMax = PUBLISHED_16) -> PoseMachineRows:
    """A list of any of the kinds.

    A point at exactly (0, 0) is one that was not found; in lists of 2D and mark (MPII), so is one both left of and
    above the picture, where missing points come to lie. Without marks the whole list is one video; without marks and 3D
    every line is a still picture.

    Args:
        label: of all lines: the lists themselves do not say.
        limits: by which the 3D is normalised.

    Raises:
        InputError: it cannot be read, or lines are wrong; all of them at once.
    """
    where = str(path)
    heads, values = read_number_lines(read_bytes(path), where, _name_and_numbers, WIDTHS)
    rows, width = values.shape
    marked, with_3d, with_2d = width % JOINTS == 1, width >= _N3, width not in (_N3, _N3 + 1)
    points = values[:, :_N2].reshape(rows, JOINTS, 2) if with_2d else np.zeros((rows, JOINTS, 2))
    visible = (points != 0).any(axis=-1)
    if width == _N2 + 1:
        visible &= (points >= 0).any(axis=-1)
    targets = np.full((rows, JOINTS, 3), np.nan, dtype=np.float32)
    if with_3d:
        begin = _N2 if with_2d else 0
        targets[:] = values[:, begin : begin + _N3].reshape(rows, JOINTS, 3)
    continues, notes = _marks(values[:, -1] if marked else None, rows, with_3d, where)
    ends = np.cumsum([0, *(len(head) for head in heads)], dtype=np.int64)
    return PoseMachineRows(
        name=where,
        points=np.where(visible[..., None], points, 0).astype(np.float32),
        visible=visible,
        targets=targets,
        continues=continues,
        label_of=np.zeros(rows, dtype=np.int32),
        labels=(label,),
        limits=limits,
        pictures=PictureNames(b"".join(heads), np.stack([ends[:-1], ends[1:]], axis=-1)),
        notes=notes,
    )


def _name_and_numbers(line: bytes) -> Line | str:
    name, space, numbers = line.rpartition(b" ")
    if not space:
        return "no space between the picture's name and the numbers, expected PICTURE NUMBER,NUMBER,..."
    return name.rstrip(), numbers


def _marks(
    clip: Float64[np.ndarray, " rows"] | None, rows: int, with_3d: bool, where: str
) -> tuple[Bool[np.ndarray, " rows"], tuple[str, ...]]:
    """Where videos go on, and what had to be assumed."""
    if clip is None:
        continues = np.full(rows, with_3d)
        continues[0] = False
        return continues, ("the list has no marks of where videos begin: taken as one video",) if with_3d else ()
    wrong = np.flatnonzero((clip != 0) & (clip != 1))
    if len(wrong):
        raise InputError(
            f"{where}: the last number of a line says whether its video goes on and is 0 or 1, but it is "
            f"{clip[wrong[0]]:g} in picture {wrong[0] + 1} of the list, and neither in {len(wrong)} of {rows}"
        )
    continues = clip == 1
    if continues[0]:
        continues[0] = False
        return continues, ("the list begins within a video",)
    return continues, ()


def write_list(path: str | Path, rows: PoseMachineRows) -> None:
    """Write a list: 81 numbers a line; 49 without any 2D; 33 without any 3D. Points that are not visible are (0, 0).

    Nine digits: what comes back is what went in, in single precision.

    Raises:
        InputError: the rows name no pictures, or some have 3D and some have not.
        OutputError: a name that a line cannot hold, or a file that cannot be written.
    """
    if rows.pictures is None:
        raise InputError(f"{rows.name}: no names of pictures, but every line of a list begins with one")
    with_3d = bool(rows.has_3d.all())
    if not len(rows) or with_3d != rows.has_3d.any():
        raise InputError(f"{rows.name}: a list is of rows with 3D or of rows without; write them to one file each")
    parts = [np.where(rows.visible[..., None], rows.points, 0).reshape(-1, _N2)] if rows.visible.any() else []
    parts += [rows.targets.reshape(-1, _N3)] if with_3d else []
    if not parts:
        raise InputError(f"{rows.name}: no point is visible and no 3D known; there is nothing to write")
    names = [rows.pictures[row] for row in range(len(rows))]
    for number, name in enumerate(names, 1):
        if not name.strip() or name != name.strip() or "\n" in name or "\r" in name:
            raise OutputError(f"{path}: a line cannot begin with the picture's name {name[:80]!r} (row {number})")
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        for begin in range(0, len(rows), _ROWS_AT_ONCE):
            part = slice(begin, begin + _ROWS_AT_ONCE)
            numbers = _written(np.concatenate([values[part] for values in parts], axis=-1), "%.9g")
            file.writelines(
                name.encode("utf-8", "surrogateescape") + b" " + text + (b",1\n" if goes_on else b",0\n")
                for name, text, goes_on in zip(names[part], numbers, rows.continues[part], strict=True)
            )


def _written(values: Float[np.ndarray, "rows width"], number: str) -> list[bytes]:
    """Rows of numbers between commas; ``number`` is a format of C."""
    form = ",".join([number] * values.shape[1])
    return [(form % tuple(row)).encode() for row in values.tolist()]

"""YOLO-pose labels: one text file for each frame, one line for each person.

A line is ``class, centre x, centre y, width, height`` of the box, then x, y, confidence (or x, y) for each of COCO's 17
points, all as fractions of the picture; ``save_conf`` appends the person's score, tracking its number.
"""

from pathlib import Path

import numpy as np

from maquette.errors import InputError, NoPersonError
from maquette.readers.clip import Clip
from maquette.readers.input_files import frame_numbers, read_bytes
from maquette.readers.rows import clip_from_rows
from maquette.readers.skeleton_choice import check_given
from maquette.skeleton import Skeleton
from maquette.skeletons import COCO_17


def looks_like_labels(data: bytes) -> bool:
    """True when the first lines are numbers in the layout of YOLO-pose."""
    lines = [line for line in data[:4096].splitlines()[:1] if line.strip()]
    try:
        return bool(lines) and all(_layout(len([float(cell) for cell in line.split()]), 17) for line in lines)
    except ValueError:
        return False


def read_folder(folder: Path, names: list[str], skeleton: Skeleton | None) -> list[Clip]:
    """One clip from the label files of a folder; a frame without anybody has an empty file or none."""
    numbers, note = frame_numbers(names, str(folder))
    contents = [(number, name, read_bytes(folder / name)) for number, name in sorted(zip(numbers, names, strict=True))]
    return [_clip(contents, str(folder), skeleton, (note,) if note else ())]


def read_file(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """One frame."""
    return [_clip([(0, "", data)], str(path), skeleton, ())]


def _layout(n_cells: int, n_points: int) -> tuple[int, bool] | None:
    """``(numbers a point, has a track number)`` of a line of ``n_cells``; None when it fits no layout."""
    rest = n_cells - 5
    return {
        3 * n_points: (3, False),
        3 * n_points + 1: (3, False),
        3 * n_points + 2: (3, True),
        2 * n_points: (2, False),
    }.get(rest)


def _clip(
    contents: list[tuple[int, str, bytes]], where: str, skeleton: Skeleton | None, notes: tuple[str, ...]
) -> Clip:
    n_points = len(skeleton) if skeleton else len(COCO_17)
    rows: list[list[float]] = []
    row_number: list[int] = []
    for number, name, data in contents:
        file = f"{where}/{name}" if name else where
        for line in data.splitlines():
            if not line.strip():
                continue
            try:
                row = [float(cell) for cell in line.split()]
            except ValueError:
                raise InputError(f"{file}: a line that is no list of numbers; expected YOLO-pose labels") from None
            if _layout(len(row), n_points) is None or (rows and len(row) != len(rows[0])):
                expected = f"{5 + 3 * n_points} (with {n_points} points)" if not rows else f"{len(rows[0])} as before"
                raise InputError(f"{file}: a line has {len(row)} numbers; expected {expected}")
            rows.append(row)
            row_number.append(number)
    if not rows:
        raise NoPersonError(f"{where}: nobody was detected in any frame")
    layout = _layout(len(rows[0]), n_points)
    assert layout is not None
    per_point, has_track = layout
    table = np.array(rows, dtype=np.float64)
    values = table[:, 5 : 5 + per_point * n_points].reshape(len(rows), n_points, per_point)
    joints, why = check_given(skeleton or COCO_17, n_points, where)
    if per_point == 2:
        notes = (*notes, "the labels have no confidences: every point that is not 0, 0 counts as certain")
    ids = table[:, -1] if has_track else np.full(len(rows), -1.0)
    if not np.isfinite(ids).all() or np.abs(ids).max() > 1e9:
        raise InputError(f"{where}: a track number is no number")
    return clip_from_rows(
        values[..., :2],
        values[..., 2] if per_point == 3 else np.ones(values.shape[:2]),
        row_number,
        ids.astype(np.int64).tolist(),
        [number for number, _, _ in contents],
        skeleton=joints,
        columns=None,
        skeleton_why=why if skeleton else "YOLO-pose's labels have COCO's 17 points",
        source=where,
        unit="0..1",
        notes=notes,
    )

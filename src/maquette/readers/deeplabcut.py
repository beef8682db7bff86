"""DeepLabCut's CSV: header rows scorer, (individuals,) bodyparts, coords, then one row for each frame."""

import csv
from pathlib import Path

import numpy as np

from maquette.errors import InputError
from maquette.readers.clip import Clip
from maquette.readers.rows import clip_from_rows
from maquette.readers.skeleton_choice import check_given, skeleton_from_names
from maquette.skeleton import Skeleton
from maquette.track.detections import observed_joints


def read(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """One clip; the individuals of a multi-animal project are its people.

    Raises:
        InputError: not DeepLabCut's header, a cell that is no number, or names that are no joints.
    """
    where = str(path)
    header, frames, table = _table(data.decode("utf-8-sig", "replace"), where)
    parts = header["bodyparts"]
    individuals = header.get("individuals", [""] * len(parts))
    coords = header["coords"]
    names = list(dict.fromkeys(parts))
    people = list(dict.fromkeys(individuals))
    column = {key: i for i, key in enumerate(zip(individuals, parts, coords, strict=True))}
    empty = np.full(len(table), np.nan)

    def values(person: str, part: str, coordinate: str) -> np.ndarray:
        i = column.get((person, part, coordinate))
        return empty if i is None else table[:, i]

    shape = (len(people) * len(table), len(names))
    points = np.stack(
        [[[values(who, part, c) for c in ("x", "y")] for part in names] for who in people], axis=0
    )  # people, parts, 2, frames
    points = points.transpose(0, 3, 1, 2).reshape(*shape, 2)
    confidence = np.stack([[values(who, part, "likelihood") for part in names] for who in people], axis=0)
    confidence = confidence.transpose(0, 2, 1).reshape(shape)
    seen = np.any(observed_joints(points), axis=1)
    if len(people) == 1:
        seen[:] = True
    columns, notes = None, ()
    if skeleton is not None:
        joints, why = check_given(skeleton, len(names), where)
    else:
        joints, columns, notes = skeleton_from_names(names, where)
        why = "the file names its body parts"
    row_number = np.tile(frames, len(people))[seen]
    person_id = np.repeat(np.arange(len(people)) if len(people) > 1 else [-1], len(table))[seen]
    clip = clip_from_rows(
        points[seen],
        confidence[seen],
        row_number.tolist(),
        person_id.tolist(),
        frames.tolist(),
        skeleton=joints,
        columns=columns,
        skeleton_why=why,
        source=where,
        one_person=len(people) == 1 and len(np.unique(frames)) == len(frames),
        notes=notes,
    )
    return [clip]


def _table(text: str, where: str) -> tuple[dict[str, list[str]], np.ndarray, np.ndarray]:
    """``(header rows by name, frame numbers, values (frames, columns))``."""
    header: dict[str, list[str]] = {}
    labels: list[str] = []
    rows: list[list[float]] = []
    width = number = 0
    try:
        for number, cells in enumerate(csv.reader(text.splitlines()), start=1):
            if "coords" not in header:
                if number > 5 or not cells:
                    break
                header[cells[0].strip().lower()] = [cell.strip() for cell in cells[1:]]
                width = len(cells) - 1
            elif cells:
                labels.append(cells[0])
                rows.append([float(cell) if cell.strip() else np.nan for cell in cells[1 : width + 1]])
                if len(rows[-1]) != width:
                    raise InputError(f"{where}: line {number} has {len(cells) - 1} values, expected {width}")
    except (ValueError, csv.Error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: line {number} has a cell that cannot be read ({error})") from None
    if not {"scorer", "bodyparts", "coords"} <= header.keys() or len({len(row) for row in header.values()}) != 1:
        raise InputError(f"{where}: not DeepLabCut's CSV: expected header rows scorer, bodyparts and coords")
    if width == 0 or not rows:
        raise InputError(f"{where}: has a header but no frames")
    if all(label.isascii() and label.isdigit() and len(label) < 16 for label in labels):
        frames = np.array([int(label) for label in labels])
    else:
        frames = np.arange(len(labels))  # labelled pictures: the rows follow their order
    return header, frames, np.array(rows, dtype=np.float64)

"""Human3.6M's pictures as the second version of the published program has them: a pickled list of dictionaries
(``joints_3d``: x, y in pixels and z in the same scale; ``joints_3d_relative``: millimetres from the pelvis; the box as
``center_x``, ``center_y``, ``width``, ``height``) and ``IMG/00001.jpg``, numbered as the list is, from 1.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from maquette.datasets.picture_people import FROM_H36M_17, PELVIS
from maquette.datasets.picture_table import SPLITS, PictureTable, made_table
from maquette.datasets.sequences import Label
from maquette.errors import InputError
from maquette.formats.restricted_pickle import load_pickle

_BOX = ("center_x", "center_y", "width", "height")
_FROM_MIDDLE_PX = 0.5
"""Its program counts pixels from 0 at their middles."""
_NAMED = 5


def h36m_v2_pictures(path: str | Path, *, split: str | None = None, folder: str | Path | None = None) -> PictureTable:
    """The people of one list.

    Args:
        split: train, val or test; by default what the name of the file has in it.
        folder: of the pictures; by default ``IMG`` beside the file.

    Raises:
        InputError: no such list, or its entries are not as described; the first of them are named.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    entries = load_pickle(data, str(path))
    if not isinstance(entries, list | tuple) or not entries:
        raise InputError(f"{path}: holds {type(entries).__name__}, expected a list of dictionaries")
    found = split or next((name for name in SPLITS if name in path.stem.lower()), "val")
    if found not in SPLITS:
        raise InputError(f"{path}: no split {found}; expected {', '.join(SPLITS)}")
    rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    problems = []
    for number, entry in enumerate(entries):
        row = _entry(entry)
        if isinstance(row, str):
            problems.append(f"entry {number + 1}: {row}")
        else:
            rows.append(row)
    if problems:
        more = [f"and {len(problems) - _NAMED} more"] if len(problems) > _NAMED else []
        raise InputError.from_problems(str(path), [*problems[:_NAMED], *more])
    pixels, relative_mm, boxes = (np.stack(parts) for parts in zip(*rows, strict=True))
    chosen = list(FROM_H36M_17)
    pixels, relative_mm = pixels[:, chosen], relative_mm[:, chosen]
    where = Path(folder) if folder is not None else path.parent / "IMG"
    return made_table(
        "Human3.6M pictures (second version)",
        where.resolve(),
        [f"{number:05d}.jpg" for number in range(1, len(rows) + 1)],
        [Label("", "", "")] * len(rows),
        split=np.full(len(rows), SPLITS.index(found)),
        centre_px=boxes[:, :2] + _FROM_MIDDLE_PX,
        side_px=boxes[:, 2:].max(axis=1),
        points_px=pixels[..., :2] + _FROM_MIDDLE_PX,
        camera_mm=relative_mm,
        depth_px=pixels[..., 2] - pixels[:, PELVIS, None, 2],
        notes=("positions are relative to the pelvis: where people stood is not in the list",),
    )


def _entry(entry: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray] | str:
    """Pixels (17, 3), millimetres (17, 3) and the box of an entry; or what is wrong with it."""
    if not isinstance(entry, Mapping):
        return f"is {type(entry).__name__}, expected a dictionary"
    if missing := [name for name in ("joints_3d", "joints_3d_relative", *_BOX) if name not in entry]:
        return f"lacks {', '.join(missing)}"
    joints = []
    for name in ("joints_3d", "joints_3d_relative"):
        array = _numbers(entry[name])
        if array is None or array.ndim != 2 or array.shape[0] < 17 or array.shape[1] != 3:
            return f"'{name}' is of shape {getattr(array, 'shape', None)}, expected (17, 3) or more joints"
        joints.append(array[:17])
    box = _numbers([entry[name] for name in _BOX])
    if box is None or box.shape != (4,) or not (np.isfinite(box).all() and (box[2:] > 0).all()):
        return f"has the box {[entry[name] for name in _BOX]}, expected numbers, width and height above 0"
    if not all(np.isfinite(array).all() for array in joints):
        return "holds numbers that are not finite"
    return joints[0], joints[1], box


def _numbers(values: Any) -> np.ndarray | None:
    try:
        array = np.asarray(values)
        return array.astype(np.float64) if array.dtype.kind in "fiu" else None
    except (ValueError, TypeError):
        return None

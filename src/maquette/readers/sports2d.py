"""Sports2D's pixel TRC: one person, pixels with y down, although the header says metres."""

from pathlib import Path

import numpy as np

from maquette.errors import InputError
from maquette.formats.trc import parse_trc
from maquette.frozen_arrays import exact_fps
from maquette.readers.clip import Clip
from maquette.readers.rows import clip_from_rows, frame_rate
from maquette.readers.skeleton_choice import check_given, skeleton_from_names
from maquette.skeleton import Skeleton
from maquette.track.detections import observed_joints

_LARGEST_IN_METRES = 50.0


def read(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """The person of one pixel TRC; markers are told by their names, empty cells are missing.

    Raises:
        InputError: not TRC, markers in metres or in 3D, or names that are no joints.
    """
    where = str(path)
    trc = parse_trc(data.decode("utf-8", "replace"), where)
    values = trc.values
    if np.isinf(values).any():
        raise InputError(f"{where}: infinite numbers among the markers")
    with np.errstate(invalid="ignore"):
        is_metric = np.nanmax(np.abs(values[..., :2]), initial=0.0) < _LARGEST_IN_METRES
        is_3d = np.nanmax(np.abs(values[..., 2]), initial=0.0) > 0
    if is_3d or (is_metric and np.isfinite(values[..., :2]).any()):
        raise InputError(
            f"{where}: holds markers in {'3D' if is_3d else trc.units or 'metres'}, not in pixels; "
            "give Sports2D's pixel file (its name has '_px_')"
        )
    if skeleton is not None:
        joints, why = check_given(skeleton, len(trc.markers), where)
        columns, notes = None, ()
    else:
        joints, columns, notes = skeleton_from_names(list(trc.markers), where)
        why = "the file names its markers"
    points = values[..., :2]
    confidence = observed_joints(points).astype(np.float64)
    clip = clip_from_rows(
        points,
        confidence,
        trc.frame.tolist(),
        [-1] * len(points),
        trc.frame.tolist(),
        skeleton=joints,
        columns=columns,
        skeleton_why=why,
        source=where,
        one_person=len(np.unique(trc.frame)) == len(trc.frame),
        notes=(*notes, "the file has no confidences: every marker that is there counts as certain"),
        fps=exact_fps(trc.data_rate) if _is_rate(trc.data_rate) else frame_rate(trc.time_s, trc.frame)[0],
    )
    return [clip]


def _is_rate(text: str) -> bool:
    try:
        return 0 < float(text) < 1e6
    except ValueError:
        return False

"""Points of a C3D file as a motion: metres, our world, and all that files of ours say besides."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.formats.c3d import C3d, parse_c3d
from maquette.formats.json_documents import decode_json
from maquette.frozen_arrays import exact_fps
from maquette.geometry.lab_axes import turned_upright, world_from_lab
from maquette.motion import Motion
from maquette.readers.marker_names import mean_upward, skeleton_of_markers, spread_m
from maquette.readers.motion_record import MotionRecord, fps_of, motion_of

UNIT_M = {"mm": 0.001, "cm": 0.01, "dm": 0.1, "m": 1.0, "in": 0.0254, "inch": 0.0254}
"""Metres in each unit of POINT:UNITS."""
SIGMA, CONTACT, TIME_OFFSET = "_sigma", "_contact", "time_offset"
"""Ends of the labels of our analog channels, and the label of the one with times."""
UNKNOWN, GUESSED = -1.0, -2.0
"""In place of a standard deviation that is not known, and of one that is infinite."""
RECORD_TEXT = 200
"""Letters of each piece of our record."""
_FARTHEST_M = 1e6


class _Record(MotionRecord, kw_only=True):
    fps: str
    start_s: float = 0.0


_decoder = msgspec.json.Decoder(_Record)


def read_motion_c3d(path: Path, data: bytes) -> Motion:
    """The points of a C3D file.

    Files of ours come back as they were written. In others the axis that points up is POINT:Y_SCREEN, unless markers
    with names of joints stand up along another one; without both Z, as in most laboratories. What is forward in a
    laboratory is not known: X is taken. Points that the file marks as missing are NaN, residuals are not used, and
    force plates and other analog channels are passed over.

    Raises:
        InputError: no C3D, damaged, an unknown unit, or points beyond all bounds.
    """
    where = str(path)
    file = parse_c3d(data, where)
    unit = file.parameters.text("POINT", "UNITS").lower()
    if unit not in ("", *UNIT_M):
        raise InputError(f"{where}: its unit is '{unit[:20]}', expected mm, cm or m in POINT:UNITS")
    unit_m = UNIT_M[unit or "mm"]
    positions = file.points * unit_m
    if np.isinf(positions).any() or np.nanmax(np.abs(positions), initial=0.0) > _FARTHEST_M:
        raise InputError(f"{where}: points lie more than 1000 km away; the file or its unit is damaged")
    record = "".join(file.parameters.texts("MAQUETTE", "RECORD"))
    if record:
        return _own(file, decode_json(_decoder, record.encode(), f"{where}, MAQUETTE:RECORD"), positions, unit_m, where)
    skeleton, columns, notes = skeleton_of_markers(_bare(file.labels), where)
    positions, axes = _world(positions, file)
    positions = np.where((np.array(columns) >= 0)[:, None], positions[:, columns], np.nan)
    size = spread_m(positions)
    if not 0.1 < size < 20:
        notes += (f"the points spread over {size:.3g} m if their unit is {unit or 'mm'}, which is no person",)
    told = f"unit {unit}" if unit else "no unit, taken as mm"
    try:
        fps = exact_fps(file.rate)
    except InputError as error:
        raise InputError(f"{where}: POINT:RATE: {error}") from None
    return Motion(
        positions=positions,
        skeleton=skeleton,
        fps=fps,
        frame="world",
        scale_source=f"C3D file, {told}",
        source=where,
        notes=(*notes, *axes, *file.notes),
    )


def _bare(labels: tuple[str, ...]) -> list[str]:
    """Labels without the name of the subject that Vicon puts before them, where all have the same."""
    subjects = {label.partition(":")[0] for label in labels}
    if len(subjects) == 1 and all(":" in label for label in labels):
        return [label.partition(":")[2] or label for label in labels]
    return list(labels)


def _world(
    positions: Float[np.ndarray, "frames points 3"], file: C3d
) -> tuple[Float[np.ndarray, "frames points 3"], tuple[str, ...]]:
    """``(in our world, notes)``."""
    told = file.parameters.text("POINT", "Y_SCREEN").upper()
    up, why = (told, f"POINT:Y_SCREEN is {told}") if told in _TURNS else ("+Z", "as in most laboratories")
    body = mean_upward(positions, _bare(file.labels))
    if body is not None:
        axis = int(np.argmax(np.abs(body)))
        if abs(body[axis]) > 2 * np.delete(np.abs(body), axis).max():
            seen = f"{'+' if body[axis] > 0 else '-'}{'XYZ'[axis]}"
            why = f"people stand along {seen}" + (f", although {why}" if seen != up else "")
            up = seen
    columns, signs = _TURNS[up]
    turned = positions[..., columns] * signs + 0.0
    return turned, (f"{up} taken as up ({why})",)


_TURNS: dict[str, tuple[tuple[int, int, int], tuple[float, float, float]]] = {
    "+Z": ((1, 2, 0), (1.0, 1.0, 1.0)),
    "+Y": ((2, 1, 0), (-1.0, 1.0, 1.0)),
    "+X": ((2, 0, 1), (1.0, 1.0, 1.0)),
    "-Z": ((1, 2, 0), (1.0, -1.0, -1.0)),
    "-Y": ((2, 1, 0), (1.0, -1.0, 1.0)),
    "-X": ((2, 0, 1), (1.0, -1.0, -1.0)),
}
"""For each axis that may point up: which axes are our x, y, z, and their signs. All are rotations."""


def _own(
    file: C3d, record: _Record, positions: Float[np.ndarray, "frames points 3"], unit_m: float, where: str
) -> Motion:
    """A file of ours, as it was written."""
    if positions.shape[1] != len(record.skeleton.joints):
        raise InputError(
            f"{where}: holds {positions.shape[1]} points, but MAQUETTE:RECORD names {len(record.skeleton.joints)} "
            "joints; another program changed it, remove the group MAQUETTE"
        )
    positions = world_from_lab(positions)
    if record.frame == "camera":
        positions = turned_upright(positions)
    at = {label: file.analog[:, i] for i, label in enumerate(file.analog_labels)}
    arrays: dict[str, Any] = {}
    if all(f"{label}{SIGMA}" in at for label in file.labels):
        sigma = np.stack([at[f"{label}{SIGMA}"] for label in file.labels], axis=1)
        arrays["sigma_m"] = np.where(sigma == GUESSED, np.inf, np.where(sigma < 0, np.nan, sigma * unit_m))
    contacts = [label for label in at if label.endswith(CONTACT)]
    if record.contact_joints and len(contacts) == len(record.contact_joints):
        arrays["contacts"] = np.stack([at[label] == 1 for label in contacts], axis=1)
    try:
        fps = fps_of(record.fps)
        if TIME_OFFSET in at:
            arrays["timestamps_s"] = record.start_s + np.arange(len(positions)) / float(fps) + at[TIME_OFFSET]
        motion = motion_of(record, positions, fps, **arrays)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return motion.with_notes(*file.notes)

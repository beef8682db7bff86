"""Markers of a TRC file as a motion: metres, our world, the uncertainty from the table beside it."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.formats.trc import Trc, parse_trc
from maquette.frozen_arrays import exact_fps
from maquette.geometry.lab_axes import turned_upright, world_from_lab, world_from_opensim
from maquette.motion import Motion
from maquette.readers.marker_names import mean_upward, skeleton_of_markers, spread_m
from maquette.readers.motion_csv import table_columns
from maquette.readers.motion_facts import MARK, told_contact_joints, told_facts, told_fps, told_skeleton, uneven_times
from maquette.readers.motion_table import contact_joints_of, sigma_from_columns
from maquette.readers.rows import frame_rate

UNIT_M = {"m": 1.0, "meters": 1.0, "metres": 1.0, "cm": 0.01, "mm": 0.001, "millimeters": 0.001, "inches": 0.0254}
"""Metres in each unit that TRC files name."""
_PIXELS = 50.0
"""Flat markers farther apart than so many metres are pixels."""
_FARTHEST_M = 1e6
_MAX_CONFIDENCE_BYTES = 1 << 30


def confidence_path(path: Path) -> Path:
    """The table of uncertainty and contacts that belongs to a TRC file of ours."""
    return path.with_name(f"{path.stem}_confidence.csv")


def read_motion_trc(path: Path, data: bytes) -> Motion:
    """The markers of a TRC file.

    Axes are taken as those of OpenSim's ground (X forward, Y up, Z right) and turned into our world. Where markers
    have names of joints and stand up along Z, that is taken as up; the notes say so. Files of ours come back as they
    were written, with ``sigma_m`` and contacts where the table ``<name>_confidence.csv`` is beside them.

    Raises:
        InputError: no TRC, no frames, an unknown unit, infinite or absurd numbers, or pixels (2D, which Sports2D
            writes with the unit m).
    """
    where = str(path)
    trc = parse_trc(data.decode("utf-8-sig", "replace"), where)
    if not len(trc.values):
        raise InputError(f"{where}: holds no frames")
    unit_m = UNIT_M.get(trc.units.lower())
    if unit_m is None:
        raise InputError(f"{where}: its unit is '{trc.units[:20]}', expected m, cm or mm in the header")
    positions = trc.values * unit_m
    _check_numbers(positions, where)
    if trc.comment.startswith(MARK):
        return _own(trc, positions, path)
    skeleton, columns, notes = skeleton_of_markers(trc.markers, where)
    positions, axes = _world(positions, trc.markers)
    positions = np.where((np.array(columns) >= 0)[:, None], positions[:, columns], np.nan)
    fps, times_s, time_notes = _times(trc, where)
    size = spread_m(positions)
    if not 0.1 < size < 10:
        notes += (f"the markers spread over {size:.3g} m if their unit is {trc.units}, which is no person",)
    if np.nanmax(np.abs(positions[..., 0]), initial=0.0) == 0:
        notes += ("all markers lie in one plane: a measurement in 2D",)
    return Motion(
        positions=positions,
        skeleton=skeleton,
        fps=fps,
        frame="world",
        timestamps_s=times_s,
        scale_source=f"TRC file, unit {trc.units}",
        source=where,
        notes=(*trc.notes, *notes, *axes, *time_notes),
    )


def _check_numbers(positions: Float[np.ndarray, "frames markers 3"], where: str) -> None:
    if np.isinf(positions).any() or np.nanmax(np.abs(positions), initial=0.0) > _FARTHEST_M:
        raise InputError(f"{where}: markers lie more than 1000 km away; the file or its unit is damaged")
    flat = np.nanmax(np.abs(positions[..., 2]), initial=0.0) == 0
    if flat and np.nanmax(np.abs(positions), initial=0.0) > _PIXELS:
        raise InputError(
            f"{where}: holds pixels, although its header says otherwise (Sports2D writes so): that is 2D; "
            "give it to 'maquette lift' (read_keypoints), or give Sports2D's file in metres"
        )


def _world(
    positions: Float[np.ndarray, "frames markers 3"], names: tuple[str, ...]
) -> tuple[Float[np.ndarray, "frames markers 3"], tuple[str, ...]]:
    """``(in our world, notes)``."""
    body = mean_upward(positions, names)
    if body is not None and body[2] > 2 * np.abs(body[:2]).max():
        return world_from_lab(positions), ("people stand along +Z: taken as Z up, X forward",)
    how = "axes taken as OpenSim's: X forward, Y up, Z right"
    if body is not None and body[1] < -abs(body[2]):
        how += "; heads are below the ankles, so that Y may point down"
    return world_from_opensim(positions), (how,)


def _times(trc: Trc, where: str) -> tuple[Fraction, Float[np.ndarray, " frames"] | None, tuple[str, ...]]:
    """``(fps, timestamps where frames are not even from 0, notes)``."""
    measured, regular = frame_rate(trc.time_s, np.arange(len(trc.time_s)))
    told = _rate(trc.data_rate)
    if told is None and measured is None:
        raise InputError(f"{where}: the frame rate is not known: DataRate is '{trc.data_rate[:20]}', and the times do "
                         "not increase")  # fmt: skip
    notes: tuple[str, ...] = ()
    if measured is None:
        if len(trc.time_s) > 1:
            notes = ("the times do not increase and were passed over",)
        return told or Fraction(1), None, notes
    fps = told or measured
    if told is not None and abs(measured / told - 1) > 0.01:
        fps = measured
        notes = (
            f"DataRate says {float(told):g}, the times {float(measured):g} frames per second: the times were taken",
        )
    if not regular:
        return fps, trc.time_s, (*notes, "frames are not even in time; their times were kept")
    start = float(trc.time_s[0])
    if abs(start) < 0.5 / float(fps):
        return fps, None, notes
    return fps, start + np.arange(len(trc.time_s)) / float(fps), notes


def _rate(text: str) -> Fraction | None:
    try:
        return exact_fps(float(text))
    except ValueError:
        return None


def _own(trc: Trc, positions: Float[np.ndarray, "frames markers 3"], path: Path) -> Motion:
    """A file of ours, as it was written."""
    where = str(path)
    facts = told_facts(trc.comment)
    joints = list(trc.markers)
    positions = world_from_opensim(positions)
    if facts.get("frame") == "camera":
        positions = turned_upright(positions)
    fps, _ = told_fps(facts, trc.time_s, where)
    person = facts.get("person", "")
    beside, notes = _confidence(facts, path, positions, joints)
    try:
        return Motion(
            positions=positions,
            skeleton=told_skeleton(facts, joints, "markers"),
            fps=fps,
            frame="camera" if facts.get("frame") == "camera" else "world",
            timestamps_s=uneven_times(trc.time_s, fps),
            scale_source=facts.get("scale", "unknown"),
            person_id=int(person) if person.isascii() and person.isdigit() and len(person) < 16 else None,
            model=facts.get("model"),
            source=facts.get("source", where),
            notes=(*trc.notes, *notes),
            **beside,
        )
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _confidence(
    facts: dict[str, str], path: Path, positions: Float[np.ndarray, "frames joints 3"], joints: list[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """``(sigma_m, contacts and contact_joints that the table beside the file has, notes)``."""
    name = facts.get("confidence", "")
    if not name or Path(name).name != name:
        return {}, ()
    table = path.with_name(name)
    if not table.is_file() or table.stat().st_size > _MAX_CONFIDENCE_BYTES:
        return {}, (f"the table of uncertainty and contacts, {name[:80]}, is not beside the file",)
    _, columns = table_columns(table.read_bytes(), str(table), positions=False)
    numbers = columns.numbers
    if not numbers or len(next(iter(numbers.values()))) != len(positions):
        raise InputError(f"{table}: has other frames than {path.name}; write both again, or remove the table")
    contact_joints = told_contact_joints(facts, contact_joints_of(numbers))
    found: dict[str, Any] = {"sigma_m": sigma_from_columns(numbers, joints, positions)}
    if contact_joints:
        found["contacts"] = np.stack([numbers[f"{joint}_contact"] == 1 for joint in contact_joints], axis=1)
        found["contact_joints"] = contact_joints
    return found, ()

"""Motion to C3D, the marker file of motion capture laboratories, through ezc3d."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from maquette.atomic import write_bytes
from maquette.errors import OutputError, missing_extra
from maquette.exporters.c3d_contents import MAX_TEXTS, Event, channels_of, events_of, record_texts
from maquette.exporters.choices import PER_METRE, LengthUnit
from maquette.geometry.lab_axes import lab_from_world, turned_upright
from maquette.motion import Motion
from maquette.readers.motion_facts import file_names

UNITS = ("mm", "cm", "m")
_LONGEST_LABEL = 100
_LONGEST_NOTE = 240
_MAX_PARAMETER_BLOCKS = 255
_INTEGERS = 2
"""C3D's type of 16-bit numbers."""


def write_c3d(motion: Motion, path: str | Path, *, unit: LengthUnit | None = None) -> None:
    """Write the joints as points of a C3D file.

    Axes are those of a laboratory, and the file says so (``POINT:X_SCREEN`` +X, ``POINT:Y_SCREEN`` +Z): X forward, Y
    left, Z up. A quarter turn about X, as OpenSim's tools do it, makes them OpenSim's, and those of our TRC. A person
    who faces the camera at the start faces +X. A motion in the camera's frame is written upright as the camera saw it.

    Missing joints have coordinates 0 and residual -1, as C3D marks them; all others residual 0, C3D's mark of points
    that were computed. ``sigma_m`` is kept in analog channels ``<joint>_sigma`` with one sample a frame, contacts in
    ``<joint>_contact`` and, as Foot Strike and Foot Off of each side, in the group EVENT (the first 255 of them). Times
    of frames that are not even are kept in the channel ``time_offset``. The group MAQUETTE has skeleton, scale, exact
    rate and notes, and a record from which :func:`maquette.read_motion` takes everything back but rotations.
    Coordinates are single-precision numbers, good to a thousandth of a millimetre within 8 m. Of more than 65,535
    frames, which the groups POINT (LONG_FRAMES) and TRIAL count, some programs show only the first 65,535, ezc3d 1.7
    among them; of more than 255 joints OpenSim reads none.

    Args:
        motion: in either frame.
        path: the file.
        unit: ``mm`` (the default, and what most programs expect), ``cm`` or ``m``.

    Raises:
        MissingExtraError: the package ezc3d is not installed.
        OutputError: another unit, more joints or numbers than the format has room for, or it cannot be written.
    """
    try:
        import ezc3d
    except ImportError as error:
        raise missing_extra("formats", "ezc3d", error) from None
    length = unit or "mm"
    if length not in UNITS:
        raise OutputError(f"{path}: C3D is written in mm, cm and m, not in '{length}'; choose one of them")
    labels = _labels(motion.skeleton.joints)
    upright = motion.positions if motion.frame == "world" else turned_upright(motion.positions)
    positions = lab_from_world(upright) * PER_METRE[length]
    missing = ~np.all(np.isfinite(positions), axis=-1)
    points = np.ones((4, len(labels), motion.n_frames))
    points[:3] = np.where(missing[..., None], 0.0, positions).transpose(2, 1, 0)
    file = ezc3d.c3d()
    file["data"]["points"] = points
    file["data"]["meta_points"]["residuals"] = np.where(missing, -1.0, 0.0).T[None]
    _set(file, "POINT", "RATE", [float(motion.fps)])
    _set(file, "POINT", "UNITS", [length])
    _set_texts(file, "POINT", "LABELS", labels)
    file.add_parameter("POINT", "X_SCREEN", ["+X"])
    file.add_parameter("POINT", "Y_SCREEN", ["+Z"])
    _add_channels(file, motion, labels, length, str(path))
    _add_frame_count(file, motion.n_frames)
    _add_events(file, events_of(motion))
    _add_record(file, motion)
    with tempfile.TemporaryDirectory(prefix="maquette-") as folder:
        # ezc3d adds the suffix to names that have it in capitals.
        whole = Path(folder) / "motion.c3d"
        file.write(str(whole))
        data = whole.read_bytes()
    _check_whole(data, 4 * len(labels) + file["data"]["analogs"].shape[1], motion.n_frames, str(path))
    _check_parameters(data, str(path))
    write_bytes(path, data)


def _check_whole(data: bytes, numbers_a_frame: int, n_frames: int, where: str) -> None:
    """Refuse a file that is cut off: ezc3d does not notice a disk that is full."""
    first = 512 * (int.from_bytes(data[16:18], "little") - 1)
    if len(data) < max(first, 512) + 4 * numbers_a_frame * n_frames:
        raise OutputError(f"{where}: cut off while it was made; is there room in {tempfile.gettempdir()}?")


def _check_parameters(data: bytes, where: str) -> None:
    """Refuse a file whose parameters do not fit: one byte counts their blocks, of which the data come next."""
    data_start = int.from_bytes(data[16:18], "little")
    if not 0 < data_start - data[0] <= _MAX_PARAMETER_BLOCKS:
        raise OutputError(f"{where}: names and notes of the joints are too long for C3D; use .parquet or .npz")


def _labels(joints: tuple[str, ...]) -> list[str]:
    plain = tuple(joint.encode("ascii", "replace").decode().replace("?", "_")[:_LONGEST_LABEL] for joint in joints)
    return list(file_names(plain, r"\s+"))


def _set(file: Any, group: str, name: str, value: list[Any]) -> None:
    file["parameters"][group][name]["value"] = value


def _set_texts(file: Any, group: str, name: str, texts: list[str]) -> None:
    """Texts of a parameter; what follows the first 255 in ``<name>2``, ``<name>3``, ..."""
    _set(file, group, name, texts[:MAX_TEXTS])
    for count, first in enumerate(range(MAX_TEXTS, len(texts), MAX_TEXTS), start=2):
        file.add_parameter(group, f"{name}{count}", texts[first : first + MAX_TEXTS])


def _add_channels(file: Any, motion: Motion, labels: list[str], unit: LengthUnit, where: str) -> None:
    channels = channels_of(motion, labels, unit)
    if not channels:
        file["data"]["analogs"] = np.zeros((1, 0, motion.n_frames))
        return
    if len(channels) > MAX_TEXTS:
        raise OutputError(
            f"{where}: uncertainties and contacts take {len(channels)} analog channels, C3D has room for {MAX_TEXTS}; "
            "write .parquet, or leave sigma_m out"
        )
    file["data"]["analogs"] = np.stack([channel.values for channel in channels])[None]
    _set(file, "ANALOG", "RATE", [float(motion.fps)])
    _set_texts(file, "ANALOG", "LABELS", [channel.label for channel in channels])
    _set_texts(file, "ANALOG", "UNITS", [channel.unit for channel in channels])
    _set_texts(file, "ANALOG", "DESCRIPTIONS", [channel.description for channel in channels])
    _set(file, "ANALOG", "SCALE", [1.0] * len(channels))
    _set(file, "ANALOG", "OFFSET", [0] * len(channels))


def _add_frame_count(file: Any, n_frames: int) -> None:
    """The count where 16 bits do not hold it, as programs of C-Motion and of Vicon have it (c3d.org, "LONG_FRAMES")."""
    if n_frames < 0xFFFF:
        return
    file.add_parameter("POINT", "LONG_FRAMES", [float(n_frames)])
    _add_integers(file, "TRIAL", "ACTUAL_START_FIELD", [1, 0])
    _add_integers(file, "TRIAL", "ACTUAL_END_FIELD", [n_frames & 0xFFFF, n_frames >> 16])


def _add_integers(file: Any, group: str, name: str, values: list[int]) -> None:
    # Of a list of integers ezc3d makes floats when it adds it; it keeps the type of one that is there.
    file.add_parameter(group, name, values)
    file["parameters"][group][name]["type"] = _INTEGERS
    _set(file, group, name, values)


def _add_events(file: Any, events: list[Event]) -> None:
    for event in events[:MAX_TEXTS]:
        minutes, seconds = divmod(event.time_s, 60.0)
        file.add_event(time=[minutes, seconds], context=event.context, label=event.label)


def _add_record(file: Any, motion: Motion) -> None:
    file.add_parameter("MAQUETTE", "SKELETON", [motion.skeleton.name[:_LONGEST_NOTE]])
    file.add_parameter("MAQUETTE", "SCALE", [motion.scale_source[:_LONGEST_NOTE]])
    file.add_parameter("MAQUETTE", "FPS", [str(motion.fps)])
    notes = [note[:_LONGEST_NOTE] for note in motion.notes if note.strip()][:32]
    if notes:
        file.add_parameter("MAQUETTE", "NOTES", notes)
    record = record_texts(motion)
    for count, first in enumerate(range(0, len(record), MAX_TEXTS), start=1):
        file.add_parameter("MAQUETTE", "RECORD" if count == 1 else f"RECORD{count}", record[first : first + MAX_TEXTS])

"""Motion to JSON that names its joints, units and axes."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from maquette.atomic import write_bytes
from maquette.exporters.choices import Layout
from maquette.exporters.table_rows import LONG_COLUMNS, long_numbers
from maquette.motion import Motion
from maquette.readers.motion_facts import observed_joints_of
from maquette.readers.motion_record import AXES, FORMAT_VERSION, record_of

FORMAT_NAME = "maquette-motion"
_BLOCK_ROWS = 1000
_FLAGS = {0.0: "false", 1.0: "true"}
_LENGTHS = "%.5f,%.5f,%.5f,%.5f"
UNITS = {"length": "m", "time": "s", "rotation": "unit quaternion w, x, y, z, relative to the parent"}


def write_json(motion: Motion, path: str | Path, *, layout: Layout = "wide") -> None:
    """Write the document that :func:`motion_to_json` makes.

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(path, motion_to_json(motion, layout))


def motion_to_json(motion: Motion, layout: Layout = "wide") -> bytes:
    """One object, compact: positions to 10 micrometres, rotations to six places, unknown numbers are null.

    ``format``, ``version``, ``units``, ``axes`` (what ``frame`` means, in words), ``fps`` (``"30000/1001"``),
    ``frames``, the fields of :class:`maquette.readers.motion_record.MotionRecord`, then ``positions`` (frames, joints,
    3) and, where the motion has them, ``rotations`` (frames, joints, 4), ``sigma_m`` (frames, joints), ``contacts``
    (frames, contact joints), ``root_trajectory`` (frames, 3), ``timestamps_s``; and ``observed`` (frames, joints) where
    a known position is a guess, whose ``sigma_m`` is infinite and so null here.

    ``long`` has ``columns`` and ``rows`` in place of ``positions``, ``sigma_m``, ``observed`` and ``contacts``: the
    long table of :func:`maquette.exporters.csv.motion_to_csv`, ``pandas.DataFrame(document["rows"],
    columns=document["columns"])``.
    """
    document: dict[str, Any] = {
        "format": FORMAT_NAME,
        "version": FORMAT_VERSION,
        "units": UNITS,
        "axes": AXES[motion.frame],
        "fps": str(motion.fps),
        "frames": motion.n_frames,
        **msgspec.structs.asdict(record_of(motion)),
    }
    decimals = {"rotations": 6, "root_trajectory": 5, "timestamps_s": 6}
    if layout == "long":
        document |= {"columns": LONG_COLUMNS, "rows": _long_rows(motion)}
    else:
        document["positions"] = _numbers(motion.positions, 5)
        decimals["sigma_m"] = 5
        if motion.contacts is not None:
            document["contacts"] = _numbers(motion.contacts, 0)
        if motion.sigma_m is not None and np.isinf(motion.sigma_m).any():
            document["observed"] = _numbers(observed_joints_of(motion.positions, motion.sigma_m), 0)
    for name, places in decimals.items():
        if getattr(motion, name) is not None:
            document[name] = _numbers(getattr(motion, name), places)
    return msgspec.json.encode(document)


def _numbers(array: np.ndarray, decimals: int) -> msgspec.Raw:
    """Nested lists as JSON, NaN as null; in blocks, so that a long clip never exists as Python numbers all at once."""
    parts = []
    for start in range(0, len(array), _BLOCK_ROWS):
        part = array[start : start + _BLOCK_ROWS]
        rounded = part if part.dtype == np.bool_ else np.round(part, decimals) + 0.0
        parts.append(msgspec.json.encode(rounded.tolist())[1:-1])
    return msgspec.Raw(b"[" + b",".join(parts) + b"]")


def _long_rows(motion: Motion) -> msgspec.Raw:
    """A row for each frame and joint as JSON."""
    times_s, person = motion.times_s.tolist(), "null" if motion.person_id is None else str(motion.person_id)
    names = [msgspec.json.encode(joint).decode() for joint in motion.skeleton.joints]
    parts = []
    for start in range(0, motion.n_frames, _BLOCK_ROWS):
        cells = np.round(long_numbers(motion, slice(start, start + _BLOCK_ROWS)), 5) + 0.0
        rows = []
        for frame, here in enumerate(cells.tolist(), start):
            head = f"[{times_s[frame]:.6f},{frame},{person},"
            for joint, (*lengths, observed, stands) in zip(names, here, strict=True):
                text = _LENGTHS % tuple(lengths)
                if "n" in text:  # nan, inf
                    text = text.replace("nan", "null").replace("inf", "null")
                rows.append(f"{head}{joint},{text},{_FLAGS[observed]},{_FLAGS.get(stands, 'null')}]")
        parts.append(",".join(rows).encode())
    return msgspec.Raw(b"[" + b",".join(parts) + b"]")

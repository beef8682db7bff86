"""Motion to a table: one row a frame, columns that carry joint, axis and unit in their names."""

from pathlib import Path

import numpy as np

from maquette.atomic import write_bytes
from maquette.exporters.choices import Layout
from maquette.motion import Motion
from maquette.readers.motion_record import AXES, FORMAT_VERSION

MARK = "# maquette motion"
_DECIMALS = 6
_BLOCK_ROWS = 1000


def write_csv(motion: Motion, path: str | Path, *, layout: Layout = "wide") -> None:
    """Write the table that :func:`motion_to_csv` makes.

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(path, motion_to_csv(motion).encode("utf-8"))


def motion_to_csv(motion: Motion) -> str:
    """The table as text; read it with ``pandas.read_csv(path, comment="#")``.

    The first line is a comment, ``# maquette motion 1; key: value; ...``, with frame, axes, unit, fps, skeleton and
    scale. Then the header: ``frame`` (from 0), ``time_s``, ``person``, ``<joint>_x_m``, ``_y_m``, ``_z_m`` for all
    joints, and where the motion has them ``<joint>_sigma_m`` and ``<joint>_contact`` (0 or 1). Unknown cells are empty.
    Rotations, camera and notes are not in the table; ``.json`` and ``.npz`` have them.
    """
    joints = motion.skeleton.joints
    columns = [f"{joint}_{axis}_m" for joint in joints for axis in "xyz"]
    blocks = [motion.positions.reshape(motion.n_frames, -1)]
    formats = [f"%.{_DECIMALS}f"] * len(columns)
    if motion.sigma_m is not None:
        columns += [f"{joint}_sigma_m" for joint in joints]
        formats += [f"%.{_DECIMALS}f"] * len(joints)
        blocks.append(motion.sigma_m)
    if motion.contacts is not None:
        columns += [f"{joint}_contact" for joint in motion.contact_joints]
        formats += ["%d"] * len(motion.contact_joints)
        blocks.append(motion.contacts.astype(np.float64))
    person = "" if motion.person_id is None else str(motion.person_id)
    row_format = f"%d,%.6f,{person},{','.join(formats)}\n"
    table = np.concatenate(blocks, axis=1)
    times_s = motion.times_s.tolist()
    text = [f"{_comment(motion)}\n{','.join(['frame', 'time_s', 'person', *columns])}\n"]
    # In blocks, so that a long clip never exists as Python numbers all at once.
    for start in range(0, motion.n_frames, _BLOCK_ROWS):
        part = np.round(table[start : start + _BLOCK_ROWS], _DECIMALS) + 0.0
        rows = enumerate(part.tolist(), start)
        if np.isfinite(part).all():
            text += [row_format % (frame, times_s[frame], *row) for frame, row in rows]
        else:
            text += [_row_with_gaps(frame, times_s[frame], person, row, formats) for frame, row in rows]
    return "".join(text)


def _row_with_gaps(frame: int, time_s: float, person: str, row: list[float], formats: list[str]) -> str:
    cells = [text % value if np.isfinite(value) else "" for text, value in zip(formats, row, strict=True)]
    return f"{frame},{time_s:.6f},{person},{','.join(cells)}\n"


def _comment(motion: Motion) -> str:
    facts = {
        "frame": motion.frame,
        "axes": AXES[motion.frame],
        "unit": "m",
        "fps": str(motion.fps),
        "skeleton": motion.skeleton.name,
        "scale": motion.scale_source,
        "source": motion.source,
        "model": motion.model or "",
    }
    told = "; ".join(f"{key}: {_one_line(value)}" for key, value in facts.items() if value)
    return f"{MARK} {FORMAT_VERSION}; {told}"


def _one_line(text: str) -> str:
    """Without what separates the facts of the comment."""
    return " ".join(text.replace(";", ",").split())

"""Tables of joint positions with named columns, as :mod:`maquette.exporters.csv` writes them."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.frozen_arrays import exact_fps
from maquette.motion import Motion
from maquette.readers.motion_record import fps_of
from maquette.skeleton import Skeleton
from maquette.skeletons import SKELETONS

_FACT = re.compile(r"\s*([a-z]+): (.*)")


def read_motion_csv(path: Path, data: bytes) -> Motion:
    """The motion of a table with columns ``<joint>_x_m``, ``<joint>_y_m``, ``<joint>_z_m``.

    Without the comment line the frame is taken as the world, the frame rate from the times, and the skeleton from
    the names of the columns; the notes say so.

    Raises:
        InputError: no such columns, cells that are no numbers, or no way to know the frame rate.
    """
    where = str(path)
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    lines = [line for line in lines if line.strip()]
    comments = [line for line in lines if line.startswith("#")]
    rows = [line for line in lines if not line.startswith("#")]
    found = [_FACT.match(part) for line in comments for part in line.split(";")]
    facts = {match.group(1): match.group(2) for match in found if match}
    columns = [name.strip() for name in rows[0].split(",")] if rows else []
    if len(set(columns)) != len(columns):
        raise InputError(f"{where}: names of columns repeat")
    joints = [name[: -len("_x_m")] for name in columns if name.endswith("_x_m")]
    wanted = [f"{joint}_{axis}_m" for joint in joints for axis in "xyz"]
    absent = [name for name in wanted if name not in columns]
    if not joints or absent:
        seen = f"{absent[0]} is missing" if absent else f"the columns are {', '.join(columns[:5])[:100]}"
        raise InputError(f"{where}: expected columns <joint>_x_m, <joint>_y_m, <joint>_z_m; {seen}")
    table = _table(rows[1:], len(columns), where)
    place = {name: i for i, name in enumerate(columns)}
    positions = table[:, [place[name] for name in wanted]].reshape(len(table), len(joints), 3)
    contact_joints = tuple(name[: -len("_contact")] for name in columns if name.endswith("_contact"))
    sigma = [f"{joint}_sigma_m" for joint in joints]
    frame = facts.get("frame", "world")
    if frame not in ("world", "camera"):
        raise InputError(f"{where}: its frame is '{frame[:40]}', expected 'world' or 'camera'")
    times = table[:, place["time_s"]] if "time_s" in place else None
    fps, notes = _fps(facts.get("fps"), times, where)
    if "frame" not in facts:
        notes += ("the table does not name its frame: taken as the world, Y up",)
    people = table[:, place["person"]] if "person" in place else np.full(1, np.nan)
    if len(np.unique(people[np.isfinite(people)])) > 1:
        raise InputError(f"{where}: holds several people; write one table for each")
    try:
        return Motion(
            positions=positions,
            skeleton=_skeleton(facts.get("skeleton"), joints),
            fps=fps,
            frame=frame,
            sigma_m=table[:, [place[name] for name in sigma]] if all(name in place for name in sigma) else None,
            contacts=table[:, [place[f"{name}_contact"] for name in contact_joints]] == 1 if contact_joints else None,
            contact_joints=contact_joints,
            timestamps_s=times if times is not None and _uneven(times, fps) else None,
            scale_source=facts.get("scale", "unknown"),
            person_id=int(people[0]) if np.isfinite(people[0]) else None,
            model=facts.get("model"),
            source=facts.get("source", where),
            notes=notes,
        )
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _table(rows: list[str], width: int, where: str) -> Float[np.ndarray, "rows columns"]:
    """Numbers of all cells, NaN where empty."""
    if not rows:
        raise InputError(f"{where}: has a header and no rows")
    cells = [row.split(",") for row in rows]
    ragged = [i for i, row in enumerate(cells) if len(row) != width]
    if ragged:
        raise InputError(f"{where}: row {ragged[0] + 1} has {len(cells[ragged[0]])} cells, the header {width}")
    try:
        table = np.array([[float(cell) if cell.strip() else np.nan for cell in row] for row in cells])
    except ValueError as error:
        raise InputError(f"{where}: a cell is no number ({error})") from None
    if np.isinf(table).any():
        raise InputError(f"{where}: has infinite numbers; leave missing cells empty")
    return table


def _fps(told: str | None, times_s: np.ndarray | None, where: str) -> tuple[Fraction, tuple[str, ...]]:
    if told is not None:
        try:
            return fps_of(told), ()
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    steps = np.diff(times_s) if times_s is not None else np.zeros(0)
    step = float(np.median(steps)) if len(steps) else 0.0
    if not step > 0:
        raise InputError(f"{where}: the frame rate is not known; give a column time_s that increases, in seconds")
    fps = exact_fps(round(1 / step, 3))
    return fps, (f"frame rate {fps} from the column time_s",)


def _uneven(times_s: np.ndarray, fps: Fraction) -> bool:
    """Whether the times are not the frame numbers over the rate, beyond the six places that they are written with."""
    regular = np.arange(len(times_s)) / float(fps)
    return bool(np.isfinite(times_s).all() and np.abs(times_s - regular).max() > 1e-5)


def _skeleton(name: str | None, joints: list[str]) -> Skeleton:
    """One of ours by name and joints, else by joints alone, else the bare joints without bones."""
    same = [skeleton for skeleton in SKELETONS.values() if list(skeleton.joints) == joints]
    for skeleton in same:
        if skeleton.name == name:
            return skeleton
    if same and name is None:
        return same[0]
    pairs = tuple((j, "r_" + j[2:]) for j in joints if j.startswith("l_") and "r_" + j[2:] in joints)
    return Skeleton(name or "table", tuple(joints), (-1,) * len(joints), pairs)

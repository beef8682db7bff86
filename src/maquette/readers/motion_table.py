"""Tables of joint positions with named columns, wide or long, as motions; what text and Parquet tables share."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.readers.motion_facts import told_contact_joints, told_fps, told_order, told_skeleton, uneven_times

JOINT = "joint"
"""Column that makes a table long."""
_LONG_NUMBERS = ("x_m", "y_m", "z_m")
_LARGEST_M = 1e12
_EMPTIEST = 64
"""Cells of a long table for each row that it has, beyond which it is refused."""


@dataclass(frozen=True, eq=False)
class TableColumns:
    """Columns of a table by name."""

    numbers: dict[str, Float[np.ndarray, " rows"]]
    """NaN where empty."""
    joint_names: list[str]
    """Of a long table, in the order of their first rows; empty when the table is wide."""
    joint: Int[np.ndarray, " rows"] | None
    """Of a long table: index in ``joint_names``."""


def is_long(names: list[str]) -> bool:
    """Whether a table with these columns has a row for each joint."""
    return JOINT in names and all(name in names for name in _LONG_NUMBERS)


def wanted(name: str) -> bool:
    """Whether a column of numbers means something here."""
    return name in ("time_s", "frame", "person", "observed", "contact", "sigma_m", *_LONG_NUMBERS) or name.endswith(
        ("_x_m", "_y_m", "_z_m", "_sigma_m", "_observed", "_contact")
    )


def check_columns(names: list[str], where: str) -> None:
    """Refuse columns that make no motion.

    Raises:
        InputError: names repeat, or there is no position in them.
    """
    if len(set(names)) != len(names):
        raise InputError(f"{where}: names of columns repeat")
    if is_long(names):
        return
    joints = _wide_joints(names)
    absent = [f"{joint}_{axis}_m" for joint in joints for axis in "xyz" if f"{joint}_{axis}_m" not in names]
    if not joints or absent:
        seen = f"{absent[0]} is missing" if absent else f"the columns are {', '.join(names[:5])[:100]}"
        raise InputError(
            f"{where}: expected columns <joint>_x_m, <joint>_y_m, <joint>_z_m, or joint, x_m, y_m, z_m; {seen}"
        )


def _wide_joints(names: list[str]) -> list[str]:
    return [name[: -len("_x_m")] for name in names if name.endswith("_x_m")]


def motion_from_columns(columns: TableColumns, facts: dict[str, str], where: str) -> Motion:
    """The motion of a table of one person.

    Args:
        columns: the table; its columns were checked by :func:`check_columns`.
        facts: what the file says (:mod:`maquette.readers.motion_facts`).
        where: name of the file.

    Raises:
        InputError: no rows, several people, infinite or huge numbers, or no way to know the frame rate.
    """
    numbers = columns.numbers
    if not len(next(iter(numbers.values()))):
        raise InputError(f"{where}: has a header and no rows")
    infinite = [name for name, values in numbers.items() if not name.endswith("sigma_m") and np.isinf(values).any()]
    if infinite:
        raise InputError(f"{where}: column {infinite[0]} has infinite numbers; leave missing cells empty")
    person = _person(numbers.get("person"), where)
    if columns.joint is not None:
        numbers, joints = _wide_from_long(columns, where), columns.joint_names
    else:
        joints = _wide_joints(list(numbers))
    joints = told_order(facts, joints)
    positions = np.stack([numbers[f"{joint}_{axis}_m"] for joint in joints for axis in "xyz"], axis=1)
    if (np.abs(positions) > _LARGEST_M).any():
        raise InputError(f"{where}: has numbers beyond {_LARGEST_M:g}; expected metres")
    positions = positions.reshape(len(positions), len(joints), 3)
    times_s = numbers.get("time_s")
    fps, notes = told_fps(facts, times_s, where)
    frame = facts.get("frame", "world")
    if frame not in ("world", "camera"):
        raise InputError(f"{where}: its frame is '{frame[:40]}', expected 'world' or 'camera'")
    if "frame" not in facts:
        notes += ("the table does not name its frame: taken as the world, Y up",)
    contact_joints = told_contact_joints(facts, contact_joints_of(numbers))
    contacts = np.stack([numbers[f"{joint}_contact"] == 1 for joint in contact_joints], 1) if contact_joints else None
    try:
        return Motion(
            positions=positions,
            skeleton=told_skeleton(facts, joints),
            fps=fps,
            frame=frame,
            sigma_m=sigma_from_columns(numbers, joints, positions),
            contacts=contacts,
            contact_joints=contact_joints,
            timestamps_s=uneven_times(times_s, fps),
            scale_source=facts.get("scale", "unknown"),
            person_id=person,
            model=facts.get("model"),
            source=facts.get("source", where),
            notes=notes,
        )
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def contact_joints_of(numbers: dict[str, np.ndarray]) -> list[str]:
    """Joints of which a table says whether they stand."""
    return [name[: -len("_contact")] for name in numbers if name.endswith("_contact")]


def sigma_from_columns(
    numbers: dict[str, np.ndarray], joints: list[str], positions: Float[np.ndarray, "frames joints 3"]
) -> Float[np.ndarray, "frames joints"] | None:
    """``sigma_m`` of all joints, None where a joint has no such column. A known position without one that was not
    observed is a guess, of which it is infinite."""
    if not all(f"{joint}_sigma_m" in numbers for joint in joints):
        return None
    sigma_m = np.stack([numbers[f"{joint}_sigma_m"] for joint in joints], axis=1)
    for i, joint in enumerate(joints):
        if f"{joint}_observed" in numbers:
            known = np.isfinite(positions[:, i]).all(axis=-1)
            guess = np.isnan(sigma_m[:, i]) & known & (numbers[f"{joint}_observed"] == 0)
            sigma_m[guess, i] = np.inf
    return sigma_m


def _person(column: np.ndarray | None, where: str) -> int | None:
    people = np.unique(column[np.isfinite(column)]) if column is not None else np.zeros(0)
    if len(people) > 1:
        shown = ", ".join(f"{number:g}" for number in people[:4])
        raise InputError(
            f"{where}: holds several people ({shown}), and a motion is one; write one table for each, for example "
            f"with pandas: table[table.person == {people[0]:g}]"
        )
    if len(people) and not (abs(people[0]) < 1 << 53 and float(people[0]).is_integer()):
        raise InputError(f"{where}: its person is {people[0]:g}, expected a whole number")
    return int(people[0]) if len(people) else None


def _wide_from_long(columns: TableColumns, where: str) -> dict[str, np.ndarray]:
    """The columns of the wide table that a long one stands for; frames in the order of their numbers, or times."""
    numbers, joint, joints = columns.numbers, columns.joint, columns.joint_names
    assert joint is not None
    key = numbers.get("frame", numbers.get("time_s"))
    if key is None or not np.isfinite(key).all():
        raise InputError(f"{where}: a long table needs a column frame (or time_s) without empty cells")
    frames, first, row = np.unique(key, return_index=True, return_inverse=True)
    if len(frames) * len(joints) > _EMPTIEST * len(key) + 10_000:
        raise InputError(
            f"{where}: {len(key)} rows for {len(frames)} frames and {len(joints)} joints; most are missing"
        )
    cell = row * len(joints) + joint
    if np.bincount(cell).max() > 1:
        raise InputError(f"{where}: a joint has two rows in one frame")
    wide: dict[str, np.ndarray] = {}
    if "time_s" in numbers:
        wide["time_s"] = numbers["time_s"][first]
    for name in ("x_m", "y_m", "z_m", "sigma_m", "observed", "contact"):
        if name not in numbers or (name in ("sigma_m", "contact") and np.isnan(numbers[name]).all()):
            continue
        table = np.full(len(frames) * len(joints), np.nan)
        table[cell] = numbers[name]
        for i, values in enumerate(table.reshape(len(frames), len(joints)).T):
            if name != "contact" or not np.isnan(values).all():
                wide[f"{joints[i]}_{name}"] = np.ascontiguousarray(values)
    return wide

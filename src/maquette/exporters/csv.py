"""Motion to a table: one row a frame, or one a frame and joint; columns carry joint, axis and unit in their names."""

from collections.abc import Iterator
from pathlib import Path

from maquette.atomic import atomic_path
from maquette.exporters.choices import Layout
from maquette.exporters.table_rows import long_lines, wide_columns, wide_lines
from maquette.motion import Motion
from maquette.readers.motion_facts import facts_line, facts_of


def write_csv(motion: Motion, path: str | Path, *, layout: Layout = "wide") -> None:
    """Write the table that :func:`motion_to_csv` makes.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_lines(motion, layout))


def motion_to_csv(motion: Motion, layout: Layout = "wide") -> str:
    """The table as text; read it with ``pandas.read_csv(path, comment="#")``, ``polars.read_csv(path,
    comment_prefix="#")`` or ``pyarrow.csv.read_csv(path, pyarrow.csv.ReadOptions(skip_rows=1))``.

    The first line is a comment, ``# maquette motion 1; key: value; ...``, with frame, axes, up axis, unit, fps,
    skeleton, scale, source and model. Then the header and the rows; unknown cells are empty.

    * ``wide``, a row a frame: ``frame`` (from 0), ``time_s``, ``person``, ``<joint>_x_m``, ``_y_m``, ``_z_m`` for all
      joints, ``<joint>_sigma_m`` where the motion has it, ``<joint>_observed`` for all joints, and ``<joint>_contact``
      of the contact joints.
    * ``long``, a row a frame and joint: ``time_s``, ``frame``, ``person``, ``joint``, ``x_m``, ``y_m``, ``z_m``,
      ``sigma_m``, ``observed``, ``contact``.

    ``observed`` is 1 where the position is known and its uncertainty is not infinite (``inf``: a guess in a long gap);
    ``contact`` is 1 where the joint stands on the ground. Lengths have six decimals, a micrometre. Rotations, camera
    and notes are not in the table; ``.json`` and ``.npz`` have them.
    """
    return "".join(_lines(motion, layout))


def _lines(motion: Motion, layout: Layout) -> Iterator[str]:
    yield facts_line(facts_of(motion)) + "\n"
    yield from long_lines(motion) if layout == "long" else wide_lines(wide_columns(motion))

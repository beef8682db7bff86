"""Motion to Parquet, the column file of pandas, polars, DuckDB and R, through pyarrow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from maquette.atomic import atomic_path
from maquette.errors import missing_extra
from maquette.exporters.choices import Layout
from maquette.exporters.table_rows import LONG_COLUMNS, long_numbers, wide_columns
from maquette.motion import Motion
from maquette.readers.motion_facts import facts_of
from maquette.readers.motion_record import record_of

RECORD_KEY = "maquette_record"
_BLOCK_ROWS = 100_000


def write_parquet(motion: Motion, path: str | Path, *, layout: Layout = "wide") -> None:
    """Write the columns of :func:`maquette.exporters.csv.motion_to_csv` with their types, to the last bit.

    ``frame`` and ``person`` are whole numbers, ``<joint>_observed`` and ``_contact`` (long: ``observed``, ``contact``)
    true or false, ``joint`` is dictionary-encoded, all others are doubles; unknown ones are null. Written in groups of
    100,000 rows, so that long clips need little memory.

    The schema's metadata has the facts of the table under their names (``frame``, ``axes``, ``up``, ``unit``, ``fps``,
    ``skeleton``, ``scale``, ``source``, ``model``), and the whole record of the motion as JSON
    (``maquette_record``, :class:`maquette.readers.motion_record.MotionRecord`), from which
    :func:`maquette.read_motion` takes the bones, the notes and the camera. Rotations are not in the table.

    Raises:
        MissingExtraError: the package pyarrow is not installed.
        OutputError: it cannot be written.
    """
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise missing_extra("formats", "pyarrow", error) from None
    facts = {"format": "maquette motion 1", "layout": layout, **facts_of(motion)}
    facts[RECORD_KEY] = msgspec.json.encode(record_of(motion)).decode()
    tables = _long(motion) if layout == "long" else _wide(motion)
    first = next(tables)
    schema = first.schema.with_metadata(facts)
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        writer.write_table(first.replace_schema_metadata(facts))
        for table in tables:
            writer.write_table(table.replace_schema_metadata(facts))


def _wide(motion: Motion) -> Iterator[Any]:
    """Tables of consecutive frames."""
    import pyarrow as pa

    columns = wide_columns(motion)
    step = max(_BLOCK_ROWS // 10, 1)
    for start in range(0, max(motion.n_frames, 1), step):
        yield pa.table({c.name: _typed(c.name, c.values[start : start + step]) for c in columns})


def _long(motion: Motion) -> Iterator[Any]:
    """Tables of consecutive frames, each with all its joints."""
    import pyarrow as pa

    joints = motion.skeleton.joints
    names = pa.array(joints)
    person = np.nan if motion.person_id is None else float(motion.person_id)
    step = max(_BLOCK_ROWS // len(joints), 1)
    for start in range(0, max(motion.n_frames, 1), step):
        block = slice(start, start + step)
        cells = long_numbers(motion, block)
        frames = np.arange(start, start + len(cells))
        codes = pa.array(np.tile(np.arange(len(joints), dtype=np.int32), len(frames)))
        columns: dict[str, Any] = {
            "time_s": np.repeat(motion.times_s[block], len(joints)),
            "frame": np.repeat(frames, len(joints)),
            "person": np.full(cells.shape[0] * len(joints), person),
            **{name: cells[..., i].ravel() for i, name in enumerate(LONG_COLUMNS[4:])},
        }
        typed = {name: _typed(name, values) for name, values in columns.items()}
        typed["joint"] = pa.DictionaryArray.from_arrays(codes, names)
        yield pa.table({name: typed[name] for name in LONG_COLUMNS})


def _typed(name: str, values: np.ndarray) -> Any:
    """One column of its own type, NaN as null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = pa.array(values.astype(np.float64), from_pandas=True)
    if name in ("frame", "person"):
        return pc.cast(numbers, pa.int64())
    if name.endswith(("observed", "contact")):
        return pc.cast(numbers, pa.bool_())
    return numbers

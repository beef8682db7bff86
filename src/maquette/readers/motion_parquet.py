"""Tables of joint positions in Parquet, as :mod:`maquette.exporters.parquet` writes them."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from maquette.errors import InputError, missing_extra
from maquette.formats.json_documents import decode_json
from maquette.motion import Motion
from maquette.readers.motion_facts import csv_names
from maquette.readers.motion_record import MotionRecord, motion_of
from maquette.readers.motion_table import JOINT, TableColumns, check_columns, is_long, motion_from_columns, wanted

_decoder = msgspec.json.Decoder(MotionRecord)
_LARGEST_CELLS = 1 << 27
"""Cells of a table, which are 1 GiB as numbers."""


def read_motion_parquet(path: Path, data: bytes) -> Motion:
    """The motion of a table with the columns that :func:`maquette.exporters.csv.motion_to_csv` describes, wide or long.

    Files of ours come back to the last bit, without rotations; of others, what the table says
    (:func:`maquette.readers.motion_csv.read_motion_csv`).

    Raises:
        InputError: no Parquet, damaged, too large, no such columns, or several people.
        MissingExtraError: the package pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise missing_extra("formats", "pyarrow", error) from None
    where = str(path)
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        names = list(file.schema_arrow.names)
        check_columns(names, where)
        if file.metadata.num_rows * len(names) > _LARGEST_CELLS:
            raise InputError(f"{where}: {file.metadata.num_rows} rows of {len(names)} cells; cut it up first")
        taken = [name for name in names if wanted(name) or (name == JOINT and is_long(names))]
        table = file.read(columns=taken)
        table.validate(full=True)
        columns = _columns(table, where)
        metadata = file.schema_arrow.metadata or {}
        facts = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in metadata.items()}
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{where}: cannot be read as Parquet ({str(error).splitlines()[0][:200]})") from None
    motion = motion_from_columns(columns, facts, where)
    record = facts.get("maquette_record")
    return motion if record is None else _with_record(motion, record, where)


def _with_record(motion: Motion, text: str, where: str) -> Motion:
    """The motion with what its record says; without, where the table was changed and has other joints."""
    record = decode_json(_decoder, text.encode(), f"{where}, metadata 'maquette_record'")
    joints, contacts = (
        _places(names, found)
        for names, found in (
            (record.skeleton.joints, motion.skeleton.joints),
            (record.contact_joints, motion.contact_joints),
        )
    )
    if joints is None or contacts is None:
        return motion.with_notes("the table has other joints than its metadata says, which was passed over")
    arrays: dict[str, Any] = {
        "sigma_m": None if motion.sigma_m is None else motion.sigma_m[:, joints],
        "contacts": None if motion.contacts is None else motion.contacts[:, contacts],
        "timestamps_s": motion.timestamps_s,
    }
    try:
        told = motion_of(record, motion.positions[:, joints], motion.fps, **arrays)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    # A table of several people has the record of one of them.
    return told if motion.person_id is None else told.with_notes(person_id=motion.person_id)


def _places(names: list[str], found: tuple[str, ...]) -> list[int] | None:
    """Where each name is among those of the table, which may have been sorted since; None where they differ."""
    for spelled in (tuple(names), csv_names(tuple(names))):
        if set(spelled) == set(found) and len(spelled) == len(found):
            return [found.index(name) for name in spelled]
    return None


def _columns(table: Any, where: str) -> TableColumns:
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers: dict[str, np.ndarray] = {}
    joint, joint_names = None, []
    for name in table.column_names:
        column = table.column(name)
        kind = column.type
        if name == JOINT:
            encoded = column.combine_chunks()
            if not pa.types.is_dictionary(kind):
                encoded = encoded.dictionary_encode()
            encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
            if encoded.null_count or not (
                pa.types.is_string(encoded.dictionary.type) or pa.types.is_large_string(encoded.dictionary.type)
            ):
                raise InputError(f"{where}: column joint has cells that are no names")
            joint = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
            joint_names = [str(value) for value in encoded.dictionary.to_pylist()]
        elif pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or kind == pa.null():
            plain = pc.cast(column, pa.int8()) if pa.types.is_boolean(kind) else column
            numbers[name] = np.array(pc.cast(plain, pa.float64(), safe=False).to_numpy(), dtype=np.float64)
        else:
            raise InputError(f"{where}: column {name[:60]} is of type {kind}, expected numbers")
    return TableColumns(numbers, joint_names, joint)

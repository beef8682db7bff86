"""Maquette's own motion archive (``kind`` = ``motion``), as :mod:`maquette.exporters.npz` writes it."""

from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np

from maquette.errors import InputError
from maquette.formats.json_documents import decode_json
from maquette.formats.npz import array_names, read_array
from maquette.motion import Motion
from maquette.readers.motion_record import FORMAT_VERSION, MotionRecord, motion_of

_metadata = msgspec.json.Decoder(MotionRecord)
_FLOAT_ARRAYS = ("rotations", "sigma_m", "root_trajectory", "timestamps_s")


def read_motion_npz(path: Path, data: bytes) -> Motion:
    """The motion of an archive, to the last bit as it was written.

    Raises:
        InputError: no motion archive, damaged, of a newer version, or arrays that do not fit each other.
    """
    where = str(path)
    names = array_names(data, where)
    if "kind" not in names or str(read_array(data, "kind", where)) != "motion":
        kind = f"its kind is '{read_array(data, 'kind', where)}'" if "kind" in names else f"its arrays: {names[:6]}"
        raise InputError(f"{where}: an archive without a Maquette motion ({kind}); 2D keypoints go to read_keypoints")
    version = _whole(read_array(data, "format_version", where), where, "format_version")
    if version > FORMAT_VERSION:
        raise InputError(f"{where}: format version {version}, this Maquette reads up to {FORMAT_VERSION}; update it")
    record = decode_json(_metadata, str(read_array(data, "metadata", where)).encode("utf-8"), f"{where}, 'metadata'")
    numerator, denominator = (
        _whole(read_array(data, f"fps_{part}", where), where, f"fps_{part}") for part in ("numerator", "denominator")
    )
    arrays = {name: _floats(read_array(data, name, where), where, name) for name in _FLOAT_ARRAYS if name in names}
    if "contacts" in names:
        arrays["contacts"] = read_array(data, "contacts", where)
        if arrays["contacts"].dtype.kind != "b":
            raise InputError(f"{where}: contacts are of type {arrays['contacts'].dtype}, expected true or false")
    positions = _floats(read_array(data, "positions", where), where, "positions")
    try:
        return motion_of(record, positions, Fraction(numerator, denominator), **arrays)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _whole(array: np.ndarray, where: str, name: str) -> int:
    if array.size != 1 or array.dtype.kind not in "iu" or int(array.reshape(())) <= 0:
        raise InputError(f"{where}: {name} is no positive whole number")
    return int(array.reshape(()))


def _floats(array: np.ndarray, where: str, name: str) -> np.ndarray:
    if array.dtype.kind not in "fiu":
        raise InputError(f"{where}: {name} are of type {array.dtype}, expected numbers")
    return array.astype(np.float64)

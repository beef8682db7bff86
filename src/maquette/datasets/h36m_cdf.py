"""Positions out of the ``.cdf`` files of Human3.6M's release, through cdflib."""

import math
import struct
import warnings
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Float

from maquette.datasets.h36m_damage import MOST_FRAMES, READ_FAILURES, first_line
from maquette.errors import InputError, missing_extra

_MOST_PARTS = 1000


def read_pose_of_cdf(path: Path) -> Float[np.ndarray, "frames 96"]:
    """Variable ``Pose`` of one take, as in the file (millimetres).

    Raises:
        InputError: no CDF, damaged, or of another shape.
        MissingExtraError: cdflib is not installed.
    """
    try:
        import cdflib
    except ImportError:
        raise missing_extra("train", "cdflib") from None
    expected = "expected a variable 'Pose' of shape (1, frames, 96)"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _check_counts(path)
            file = cdflib.CDF(path)
            info = file.cdf_info()
            if "Pose" not in (*info.zVariables, *info.rVariables):
                raise InputError(f"{path}: no variable 'Pose'; it holds {[*info.zVariables, *info.rVariables][:5]}")
            about = file.varinq("Pose")
            shape = (about.Last_Rec + 1, *(int(size) for size in about.Dim_Sizes))
            if shape[-1] != 96 or len(shape) not in (2, 3) or not 0 < math.prod(shape[:-1]) <= MOST_FRAMES:
                raise InputError(f"{path}: 'Pose' has shape {shape}; {expected}")
            values = np.asarray(file.varget("Pose"))
    except InputError:
        raise
    except READ_FAILURES as error:
        raise InputError(f"{path}: is no CDF file, or damaged ({first_line(error)}); copy it again") from None
    if values.dtype.kind not in "fiu" or values.ndim not in (2, 3) or values.shape[-1] != 96 or not values.size:
        raise InputError(f"{path}: 'Pose' is {values.dtype} of shape {values.shape}; {expected}")
    return values.astype(np.float64).reshape(-1, 96)


class _Offsets(NamedTuple):
    """Sizes that the versions of the format differ in, bytes."""

    number: str
    width: int
    name: int


_VERSIONS = {b"\xcd\xf3\x00\x01": _Offsets(">Q", 8, 256), b"\xcd\xf2\x60\x02": _Offsets(">I", 4, 64)}
"""Magic number -> version 3, and 2.6 or 2.7 (MATLAB's default)."""


def _check_counts(path: Path) -> None:
    """Raises InputError when a CDF claims more parts than any sane file has; cdflib would go through all of them.

    After the CDF Internal Format Description: the global descriptor record has the numbers of variables, attributes and
    dimensions; each variable's descriptor record the number of its own dimensions, and the first of a chain of index
    records, which have a number of entries.
    """
    with path.open("rb") as file:
        magic = file.read(8)
        version = _VERSIONS.get(magic[:4])
        if version is None or magic[4:] != b"\x00\x00\xff\xff":
            return  # older, or compressed as a whole and so with a checksum
        width = version.width
        record = _offset(file, 8 + width + 4, version)
        first = {"r": _offset(file, record + width + 4, version), "z": _offset(file, record + 2 * width + 4, version)}
        counts = _integers(file, record + 5 * width + 4, 5)
        wanted = {"r": counts[0], "z": counts[4]}
        seen = [counts[0], counts[1], counts[3], counts[4]]
        for kind in first:
            place = first[kind]
            for _ in range(wanted[kind] if 0 <= wanted[kind] <= _MOST_PARTS else 0):
                if kind == "z":
                    seen += _integers(file, place + 5 * width + 44 + version.name, 1)
                seen += _index_entries(file, _offset(file, place + 2 * width + 12, version), version)
                place = _offset(file, place + width + 4, version)
    if min(seen) < 0 or max(seen) > _MOST_PARTS:
        raise InputError(f"{path}: claims {max(seen):,} variables, attributes, dimensions or pieces; it is damaged")


def _index_entries(file: BinaryIO, place: int, version: _Offsets) -> list[int]:
    """Entries of each index record of a chain; too many where the chain bites its tail."""
    visited: set[int] = set()
    found = []
    while place not in (0, (1 << 8 * version.width) - 1):
        if place in visited or len(visited) > _MOST_PARTS:
            return [*found, _MOST_PARTS + 1]
        visited.add(place)
        found += _integers(file, place + 2 * version.width + 4, 2)
        place = _offset(file, place + version.width + 4, version)
    return found


def _offset(file: BinaryIO, place: int, version: _Offsets) -> int:
    file.seek(place)
    return struct.unpack(version.number, file.read(version.width))[0]


def _integers(file: BinaryIO, place: int, count: int) -> list[int]:
    file.seek(place)
    return list(struct.unpack(f">{count}i", file.read(4 * count)))

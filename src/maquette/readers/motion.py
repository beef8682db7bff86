"""``read_motion``: a 3D motion from a file, told by its content."""

import re
from collections.abc import Callable
from pathlib import Path

from maquette.errors import InputError
from maquette.formats.npz import array_names, read_array
from maquette.motion import Motion
from maquette.readers.input_files import kind_of, read_bytes
from maquette.readers.motion_amc import read_motion_amc
from maquette.readers.motion_bvh import read_motion_bvh
from maquette.readers.motion_csv import read_motion_csv
from maquette.readers.motion_json import read_motion_json
from maquette.readers.motion_npz import read_motion_npz

_BOM = b"\xef\xbb\xbf"
_AMC = re.compile(rb"(?:\A|[\r\n]):(?:FULLY-SPECIFIED|DEGREES|RADIANS)\b", re.IGNORECASE)
_ASF = re.compile(rb"(?:\A|[\r\n]):(?:units|bonedata)\b", re.IGNORECASE)
_LARGEST_BYTES = 1 << 30

_READERS: dict[str, Callable[[Path, bytes], Motion]] = {
    "amc": read_motion_amc,
    "bvh": read_motion_bvh,
    "csv": read_motion_csv,
    "json": read_motion_json,
    "npz": read_motion_npz,
}


def read_motion(path: str | Path, *, asf: str | Path | None = None) -> Motion:
    """The motion of one person from a file: Maquette's ``.npz``, ``.json`` and ``.csv``, or ``.bvh`` or ``.amc`` of any
    rig.

    A BVH keeps the joints of its rig (a :class:`Skeleton` of its own, End Sites as ``<joint>_end``) and its rotations,
    relative to its own rest pose; the unit of length is guessed from the size of the figure, and the notes say so. An
    AMC likewise, at 120 frames per second.

    Args:
        asf: the skeleton of an .amc file; without it, the .asf beside it whose name fits.

    Raises:
        InputError: missing, unreadable, or none of these formats; the text says what was seen.
    """
    file = Path(path)
    if kind_of(file) == "folder":
        raise InputError(f"{file}: is a folder, expected a motion file (.npz .json .csv .bvh .amc)")
    size = file.stat().st_size
    if size > _LARGEST_BYTES:
        raise InputError(f"{file}: has {size / (1 << 30):.1f} GiB; motion files up to 1 GiB are read, cut it up first")
    data = read_bytes(file)
    kind = _format(file, data)
    if asf is not None:
        if kind != "amc":
            raise InputError(f"{file}: is no .amc file, so the skeleton {asf} does not belong to it")
        return read_motion_amc(file, data, asf=Path(asf))
    return _READERS[kind](file, data)


def is_motion_file(path: str | Path) -> bool:
    """Whether a path is a file that :func:`read_motion` reads, told by its beginning; False for what is not there."""
    file = Path(path)
    try:
        if not file.is_file():
            return False
        with file.open("rb") as stream:
            start = stream.read(4096)
        kind = _format(file, start)
    except (OSError, ValueError):
        return False
    if kind == "npz":
        data = read_bytes(file)
        try:
            return "kind" in array_names(data, str(file)) and str(read_array(data, "kind", str(file))) == "motion"
        except InputError:
            return False
    return kind != "json" or b'"maquette-motion"' in start


def _format(path: Path, data: bytes) -> str:
    start = data[:4096].removeprefix(_BOM).lstrip()
    if not start:
        raise InputError(f"{path}: the file is empty, expected a motion (.npz .json .csv .bvh .amc)")
    if start.startswith(b"PK\x03\x04"):
        return "npz"
    if start[:9].upper() == b"HIERARCHY":
        return "bvh"
    if start.startswith(b"{"):
        return "json"
    if _AMC.search(start):
        return "amc"
    if _ASF.search(start):
        raise InputError(f"{path}: is the skeleton of ASF/AMC motion capture; give a take of it, an .amc file")
    if b"_x_m" in start or start.startswith(b"# maquette motion"):
        return "csv"
    raise InputError(
        f"{path}: not a motion file that is known; expected Maquette's .npz, .json or .csv, or .bvh or .amc"
    )

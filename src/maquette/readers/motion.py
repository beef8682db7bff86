"""``read_motion``: a 3D motion from a file, told by its content."""

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from maquette.errors import InputError
from maquette.formats.npz import array_names, read_array
from maquette.frozen_arrays import exact_fps
from maquette.motion import Motion
from maquette.readers.input_files import kind_of, read_bytes
from maquette.readers.motion_amc import read_motion_amc
from maquette.readers.motion_arrays import read_motion_npy, read_motion_npz_of_others
from maquette.readers.motion_bvh import read_motion_bvh
from maquette.readers.motion_csv import read_motion_csv
from maquette.readers.motion_json import read_motion_json
from maquette.readers.motion_mediapipe import read_motion_mediapipe
from maquette.readers.motion_npz import read_motion_npz
from maquette.skeleton import Skeleton
from maquette.skeletons import get_skeleton

_BEGINNINGS = {b"glTF": "glb", b"PAR1": "parquet", b"\x93NUMPY": "npy", b"PathFileType": "trc"}
_BOM = b"\xef\xbb\xbf"
_AMC = re.compile(rb"(?:\A|[\r\n]):(?:FULLY-SPECIFIED|DEGREES|RADIANS)\b", re.IGNORECASE)
_ASF = re.compile(rb"(?:\A|[\r\n]):(?:units|bonedata)\b", re.IGNORECASE)
WORLD_LANDMARKS = re.compile(rb'"(?:pose_?)?world_?landmarks"', re.IGNORECASE)
"""MediaPipe's landmarks in metres, under any of the names that its interfaces give them."""


def _trc(path: Path, data: bytes) -> Motion:
    from maquette.readers.motion_trc import read_motion_trc

    return read_motion_trc(path, data)


def _c3d(path: Path, data: bytes) -> Motion:
    from maquette.readers.motion_c3d import read_motion_c3d

    return read_motion_c3d(path, data)


def _glb(path: Path, data: bytes) -> Motion:
    from maquette.readers.motion_glb import read_motion_glb

    return read_motion_glb(path, data)


def _parquet(path: Path, data: bytes) -> Motion:
    from maquette.readers.motion_parquet import read_motion_parquet

    return read_motion_parquet(path, data)


_READERS: dict[str, Callable[[Path, bytes], Motion]] = {
    "amc": read_motion_amc,
    "bvh": read_motion_bvh,
    "c3d": _c3d,
    "csv": read_motion_csv,
    "glb": _glb,
    "json": read_motion_json,
    "npz": read_motion_npz,
    "parquet": _parquet,
    "trc": _trc,
}
_ARRAYS = {
    "npy": read_motion_npy,
    "npz of others": read_motion_npz_of_others,
    "landmarks": read_motion_mediapipe,
}
"""Files that do not say all that a motion needs: their readers take a frame rate and a skeleton, too."""
SUFFIXES = ".npz .json .csv .parquet .bvh .amc .glb .trc .c3d .npy"
"""Usual suffixes of motion files; what they hold decides, not their names."""


def read_motion(
    path: str | Path,
    *,
    asf: str | Path | None = None,
    fps: Fraction | float | int | str | None = None,
    skeleton: str | Skeleton | None = None,
) -> Motion:
    """The motion of one person from a file: Maquette's ``.npz``, ``.json``, ``.csv`` and ``.parquet``; ``.bvh``,
    ``.amc`` and ``.glb`` of any rig; markers from ``.trc`` and ``.c3d``; results of VideoPose3D and MotionBERT
    (``.npy``, ``.npz``); MediaPipe's world landmarks (JSON).

    A BVH keeps the joints of its rig (a :class:`Skeleton` of its own, End Sites as ``<joint>_end``) and its rotations,
    relative to its own rest pose; the unit of length is guessed from the size of the figure, and the notes say so. An
    AMC likewise, at 120 frames per second.

    Args:
        asf: the skeleton of an .amc file; without it, the .asf beside it whose name fits.
        fps: frames per second of a file that does not say (arrays, landmarks); None takes 30 there, and the notes say
            so.
        skeleton: the joints of an array, or the name of a skeleton; None takes 17 joints for Human3.6M's.

    Raises:
        InputError: an argument that the file itself answers; missing, unreadable, or none of these formats; the text
            says what was seen.
    """
    file = Path(path)
    if kind_of(file) == "folder":
        raise InputError(f"{file}: is a folder, expected a motion file ({SUFFIXES})")
    data = read_bytes(file, kind="motion files", most_bytes=1 << 30)
    kind = _format(file, data)
    if kind == "npz" and "kind" not in array_names(data, str(file)):
        kind = "npz of others"
    if asf is not None:
        if kind != "amc":
            raise InputError(f"{file}: is no .amc file, so the skeleton {asf} does not belong to it")
        return read_motion_amc(file, data, asf=Path(asf))
    if kind not in _ARRAYS:
        if fps is not None or skeleton is not None:
            told = "frame rate" if fps is not None else "skeleton"
            raise InputError(f"{file}: says its {told} itself; leave --{'fps' if fps is not None else 'skeleton'} out")
        return _READERS[kind](file, data)
    joints = get_skeleton(skeleton) if isinstance(skeleton, str) else skeleton
    return _ARRAYS[kind](file, data, None if fps is None else exact_fps(fps), joints)


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
    if kind == "json":
        return b'"maquette-motion"' in start
    # Pixel coordinates of Sports2D are TRC, too; tables of joints are not told from others by their first bytes alone.
    return kind not in ("npy", "trc") or _holds_motion(file)


def _holds_motion(file: Path) -> bool:
    """Whether a file whose beginning does not tell is read as a motion."""
    try:
        read_motion(file)
    except InputError:
        return False
    return True


def _format(path: Path, data: bytes) -> str:
    start = data[:4096].removeprefix(_BOM).lstrip()
    if not start:
        raise InputError(f"{path}: the file is empty, expected a motion ({SUFFIXES})")
    if start.startswith(b"PK\x03\x04"):
        return "npz"
    for beginning, kind in _BEGINNINGS.items():
        if data.startswith(beginning) or start.startswith(beginning):
            return kind
    # C3D: a byte that points to the parameters, then 80.
    if data[1:2] == b"\x50" and data[:1] != b"{" and len(data) >= 512:
        return "c3d"
    if start[:9].upper() == b"HIERARCHY":
        return "bvh"
    if start.startswith(b"{") and path.suffix.lower() == ".gltf":
        return "glb"
    if start.startswith((b"{", b"[")):
        return "landmarks" if WORLD_LANDMARKS.search(data[:1_000_000]) else "json"
    if _AMC.search(start):
        return "amc"
    if _ASF.search(start):
        raise InputError(f"{path}: is the skeleton of ASF/AMC motion capture; give a take of it, an .amc file")
    if b"_x_m" in start or start.startswith(b"# maquette motion"):  # wide or long
        return "csv"
    raise InputError(f"{path}: not a motion file that is known; expected {SUFFIXES}")

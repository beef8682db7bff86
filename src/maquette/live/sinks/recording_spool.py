"""A recording while it runs: poses on disk as they come, so that memory stays flat and a crash loses next to nothing.

A spool is a file of a header (``MAQREC1\\n``, a length, a JSON text) and records of one size, appended by a thread: one
for each person in each frame, one for a frame with nobody, one for each note. The last record of a process that was
killed may be cut off; readers leave it out.
"""

import errno
import io
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from jaxtyping import Float, Int

from maquette.errors import InputError, OutputError
from maquette.stream.pose_frame import PoseFrame

_MAGIC = b"MAQREC1\n"
_POSE, _NOBODY, _NOTE = 1, 2, 3

RECORD = np.dtype(
    [
        ("kind", "u1"),
        ("calibrating", "u1"),
        ("contacts", "u1", 4),
        ("spare", "u1", 2),
        ("frame", "<i8"),
        ("person", "<i8"),
        ("time_s", "<f8"),
        ("positions_m", "<f8", (21, 3)),
        ("rotations", "<f8", (21, 4)),
    ]
)
"""One person in one frame; of a note, the place of the numbers holds its text."""
_TEXT_AT = RECORD.fields["positions_m"][1] if RECORD.fields else 0


@dataclass(frozen=True)
class Recording:
    """What a spool is to become, and where its poses come from."""

    target: str
    """The file, whole path."""
    person: str = "first"
    """``first`` (whoever comes first in each frame), ``all``, or a number."""
    overwrite: bool = False
    """Whether files that are there already may be replaced."""
    model: str | None = None
    model_sha256: str | None = None
    source: str = ""
    scale_source: str = "unknown"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class SpoolContents:
    """A spool as read back."""

    recording: Recording
    records: np.ndarray
    """Of :data:`RECORD`, as they lie on the disk; not in memory."""
    poses: Int[np.ndarray, " poses"]
    """Which of them are poses, in the order of time."""
    frame_times_s: Float[np.ndarray, " frames"]
    """Of all frames, those with nobody included; increasing."""
    notes: list[tuple[float, str]]


def packed(frame: PoseFrame, person: str) -> bytes:
    """The records of a frame: of the people that are recorded, or one that says that none of them was there."""
    if person == "first":
        poses = frame.poses[:1]
    elif person == "all":
        poses = frame.poses
    else:
        poses = tuple(pose for pose in frame.poses if pose.person == int(person))
    records = np.zeros(max(len(poses), 1), dtype=RECORD)
    records["kind"] = _POSE if poses else _NOBODY
    records["calibrating"] = frame.state == "calibrating"
    records["frame"], records["time_s"] = frame.frame, frame.time_s
    for record, pose in zip(records, poses, strict=False):
        record["person"] = pose.person
        record["contacts"] = pose.contacts
        record["positions_m"] = pose.positions_m
        record["rotations"] = pose.rotations
    return records.tobytes() + b"".join(_noted(frame, note) for note in frame.notes)


def _noted(frame: PoseFrame, note: str) -> bytes:
    record = np.zeros(1, dtype=RECORD)
    record["kind"], record["frame"], record["time_s"] = _NOTE, frame.frame, frame.time_s
    head = record.tobytes()[:_TEXT_AT]
    text = note.encode("utf-8")[: RECORD.itemsize - _TEXT_AT]
    return (head + text).ljust(RECORD.itemsize, b"\0")


class SpoolFile:
    """An open spool. Whole records only: what the disk takes half of is taken back."""

    def __init__(self, path: Path, recording: Recording) -> None:
        """
        Raises:
            OutputError: the file cannot be made.
        """
        self.path = path
        self.written_bytes = 0
        header = msgspec.json.encode(recording)
        # So that records begin at a multiple of eight bytes.
        header = header.ljust(-(-(len(header) + 12) // 64) * 64 - 12)
        try:
            self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        except OSError as error:
            raise OutputError(f"{path}: cannot write there ({error.strerror}); choose another output folder") from None
        lock(self._handle)
        try:
            self.append(_MAGIC + len(header).to_bytes(4, "little") + header)
        except OSError as error:
            self.close()
            path.unlink(missing_ok=True)
            raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from None

    def append(self, data: bytes) -> None:
        """
        Raises:
            OSError: it could not be written whole; nothing of it is there then, but whole records that came before.
        """
        view = memoryview(data)
        start = self.written_bytes
        try:
            while view:
                count = os.write(self._handle, view)
                if count == 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self.written_bytes += count
                view = view[count:]
        except OSError:
            whole = start + (self.written_bytes - start) // RECORD.itemsize * RECORD.itemsize
            os.ftruncate(self._handle, whole)
            os.lseek(self._handle, whole, os.SEEK_SET)
            self.written_bytes = whole
            raise

    def close(self) -> None:
        os.close(self._handle)


def lock(handle: int) -> bool:
    """Mark a file as in use for as long as it is open; False where another process has it. (Windows lets nobody delete
    or replace an open file anyway.)"""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some network disks know no locks.
        return True
    return True


def is_recorded(path: Path) -> bool:
    """Whether a session still writes a spool.

    Raises:
        InputError: it cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        return not lock(handle)
    finally:
        os.close(handle)


def read_spool(path: Path) -> SpoolContents:
    """What a spool holds; a last record that was cut off is left out.

    Raises:
        InputError: it is no spool, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            recording, start = _header(file.read(1 << 16), path)
        count = (path.stat().st_size - start) // RECORD.itemsize
        records = np.memmap(path, RECORD, "r", start, (count,)) if count else np.zeros(0, RECORD)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    kinds = np.asarray(records["kind"])
    times_s = records["time_s"][(kinds == _POSE) | (kinds == _NOBODY)]
    notes = []
    for index in np.flatnonzero(kinds == _NOTE):
        text = records[int(index)].tobytes()[_TEXT_AT:].rstrip(b"\0").decode("utf-8", "ignore")
        notes.append((float(records["time_s"][index]), text))
    sound = np.isfinite(records["positions_m"]).all(axis=(1, 2)) & np.isfinite(records["rotations"]).all(axis=(1, 2))
    return SpoolContents(recording, records, np.flatnonzero((kinds == _POSE) & sound), np.unique(times_s), notes)


def _header(data: bytes, path: Path) -> tuple[Recording, int]:
    stream = io.BytesIO(data)
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise InputError(f"{path}: no recording of maquette live (its beginning is another)")
    length = int.from_bytes(stream.read(4), "little")
    try:
        recording = msgspec.json.decode(stream.read(length), type=Recording)
    except msgspec.MsgspecError as error:
        raise InputError(f"{path}: the recording's header is damaged ({error})") from None
    return recording, len(_MAGIC) + 4 + length

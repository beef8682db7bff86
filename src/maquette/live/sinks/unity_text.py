"""Poses as the text files that Unity projects around Human3.6M-17 already read (:mod:`maquette.exporters.unity_text`).

All hold one person: the one followed first (:class:`maquette.live.sinks.seats.Seats`).
"""

import asyncio
import errno
import os
import re
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.errors import OutputError
from maquette.exporters.unity_text import encode_unity_frame, encode_unity_pos
from maquette.live.ends import SinkReport
from maquette.live.sinks.disk_writer import DiskWriter
from maquette.live.sinks.seats import Seats
from maquette.stream.pose_frame import LivePose, PoseFrame

KEPT_FRAMES = 18_000
"""Files of ``unity-frames`` that stay: ten minutes at 30 frames a second."""
_POS_FPS = 30.0
_LONGEST_GAP_S = 10.0
_H36M_JOINTS = 17
_NO_POSE = np.full((_H36M_JOINTS, 3), np.nan)


def joints_of_17(pose: LivePose | None) -> Float[np.ndarray, "17 3"] | None:
    """Joints of Human3.6M-17 in the world, in metres, the first ones of maquette-21; None without a (finite) pose."""
    if pose is None or not np.isfinite(pose.positions_m[:_H36M_JOINTS]).all():
        return None
    return pose.positions_m[:_H36M_JOINTS]


class UnityFramesSink:
    """``unity-frames:DIR/name.txt``: a file for each frame, ``name0.txt``, ``name1.txt``, ...; ``0`` without a pose.

    Each file appears whole, under its final name. The reader counts upwards by itself, at the frame rate set in it, and
    waits where a file is not there yet; the rate is to be that of the source. The newest :data:`KEPT_FRAMES` files
    stay and older ones are removed, so that a day does not fill the disk: start the reader before the first one goes.
    Files that an earlier session left are removed at the start, since the reader would take them for frames of this
    one.

    Args:
        address: as the user wrote it, for messages.
        path: ``DIR/name.txt``.
        kept: files that stay.
    """

    def __init__(self, address: str, path: str | Path, *, kept: int = KEPT_FRAMES) -> None:
        self.address = address
        self.report = SinkReport()
        self._path, self._kept = Path(path), kept
        self._seats = Seats(1)
        self._number = 0
        self._writer: DiskWriter | None = None

    async def start(self) -> None:
        """Make the folder and clear it of an earlier session's frames.

        Raises:
            OutputError: the folder cannot be made or written to, or a file of such a name there is no frame.
        """
        if not self._path.name or self._path.is_dir():
            raise OutputError(f"{self.address}: expected the name of a file in a folder, such as frames/walk.txt")
        try:
            await asyncio.to_thread(self._clear)
        except OSError as error:
            raise OutputError(f"{self.address}: {error.filename}: {error.strerror}; choose another folder") from error
        self._writer = DiskWriter(self.report, "unity-frames")
        self.report.say("sending")

    def send(self, frame: PoseFrame) -> None:
        """Take one frame. Frames that the disk is too slow or too full for are left out, and the numbers go on without
        a gap, at which the reader would stop."""
        pose = joints_of_17(self._seats.place(frame)[0])
        if self._writer is not None:
            self._writer.put(lambda: self._write(_NO_POSE if pose is None else pose))

    async def stop(self) -> None:
        """Write what waits; the files stay."""
        if self._writer is not None:
            await asyncio.to_thread(self._writer.finish)
        self._writer = None
        self.report.say("stopped")

    def _file(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.stem}{number}{self._path.suffix}")

    def _write(self, pose: Float[np.ndarray, "17 3"]) -> None:
        temporary = self._path.with_name(f".{self._path.stem}.writing")
        temporary.write_text(encode_unity_frame(pose), encoding="ascii")
        os.replace(temporary, self._file(self._number))
        if self._number >= self._kept:
            self._file(self._number - self._kept).unlink(missing_ok=True)
        self._number += 1

    def _clear(self) -> None:
        folder = self._path.parent
        folder.mkdir(parents=True, exist_ok=True)
        named = re.compile(re.escape(self._path.stem) + r"\d+" + re.escape(self._path.suffix))
        old = [file for file in folder.iterdir() if named.fullmatch(file.name)]
        for file in old:
            if not _is_frame(file):
                raise OutputError(
                    f"{self.address}: {file} is in the way and no frame of unity-frames; move it or choose another name"
                )
        for file in old:
            file.unlink()
        probe = self._path.with_name(f".{self._path.stem}.writing")
        probe.write_text("")
        probe.unlink()


def _is_frame(file: Path) -> bool:
    """Whether a file is what :func:`encode_unity_frame` writes, by its beginning."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        begin = stream.read(4)
    return begin == b"0" or begin.startswith(b"[[[")


def _is_positions(file: Path) -> bool:
    """Whether a file is empty or begins as :func:`encode_unity_pos` does; a pipe or a device is none."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        begin = stream.read(2)
    return begin in (b"", b"0 ")


class UnityPosSink:
    """``unity-pos:FILE``: a line for each thirtieth of a second, the rate that its readers assume.

    A line is written when the frame after its time has come, straight between that one and the one before: nothing
    is foretold. While nobody is seen, the last pose stays, as the format knows no absence; after a gap of more than ten
    seconds the lines go on without having filled it. Each line is appended by one write, so that a reader that follows
    the file sees whole lines. The file begins anew with the session.

    Args:
        address: as the user wrote it, for messages.
        path: the file.
    """

    def __init__(self, address: str, path: str | Path) -> None:
        self.address = address
        self.report = SinkReport()
        self._path = Path(path)
        self._seats = Seats(1)
        self._last: tuple[float, Float[np.ndarray, "17 3"]] | None = None
        self._next_s = 0.0
        self._handle: int | None = None
        self._writer: DiskWriter | None = None

    async def start(self) -> None:
        """Make the file, empty.

        Raises:
            OutputError: it cannot be made, or what is there is none of an earlier session.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and not self._path.is_dir() and not _is_positions(self._path):
                raise OutputError(
                    f"{self.address}: {self._path} is in the way and no file of unity-pos; move it or choose another "
                    "name"
                )
            self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
        except OSError as error:
            raise OutputError(f"{self.address}: {self._path}: {error.strerror}; choose another file") from error
        self._writer = DiskWriter(self.report, "unity-pos")
        self.report.say("sending")

    def send(self, frame: PoseFrame) -> None:
        """Take one frame and append the lines whose time has come with it."""
        pose = joints_of_17(self._seats.place(frame)[0])
        if self._writer is None or (pose is None and self._last is None):
            return
        poses = self._resampled(frame.time_s, pose)
        if poses:
            self._writer.put(lambda: self._append("".join(f"{encode_unity_pos(at)}\n" for at in poses).encode("ascii")))

    async def stop(self) -> None:
        """Write what waits and close."""
        done = self._writer is None or await asyncio.to_thread(self._writer.finish)
        if self._handle is not None and done:
            os.close(self._handle)
        self._writer = self._handle = None
        self.report.say("stopped")

    def _resampled(self, time_s: float, pose: Float[np.ndarray, "17 3"] | None) -> list[Float[np.ndarray, "17 3"]]:
        """The poses at the thirtieths since the frame before, up to this one."""
        if self._last is None or time_s - self._last[0] > _LONGEST_GAP_S:
            if pose is None:
                return []
            self._last, self._next_s = (time_s, pose), time_s + 1.0 / _POS_FPS
            return [pose]
        before_s, before = self._last
        after = before if pose is None else pose
        poses = []
        while self._next_s <= time_s + 1e-9:
            share = (self._next_s - before_s) / (time_s - before_s)
            poses.append(before + share * (after - before))
            self._next_s += 1.0 / _POS_FPS
        self._last = (time_s, after)
        return poses

    def _append(self, lines: bytes) -> None:
        if self._handle is None:
            return
        whole = os.fstat(self._handle).st_size
        try:
            written = os.write(self._handle, lines)
            if written < len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        except OSError:
            # Half a line would stay at the end for good.
            os.ftruncate(self._handle, whole)
            raise

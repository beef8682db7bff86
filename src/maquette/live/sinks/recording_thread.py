"""The thread that writes a recording: records to the spool, and parts that are complete to their files."""

import dataclasses
import logging
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec

from maquette.errors import OutputError
from maquette.live.sinks.recording_finish import Finished, finish
from maquette.live.sinks.recording_names import part_path, spool_path
from maquette.live.sinks.recording_spool import Recording, SpoolFile

_LOG = logging.getLogger(__name__)

WRITE_EVERY_S = 0.25
"""How often the thread writes what has come in; what a killed process loses."""
_MOST_WAITING_BYTES = 16 << 20
"""Of a disk that does not answer; then frames are dropped. Ten people fill it in 40 s."""


class RecordingThread:
    """Writes what :meth:`put` gives it, without end; memory is bounded. A part that is complete is finished by another
    process, one at a time; the last one by this thread."""

    def __init__(self, recording: Recording, *, in_parts: bool) -> None:
        self._recording, self._in_parts, self._part = recording, in_parts, 1
        self._lock, self._ending = threading.Lock(), threading.Event()
        self._waiting: list[tuple[bytes, int] | None] = []
        self._waiting_bytes = 0
        self._spool: SpoolFile | None = None
        self._complete: list[Path] = []
        self._child: tuple[subprocess.Popen[Any], Path] | None = None
        self.written = self.lost = 0
        """Frames on disk, and frames that the disk did not take."""
        self.failure = ""
        """Why nothing is written any more."""
        self.results: list[Finished] = []
        """Of the parts that are done."""
        self._thread = threading.Thread(target=self._run, name="maquette-recording", daemon=True)

    def start(self) -> None:
        """
        Raises:
            OutputError: no file can be made there.
        """
        self._open()
        self._thread.start()

    def put(self, data: bytes, frames: int = 1) -> bool:
        """Add records; False when the disk is so far behind that there is no room."""
        with self._lock:
            if self._waiting_bytes + len(data) > _MOST_WAITING_BYTES:
                return False
            self._waiting.append((data, frames))
            self._waiting_bytes += len(data)
            return True

    def end_part(self) -> None:
        """What comes now belongs to the next part."""
        with self._lock:
            self._waiting.append(None)

    def end(self) -> None:
        """Write all that waits, finish all parts; returns when that is done."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            ending = self._ending.wait(WRITE_EVERY_S)
            with self._lock:
                taken, self._waiting, self._waiting_bytes = self._waiting, [], 0
            self._write(taken)
            if ending:
                break
            self._finish_beside()
        self._close()
        if self._child is not None:
            self._collect(*self._child)
        for spool in self._complete:
            self._done(finish(spool))

    def _write(self, taken: list[tuple[bytes, int] | None]) -> None:
        """Append in one go what belongs to one part."""
        chunk: list[tuple[bytes, int]] = []
        for item in taken:
            if item is not None:
                chunk.append(item)
                continue
            self._append(chunk)
            chunk = []
            self._close()
            self._part += 1
            try:
                self._open()
                self.failure = ""
            except OutputError as error:
                self._fail(str(error))
        self._append(chunk)

    def _append(self, chunk: list[tuple[bytes, int]]) -> None:
        if not chunk:
            return
        count = sum(frames for _, frames in chunk)
        if self._spool is None or self.failure:
            self.lost += count
            return
        before = self._spool.written_bytes
        try:
            self._spool.append(b"".join(data for data, _ in chunk))
            self.written += count
        except OSError as error:
            room, kept = self._spool.written_bytes - before, 0
            for data, frames in chunk:
                room -= len(data)
                kept += frames if room >= 0 else 0
            self.written, self.lost = self.written + kept, self.lost + count - kept
            self._fail(f"{self._spool.path.parent}: {error.strerror or error}; what was recorded until then is kept")

    def _fail(self, why: str) -> None:
        self.failure = why
        _LOG.error("%s", why)

    def _open(self) -> None:
        target = Path(self._recording.target)
        if self._in_parts:
            target = part_path(target, self._part)
        recording = dataclasses.replace(self._recording, target=str(target))
        self._spool = None
        self._spool = SpoolFile(spool_path(target), recording)

    def _close(self) -> None:
        if self._spool is not None:
            self._spool.close()
            self._complete.append(self._spool.path)
            self._spool = None

    def _finish_beside(self) -> None:
        """Let another process finish the next part: here it would hold the interpreter's lock for long stretches, and
        the memory for good."""
        if self._child is not None:
            if self._child[0].poll() is None:
                return
            self._collect(*self._child)
            self._child = None
        if not self._complete:
            return
        spool = self._complete.pop(0)
        try:
            self._child = subprocess.Popen([*_COMMAND, str(spool)], **_APART), spool
        except OSError as error:
            _LOG.warning("no process to finish a part of the recording (%s); done here", error)
            self._done(finish(spool))

    def _collect(self, child: "subprocess.Popen[Any]", spool: Path) -> None:
        said, _ = child.communicate()
        try:
            self._done(msgspec.json.decode(said, type=Finished))
        except msgspec.MsgspecError:
            # Killed, or no room for its memory: the spool is whole, and this process may do better.
            _LOG.warning("the process that finished %s ended with %d; done again here", spool, child.returncode)
            self._done(finish(spool))

    def _done(self, finished: Finished) -> None:
        self.results.append(finished)
        for problem in finished.problems:
            _LOG.error("%s", problem)
        for file in finished.files:
            _LOG.info("%s is written", file)


_COMMAND = [sys.executable, "-m", "maquette.live.sinks.recording_finish", "--spool"]
_APART: dict[str, Any] = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.DEVNULL,
    # Ctrl-C in a terminal goes to all processes of a group; this one is to end what it does.
    **({"creationflags": 0x200} if sys.platform == "win32" else {"start_new_session": True}),
}

"""Recording to files: motions and animations of every format that Maquette writes."""

import asyncio
import logging
import os
from pathlib import Path

from maquette.errors import InputError, OutputError
from maquette.exporters import check_output
from maquette.exporters.writers import format_of
from maquette.live.ends import SinkReport
from maquette.live.sinks.recording_finish import Finished, how
from maquette.live.sinks.recording_names import part_path, spools_beside
from maquette.live.sinks.recording_spool import Recording, packed
from maquette.live.sinks.recording_thread import RecordingThread
from maquette.stream.pose_frame import PoseFrame

_LOG = logging.getLogger(__name__)

SHORTEST_ROLL_S = 1.0


class FileSink:
    """Records a session; the format is that of the suffix (:func:`maquette.exporters.write_motion`).

    While it runs, poses are appended to a hidden file beside the target (``.out.bvh.1f3a9c02.maquette-recording``, 1.2
    kB for each person and frame), so that memory stays flat, and a process that is killed loses a quarter of a second:
    :func:`maquette.live.sinks.recording_finish.recover` finishes what it left. On :meth:`stop` the file is written.

    Args:
        address: as given on the command line.
        path: the file.
        person: ``first``: one file, of whoever comes first in each frame, also when somebody takes over; ``all``: a
            file for each person (``out_person0.bvh``, ``out_person1.bvh``, when there is more than one), but for those
            who were there for less than half a second; or the number of a person.
        roll_s: finish a file each so many seconds and go on with the next (``out-0001.bvh``, ``out-0002.bvh``, ...).
        overwrite: replace files that are there already. Else that is refused at the start, for a recording cannot be
            made again; and files whose names nobody could know then get a number (``out_person1-2.bvh``).
        model: name of the model that lifted the poses, with ``model_sha256``, ``source``, ``scale_source`` and
            ``notes`` as in :class:`maquette.motion.Motion`.

    Raises:
        InputError: ``person`` or ``roll_s`` is out of range.
    """

    def __init__(
        self,
        address: str,
        path: str | Path,
        *,
        person: str = "first",
        roll_s: float | int | None = None,
        overwrite: bool = False,
        model: str | None = None,
        model_sha256: str | None = None,
        source: str = "",
        scale_source: str = "unknown",
        notes: tuple[str, ...] = (),
    ) -> None:
        if person not in ("first", "all") and not (person.isascii() and person.isdecimal()):
            raise InputError(f"--person {person}: expected first, all, or a number from 0")
        if roll_s is not None and not roll_s >= SHORTEST_ROLL_S:
            raise InputError(f"--roll {roll_s:g}: expected {SHORTEST_ROLL_S:g} second or more")
        self.address = address
        self.path = Path(os.path.abspath(path))
        self.report = SinkReport()
        self.files: list[Path] = []
        """What has been written so far."""
        self._roll_s = roll_s
        self._part_began_s: float | None = None
        self._recording = Recording(str(self.path), person, overwrite, model, model_sha256, source, scale_source, notes)
        self._thread: RecordingThread | None = None
        self._seen_results = self._refused = 0

    def check(self) -> None:
        """Refuse what could not be finished at the end.

        Raises:
            MissingExtraError: the package that writes such files is not installed.
            OutputError: the suffix is unknown, the folder is missing, the file is there already, or Blender is missing
                for an ``.fbx``.
        """
        check_output(self.path)
        if not self.path.parent.is_dir():
            raise OutputError(f"{self.path.parent}: no such folder; make it first, or choose another one")
        if format_of(self.path) == ".fbx":
            from maquette.exporters.fbx import blender_command

            blender_command(None)
        first = self._first()
        if first.exists() and not self._recording.overwrite:
            raise OutputError(
                f"{first}: is there already, and a recording cannot be made again; move it away, choose another name, "
                "or allow it with --overwrite"
            )

    def _first(self) -> Path:
        return self.path if self._roll_s is None else part_path(self.path, 1)

    async def start(self) -> None:
        """See :class:`maquette.live.ends.Sink`.

        Raises:
            MissingExtraError, OutputError: as :meth:`check`, or the folder takes no files.
        """
        self.check()
        first = self._first()
        if spools_beside(first):
            _LOG.warning(
                "%s: a recording of it by a session that was killed, or that still runs, is there: %s",
                first,
                how(first),
            )
        thread = RecordingThread(self._recording, in_parts=self._roll_s is not None)
        thread.start()
        self._thread = thread
        self.report.say("sending")

    def send(self, frame: PoseFrame) -> None:
        """See :class:`maquette.live.ends.Sink`: packs the poses (10 µs a person) and hands them to the thread."""
        if self._thread is None:
            return
        if self._roll_s is not None:
            if self._part_began_s is None:
                self._part_began_s = frame.time_s
            elif frame.time_s - self._part_began_s >= self._roll_s:
                self._thread.end_part()
                self._part_began_s = frame.time_s
        if not self._thread.put(packed(frame, self._recording.person)):
            self._refused += 1
        self._look()

    async def stop(self) -> None:
        """Finish the files, in the thread; an hour at 60 frames/s takes a quarter of a minute.

        Raises:
            OutputError: the disk was or is full, or files could not be written for another reason. What was recorded is
                kept, and the text says where.
        """
        thread = self._thread
        if thread is None:
            self.report.say("stopped")
            return
        await asyncio.to_thread(thread.end)
        self._look()
        problems = [problem for result in thread.results for problem in result.problems]
        if thread.failure:
            problems.insert(0, thread.failure)
        self._thread = None
        if problems:
            told = "; ".join(problems)
            self.report.say("failed", told)
            raise OutputError(told)
        self.report.say("stopped", _told(thread.results))

    def _look(self) -> None:
        """What the thread says, into the report."""
        thread = self._thread
        if thread is None:
            return
        report = self.report
        report.sent, report.dropped = thread.written, self._refused + thread.lost
        if thread.failure and report.state != "failed":
            report.failures += 1
            report.say("failed", thread.failure)
        elif not thread.failure and report.state == "failed":
            report.say("sending")
        while self._seen_results < len(thread.results):
            result = thread.results[self._seen_results]
            self._seen_results += 1
            self.files += [Path(file) for file in result.files]
            if result.problems:
                report.failures += len(result.problems)
                report.detail = "; ".join(result.problems)


def _told(results: list[Finished]) -> str:
    files = [Path(file).name for result in results for file in result.files]
    if not files:
        return "nobody was seen, nothing is written"
    shown = ", ".join(files[:4]) + (f" and {len(files) - 4} more" if len(files) > 4 else "")
    return f"{shown} written ({max(result.n_frames for result in results)} frames)"

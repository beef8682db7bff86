"""Writes to disk beside the event loop: a thread with a bounded queue."""

import queue
import threading
from collections.abc import Callable

from maquette.live.ends import SinkReport

_WAITING = 64
"""Jobs that may wait: two seconds at 30 frames a second, as long as a disk may take a breath."""


class DiskWriter:
    """Runs jobs in order, one after the other, in a thread of its own.

    A job that fails (a full disk, a folder that went away) is counted in the report, and the next one is tried.
    """

    def __init__(self, report: SinkReport, name: str) -> None:
        self._report = report
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue(_WAITING)
        self._counting = threading.Lock()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def put(self, job: Callable[[], None]) -> bool:
        """Hand over a job that may raise OSError; false where the queue is full, and then it is not done."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            self._drop()
            if self._report.state == "sending":
                self._report.say("waiting", "the disk is slower than the frames")
            return False
        return True

    def finish(self, timeout_s: float = 5.0) -> bool:
        """Do what is left, then end; false where a disk that hangs kept it from that. Blocks for twice the timeout at
        most."""
        try:
            self._jobs.put(None, timeout=timeout_s)
        except queue.Full:
            return False
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except OSError as error:
                self._report.failures += 1
                self._drop()
                self._report.say("waiting", f"{error.filename or 'disk'}: {error.strerror or error}")
            else:
                self._report.sent += 1
                if self._report.state != "sending":
                    self._report.say("sending")

    def _drop(self) -> None:
        # Both threads count these.
        with self._counting:
            self._report.dropped += 1

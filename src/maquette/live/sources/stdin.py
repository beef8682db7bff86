"""Keypoints on standard input: one line of JSON, one frame."""

import asyncio
import os
import stat
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence

from maquette.errors import InputError
from maquette.live.ends import Deliver, SourceReport
from maquette.live.sources.intake import Intake
from maquette.live.sources.lines import LineSplitter
from maquette.live.sources.newest import newest
from maquette.live.sources.silence import stalls_said
from maquette.stream.keypoint_packets import KeypointDecoder

_CHUNK_BYTES = 1 << 16
_CHUNKS_AHEAD = 4
"""Read while the loop is busy; then whoever writes waits."""


class StdinSource:
    """Reads lines until the end of standard input.

    From a pipe or a terminal, only the newest lines are taken when several are there at once. A file (``< FILE``) is a
    recording: each of its lines is taken, as fast as ``ready`` allows.

    Args:
        decoder: of the lines.
        ready: awaited before each line of a file; None delivers as fast as they are read.
        descriptor: of the open file to read; None is standard input.
    """

    address = "-"

    def __init__(
        self,
        *,
        decoder: KeypointDecoder | None = None,
        ready: Callable[[], Awaitable[None]] | None = None,
        descriptor: int | None = None,
    ) -> None:
        self.report = SourceReport()
        self.ready = ready
        self._decoder = decoder or KeypointDecoder()
        self._descriptor = descriptor

    async def run(self, deliver: Deliver) -> None:
        """Deliver until the end.

        Raises:
            InputError: there is no standard input, or it cannot be read.
        """
        descriptor = self._open()
        recorded = stat.S_ISREG(os.fstat(descriptor).st_mode)
        intake = Intake(self.report, self._decoder, deliver)
        splitter = LineSplitter(skip_long=True)
        chunks = _Chunks(descriptor)
        async with stalls_said(self.report):
            try:
                while chunk := await chunks.get():
                    too_long = splitter.too_long
                    lines = splitter.feed(chunk)
                    for _ in range(splitter.too_long - too_long):
                        self.report.bad(b"", splitter.why)
                    if not recorded:
                        lines, left_out = newest(lines)
                        self.report.dropped += left_out
                    await self._take(lines, intake, recorded)
                await self._take([splitter.rest().strip()], intake, recorded)
            except OSError as error:
                raise InputError(f"-: standard input cannot be read ({error.strerror})") from None
            finally:
                chunks.stop()
        self.report.say("ended", "end of standard input")

    async def _take(self, lines: Sequence[bytes], intake: Intake, recorded: bool) -> None:
        for line in lines:
            if line:
                if recorded and self.ready is not None:
                    await self.ready()
                intake.take(line, "stdin", time.monotonic(), "line")
        await asyncio.sleep(0)

    def _open(self) -> int:
        if self._descriptor is not None:
            return self._descriptor
        try:
            return sys.stdin.fileno()
        except (AttributeError, OSError, ValueError):
            raise InputError(
                "-: there is no standard input; pipe lines of JSON in (program | maquette live -)"
            ) from None


class _Chunks:
    """Reads a descriptor in a thread, a few chunks ahead. A thread, because files, pipes and consoles differ in what
    an event loop can wait for; a daemon, because a read from a terminal cannot be called off."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes | OSError] = asyncio.Queue()
        self._end: bytes | OSError | None = None
        """What came instead of a chunk."""
        self._free = threading.Semaphore(_CHUNKS_AHEAD)
        self._stopped = False
        threading.Thread(target=self._read, name="standard input", daemon=True).start()

    async def get(self) -> bytes:
        """All that has been read since; empty at the end.

        Raises:
            OSError: it cannot be read.
        """
        read: list[bytes] = []
        while self._end is None and not (read and self._queue.empty()):
            chunk = await self._queue.get()
            self._free.release()
            if isinstance(chunk, OSError) or not chunk:
                self._end = chunk
            else:
                read.append(chunk)
        if not read and isinstance(self._end, OSError):
            raise self._end
        return b"".join(read)

    def stop(self) -> None:
        self._stopped = True
        self._free.release()

    def _read(self) -> None:
        while True:
            self._free.acquire()
            if self._stopped:
                return
            try:
                chunk: bytes | OSError = os.read(self._descriptor, _CHUNK_BYTES)
            except OSError as error:
                chunk = error
            try:
                self._loop.call_soon_threadsafe(self._queue.put_nowait, chunk)
            except RuntimeError:
                return  # the loop has ended
            if not chunk or isinstance(chunk, OSError):
                return

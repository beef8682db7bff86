"""A live session: one source, the processing, any number of sinks, in one event loop."""

import asyncio
import gc
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from maquette.errors import InputError, MaquetteError
from maquette.live.clock import StreamClock
from maquette.live.ends import STALLED_S, Sink, Source
from maquette.live.frame_queue import FrameQueue
from maquette.live.processing import LiveProcessor
from maquette.live.status import EndStatus, LiveStatus, Meter
from maquette.stream.keypoint_frame import KeypointFrame
from maquette.stream.pose_frame import PoseFrame

_LOG = logging.getLogger(__name__)

STATUS_S = 1.0
"""Between two statuses."""
_SWITCH_S = 0.0005
"""After so long another thread that works gives way. With the usual 5 ms frames of ten people last 50 ms while they are
calibrated, with this one 20."""
_BEGIN_S = 0.1
"""A source that cannot work at all says so in that time."""

OnBegin = Callable[["LiveSession"], None]
OnStatus = Callable[[LiveStatus], None]
OnNotes = Callable[[tuple[str, ...]], None]


class LiveSession:
    """Keypoints from the source become poses in all sinks, until the source ends, :meth:`stop` is called, or none of
    the sinks can ever go on (standard output that nobody reads any more).

    Args:
        source, sinks: not started yet.
        processor: fresh.
        clock: gives each frame its time.
        queue: what waits for the processing; where it is full, the oldest frame is dropped and counted.
        on_begin: called once, when the sinks work and nothing speaks against the source, before the others.
        on_status: called each second.
        on_notes: called with what was decided: calibrated, somebody came, somebody took over.
    """

    def __init__(
        self,
        source: Source,
        sinks: Sequence[Sink],
        processor: LiveProcessor,
        clock: StreamClock,
        queue: FrameQueue,
        *,
        on_begin: OnBegin | None = None,
        on_status: OnStatus | None = None,
        on_notes: OnNotes | None = None,
    ) -> None:
        self.source, self.sinks, self.processor, self.clock, self.queue = source, tuple(sinks), processor, clock, queue
        self.meter = Meter()
        self._on_begin, self._on_status, self._on_notes = on_begin, on_status, on_notes
        self._state = "waiting"
        self._last_frame_s = time.monotonic()
        self._refused: InputError | None = None
        """Why the first frame was left out that could not be processed."""
        self._malformed_said = self._begun = False

    def stop(self) -> None:
        """End the session: what has come in is finished, then the sinks' files."""
        self.queue.close()

    async def run(self) -> None:
        """Returns when all is finished and closed.

        Raises:
            InputError: the source cannot work, or gives nothing but keypoints of which there is no map to the model's.
            OutputError: a sink cannot work; those that had started are closed again.
        """
        from threadpoolctl import threadpool_limits

        self.processor.warm_up()
        # Matrices are small here: OpenBLAS's other threads would only wait for the next one, at the cost of a core.
        with threadpool_limits(limits=1, user_api="blas"):
            await self._run()

    async def _run(self) -> None:
        async with self._started_sinks():
            source = asyncio.create_task(self.source.run(self._deliver), name="source")
            source.add_done_callback(lambda _: self.queue.close())
            status = asyncio.create_task(self._report(), name="status")
            # What is there now stays: collections need not look at it again, and so last less long.
            gc.collect()
            gc.freeze()
            # Calibration and files are worked on beside the frames, which shall not wait long for their turn.
            switch_s = sys.getswitchinterval()
            sys.setswitchinterval(_SWITCH_S)
            try:
                await self._consume()
                if source.done():
                    source.result()
                if self._refused is not None and not self.meter.frames:
                    raise self._refused
                self._begin()
                self._tell()
            finally:
                gc.unfreeze()
                sys.setswitchinterval(switch_s)
                for task in (source, status):
                    task.cancel()
                await asyncio.gather(source, status, return_exceptions=True)

    @property
    def dropped(self) -> int:
        """Frames of keypoints that were not processed because newer ones were there."""
        return self.queue.dropped + self.source.report.dropped

    def status(self) -> LiveStatus:
        """How things are now."""
        now_s = time.monotonic()
        fps_in, fps_out = self.meter.rates(now_s)
        p50_ms, p99_ms = self.meter.recent_ms()
        report = self.source.report
        if report.state == "receiving" and now_s - self._last_frame_s > STALLED_S:
            report.say("stalled", f"nothing for {now_s - self._last_frame_s:.0f} s")
        elif report.state == "stalled":
            report.say("stalled", f"nothing for {now_s - self._last_frame_s:.0f} s")
        return LiveStatus(
            elapsed_s=now_s - self.meter.began_s,
            fps_in=fps_in,
            fps_out=fps_out,
            latency_p50_ms=p50_ms,
            latency_p99_ms=p99_ms,
            frames=self.meter.frames,
            dropped=self.dropped,
            people=self.meter.people,
            state=self._state,
            source=EndStatus(
                self.source.address, report.state, report.detail, report.frames, report.malformed, report.skipped
            ),
            sinks=tuple(
                EndStatus(s.address, s.report.state, s.report.detail, s.report.sent, 0, s.report.dropped)
                for s in self.sinks
            ),
            model=self.processor.model,
            look_ahead_ms=1000 * self.processor.look_ahead_s,
        )

    @asynccontextmanager
    async def _started_sinks(self) -> AsyncIterator[None]:
        """All sinks are stopped, whatever happens, and the first error that one of them raises is raised at the end."""
        started: list[Sink] = []
        problems: list[MaquetteError] = []
        try:
            for sink in self.sinks:
                started.append(sink)
                await sink.start()
            yield
        finally:
            for sink in started:
                try:
                    await sink.stop()
                except MaquetteError as error:
                    problems.append(error)
                    _LOG.warning("%s", error)
        if problems:
            raise problems[0]

    def _deliver(self, frame: KeypointFrame) -> None:
        self._last_frame_s = time.monotonic()
        self.meter.arrived(self._last_frame_s)
        self.queue.put(frame)

    async def _consume(self) -> None:
        """Process what comes, until the source has ended and everything is done, or until stopped."""
        while (frame := await self.queue.get()) is not None:
            for pose_frame in self._process(frame):
                self._send(pose_frame)
            self._say(self.clock.take_notes())
            # Sockets are looked at between frames also while frames are waiting.
            await asyncio.sleep(0)
        for pose_frame in self.processor.finish():
            self._send(pose_frame)

    def _process(self, frame: KeypointFrame) -> list[PoseFrame]:
        """A frame that cannot be processed is left out and counted: one stray packet does not end a session."""
        try:
            return self.processor.push(frame, self.clock.time_of(frame))
        except InputError as error:
            self._refused = self._refused or error
            self.source.report.bad(f"keypoints on '{frame.skeleton.name}'", str(error))
            return []

    def _send(self, frame: PoseFrame) -> None:
        for sink in self.sinks:
            sink.send(frame)
        self._state = frame.state
        self.meter.sent(frame.arrived_s, time.monotonic(), len(frame.poses))
        self._say(frame.notes)

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        if self._on_begin is not None:
            self._on_begin(self)
        # Only now: a port that was left to the system is known when the sinks have started.
        urls = (getattr(sink, "url", None) for sink in self.sinks)
        self._say(tuple(f"look at {url}" for url in urls if url))

    def _say(self, notes: tuple[str, ...]) -> None:
        if notes and self._on_notes is not None:
            self._begin()
            self._on_notes(notes)

    async def _report(self) -> None:
        await asyncio.sleep(_BEGIN_S)
        self._begin()
        while True:
            await asyncio.sleep(STATUS_S)
            self._tell()
            if self.sinks and all(getattr(sink, "over", False) for sink in self.sinks):
                # As every program does whose only reader has gone (head, less).
                self.stop()

    def _tell(self) -> None:
        first = self.source.report.first_malformed
        if first and not self._malformed_said:
            self._malformed_said = True
            self._say((f"malformed, skipped: {first}",))
        status = self.status()
        for sink in self.sinks:
            tell = getattr(sink, "tell", None)
            if tell is not None:
                tell(status)
        if self._on_status is not None:
            self._on_status(status)

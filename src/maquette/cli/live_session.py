"""What ``maquette live`` is asked to do, as a session."""

import asyncio
import signal
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING

from maquette.errors import InputError
from maquette.live.session import LiveSession

if TYPE_CHECKING:
    from maquette.cli.live import Live
    from maquette.cli.live_status import StatusLine
    from maquette.live.ends import Sink, Source
    from maquette.live.frame_queue import FrameQueue
    from maquette.live.processing import LiveProcessor

PAGE = "ws://127.0.0.1:8765"
"""Where poses go if nobody says: the page in the browser."""


def session_of(asked: "Live", line: "StatusLine", executor: Executor) -> LiveSession:
    """A session that has not begun.

    Raises:
        InputError: an option is out of range, or an address is none.
        OutputError: a sink's file cannot be written.
        ModelError: the model cannot be loaded, or takes whole clips only.
    """
    from maquette.cli.options import image_size
    from maquette.frozen_arrays import exact_fps
    from maquette.live.clock import StreamClock
    from maquette.live.frame_queue import FrameQueue
    from maquette.live.processing import LiveProcessor
    from maquette.live.settings import LiveSettings
    from maquette.live.sources.replay import ReplaySource

    settings = LiveSettings(
        model=asked.model,
        people=asked.people,
        calibrate_s=asked.calibrate,
        height_m=asked.height_m,
        focal_px=asked.focal_px,
        image_size=image_size(asked.image_size),
        repair=asked.repair,
        flip=asked.flip,
    )
    if asked.seconds is not None and not 0 < asked.seconds < float("inf"):
        raise InputError(f"--seconds {asked.seconds:g}: expected a positive number")
    fps = None if asked.fps is None else exact_fps(asked.fps)
    queue = FrameQueue()
    processor = LiveProcessor(settings, executor)
    source = _source(asked, settings.image_size, fps, queue)
    return LiveSession(
        source,
        _sinks(asked, source.address, processor),
        processor,
        StreamClock(None if fps is None else float(fps), trust=isinstance(source, ReplaySource)),
        queue,
        on_status=line.show,
        on_notes=line.say,
    )


async def until_stopped(session: LiveSession, seconds: float | None) -> None:
    """Run a session until it ends, until Ctrl-C (or SIGTERM), or for ``seconds``. A second Ctrl-C does not wait for
    files."""
    with _signals(session):
        timer = None
        if seconds is not None:
            timer = asyncio.get_running_loop().call_later(seconds, session.stop)
        try:
            await session.run()
        finally:
            if timer is not None:
                timer.cancel()


@contextmanager
def _signals(session: LiveSession) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, _frame: object) -> None:
        # From the second time on as usual: Python's own way of stopping.
        signal.signal(number, before[number] or signal.SIG_DFL)
        loop.call_soon_threadsafe(session.stop)

    # Not loop.add_signal_handler, which Windows does not have.
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _source(asked: "Live", size: tuple[int, int] | None, fps: Fraction | None, queue: "FrameQueue") -> "Source":
    if (asked.source is None) == (asked.replay is None):
        seen = "neither --source nor --replay" if asked.source is None else "both --source and --replay"
        raise InputError(
            f"{seen}: expected one of them, for example --source folder:openpose_json, --source udp://127.0.0.1:9000, "
            "--source camera:0, or --replay demo"
        )
    from maquette.detect.choice import DetectorWish
    from maquette.live.addresses import SourceOptions, source_of

    wish = DetectorWish(
        asked.detector, asked.det_model, asked.pose_model, asked.mode, asked.people, several=asked.people > 1
    )
    options = SourceOptions(
        token=asked.token,
        skeleton=asked.skeleton,
        image_size=size,
        fps=fps,
        from_start=asked.from_start,
        speed=_speed(asked.speed),
        loop=asked.loop,
        detector=wish,
        mirror=asked.mirror,
    )
    source = source_of(asked.source if asked.replay is None else f"replay:{asked.replay}", options)
    if hasattr(source, "ready"):
        # What lies there already waits for room; what comes in does not, and drops the oldest.
        source.ready = queue.room  # pyright: ignore[reportAttributeAccessIssue]
    return source


def _speed(text: str) -> float:
    try:
        speed = float("inf") if text == "max" else float(text)
    except ValueError:
        speed = 0.0
    if not speed > 0:
        raise InputError(f"--speed {text}: expected a positive number, or max")
    return speed


def _sinks(asked: "Live", source: str, processor: "LiveProcessor") -> "list[Sink]":
    from maquette.live.sink_addresses import SinkOptions, sink_of

    options = SinkOptions(
        token=asked.token,
        people=asked.people,
        root=asked.vmc_root,
        person=asked.person or ("first" if asked.people == 1 else "all"),
        roll_s=asked.roll,
        overwrite=asked.overwrite,
        model=processor.model,
        model_sha256=processor.model_sha256,
        source=source,
        scale_source=processor.scale_source,
    )
    return [sink_of(address, options) for address in asked.to or (PAGE,)]

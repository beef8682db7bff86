"""What ``maquette live`` is asked to do, as a session."""

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from maquette.errors import InputError

if TYPE_CHECKING:
    from maquette.cli.live import Live
    from maquette.cli.live_status import StatusLine
    from maquette.live.ends import Sink, Source
    from maquette.live.frame_queue import FrameQueue
    from maquette.live.processing import LiveProcessor
    from maquette.live.session import LiveSession

PAGE = "ws://127.0.0.1:8765"
"""Where poses go if nobody says: the page in the browser."""


def session_of(asked: "Live", line: "StatusLine", executor: Executor) -> "LiveSession":
    """A session that has not begun. What can be wrong is looked at before the model is loaded.

    Raises:
        InputError: an option is out of range, or an address is none.
        OutputError: a sink's file cannot be written.
        ModelError: the model cannot be loaded, or takes whole clips only.
    """
    speed = _check(asked)

    from maquette.cli.options import image_size
    from maquette.frozen_arrays import exact_fps
    from maquette.live.clock import StreamClock
    from maquette.live.frame_queue import FrameQueue
    from maquette.live.settings import LiveSettings
    from maquette.live.sources.replay import ReplaySource

    settings = LiveSettings(
        model=asked.model,
        people=asked.people,
        calibrate_s=asked.calibrate,
        height_m=asked.height_m,
        focal_px=asked.focal_px,
        image_size=image_size(asked.image_size),
        smooth=asked.smooth,
        repair=asked.repair,
        flip=asked.flip,
    )
    fps = None if asked.fps is None else exact_fps(asked.fps)
    queue = FrameQueue()
    # The sinks first: to read a recording takes longer.
    _check_ends(_sinks(asked))
    source = _source(asked, settings.image_size, fps, speed, queue)
    _check_ends([source])

    from maquette.live.processing import LiveProcessor
    from maquette.live.session import LiveSession

    processor = LiveProcessor(settings, executor)
    return LiveSession(
        source,
        _sinks(asked, source.address, processor),
        processor,
        StreamClock(None if fps is None else float(fps), trust=isinstance(source, ReplaySource)),
        queue,
        on_begin=line.begin,
        on_status=line.show,
        on_notes=line.say,
    )


def _check(asked: "Live") -> float:
    """The speed of a replay."""
    if bool(asked.source) == bool(asked.replay):
        seen = "neither --source nor --replay" if not asked.source else "both --source and --replay"
        raise InputError(
            f"{seen}: expected one of them, for example --source folder:openpose_json, --source udp://127.0.0.1:9000, "
            "--source camera:0, or --replay demo"
        )
    if asked.seconds is not None and not 0 < asked.seconds < float("inf"):
        raise InputError(f"--seconds {asked.seconds:g}: expected a positive number")
    try:
        speed = float("inf") if asked.speed == "max" else float(asked.speed)
    except ValueError:
        speed = 0.0
    if not speed > 0:
        raise InputError(f"--speed {asked.speed}: expected a positive number, or max")
    return speed


@contextmanager
def interrupts_kept() -> Iterator[None]:
    """Ctrl-C in here ends what follows, too, where it came in a callback of Python's own that lets nothing out."""
    came = False
    before = signal.getsignal(signal.SIGINT)

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
    if came:
        raise KeyboardInterrupt


async def until_stopped(session: "LiveSession", seconds: float | None) -> None:
    """Run a session until it ends, until Ctrl-C (or SIGTERM, or a terminal that is closed), or for ``seconds``. To be
    stopped is how most sessions end and no failure: files are finished. After a second Ctrl-C those that could not be
    wait to be recovered."""
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
def _signals(session: "LiveSession") -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers: list[int] = [signal.SIGINT, signal.SIGTERM]
    # Under nohup it is ignored, and stays so. Windows has none.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}

    def stop(number: int, _frame: object) -> None:
        # From the second time on as usual: Python's own way of stopping.
        signal.signal(number, before[signal.Signals(number)] or signal.SIG_DFL)
        loop.call_soon_threadsafe(session.stop)

    # Not loop.add_signal_handler, which Windows does not have.
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _source(
    asked: "Live", size: tuple[int, int] | None, fps: Fraction | None, speed: float, queue: "FrameQueue"
) -> "Source":
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
        speed=speed,
        loop=asked.loop,
        detector=wish,
        mirror=asked.mirror,
    )
    source = source_of(asked.source or f"replay:{asked.replay}", options)
    if hasattr(source, "ready"):
        # What lies there already waits for room; what comes in does not, and drops the oldest.
        source.ready = queue.room  # pyright: ignore[reportAttributeAccessIssue]
    return source


def _check_ends(ends: "Sequence[Source | Sink]") -> None:
    for end in ends:
        check = getattr(end, "check", None)
        if check is not None:
            check()


def _sinks(asked: "Live", source: str = "", processor: "LiveProcessor | None" = None) -> "list[Sink]":
    """Without source and processor they can be checked, not used."""
    from maquette.live.sink_addresses import SinkOptions, sink_of

    _check_once(asked.to)
    options = SinkOptions(
        token=asked.token,
        people=asked.people,
        root=asked.vmc_root,
        person=asked.person or ("first" if asked.people == 1 else "all"),
        roll_s=asked.roll,
        overwrite=asked.overwrite,
        source=source,
    )
    if processor is not None:
        options = replace(
            options,
            model=processor.model,
            model_sha256=processor.model_sha256,
            scale_source=processor.scale_source,
        )
    return [sink_of(address, options) for address in asked.to or (PAGE,)]


def _check_once(addresses: tuple[str, ...]) -> None:
    """Two sinks would write over each other in one file."""
    places = set()
    for address in addresses:
        text = address.strip()
        scheme, _, rest = text.partition(":")
        is_place = "://" in text or text == "-"
        place = text if is_place else os.path.abspath(rest if scheme in ("unity-pos", "unity-frames") else text)
        if place in places:
            raise InputError(f"--to {address}: is given twice; expected each sink once")
        places.add(place)

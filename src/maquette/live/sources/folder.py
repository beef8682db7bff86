"""A folder that OpenPose (or another detector) keeps writing into."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from maquette.errors import InputError
from maquette.live.ends import Deliver, SourceReport
from maquette.live.sources.folder_order import FileFrame, FolderOrder, series_and_number
from maquette.live.sources.folder_watch import FolderWatch
from maquette.live.sources.silence import stalls_said
from maquette.readers.input_files import read_bytes
from maquette.stream.keypoint_frame import KeypointFrame
from maquette.stream.keypoint_packets import MAX_PACKET_BYTES, KeypointDecoder

_RETRY_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.4)
"""Pauses between attempts at a file that does not decode: after a second in all it is malformed."""
_MOST_UNFINISHED = 128
_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 0.5
"""Between looks for a folder that is gone."""
_ASSUMED_FPS = 30


@dataclass
class _Unfinished:
    """A file that did not decode yet."""

    attempts: int
    timer: asyncio.TimerHandle


class FolderSource:
    """The frames of files that come into a folder, one file a frame, told by inotify (or what the system has).

    Only files that come or change after the start are taken, unless ``from_start``. A half-written file is read again
    at its next change and after 5, 10, 20 ... ms, for a second. Numbers in the names give the order (see
    :class:`~maquette.live.sources.folder_order.FolderOrder`); gaps stay gaps. Files that are no ``.json`` are left
    alone. A folder that is deleted is waited for.

    Args:
        address: as the user gave it.
        folder: must exist.
        from_start: deliver what lies there first, as fast as ``ready`` allows.
        fps: that numbers count by, for the times of frames that are there from the start; None assumes 30.
        decoder: of the files.
        ready: awaited before each old file; None delivers as fast as they are read.
    """

    def __init__(
        self,
        address: str,
        folder: str | Path,
        *,
        from_start: bool = False,
        fps: Fraction | float | int | None = None,
        decoder: KeypointDecoder | None = None,
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.address = address
        self.folder = Path(folder)
        self.report = SourceReport()
        self.ready = ready
        self._from_start = from_start
        self._fps = float(fps or _ASSUMED_FPS) if from_start else None
        self._decoder = decoder or KeypointDecoder()
        self._order = FolderOrder()
        self._unfinished: dict[str, _Unfinished] = {}
        self._release: asyncio.TimerHandle | None = None
        self._held_back: dict[str, float] | None = None
        self._last_content = b""

    def check(self) -> None:
        """
        Raises:
            InputError: no such folder.
        """
        if not self.folder.is_dir():
            raise InputError(f"{self.address}: no such folder; make it first, or start the detector that makes it")

    async def run(self, deliver: Deliver) -> None:
        """Deliver until cancelled.

        Raises:
            InputError: no such folder, or it cannot be watched.
            MissingExtraError: watchfiles is not installed.
        """
        self.check()
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        only_after_ns = None if self._from_start else -1
        async with stalls_said(self.report):
            while True:
                gone = asyncio.Event()
                watch = FolderWatch(self.folder, self._changed, gone.set)
                self.report.say("waiting", f"watching {self.folder}")
                try:
                    if only_after_ns != -1:
                        await self._catch_up(only_after_ns)
                    await gone.wait()
                finally:
                    watch.close()
                    self._forget_timers()
                only_after_ns = time.time_ns() - 1_000_000_000
                await self._return()

    async def _return(self) -> None:
        """Wait until the folder is there again."""
        self.report.say("reconnecting", f"{self.folder} is gone")
        pause_s = _PAUSE_S
        while not self.folder.is_dir():
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        self._order.begin_anew()

    async def _catch_up(self, only_after_ns: int | None) -> None:
        """Deliver what lies in the folder already, in order; what changes meanwhile is looked at afterwards."""
        done: tuple[str, int] | None = None
        while True:
            self._held_back = {}
            names = await asyncio.to_thread(_frames_in, self.folder, done, only_after_ns)
            if not names:
                break
            for series, number, name in names:
                if self.ready is not None:
                    await self.ready()
                else:
                    await asyncio.sleep(0)
                if done is not None and series != done[0]:
                    self._order.begin_anew()
                self._try(name, time.monotonic())
                done = (series, number)
        held_back, self._held_back = self._held_back, None
        for name, arrived_s in held_back.items():
            self._try(name, arrived_s)

    def _changed(self, paths: list[str], arrived_s: float) -> None:
        """Files came or changed."""
        names = {os.path.basename(path) for path in paths}
        for _, _, name in sorted((series_and_number(n)[1] or 0, n, n) for n in names if _is_frame(n)):
            if self._held_back is not None:
                self._held_back[name] = arrived_s
            else:
                self._try(name, arrived_s)

    def _try(self, name: str, arrived_s: float) -> None:
        """Read a file; when it does not decode, again later."""
        path = self.folder / name
        before = self._unfinished.pop(name, None)
        if before is not None:
            before.timer.cancel()
        data = b""
        try:
            changed_ns = path.stat().st_mtime_ns
            data = read_bytes(path, kind="frames of keypoints", most_bytes=MAX_PACKET_BYTES)
            frame = self._decoder.decode(data, arrived_s, name)
        except FileNotFoundError:
            self.report.skipped += 1
        except (OSError, InputError) as error:
            self._try_again(name, data, str(error), 0 if before is None else before.attempts)
        else:
            self._put(name, data, frame, changed_ns)

    def _try_again(self, name: str, data: bytes, why: str, attempts: int) -> None:
        if attempts >= len(_RETRY_S) or len(self._unfinished) >= _MOST_UNFINISHED:
            self.report.bad(data, why)
            return

        def again() -> None:
            self._try(name, time.monotonic())

        self._unfinished[name] = _Unfinished(attempts + 1, self._loop.call_later(_RETRY_S[attempts], again))

    def _put(self, name: str, data: bytes, frame: KeypointFrame, changed_ns: int) -> None:
        series, number = series_and_number(name)
        if number is None:
            if data != self._last_content:
                self._last_content = data
                self._pass_on(frame)
            return
        if self._fps is not None and frame.time_s is None:
            frame = replace(frame, time_s=number / self._fps)
        frame = replace(frame, number=number)
        runs = self._order.runs
        verdict, ready = self._order.put(FileFrame(frame, series, number, changed_ns), time.monotonic())
        if verdict == "late":
            self.report.skipped += 1
        for item in ready:
            self._pass_on(item.frame)
        if self._order.runs > max(runs, 1):
            self.report.detail = "a new run began"
        self._arm()

    def _pass_on(self, frame: KeypointFrame) -> None:
        self.report.received()
        self._deliver(frame)

    def _arm(self) -> None:
        """Come back when what is held has waited long enough."""
        if self._release is not None:
            self._release.cancel()
            self._release = None
        wait_s = self._order.wait_s(time.monotonic())
        if wait_s is not None:
            self._release = self._loop.call_later(wait_s, self._let_go)

    def _let_go(self) -> None:
        for item in self._order.due(time.monotonic()):
            self._pass_on(item.frame)
        self._arm()

    def _forget_timers(self) -> None:
        for waiting in self._unfinished.values():
            waiting.timer.cancel()
        self._unfinished.clear()
        if self._release is not None:
            self._release.cancel()
            self._release = None


def _is_frame(name: str) -> bool:
    return name.endswith(".json") and not name.startswith(".")


def _frames_in(folder: Path, after: tuple[str, int] | None, only_after_ns: int | None) -> list[tuple[str, int, str]]:
    """``(series, number, name)`` of a folder's frames in order: those after one of them, or written since a time."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not _is_frame(entry.name):
                    continue
                series, number = series_and_number(entry.name)
                key = (series, -1 if number is None else number)
                if after is not None and key <= after:
                    continue
                if only_after_ns is not None and entry.stat().st_mtime_ns < only_after_ns:
                    continue
                found.append((*key, entry.name))
    except OSError:
        return []  # gone again: the watch says so
    return sorted(found)

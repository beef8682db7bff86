"""Told by the system which files of a folder change."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from maquette.errors import InputError, missing_extra

STEP_MS, IDLE_STEP_MS = 1, 10
"""How long changes are gathered: watchfiles looks at what inotify told it once a step, and passes on what did not
change between two looks."""
_IDLE_S = 3.0
_LOOK_MS = 500
_SLACK_NS = 50_000_000
"""File times are as coarse as the system's clock ticks."""

OnChanges = Callable[[list[str], float], None]
"""Called in the loop's thread with the paths that changed and the ``time.monotonic()`` of the news."""


class FolderWatch:
    """Watches one folder from a thread of its own, not the folders in it, until :meth:`close`.

    Args:
        folder: must exist.
        on_changes: for files that came or changed.
        on_gone: the folder has been deleted, moved away or replaced; called once, nothing comes after it.

    Raises:
        InputError: the system does not let it be watched.
        MissingExtraError: watchfiles is not installed.
    """

    def __init__(self, folder: Path, on_changes: OnChanges, on_gone: Callable[[], None]) -> None:
        try:
            from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError
        except ImportError as error:
            raise missing_extra("live", "watchfiles", error) from error
        self._folder = folder
        self._on_changes, self._on_gone = on_changes, on_gone
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        polling = os.environ.get("WATCHFILES_FORCE_POLLING", "").lower() not in (
            "",
            "0",
            "false",
            "disable",
            "disabled",
        )
        self._new_notify = lambda: RustNotify([str(folder)], False, polling, 50, False, True)
        self._broken: type[Exception] = WatchfilesRustInternalError
        try:
            info = folder.stat()
            self._identity: tuple[int, int] | None = (info.st_dev, info.st_ino)
            self._notify = self._new_notify()
        except (OSError, WatchfilesRustInternalError) as error:
            raise InputError(
                f"folder:{folder}: cannot be watched ({error}); where a limit is named, raise it "
                "(sysctl fs.inotify.max_user_watches, fs.inotify.max_user_instances)"
            ) from None
        self._thread = threading.Thread(target=self._watch, name="folder watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; the thread ends within some milliseconds."""
        self._stop.set()

    def _watch(self) -> None:
        try:
            self._tell_changes()
        finally:
            self._notify.close()

    def _tell_changes(self) -> None:
        step_ms, last_s, looked_ns = STEP_MS, time.monotonic(), time.time_ns()
        while not self._stop.is_set():
            before_ns, looked_ns = looked_ns, time.time_ns()
            try:
                changes = self._notify.watch(step_ms, step_ms, _LOOK_MS, self._stop)
            except self._broken:
                changes = self._begin_again(before_ns)
            now_s = time.monotonic()
            if changes == "stop":
                return
            if isinstance(changes, set):
                step_ms, last_s = STEP_MS, now_s
                self._tell(self._on_changes, [path for kind, path in changes if kind != 3], now_s)
            elif now_s - last_s > _IDLE_S:
                step_ms = IDLE_STEP_MS
            if (isinstance(changes, str) or self._named(changes)) and self._is_gone():
                self._tell(self._on_gone)
                return

    def _begin_again(self, since_ns: int) -> set[tuple[int, str]] | str:
        """A file whose name is no UTF-8 breaks the watch for good: begin another, and look for what it missed. Such
        files themselves are left alone: to read them would be a change, too."""
        self._notify.close()
        try:
            self._notify = self._new_notify()
            with os.scandir(self._folder) as entries:
                return {
                    (1, entry.path)
                    for entry in entries
                    if _changed_ns(entry) >= since_ns - _SLACK_NS and _is_text(entry.name)
                }
        except (OSError, self._broken):
            self._identity = None  # cannot be watched, or is not there: both count as gone
            return "timeout"

    def _named(self, changes: set[tuple[int, str]]) -> bool:
        """Whether something happened to the folder itself."""
        return any(kind == 3 and Path(path) == self._folder for kind, path in changes)

    def _is_gone(self) -> bool:
        try:
            info = self._folder.stat()
        except OSError:
            return True
        return (info.st_dev, info.st_ino) != self._identity

    def _tell(self, callback: Callable[..., Any], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            self._stop.set()  # the loop has ended without closing this first


def _changed_ns(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat().st_mtime_ns
    except OSError:
        return 0  # it has gone meanwhile


def _is_text(name: str) -> bool:
    """Whether a file's name is UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True

"""Progress of work that is counted: a bar with rate and remaining time on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LINE_EACH_S = 10.0


@contextmanager
def counted(text: str, unit: str = "frames") -> Iterator[Callable[[int, int | None], None]]:
    """Gives a function to call with how many are done, and of how many (None when nobody knows); first with 0.

    On standard error: a bar on a terminal, else a line each ten seconds. Nothing is shown before the first call.
    """
    from rich.console import Console

    console = Console(stderr=True)
    with _bar(console, text, unit) if console.is_terminal else _lines(text, unit) as tell:
        yield tell


@contextmanager
def _bar(console, text: str, unit: str) -> Iterator[Callable[[int, int | None], None]]:
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:.1f} {unit}/s")

    total = TextColumn("{task.completed:.0f}/{task.total:.0f}", justify="right")
    columns = (TextColumn("{task.description}"), BarColumn(), total, Rate(), TimeRemainingColumn())
    progress = Progress(*columns, console=console, transient=True, redirect_stdout=False)
    task = progress.add_task(text, total=1)

    def tell(done: int, count: int | None) -> None:
        progress.start()
        progress.update(task, completed=done, total=max(count or 0, done, 1))

    try:
        yield tell
    finally:
        progress.stop()


@contextmanager
def _lines(text: str, unit: str) -> Iterator[Callable[[int, int | None], None]]:
    start_s: float | None = None
    last_s = 0.0

    def tell(done: int, count: int | None) -> None:
        nonlocal start_s, last_s
        now_s = time.monotonic()
        if start_s is None:
            start_s = last_s = now_s
            print(text, file=sys.stderr, flush=True)
        if now_s - last_s < _LINE_EACH_S or not done:
            return
        last_s = now_s
        rate = done / (now_s - start_s)
        left = f" of {count} {unit}, {rate:.1f} {unit}/s, {max(count - done, 0) / rate:.0f} s left" if count else ""
        print(f"{text}: {done}{left or f' {unit}, {rate:.1f} {unit}/s'}", file=sys.stderr, flush=True)

    yield tell

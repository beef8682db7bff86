"""Batches of pictures made ahead of time by other processes, in an order that does not depend on their number."""

import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from maquette.errors import MaquetteError

T = TypeVar("T")
_AHEAD = 3
"""Batches that each process may be ahead."""


@contextmanager
def made_ahead(make: Callable[[int], T], steps: Sequence[int], workers: int) -> Iterator[Iterator[T]]:
    """What ``make`` gives for each of ``steps``, in their order.

    Args:
        make: a function of the step alone, which can be sent to another process.
        workers: number of processes; 0: made in this one, when it is asked for.

    Raises:
        MaquetteError: while iterating, what ``make`` raised, or when a process died.
    """
    workers = min(workers, len(steps))
    if workers == 0:
        yield map(make, steps)
        return
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")  # inherited by the processes; NumPy reads it when it is first imported
    # Not forked: a fork of a process that runs torch's threads can hang.
    context = multiprocessing.get_context("spawn")
    processes, ends = [], []
    for worker in range(workers):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(theirs, make, steps[worker::workers]), daemon=True)
        process.start()
        theirs.close()  # so that the pipe ends when the process does
        processes.append(process)
        ends.append(ours)
    try:
        yield (_take(ends[i % workers], processes[i % workers], step) for i, step in enumerate(steps))
    finally:
        for process in processes:
            process.terminate()
        for process, end in zip(processes, ends, strict=True):
            process.join()
            end.close()


def _work(pipe: Connection, make: Callable[[int], Any], steps: Sequence[int]) -> None:
    """Makes what ``steps`` want, and sends it; ends when the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which needs batches up to its last step
    made: queue.Queue[Any] = queue.Queue(maxsize=_AHEAD)

    def send() -> None:
        try:
            for _ in steps:
                pipe.send(made.get())
        except OSError:  # nobody is there to read it
            os._exit(1)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    for step in steps:
        try:
            made.put((step, make(step)))
        except MaquetteError as error:  # a picture that cannot be read: the parent is to say so
            made.put((step, error))
    sender.join()


def _take(pipe: Connection, process: Any, step: int) -> Any:
    try:
        found, item = pipe.recv()
    except (EOFError, OSError):
        process.join()
        raise MaquetteError(
            f"a process that reads pictures ended (exit code {process.exitcode}); its message stands above, or the "
            "system stopped it: fewer --workers take less memory"
        ) from None
    if isinstance(item, MaquetteError):
        raise item
    if found != step:
        raise MaquetteError(f"batch {found} arrived where batch {step} was due; this is a bug")
    return item

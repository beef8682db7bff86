"""What a training finds around it: a GPU or none, Ctrl-C, a framework that talks."""

import logging
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from maquette.errors import InputError
from maquette.training.plans import Preset

_ONE_KEYSTROKE_S = 1.0
"""A terminal interrupts all processes, and torchrun then interrupts those that it started once more."""


def choose_accelerator(preset: Preset) -> str:
    """``cpu`` or ``gpu``.

    Raises:
        InputError: the preset wants a GPU and there is none, or a precision that a CPU does not have.
    """
    gpu = torch.cuda.is_available()
    if preset.accelerator == "gpu" and not gpu:
        built = "is built without CUDA" if torch.version.cuda is None else "sees no device (is the driver there?)"
        raise InputError(
            f"--accelerator gpu: there is no GPU to be used: torch {torch.__version__} {built}; train with "
            "--accelerator cpu, or install a torch for your GPU"
        )
    chosen = "gpu" if gpu and preset.accelerator != "cpu" else "cpu"
    if preset.precision == "16" and chosen == "cpu":
        raise InputError("--precision 16: float16 is for GPUs; on a CPU take bf16 or 32")
    return chosen


@contextmanager
def quiet() -> Iterator[None]:
    """Lightning's remarks on workers of its loaders and the like do not apply; errors do."""
    names = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def interruptible(ask_to_stop: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C calls ``ask_to_stop``; another one, a second later, interrupts at once. Either ends as
    KeyboardInterrupt."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if main else None
    asked: float | None = None

    def ask(number: int, frame: Any) -> None:
        nonlocal asked
        now = time.monotonic()
        if asked is None:
            asked = now
            ask_to_stop()
        elif now - asked > _ONE_KEYSTROKE_S:
            signal.default_int_handler(number, frame)

    if main:
        signal.signal(signal.SIGINT, ask)
    try:
        yield
    except SystemExit:  # what Lightning makes of an interruption
        raise KeyboardInterrupt from None
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
    if asked is not None:
        raise KeyboardInterrupt

"""Waiting for what another task, thread or program does, and no longer than that."""

import asyncio
import time
from collections.abc import Callable

PATIENCE_S = 30.0
"""On a machine that has other things to do."""


async def until(so: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Let the loop run until something is so."""
    end_s = time.monotonic() + patience_s
    while not so():
        assert time.monotonic() < end_s, f"not within {patience_s:g} s"
        await asyncio.sleep(0.002)

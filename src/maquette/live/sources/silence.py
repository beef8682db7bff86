"""Saying that a source has stalled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from maquette.live.ends import STALLED_S, SourceReport

_LOOK_S = 0.25


@asynccontextmanager
async def stalls_said(report: SourceReport) -> AsyncIterator[None]:
    """While inside, a source that was receiving and gives nothing for a second is said to have stalled."""
    watching = asyncio.create_task(_watch(report))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(report: SourceReport) -> None:
    loop = asyncio.get_running_loop()
    frames, since_s = report.frames, loop.time()
    while True:
        await asyncio.sleep(_LOOK_S)
        if report.frames != frames:
            frames, since_s = report.frames, loop.time()
        elif report.state in ("receiving", "stalled") and loop.time() - since_s >= STALLED_S:
            report.say("stalled", f"nothing for {loop.time() - since_s:.0f} s")

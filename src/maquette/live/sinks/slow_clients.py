"""Clients of the sinks that listen: how many, and what is kept for one who reads too slowly: little, not for long."""

import asyncio
import socket
from collections import deque
from collections.abc import Iterable
from typing import cast

from maquette.errors import OutputError
from maquette.live.ends import SinkReport

MOST_CLIENTS = 32
"""Of one sink."""
WAITING_BYTES = 1 << 16
"""So much may wait in the program for one client; after that frames are left out."""
SYSTEM_BYTES = 1 << 16
"""So much may wait in the system for one client. More would only be older: a second of one person at 60 fps is 150 kB.
(Linux doubles it, for its own bookkeeping.)"""
PATIENCE_S = 5.0
"""Somebody who has read nothing for so long is cut off."""
_FAREWELLS = 64


class SlowClient:
    """Watches over what waits for one client."""

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.skipped = 0
        """Frames left out."""
        self.owed: deque[bytes] = deque(maxlen=_FAREWELLS)
        """Who left, told in frames that were left out."""
        self._full_since_s: float | None = None
        limit_system_buffer(transport)

    def has_room(self, now_s: float) -> bool:
        """Whether the next frame may be written; cuts the client off when it has been full for too long."""
        if self.transport.is_closing():
            return False
        if self.transport.get_write_buffer_size() <= WAITING_BYTES:
            self._full_since_s = None
            return True
        if self._full_since_s is None:
            self._full_since_s = now_s
        elif now_s - self._full_since_s > PATIENCE_S:
            # No farewell: that would wait behind all that is not read.
            self.transport.abort()
        return False

    @property
    def cut_off(self) -> bool:
        """Whether it has been full for too long and the connection is gone."""
        return self._full_since_s is not None and self.transport.is_closing()

    def skip(self, farewells: Iterable[bytes]) -> None:
        """A frame is left out; who left in it is told later."""
        self.skipped += 1
        self.owed.extend(farewells)


def limit_system_buffer(transport: asyncio.BaseTransport) -> None:
    """Let little wait in the system; small packets leave at once (asyncio sets TCP_NODELAY itself)."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SYSTEM_BYTES)


def listening_failed(address: str, host: str, port: int, error: OSError) -> OutputError:
    """Why a port cannot be listened on, for the user."""
    return OutputError(
        f"{address}: cannot listen on port {port} of {host} ({error.strerror or error}); end the program that uses it, "
        "or choose another port"
    )


def say_who_listens(report: SinkReport, clients: int, cut_off: int) -> None:
    """Tell how many are connected, and how many were cut off so far."""
    cut = f", {cut_off} that did not read cut off" if cut_off else ""
    if clients:
        report.say("sending", f"{clients} connected{cut}")
    else:
        report.say("waiting", f"nobody is connected{cut}")

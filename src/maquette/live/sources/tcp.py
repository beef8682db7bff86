"""Keypoints over TCP: one line of JSON, one frame."""

import asyncio
import re
import socket
import time
from collections.abc import Hashable

from maquette.errors import InputError
from maquette.live.ends import Deliver
from maquette.live.listening import token_fits
from maquette.live.sources.datagrams import listening_failed
from maquette.live.sources.intake import Intake
from maquette.live.sources.lines import LineSplitter
from maquette.live.sources.listening_source import ListeningSource
from maquette.live.sources.newest import newest
from maquette.live.sources.silence import stalls_said
from maquette.stream.keypoint_packets import token_of

MOST_CONNECTIONS = 16
_BUFFER_BYTES = 1 << 20
"""Read at once, and asked of the system for what waits: what lies there unread grows old."""
_HTTP = re.compile(rb" HTTP/\d(\.\d)?\r?$")
"""First line of a request: any page can make a browser send one to this machine, with a body of its choosing."""
_TOKEN_S = 5.0
"""A connection that has not shown the token by then is closed."""


class LineIntake:
    """The lines of one connection.

    Args:
        intake: of the source.
        sender: the connection.
        token: that the first line must carry; None for none.
    """

    def __init__(self, intake: Intake, sender: Hashable, token: str | None) -> None:
        self.admitted = token is None
        self._intake, self._sender, self._token = intake, sender, token
        self._lines = LineSplitter()
        self._begun = False

    def take(self, chunk: bytes) -> bool:
        """Deliver what is whole. Returns False when the connection must be closed: a line too long, a wrong token."""
        now_s = time.monotonic()
        report = self._intake.report
        try:
            lines = self._lines.feed(chunk)
        except InputError as error:
            report.bad(chunk, str(error))
            return False
        if lines and not self._begun:
            self._begun = True
            if _HTTP.search(lines[0]):
                report.bad(lines[0], "connection: HTTP; a page in a browser may not send here")
                return False
        if lines and not self.admitted:
            if not token_fits(token_of(lines.pop(0)), self._token):
                report.bad(b"", "connection: its first line has not the right token: {'token': '...'}")
                return False
            self.admitted = True
        lines, left_out = newest(lines)
        report.dropped += left_out
        for line in lines:
            self._intake.take(line, self._sender, now_s, "line")
        return True

    def end(self, *, whole: bool) -> None:
        """Nothing more comes.

        Args:
            whole: the other end has closed, and what came after the last line end counts as a line. Otherwise the
                connection broke, or we closed it, and that is half a line.
        """
        rest = self._lines.rest().strip()
        if rest and whole and self.admitted:
            self._intake.take(rest, self._sender, time.monotonic(), "line")
        self._intake.left(self._sender)


class TcpSource(ListeningSource):
    """Listens on a TCP port for lines of JSON; up to 16 connections, one of which has the turn (see
    :class:`~maquette.live.sources.intake.Intake`).

    With a token, the first line of a connection is ``{"token": "..."}``. A line over 1 MiB, or a wrong token, closes
    the connection.
    """

    async def run(self, deliver: Deliver) -> None:
        """Receive until cancelled.

        Raises:
            InputError: the port cannot be had.
        """
        intake = Intake(self.report, self._decoder, deliver)
        connections: set[_Connection] = set()
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                lambda: _Connection(intake, self._token, connections), self.host, self.port
            )
        except (OSError, OverflowError) as error:
            raise listening_failed(self.address, error) from None
        for bound in server.sockets:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self.port = server.sockets[0].getsockname()[1]
        self.report.say("waiting", f"listening on {self.host}:{self.port}")
        try:
            async with stalls_said(self.report):
                await loop.create_future()
        finally:
            server.close()
            for connection in tuple(connections):
                connection.close()


class _Connection(asyncio.BufferedProtocol):
    def __init__(self, intake: Intake, token: str | None, connections: "set[_Connection]") -> None:
        self._intake = intake
        self._lines = LineIntake(intake, self, token)
        self._connections = connections
        self._closed = False
        self._buffer = bytearray(_BUFFER_BYTES)
        self._transport: asyncio.Transport | None = None
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if len(self._connections) >= MOST_CONNECTIONS:
            self._intake.report.bad(b"", f"connection: over {MOST_CONNECTIONS} at once")
            transport.abort()
            return
        self._connections.add(self)
        if not self._lines.admitted:
            self._patience = asyncio.get_running_loop().call_later(_TOKEN_S, self._lose_patience)

    def get_buffer(self, sizehint: int) -> bytearray:
        """All that waits is read at once: a stream reader would take a quarter of a megabyte a turn of the loop."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if not self._lines.take(bytes(memoryview(self._buffer)[:nbytes])):
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._patience is not None:
            self._patience.cancel()
        self._lines.end(whole=exc is None and not self._closed)
        if not self._connections and self._intake.report.state in ("receiving", "stalled"):
            self._intake.report.say("waiting", "the sender has gone")

    def close(self) -> None:
        self._closed = True
        if self._transport is not None:
            self._transport.abort()

    def _lose_patience(self) -> None:
        if not self._lines.admitted:
            self._intake.report.bad(b"", f"connection: no token within {_TOKEN_S:g} s")
            self.close()

"""Keypoints over a WebSocket: one message, one frame."""

import asyncio
import http
import logging
import time
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from maquette.errors import missing_extra
from maquette.live.ends import Deliver
from maquette.live.listening import MAX_MESSAGE_BYTES, host_fits, is_loopback, token_fits
from maquette.live.sources.datagrams import listening_failed
from maquette.live.sources.intake import Intake
from maquette.live.sources.listening_source import ListeningSource
from maquette.live.sources.newest import Packet
from maquette.live.sources.silence import stalls_said
from maquette.live.sources.tcp import MOST_CONNECTIONS
from maquette.stream.keypoint_packets import token_of

if TYPE_CHECKING:
    from websockets.asyncio.connection import Connection
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response
else:
    Connection = ServerConnection = Request = Response = Any

_TOKEN_S = 5.0
_GOODBYE_S = 0.5
MOST_WAITING = 1024
"""Messages of a connection before it is not read for a while: more than come in at once, since they are taken out in
each turn of the loop."""

quiet_log = logging.getLogger("maquette.live.websockets")
"""What the package says about broken handshakes; the report says it already."""
quiet_log.addHandler(logging.NullHandler())
quiet_log.propagate = False


class WebSocketSource(ListeningSource):
    """Listens for WebSocket connections, at any path; up to 16, one of which has the turn (see
    :class:`~maquette.live.sources.intake.Intake`).

    With a token, it stands in the address (``ws://HOST:PORT/?token=...``) or in the first message
    (``{"token": "..."}``). Without one, pages that a browser got from elsewhere than this machine are refused. A
    message over 1 MiB closes the connection.
    """

    _connections = 0
    """Open now."""

    async def run(self, deliver: Deliver) -> None:
        """Receive until cancelled.

        Raises:
            InputError: the port cannot be had.
            MissingExtraError: websockets is not installed.
        """
        try:
            from websockets.asyncio.server import serve
        except ImportError as error:
            raise missing_extra("live", "websockets", error) from error
        intake = Intake(self.report, self._decoder, deliver)

        async def handle(connection: ServerConnection) -> None:
            await self._receive(connection, intake)

        serving = serve(
            handle, self.host, self.port, process_request=self._admit, max_size=MAX_MESSAGE_BYTES, compression=None,
            max_queue=MOST_WAITING, open_timeout=_TOKEN_S, close_timeout=_GOODBYE_S, logger=quiet_log,
        )  # fmt: skip
        try:
            server = await serving
        except (OSError, OverflowError) as error:
            raise listening_failed(self.address, error) from None
        self.port = next(iter(server.sockets)).getsockname()[1]
        self.report.say("waiting", f"listening on {self.host}:{self.port}")
        try:
            async with stalls_said(self.report):
                await asyncio.get_running_loop().create_future()
        finally:
            server.close()
            await server.wait_closed()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """A refusal, or None for those who may connect so far."""
        refused = self._refusal(request)
        if refused is None:
            return None
        self.report.bad(b"", f"connection: {refused}")
        return connection.respond(http.HTTPStatus.FORBIDDEN, f"{refused}\n")

    def _refusal(self, request: Request) -> str | None:
        if self._connections >= MOST_CONNECTIONS:
            return f"over {MOST_CONNECTIONS} at once"
        given = _token_in(request.path)
        if self._token is not None:
            return None if given is None or token_fits(given, self._token) else "the token is wrong"
        origins, hosts = request.headers.get_all("Origin"), request.headers.get_all("Host")
        if not host_fits(hosts[0] if len(hosts) == 1 else None, self.host):
            return "the name of the host is not this machine's"
        if origins and not all(is_loopback(urlsplit(origin).hostname or "") for origin in origins):
            return "pages from elsewhere may not connect without a token"
        return None

    async def _receive(self, connection: ServerConnection, intake: Intake) -> None:
        from websockets.exceptions import ConnectionClosed
        from websockets.frames import CloseCode

        self._connections += 1
        try:
            if await self._has_token(connection):
                await take_messages(connection, intake, connection)
        except ConnectionClosed as error:
            if error.sent is not None and error.sent.code == CloseCode.MESSAGE_TOO_BIG:
                self.report.bad(b"", f"a message has over {MAX_MESSAGE_BYTES} bytes")
        finally:
            self._connections -= 1
            intake.left(connection)
            if not self._connections and self.report.state in ("receiving", "stalled"):
                self.report.say("waiting", "the sender has gone")

    async def _has_token(self, connection: ServerConnection) -> bool:
        request = connection.request
        if self._token is None or (request is not None and _token_in(request.path) is not None):
            return True
        try:
            first = await asyncio.wait_for(connection.recv(), _TOKEN_S)
        except TimeoutError:
            self.report.bad(b"", f"connection: no token within {_TOKEN_S:g} s")
            return False
        if token_fits(token_of(_bytes(first)), self._token):
            return True
        self.report.bad(b"", "connection: its first message has not the right token: {'token': '...'}")
        return False


async def take_messages(connection: Connection, intake: Intake, sender: Hashable) -> None:
    """Take messages until the connection closes, those that came in at once together.

    Raises:
        ConnectionClosed: always, in the end.
    """
    loop, came = asyncio.get_running_loop(), list[Packet]()

    def take() -> None:
        packets = tuple(came)
        came.clear()
        intake.take_burst(packets, where="message")

    try:
        while True:
            data = await connection.recv(decode=False)
            if not came:
                # In the next turn of the loop: until then whatever came with this one is got without waiting.
                loop.call_soon(take)
            came.append(Packet(data, sender, time.monotonic()))
    finally:
        take()


def _bytes(message: str | bytes) -> bytes:
    return message if isinstance(message, bytes) else message.encode()


def _token_in(path: str) -> str | None:
    """The token in the query of a request."""
    try:
        return next(iter(parse_qs(urlsplit(path).query).get("token", [])), None)
    except ValueError:
        return None

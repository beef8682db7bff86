"""Poses to everybody who connects by WebSocket, and a page that shows them, on one port."""

import asyncio
import logging
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from maquette.errors import missing_extra
from maquette.live.ends import SinkReport
from maquette.live.listening import check_listening
from maquette.live.sinks.page_answers import page_answer
from maquette.live.sinks.slow_clients import MOST_CLIENTS, SlowClient, listening_failed, say_who_listens
from maquette.live.sinks.status_json import status_json
from maquette.live.status import LiveStatus
from maquette.stream.message import frame_messages, gone_messages, hello_message
from maquette.stream.pose_frame import PoseFrame

if TYPE_CHECKING:
    from websockets.asyncio.server import Server, ServerConnection
    from websockets.http11 import Request, Response

MOST_BYTES_FROM_CLIENTS = 4096
"""Of one message; they have nothing to say."""

_PAUSE_S = 0.1
"""Between two messages of a client: whoever floods is read slowly, and stands still."""
_OPEN_S = 5.0
_PING_S = 10.0
_CLOSE_S = 2.0


class WebSocketSink:
    """Serves WebSocket clients at ``ws://HOST:PORT/`` and the page at ``http://HOST:PORT/``.

    Whoever reads too slowly misses frames; whoever reads nothing for five seconds is cut off. Nothing is compressed.

    Args:
        address: as given by the user.
        host, port: where to listen; port 0 takes a free one (:attr:`port` tells which, once started).
        token: what clients must give as ``?token=``, page and WebSocket alike.

    Raises:
        InputError: the host lets other machines in and there is no token, or the token is too short.
    """

    def __init__(self, address: str, host: str, port: int, *, token: str | None = None) -> None:
        check_listening(address, host, token)
        self.address, self.host, self.port, self.token = address, host, port, token
        self.report = SinkReport()
        self.skipped = 0
        """Frames left out for slow clients, all together."""
        self.cut_off = 0
        """Clients that read nothing and were cut off."""
        self._server: Server | None = None
        self._clients: dict[ServerConnection, SlowClient] = {}
        self._hello = hello_message().decode()
        self._last_status: str | None = None

    @property
    def url(self) -> str:
        """Address of the page, with the token."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/" + (f"?token={quote(self.token, safe='')}" if self.token else "")

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    async def start(self) -> None:
        """Listen.

        Raises:
            OutputError: the port is taken, or there is no such host.
            MissingExtraError: the package websockets is not there.
        """
        try:
            from websockets.asyncio.server import serve
        except ImportError as error:
            raise missing_extra("live", "websockets", error) from error
        try:
            self._server = await serve(
                self._talk,
                self.host,
                self.port,
                process_request=self._answer,
                compression=None,
                server_header=None,
                open_timeout=_OPEN_S,
                ping_interval=_PING_S,
                ping_timeout=_PING_S,
                close_timeout=_CLOSE_S,
                max_size=MOST_BYTES_FROM_CLIENTS,
                max_queue=4,
                logger=_silent_logger(),
            )
        except OSError as error:
            raise listening_failed(self.address, self.host, self.port, error) from error
        self.port = self._server.sockets[0].getsockname()[1]
        self._say_who_listens()

    def send(self, frame: PoseFrame) -> None:
        """Write the frame to all who have room for it."""
        if not self._clients:
            return
        now_s = time.monotonic()
        messages = frame_messages(frame, now_s)
        if not messages:
            return
        ready = self._with_room(now_s)
        for connection, client in self._clients.items():
            if connection not in ready:
                client.skip(gone_messages(frame))
                self.skipped += 1
        for message in messages:
            self._broadcast(ready, message.decode())
        if ready:
            self.report.sent += 1
        else:
            self.report.dropped += 1
        self._say_who_listens()

    def tell(self, status: LiveStatus) -> None:
        """Write how the session is doing; whoever connects later is told at once."""
        self._last_status = status_json(status).decode()
        self._broadcast(self._with_room(time.monotonic()), self._last_status)
        self._say_who_listens()

    async def stop(self) -> None:
        """Say goodbye to all and close the port."""
        if self._server is not None:
            for client in self._clients.values():
                if not client.has_room(time.monotonic()):
                    client.transport.abort()
            self._server.close()
            await self._server.wait_closed()
            self._server = None
        self.report.say("stopped")

    def _with_room(self, now_s: float) -> "list[ServerConnection]":
        ready = []
        for connection, client in list(self._clients.items()):
            if client.has_room(now_s):
                ready.append(connection)
                while client.owed:
                    self._broadcast([connection], client.owed.popleft().decode())
            elif client.cut_off:
                del self._clients[connection]
                self.cut_off += 1
                self.report.failures += 1
        return ready

    def _say_who_listens(self) -> None:
        say_who_listens(self.report, len(self._clients), self.cut_off)

    @staticmethod
    def _broadcast(connections: "list[ServerConnection]", message: str) -> None:
        from websockets.asyncio.server import broadcast

        broadcast(connections, message)

    def _answer(self, connection: "ServerConnection", request: "Request") -> "Response | None":
        return page_answer(
            request, bound_host=self.host, token=self.token, has_room=lambda: len(self._clients) < MOST_CLIENTS
        )

    async def _talk(self, connection: "ServerConnection") -> None:
        from websockets.exceptions import ConnectionClosed

        if len(self._clients) >= MOST_CLIENTS:
            await connection.close(1013, "as many are connected as may be")
            return
        client = SlowClient(connection.transport)
        self._broadcast([connection], self._hello)
        if self._last_status is not None:
            self._broadcast([connection], self._last_status)
        self._clients[connection] = client
        self._say_who_listens()
        try:
            async for _ in connection:
                await asyncio.sleep(_PAUSE_S)
        except ConnectionClosed:
            # Too large a message, no answer to pings, a cable that was pulled: it may connect again.
            pass
        finally:
            self._clients.pop(connection, None)
            self._say_who_listens()


def _silent_logger() -> logging.Logger:
    """Whoever sends garbage shall not write on the user's terminal."""
    return logging.Logger("maquette.live.sinks.websocket", level=logging.CRITICAL + 1)

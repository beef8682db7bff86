"""Keypoints from a server that is connected to: over TCP, or a WebSocket. A connection that breaks is made again."""

import asyncio
import json
from abc import ABC, abstractmethod

from maquette.errors import missing_extra
from maquette.live.ends import Deliver, SourceReport
from maquette.live.listening import MAX_MESSAGE_BYTES
from maquette.live.sources.intake import Intake
from maquette.live.sources.silence import stalls_said
from maquette.live.sources.tcp import LineIntake
from maquette.live.sources.websocket import MOST_WAITING, quiet_log, take_messages
from maquette.stream.keypoint_packets import KeypointDecoder

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
_CONNECT_S = 5.0
_CHUNK_BYTES = 1 << 20


class _ConnectingSource(ABC):
    """Connects, receives, and after a break connects again: after 0.2 s, then twice as long each time, up to 5 s; a
    frame that came in makes the pause short again.

    Args:
        address: as the user gave it.
        token: is sent first, as ``{"token": "..."}``, where the server wants one.
        decoder: of what comes in.
    """

    def __init__(self, address: str, *, token: str | None, decoder: KeypointDecoder | None) -> None:
        self.address = address
        self.report = SourceReport()
        self._greeting = None if token is None else json.dumps({"token": token})
        self._decoder = decoder or KeypointDecoder()

    async def run(self, deliver: Deliver) -> None:
        """Receive until cancelled.

        Raises:
            MissingExtraError: a package is not installed.
        """
        intake = Intake(self.report, self._decoder, deliver)
        pause_s = FIRST_PAUSE_S
        self.report.say("waiting", "connecting")
        async with stalls_said(self.report):
            while True:
                frames = self.report.frames
                why = await self._receive(intake)
                pause_s = FIRST_PAUSE_S if self.report.frames > frames else pause_s
                self.report.say("reconnecting", f"{why}; again in {pause_s:.1f} s")
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    @abstractmethod
    async def _receive(self, intake: Intake) -> str:
        """One connection, from connecting until it breaks; returns why it did."""


class TcpConnectSource(_ConnectingSource):
    """Lines of JSON from a TCP server.

    Args:
        address: as the user gave it.
        host, port: of the server.
        token: is sent as the first line.
        decoder: of the lines.
    """

    def __init__(
        self, address: str, host: str, port: int, *, token: str | None = None, decoder: KeypointDecoder | None = None
    ) -> None:
        super().__init__(address, token=token, decoder=decoder)
        self.host, self.port = host, port

    async def _receive(self, intake: Intake) -> str:
        try:
            async with asyncio.timeout(_CONNECT_S):
                reader, writer = await asyncio.open_connection(self.host, self.port, limit=_CHUNK_BYTES)
        except TimeoutError:
            return "no answer"
        except (OSError, OverflowError, UnicodeError) as error:
            return _reason(error)
        lines, whole = LineIntake(intake, reader, None), False
        try:
            self.report.say("waiting", "connected")
            if self._greeting is not None:
                writer.write(self._greeting.encode() + b"\n")
            while chunk := await reader.read(_CHUNK_BYTES):
                if not lines.take(chunk):
                    return "a line was too long"
            whole = True
            return "the server closed the connection"
        except OSError as error:
            return _reason(error)
        finally:
            lines.end(whole=whole)
            writer.transport.abort()


class WebSocketConnectSource(_ConnectingSource):
    """Messages from a WebSocket server.

    Args:
        address: as the user gave it.
        url: ``ws://HOST:PORT/PATH``.
        token: is sent as the first message.
        decoder: of the messages.
    """

    def __init__(
        self, address: str, url: str, *, token: str | None = None, decoder: KeypointDecoder | None = None
    ) -> None:
        super().__init__(address, token=token, decoder=decoder)
        self.url = url

    async def _receive(self, intake: Intake) -> str:
        try:
            from websockets.asyncio.client import connect
            from websockets.exceptions import ConnectionClosedOK, WebSocketException
        except ImportError as error:
            raise missing_extra("live", "websockets", error) from error
        sender = object()
        try:
            connection = await connect(
                self.url, max_size=MAX_MESSAGE_BYTES, compression=None, open_timeout=_CONNECT_S, close_timeout=0.5,
                max_queue=MOST_WAITING, proxy=None, logger=quiet_log,
            )  # fmt: skip
        except TimeoutError:
            return "no answer"
        except (OSError, OverflowError, UnicodeError, WebSocketException) as error:
            return _reason(error)
        try:
            self.report.say("waiting", "connected")
            if self._greeting is not None:
                await connection.send(self._greeting)
            await take_messages(connection, intake, sender)
        except ConnectionClosedOK:
            pass
        except (OSError, WebSocketException) as error:
            return _reason(error)
        finally:
            intake.left(sender)
            await connection.close()
        return "the server closed the connection"


def _reason(error: Exception) -> str:
    """Why a connection failed, in a few words."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__

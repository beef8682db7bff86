"""Poses as JSON lines by TCP: to one program that listens, or to all that connect."""

import asyncio
import contextlib
import time

from maquette.live.ends import SinkReport
from maquette.live.listening import check_listening, token_fits
from maquette.live.sinks.slow_clients import MOST_CLIENTS, SlowClient, listening_failed, say_who_listens
from maquette.stream.message import frame_messages, gone_messages, hello_message
from maquette.stream.pose_frame import PoseFrame

_MOST_TOKEN_BYTES = 512
_TOKEN_S = 5.0
_CONNECT_S = 5.0
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 5.0
_READ_PAUSE_S = 0.05
"""Between two looks at what the other end says, which is thrown away."""


class _Line:
    """One connection that lines are written to."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.client = SlowClient(writer.transport)
        writer.write(hello_message() + b"\n")

    def write(self, frame: PoseFrame, lines: bytes, now_s: float) -> bool:
        """Whether there was room for the frame."""
        if not self.client.has_room(now_s):
            self.client.skip(gone_messages(frame))
            return False
        while self.client.owed:
            self.writer.write(self.client.owed.popleft() + b"\n")
        self.writer.write(lines)
        return True

    async def until_closed(self, reader: asyncio.StreamReader) -> None:
        """Read and forget, until the other end closes."""
        with contextlib.suppress(OSError):
            while await reader.read(4096):
                await asyncio.sleep(_READ_PAUSE_S)

    async def close(self) -> None:
        if self.client.transport.get_write_buffer_size():
            # What waits there would be waited for.
            self.client.transport.abort()
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


def _lines(frame: PoseFrame, now_s: float) -> bytes:
    messages = frame_messages(frame, now_s)
    return b"\n".join(messages) + b"\n" if messages else b""


class TcpJsonSink:
    """Connects to a program that listens and writes lines, ``hello`` first; connects again when that breaks.

    Args:
        address: as given by the user.
        host, port: where the other program listens.
    """

    def __init__(self, address: str, host: str, port: int) -> None:
        self.address, self.host, self.port = address, host, port
        self.report = SinkReport()
        self._line: _Line | None = None
        self._connecting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to connect; nobody listening is no error."""
        self._connecting = asyncio.create_task(self._stay_connected(), name=self.address)

    def send(self, frame: PoseFrame) -> None:
        """Write the frame, if there is a connection with room for it."""
        now_s = time.monotonic()
        lines = _lines(frame, now_s)
        if not lines:
            return
        if self._line is not None and self._line.write(frame, lines, now_s):
            self.report.sent += 1
            self.report.say("sending")
        else:
            self.report.dropped += 1
            if self._line is not None:
                self.report.say("waiting", "the other end does not read")

    async def stop(self) -> None:
        """Close the connection."""
        if self._connecting is not None:
            self._connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._connecting
        self.report.say("stopped")

    async def _stay_connected(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                async with asyncio.timeout(_CONNECT_S):
                    reader, writer = await asyncio.open_connection(self.host, self.port)
            except (OSError, TimeoutError) as error:
                self.report.failures += 1
                self.report.say("reconnecting", getattr(error, "strerror", None) or "no answer")
            else:
                line = self._line = _Line(writer)
                self.report.say("sending")
                began_s = time.monotonic()
                try:
                    await line.until_closed(reader)
                finally:
                    self._line = None
                    await line.close()
                self.report.failures += 1
                self.report.say("reconnecting", "the other end closed the connection")
                if time.monotonic() - began_s > _LONGEST_PAUSE_S:
                    pause_s = _FIRST_PAUSE_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


class TcpListenJsonSink:
    """Listens, and writes lines to all who connect, ``hello`` first.

    Whoever reads too slowly misses frames; whoever reads nothing for five seconds is cut off. Where there is a token,
    clients send it as their first line.

    Args:
        address: as given by the user.
        host, port: where to listen; port 0 takes a free one (:attr:`port` tells which, once started).
        token: the line that clients must send first.

    Raises:
        InputError: the host lets other machines in and there is no token, or the token is too short.
    """

    def __init__(self, address: str, host: str, port: int, *, token: str | None = None) -> None:
        check_listening(address, host, token)
        self.address, self.host, self.port, self.token = address, host, port, token
        self.report = SinkReport()
        self.cut_off = 0
        """Clients that read nothing and were cut off."""
        self._server: asyncio.Server | None = None
        self._lines: set[_Line] = set()
        self._talks: set[asyncio.Task] = set()

    async def start(self) -> None:
        """Listen.

        Raises:
            OutputError: the port is taken, or there is no such host.
        """
        try:
            self._server = await asyncio.start_server(self._talk, self.host, self.port, limit=_MOST_TOKEN_BYTES)
        except OSError as error:
            raise listening_failed(self.address, self.host, self.port, error) from error
        self.port = self._server.sockets[0].getsockname()[1]
        self._say_who_listens()

    @property
    def clients(self) -> int:
        """How many are connected and have said the token."""
        return len(self._lines)

    def send(self, frame: PoseFrame) -> None:
        """Write the frame to all who have room for it."""
        if not self._lines:
            return
        now_s = time.monotonic()
        lines = _lines(frame, now_s)
        if not lines:
            return
        written = [line.write(frame, lines, now_s) for line in self._lines]
        if any(written):
            self.report.sent += 1
        else:
            self.report.dropped += 1
        for line in [line for line in self._lines if line.client.cut_off]:
            self._lines.discard(line)
            self.cut_off += 1
            self.report.failures += 1
        self._say_who_listens()

    async def stop(self) -> None:
        """Close all connections and the port."""
        if self._server is not None:
            self._server.close()
            for talk in list(self._talks):
                talk.cancel()
            await asyncio.gather(*self._talks, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None
        self.report.say("stopped")

    def _say_who_listens(self) -> None:
        say_who_listens(self.report, len(self._lines), self.cut_off)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._talks) >= MOST_CLIENTS:
            writer.transport.abort()
            return
        self._talks.add(task)
        try:
            if await self._may_enter(reader):
                line = _Line(writer)
                self._lines.add(line)
                self._say_who_listens()
                try:
                    await line.until_closed(reader)
                finally:
                    self._lines.discard(line)
                    self._say_who_listens()
                    await line.close()
            else:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
        except asyncio.CancelledError:
            # The sink stops; asyncio's streams would report a task that was cancelled.
            writer.transport.abort()
        finally:
            self._talks.discard(task)

    async def _may_enter(self, reader: asyncio.StreamReader) -> bool:
        if self.token is None:
            return True
        try:
            async with asyncio.timeout(_TOKEN_S):
                first = await reader.readline()
        except (ValueError, OSError, TimeoutError):
            # Too long a line, a connection that broke, nothing said: no token.
            return False
        return token_fits(first.decode("utf-8", "replace").strip(), self.token)

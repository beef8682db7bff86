"""Poses as JSON on standard output, one object a line, and by UDP, one object a datagram."""

import asyncio
import os
import queue
import socket
import sys
import threading
import time

from maquette.errors import OutputError
from maquette.live.ends import SinkReport
from maquette.stream.message import frame_messages, hello_message
from maquette.stream.pose_frame import PoseFrame

_WAITING_FRAMES = 16
_LAST_LINES_S = 1.0


class StdoutSink:
    """Lines on standard output, ``hello`` first.

    A thread writes whole lines; where the reader is too slow, frames are left out. When the reader closes its end, the
    sink has failed and takes no more; the others go on.

    Args:
        address: as given by the user.
        descriptor: an open file descriptor to write to; None takes standard output.
    """

    def __init__(self, address: str = "-", *, descriptor: int | None = None) -> None:
        self.address = address
        self.report = SinkReport()
        self._descriptor = descriptor
        # The simple one has no lock in Python that the loop could wait for.
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._stopped = threading.Event()
        self._broken = ""

    @property
    def over(self) -> bool:
        """Whether nobody will ever read again."""
        return bool(self._broken)

    async def start(self) -> None:
        """Write the first line.

        Raises:
            OutputError: there is no standard output.
        """
        if self._descriptor is None:
            try:
                self._descriptor = sys.stdout.fileno()
            except (AttributeError, OSError, ValueError) as error:
                raise OutputError(f"{self.address}: this program has no standard output to write to") from error
        self._writer = threading.Thread(
            target=self._write_all, args=(self._descriptor,), name="json lines", daemon=True
        )
        self._writer.start()
        self._waiting.put(hello_message() + b"\n")
        self.report.say("sending")

    def send(self, frame: PoseFrame) -> None:
        """Hand the frame's lines to the thread that writes."""
        if self._broken:
            self.report.dropped += 1
            if self.report.state != "failed":
                self.report.failures += 1
                self.report.say("failed", self._broken)
            return
        messages = frame_messages(frame, time.monotonic())
        if not messages:
            return
        if self._waiting.qsize() >= _WAITING_FRAMES:
            self.report.dropped += 1
            self.report.detail = "the reader is too slow"
        else:
            self._waiting.put(b"\n".join(messages) + b"\n")
            self.report.sent += 1
            self.report.detail = ""

    async def stop(self) -> None:
        """Give the reader a second to take the last lines."""
        if self._writer is None:
            return
        deadline_s = time.monotonic() + _LAST_LINES_S
        self._waiting.put(None)
        while self._writer.is_alive() and time.monotonic() < deadline_s:
            await asyncio.sleep(0.005)
        self._stopped.set()
        if self.report.state != "failed":
            self.report.say("stopped")

    def _write_all(self, descriptor: int) -> None:
        while not self._stopped.is_set():
            lines = self._waiting.get()
            if lines is None:
                return
            rest = memoryview(lines)
            try:
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            except BrokenPipeError:
                self._broken = "the reader has closed the pipe"
                return
            except OSError as error:
                self._broken = error.strerror or str(error)
                return


class UdpJsonSink:
    """One message a datagram, to one address; whether anybody listens there is not known, or only now and then.

    Args:
        address: as given by the user.
        host, port: where to send; the broadcast address of a network will do.
    """

    def __init__(self, address: str, host: str, port: int) -> None:
        self.address, self.host, self.port = address, host, port
        self.report = SinkReport()
        self._socket: socket.socket | None = None

    async def start(self) -> None:
        """Find the address.

        Raises:
            OutputError: no such host.
        """
        try:
            found = await asyncio.get_running_loop().getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)
            family, kind, protocol, _, place = found[0]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            # Connected, so that the system tells when nobody listens.
            self._socket.connect(place)
        except OSError as error:
            if self._socket is not None:
                self._socket.close()
                self._socket = None
            raise OutputError(
                f"{self.address}: cannot send to {self.host} ({error.strerror or error}); check the host's name"
            ) from error
        self.report.say("sending")

    def send(self, frame: PoseFrame) -> None:
        """Send each of the frame's messages."""
        messages = frame_messages(frame, time.monotonic())
        if self._socket is None or not messages:
            return
        problem = ""
        for message in messages:
            try:
                self._send_datagram(self._socket, message)
            except ConnectionRefusedError:
                problem = "nobody listens there"
            except BlockingIOError:
                problem = "the network is too slow"
            except OSError as error:
                problem = error.strerror or str(error)
                self.report.failures += 1
        if problem:
            self.report.dropped += 1
            self.report.say("waiting", problem)
        else:
            self.report.sent += 1
            self.report.say("sending")

    @staticmethod
    def _send_datagram(connection: socket.socket, message: bytes) -> None:
        try:
            connection.send(message)
        except ConnectionRefusedError:
            # That was the answer to an earlier datagram, and this one has not left.
            connection.send(message)
            raise

    async def stop(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self.report.say("stopped")

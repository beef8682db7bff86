"""``unity-stream://HOST:5005``: one TCP connection for each frame, as a Unity project around Human3.6M-17 reads it."""

import asyncio
import os
import socket
from typing import Any

import numpy as np
from jaxtyping import Float

from maquette.exporters.unity_text import encode_unity_stream
from maquette.live.ends import SinkReport
from maquette.live.sinks.seat_ports import check_seat_ports, seat_places
from maquette.live.sinks.seats import Seats
from maquette.live.sinks.unity_text import joints_of_17
from maquette.stream.pose_frame import PoseFrame

USUAL_PORT = 5005
_CONNECT_S = 1.0
_CLOSING_S = 0.25
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0


class UnityStreamSink:
    """Sends the 51 numbers of a person in a connection that is closed after them.

    One connection at a time, beside the frames: those that come while it is open are left out, so that the newest pose
    is always next. Where the reader closes its end after reading, that is waited for: a reader slower than the frames
    then gets fewer, and not older ones. Readers that never close (the project's own) are recognised by it, once. Where
    nobody listens, the pauses between attempts grow to two seconds. A frame in which a person is not seen is not sent,
    since the format has no word for it.

    Args:
        address: as the user wrote it, for messages.
        host: name or address; of a name with both, the IPv4 address is taken.
        port: where the reader of the person followed first listens.
        people: how many ports are sent to, from ``port`` upwards, one for each person
            (:class:`maquette.live.sinks.seats.Seats`).

    Raises:
        OutputError: there is no such port.
    """

    def __init__(self, address: str, host: str, port: int = USUAL_PORT, *, people: int = 1) -> None:
        check_seat_ports(address, port, people)
        self.address = address
        self.report = SinkReport()
        self._host, self._port = host, port
        self._seats = Seats(people)
        self._readers: list[_Reader] = []

    async def start(self) -> None:
        """Look up the host and begin.

        Raises:
            OutputError: it has no address.
        """
        family, places = await seat_places(
            self.address, self._host, self._port, len(self._seats), socket.SOCK_STREAM, "the machine where Unity runs"
        )
        self._readers = [_Reader(family, place, self.report) for place in places]
        self.report.say("sending")

    def send(self, frame: PoseFrame) -> None:
        """Take one frame; who is still on the way since the one before is left out of it."""
        poses = self._seats.place(frame)
        for reader, pose in zip(self._readers, poses, strict=False):
            joints = joints_of_17(pose)
            if joints is not None:
                reader.send(joints)

    async def stop(self) -> None:
        """Close, whatever is on its way."""
        for reader in self._readers:
            await reader.stop()
        self._readers = []
        self.report.say("stopped")


class _Reader:
    """Sends to one port, in a task of its own."""

    def __init__(self, family: int, place: tuple[Any, ...], report: SinkReport) -> None:
        self._family, self._place, self._report = family, place, report
        self._wake = asyncio.Event()
        self._payload: bytes | None = None
        self._closes = True
        self._task = asyncio.create_task(self._run(), name=f"unity-stream to port {place[1]}")

    def send(self, joints: Float[np.ndarray, "17 3"]) -> None:
        if self._payload is not None:
            self._report.dropped += 1
            return
        self._payload = encode_unity_stream(joints).encode("ascii")
        self._wake.set()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._deliver(self._payload or b"")
            except OSError as error:  # a timeout is one, too
                self._report.failures += 1
                self._report.dropped += 1
                # asyncio puts words of its own in place of the system's.
                why = os.strerror(error.errno) if error.errno else "no answer"
                self._report.say("reconnecting", f"{self._place[0]}:{self._place[1]}: {why}")
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                self._report.sent += 1
                self._report.say("sending")
                pause_s = _FIRST_PAUSE_S
            self._payload = None

    async def _deliver(self, payload: bytes) -> None:
        """One connection, from its beginning to its end."""
        loop = asyncio.get_running_loop()
        with socket.socket(self._family, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            async with asyncio.timeout(_CONNECT_S):
                await loop.sock_connect(connection, self._place)
                await loop.sock_sendall(connection, payload)
            if not self._closes:
                return
            try:
                connection.shutdown(socket.SHUT_WR)
                async with asyncio.timeout(_CLOSING_S):
                    while await loop.sock_recv(connection, 1024):
                        pass
            except TimeoutError:
                self._closes = False
            except OSError:
                # The reader has hung up without reading to the end of what it was sent; it has what it wanted.
                return

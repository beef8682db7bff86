"""Datagrams of a UDP port, all that are there at a time, with when they came in."""

import asyncio
import platform
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from maquette.errors import InputError
from maquette.live.ends import SourceReport
from maquette.live.sources.newest import Packet

MOST_AT_ONCE = 1024
"""Read in one turn of the loop: who sends faster than can be read does not keep everything else from its turn."""
_BUFFER_BYTES = 1 << 20
"""Asked of the system for packets that wait; it may give less."""
_LARGEST_BYTES = 1 << 16

_KNOWS_ARRIVALS = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64", "riscv64")
"""Whether the numbers and layouts below hold: asm-generic/socket.h with 64-bit times."""
_SO_TIMESTAMPNS, _SO_RXQ_OVFL = 35, 40
_TIMESPEC, _COUNT = struct.Struct("=qq"), struct.Struct("=I")
_ANCILLARY_BYTES = 96
"""Room for both and their headers."""


Take = Callable[[list[Packet]], None]
"""Takes packets that were read at once, in the order in which they came, in the thread of the event loop."""


@asynccontextmanager
async def datagrams(address: str, host: str, port: int, report: SourceReport, take: Take) -> AsyncIterator[int]:
    """Receive on a UDP port while inside; gives the port.

    In each turn of the loop everything that waits is read, so that a busy loop finds the newest packets too and not
    those of long ago. On Linux packets have arrived when the system says so, and what it had to drop, because its
    buffer was full, is counted in ``report.dropped``; elsewhere they have arrived when they are read.

    Args:
        address: as the user gave it, for messages.
        host: name or address of this machine.
        port: 0 lets the system choose.

    Raises:
        InputError: the port cannot be had.
    """
    loop = asyncio.get_running_loop()
    try:
        bound = await _bound(loop, host, port)
    except (OSError, OverflowError, UnicodeError) as error:
        raise listening_failed(address, error) from None
    reader = _Reader(bound, report, take)
    transport: asyncio.DatagramTransport | None = None
    try:
        try:
            loop.add_reader(bound, reader.read)
        except NotImplementedError:
            # Proactor loops of Windows wait for operations, not for sockets.
            transport, _ = await loop.create_datagram_endpoint(lambda: _OneByOne(take), sock=bound)
        yield bound.getsockname()[1]
    finally:
        if transport is not None:
            transport.close()
        else:
            loop.remove_reader(bound)
            bound.close()


def listening_failed(address: str, error: Exception) -> InputError:
    """Why a port cannot be listened on, for the user."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(
        f"{address}: cannot listen there ({reason}); another program may have the port, or the host is not this machine"
    )


async def _bound(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
    """A socket at the first address of the host that can be had.

    Raises:
        OSError: none can.
        OverflowError: there is no such port.
        UnicodeError: no host can have that name.
    """
    refused: OSError | None = None
    for family, kind, protocol, _, place in await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM):
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setblocking(False)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            if _KNOWS_ARRIVALS:
                bound.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
                bound.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
            bound.bind(place)
        except OSError as error:
            bound.close()
            refused = refused or error
        else:
            return bound
    raise refused or OSError(f"'{host}' has no address")


class _Reader:
    """Reads what waits at a socket."""

    def __init__(self, bound: socket.socket, report: SourceReport, take: Take) -> None:
        self._socket, self._report, self._take = bound, report, take
        self._empty_s = time.monotonic()
        """When nothing was waiting for the last time: what is read now has come since."""
        self._lost = 0
        """What the system has dropped, as it counts: modulo 2 ** 32."""

    def read(self) -> None:
        """Everything that waits."""
        came: list[tuple[bytes, tuple[Any, ...], float | None]] = []
        looked_s = self._empty_s
        for _ in range(MOST_AT_ONCE):
            before_s = time.monotonic()
            try:
                came.append(self._receive())
            except BlockingIOError:
                looked_s = before_s
                break
            except OSError:
                # Somebody answered that nobody listens there. Nothing was sent, so it means nothing.
                break
        now_s, system_s = time.monotonic(), time.time()
        since_s, self._empty_s = self._empty_s, looked_s
        packets = []
        for data, sender, stamp_s in came:
            # The system's clock may be set meanwhile; between the last look and now it was in any case.
            arrived_s = now_s if stamp_s is None else min(max(now_s - (system_s - stamp_s), since_s), now_s)
            packets.append(Packet(data, sender, arrived_s))
        if packets:
            self._take(packets)

    def _receive(self) -> tuple[bytes, tuple[Any, ...], float | None]:
        """A packet, its sender, and when it came in by the system's clock.

        Raises:
            BlockingIOError: nothing waits.
        """
        if not _KNOWS_ARRIVALS:
            return *self._socket.recvfrom(_LARGEST_BYTES), None
        data, ancillary, _, sender = self._socket.recvmsg(_LARGEST_BYTES, _ANCILLARY_BYTES)
        stamp_s = None
        for level, kind, value in ancillary:
            if level != socket.SOL_SOCKET:
                continue
            if kind == _SO_TIMESTAMPNS and len(value) == _TIMESPEC.size:
                seconds, nanoseconds = _TIMESPEC.unpack(value)
                stamp_s = seconds + 1e-9 * nanoseconds
            elif kind == _SO_RXQ_OVFL and len(value) == _COUNT.size:
                (lost,) = _COUNT.unpack(value)
                self._report.dropped += (lost - self._lost) % (1 << 32)
                self._lost = lost
        return data, sender, stamp_s


class _OneByOne(asyncio.DatagramProtocol):
    def __init__(self, take: Take) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._take([Packet(data, addr, time.monotonic())])

    def error_received(self, exc: Exception) -> None:
        """As in :meth:`_Reader.read`."""

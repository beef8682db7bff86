"""Keypoints over UDP: one packet, one frame."""

import asyncio
import socket
import time
from typing import Any

from maquette.errors import InputError
from maquette.live.ends import Deliver, SourceReport
from maquette.live.listening import check_listening
from maquette.live.sources.intake import Intake
from maquette.live.sources.silence import stalls_said
from maquette.stream.keypoint_packets import KeypointDecoder

_BUFFER_BYTES = 1 << 20
"""Asked of the system for packets that wait; it may give less."""


class UdpSource:
    """Listens on a UDP port.

    One sender at a time (see :class:`~maquette.live.sources.intake.Intake`); with a token, each packet must carry it.
    Packets that overtake each other are put right by leaving out the older one.

    Args:
        address: as the user gave it.
        host: to listen on.
        port: 0 lets the system choose; see :attr:`port` then.
        token: that packets must carry.
        decoder: of the packets.

    Raises:
        InputError: others could send, and there is no token.
    """

    def __init__(
        self, address: str, host: str, port: int, *, token: str | None = None, decoder: KeypointDecoder | None = None
    ) -> None:
        check_listening(address, host, token)
        self.address, self.host, self.port = address, host, port
        self.report = SourceReport()
        self._token = token
        self._decoder = decoder or KeypointDecoder()

    async def run(self, deliver: Deliver) -> None:
        """Receive until cancelled.

        Raises:
            InputError: the port cannot be had.
        """
        intake = Intake(self.report, self._decoder, deliver, unordered=True)
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Packets(intake, self._token), local_addr=(self.host, self.port)
            )
        except (OSError, OverflowError) as error:
            raise listening_failed(self.address, error) from None
        bound: socket.socket = transport.get_extra_info("socket")
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self.port = bound.getsockname()[1]
        self.report.say("waiting", f"listening on {self.host}:{self.port}")
        try:
            async with stalls_said(self.report):
                await loop.create_future()
        finally:
            transport.close()


class _Packets(asyncio.DatagramProtocol):
    def __init__(self, intake: Intake, token: str | None) -> None:
        self._intake, self._token = intake, token

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._intake.take_with_token(data, addr, time.monotonic(), self._token)

    def error_received(self, exc: Exception) -> None:
        """Somebody answered that nobody listens there; nothing was sent, so it means nothing."""


def listening_failed(address: str, error: Exception) -> InputError:
    """Why a port cannot be listened on, for the user."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(
        f"{address}: cannot listen there ({reason}); another program may have the port, or the host is not this machine"
    )

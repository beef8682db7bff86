"""Keypoints over Open Sound Control: from Maquette's own messages, PoseOSC and others."""

import asyncio
import time
from collections import OrderedDict

from maquette.errors import InputError
from maquette.live.ends import STALLED_S, Deliver, SourceReport
from maquette.live.listening import check_listening, token_fits
from maquette.skeleton import Skeleton
from maquette.stream.keypoint_frame import KeypointFrame
from maquette.stream.osc import OscMessage, decode_packet
from maquette.stream.osc_keypoints import OscKeypoints
from maquette.stream.osc_people import LONGEST_WAIT_S

_MOST_SENDERS = 64
_LOOK_S = 0.25


class OscSource:
    """Listens for the messages of :mod:`maquette.stream.osc_keypoints` on a UDP port.

    Where a token is asked for, a machine must send it once before anything else, as ``/maquette/token`` with one
    string; all programs of that machine may send from then on. One sender at a time: frames of two would be mixed.

    Packets that are not understood are counted and skipped; a packet costs one pass over its bytes, whatever is in it,
    and nothing is kept of it.

    Args:
        address: as the user wrote it, for messages.
        host: name or address of this machine to listen on.
        port: UDP port; 0 takes any free one, see :attr:`port`.
        token: that senders must give, or None.
        skeleton: of all messages, whatever they say; None to take theirs.
        image_size: ``(width, height)`` in pixels, whatever messages say; needed for those that give fractions.
    """

    def __init__(
        self,
        address: str,
        host: str,
        port: int,
        *,
        token: str | None = None,
        skeleton: Skeleton | None = None,
        image_size: tuple[int, int] | None = None,
    ) -> None:
        self.address = address
        self.report = SourceReport()
        self.port = port
        """Where it listens; of port 0 the one that the system chose, once :meth:`run` has begun."""
        self._host, self._token = host, token
        self._keypoints = OscKeypoints(skeleton, image_size)
        self._admitted: OrderedDict[str, None] = OrderedDict()
        self._deliver: Deliver | None = None
        self._last_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, deliver: Deliver) -> None:
        """Listen until cancelled.

        Raises:
            InputError: the port is taken, the host is not this machine's, or a token is missing.
        """
        check_listening(self.address, self._host, self._token)
        self._deliver = deliver
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Packets(self), local_addr=(self._host, self.port)
            )
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise InputError(
                f"{self.address}: cannot listen on {self._host}:{self.port} ({why}); another program may have the port: "
                "choose another one"
            ) from error
        self.port = transport.get_extra_info("sockname")[1]
        self.report.say("waiting", f"listening on {self._host}:{self.port}")
        try:
            while True:
                await asyncio.sleep(_LOOK_S)
                if self.report.state == "receiving" and time.monotonic() - self._last_s > STALLED_S:
                    self.report.say("stalled", "nothing comes any more")
        finally:
            if self._timer is not None:
                self._timer.cancel()
            transport.close()

    def take(self, packet: bytes, sender: str) -> None:
        """One packet from the machine ``sender``."""
        arrived_s = time.monotonic()
        try:
            messages = decode_packet(packet)
        except InputError as error:
            self.report.bad(packet, str(error))
            return
        for message in messages:
            if not self._is_admitted(message, sender):
                # Nothing of the packet is shown: it may hold a token with a slip of the pen.
                self.report.bad(sender, "no token, or a wrong one, from")
                return
            if message.address != "/maquette/token":
                self._take_message(message, arrived_s)

    def _take_message(self, message: OscMessage, arrived_s: float) -> None:
        late = self._keypoints.people.late
        try:
            frames = self._keypoints.take(message, arrived_s)
        except InputError as error:
            self.report.bad(message.address, str(error))
            return
        self.report.skipped += self._keypoints.people.late - late
        for frame in frames:
            self._give(frame)
        if self._timer is None and self._keypoints.people.first is not None:
            self._timer = asyncio.get_running_loop().call_later(LONGEST_WAIT_S, self._give_overdue)

    def _give_overdue(self) -> None:
        """Give a frame whose others do not come, or look again when another one is being waited for."""
        self._timer = None
        frame = self._keypoints.people.overdue(time.monotonic())
        if frame is not None:
            self._give(frame)
        elif self._keypoints.people.first is not None:
            self._timer = asyncio.get_running_loop().call_later(LONGEST_WAIT_S, self._give_overdue)

    def _give(self, frame: KeypointFrame) -> None:
        self._last_s = frame.arrived_s
        self.report.received()
        if self._deliver is not None:
            self._deliver(frame)

    def _is_admitted(self, message: OscMessage, sender: str) -> bool:
        if self._token is None:
            return True
        if message.address == "/maquette/token":
            given = message.arguments[0] if len(message.arguments) == 1 else None
            if token_fits(given if isinstance(given, str) else None, self._token):
                self._admitted[sender] = None
                if len(self._admitted) > _MOST_SENDERS:
                    self._admitted.popitem(last=False)
                return True
            return False
        return sender in self._admitted


class _Packets(asyncio.DatagramProtocol):
    """Hands packets to the source; errors of the socket concern senders that went away."""

    def __init__(self, source: OscSource) -> None:
        self._source = source

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._source.take(data, addr[0])

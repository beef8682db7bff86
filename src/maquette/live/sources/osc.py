"""Keypoints over Open Sound Control: from Maquette's own messages, PoseOSC and others."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from maquette.errors import InputError
from maquette.live.ends import STALLED_S, Deliver, SourceReport
from maquette.live.listening import check_listening, token_fits
from maquette.live.sources.datagrams import datagrams
from maquette.live.sources.newest import Packet, count_left_out, newest_of_each
from maquette.live.sources.silence import stalls_said
from maquette.skeleton import Skeleton
from maquette.stream.keypoint_frame import MAX_PEOPLE, KeypointFrame
from maquette.stream.osc import OscMessage, decode_packet
from maquette.stream.osc_keypoints import OscKeypoints
from maquette.stream.osc_people import LONGEST_WAIT_S

_TOKEN = "/maquette/token"
_MOST_MACHINES = 64
_MOST_MESSAGES = MAX_PEOPLE
"""Packets of one sender that are looked at, of those that came in at once: a frame may come in so many."""


class OscSource:
    """Listens for the messages of :mod:`maquette.stream.osc_keypoints` on a UDP port.

    Where a token is asked for, a machine must send it once before anything else, as ``/maquette/token`` with one
    string; all programs of that machine may send from then on.

    One sender at a time: the first one whose message is understood has the turn until it is silent for a second, and
    what others send meanwhile is left out and counted. Packets that are not understood are counted and skipped; each
    costs one pass over its bytes, whatever is in it, and nothing is kept of it.

    Args:
        address: as the user wrote it, for messages.
        host: name or address of this machine to listen on.
        port: UDP port; 0 takes any free one, see :attr:`port` then.
        token: that senders must give, or None.
        skeleton: of all messages, whatever they say; None to take theirs.
        image_size: ``(width, height)`` in pixels, whatever messages say; needed for those that give fractions.

    Raises:
        InputError: others could send, and there is no token.
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
        check_listening(address, host, token)
        self.address, self.host, self.port = address, host, port
        self.report = SourceReport()
        self._token, self._skeleton, self._image_size = token, skeleton, image_size
        self._admitted: OrderedDict[str, None] = OrderedDict()
        self._keypoints = OscKeypoints(skeleton, image_size)
        self._sender: tuple[Any, ...] | None = None
        self._heard_s = 0.0
        self._deliver: Deliver | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def run(self, deliver: Deliver) -> None:
        """Listen until cancelled.

        Raises:
            InputError: the port cannot be had.
        """
        self._deliver = deliver
        try:
            async with datagrams(self.address, self.host, self.port, self.report, self.take) as self.port:
                self.report.say("waiting", f"listening on {self.host}:{self.port}")
                async with stalls_said(self.report):
                    await asyncio.get_running_loop().create_future()
        finally:
            self._deliver = None
            if self._timer is not None:
                self._timer.cancel()

    def take(self, packets: Sequence[Packet]) -> None:
        """Packets that came in at once."""
        now_s = time.monotonic()
        heard = self._sender if now_s - self._heard_s <= STALLED_S else None
        chosen, left_out = newest_of_each(packets, heard, _MOST_MESSAGES)
        if self._token is not None:
            # The token is sent once: it is never left out.
            chosen = [packet for packet in left_out if _TOKEN.encode() in packet.data] + chosen
        count_left_out(self.report, left_out, heard)
        for packet in chosen:
            self._take_packet(packet)
        self._look_again()

    def _take_packet(self, packet: Packet) -> None:
        sender = packet.sender
        try:
            messages = decode_packet(packet.data)
        except InputError as error:
            self.report.bad(packet.data, str(error))
            return
        for message in messages:
            if not self._is_admitted(message, sender[0]):
                # Nothing of the packet is shown: it may hold a token with a slip of the pen.
                self.report.bad(sender[0], "no /maquette/token, or a wrong one, from")
                return
            if message.address != _TOKEN:
                self._take_message(message, sender, packet.arrived_s)

    def _take_message(self, message: OscMessage, sender: tuple[Any, ...], arrived_s: float) -> None:
        keypoints = self._keypoints
        if sender != self._sender:
            if self._sender is not None and arrived_s - self._heard_s <= STALLED_S:
                self.report.skipped += 1
                return
            keypoints = OscKeypoints(self._skeleton, self._image_size)
        late = keypoints.people.late
        try:
            frames = keypoints.take(message, arrived_s)
        except InputError as error:
            self.report.bad(message.address, str(error))
            return
        self._sender, self._keypoints, self._heard_s = sender, keypoints, arrived_s
        self.report.skipped += keypoints.people.late - late
        for frame in frames:
            self._give(frame)

    def _look_again(self) -> None:
        """Give a frame whose others have been waited for long enough; come back as long as one is waited for."""
        frame = self._keypoints.people.overdue(time.monotonic())
        if frame is not None:
            self._give(frame)
        if self._timer is None and self._keypoints.people.first is not None and self._deliver is not None:
            self._timer = asyncio.get_running_loop().call_later(LONGEST_WAIT_S, self._wait_is_over)

    def _wait_is_over(self) -> None:
        self._timer = None
        self._look_again()

    def _give(self, frame: KeypointFrame) -> None:
        self.report.received()
        if self._deliver is not None:
            self._deliver(frame)

    def _is_admitted(self, message: OscMessage, machine: str) -> bool:
        if self._token is None:
            return True
        if message.address != _TOKEN:
            return machine in self._admitted
        given = message.arguments[0] if len(message.arguments) == 1 else None
        if not token_fits(given if isinstance(given, str) else None, self._token):
            return False
        self._admitted[machine] = None
        self._admitted.move_to_end(machine)
        if len(self._admitted) > _MOST_MACHINES:
            self._admitted.popitem(last=False)
        return True

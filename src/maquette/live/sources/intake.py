"""From the bytes that senders send to frames: whose turn it is, decoding, counting."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from maquette.errors import InputError
from maquette.live.ends import STALLED_S, Deliver, SourceReport
from maquette.live.listening import token_fits
from maquette.live.sources.newest import Packet, count_left_out, newest_of_each
from maquette.stream.keypoint_frame import KeypointFrame
from maquette.stream.keypoint_packets import KeypointDecoder, token_of

_OVERTAKEN_FRAMES, _OVERTAKEN_S = 4, 0.25
"""Packets overtake each other by little; what is further back is a sender that begins again."""
_MOST_OVERTAKEN = 15
"""In a row, without one that is newer: then the sender's numbers or stamps stand still, and tell no order."""
_JSON_STARTS = b"{[ \t\r\n\xef"


class Intake:
    """What all sources of packets do with a packet.

    One sender at a time: the first one that sends a good frame has the turn until it is silent for a second. What
    others send meanwhile is left out and counted, and the report says that somebody waits. A packet that is not good
    never takes a turn, so that garbage cannot push a sender out.

    Args:
        report: of the source.
        decoder: as the user's options make it; each sender's own learning begins from there.
        deliver: takes the frames.
        unordered: packets may overtake each other (UDP): what was overtaken is left out.
    """

    def __init__(
        self, report: SourceReport, decoder: KeypointDecoder, deliver: Deliver, *, unordered: bool = False
    ) -> None:
        self.report = report
        self._decoder = decoder
        self._deliver = deliver
        self._unordered = unordered
        self._sender: Any = None
        self._last: KeypointFrame | None = None
        self._waited_s: float | None = None
        self._overtaken = 0

    def take(self, data: bytes, sender: Hashable, arrived_s: float, where: str = "packet") -> None:
        """Deliver the frame in ``data``, or count why not."""
        if not self._may_be_frame(data, None, where):
            return
        decoder = self._decoder
        if self._last is not None and sender != self._sender:
            decoder = KeypointDecoder(decoder.skeleton, decoder.image_size)
        try:
            frame = decoder.decode(data, arrived_s, where)
        except InputError as error:
            self.report.bad(data, str(error))
            return
        if decoder is not self._decoder and self._last is not None and arrived_s - self._last.arrived_s <= STALLED_S:
            self.report.skipped += 1
            self._waited_s = arrived_s
            return
        if self._unordered and decoder is self._decoder and self._was_overtaken(frame):
            self.report.skipped += 1
            return
        if decoder is not self._decoder:
            self._overtaken = 0
        self._decoder, self._sender, self._last = decoder, sender, frame
        self.report.received()
        if self._waited_s is not None and arrived_s - self._waited_s < STALLED_S:
            self.report.detail = "another sender waits for its turn"
        self._deliver(frame)

    def take_burst(self, packets: Sequence[Packet], token: str | None = None, where: str = "packet") -> None:
        """Deliver what is worth it of packets that came in at once, in their order: the newest ones.

        Args:
            token: that each packet must carry; None for none.
        """
        heard = self._sender if self._last is not None else None
        perhaps = [packet for packet in packets if self._may_be_frame(packet.data, token, where)]
        chosen, left_out = newest_of_each(perhaps, heard)
        count_left_out(self.report, left_out, heard)
        for packet in chosen:
            if token is None or token_fits(token_of(packet.data), token):
                self.take(packet.data, packet.sender, packet.arrived_s, where)
            else:
                self.report.bad(b"", f"{where}: without the right token: send 'token': '...' beside the keypoints")

    def _may_be_frame(self, data: bytes, token: str | None, where: str) -> bool:
        """What is not even JSON is counted at once, so that nothing else is left out in its favour."""
        if data and data[:1] in _JSON_STARTS:
            return True
        # Nothing of it is shown where it may hold a token with a slip of the pen.
        self.report.bad(data if token is None else b"", f"{where}: not JSON" if data else f"{where}: empty")
        return False

    def left(self, sender: Hashable) -> None:
        """A sender has gone: the next one need not wait for silence."""
        if self._last is not None and sender == self._sender:
            self._decoder.forget()
            self._sender, self._last = None, None

    def _was_overtaken(self, frame: KeypointFrame) -> bool:
        last = self._last
        if last is None:
            return False
        if frame.number is not None and last.number is not None:
            step, most = frame.number - last.number, _OVERTAKEN_FRAMES
        elif frame.time_s is not None and last.time_s is not None:
            step, most = frame.time_s - last.time_s, _OVERTAKEN_S
        else:
            return False
        if step > 0:
            self._overtaken = 0
        elif not np.array_equal(frame.points, last.points, equal_nan=True):
            self._overtaken += 1
        is_soon = frame.arrived_s - last.arrived_s <= _OVERTAKEN_S
        return -most < step <= 0 and is_soon and self._overtaken <= _MOST_OVERTAKEN

"""Frames of a video that may be damaged: the good ones, and a word about the others."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maquette.detect.footage_clock import Watch
from maquette.detect.footage_stamps import reason

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_REMEMBERED = 512
"""Packets; no decoder holds back as many frames."""
_FRAME_THREADS = 1 << 12
"""FFmpeg's flag of decoders that work on several frames at once."""
_BEFORE_ALL = -(1 << 63)


@dataclass
class _Fault:
    """Packets, by their number in the order of decoding, that are damaged."""

    first: int
    last: int


class _Damage:
    """What went wrong so far.

    Decoders conceal what they miss: until the next key frame, pictures are smeared, or an old one comes again. They
    work ahead, too, so that a fault comes to light some packets later, and good frames come out after it. Hence the
    frames are traced back to their packets, by their stamps.
    """

    def __init__(self, watch: Watch, stream: "VideoStream") -> None:
        self._watch, self._stream = watch, stream
        self._fed = -1
        self._packets: dict[int, int] = {}
        self._keys: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        self._faults: deque[_Fault] = deque(maxlen=4)
        self._why = ""
        self._places: list[float] = []
        self._lost = 0

    def feed(self, packet: "Packet") -> None:
        """A packet goes into the decoder."""
        self._fed += 1
        if packet.pts is not None:
            self._packets[packet.pts] = self._fed
            if len(self._packets) > _REMEMBERED:
                del self._packets[next(iter(self._packets))]
        if packet.is_corrupt:
            self._meet(self._fed, "damaged data")
        elif packet.is_keyframe:
            self._keys.append((self._fed, _BEFORE_ALL if packet.pts is None else packet.pts))

    def refuse(self, why: str) -> None:
        """The decoder reports a fault."""
        decoder = self._stream.codec_context
        # Decoding several frames at once, it answers that many packets late.
        works_ahead = decoder.thread_count - 1 if decoder.codec.capabilities & _FRAME_THREADS else 0
        self._meet(max(self._fed - max(works_ahead, 0), 0), why)
        self._leave_out()

    def keeps(self, frame: "VideoFrame") -> bool:
        """Whether a frame is as it was meant to be."""
        stamp = frame.pts
        packet = self._fed if stamp is None else self._packets.get(stamp, self._fed)
        if frame.is_corrupt:
            self._meet(packet, "damaged data")
        elif frame.key_frame:
            self._keys.append((packet, _BEFORE_ALL if stamp is None else stamp))
        if not any(self._covers(fault, packet, stamp) for fault in self._faults):
            return True
        self._leave_out()
        return False

    def notes(self) -> list[str]:
        """A sentence for the user, if there is something to say."""
        if not self._lost:
            return []
        pictures = "one picture is" if self._lost == 1 else f"{self._lost} pictures are"
        where = f"in {len(self._places)} places, first " if len(self._places) > 1 else ""
        return [f"{pictures} damaged and left out, {where}after {self._places[0]:.2f} s ({self._why})"]

    def _meet(self, packet: int, why: str) -> None:
        self._why = self._why or why
        fault = self._faults[-1] if self._faults else None
        key = None if fault is None else self._key_after(fault)
        if fault is None or (key is not None and key[0] <= packet):
            self._places.append(self._watch.time_s)
            self._faults.append(_Fault(packet, packet))
        else:
            fault.first, fault.last = min(packet, fault.first), max(packet, fault.last)

    def _key_after(self, fault: _Fault) -> tuple[int, int] | None:
        return min((key for key in self._keys if key[0] > fault.last), default=None)

    def _covers(self, fault: _Fault, packet: int, stamp: int | None) -> bool:
        """Whether a frame is damaged or built on it; those decoded after a key frame and shown before it may be."""
        if packet < fault.first:
            return False
        key = self._key_after(fault)
        return key is None or packet < key[0] or (stamp is not None and stamp < key[1])

    def _leave_out(self) -> None:
        self._lost += 1
        self._watch.pass_over()


def sound_frames(
    container: "InputContainer", stream: "VideoStream", watch: Watch, notes: list[str]
) -> "Iterator[VideoFrame]":
    """Decoded frames in the order of showing, without those that are damaged or built on damaged ones."""
    from av.error import FFmpegError

    stream.thread_type = "AUTO"
    damage = _Damage(watch, stream)
    packets = container.demux(stream)
    try:
        while True:
            try:
                packet = next(packets, None)
            except (FFmpegError, OSError) as error:
                notes.append(f"reading stopped after {watch.time_s:.2f} s ({reason(error)})")
                return
            if packet is None:
                return
            damage.feed(packet)
            try:
                frames = packet.decode()
            except FFmpegError as error:
                damage.refuse(reason(error))
                continue
            for frame in frames:
                if damage.keeps(frame):
                    yield frame
    finally:
        notes += damage.notes()

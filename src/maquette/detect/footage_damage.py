"""Frames of a video that may be damaged: the good ones, and a word about the others."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from maquette.detect.footage_clock import Watch
from maquette.detect.footage_stamps import reason

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


class _Damage:
    """What went wrong so far."""

    def __init__(self) -> None:
        self.spread = False
        """What comes out of the decoder is built on something damaged, until the next key frame."""
        self.lost = 0
        self._why = ""
        self._places: list[float] = []

    def meet(self, watch: Watch, why: str) -> None:
        """A picture is damaged."""
        if not self.spread:
            self._places.append(watch.time_s)
        self.spread, self._why = True, self._why or why

    def leave_out(self, watch: Watch) -> None:
        """A picture does not come out, or had better not."""
        self.lost += 1
        watch.pass_over()

    def note(self) -> str:
        """A sentence for the user."""
        pictures = "one picture is" if self.lost == 1 else f"{self.lost} pictures are"
        where = f"in {len(self._places)} places, first " if len(self._places) > 1 else ""
        return f"{pictures} damaged and left out, {where}after {self._places[0]:.2f} s ({self._why})"


def sound_frames(
    container: "InputContainer", stream: "VideoStream", watch: Watch, notes: list[str]
) -> "Iterator[VideoFrame]":
    """Decoded frames in the order of showing, without those that are damaged or built on damaged ones.

    Decoders conceal what they miss: until the next key frame, pictures are smeared, or an old one comes again.
    """
    from av.error import FFmpegError

    damage, suspects = _Damage(), set()
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
            if packet.is_corrupt and packet.pts is not None:
                suspects.add(packet.pts)
            try:
                frames = packet.decode()
            except FFmpegError as error:
                damage.meet(watch, reason(error))
                damage.leave_out(watch)
                continue
            for frame in frames:
                if frame.is_corrupt or frame.pts in suspects:
                    suspects.discard(frame.pts)
                    damage.meet(watch, "damaged data")
                elif frame.key_frame:
                    damage.spread = False
                if damage.spread:
                    damage.leave_out(watch)
                else:
                    yield frame
    finally:
        if damage.lost:
            notes.append(damage.note())

"""Number and time of each decoded frame of a video."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from maquette.detect.footage_rate import Rate
from maquette.detect.footage_stamps import Stamps

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


@dataclass(frozen=True, eq=False)
class Clock:
    """What is known about the times of a video before it is decoded."""

    stamps: Stamps
    rate: Rate
    asked: Fraction | None
    """Rate to play it at instead of the file's own times."""

    @property
    def n_frames(self) -> int:
        """Pictures of the clip, counting those that are lost; the decoder may find fewer."""
        ticks = self.stamps.ticks
        return self.number(int(ticks[-1])) + 1 if len(ticks) else self.stamps.packets

    def number(self, tick: int) -> int:
        """Number of the picture that is shown at a time."""
        if self.rate.is_variable:
            return int(np.searchsorted(self.stamps.ticks, tick))
        return round(tick * self.stamps.tick_s * self.rate.fps)

    def seek_stamp(self, time_s: float) -> int | None:
        """The file's own stamp for a time; None if frames met after a jump could not be told apart."""
        if self.asked is not None or self.stamps.only_order or len(self.stamps.stretches) != 1:
            return None
        return int(time_s / self.stamps.tick_s) - self.stamps.stretches[0].shift


class Watch:
    """Goes through the decoded frames of one run, in their order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._met = 0
        self._stretch = 0
        self._last_stamp: int | None = None
        self._last_tick = -1
        self._last_number = -1
        self.time_s = 0.0
        """Of the last frame that was placed."""
        self.repeats = 0
        """Frames whose time was that of another, or an earlier one."""

    def pass_over(self) -> None:
        """A picture did not come out of the decoder."""
        self._met += 1

    def place(self, frame: "VideoFrame") -> tuple[int, float] | None:
        """``(index, time_s)``; None for a frame that has no place of its own in time."""
        stamps, clock = self._clock.stamps, self._clock
        stamp = frame.pts
        if not stamps.stretches:
            tick, number = self._met, self._met
        else:
            if stamps.only_order and self._met < len(stamps.ticks):
                tick = int(stamps.ticks[self._met])
            elif stamp is not None and not stamps.only_order:
                tick, self._stretch = stamps.tick(stamp, self._last_stamp, self._stretch)
                self._last_stamp = stamp
            else:
                tick = self._last_tick + max(round(1 / (clock.rate.fps * stamps.tick_s)), 1)
            number = clock.number(tick)
        self._met += 1
        if tick <= self._last_tick or number <= self._last_number:
            self.repeats += 1
            return None
        self._last_tick, self._last_number = tick, number
        if clock.asked is not None or not stamps.stretches:
            self.time_s = float(number / (clock.asked or clock.rate.fps))
        else:
            self.time_s = float(tick * stamps.tick_s)
        return number, self.time_s

"""Which frame is shown when: play, pause, speed, loop, seek. The clock is somebody else's."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass
class Playback:
    """A position in a clip that moves with the time that passes."""

    duration_s: float
    """From the first frame to the last."""
    frame_s: float
    """How long the last frame is shown before the clip starts again."""
    playing: bool = True
    speed: float = 1.0
    loop: bool = True
    position_s: float = 0.0

    def advance(self, elapsed_s: float) -> None:
        """Let time pass. At the end the clip starts again, or stops when it does not loop."""
        if not self.playing:
            return
        self.position_s += elapsed_s * self.speed
        length_s = self.duration_s + self.frame_s
        if self.position_s >= length_s:
            if self.loop:
                self.position_s %= length_s
            else:
                self.position_s, self.playing = self.duration_s, False

    def seek(self, position_s: float) -> None:
        """Go to a time, within the clip."""
        self.position_s = min(max(position_s, 0.0), self.duration_s)

    def toggle(self) -> None:
        """Play or pause; at the end of a clip that does not loop, play from the start."""
        if not self.playing and not self.loop and self.position_s >= self.duration_s:
            self.position_s = 0.0
        self.playing = not self.playing


def frame_at(times_s: Float[np.ndarray, " frames"], position_s: float) -> int:
    """The frame that is on show at a time after the first frame; the last one stays."""
    # A position is a whole number of frames but for rounding: a microsecond decides nothing.
    index = int(np.searchsorted(times_s, times_s[0] + position_s + 1e-6, side="right")) - 1
    return min(max(index, 0), len(times_s) - 1)


def ticks_of(times_s: Float[np.ndarray, " frames"], duration_s: float, frame_s: float) -> Float[np.ndarray, " ticks"]:
    """Times that one can step through: the frames of the first motion, and beyond its end at its rate to the end of
    the longest."""
    beyond = round((duration_s - float(times_s[-1])) / frame_s)
    return np.concatenate((times_s, times_s[-1] + frame_s * np.arange(1, beyond + 1)))

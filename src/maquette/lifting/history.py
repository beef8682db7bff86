"""What a stream keeps of one person's past: as much as later windows reach back to."""

from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.errors import InputError
from maquette.lifting.windows import gather_windows, window_samples

_ROUNDING_S = 1e-6
"""Forgiven in time stamps."""


@dataclass(eq=False)
class History:
    """The latest frames of one person's landmarks. Frames are numbered from 0 in the order in which they came."""

    reach_s: float
    """How far windows reach into past and future."""
    _points: list[np.ndarray] = field(default_factory=list)
    _observed: list[np.ndarray] = field(default_factory=list)
    _times_s: list[float] = field(default_factory=list)
    _dropped: int = 0

    @property
    def count(self) -> int:
        """Frames that have come so far."""
        return self._dropped + len(self._times_s)

    @property
    def kept(self) -> int:
        """Frames in memory."""
        return len(self._times_s)

    def time_s(self, frame: int) -> float:
        """Time of a frame that is still kept."""
        return self._times_s[frame - self._dropped]

    def at(self, frame: int) -> tuple[Float[np.ndarray, "27 2"], Bool[np.ndarray, " 27"]]:
        """Points and flags of a frame that is still kept."""
        return self._points[frame - self._dropped], self._observed[frame - self._dropped]

    def add(self, points: Float[np.ndarray, "27 2"], observed: Bool[np.ndarray, " 27"], time_s: float) -> None:
        """Add a frame, as :func:`maquette.lifting.lifter.network_points` gives it.

        Raises:
            InputError: time does not move forward.
        """
        if self._times_s and time_s <= self._times_s[-1]:
            raise InputError(f"frame at {time_s:.3f} s after one at {self._times_s[-1]:.3f} s; time must move forward")
        self._points.append(points)
        self._observed.append(observed)
        self._times_s.append(time_s)

    def ready_until(self, first: int) -> int:
        """Number of the first frame from ``first`` on whose window reaches beyond what is known."""
        if not self._times_s:
            return first
        while first < self.count and self.time_s(first) + self.reach_s <= self._times_s[-1] + _ROUNDING_S:
            first += 1
        return first

    def windows(
        self, frames: Int[np.ndarray, " outputs"], window_frames: int, step_s: float
    ) -> tuple[Float[np.ndarray, "outputs window 27 2"], Bool[np.ndarray, "outputs window 27"]]:
        """Points and flags in the windows around ``frames``; beyond the ends they hold the first and the last frame."""
        here = frames - self._dropped
        samples = window_samples(np.array(self._times_s), here, window_frames, step_s)
        return gather_windows(np.stack(self._points), np.stack(self._observed), samples)

    def forget_before(self, frame: int) -> None:
        """Drop what no window around ``frame`` or later reaches back to (two frames more are kept, for the
        interpolation at the edge)."""
        newest_s = self._times_s[-1] if frame >= self.count else self.time_s(frame)
        keep = max(0, bisect_left(self._times_s, newest_s - self.reach_s - _ROUNDING_S) - 2)
        keep = min(keep, max(0, frame - self._dropped - 1))
        if not keep:
            return
        del self._points[:keep], self._observed[:keep], self._times_s[:keep]
        self._dropped += keep

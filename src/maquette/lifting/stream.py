"""Lifting one frame at a time, with the result that the whole clip would have given."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError, ModelError
from maquette.geometry.camera import Camera
from maquette.lifting.lifter import Lifter, network_points
from maquette.mapping import find_map
from maquette.skeleton import Skeleton
from maquette.skeletons import LANDMARKS_27


@dataclass(frozen=True, eq=False)
class LiftedFrame:
    """3D pose of one frame: root-relative, metres, camera frame, skeleton ``maquette-21``."""

    frame: int
    """Number of the frame, counted from 0 in the order of :meth:`LiftStream.push`."""
    time_s: float
    positions: Float[np.ndarray, "joints 3"]


class LiftStream:
    """Takes the keypoints of one person frame by frame and gives 3D poses as soon as enough of the future is known.

    A frame comes out when frames up to ``latency_s`` later have arrived: at once for a network of single poses, 0.52 s
    later for the shipped temporal one. The poses equal those of ``Lifter(...)`` on the whole clip.

    Args:
        lifter: the network.
        skeleton: skeleton of the keypoints that will be pushed; mapped to the model's.
        camera: focal length and principal point of the picture.

    Raises:
        InputError: no map leads from ``skeleton`` to the model's.
        ModelError: the model is one of the published systems: those take whole clips.
    """

    def __init__(self, lifter: Lifter, skeleton: Skeleton, camera: Camera) -> None:
        if lifter.published:
            raise ModelError(f"the model '{lifter.spec.name}' takes whole clips and cannot stream; take one of ours")
        self.lifter = lifter
        self.latency_s = lifter.latency_s
        self._map = find_map(skeleton.name, LANDMARKS_27.name)
        self._camera = camera
        self._points: list[np.ndarray] = []
        self._times_s: list[float] = []
        self._dropped = 0
        self._next = 0

    def push(
        self, points_px: Float[np.ndarray, "joints 2"], confidence: Float[np.ndarray, " joints"], time_s: float
    ) -> list[LiftedFrame]:
        """Add a frame (missing: NaN or confidence 0); returns the frames that have become ready, often one.

        Raises:
            InputError: time does not move forward.
        """
        if self._times_s and time_s <= self._times_s[-1]:
            raise InputError(f"frame at {time_s:.3f} s after one at {self._times_s[-1]:.3f} s; time must move forward")
        seen = np.where((confidence > 0)[:, None], points_px, np.nan)
        mapped, _ = self._map.apply_arrays(seen[None], np.asarray(confidence, dtype=float)[None])
        self._points.append(mapped[0])
        self._times_s.append(float(time_s))
        ready = self._next
        # A microsecond forgives the rounding of time stamps.
        while ready < self._pushed and self._time(ready) + self.latency_s <= time_s + 1e-6:
            ready += 1
        return self._lift_until(ready)

    def finish(self) -> list[LiftedFrame]:
        """The frames still waiting for a future that will not come: their windows hold the last frame."""
        return self._lift_until(self._pushed)

    @property
    def _pushed(self) -> int:
        return self._dropped + len(self._times_s)

    def _time(self, frame: int) -> float:
        return self._times_s[frame - self._dropped]

    def _lift_until(self, end: int) -> list[LiftedFrame]:
        if end <= self._next:
            return []
        frames = np.arange(self._next, end)
        points, observed = network_points(np.stack(self._points), self._camera)
        times_s = np.array(self._times_s)
        positions = self.lifter.lift_arrays(points, observed, times_s, frames - self._dropped, self._camera)
        lifted = [LiftedFrame(int(f), self._time(int(f)), p) for f, p in zip(frames, positions, strict=True)]
        self._next = end
        self._forget()
        return lifted

    def _forget(self) -> None:
        """Drop the frames that no later window reaches back to (two are kept for the interpolation at its edge)."""
        if self._next >= self._pushed:
            oldest_needed = self._times_s[-1] - self.latency_s
        else:
            oldest_needed = self._time(self._next) - self.latency_s
        keep = max(0, int(np.searchsorted(self._times_s, oldest_needed - 1e-6)) - 2)
        keep = min(keep, max(0, self._next - self._dropped - 1))
        del self._points[:keep], self._times_s[:keep]
        self._dropped += keep

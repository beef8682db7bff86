"""Lifting one frame at a time, with the result that the whole clip would have given."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import ModelError
from maquette.geometry.camera import Camera
from maquette.lifting.history import History
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
        self._map = find_map(skeleton.name, LANDMARKS_27.name)
        self._people = PeopleStream(lifter, camera)
        self._history = self._people.history()
        self.lifter = lifter
        self.latency_s = lifter.latency_s
        self._next = 0

    def push(
        self, points_px: Float[np.ndarray, "joints 2"], confidence: Float[np.ndarray, " joints"], time_s: float
    ) -> list[LiftedFrame]:
        """Add a frame (missing: NaN or confidence 0); returns the frames that have become ready, often one.

        Raises:
            InputError: time does not move forward.
        """
        seen = np.where((confidence > 0)[:, None], points_px, np.nan)
        mapped, _ = self._map.apply_arrays(seen[None], np.asarray(confidence, dtype=float)[None])
        points, observed = self._people.landmarks(mapped)
        self._history.add(points[0], observed[0], float(time_s))
        return self._lift_until(self._history.ready_until(self._next))

    def finish(self) -> list[LiftedFrame]:
        """The frames still waiting for a future that will not come: their windows hold the last frame."""
        return self._lift_until(self._history.count)

    def _lift_until(self, end: int) -> list[LiftedFrame]:
        frames = range(self._next, end)
        if not frames:
            return []
        positions = self._people.lift([(self._history, frame) for frame in frames])
        lifted = [LiftedFrame(f, self._history.time_s(f), p) for f, p in zip(frames, positions, strict=True)]
        self._next = end
        self._history.forget_before(end)
        return lifted


class PeopleStream:
    """The part of streams that several people share: one call of the network for the frames of all of them.

    Args:
        lifter: the network.
        camera: focal length and principal point of the picture.

    Raises:
        ModelError: the model is one of the published systems: those take whole clips.
    """

    def __init__(self, lifter: Lifter, camera: Camera) -> None:
        if lifter.published:
            raise ModelError(f"the model '{lifter.spec.name}' takes whole clips and cannot stream; take one of ours")
        self.lifter = lifter
        self._camera = camera

    def history(self) -> History:
        """Of somebody who has just come."""
        return History(reach_s=self.lifter.latency_s)

    def landmarks(
        self, points_px: Float[np.ndarray, "people 27 2"]
    ) -> tuple[Float[np.ndarray, "people 27 2"], Bool[np.ndarray, "people 27"]]:
        """What goes into the histories, from points on ``landmarks-27`` (missing: NaN)."""
        return network_points(points_px, self._camera)

    def lift(self, wanted: Sequence[tuple[History, int]]) -> Float[np.ndarray, "wanted 21 3"]:
        """Root-relative poses in metres, camera frame, each around one frame of a history."""
        spec = self.lifter.spec
        if spec.window_frames == 1:
            points, observed = (np.array(part) for part in zip(*(h.at(frame) for h, frame in wanted), strict=True))
            return self.lifter.lift_windows(points[:, None], observed[:, None], self._camera)
        windows = [
            history.windows(np.array([frame]), spec.window_frames, spec.window_step_s) for history, frame in wanted
        ]
        points, observed = (np.concatenate(part) for part in zip(*windows, strict=True))
        return self.lifter.lift_windows(points, observed, self._camera)

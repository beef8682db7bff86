"""The size of the picture of a stream, when nobody says."""

import numpy as np

from maquette.lifting.assumed_camera import smallest_size
from maquette.stream.keypoint_frame import KeypointFrame

_OUTGROWN_FRAMES = 5
"""So many frames in a row must reach beyond the assumed size: a detector errs in single ones."""


class PictureSize:
    """``(width, height)`` of the picture, frame by frame: as given, as the source says, or the smallest usual one that
    contains what has been seen, which grows when people come to stand beyond it."""

    def __init__(self, given: tuple[int, int] | None = None) -> None:
        self._given = given
        self._assumed: tuple[int, int] | None = None
        self._beyond = 0
        self.is_assumed = False

    def __call__(self, frame: KeypointFrame) -> tuple[int, int] | None:
        """The size for this frame; None as long as nothing has been seen that tells."""
        size = self._given or frame.image_size
        self.is_assumed = size is None
        if size is not None:
            return size
        points = frame.points[frame.confidence > 0]
        if self._assumed is not None and not self._beyond and bool((points <= self._assumed).all()):
            # What would be found below, without the work of percentiles in every frame.
            return self._assumed
        if len(points):
            # A detector may place a few points outside the picture: the highest 0.5 % do not decide.
            self._see(np.percentile(points, 99.5, axis=0))
        return self._assumed

    def _see(self, reach_px: np.ndarray) -> None:
        inside = self._assumed is not None and bool((reach_px <= self._assumed).all())
        self._beyond = 0 if inside else self._beyond + 1
        if self._assumed is None or self._beyond >= _OUTGROWN_FRAMES:
            least = np.maximum(reach_px, self._assumed or (1, 1))
            # Beyond any usual picture the points themselves are the measure.
            self._assumed = smallest_size(least) or (int(np.ceil(least[0])), int(np.ceil(least[1])))
            self._beyond = 0

"""Detections: what a detector saw, one row for each person in each frame, before anybody knows who is who."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int


def observed_joints(points: Float[np.ndarray, "rows joints 2"]) -> Bool[np.ndarray, "rows joints"]:
    """True where a point is finite."""
    return np.isfinite(points[..., 0]) & np.isfinite(points[..., 1])


@dataclass(frozen=True, eq=False)
class Detections:
    """Rows of 2D poses, in the order of their frames."""

    frame: Int[np.ndarray, " rows"]
    """Frame of each row, counted from 0, ascending; frames in which nobody was seen have no row."""
    points: Float[np.ndarray, "rows joints 2"]
    """NaN where missing."""
    confidence: Float[np.ndarray, "rows joints"]
    """In [0, 1], 0 where missing."""
    person_id: Int[np.ndarray, " rows"]
    """Identity that the file gives; -1 where it gives none."""
    n_frames: int
    """Length of the clip, frames without anybody included."""

    @cached_property
    def observed(self) -> Bool[np.ndarray, "rows joints"]:
        """True where there is a point."""
        return self.confidence > 0

    @cached_property
    def people_per_frame(self) -> Int[np.ndarray, " frames"]:
        """Number of rows in each frame."""
        return np.bincount(self.frame, minlength=self.n_frames)

"""Keypoints: the 2D track of one person."""

import dataclasses
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.frozen_arrays import frozen, time_base
from maquette.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Keypoints:
    """2D keypoints of ONE person over time, in pixels: x right, y down, origin at the top left corner of the picture.

    A missing point is NaN with confidence 0: construction sets both wherever either says so (a NaN coordinate, an
    infinite one, or a confidence of 0), so that the two can never disagree.

    Raises:
        InputError: shapes do not fit the skeleton, fps or image size is not positive, confidence outside [0, 1].
    """

    points: Float[np.ndarray, "frames joints 2"]
    """Pixel coordinates, NaN where missing."""
    confidence: Float[np.ndarray, "frames joints"]
    """In [0, 1]; 0 where missing."""
    skeleton: Skeleton
    fps: Fraction
    """Frames per second, exact (30000/1001 stays so)."""
    image_size: tuple[int, int] | None = None
    """``(width, height)`` in pixels; None when nobody knows."""
    timestamps_s: Float[np.ndarray, " frames"] | None = None
    """Time of each frame when the source has them; None means frame / fps."""
    person_id: int | None = None
    source: str = ""
    """Where it came from: file or folder name."""
    notes: tuple[str, ...] = ()
    """Provenance: one sentence for each assumption made and each edit done."""

    def __post_init__(self) -> None:
        points = np.array(self.points, dtype=np.float64)
        confidence = np.array(self.confidence, dtype=np.float64)
        problems = []
        if points.ndim != 3 or points.shape[1:] != (len(self.skeleton), 2):
            problems.append(f"points have shape {points.shape}, expected (frames, {len(self.skeleton)}, 2)")
        if confidence.shape != points.shape[:2]:
            problems.append(f"confidence has shape {confidence.shape}, expected {points.shape[:2]}")
        elif confidence.size and (np.nanmin(confidence) < 0 or np.nanmax(confidence) > 1):
            low, high = np.nanmin(confidence), np.nanmax(confidence)
            problems.append(f"confidence runs from {low:.3g} to {high:.3g}, expected 0 to 1")
        if self.image_size is not None and (len(self.image_size) != 2 or min(self.image_size) <= 0):
            problems.append(f"image size is {self.image_size}, expected (width, height) in pixels, both positive")
        if problems:
            raise InputError.from_problems(f"keypoints{f' of {self.source}' if self.source else ''}", problems)
        missing = ~(np.isfinite(points).all(-1) & np.isfinite(confidence) & (confidence > 0))
        points[missing] = np.nan
        confidence[missing] = 0.0
        fps, timestamps_s = time_base(self.fps, self.timestamps_s, len(points))
        for name, value in (
            ("points", frozen(points)),
            ("confidence", frozen(confidence)),
            ("fps", fps),
            ("timestamps_s", timestamps_s),
        ):
            object.__setattr__(self, name, value)

    @property
    def n_frames(self) -> int:
        return self.points.shape[0]

    @property
    def n_joints(self) -> int:
        return self.points.shape[1]

    @property
    def observed(self) -> Bool[np.ndarray, "frames joints"]:
        """True where there is a point."""
        return self.confidence > 0

    @property
    def times_s(self) -> Float[np.ndarray, " frames"]:
        """Time of each frame in seconds."""
        if self.timestamps_s is not None:
            return self.timestamps_s
        return np.arange(self.n_frames) / float(self.fps)

    def with_notes(self, *notes: str, **changes: Any) -> "Keypoints":
        """A copy with ``changes`` (as for :func:`dataclasses.replace`) and further provenance ``notes``."""
        return dataclasses.replace(self, notes=(*self.notes, *notes), **changes)

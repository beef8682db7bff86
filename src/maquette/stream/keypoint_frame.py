"""The keypoints of everybody in one picture, as they come in."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.skeleton import Skeleton

MAX_PEOPLE = 64
"""In one picture; whoever sends more is sending something else."""


@dataclass(frozen=True, eq=False)
class KeypointFrame:
    """The people of one picture, in no particular order; nobody is an answer, too.

    Missing points are NaN with confidence 0: construction sets both wherever either says so.

    Raises:
        InputError: shapes do not fit the skeleton, or there are more than 64 people.
    """

    points: Float[np.ndarray, "people joints 2"]
    """Pixels, x right, y down; NaN where missing. Fractions of the picture are for whoever decodes to multiply out."""
    confidence: Float[np.ndarray, "people joints"]
    """In [0, 1]; 0 where missing."""
    skeleton: Skeleton
    arrived_s: float
    """When it came in, by ``time.monotonic()``."""
    time_s: float | None = None
    """When the picture was taken, by the sender's own clock with any zero; None when the sender does not say."""
    number: int | None = None
    """The sender's number of the picture; None when it does not say."""
    image_size: tuple[int, int] | None = None
    """``(width, height)`` in pixels; None when nobody knows."""
    identities: tuple[int, ...] | None = None
    """The sender's own number of each person, where it follows them itself; None otherwise."""

    def __post_init__(self) -> None:
        points = np.array(self.points, dtype=np.float64)
        confidence = np.array(self.confidence, dtype=np.float64)
        people, joints = len(points), len(self.skeleton)
        if points.shape != (people, joints, 2) or confidence.shape != (people, joints):
            raise InputError(
                f"a frame has points of shape {points.shape} and confidence of shape {confidence.shape}; expected "
                f"(people, {joints}, 2) and (people, {joints}) for '{self.skeleton.name}'"
            )
        if people > MAX_PEOPLE:
            raise InputError(f"a frame holds {people} people; up to {MAX_PEOPLE} can be followed")
        known = np.isfinite(points).all(-1) & np.isfinite(confidence) & (confidence > 0)
        points[~known] = np.nan
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "confidence", np.where(known, np.minimum(confidence, 1.0), 0.0))

"""What every detector is: one picture in, the people in it out."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from maquette.skeleton import Skeleton

Picture = UInt8[np.ndarray, "height width 3"]
"""RGB, top row first."""


@dataclass(frozen=True, eq=False)
class Seen:
    """The people of one picture, in no particular order; none is an answer, too."""

    points: Float[np.ndarray, "people joints 2"]
    """Pixels of the whole picture, x right, y down, (0, 0) the upper left corner of the upper left pixel; NaN where
    missing. Points may lie outside the picture."""
    confidence: Float[np.ndarray, "people joints"]
    """In [0, 1]; 0 where missing."""
    depth_px: Float[np.ndarray, "people joints"] | None = None
    """Distance behind the root in pixels of the picture, under weak perspective (away from the camera is positive);
    None from detectors that see no depth."""

    @classmethod
    def nobody(cls, skeleton: Skeleton) -> "Seen":
        return cls(np.empty((0, len(skeleton), 2)), np.empty((0, len(skeleton))))


@runtime_checkable
class Detector(Protocol):
    """Looks at the pictures of one clip, in the order of time; may carry over from one to the next where people were.

    A new clip needs a new detector, or :meth:`reset`.
    """

    name: str
    """As ``--detector`` takes it, with what was loaded, for the notes: ``mediapipe 0.10.21 (full)``."""
    skeleton: Skeleton

    def __call__(self, picture: Picture, time_s: float) -> Seen:
        """The people in a picture.

        Args:
            picture: RGB, of any size, the same for all pictures of a clip.
            time_s: when it was taken; increases from call to call.
        """
        ...

    def reset(self) -> None:
        """Forget what was seen: the next picture begins another clip."""
        ...

    def close(self) -> None:
        """Give back what is held; may be called twice."""
        ...

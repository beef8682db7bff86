"""A clip as a file tells it: detections, and what the file says (or does not say) about them."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from jaxtyping import Float

from maquette.skeleton import Skeleton
from maquette.track.detections import Detections

Unit = Literal["px", "0..1", "-1..1"]
"""Of coordinates: pixels, or fractions of the picture's width and height (in OpenPose's two scalings)."""


@dataclass(frozen=True, eq=False)
class Clip:
    """What one reader found, before people are tracked and assumptions are made."""

    detections: Detections
    skeleton: Skeleton
    skeleton_why: str
    """How the skeleton is known, a clause: "the files have 25 points in BODY_25's order"."""
    source: str
    unit: Unit = "px"
    fps: Fraction | None = None
    """As the file says; None when it does not."""
    image_size: tuple[int, int] | None = None
    """``(width, height)`` as the file says; None when it does not."""
    timestamps_s: Float[np.ndarray, " frames"] | None = None
    first_frame: int = 0
    """Number that the file gives to frame 0."""
    one_person: bool = False
    """The format holds one person: all rows are theirs."""
    person_id: int | None = None
    """Identity of that one person when the file knows it."""
    is_own: bool = False
    """The file is Maquette's own: what it does not say was already noted when it was made."""
    notes: tuple[str, ...] = ()

"""What every kind of footage is made of: pictures that are turned into pixels only when somebody looks at them."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from fractions import Fraction

from maquette.detect.detector import Picture


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a clip."""

    index: int
    """Number in the clip; 0 is the first. A picture that could not be read leaves a gap. At a constant rate,
    ``time_s`` is ``index / fps``, as exactly as the file's clock can say it."""
    time_s: float
    """When it is shown, from the start of the clip; increases from frame to frame."""
    picture: Picture


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture that has not been turned into pixels yet."""

    index: int
    time_s: float
    develop: Callable[[tuple[int, int] | None], Picture | None]
    """The picture, scaled to ``(width, height)`` unless that is None; None if it turns out to be unreadable."""


Shots = Callable[[list[str], float], Generator[Shot]]
"""``(notes, from_s)`` -> shots in the order of time. The first may lie before ``from_s``, for decoders start where they
can. What goes wrong on the way is added to ``notes``."""

MAX_PIXELS = 1 << 27
"""Pictures beyond this (134 megapixels, 400 MB as RGB) are refused: no camera for motion has them, and files that
claim a huge size and hold nothing are an old trick."""
ASSUMED_FPS = Fraction(30)


@dataclass(frozen=True, eq=False)
class Reel:
    """An opened clip: what is known before the first picture is decoded for good."""

    fps: Fraction
    is_variable: bool
    size: tuple[int, int]
    n_frames: int | None
    notes: tuple[str, ...]
    shots: Shots
    is_still: bool = False

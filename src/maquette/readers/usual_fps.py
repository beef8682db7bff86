"""Frame rates that clips usually have, for files that tell theirs only roughly."""

from fractions import Fraction

BROADCAST_FPS: tuple[Fraction, ...] = tuple(Fraction(rate * 1000, 1001) for rate in (30, 60, 24, 120, 48))

USUAL_FPS: tuple[Fraction, ...] = (
    *map(Fraction, (120, 60, 30, 24, 25, 50, 100, 90, 72, 48, 15)),
    *map(Fraction, (12, 10, 144, 150, 200, 240, 250, 300, 480, 500, 1000)),
    *BROADCAST_FPS,
)
"""The most usual ones first, broadcast ones last."""

"""What the validated nouns share: read-only arrays and an exact time base."""

from fractions import Fraction

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError

SLOWEST_FPS, FASTEST_FPS = Fraction(1, 1000), 100_000
"""Beyond these, a frame rate is a slip: one frame in 17 minutes, and the fastest of high-speed cameras."""


def frozen(array: np.ndarray) -> np.ndarray:
    """The array, set read-only."""
    array.flags.writeable = False
    return array


def exact_fps(fps: Fraction | float | int | str) -> Fraction:
    """Frames per second as a fraction; ``29.97``, ``59.94`` and ``23.976`` become the broadcast rates x/1001.

    Raises:
        InputError: not a positive, finite number.
    """
    try:
        value = Fraction(fps) if not isinstance(fps, float) else Fraction(fps).limit_denominator(100_000)
    except (ValueError, OverflowError, ZeroDivisionError):
        raise InputError(f"fps is {fps!r}, expected a positive number such as 30 or 30000/1001") from None
    if not SLOWEST_FPS <= value <= FASTEST_FPS:
        raise InputError(
            f"fps is {str(fps)[:40]}, expected a positive number such as 30 or 30000/1001 "
            f"(from {float(SLOWEST_FPS):g} to {FASTEST_FPS})"
        )
    if value.denominator not in (1, 1001):
        for nominal in (24, 30, 48, 60, 120):
            broadcast = Fraction(nominal * 1000, 1001)
            # 29.97, 29.970 and 29.97003 all mean 30000/1001; the nearest honest rates, 29.95 and 30, are far outside.
            if abs(float(value) - float(broadcast)) < 0.006:
                return broadcast
    return value


def time_base(
    fps: Fraction | float | int | str, timestamps_s: Float[np.ndarray, " frames"] | None, n_frames: int
) -> tuple[Fraction, Float[np.ndarray, " frames"] | None]:
    """Validated ``(fps, timestamps_s)``.

    Raises:
        InputError: fps is not positive, or the timestamps do not fit the frames or run backwards.
    """
    exact = exact_fps(fps)
    if timestamps_s is None:
        return exact, None
    times = np.array(timestamps_s, dtype=np.float64)
    if times.shape != (n_frames,):
        raise InputError(f"{times.size} timestamps for {n_frames} frames; expected one for each")
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise InputError("timestamps must be finite and increase from frame to frame")
    return exact, frozen(times)

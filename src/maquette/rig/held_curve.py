"""A curve that is given in some frames and eases between and beyond them."""

import numpy as np
from jaxtyping import Bool, Float

_ROUNDS = 30


def held_curve(
    values: Float[np.ndarray, "frames channels"],
    held: Bool[np.ndarray, " frames"],
    fps: float | int,
    release_s: float | int,
    *,
    at_least: Float[np.ndarray, " frames"] | None = None,
) -> Float[np.ndarray, "frames channels"]:
    """``values`` where ``held``; elsewhere the curve of least acceleration that fades to zero.

    It minimises the sum of squares of second differences and of (3 sqrt(2) / ``release_s``)^4 times its own, so that
    alone it falls to a twentieth over ``release_s``; speed is continuous where it is let go.

    Args:
        at_least: lower bound in the other frames, for curves of one channel; where it would be crossed the curve runs
            along it, and eases in and out as from held frames.
    """
    curve = _eased(values, held, fps, release_s)
    if at_least is None:
        return curve
    held, values = held.copy(), np.where(held[:, None], values, 0.0)
    for _ in range(_ROUNDS):
        below = ~held & (curve[:, 0] < at_least - 1e-9)
        if not below.any():
            break
        values[below, 0] = at_least[below]
        held |= below
        curve = _eased(values, held, fps, release_s)
    return np.where(held[:, None], curve, np.maximum(curve, at_least[:, None]))


def _eased(
    values: Float[np.ndarray, "frames channels"],
    held: Bool[np.ndarray, " frames"],
    fps: float | int,
    release_s: float | int,
) -> Float[np.ndarray, "frames channels"]:
    from scipy.linalg import solveh_banded

    free = np.flatnonzero(~held)
    fixed = np.where(held[:, None], values, 0.0)
    if not held.any() or not free.size:
        return fixed
    main, near, far = _bands(len(values), (3 * np.sqrt(2) / (float(release_s) * float(fps))) ** 4)
    right = -_product(main, near, far, fixed)[free]
    bands = np.zeros((3, len(free)))
    bands[0] = main[free]
    for lag in (1, 2):
        if len(free) > lag:
            gap = free[lag:] - free[:-lag]
            start = free[:-lag]
            bands[lag, : len(gap)] = np.where(gap == 1, near[start], np.where(gap == 2, far[start], 0.0))
    fixed[free] = solveh_banded(bands[: min(3, len(free))], right, lower=True, check_finite=False)
    return fixed


def _bands(n: int, pull: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Diagonal and the two next to it of the sum of squared second differences plus ``pull`` times that of squares."""
    main, near, far = np.full(n, pull), np.zeros(n), np.zeros(n)
    if n > 2:
        for offset, share in ((0, 1.0), (1, 4.0), (2, 1.0)):
            main[offset : n - 2 + offset] += share
        near[: n - 2] -= 2
        near[1 : n - 1] -= 2
        far[: n - 2] += 1
    return main, near, far


def _product(main: np.ndarray, near: np.ndarray, far: np.ndarray, x: Float[np.ndarray, "n c"]) -> np.ndarray:
    result = main[:, None] * x
    for band, lag in ((near, 1), (far, 2)):
        if len(x) > lag:
            result[:-lag] += band[:-lag, None] * x[lag:]
            result[lag:] += band[:-lag, None] * x[:-lag]
    return result

"""The path of the root as one banded least-squares problem over the whole clip.

The path x(t) minimises the integral over time of

    w |x''|^2  +  (x - target)^T A(t) (x - target)  +  sum over feet c(t) |x' + foot'|^2  +  e w |x'|^2

with a weight w for each axis, A the information of the picture (strong across the viewing ray, weak along it), c > 0
while a foot stands still, and a tiny e that turns long stretches without any observation into straight lines instead of
swinging cubics. It is discretised with finite differences in seconds, so the result does not depend on the frame rate.

w is small across the line of sight: what shakes there shakes in proportion to the distance, so a strong penalty would
draw the person towards the camera to shake less.
"""

import numpy as np
from jaxtyping import Float

_BLOCK = 3
_BANDS = 2 * _BLOCK + 1


def information_at_cutoff(cutoff_hz: float | int) -> float:
    """Weight of an observation against the second derivative with which a sine of ``cutoff_hz`` keeps 1/sqrt(2) of its
    amplitude: the gain of the smoothing spline is 1 / (1 + omega^4 / A)."""
    return float((2 * np.pi * cutoff_hz) ** 4 / (np.sqrt(2) - 1))


def solve_path(
    pull: Float[np.ndarray, "frames 3"],
    information: Float[np.ndarray, "frames 3 3"],
    dt_s: float,
    foot_offsets_m: Float[np.ndarray, "feet frames 3"] | None = None,
    still: Float[np.ndarray, "feet steps"] | None = None,
    *,
    stiffness: tuple[float, float, float] = (1.0, 1.0, 1.0),
    drag: float = 0.01,
) -> Float[np.ndarray, "frames 3"]:
    """The path in metres.

    Args:
        pull: the sum of A target over all observations of a frame; zero where there is none.
        information: the sum of A: symmetric, positive semi-definite, per second; not zero everywhere.
        foot_offsets_m: each foot relative to the root.
        stiffness: w for x, y and z.
        still: weight of the foot's standing still between frame f and f + 1 (``steps`` = frames - 1); 0 while it moves.
    """
    from scipy.linalg import solveh_banded

    n = len(pull)
    diagonal = information * dt_s
    right = pull * dt_s
    main, near, far = np.zeros((n, _BLOCK)), np.zeros((n, _BLOCK)), np.zeros((n, _BLOCK))
    w = np.array(stiffness)
    if n > 1:
        step = np.tile(drag / dt_s * w, (n - 1, 1))
        if foot_offsets_m is not None and still is not None:
            weight = still / dt_s
            step = step + weight.sum(0)[:, None]
            push = (weight[..., None] * np.diff(foot_offsets_m, axis=1)).sum(0)
            right[:-1] += push
            right[1:] -= push
        main[:-1] += step
        main[1:] += step
        near[:-1] -= step
    if n > 2:
        bend = w * dt_s**-3
        main[:-2] += bend
        main[1:-1] += 4 * bend
        main[2:] += bend
        near[:-2] -= 2 * bend
        near[1:-1] -= 2 * bend
        far[:-2] += bend
    lower = np.zeros((_BANDS, n, _BLOCK))
    for i in range(_BLOCK):
        for j in range(i + 1):
            lower[i - j, :, j] = diagonal[:, i, j]
    lower[0] += main
    lower[_BLOCK] = near
    lower[2 * _BLOCK] = far
    bands = lower.reshape(_BANDS, n * _BLOCK)[: min(_BANDS, n * _BLOCK)]
    solution = solveh_banded(
        bands, right.reshape(-1), lower=True, overwrite_ab=True, overwrite_b=True, check_finite=False
    )
    return solution.reshape(n, _BLOCK)

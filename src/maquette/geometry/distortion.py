"""Lens distortion of image coordinates at unit depth: Human3.6M's formula and OpenCV's, both ways."""

from typing import Literal

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError

DistortionModel = Literal["none", "h36m", "opencv"]

DISTORTION_LENGTHS: dict[str, tuple[int, ...]] = {"none": (0,), "h36m": (5,), "opencv": (4, 5, 8, 12)}
"""Numbers of coefficients that each model takes."""


def distort(
    normalized: Float[np.ndarray, "*batch 2"], coefficients: tuple[float, ...], model: DistortionModel
) -> Float[np.ndarray, "*batch 2"]:
    """Bend ideal image coordinates x/z, y/z as the lens does.

    "h36m" takes (k1, k2, k3, p1, p2), "opencv" (k1, k2, p1, p2[, k3[, k4, k5, k6[, s1, s2, s3, s4]]]).
    Raises InputError when the number of coefficients does not belong to the model.
    """
    normalized = np.asarray(normalized, dtype=np.float64)
    if len(coefficients) not in DISTORTION_LENGTHS[model]:
        wanted = " or ".join(str(n) for n in DISTORTION_LENGTHS[model])
        raise InputError(f"{len(coefficients)} coefficients for distortion '{model}', expected {wanted}")
    if model == "none":
        return normalized
    x, y = normalized[..., 0], normalized[..., 1]
    bent = _h36m(x, y, coefficients) if model == "h36m" else _opencv(x, y, coefficients)
    return np.stack(bent, axis=-1)


def _h36m(x: np.ndarray, y: np.ndarray, coefficients: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Human3.6M's own code, as Martinez et al. (2017) use it. Not OpenCV's: the mixed tangential terms count once."""
    k1, k2, k3, p1, p2 = coefficients
    r2 = x * x + y * y
    factor = 1 + r2 * (k1 + r2 * (k2 + r2 * k3)) + p1 * y + p2 * x
    return x * factor + p2 * r2, y * factor + p1 * r2


def _opencv(x: np.ndarray, y: np.ndarray, coefficients: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The rational, tangential and thin prism model of OpenCV's calib3d documentation (no tilted sensor)."""
    k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4 = (*coefficients, *(0.0,) * (12 - len(coefficients)))
    r2 = x * x + y * y
    radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
    return (
        x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x) + r2 * (s1 + r2 * s2),
        y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y + r2 * (s3 + r2 * s4),
    )


def undistort(
    distorted: Float[np.ndarray, "*batch 2"],
    coefficients: tuple[float, ...],
    model: DistortionModel,
    *,
    max_steps: int = 50,
    tolerance: float = 1e-10,
) -> Float[np.ndarray, "*batch 2"]:
    """The ideal image coordinates that the lens bends into `distorted`: Newton steps with a difference quotient.

    Where no solution is found to `tolerance` (beyond the radius at which the polynomial folds back) the result is NaN.
    """
    distorted = np.asarray(distorted, dtype=np.float64)
    if model == "none":
        return distort(distorted, coefficients, model)
    step = 1e-6
    guess = distorted
    for _ in range(max_steps):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            error = distort(guess, coefficients, model) - distorted
            if not np.any(np.abs(error) > tolerance * 0.01):
                break
            dx, dy = (
                (distort(guess + step * e, coefficients, model) - distort(guess - step * e, coefficients, model))
                / (2 * step)
                for e in np.eye(2)
            )
            det = dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0]
            correction = np.stack(
                (
                    (error[..., 0] * dy[..., 1] - error[..., 1] * dy[..., 0]) / det,
                    (error[..., 1] * dx[..., 0] - error[..., 0] * dx[..., 1]) / det,
                ),
                axis=-1,
            )
        guess = guess - np.clip(correction, -0.5, 0.5)
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.abs(distort(guess, coefficients, model) - distorted).max(axis=-1, keepdims=True, initial=0.0)
    # A polynomial that folds back has further solutions outside; only the branch through the centre is the lens.
    inside = np.sum(guess * distorted, axis=-1, keepdims=True) >= 0
    return np.where((error <= tolerance) & inside, guess, np.nan)

"""Root-relative poses of several people made steady one frame at a time: the One-Euro filter, joint by joint."""

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.errors import InputError

MIN_CUTOFF_HZ = 2.5
"""Cutoff at rest. Chosen with :data:`BETA` by benchmarks/causal_accuracy.py."""
BETA = 4.0
"""Rise of the cutoff in Hz per metre and second."""


class PoseFilter:
    """The One-Euro filter (Casiez, Roussel, Vogel, CHI 2012, algorithm 1) on the joints of up to ``capacity`` people.

    Two things are not as in :class:`maquette.refine.keypoints_smooth.OneEuro`. All coordinates of a joint share one
    cutoff, from the size of its velocity, so that the result does not depend on the axes. And its low-pass is passed
    twice with the same cutoff: for the same delay that leaves a fifth less of the shaking that a lifter's noise makes
    (benchmarks/causal_accuracy.py).

    Raises:
        InputError: cutoffs that are not positive, or a negative beta.
    """

    def __init__(
        self,
        capacity: int,
        joints: int,
        *,
        min_cutoff_hz: float | int = MIN_CUTOFF_HZ,
        beta: float | int = BETA,
        derivative_cutoff_hz: float | int = 1.0,
    ) -> None:
        if not (min_cutoff_hz > 0 and derivative_cutoff_hz > 0 and beta >= 0):
            raise InputError(
                f"pose filter with min_cutoff_hz {min_cutoff_hz:g}, derivative_cutoff_hz {derivative_cutoff_hz:g}, "
                f"beta {beta:g}; expected positive cutoffs and beta of 0 or more"
            )
        self._min_cutoff_hz, self._beta = float(min_cutoff_hz), float(beta)
        self._derivative_cutoff_hz = float(derivative_cutoff_hz)
        self._value = np.zeros((capacity, joints, 3))
        self._velocity = np.zeros((capacity, joints, 3))
        self._twice = np.zeros((capacity, joints, 3))
        self._known = np.zeros(capacity, dtype=bool)

    def reset(self, row: int) -> None:
        """Forget one person."""
        self._known[row] = False

    def __call__(
        self,
        rows: Int[np.ndarray, " people"],
        poses_m: Float[np.ndarray, "people joints 3"],
        seen: Bool[np.ndarray, " people"],
        dt_s: Float[np.ndarray, " people"],
    ) -> Float[np.ndarray, "people joints 3"]:
        """Filtered poses; the first pose of a person comes back as it is.

        Args:
            seen: False where the pose is not to be believed: the last one is held, and the filter left alone.
            dt_s: since the last pose that was ``seen``; positive (not read for the first).
        """
        known = self._known[rows]
        begun = known[:, None, None]
        value = np.where(begun, self._value[rows], poses_m)
        twice = np.where(begun, self._twice[rows], poses_m)
        step = dt_s[:, None, None]
        # Algorithm 1 takes the speed against the filtered value, not the raw one before.
        velocity = np.where(begun, self._velocity[rows], 0.0)
        change = poses_m - value
        velocity = velocity + _alpha(step, self._derivative_cutoff_hz) * (change / step - velocity)
        speed = np.sqrt(np.einsum("pji,pji->pj", velocity, velocity))[..., None]
        alpha = _alpha(step, self._min_cutoff_hz + self._beta * speed)
        once = value + alpha * change
        filtered = twice + alpha * (once - twice)
        if seen.all():
            self._value[rows], self._velocity[rows], self._twice[rows] = once, velocity, filtered
            self._known[rows] = True
            return filtered
        taken = rows[seen]
        self._value[taken], self._velocity[taken], self._twice[taken] = once[seen], velocity[seen], filtered[seen]
        self._known[taken] = True
        return np.where(seen[:, None, None], filtered, twice)


def _alpha(step_s: np.ndarray, cutoff_hz: np.ndarray | float) -> np.ndarray:
    """Smoothing factor of a first-order low-pass."""
    rate = (2.0 * np.pi) * cutoff_hz * step_s
    return rate / (1.0 + rate)

"""A first idea of gravity from upright bodies, for the time before anything better is known."""

import dataclasses
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float

from maquette.motion import Motion
from maquette.refine.causal_calibration import Calibration
from maquette.refine.motion_tilt import estimate_tilt
from maquette.skeletons import LIFTED_21

_LOOKS_S = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0)
"""When, after somebody was first seen, the tilt is estimated from what has been seen until then."""
_EVERY_S = 0.1


class EarlyTilt:
    """Collects poses and says now and then what they tell of gravity.

    Without it, a camera that looks down by 30 degrees is taken to look down by 5 until the calibration, and whoever
    walks away from it sinks into the floor.
    """

    def __init__(self, calibration: Calibration) -> None:
        self._start = calibration
        self._poses: list[np.ndarray] = []
        self._legs: list[np.ndarray] = []
        self._begun_s = self._last_s = -np.inf
        self._next = 0
        known = max(calibration.pitch_sigma_rad, calibration.roll_sigma_rad) == 0.0
        self.done = known or calibration.camera_height_m is not None
        """Whether nothing will come any more."""

    def stop(self) -> None:
        """Something better is known."""
        self.done = True
        self._poses.clear()
        self._legs.clear()

    def __call__(
        self,
        poses_m: Float[np.ndarray, "people 21 3"],
        seen: Bool[np.ndarray, " people"],
        legs: Bool[np.ndarray, " people"],
        time_s: float,
    ) -> Calibration | None:
        """A better tilt, at a few moments; None at all others.

        Args:
            poses_m: camera axes.
            legs: whose legs are seen; nobody else's pose is taken while there are such.
        """
        if self.done or not seen.any():
            return None
        if not self._poses:
            self._begun_s = time_s
        if time_s - self._last_s >= _EVERY_S - 5e-4:
            self._last_s = time_s
            self._poses.append(poses_m[seen])
            self._legs.append(legs[seen])
        if time_s - self._begun_s < _LOOKS_S[self._next] - 5e-4:
            return None
        self._next += 1
        together = np.concatenate(self._poses)
        with_legs = np.concatenate(self._legs)
        if with_legs.any():
            together = together[with_legs]
        start = self._start
        tilt = estimate_tilt(
            Motion(together, LIFTED_21, Fraction(30), "camera"),
            legs_seen=bool(with_legs.any()),
            pitch_rad=None if start.pitch_sigma_rad else start.pitch_rad,
            roll_rad=None if start.roll_sigma_rad else start.roll_rad,
        )
        if self._next == len(_LOOKS_S):
            self.stop()
        return dataclasses.replace(
            start,
            pitch_rad=tilt.pitch_rad,
            roll_rad=tilt.roll_rad,
            pitch_sigma_rad=tilt.pitch_sigma_rad,
            roll_sigma_rad=tilt.roll_sigma_rad,
            evidence=f"{start.evidence}; gravity so far from {tilt.evidence}",
        )

"""Points for joints that a detector loses for a moment, as they come.

To a lifter a missing joint is another input than one that is there: each time a wrist flickers, the whole body
twitches. Offline a gap is bridged by a curve; here the path before it goes on and comes to rest.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.refine.keypoints_gaps import FILLED_CONFIDENCE

HOLD_S = 0.15
"""For how long; what is away for longer is hidden, and the lifter shall know."""
_COAST_S = 0.05
"""Time constant with which a lost joint comes to rest."""
_FOLLOW_S = 0.04
"""Time constant of the velocity: that of two sightings is mostly a detector's noise."""


class GapStream:
    """Continues joints for up to :data:`HOLD_S` after they were seen last, for several people.

    Args:
        joints: of the skeleton.
        capacity: rows, one for each person followed.
    """

    def __init__(self, joints: int, capacity: int) -> None:
        self._point = np.zeros((capacity, joints, 2))
        self._velocity = np.zeros((capacity, joints, 2))
        self._confidence = np.zeros((capacity, joints))
        self._seen_s = np.full((capacity, joints), -np.inf)

    def reset(self, row: int) -> None:
        """Forget a person."""
        self._seen_s[row] = -np.inf

    def __call__(
        self,
        rows: Int[np.ndarray, " people"],
        points: Float[np.ndarray, "people joints 2"],
        confidence: Float[np.ndarray, "people joints"],
        time_s: float,
    ) -> Bool[np.ndarray, "people joints"]:
        """Fill what is missing, in place; True where something was filled.

        Args:
            points: pixels.
            confidence: 0 where missing. Filled points get half of that of the last sighting.
        """
        seen = confidence > 0
        age_s = time_s - self._seen_s[rows]
        filled = ~seen & (age_s <= HOLD_S)
        if filled.any():
            who, what = np.nonzero(filled)
            slot = rows[who]
            ahead_s = _COAST_S * (1.0 - np.exp(-age_s[who, what] / _COAST_S))
            points[who, what] = self._point[slot, what] + ahead_s[:, None] * self._velocity[slot, what]
            confidence[who, what] = FILLED_CONFIDENCE * self._confidence[slot, what]
        # After a gap the way from the last sighting is a mean velocity: as good as any.
        followed = seen & (age_s <= HOLD_S)
        step_s = np.where(followed, age_s, 1.0)
        here = np.where(seen[..., None], points, self._point[rows])
        change = (here - self._point[rows]) / step_s[..., None]
        share = (1.0 - np.exp(-step_s / _FOLLOW_S))[..., None]
        velocity = self._velocity[rows]
        velocity = np.where(followed[..., None], velocity + share * (change - velocity), velocity)
        self._velocity[rows] = np.where((seen & ~followed)[..., None], 0.0, velocity)
        self._point[rows] = here
        self._confidence[rows] = np.where(seen, confidence, self._confidence[rows])
        self._seen_s[rows] = np.where(seen, time_s, self._seen_s[rows])
        return filled

"""Which feet stand, and how high the floor is, one frame at a time."""

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.refine.motion_contacts import CONTACT_JOINTS, rest_heights_m

REST_M = rest_heights_m(CONTACT_JOINTS)
_BEGIN = (0.10, 0.50)
_HOLD = (0.15, 0.90)
"""Limits of height (m) and speed (m/s), as in :func:`maquette.refine.motion_contacts.detect_contacts`. They are wider
than there: what a filter without a future leaves of a detector's noise makes standing feet faster. With the limits of
the offline detector a third of the contacts is missed (benchmarks/causal_accuracy.py)."""
_CUTOFF_HZ = 6.0
"""Of each of two first-order low-passes on the feet's paths: together 3 dB down at 3.9 Hz, 53 ms late."""
_ALONG = 2.0 / 3.0
"""Share of the speed along the viewing ray that is taken off: it is mostly error."""
_FAST_MPS, _SETTLED_S = 0.5, 1.0
"""How fast the level of a person's floor may change at first, and until when."""
_FOLLOW_S = 0.5
_SUNK_M = 0.03


class ContactDetector:
    """Hysteresis of height and speed, as offline, on up to ``capacity`` people.

    A contact begins when height over the lowest foot and speed are both below the first of their limits and ends when
    one of them exceeds the second. The speed comes 53 ms late through its low-pass; what came after a frame, and how
    long a contact will have lasted, cannot be asked here.
    """

    def __init__(self, capacity: int) -> None:
        feet = len(CONTACT_JOINTS)
        self._low = np.zeros((capacity, feet, 3))
        self._lower = np.zeros((capacity, feet, 3))
        self._standing = np.zeros((capacity, feet), dtype=bool)
        self._known = np.zeros(capacity, dtype=bool)

    def reset(self, row: int) -> None:
        """Forget one person."""
        self._known[row] = False
        self._standing[row] = False

    def __call__(
        self,
        rows: Int[np.ndarray, " people"],
        feet_m: Float[np.ndarray, "people feet 3"],
        seen: Bool[np.ndarray, "people feet"],
        ray: Float[np.ndarray, "people 3"],
        up: Float[np.ndarray, "3"],
        dt_s: Float[np.ndarray, " people"],
    ) -> tuple[Bool[np.ndarray, "people feet"], Bool[np.ndarray, "people feet"]]:
        """``(standing, still)``: the feet that stand, and those of them that also stood in the frame before.

        Args:
            feet_m: places in camera axes (from the picture where it shows them).
            seen: feet that the picture shows.
        """
        known = self._known[rows]
        begun = known[:, None, None]
        low = np.where(begun, self._low[rows], feet_m)
        lower = np.where(begun, self._lower[rows], feet_m)
        share = (1.0 - np.exp(-2 * np.pi * _CUTOFF_HZ * dt_s))[:, None, None]
        low = low + share * (feet_m - low)
        step = share * (low - lower)
        self._low[rows], self._lower[rows] = low, lower + step
        velocity = step / dt_s[:, None, None]
        velocity = velocity - _ALONG * np.einsum("pfi,pi->pf", velocity, ray)[..., None] * ray[:, None]
        speed = np.sqrt(np.einsum("pfi,pfi->pf", velocity, velocity))
        height = feet_m @ up - REST_M
        height = height - height.min(axis=1, keepdims=True)
        before = self._standing[rows] & known[:, None]
        begin = (height < _BEGIN[0]) & (speed < _BEGIN[1])
        hold = (height < _HOLD[0]) & (speed < _HOLD[1])
        standing = seen & (begin | (hold & before))
        self._standing[rows] = standing
        self._known[rows] = True
        return standing, standing & before


class FloorLevel:
    """The height of each person's own floor over that of the session, so that feet are seen to stand on y = 0.

    Offline, the ground is levelled once for a clip and slow drift is taken out. Here the level starts where the lowest
    foot of the first frame stands, and then follows the standing feet, never faster than it is told once it has
    settled (0.5 m/s in the first second), so that nobody is seen to jump.
    """

    def __init__(self, capacity: int) -> None:
        self._level_m = np.zeros(capacity)
        self._age_s = np.zeros(capacity)
        self._known = np.zeros(capacity, dtype=bool)

    def reset(self, row: int) -> None:
        """Forget one person."""
        self._known[row] = False
        self._age_s[row] = 0.0

    def level_m(self, rows: Int[np.ndarray, " people"]) -> Float[np.ndarray, " people"]:
        """As put out last."""
        return self._level_m[rows]

    def shift(self, rows: Int[np.ndarray, " people"], by_m: Float[np.ndarray, " people"]) -> None:
        """Move levels because heights are being measured anew; they may then move fast again for a second."""
        self._level_m[rows] += by_m
        self._age_s[rows] = 0.0

    def __call__(
        self,
        rows: Int[np.ndarray, " people"],
        heights_m: Float[np.ndarray, "people feet"],
        standing: Bool[np.ndarray, "people feet"],
        wanted_m: Float[np.ndarray, " people"],
        dt_s: Float[np.ndarray, " people"],
        fastest_mps: float = 0.06,
    ) -> Float[np.ndarray, " people"]:
        """What has to be added to the heights of each person.

        Args:
            heights_m: of the feet over the session's floor, less :data:`REST_M`.
            wanted_m: for people whose feet are not seen, what the level should be; NaN for the others.
            fastest_mps: how fast a level that has settled may change.
        """
        known = self._known[rows]
        lowest = heights_m.min(axis=1)
        blind = np.isfinite(wanted_m)
        start = np.where(blind, wanted_m, -lowest)
        level = np.where(known, self._level_m[rows], start)
        count = standing.sum(1)
        mean = np.where(standing, heights_m, 0.0).sum(1) / np.maximum(count, 1)
        # Feet that are under the floor without standing: it lies deeper than thought.
        sunk = lowest + level < -_SUNK_M
        target = np.where(blind, wanted_m, np.where(count > 0, -mean, np.where(sunk, -lowest, level)))
        self._age_s[rows] += dt_s
        settled = np.minimum(self._age_s[rows] / _SETTLED_S, 1.0)
        limit = dt_s * (_FAST_MPS + (fastest_mps - _FAST_MPS) * settled)
        step = (target - level) * (1.0 - np.exp(-dt_s / _FOLLOW_S))
        level = level + np.where(known, np.minimum(np.maximum(step, -limit), limit), 0.0)
        self._level_m[rows] = level
        self._known[rows] = True
        return level

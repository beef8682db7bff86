"""Standing feet held where they stand, one frame at a time."""

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.geometry.rotations import cross
from maquette.refine.causal_ground import REST_M
from maquette.refine.causal_path import EvenPathFilter, PathFilter
from maquette.refine.motion_contacts import CONTACT_JOINTS
from maquette.refine.motion_hips import STRAIGHTEST
from maquette.refine.motion_path import information_at_cutoff
from maquette.refine.motion_plant import bent_leg
from maquette.skeletons import LIFTED_21

_HOLD_HZ, _RELEASE_HZ, _MAX_MOVE_M = 6.0, 2.0, 0.15
"""As :func:`maquette.refine.motion_plant.plant_feet` has them."""
_HIPS_HZ, _DEGREES_PER_M = 2.0, 300.0
"""As :func:`maquette.refine.motion_hips.hips_that_keep_knees` has them."""
_CREEP_MPS = 0.05
"""How fast the place of a standing foot may follow what is seen: its first sighting is not its best."""
_LANDING_S, _LANDING_MPS = 0.1, 0.4
"""Time constant and greatest speed with which it comes down to the floor, or up to it."""

_FEET = np.array(LIFTED_21.indices(CONTACT_JOINTS))
_SIDES = ("l_", "r_")
_HIP, _KNEE, _ANKLE = (
    np.array(LIFTED_21.indices([side + part for side in _SIDES])) for part in ("hip", "knee", "ankle")
)
_LEGS = np.stack((_HIP, _KNEE, _ANKLE))
_THORAX = np.array([LIFTED_21.index("thorax")])
_SOLES = np.array([LIFTED_21.children(ankle) for ankle in _ANKLE.tolist()])
"""What hangs on each ankle."""
_EYE = np.eye(3)
_FIRM, _FREE = information_at_cutoff(_HOLD_HZ), information_at_cutoff(_RELEASE_HZ)
_OWN = information_at_cutoff(_HIPS_HZ)


class FootPlanter:
    """The causal counterpart of :func:`maquette.refine.motion_plant.plant_feet` for up to ``capacity`` people.

    The same offset of each foot and the same shift of the hips, as far as the past knows them
    (:class:`maquette.refine.causal_path.PathFilter`). The place of a contact, offline its mean, is where the foot was
    put out when the contacts of that foot last changed, and creeps towards where it is seen; its height comes to that
    of the floor.
    """

    def __init__(self, capacity: int) -> None:
        self._offset = EvenPathFilter(2 * capacity)
        self._shift = PathFilter(capacity)
        self._places = np.zeros((capacity, len(_FEET), 3))
        self._stood = np.zeros((capacity, len(_FEET)), dtype=bool)
        self._moved = np.zeros((capacity, 2, 3))

    def reset(self, row: int) -> None:
        """Forget one person."""
        self._shift.reset(row)
        self._offset.reset(2 * row)
        self._offset.reset(2 * row + 1)
        self._stood[row] = False
        self._moved[row] = 0.0

    def __call__(
        self,
        rows: Int[np.ndarray, " people"],
        positions_m: Float[np.ndarray, "people 21 3"],
        standing: Bool[np.ndarray, "people feet"],
        dt_s: Float[np.ndarray, " people"],
    ) -> Float[np.ndarray, "people 21 3"]:
        """The people in the world with their standing feet in place; bone lengths stay.

        Args:
            positions_m: Y up, ground at y = 0.
        """
        offset = self._offsets(rows, positions_m[:, _FEET], standing, dt_s)
        shift = self._hips(rows, positions_m, offset, dt_s)
        moved = positions_m + shift[:, None]
        leg, hip = positions_m[:, _LEGS], moved[:, _HIP]
        forward = cross((hip[:, :1] - hip[:, 1:]), moved[:, _THORAX] - hip)
        knee, ankle = bent_leg(hip, forward, leg[:, 0], leg[:, 1], leg[:, 2], offset)
        moved[:, _KNEE], moved[:, _ANKLE] = knee, ankle
        moved[:, _SOLES] = positions_m[:, _SOLES] + (ankle - leg[:, 2])[:, :, None]
        return moved

    def _offsets(
        self, rows: np.ndarray, feet: np.ndarray, standing: np.ndarray, dt_s: np.ndarray
    ) -> Float[np.ndarray, "people 2 3"]:
        # The joint that stays when heel or toe leaves stands where it is shown, not where it alone was seen.
        changed = (standing != self._stood[rows]).reshape(len(rows), 2, 2).any(axis=2)
        begins = standing & changed.repeat(2, axis=1)
        places = np.where(begins[..., None], feet + self._moved[rows].repeat(2, axis=1), self._places[rows])
        way = feet - places
        size = _norm(way)
        # Further than the foot may be moved, its place goes along.
        creep = np.maximum(_CREEP_MPS * dt_s[:, None], size - _MAX_MOVE_M)
        places = places + way * np.minimum(1.0, creep / np.maximum(size, 1e-9))[..., None]
        # A foot is seen to stand before it is seen on the floor.
        down = (REST_M - places[..., 1]) * (1.0 - np.exp(-dt_s / _LANDING_S))[:, None]
        limit = _LANDING_MPS * dt_s[:, None]
        places[..., 1] += np.clip(down, -limit, limit)
        self._places[rows], self._stood[rows] = places, standing
        gap = np.where(standing[..., None], places - feet, 0.0).reshape(len(rows), 2, 2, 3).sum(axis=2)
        count = np.add.reduce(standing.reshape(len(rows), 2, 2), axis=2)
        firm = (_FIRM / np.maximum(count, 1)).reshape(-1)
        points = (2 * rows[:, None] + np.arange(2)).reshape(-1)
        information = _FREE + firm * count.reshape(-1)
        offset = self._offset(points, dt_s.repeat(2), firm[:, None] * gap.reshape(-1, 3), information)
        offset = offset.reshape(len(rows), 2, 3)
        size = _norm(offset)
        offset *= np.minimum(1.0, _MAX_MOVE_M / np.maximum(size, 1e-9))[..., None]
        self._moved[rows] = offset
        return offset

    def _hips(
        self, rows: np.ndarray, positions: np.ndarray, offset: np.ndarray, dt_s: np.ndarray
    ) -> Float[np.ndarray, "people 3"]:
        """The shift of :func:`maquette.refine.motion_hips.hips_that_keep_knees`."""
        hip, knee, ankle = positions[:, _HIP], positions[:, _KNEE], positions[:, _ANKLE]
        leg = ankle - hip
        way = leg + offset
        thigh, shin, before, wanted = _norm(np.array((knee - hip, ankle - knee, leg, way)))
        along = way / np.maximum(wanted, 1e-9)[..., None]
        length = np.maximum(thigh + shin, 1e-9)
        sine = np.maximum(np.sqrt(np.maximum(1.0 - (before / length) ** 2, 0.0)), STRAIGHTEST)
        weight = _OWN * (np.degrees(2.0 / (length * sine)) / _DEGREES_PER_M) ** 2
        weighed = weight[..., None] * along
        information = _OWN * _EYE + weighed.swapaxes(1, 2) @ along
        pull = np.add.reduce((wanted - before)[..., None] * weighed, axis=1)
        self._shift.predict(rows, dt_s)
        return self._shift.update(rows, dt_s, pull, information)


def _norm(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt(np.add.reduce(vectors * vectors, axis=-1))

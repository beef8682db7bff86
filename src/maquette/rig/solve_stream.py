"""Local rotations of several people from their joints' positions, one frame at a time."""

import numpy as np
from jaxtyping import Complex, Float, Int

from maquette.errors import InputError
from maquette.geometry.rotations import quat_identity
from maquette.rig.hinge import MEMORY_S
from maquette.rig.running import RunningBones, RunningMedians
from maquette.rig.solve_memory import Parts, Seen
from maquette.rig.solve_moments import MomentSolver, RestFigure, rest_figure
from maquette.skeletons import LIFTED_21

Rows = Int[np.ndarray, " people"]

_JOINTS = len(LIFTED_21)
_HELD_PARTS = {"trunk": 2, "head": 1, "feet": 2}
_LEVER_SAMPLES, _LEVER_EVERY = 64, 16
_USUAL_LEVER_M = 0.04 + np.linspace(-0.02, 0.02, 16)
"""How far the nose of Human3.6M stands before the line from thorax to crown, and how far lifted ones are off: of one
frame alone nobody can tell."""
_FIRST_STEP_S = 1.0 / 30.0
_LONGEST_STEP_S = 0.1
"""One frame stands for no more time than this, so that the first after a gap does not outweigh all before it."""


class RotationStream:
    """What :func:`maquette.rig.solve_rotations` does, from the frames so far alone.

    Args:
        capacity: how many people at once; rows are 0 to ``capacity`` - 1.

    Raises:
        InputError: a capacity below one.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise InputError(f"capacity is {capacity} people, expected at least 1")
        self.bones = RunningBones(capacity)
        """Rest offsets of each row; :class:`maquette.rig.humanoid_stream.HumanoidStream` can share them."""
        self._solver = MomentSolver(LIFTED_21)
        self._memory = StreamMemory(capacity)
        at_rest = rest_figure(LIFTED_21, np.zeros((_JOINTS, capacity, 3)))
        self._crown, self._toes = at_rest.crown, at_rest.toes
        self._has_toes, self._heel_m2 = at_rest.has_toes, at_rest.heel_m2
        self._signs = SignKeeper(capacity, _JOINTS)

    def __call__(
        self, rows: Rows, positions_m: Float[np.ndarray, "people 21 3"], time_s: float | int
    ) -> Float[np.ndarray, "people 21 4"]:
        """Rotations of each joint relative to its parent, as :attr:`maquette.motion.Motion.rotations` has them.

        Args:
            rows: of the people in this frame, ascending, each once.
            positions_m: of the joints of ``maquette-21`` in the world; NaN where unknown.
            time_s: of the frame; later than that of the last one with the same people.

        Returns:
            Unit quaternions wxyz; NaN where a position that they depend on is.
        """
        if not len(rows):
            return np.zeros((0, _JOINTS, 4))
        joints = np.ascontiguousarray(positions_m.transpose(1, 0, 2), dtype=np.float64)
        changed = self.bones.add(rows, joints)
        if changed.size:
            self._take_figures(changed)
        rest = RestFigure(self._crown[rows], self._toes[:, rows], self._has_toes[:, rows], self._heel_m2[:, rows])
        self._memory.begin(rows, float(time_s))
        rotations = self._solver(joints, rest, self._memory, limit_twist=True)
        return self._signs(rows, rotations.transpose(1, 0, 2))

    def reset(self, row: int) -> None:
        """Forget one row: somebody else will be in it."""
        self.bones.reset(row)
        self._memory.reset(row)
        self._signs.reset(row)

    def _take_figures(self, rows: Rows) -> None:
        figure = rest_figure(LIFTED_21, self.bones.offsets_m[rows].transpose(1, 0, 2))
        self._crown[rows], self._toes[:, rows] = figure.crown, figure.toes
        self._has_toes[:, rows], self._heel_m2[:, rows] = figure.has_toes, figure.heel_m2


class StreamMemory:
    """What earlier frames say (:class:`maquette.rig.solve_memory.Memory`); :meth:`begin` comes before each frame."""

    def __init__(self, capacity: int) -> None:
        self._rows = np.zeros(0, dtype=np.int64)
        self._last_s = np.full(capacity, np.nan)
        self._step_s = np.zeros(0)
        self._held = {name: quat_identity((parts, capacity)) for name, parts in _HELD_PARTS.items()}
        self._pull = np.zeros((4, capacity), dtype=np.complex128)
        self._weight = np.zeros(capacity)
        self._levers = RunningMedians(capacity, 1, samples=_LEVER_SAMPLES, every=_LEVER_EVERY, prior=_USUAL_LEVER_M)

    def begin(self, rows: Rows, time_s: float) -> None:
        """A new frame with the people in ``rows``."""
        step_s = time_s - self._last_s[rows]
        self._step_s = np.where(np.isnan(step_s), _FIRST_STEP_S, step_s)
        self._last_s[rows] = time_s
        self._rows = rows

    def held(self, name: str, quats: Parts, seen: Seen) -> Parts:
        """As :meth:`maquette.rig.solve_memory.Memory.held`."""
        last = self._held[name]
        known = np.isfinite(quats[..., 0])
        if known.all():
            last[:, self._rows] = quats
            return quats
        before = last[:, self._rows]
        last[:, self._rows] = np.where(known[..., None], quats, before)
        return np.where((seen() & ~known)[..., None], before, quats)

    def neighbours(self, pull: Complex[np.ndarray, "limbs people"]) -> Complex[np.ndarray, "limbs people"]:
        """As :meth:`maquette.rig.solve_memory.Memory.neighbours`: the past counts the less the longer ago it is, by
        the same time constant as the deviation of the offline weights."""
        rows = self._rows
        kept = np.exp(-self._step_s / MEMORY_S)
        share = 1.0 - np.exp(-np.minimum(self._step_s, _LONGEST_STEP_S) / MEMORY_S)
        self._weight[rows] = weight = kept * self._weight[rows] + share
        self._pull[:, rows] = total = kept * self._pull[:, rows] + share * pull
        return total / weight

    def spread(
        self, levers_m: Float[np.ndarray, "people 1"]
    ) -> tuple[Float[np.ndarray, "people 1"], Float[np.ndarray, "people 1"]]:
        """As :meth:`maquette.rig.solve_memory.Memory.spread`."""
        self._levers.add(self._rows, levers_m)
        usual_m, off_m = self._levers.medians[self._rows], self._levers.deviations[self._rows]
        known = np.isfinite(usual_m)
        return np.where(known, usual_m, 0.0), 1.48 * np.where(known, off_m, 0.0)

    def reset(self, row: int) -> None:
        """Forget one row."""
        self._last_s[row] = np.nan
        for quats in self._held.values():
            quats[:, row] = quat_identity()
        self._pull[:, row] = 0.0
        self._weight[row] = 0.0
        self._levers.reset(row)


class SignKeeper:
    """Of the two quaternions of each rotation the one in the hemisphere of the row's last known."""

    def __init__(self, capacity: int, joints: int) -> None:
        self._last = np.zeros((capacity, joints, 4))

    def __call__(self, rows: Rows, quats: Float[np.ndarray, "people joints 4"]) -> Float[np.ndarray, "people joints 4"]:
        """The same rotations; NaN stay NaN and are skipped."""
        last = self._last[rows]
        turned = np.where(np.add.reduce(quats * last, axis=-1, keepdims=True) < 0, -quats, quats)
        self._last[rows] = np.where(np.isnan(turned), last, turned)
        return turned

    def reset(self, row: int) -> None:
        """Forget one row."""
        self._last[row] = 0.0

"""Online refinement exactly as Wang et al. 2019 published it: one frame after the other, weights trained for each.

For every frame the program takes two steps of Adam on the two correcting layers, against the 2D of that frame, and
restores their weights. Two things are not what they seem, and both are repeated here:

* A step gives the pose from *before* its update. The pose of the second step, which is the one that is kept, has had
  one update; the update of the second step is never used.
* Only the weights are restored. Adam's moments go on from frame to frame, those of the unused steps included, so that a
  frame's result depends on all frames before it. That is ``optimiser_state="carry"``; ``"reset"`` forgets.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import DTypeLike

from maquette.errors import InputError
from maquette.refine.correction_loss import PUBLISHED_LOSS, PictureLoss
from maquette.refine.correction_network import Correction
from maquette.refine.correction_weights import CorrectionWeights, Layer

OptimiserState = Literal["reset", "carry"]

LEARNING_RATE = 1.5e-4
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
"""Of Adam. Epsilon stands beside the uncorrected root of the second moment, as in TensorFlow."""


@dataclass(frozen=True, eq=False)
class RefinedPoses:
    """Every pose on the way: column k has had k updates; column 0 is the correction without any."""

    poses: Float[np.ndarray, "frames steps 48"]
    projected: Float[np.ndarray, "frames steps 32"]
    point_loss: Float[np.ndarray, "frames steps"]
    bone_loss: Float[np.ndarray, "frames steps"]

    @property
    def loss(self) -> Float[np.ndarray, "frames steps"]:
        """Points and bones together, as published."""
        return self.point_loss + self.bone_loss

    @property
    def best_step(self) -> Int[np.ndarray, " frames"]:
        """The number of updates with the smallest loss; the fewest of several."""
        return np.argmin(self.loss, axis=1)

    def chosen(self, *, best: bool = False) -> Float[np.ndarray, "frames 48"]:
        """The pose of each frame after all updates, or (``best``) the one with the smallest loss."""
        steps = self.best_step if best else np.full(len(self.poses), self.poses.shape[1] - 1)
        return self.poses[np.arange(len(self.poses)), steps]


class Step(NamedTuple):
    """What one step saw: before its update."""

    pose: Float[np.ndarray, " 48"]
    projected: Float[np.ndarray, " 32"]
    point_loss: float
    bone_loss: float


class OnlineCorrection:
    """The correcting layers while they are trained on one frame.

    Args:
        weights: where every frame starts from.
        batch_norm_scale: see :class:`maquette.refine.correction_network.Correction`.

    Raises:
        InputError: the learning rate is not positive.
    """

    def __init__(
        self,
        weights: CorrectionWeights,
        *,
        learning_rate: float = LEARNING_RATE,
        loss: PictureLoss = PUBLISHED_LOSS,
        batch_norm_scale: bool | None = True,
        dtype: DTypeLike = np.float64,
    ) -> None:
        check_step_size(learning_rate)
        self.network = Correction(weights, dtype=dtype, batch_norm_scale=batch_norm_scale)
        self.learning_rate, self.loss = learning_rate, loss
        self._start = [*self.network.change_tmp, *self.network.change]
        self.restore_weights()
        self.reset_optimiser()

    def restore_weights(self) -> None:
        """Back to the weights that every frame starts from."""
        w0, b0, w00, b00 = (array.copy() for array in self._start)
        self.network.change_tmp, self.network.change = Layer(w0, b0), Layer(w00, b00)

    def reset_optimiser(self) -> None:
        """Forget the moments."""
        self._first = [np.zeros_like(array) for array in self._start]
        self._second = [np.zeros_like(array) for array in self._start]
        self._updates = 0

    def step(
        self,
        pose: Float[np.ndarray, " 48"],
        picture: Float[np.ndarray, " 32"],
        weight: Float[np.ndarray, " 16"] | None = None,
    ) -> Step:
        """One update, and what was there before it."""
        network = self.network
        e, d = (values[None].astype(network.dtype) for values in (pose, picture))
        hidden, corrected = network.correct(e)
        projected, activations = network.project(corrected)
        error = self.loss(projected, d, None if weight is None else weight[None])
        to_pose = network.pose_gradient(error.gradient, activations)
        to_hidden = network.hidden_gradient(to_pose, hidden)
        self._adam([e.T * to_hidden, to_hidden[0], hidden.T * to_pose, to_pose[0]])
        return Step(corrected[0], projected[0], float(error.point[0]), float(error.bone[0]))

    def _adam(self, gradients: list[np.ndarray]) -> None:
        self._updates += 1
        rate = self.learning_rate * np.sqrt(1 - BETA_2**self._updates) / (1 - BETA_1**self._updates)
        rate = self.network.dtype.type(rate)
        arrays = [*self.network.change_tmp, *self.network.change]
        for array, gradient, m, v in zip(arrays, gradients, self._first, self._second, strict=True):
            m += (1 - BETA_1) * (gradient - m)
            v += (1 - BETA_2) * (np.square(gradient) - v)
            array -= rate * m / (np.sqrt(v) + EPSILON)


def refine_in_order(
    weights: CorrectionWeights,
    poses: Float[np.ndarray, "frames 48"],
    pictures: Float[np.ndarray, "frames 32"],
    *,
    weight: Float[np.ndarray, "frames 16"] | None = None,
    n_steps: int = 1,
    learning_rate: float = LEARNING_RATE,
    optimiser_state: OptimiserState = "carry",
    loss: PictureLoss = PUBLISHED_LOSS,
    batch_norm_scale: bool | None = True,
    dtype: DTypeLike = np.float64,
) -> RefinedPoses:
    """Refine the frames one after the other, as published (``n_steps=1`` is its "2 iterations").

    Args:
        poses: normalised 3D before the correction.
        pictures: normalised 2D.
        weight: of each 2D joint; None for all alike.
        n_steps: updates that a pose has had at last.
        optimiser_state: ``"carry"`` keeps Adam's moments from frame to frame, as published; ``"reset"`` starts anew.

    Raises:
        InputError: a number is out of range, or ``optimiser_state`` is unknown.
    """
    check_steps(n_steps, optimiser_state)
    online = OnlineCorrection(
        weights, learning_rate=learning_rate, loss=loss, batch_norm_scale=batch_norm_scale, dtype=dtype
    )
    shape = (len(poses), n_steps + 1)
    refined = np.empty((*shape, poses.shape[1]), online.network.dtype)
    projected = np.empty((*shape, pictures.shape[1]), online.network.dtype)
    losses = np.empty((2, *shape))
    for frame in range(len(poses)):
        if optimiser_state == "reset":
            online.reset_optimiser()
        for k in range(n_steps + 1):
            step = online.step(poses[frame], pictures[frame], None if weight is None else weight[frame])
            refined[frame, k], projected[frame, k] = step.pose, step.projected
            losses[:, frame, k] = step.point_loss, step.bone_loss
        online.restore_weights()
    return RefinedPoses(refined, projected, losses[0], losses[1])


def check_step_size(learning_rate: float | int) -> None:
    """Raises:
    InputError: the learning rate is not positive.
    """
    if not 0 < learning_rate < np.inf:
        raise InputError(f"the learning rate is {learning_rate}, expected a positive number such as {LEARNING_RATE}")


def check_steps(n_steps: int, optimiser_state: str) -> None:
    """Raises:
    InputError: fewer than no steps, or an unknown state of the optimiser.
    """
    problems = []
    if n_steps < 0:
        problems.append(f"{n_steps} steps, expected 0 (the correction alone) or more")
    if optimiser_state not in ("reset", "carry"):
        problems.append(f"optimiser state is {optimiser_state!r}, expected 'reset' or 'carry'")
    if problems:
        raise InputError.from_problems("self-supervised refinement", problems)

"""Online refinement of many frames at once, each as if it were alone (``optimiser_state="reset"``).

Every frame has weights of its own after its first update: two matrices of 48 by 1024. Most of the time they need not
exist. With one input e, every gradient of the first matrix is an outer product ``e_i a_h`` with the same e, so Adam's
moments are, too: m = e_i M_h and sqrt(v) = abs(e_i) S_h. What its update k adds to the hidden layer is

    - rate_k M_h  sum_i  e_i^2 / (abs(e_i) S_h + eps)

(the bias is an input that is always 1). This holds for any number of updates. The first update of the second matrix,
whose input is the hidden layer y, changes the corrected pose by

    - rate_1 m_c  sum_h  y'_h y_h / (y_h s_c + eps)

with the gradient's moments m_c and s_c, and the hidden layer y' after the update. From its second update on, its input
has changed and the moments are no outer products any more: then they are kept, for a few frames at a time.

These are sums of the same terms as in the loop over matrices, in another order; epsilon is in its place, and zeros (the
root's coordinates, units that are off) stay what they are there: no update.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Float
from numpy.typing import DTypeLike

from maquette.refine.correction_loss import PictureLoss
from maquette.refine.correction_network import Correction, connect
from maquette.refine.correction_published import (
    BETA_1,
    BETA_2,
    EPSILON,
    LEARNING_RATE,
    RefinedPoses,
    check_step_size,
    check_steps,
)
from maquette.refine.correction_weights import CorrectionWeights
from maquette.runtime.products import single_precision_product

FRAMES_AT_ONCE = 512
"""Enough rows for the full speed of matrix products, few enough for their results to stay in the cache."""
MATRICES_AT_ONCE = 64
"""Frames whose own matrices are in memory together when there are several updates: 0.8 MB each."""
_BLOCK = 4  # frames whose terms (48 x 1024) fill the cache


def refine_frames(
    weights: CorrectionWeights,
    poses: Float[np.ndarray, "frames 48"],
    pictures: Float[np.ndarray, "frames 32"],
    *,
    weight: Float[np.ndarray, "frames 16"] | None = None,
    n_steps: int = 1,
    learning_rate: float = LEARNING_RATE,
    loss: PictureLoss | None = None,
    batch_norm_scale: bool | None = None,
    final_loss: bool = True,
    dtype: DTypeLike = np.float32,
    threads: int = 0,
) -> RefinedPoses:
    """What :func:`maquette.refine.correction_published.refine_in_order` gives in state ``"reset"``, all frames at once.

    Args:
        weight: of each 2D joint, 0 where it is missing; 1 when None.
        loss: None for :class:`PictureLoss` as it is by default.
        batch_norm_scale: None as the weights' spec says.
        final_loss: project the last pose, too; without it, its projection and losses are NaN, and a third less work.
        dtype: float32, or float64 to compare with.
        threads: that work on different frames at the same time; 0 for one on each core.

    Raises:
        InputError: a number is out of range.
    """
    check_steps(n_steps, "reset")
    check_step_size(learning_rate)
    product = None
    if np.dtype(dtype) == np.float32 and n_steps > 0 and len(poses) >= FRAMES_AT_ONCE:
        product = single_precision_product(1)
    network = Correction(weights, dtype=dtype, batch_norm_scale=batch_norm_scale, product=product)
    loss = loss if loss is not None else PictureLoss()
    shape = (len(poses), n_steps + 1)
    refined = np.empty((*shape, poses.shape[1]), network.dtype)
    projected = np.full((*shape, pictures.shape[1]), np.nan, network.dtype)
    losses = np.full((2, *shape), np.nan)

    def refine(chunk: slice) -> None:
        d = pictures[chunk].astype(network.dtype)
        online = _OwnWeights(network, poses[chunk].astype(network.dtype), learning_rate, keep_matrices=n_steps > 1)
        for k in range(n_steps + 1):
            refined[chunk, k] = online.pose
            if k == n_steps and not final_loss:
                break
            projected[chunk, k], activations = network.project(online.pose)
            error = loss(projected[chunk, k], d, None if weight is None else weight[chunk])
            losses[:, chunk, k] = error.point, error.bone
            if k < n_steps:
                online.update(network.pose_gradient(error.gradient, activations))

    at_once = FRAMES_AT_ONCE if n_steps < 2 else MATRICES_AT_ONCE
    _on_all_cores(refine, [slice(i, i + at_once) for i in range(0, len(poses), at_once)], threads)
    return RefinedPoses(refined, projected, losses[0], losses[1])


def _on_all_cores(work: Callable[[slice], None], chunks: list[slice], threads: int) -> None:
    """Chunks that do not need each other, each on one thread: nearly all of the work is in NumPy and onnxruntime, which
    let other threads run. Threads of a BLAS besides would only fight for the same cores."""
    if len(chunks) < 2:
        for chunk in chunks:
            work(chunk)
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(threads or _cores()) as pool:
        list(pool.map(work, chunks))


def _cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _OwnWeights:
    """The correcting layers of some frames, each trained on its own frame."""

    def __init__(
        self, network: Correction, poses: Float[np.ndarray, "frames 48"], learning_rate: float, *, keep_matrices: bool
    ) -> None:
        self._network, self._learning_rate, self._updates = network, learning_rate, 0
        inputs = np.concatenate((poses, np.ones((len(poses), 1), poses.dtype)), axis=1)
        self._sizes, self._squares = np.abs(inputs), np.square(inputs)
        self._before_relu = connect(network.change_tmp, poses)
        self._hidden = np.maximum(self._before_relu, 0)
        self.pose = connect(network.change, self._hidden)
        self._first = np.zeros_like(self._hidden)
        self._second = np.zeros_like(self._hidden)
        self._matrices = _OwnMatrices(self._hidden, self.pose) if keep_matrices else None

    def update(self, gradient: Float[np.ndarray, "frames 48"]) -> None:
        """One step of Adam for every frame, given the gradient with respect to its corrected pose."""
        network, matrices = self._network, self._matrices
        self._updates += 1
        rate = self._learning_rate * np.sqrt(1 - BETA_2**self._updates) / (1 - BETA_1**self._updates)
        to_hidden = gradient @ network.change.weight.T
        if matrices is not None:
            to_hidden += matrices.to_hidden(gradient)
        to_hidden *= self._hidden > 0
        self._first += (1 - BETA_1) * (to_hidden - self._first)
        self._second += (1 - BETA_2) * (np.square(to_hidden) - self._second)
        deviation = np.maximum(np.sqrt(self._second), np.finfo(network.dtype).tiny)
        terms = np.empty_like(self._hidden)
        for block, inverse in _inverse_sums(self._sizes, EPSILON / deviation):
            np.matmul(self._squares[block, None], inverse, out=terms[block, None])
        self._before_relu -= network.dtype.type(rate) * (self._first / deviation) * terms
        old, self._hidden = self._hidden, np.maximum(self._before_relu, 0)
        self.pose = connect(network.change, self._hidden)
        if matrices is not None:
            self.pose += matrices.update(old, self._hidden, gradient, rate, self._updates)
        else:
            self.pose += _first_change(old, self._hidden, gradient, self._learning_rate)


def _first_change(
    hidden: Float[np.ndarray, "frames hidden"],
    updated: Float[np.ndarray, "frames hidden"],
    gradient: Float[np.ndarray, "frames 48"],
    learning_rate: float,
) -> Float[np.ndarray, "frames 48"]:
    """What the first update of the second matrix and its bias adds to the pose."""
    # A plain float: NumPy's own would make everything double.
    first_epsilon = float(EPSILON / np.sqrt(1 - BETA_2))
    offset = first_epsilon / np.maximum(np.abs(gradient), np.finfo(gradient.dtype).tiny)
    terms = 1 / (1 + offset)  # of the bias
    products = hidden * updated
    for block, inverse in _inverse_sums(offset, hidden):
        terms[block] += np.matmul(inverse, products[block, :, None])[..., 0]
    return -gradient.dtype.type(learning_rate) * np.sign(gradient) * terms


def _inverse_sums(
    few: Float[np.ndarray, "frames few"], many: Float[np.ndarray, "frames many"]
) -> Iterator[tuple[slice, Float[np.ndarray, "block few many"]]]:
    """``1 / (few_i + many_j)`` of a few frames at a time, in memory that the next ones take over."""
    table = np.empty((_BLOCK, few.shape[1], many.shape[1]), few.dtype)
    # The sum of every pair as a product of two columns with two rows takes half the time of np.add.
    columns, rows = np.ones((*few.shape, 2), few.dtype), np.ones((len(many), 2, many.shape[1]), few.dtype)
    columns[..., 0], rows[:, 1] = few, many
    for start in range(0, len(few), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(few)))
        part = np.matmul(columns[block], rows[block], out=table[: block.stop - start])
        # Twice as fast as np.reciprocal.
        yield block, np.divide(1, part, out=part)


class _OwnMatrices:
    """How the second matrix and bias of each frame differ from the common ones, and Adam's moments of them.

    The bias is the matrix's last column, of a hidden unit that is always 1.
    """

    def __init__(self, hidden: Float[np.ndarray, "frames hidden"], pose: Float[np.ndarray, "frames 48"]) -> None:
        shape = (len(pose), pose.shape[1], hidden.shape[1] + 1)
        self._change, self._first, self._second = (np.zeros(shape, pose.dtype) for _ in range(3))
        self._work = np.empty(shape[1:], pose.dtype)

    def to_hidden(self, gradient: Float[np.ndarray, "frames 48"]) -> Float[np.ndarray, "frames hidden"]:
        """What the difference adds to the gradient with respect to the hidden layer."""
        return np.matmul(gradient[:, None], self._change)[:, 0, :-1]

    def update(
        self,
        hidden: Float[np.ndarray, "frames hidden"],
        updated: Float[np.ndarray, "frames hidden"],
        gradient: Float[np.ndarray, "frames 48"],
        rate: float,
        updates: int,
    ) -> Float[np.ndarray, "frames 48"]:
        """One step of Adam with the gradient's outer product with ``hidden``; gives what the difference then adds to
        the pose of the layer ``updated``."""
        inputs, work = _with_one(hidden), self._work
        # Frame by frame, so that what is worked on stays in the cache.
        for i, (change, m, v) in enumerate(zip(self._change, self._first, self._second, strict=True)):
            np.multiply(gradient[i, :, None], inputs[i] * (1 - BETA_1), out=work)
            if updates > 1:
                m *= BETA_1
                v *= BETA_2
            m += work
            work *= work
            work *= (1 - BETA_2) / (1 - BETA_1) ** 2
            v += work
            np.sqrt(v, out=work)
            work += EPSILON
            np.divide(m, work, out=work)
            work *= rate
            change -= work
        return np.matmul(self._change, _with_one(updated)[..., None])[..., 0]


def _with_one(hidden: Float[np.ndarray, "frames hidden"]) -> Float[np.ndarray, "frames hidden_and_one"]:
    return np.concatenate((hidden, np.ones((len(hidden), 1), hidden.dtype)), axis=1)

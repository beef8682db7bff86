"""Bodies that are being followed: where each is expected next, and which detection is which of them.

Times are in any one unit (frames of a clip, seconds of a stream); velocities are in pixels per that unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from maquette.track.similarity import sigma_after, similarity

LEAST_SIMILARITY = 0.15
"""A detection less alike than this belongs to somebody else."""
COAST_S = 0.3
"""A lost person is thought to go on at the last speed for this long, then to stand."""


@dataclass(eq=False)
class Body:
    """One person while time goes on."""

    points: Float[np.ndarray, "joints 2"]
    """Where each joint was last seen, carried along with the others since; NaN where it never was."""
    size: float
    time: float | int
    """When the person was last seen."""
    velocity: Float[np.ndarray, " 2"] = field(default_factory=lambda: np.zeros(2))


def predicted(bodies: Sequence[Body], time: float | int, coast: float | int) -> Float[np.ndarray, "bodies joints 2"]:
    """Where the joints of each body are expected at ``time``: moved on for up to ``coast``, then standing."""
    ahead = np.array([min(time - body.time, coast) for body in bodies])
    velocity = np.array([body.velocity for body in bodies])
    return np.array([body.points for body in bodies]) + (velocity * ahead[:, None])[:, None]


def assign(
    bodies: Sequence[Body],
    time: float | int,
    poses: Float[np.ndarray, "poses joints 2"],
    *,
    per_s: float | int,
    tolerance: float | int,
) -> dict[int, int]:
    """``{pose: body}`` by the least sum of 1 - OKS, for the pairs that are alike enough to be one person.

    Args:
        per_s: units of time in a second.
        tolerance: σ between neighbouring frames, in body sizes.
    """
    from scipy.optimize import linear_sum_assignment

    sizes = np.array([body.size for body in bodies])
    gap_s = np.array([(time - body.time) / per_s for body in bodies])
    expected = predicted(bodies, time, COAST_S * per_s)
    alike = similarity(expected, sizes, sigma_after(gap_s, float(tolerance)), poses)
    # A pair below the gate must not push a good pair aside, so it costs the same as having no partner.
    cost = np.where(alike >= LEAST_SIMILARITY, 1.0 - alike, 1.0)
    body_of, pose_of = linear_sum_assignment(cost)
    return {int(p): int(b) for b, p in zip(body_of, pose_of, strict=True) if alike[b, p] >= LEAST_SIMILARITY}


def advance(
    bodies: Sequence[Body],
    time: float | int,
    poses: Float[np.ndarray, "bodies joints 2"],
    sizes: Float[np.ndarray, " bodies"],
) -> None:
    """Each body is seen again: take over its pose, and learn its velocity and size."""
    if not bodies:
        return
    shift = poses - np.array([body.points for body in bodies])
    moved = _middle_shift(shift)
    for body, pose, step, size in zip(bodies, poses, moved, sizes.tolist(), strict=True):
        body.velocity = 0.6 * body.velocity + 0.4 * step / (time - body.time)
        # Joints that are not seen now travel along with the rest.
        body.points = np.where(np.isfinite(pose[:, :1]), pose, body.points + step)
        body.size = max(size, 0.98 * body.size)
        body.time = time


def _middle_shift(shift: Float[np.ndarray, "bodies joints 2"]) -> Float[np.ndarray, "bodies 2"]:
    """Median over the joints that are seen both times, 0 where none is."""
    ordered = np.sort(shift, axis=1)
    count = np.isfinite(ordered[..., 0]).sum(1)
    body = np.arange(len(shift))
    middle = 0.5 * (ordered[body, np.maximum(count - 1, 0) // 2] + ordered[body, np.maximum(count, 1) // 2])
    return np.where(count[:, None] > 0, middle, 0.0)

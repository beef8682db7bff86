"""Levenberg-Marquardt on a :class:`~maquette.refine.reprojection_problem.Problem`, and clips of any length and rate.

A fit of a body's motion needs no more than 25 frames a second: what the 3D low-pass lets through is slower than 6 Hz.
Clips at higher rates are fitted at every second (third ...) frame and bent in between. Long clips get what all frames
share from pieces of them, and are then fitted piece by piece.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from maquette.refine.reprojection_problem import Pose, Problem

_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 1e-3, 1e-7, 1e4
_ENOUGH_FPS = 24.0
_WHOLE_S, _SAMPLE_S, _SAMPLES, _PIECE_S, _OVERLAP_S = 40.0, 10.0, 4, 20.0, 1.0
_LEAST_FRAMES = 50
"""Pictures taken seconds apart are not cut into smaller pieces than this."""


def solve_clip(problem: Problem, pose: Pose, *, iterations: int = 12) -> Pose:
    """The pose of least cost, by way of fewer frames and, for long clips, of pieces.

    On one thread: those of a BLAS wait for each other over blocks as small as these.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        return _solve(problem, pose, iterations)


def _solve(problem: Problem, pose: Pose, iterations: int) -> Pose:
    step = max(1, int(1 / (problem.dt_s * _ENOUGH_FPS)))
    kept = np.arange(0, problem.frames, step)
    if step > 1 and len(kept) >= 4:
        thin = _thinned(problem, kept, step)
        found = _solve_pieces(thin, Pose(pose.root_m[kept], pose.direction[kept], pose.shared), iterations)
        return _bent_between(pose, found, kept)
    return _solve_pieces(problem, pose, iterations)


def minimise(problem: Problem, pose: Pose, *, iterations: int = 12, tolerance: float = 3e-4) -> Pose:
    """The pose of least cost near ``pose``: until a step gains less than ``tolerance`` of the cost, or they run out."""
    damping = _FIRST_DAMPING
    cost = problem.cost(pose)
    for _ in range(iterations):
        normal = problem.normal(pose)
        while True:
            try:
                candidate = problem.moved(pose, *normal.step(damping, fixed_shared=problem.fixed_shared))
                found = problem.cost(candidate)
            except np.linalg.LinAlgError:
                candidate, found = pose, np.inf
            if found < cost:
                break
            damping *= 10
            if damping > _MOST_DAMPING:
                return pose
        gain = cost - found
        pose, cost = candidate, found
        damping = max(damping / 10, _LEAST_DAMPING)
        if gain < tolerance * cost:
            break
    return pose


def _thinned(problem: Problem, kept: np.ndarray, step: int) -> Problem:
    """Every ``step``-th frame; points are means of what was seen around, so that no sighting is lost."""
    weight = _window_sum(problem.weight, step)
    seen = _window_sum(problem.seen * problem.weight[..., None], step) / np.maximum(weight, 1e-300)[..., None]
    return replace(
        problem,
        dt_s=problem.dt_s * step,
        seen=seen[kept],
        weight=weight[kept],
        lifted_m=problem.lifted_m[kept],
        sigma_lifted_m=problem.sigma_lifted_m[kept],
        standing=problem.standing[kept],
    )


def _window_sum(values: np.ndarray, step: int) -> np.ndarray:
    """Sum over a triangle of frames of unit weight around each (two steps wide), fewer at the ends."""
    out = np.zeros_like(values)
    for shift in range(1 - step, step):
        share = 1 - abs(shift) / step
        here = slice(max(shift, 0), len(values) + min(shift, 0))
        there = slice(max(-shift, 0), len(values) + min(-shift, 0))
        out[there] += share * values[here]
    return out


def _bent_between(start: Pose, found: Pose, kept: np.ndarray) -> Pose:
    """All frames again: what the fit changed at the kept frames, as a smooth curve over all, added to the start."""
    from scipy.interpolate import CubicSpline

    frames = np.arange(len(start.root_m))
    changes = np.concatenate(
        (
            (found.root_m - start.root_m[kept])[:, None],
            found.direction - start.direction[kept],
        ),
        axis=1,
    )
    inside = np.minimum(frames, kept[-1])
    curve = CubicSpline(kept, changes, axis=0)(inside)
    direction = start.direction + curve[:, 1:]
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    return Pose(start.root_m + curve[:, 0], direction, found.shared)


def _solve_pieces(problem: Problem, pose: Pose, iterations: int) -> Pose:
    whole, size, sample = (max(int(s / problem.dt_s), _LEAST_FRAMES) for s in (_WHOLE_S, _PIECE_S, _SAMPLE_S))
    if problem.frames <= whole:
        return minimise(problem, pose, iterations=iterations)
    shared = _shared_of_samples(problem, pose, sample, iterations)
    overlap = max(int(_OVERLAP_S / problem.dt_s), 2)
    root, direction = pose.root_m.copy(), pose.direction.copy()
    start = 0
    while start < problem.frames:
        stop = min(start + size, problem.frames)
        reach = slice(max(start - overlap, 0), min(stop + overlap, problem.frames))
        piece = problem.part(reach, shared_mean=shared, fixed_shared=True)
        found = minimise(piece, Pose(pose.root_m[reach], pose.direction[reach], shared), iterations=iterations)
        blend = _rise(reach, start, overlap)[:, None]
        root[reach] += blend * (found.root_m - root[reach])
        direction[reach] += blend[..., None] * (found.direction - direction[reach])
        start = stop
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    return Pose(root, direction, shared)


def _rise(reach: slice, start: int, overlap: int) -> Float[np.ndarray, " frames"]:
    """How much of a new piece counts: from nothing to all over the overlap with the one before."""
    frames = np.arange(reach.start, reach.stop)
    if start == 0:
        return np.ones(len(frames))
    return np.clip((frames - (start - overlap)) / (2.0 * overlap), 0.0, 1.0)


def _shared_of_samples(problem: Problem, pose: Pose, size: int, iterations: int) -> Float[np.ndarray, " shared"]:
    """Median of what pieces spread over the clip say about lengths, focal length and floor."""
    found = []
    for start in np.linspace(0, problem.frames - size, _SAMPLES).astype(int):
        part = slice(int(start), int(start) + size)
        guess = Pose(pose.root_m[part], pose.direction[part], pose.shared)
        found.append(minimise(problem.part(part), guess, iterations=iterations).shared)
    return np.median(found, axis=0)

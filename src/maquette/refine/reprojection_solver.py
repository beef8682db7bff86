"""Levenberg-Marquardt on a :class:`~maquette.refine.reprojection_problem.Problem`."""

import numpy as np

from maquette.refine.reprojection_problem import Pose, Problem

_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 1e-3, 1e-7, 1e4


def minimise(problem: Problem, pose: Pose, *, iterations: int = 12, tolerance: float = 1e-4) -> Pose:
    """The pose of least cost near ``pose``: until a step gains less than ``tolerance`` of the cost, or steps run out."""
    damping = _FIRST_DAMPING
    cost = problem.cost(pose)
    for _ in range(iterations):
        normal = problem.normal(pose)
        while True:
            try:
                candidate = problem.moved(pose, *normal.step(damping))
                found = problem.cost(candidate)
            except np.linalg.LinAlgError:
                found = np.inf
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

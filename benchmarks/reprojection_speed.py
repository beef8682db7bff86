"""How fast the fit of fixed bones is, and what general solvers need for the same problem.

    python benchmarks/reprojection_speed.py [--clips 2000@50 10000@25 10000@30] [--compare 300]

OMP_NUM_THREADS says how many threads there are (1 unless it is set). A made figure walks in a circle, lifted with slow
errors along the line of sight; its points shake by 3 px; focal length and sizes are estimated, too. Seconds of the fit
alone (:meth:`maquette.refine.reprojection.ReprojectionRefiner.refine`), by the clock on the wall and by the
processor's; and the most memory of the process, clip included.

The comparison minimises the same cost of one short clip (without standing feet) three ways, and says when each had
come to within 0.1 % of the least cost that was found:

* banded: :func:`maquette.refine.reprojection_solver.minimise`;
* spsolve: the same steps, each solved as one sparse matrix by ``scipy.sparse.linalg.spsolve``;
* least_squares: ``scipy.optimize.least_squares`` (trf, lsmr), given the same residuals and their sparse Jacobian, for a
  minute at most.
"""

import argparse
import contextlib
import os
import resource
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy import optimize
from scipy import sparse as scipy_sparse
from scipy.sparse.linalg import spsolve

from maquette.geometry.camera import Camera, look_at
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.refine.motion_placing import root_trajectory
from maquette.refine.motion_tilt import CameraTilt
from maquette.refine.reprojection import ReprojectionRefiner
from maquette.refine.reprojection_body import tangents
from maquette.refine.reprojection_fit import Trust, pose_and_problem
from maquette.refine.reprojection_normal import Normal
from maquette.refine.reprojection_problem import _PICTURE_KERNEL, Pose, Problem
from maquette.refine.reprojection_solver import minimise
from maquette.skeletons import LIFTED_21

_ENOUGH, _LONGEST_S = 1.001, 60.0
sparse: Any = scipy_sparse
least_squares: Any = optimize.least_squares
"""Their own annotations know neither offsets in arrays nor Jacobians by functions."""
_TILT = CameraTilt(np.radians(10.0), 0.0, 0.02, 0.02, 1.77, "given")
_REST_M = {
    "spine": (0, 0.25, 0),
    "thorax": (0, 0.25, 0),
    "nose": (0, 0.12, 0.08),
    "head": (0, 0.12, -0.06),
    "hip": (0.13, 0, 0),
    "knee": (0, -0.44, 0),
    "ankle": (0, -0.43, 0),
    "heel": (0, -0.06, -0.05),
    "toe": (0, -0.07, 0.14),
    "shoulder": (0.16, -0.02, 0),
    "elbow": (0.03, -0.28, 0),
    "wrist": (0.02, -0.25, 0.05),
}


def made_walk(frames: int, fps: int) -> tuple[Motion, Keypoints]:
    """Placed, with contacts, in front of a camera that looks down by 10 degrees."""
    rng = np.random.default_rng(0)
    t = np.arange(frames) / fps
    turn = 0.5 * t
    facing = np.stack((np.cos(turn), np.zeros_like(t), -np.sin(turn)), axis=-1)
    left = np.stack((np.sin(turn), np.zeros_like(t), np.cos(turn)), axis=-1)
    root = np.stack((1.6 * np.sin(turn), 0.93 + 0.02 * np.cos(8 * t), 1.6 * np.cos(turn)), axis=-1)
    world = np.zeros((frames, len(LIFTED_21), 3))
    world[:, 0] = root
    for joint in LIFTED_21.order[1:]:
        side, _, part = LIFTED_21.joints[joint].rpartition("_")
        x, y, z = _REST_M[part]
        swing = {"l": 0.4, "r": -0.4}.get(side, 0.0) * np.sin(4 * t)
        swing = -swing if part in ("elbow", "wrist") else swing
        limb = part in ("knee", "ankle", "elbow", "wrist")
        angle = swing + (0.3 if part == "ankle" else 0.0) if limb else np.zeros_like(t)
        y, z = y * np.cos(angle) + z * np.sin(angle), z * np.cos(angle) - y * np.sin(angle)
        bone = x * {"l": 1.0, "r": -1.0}.get(side, 0.0) * left + z[:, None] * facing
        bone[:, 1] += y
        world[:, joint] = world[:, LIFTED_21.parents[joint]] + bone
    position = np.array([0.0, 1.77, 5.0])
    posed = Camera((1100.0, 1100.0), (640.0, 360.0), (1280, 720), look_at(position, np.array([0, 0.9, 0])), position)
    body = posed.world_to_camera(world)
    camera = Camera(posed.focal_px, posed.centre_px, posed.image_size)
    points = camera.project(body) + 3 * rng.standard_normal((*body.shape[:2], 2))
    keypoints = Keypoints(points, np.ones(points.shape[:2]), LIFTED_21, Fraction(fps), camera.image_size)
    lifted = body - body[:, :1]
    phases = rng.uniform(0, 2 * np.pi, len(LIFTED_21))
    lifted[..., 2] *= 1 + 0.2 * np.sin(phases + t[:, None])
    return root_trajectory(Motion(lifted, LIFTED_21, Fraction(fps), "camera"), keypoints, camera), keypoints


def speed(frames: int, fps: int) -> None:
    """One line."""
    motion, keypoints = made_walk(frames, fps)
    refiner = ReprojectionRefiner(estimate_focal=True, keep_worse=True)
    wall, own = time.perf_counter(), time.process_time()
    refiner.refine(motion, keypoints, _TILT)
    wall, own = time.perf_counter() - wall, time.process_time() - own
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{frames} frames at {fps} fps, {os.environ['OMP_NUM_THREADS']} threads: {wall:.2f} s, {frames / wall:.0f} "
        f"frames/s (processor {own:.2f} s); most memory of the process {memory:.0f} MiB",
        flush=True,
    )


class TimedCost:
    """When the least cost so far was reached."""

    def __init__(self) -> None:
        self.start, self.reached = time.perf_counter(), []

    def saw(self, cost: float) -> None:
        self.reached.append((time.perf_counter() - self.start, cost))
        if self.reached[-1][0] > _LONGEST_S:
            raise TimeoutError

    def seconds_to(self, cost: float) -> float:
        return next((seconds for seconds, found in self.reached if found <= cost), float("nan"))


class SparseNormal(Normal):
    """The same steps from one sparse matrix."""

    def step(self, damping: float, *, fixed_shared: bool = False) -> tuple[np.ndarray, np.ndarray]:
        frames, n = self.gradient.shape
        bands = self._bands(damping)
        size = frames * n
        lower = sparse.diags_array([band[: size - i] for i, band in enumerate(bands)], offsets=-np.arange(len(bands)))
        own = lower + sparse.tril(lower, -1).T
        border = self.border.reshape(size, -1)
        shared = self.shared + np.diag(damping * np.diag(self.shared))
        whole = sparse.block_array([[own, sparse.csc_array(border)], [sparse.csc_array(border.T), shared]])
        gradient = np.concatenate((self.gradient.ravel(), self.shared_gradient))
        solved = -spsolve(whole.tocsc(), gradient, permc_spec="NATURAL")  # Others fill more: the border is last.
        return solved[:size].reshape(frames, n), solved[size:]


class Residuals:
    """The cost as a sum of squares in unknowns of the tangent planes at the start, with its sparse Jacobian."""

    def __init__(self, problem: Problem, start: Pose, timed: TimedCost) -> None:
        self.problem, self.start, self.timed = problem, start, timed
        self.n_own = problem.frames * (3 + 2 * len(problem.tree.ends))
        self.across = tangents(start.direction)
        keep = problem._keep
        ones = np.ones(problem.frames)
        memory = sparse.diags_array([ones, -keep * ones[1:]], offsets=[0, -1]).tolil()
        memory /= np.sqrt(1 - keep**2)
        memory[0, 0] = 1.0
        bend = sparse.diags_array(
            [ones, -2 * ones, ones], offsets=[0, 1, 2], shape=(problem.frames - 2, problem.frames)
        )
        three = sparse.eye_array(3 * len(problem.tree.ends))
        weights = np.sqrt(problem._bending)
        inverse = sparse.diags_array(1 / problem.sigma_lifted_m.ravel())
        self.lifter = (sparse.kron(memory, three) @ inverse).tocsr()
        self.bone_bend = (weights[1] * sparse.kron(bend, three)).tocsr()
        self.root_bend = (weights[0] * sparse.kron(bend, sparse.eye_array(3))).tocsr()
        self.path = sparse.kron(sparse.eye_array(problem.frames), np.kron(problem.tree.path, np.eye(3))).tocsr()
        self.to_all = sparse.kron(
            sparse.eye_array(problem.frames), np.tile(np.eye(3), (len(problem.tree.skeleton), 1))
        ).tocsr()
        self.prior = np.linalg.cholesky(problem.shared_information).T

    def pose(self, x: np.ndarray) -> Pose:
        own = x[: self.n_own].reshape(self.problem.frames, -1)
        step = own[:, 3:].reshape(self.problem.frames, -1, 2)
        moved = self.start.direction + np.einsum("fbik,fbk->fbi", self.across, step)
        moved /= np.linalg.norm(moved, axis=-1, keepdims=True)
        return Pose(self.start.root_m + own[:, :3], moved, self.start.shared + x[self.n_own :])

    def __call__(self, x: np.ndarray) -> np.ndarray:
        problem, pose = self.problem, self.pose(x)
        vectors = pose.direction * problem.lengths_m(pose)[:, None]
        picture = problem._picture(problem.joints_m(pose), pose)
        beyond = 1 + (picture**2).sum(-1) / (problem.sigma * _PICTURE_KERNEL) ** 2
        picture *= np.sqrt(problem.weight / beyond)[..., None]
        parts = (
            picture.ravel(),
            self.lifter @ (vectors - problem.lifted_m).ravel(),
            self.bone_bend @ vectors.ravel(),
            self.root_bend @ pose.root_m.ravel(),
            self.prior @ (pose.shared - problem.shared_mean),
        )
        found = np.concatenate(parts)
        self.timed.saw(0.5 * float(found @ found))
        return found

    def jacobian(self, x: np.ndarray) -> Any:
        problem, pose = self.problem, self.pose(x)
        frames, groups = problem.frames, problem.tree.groups
        lengths = problem.lengths_m(pose)
        vectors, joints = pose.direction * lengths[:, None], problem.joints_m(pose)
        step = x[: self.n_own].reshape(frames, -1)[:, 3:].reshape(frames, -1, 2)
        norm = np.linalg.norm(self.start.direction + np.einsum("fbik,fbk->fbi", self.across, step), axis=-1)
        flat = np.eye(3) - pose.direction[..., :, None] * pose.direction[..., None, :]
        by = np.matmul(flat, self.across) * (lengths / norm)[..., None, None]
        n_bones, width = len(lengths), 3 + 2 * len(lengths)
        f, b, i, k = np.indices((frames, n_bones, 3, 2))
        row = (f * n_bones + b) * 3 + i
        f2, b2, i2 = np.indices((frames, n_bones, 3))
        rows = np.concatenate((row.ravel(), ((f2 * n_bones + b2) * 3 + i2).ravel()))
        cols = np.concatenate(((f * width + 3 + 2 * b + k).ravel(), self.n_own + problem.tree.group[b2].ravel()))
        n = self.n_own + len(pose.shared)
        bones = sparse.csr_array(
            (np.concatenate((by.ravel(), vectors.ravel())), (rows, cols)), shape=(3 * frames * n_bones, n)
        )
        f3, i3 = np.indices((frames, 3))
        root = sparse.csr_array(
            (np.ones(3 * frames), ((f3 * 3 + i3).ravel(), (f3 * width + i3).ravel())), shape=(3 * frames, n)
        )
        places = self.path @ bones + self.to_all @ root
        prior = sparse.hstack([sparse.csr_array((len(self.prior), self.n_own)), sparse.csr_array(self.prior)])
        parts = [
            self._picture_rows(pose, joints, places, self.n_own + groups),
            self.lifter @ bones,
            self.bone_bend @ bones,
            self.root_bend @ root,
            prior,
        ]
        return sparse.vstack(parts).tocsr()

    def _picture_rows(self, pose: Pose, joints: np.ndarray, places: Any, focal_at: int) -> Any:
        """The robust function is inside the residuals r / sqrt(1 + |r|^2 / k^2): its derivative is a 2x2 matrix."""
        problem = self.problem
        away, focal, depth = problem._picture(joints, pose), problem._focal(pose), joints[..., 2]
        kernel = problem.sigma * _PICTURE_KERNEL
        beyond = 1 + (away**2).sum(-1) / kernel**2
        outer = away[..., :, None] * away[..., None, :] / (kernel**2 * beyond)[..., None, None]
        robust = (np.eye(2) - outer) * np.sqrt(problem.weight / beyond)[..., None, None]
        by_joint = np.zeros((*depth.shape, 2, 3))
        by_joint[..., 0, 0] = by_joint[..., 1, 1] = focal / depth
        by_joint[..., 2] = -focal * joints[..., :2] / depth[..., None] ** 2
        blocks = np.matmul(robust, by_joint).reshape(-1, 2, 3)
        p, r, c = np.indices(blocks.shape)
        picture = sparse.csr_array(
            (blocks.ravel(), ((2 * p + r).ravel(), (3 * p + c).ravel())), shape=(2 * len(blocks), 3 * len(blocks))
        )
        by_focal = np.matmul(robust, (focal * joints[..., :2] / depth[..., None])[..., None]).ravel()
        rows = np.arange(len(by_focal))
        focal_column = sparse.csr_array(
            (by_focal, (rows, np.full(len(rows), focal_at))), shape=(len(rows), places.shape[1])
        )
        return picture @ places + focal_column


class CountedProblem(Problem):
    """Tells when each cost was seen."""

    timed: TimedCost

    def cost(self, pose: Pose) -> float:
        found = super().cost(pose)
        self.timed.saw(found)
        return found


class SparseProblem(CountedProblem):
    def normal(self, pose: Pose) -> Normal:
        return SparseNormal(**vars(super().normal(pose)))


def compare(frames: int, fps: int = 25) -> None:
    """Seconds of each way to the same cost."""
    motion, keypoints = made_walk(frames, fps)
    assert motion.camera is not None
    start, problem = pose_and_problem(motion, keypoints, motion.camera, None, Trust(), focal_known=False)

    def banded(kind: type[CountedProblem]) -> TimedCost:
        counted = kind(**vars(problem))
        timed = TimedCost()
        object.__setattr__(counted, "timed", timed)
        with contextlib.suppress(TimeoutError):
            minimise(counted, start, iterations=30, tolerance=1e-6)
        return timed

    def general() -> TimedCost:
        timed = TimedCost()
        residuals = Residuals(problem, start, timed)
        x = np.zeros(residuals.n_own + len(start.shared))
        with contextlib.suppress(TimeoutError):
            least_squares(residuals, x, residuals.jacobian, method="trf", tr_solver="lsmr", x_scale="jac", ftol=1e-6)
        return timed

    ways: dict[str, Callable[[], TimedCost]] = {
        "banded": lambda: banded(CountedProblem),
        "spsolve": lambda: banded(SparseProblem),
        "least_squares": general,
    }
    found = {name: way() for name, way in ways.items()}
    least = min(cost for timed in found.values() for _, cost in timed.reached)
    first = found["banded"].seconds_to(_ENOUGH * least)
    for name, timed in found.items():
        best = min(cost for _, cost in timed.reached)
        seconds = timed.seconds_to(_ENOUGH * least)
        near = f"after {seconds:.2f} s, {seconds / first:.1f} times the first" if np.isfinite(seconds) else "never"
        print(
            f"{frames} frames, {name}: cost {timed.reached[0][1]:.2f} to {best:.2f} in {timed.reached[-1][0]:.2f} s; "
            f"within 0.1 % of the least {near}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", nargs="*", default=["2000@50", "10000@25", "10000@30"], help="FRAMES@FPS")
    parser.add_argument("--compare", type=int, default=300, help="frames of the clip that general solvers fit, too")
    args = parser.parse_args()
    for clip in args.clips:
        speed(*(int(part) for part in clip.split("@")))
    if args.compare:
        compare(args.compare)


if __name__ == "__main__":
    main()

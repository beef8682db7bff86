"""The cost of :mod:`maquette.refine.reprojection`: its terms, their derivatives, and its minimum.

With t in seconds, the cost of a figure (root r, directions u_b and lengths L_b of bones, joints x_j) is the sum of

* picture: rate x the integral over t of rho(|projection of x_j - seen|^2 / sigma_j^2), rho that of Geman and McClure;
* lifter: e_b = (L_b u_b - lifted bone) / sigma_b as a stationary process that forgets within tau: errors of a lifter
  last for tenths of a second, so that two frames in a row are not two opinions;
* smoothness: the integral of |r''|^2 and |(L_b u_b)''|^2 over squared densities of acceleration; and of |r'|^2 while
  nobody is seen: what is not known to go on, stays;
* standing feet: the integral of |x_foot'|^2 while the foot stands, and of its height over one floor, both robust;
* limits of knees and elbows (:mod:`~maquette.refine.reprojection_limits`);
* shared: logarithms of the lengths (one size, own proportions), logarithm of the focal length, the camera's pitch, roll
  and height over the floor, each near what was known before.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.refine.motion_tilt import up_of_tilt
from maquette.refine.motion_trajectory import MIN_JOINTS
from maquette.refine.reprojection_body import BoneTree, tangents
from maquette.refine.reprojection_limits import limit_rows
from maquette.refine.reprojection_normal import Normal

_NEAR_M = 0.1
"""Depths are not taken smaller than this."""
_PICTURE_KERNEL = 3.0
_FLOOR_KERNEL = _STILL_KERNEL = 3.0
"""Residuals far beyond this many standard deviations count as mistakes."""
_UNSEEN_SPEED = 0.3
"""Density of velocity of a root that nobody sees, in m / s per square root of Hz."""


@dataclass(frozen=True, eq=False)
class Pose:
    """The unknowns."""

    root_m: Float[np.ndarray, "frames 3"]
    direction: Float[np.ndarray, "frames bones 3"]
    shared: Float[np.ndarray, " shared"]
    """Logarithms of lengths by group, logarithm of the focal length over that of the camera, pitch, roll, height over
    the floor."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What is known."""

    tree: BoneTree
    dt_s: float
    seen: Float[np.ndarray, "frames joints 2"]
    """Image coordinates at unit depth by the assumed focal length; any number where ``weight`` is 0."""
    weight: Float[np.ndarray, "frames joints"]
    """Information of a point: rate x dt x confidence / sigma^2."""
    sigma: Float[np.ndarray, " joints"]
    """Standard deviation of a point at unit depth, for the robust kernel."""
    lifted_m: Float[np.ndarray, "frames bones 3"]
    sigma_lifted_m: Float[np.ndarray, "frames bones 3"]
    tau_s: float
    root_acceleration: float
    bone_acceleration: float
    """Densities of acceleration in m / s^2 per square root of Hz."""
    shared_mean: Float[np.ndarray, " shared"]
    shared_information: Float[np.ndarray, "shared shared"]
    still_mps: float
    floor_m: float
    """Standard deviations of a standing foot's speed and height."""
    contact_rate_hz: float
    """How often standing feet, and limits of joints, count in a second."""
    feet: Int[np.ndarray, " feet"] = field(default_factory=lambda: np.zeros(0, dtype=int))
    """Joints that can stand."""
    standing: Bool[np.ndarray, "frames feet"] = field(default_factory=lambda: np.zeros((0, 0), dtype=bool))
    rest_m: Float[np.ndarray, " feet"] = field(default_factory=lambda: np.zeros(0))
    fixed_shared: bool = False
    """Leave the shared unknowns at their means."""

    @property
    def frames(self) -> int:
        return len(self.seen)

    def part(self, frames: slice, **changes) -> "Problem":
        """Some of the frames."""
        own = ("seen", "weight", "lifted_m", "sigma_lifted_m", "standing")
        return replace(self, **{name: getattr(self, name)[frames] for name in own}, **changes)

    def lengths_m(self, pose: Pose) -> Float[np.ndarray, " bones"]:
        return np.exp(pose.shared[: self.tree.groups])[self.tree.group]

    def joints_m(self, pose: Pose) -> Float[np.ndarray, "frames joints 3"]:
        return self.tree.positions(pose.root_m, pose.direction * self.lengths_m(pose)[:, None])

    def cost(self, pose: Pose) -> float:
        """Half the sum of squares, robust terms by their kernels."""
        lengths = self.lengths_m(pose)
        vectors = pose.direction * lengths[:, None]
        joints = self.tree.positions(pose.root_m, vectors)
        picture = self._picture(joints, pose)
        total = float(
            (self.weight * self.sigma**2 * _robust((picture**2).sum(-1) / self.sigma**2, _PICTURE_KERNEL)).sum()
        )
        error = (vectors - self.lifted_m) / self.sigma_lifted_m
        keep = self._keep
        total += float((error[0] ** 2).sum() + ((error[1:] - keep * error[:-1]) ** 2).sum() / (1 - keep**2))
        root_weight, bone_weight = self._bending
        total += root_weight * float((np.diff(pose.root_m, 2, axis=0) ** 2).sum())
        total += bone_weight * float((np.diff(vectors, 2, axis=0) ** 2).sum())
        total += float((self._drift_weight[:, None] * np.diff(pose.root_m, axis=0) ** 2).sum())
        if self.standing.any():
            still, floor = self._feet(joints, pose)
            total += float((self._step_weight * _robust((still**2).sum(-1), _STILL_KERNEL)).sum())
            total += float((self._floor_weight * _robust(floor**2, _FLOOR_KERNEL)).sum())
        limits, _ = limit_rows(self.tree, pose.direction)
        total += self.dt_s * self.contact_rate_hz * float((limits**2).sum())
        away = pose.shared - self.shared_mean
        return 0.5 * (total + float(away @ self.shared_information @ away))

    def normal(self, pose: Pose) -> Normal:
        """Gauss-Newton's equations at ``pose``."""
        tree = self.tree
        lengths = self.lengths_m(pose)
        vectors = pose.direction * lengths[:, None]
        joints = tree.positions(pose.root_m, vectors)
        across = tangents(pose.direction)
        normal = Normal.zeros(self.frames, len(tree.ends), len(pose.shared))
        by_unknowns = self._joints_by_unknowns(across, lengths)
        by_lengths = self._joints_by_lengths(vectors)
        self._add_picture(normal, joints, by_unknowns, by_lengths, pose)
        self._add_limits(normal, pose, across)
        if self.standing.any():
            self._add_feet(normal, joints, by_unknowns, by_lengths, pose)
        self._add_chain(normal, pose, vectors, across * lengths[:, None, None])
        normal.shared += self.shared_information
        normal.shared_gradient += self.shared_information @ (pose.shared - self.shared_mean)
        return normal

    def moved(
        self, pose: Pose, own: Float[np.ndarray, "frames unknowns"], shared: Float[np.ndarray, " shared"]
    ) -> Pose:
        """The pose after a step."""
        step = own[:, 3:].reshape(self.frames, -1, 2)
        direction = pose.direction + np.einsum("fbik,fbk->fbi", tangents(pose.direction), step)
        direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
        return Pose(pose.root_m + own[:, :3], direction, pose.shared + shared)

    # Parts of cost and derivatives.

    @property
    def _keep(self) -> float:
        return float(np.exp(-self.dt_s / self.tau_s))

    @property
    def _bending(self) -> tuple[float, float]:
        per_step = self.dt_s / self.dt_s**4
        return per_step / self.root_acceleration**2, per_step / self.bone_acceleration**2

    @property
    def _drift_weight(self) -> Float[np.ndarray, " steps"]:
        """Of steps of the root from or to frames with too few points to place anybody."""
        unseen = (self.weight > 0).sum(axis=1) < MIN_JOINTS
        return (unseen[1:] | unseen[:-1]) / (self.dt_s * _UNSEEN_SPEED**2)

    def _focal(self, pose: Pose) -> float:
        return float(np.exp(pose.shared[self.tree.groups]))

    def _picture(
        self, joints: Float[np.ndarray, "frames joints 3"], pose: Pose
    ) -> Float[np.ndarray, "frames joints 2"]:
        depth = np.maximum(joints[..., 2:], _NEAR_M)
        away = self._focal(pose) * joints[..., :2] / depth - self.seen
        return np.where(self.weight[..., None] > 0, away, 0.0)

    def _joints_by_unknowns(
        self, across: Float[np.ndarray, "frames bones 3 2"], lengths: Float[np.ndarray, " bones"]
    ) -> Float[np.ndarray, "frames joints 3 unknowns"]:
        tree, frames = self.tree, len(across)
        n_bones = len(lengths)
        out = np.zeros((frames, len(tree.skeleton), 3, 3 + 2 * n_bones))
        out[..., :3] = np.eye(3)
        turned = across * lengths[:, None, None]
        for bone in range(n_bones):
            below = np.flatnonzero(tree.path[:, bone])
            out[:, below, :, 3 + 2 * bone : 5 + 2 * bone] = turned[:, bone, None]
        return out

    def _joints_by_lengths(
        self, vectors: Float[np.ndarray, "frames bones 3"]
    ) -> Float[np.ndarray, "frames joints 3 shared"]:
        tree = self.tree
        out = np.zeros((len(vectors), len(tree.skeleton), 3, len(self.shared_mean)))
        for bone, group in enumerate(tree.group):
            below = np.flatnonzero(tree.path[:, bone])
            out[..., group][:, below] += vectors[:, bone, None]
        return out

    def _add_picture(self, normal: Normal, joints, by_unknowns, by_lengths, pose: Pose) -> None:
        frames, n_joints = joints.shape[:2]
        residual = self._picture(joints, pose)
        depth = np.maximum(joints[..., 2], _NEAR_M)
        focal = self._focal(pose)
        root = np.sqrt(self.weight * _weight((residual**2).sum(-1) / self.sigma**2, _PICTURE_KERNEL))
        by_joint = np.zeros((frames, n_joints, 2, 3))
        by_joint[..., 0, 0] = by_joint[..., 1, 1] = focal / depth * root
        by_joint[..., :, 2] = -focal * joints[..., :2] / depth[..., None] ** 2 * root[..., None]
        shared = np.matmul(by_joint, by_lengths)
        shared[..., self.tree.groups] = focal * joints[..., :2] / depth[..., None] * root[..., None]
        rows = 2 * n_joints
        normal.add_rows(
            np.matmul(by_joint, by_unknowns).reshape(frames, rows, -1),
            shared.reshape(frames, rows, -1),
            (residual * root[..., None]).reshape(frames, rows),
        )

    def _add_limits(self, normal: Normal, pose: Pose, across: Float[np.ndarray, "frames bones 3 2"]) -> None:
        residual, gradient = limit_rows(self.tree, pose.direction)
        hit = np.flatnonzero(residual.any(axis=1))
        if not len(hit):
            return
        scale = np.sqrt(self.dt_s * self.contact_rate_hz)
        rows = np.einsum("frbi,fbik->frbk", gradient[hit], across[hit]) * scale
        flat = np.concatenate((np.zeros((*rows.shape[:2], 3)), rows.reshape(*rows.shape[:2], -1)), axis=-1)
        turned = flat.transpose(0, 2, 1)
        normal.own[hit] += np.matmul(turned, flat)
        normal.gradient[hit] += np.matmul(turned, scale * residual[hit][..., None])[..., 0]

    @property
    def _step_weight(self) -> Float[np.ndarray, "steps feet"]:
        return self.dt_s * self.contact_rate_hz * (self.standing[1:] & self.standing[:-1])

    @property
    def _floor_weight(self) -> Float[np.ndarray, "frames feet"]:
        return self.dt_s * self.contact_rate_hz * self.standing

    def _feet(self, joints, pose: Pose) -> tuple[Float[np.ndarray, "steps feet 3"], Float[np.ndarray, "frames feet"]]:
        """Velocities and heights of the feet, in their standard deviations."""
        feet = joints[:, self.feet]
        pitch, roll, height = pose.shared[-3:]
        floor = feet @ up_of_tilt(pitch, roll) + height - self.rest_m
        return np.diff(feet, axis=0) / (self.dt_s * self.still_mps), floor / self.floor_m

    def _add_feet(self, normal: Normal, joints, by_unknowns, by_lengths, pose: Pose) -> None:
        still, floor = self._feet(joints, pose)
        feet_by, feet_by_lengths = by_unknowns[:, self.feet], by_lengths[:, self.feet]
        frames, n_feet = floor.shape
        pitch, roll = pose.shared[-3:-1]
        up = up_of_tilt(pitch, roll)
        root = np.sqrt(self._floor_weight * _weight(floor**2, _FLOOR_KERNEL)) / self.floor_m
        shared = np.einsum("i,fkig->fkg", up, feet_by_lengths)
        step = 1e-6
        shared[..., -3] = joints[:, self.feet] @ ((up_of_tilt(pitch + step, roll) - up) / step)
        shared[..., -2] = joints[:, self.feet] @ ((up_of_tilt(pitch, roll + step) - up) / step)
        shared[..., -1] = 1.0
        normal.add_rows(
            np.einsum("i,fkiu->fku", up, feet_by) * root[..., None],
            shared * root[..., None],
            floor * self.floor_m * root,
        )
        weight = self._step_weight * _weight((still**2).sum(-1), _STILL_KERNEL)
        root = np.repeat(np.sqrt(weight) / (self.dt_s * self.still_mps), 3, axis=1)[..., None]
        before = -feet_by[:-1].reshape(frames - 1, 3 * n_feet, -1) * root
        later = feet_by[1:].reshape(frames - 1, 3 * n_feet, -1) * root
        lengths = np.diff(feet_by_lengths, axis=0).reshape(frames - 1, 3 * n_feet, -1) * root
        residual = np.diff(joints[:, self.feet], axis=0).reshape(frames - 1, 3 * n_feet) * root[..., 0]
        for at, rows in ((slice(None, -1), before), (slice(1, None), later)):
            turned = rows.transpose(0, 2, 1)
            normal.own[at] += np.matmul(turned, rows)
            normal.gradient[at] += np.matmul(turned, residual[..., None])[..., 0]
            normal.border[at] += np.matmul(turned, lengths)
        normal.next[:-1] += np.matmul(later.transpose(0, 2, 1), before)
        flat = lengths.reshape(-1, lengths.shape[-1])
        normal.shared += flat.T @ flat
        normal.shared_gradient += flat.T @ residual.ravel()

    def _add_chain(
        self,
        normal: Normal,
        pose: Pose,
        vectors: Float[np.ndarray, "frames bones 3"],
        by: Float[np.ndarray, "frames bones 3 2"],
    ) -> None:
        """Lifter and smoothness: both concern bones one by one, and the root."""
        frames, n_bones = vectors.shape[:2]
        root_weight, bone_weight = self._bending
        bend = _bending_pattern(frames)
        place = np.arange(3)
        for lag, target in enumerate((normal.own, normal.next)):
            target[: frames - lag, place, place] += root_weight * bend[lag][: frames - lag, None]
        normal.after_root += root_weight * bend[2]
        normal.gradient[:, :3] += root_weight * _bend(pose.root_m)
        drift = self._drift_weight[:, None]
        pulled = drift * np.diff(pose.root_m, axis=0)
        for at, sign in ((slice(None, -1), -1.0), (slice(1, None), 1.0)):
            normal.own[at, place, place] += drift
            normal.gradient[at, :3] += sign * pulled
        normal.next[:-1, place, place] -= drift

        keep = self._keep
        memory = np.full(frames, (1 + keep**2) / (1 - keep**2))
        memory[0] = memory[-1] = 1 / (1 - keep**2)
        if frames == 1:
            memory[:] = 1.0
        linked = -keep / (1 - keep**2)
        inverse = 1 / self.sigma_lifted_m
        scaled = by * inverse[..., None]
        at = 3 + 2 * np.arange(n_bones)
        stiff = [bone_weight * diagonal[:, None, None, None] for diagonal in bend]
        blocks = memory[:, None, None, None] * _product(scaled, scaled) + stiff[0] * _product(by, by)
        later = linked * _product(scaled[1:], scaled[:-1]) + stiff[1][:-1] * _product(by[1:], by[:-1])
        for row in range(2):
            for col in range(2):
                normal.own[:, at + row, at + col] += blocks[..., row, col]
                normal.next[:-1, at + row, at + col] += later[..., row, col]
        if frames > 2:
            normal.after[:-2] = stiff[2][:-2] * _product(by[2:], by[:-2])

        def remembered(values):
            out = memory[:, None, None] * values
            out[1:] += linked * values[:-1]
            out[:-1] += linked * values[1:]
            return out

        error = (vectors - self.lifted_m) * inverse
        pull = remembered(error) * inverse + bone_weight * _bend(vectors)
        normal.gradient[:, 3:] += np.einsum("fbik,fbi->fbk", by, pull).reshape(frames, -1)
        stretch = remembered(vectors * inverse) * inverse + bone_weight * _bend(vectors)
        own = np.einsum("fbik,fbi->fbk", by, stretch)
        for k in range(2):
            normal.border[:, at + k, self.tree.group] += own[..., k]
        np.add.at(normal.shared, (self.tree.group, self.tree.group), np.einsum("fbi,fbi->b", vectors, stretch))
        np.add.at(normal.shared_gradient, self.tree.group, np.einsum("fbi,fbi->b", vectors, pull))


def _product(
    left: Float[np.ndarray, "frames bones 3 2"], right: Float[np.ndarray, "frames bones 3 2"]
) -> Float[np.ndarray, "frames bones 2 2"]:
    return np.matmul(left.swapaxes(-1, -2), right)


def _bending_pattern(frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Diagonals of the matrix of the sum of squared second differences, each as long as the frames."""
    own, following, after = (np.zeros(frames) for _ in range(3))
    if frames > 2:
        own[:-2] += 1
        own[1:-1] += 4
        own[2:] += 1
        following[:-2] -= 2
        following[1:-1] -= 2
        after[:-2] += 1
    return own, following, after


def _bend(values: np.ndarray) -> np.ndarray:
    """That matrix times ``values``."""
    out = np.zeros_like(values)
    if len(values) > 2:
        second = np.diff(values, 2, axis=0)
        out[:-2] += second
        out[1:-1] -= 2 * second
        out[2:] += second
    return out


def _robust(square: np.ndarray, kernel: float) -> np.ndarray:
    """Geman and McClure's function of a squared residual: itself while small, at most ``kernel`` squared."""
    return square / (1 + square / kernel**2)


def _weight(square: np.ndarray, kernel: float) -> np.ndarray:
    """Its derivative: the weight in reweighted least squares."""
    return 1 / (1 + square / kernel**2) ** 2

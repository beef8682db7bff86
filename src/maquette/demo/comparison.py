"""How far the lifted motion is from the truth of the demo."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.evaluate.metrics import mpjpe, pa_mpjpe
from maquette.geometry import Camera
from maquette.motion import Motion
from maquette.skeletons import H36M_17


@dataclass(frozen=True)
class Errors:
    """Errors over Human3.6M's 17 joints in millimetres; frames in which the estimate has a gap are left out."""

    pose_mm: Float[np.ndarray, " frames"]
    """MPJPE of each frame, both hips at the origin, in the camera's axes (protocol 1); NaN in a gap."""
    aligned_pose_mm: Float[np.ndarray, " frames"]
    """The same after the best similarity transform of each frame (PA-MPJPE, protocol 2)."""
    world_mm: Float[np.ndarray, " frames"]
    """Distance in the world after ONE turn about the vertical and ONE shift along the ground for the whole clip: path,
    scale, tilt and height count, where the figure began and which way it faced do not."""
    joint_mm: Float[np.ndarray, "17"]
    """Mean over frames of the pose error of each joint."""
    truth_path_m: Float[np.ndarray, "frames 2"]
    """x and z of the true hip."""
    path_m: Float[np.ndarray, "frames 2"]
    """x and z of the lifted hip after that turn and shift."""

    @property
    def mpjpe_mm(self) -> float:
        return float(np.nanmean(self.pose_mm))

    @property
    def pa_mpjpe_mm(self) -> float:
        return float(np.nanmean(self.aligned_pose_mm))

    @property
    def world_mpjpe_mm(self) -> float:
        return float(np.nanmean(self.world_mm))


def compare(truth: Motion, estimate: Motion, true_camera: Camera) -> Errors:
    """Errors of an estimate in the world frame against the truth, frame by frame.

    Args:
        truth, estimate: of the same frames, each on a skeleton that has Human3.6M's 17 joints, both in the world.
        true_camera: the camera that filmed the truth; the estimate brings its own.

    Raises:
        InputError: the motions do not fit each other, or the estimate has no camera.
    """
    if truth.n_frames != estimate.n_frames or truth.frame != "world" or estimate.frame != "world":
        raise InputError(
            f"comparing {estimate.n_frames} frames ({estimate.frame}) with {truth.n_frames} ({truth.frame}); "
            "expected equally many, both in the world frame"
        )
    if estimate.camera is None:
        raise InputError("the estimate has no camera, so its poses cannot be compared in the camera's axes")
    true_world, world = _of_human36m(truth), _of_human36m(estimate)
    true_pose = _from_hip(true_camera.world_to_camera(true_world))
    pose = _from_hip(estimate.camera.world_to_camera(world))
    known = np.asarray(np.isfinite(pose).all(axis=(1, 2)))
    if not known.any():
        raise InputError("the estimate has no complete frame to compare")
    pose_mm, aligned_mm, world_mm = (np.full(len(known), np.nan) for _ in range(3))
    pose_mm[known] = 1000 * mpjpe(pose[known], true_pose[known])
    aligned_mm[known] = 1000 * pa_mpjpe(pose[known], true_pose[known])
    turned = _turned_onto(world, true_world, known)
    world_mm[known] = 1000 * mpjpe(turned[known], true_world[known])
    return Errors(
        pose_mm=pose_mm,
        aligned_pose_mm=aligned_mm,
        world_mm=world_mm,
        joint_mm=1000 * np.linalg.norm(pose[known] - true_pose[known], axis=-1).mean(axis=0),
        truth_path_m=true_world[:, 0, [0, 2]],
        path_m=turned[:, 0, [0, 2]],
    )


def _of_human36m(motion: Motion) -> Float[np.ndarray, "frames 17 3"]:
    return motion.positions[:, motion.skeleton.indices(H36M_17.joints)]


def _from_hip(positions: Float[np.ndarray, "frames 17 3"]) -> Float[np.ndarray, "frames 17 3"]:
    return positions - positions[:, :1]


def _turned_onto(
    source: Float[np.ndarray, "frames 17 3"], target: Float[np.ndarray, "frames 17 3"], known: np.ndarray
) -> Float[np.ndarray, "frames 17 3"]:
    """One turn about the vertical and one shift along the ground, by least squares over all joints of all frames."""
    ground = source[known][..., [0, 2]].reshape(-1, 2)
    wanted = target[known][..., [0, 2]].reshape(-1, 2)
    a = (ground - ground.mean(axis=0)) @ np.array([1, 1j])
    b = (wanted - wanted.mean(axis=0)) @ np.array([1, 1j])
    turn = np.sum(np.conj(a) * b)
    turn = turn / abs(turn)
    moved = (source[..., 0] + 1j * source[..., 2] - complex(*ground.mean(axis=0))) * turn + complex(
        *wanted.mean(axis=0)
    )
    return np.stack((moved.real, source[..., 1], moved.imag), axis=-1)

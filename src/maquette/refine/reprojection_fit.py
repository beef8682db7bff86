"""From a placed motion and its 2D track to the problem of :mod:`maquette.refine.reprojection_problem`, and back."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.refine.motion_contacts import rest_heights_m
from maquette.refine.motion_tilt import CameraTilt
from maquette.refine.motion_trajectory import matched_keypoints
from maquette.refine.reprojection_body import BoneTree
from maquette.refine.reprojection_problem import Pose, Problem
from maquette.refine.zero_phase import zero_phase_lowpass


@dataclass(frozen=True)
class Trust:
    """How much each kind of evidence counts. Chosen on the validation subjects of the open motion capture."""

    picture_rate_hz: float = 5.0
    """Independent looks at a point in a second: a detector's errors last."""
    picture_floor: float = 0.003
    """Least error of a point, in heights of the person, where the 2D names Human3.6M's own joints."""
    landmark_floor: float = 0.030
    """The same where it does not: detectors mark places 15 to 30 mm from the joints, and do so in every frame."""
    shaking_cutoff_hz: float = 6.0
    """What is faster in the 2D is taken as the detector's error, and as a measure of the slower one."""
    shaking_factor: float = 1.3
    offset_factor: float = 0.45
    """How much of the slow disagreement of picture and pose counts as the detector's error."""
    tau_s: float = 0.2
    """For how long errors of a lifter last."""
    lifter_factor: float = 1.5
    """Errors of the lifter over the usual ones."""
    root_acceleration: float = 3.0
    bone_acceleration: float = 5.0
    """Densities of acceleration, in m / s^2 per square root of Hz: how suddenly people move."""
    size_sigma: float = 0.1
    length_sigma: float = 0.03
    """Of logarithms: the common size, and each length by itself."""
    length_sigma_m: float = 0.02
    """Of each length besides: where the joints of short bones are is as uncertain as elsewhere."""
    focal_sigma: float = 0.1
    """Of the logarithm of a focal length that was assumed."""
    tilt_factor: float = 0.3
    """Error of gravity's direction over what was told: floor and body, which the fit looks at again, told it."""
    still_mps: float = 0.2
    floor_m: float = 0.025
    """Errors of a standing foot: of its speed, which is 0, and of its height over the floor."""
    contact_rate_hz: float = 10.0
    """Independent looks at standing feet, and at the limits of joints, in a second."""


def pose_and_problem(
    motion: Motion,
    keypoints: Keypoints,
    camera: Camera,
    tilt: CameraTilt | None,
    trust: Trust,
    *,
    focal_known: bool = True,
    height_known: bool = False,
) -> tuple[Pose, Problem]:
    """Where the fit starts, and what it fits.

    Args:
        motion: camera frame, placed in front of ``camera``, finite.
    """
    tree = BoneTree(motion.skeleton)
    dt_s = 1.0 / float(motion.fps)
    points_px, confidence = matched_keypoints(motion, keypoints)
    seen = camera.pixels_to_normalized(points_px)
    known = np.isfinite(seen).all(-1) & (confidence > 0)
    seen = np.where(known[..., None], seen, 0.0)
    vectors = tree.vectors(motion.positions)
    norms = np.linalg.norm(vectors, axis=-1)
    lengths = np.array([np.median(norms[:, tree.group == g]) for g in range(tree.groups)])
    direction = vectors / np.maximum(norms, 1e-6)[..., None]
    sigma = point_sigma(motion, seen, known, trust)
    weight = np.where(known, confidence, 0.0) * trust.picture_rate_hz * dt_s / sigma**2
    across, along = (tree.usual_errors * lengths[tree.group, None] * trust.lifter_factor).T
    spread = np.broadcast_to(np.stack((across, across, along), axis=-1), vectors.shape).copy()
    if motion.sigma_m is not None:
        spread *= _relative_sigma(motion.sigma_m, tree)[..., None]
    size_sigma = _GIVEN_SIZE_SIGMA if height_known else trust.size_sigma
    mean, information = _shared(lengths, tilt, replace(trust, size_sigma=size_sigma), focal_known=focal_known)
    root = motion.positions[:, tree.root]
    pose = Pose(np.array(root), direction, mean.copy())
    problem = Problem(
        tree,
        dt_s,
        seen,
        weight,
        sigma,
        vectors,
        spread,
        trust.tau_s,
        trust.root_acceleration,
        trust.bone_acceleration,
        mean,
        information,
        trust.still_mps,
        trust.floor_m,
        trust.contact_rate_hz,
        standing=np.zeros((motion.n_frames, 0), dtype=bool),
    )
    if motion.contacts is not None and tilt is not None and tilt.camera_height_m is not None and motion.contacts.any():
        joints = motion.contact_joints
        problem = replace(
            problem,
            feet=np.array(motion.skeleton.indices(joints)),
            standing=np.array(motion.contacts),
            rest_m=rest_heights_m(joints),
        )
    return pose, problem


def point_sigma(
    motion: Motion, seen: Float[np.ndarray, "frames joints 2"], known: Bool[np.ndarray, "frames joints"], trust: Trust
) -> Float[np.ndarray, " joints"]:
    """Standard deviation of each point of the picture at unit depth, from how it shakes and how it disagrees."""
    depth = motion.positions[..., 2]
    height = _REFERENCE_M / float(np.median(depth))
    projected = motion.positions[..., :2] / np.maximum(depth[..., None], 0.1)
    away = np.where(known[..., None], seen - projected, np.nan)
    sight = np.where(known[..., None], seen, np.nan)
    slow = _slow(sight, motion, trust.shaking_cutoff_hz)
    shaking = _spread(sight - slow)
    offset = _spread(_slow(away, motion, 1.0))
    joints = [motion.skeleton.index(name) for name in _JOINTS_ONLY if name in motion.skeleton]
    exact = bool(joints) and bool(known[:, joints].any(axis=0).all())
    floor = (trust.picture_floor if exact else trust.landmark_floor) * height
    return np.sqrt(floor**2 + (trust.shaking_factor * shaking) ** 2 + (trust.offset_factor * offset) ** 2)


_REFERENCE_M = 1.7
_JOINTS_ONLY = ("spine", "thorax", "nose")
"""What only 2D on Human3.6M's own joints has; no detector's format gives it."""
_GIVEN_SIZE_SIGMA = 0.003


def fitted_motion(
    motion: Motion, problem: Problem, pose: Pose, camera: Camera, tilt: CameraTilt | None
) -> tuple[Motion, CameraTilt | None]:
    """The motion with the fitted figure, its camera with the fitted focal length, and the fitted tilt."""
    groups = problem.tree.groups
    focal = float(np.exp(pose.shared[groups]))
    fx, fy = camera.focal_px
    fitted_camera = replace(camera, focal_px=(fx * focal, fy * focal))
    positions = problem.joints_m(pose)
    fitted = replace(
        motion,
        positions=positions,
        root_trajectory=positions[:, problem.tree.root],
        camera=fitted_camera,
        rotations=None,
    )
    if tilt is None:
        return fitted, None
    pitch, roll, height = pose.shared[groups + 1 :]
    told = tilt.camera_height_m is not None
    return fitted, replace(
        tilt, pitch_rad=float(pitch), roll_rad=float(roll), camera_height_m=float(height) if told else None
    )


def _slow(values: Float[np.ndarray, "frames joints 2"], motion: Motion, cutoff_hz: float) -> np.ndarray:
    if 2 * cutoff_hz >= motion.fps:
        return values
    return zero_phase_lowpass(values.reshape(len(values), -1), motion.fps, cutoff_hz).reshape(values.shape)


def _spread(values: Float[np.ndarray, "frames joints 2"]) -> Float[np.ndarray, " joints"]:
    """Robust standard deviation of a coordinate of each joint; 0 where it is never seen."""
    out = np.zeros(values.shape[1])
    for joint in range(values.shape[1]):
        sample = np.abs(values[:, joint][np.isfinite(values[:, joint])])
        if sample.size:
            out[joint] = 1.4826 * np.median(sample)
    return out


def _relative_sigma(sigma_m: Float[np.ndarray, "frames joints"], tree: BoneTree) -> Float[np.ndarray, "frames bones"]:
    """How much less certain each bone is than usual in this clip, by the joint in which it ends."""
    ends = sigma_m[:, tree.ends]
    finite = np.isfinite(ends)
    usual = np.median(ends[finite]) if finite.any() else 1.0
    return np.where(finite, np.clip(ends / max(usual, 1e-6), 0.3, 3.0), _UNSEEN)


_UNSEEN = 10.0
"""A pose that is a guess counts a hundredth."""


def _shared(
    lengths: Float[np.ndarray, " groups"], tilt: CameraTilt | None, trust: Trust, *, focal_known: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and information of the shared unknowns."""
    n = len(lengths)
    mean = np.concatenate((np.log(lengths), np.zeros(4)))
    information = np.diag(np.full(n + 4, 1e8))
    covariance = np.full((n, n), trust.size_sigma**2) + np.diag(
        trust.length_sigma**2 + (trust.length_sigma_m / lengths) ** 2
    )
    information[:n, :n] = np.linalg.inv(covariance)
    if not focal_known:
        information[n, n] = trust.focal_sigma**-2
    if tilt is not None:
        mean[n + 1 :] = tilt.pitch_rad, tilt.roll_rad, tilt.camera_height_m or 0.0
        for at, sigma in ((n + 1, tilt.pitch_sigma_rad), (n + 2, tilt.roll_sigma_rad)):
            if sigma > 0:
                information[at, at] = (trust.tilt_factor * sigma) ** -2
        if tilt.camera_height_m is not None:
            information[n + 3, n + 3] = 1.0
    return mean, information

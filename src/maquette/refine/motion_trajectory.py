"""Where the root is in front of the camera: the place from which the 3D pose explains the picture."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.refine.motion_path import information_at_cutoff, solve_path
from maquette.skeletons import H36M_17, LANDMARKS_27, LIFTED_21

MIN_JOINTS = 4
"""Fewer observed joints than this do not place a person."""

_MIN_DEPTH_M = 0.2


def matched_keypoints(
    motion: Motion, keypoints: Keypoints
) -> tuple[Float[np.ndarray, "frames joints 2"], Float[np.ndarray, "frames joints"]]:
    """Pixels and confidence of the joints of ``motion`` by name; NaN and 0 for joints that the 2D skeleton lacks.

    Raises:
        InputError: the numbers of frames differ, or the 2D skeleton is none whose joints have the names *and* the
            meaning of Human3.6M's (COCO's ``nose`` is another point).
    """
    if motion.n_frames != keypoints.n_frames:
        raise InputError(f"{motion.n_frames} frames of 3D and {keypoints.n_frames} of 2D keypoints; expected as many")
    same_meaning = {motion.skeleton.name, H36M_17.name, LIFTED_21.name, LANDMARKS_27.name}
    common = [joint for joint in motion.skeleton.joints if joint in keypoints.skeleton]
    if keypoints.skeleton.name not in same_meaning or len(common) < MIN_JOINTS:
        raise InputError(
            f"keypoints on '{keypoints.skeleton.name}' do not tell where the joints of '{motion.skeleton.name}' are: "
            f"map them first (maquette.mapping.map_keypoints) to one of {', '.join(sorted(same_meaning))}"
        )
    points_px = np.full((motion.n_frames, motion.n_joints, 2), np.nan)
    confidence = np.zeros((motion.n_frames, motion.n_joints))
    into, out_of = motion.skeleton.indices(common), keypoints.skeleton.indices(common)
    points_px[:, into] = keypoints.points[:, out_of]
    confidence[:, into] = keypoints.confidence[:, out_of]
    return points_px, confidence


@dataclass(frozen=True, eq=False)
class PictureFit:
    """Per frame: where the picture puts the root."""

    translation_m: Float[np.ndarray, "frames 3"]
    """NaN in frames with fewer than four joints, or whose depth is not in front of the camera."""
    ray: Float[np.ndarray, "frames 3"]
    """Unit direction in which the translation is uncertain: towards the middle of the observed joints."""
    depth_information: Float[np.ndarray, " frames"]
    """Weighted sum of the joints' squared distances from their middle, in m^2: how well size tells the depth."""
    seen: Bool[np.ndarray, " frames"]


def fit_translation(
    pose_m: Float[np.ndarray, "frames joints 3"],
    rays: Float[np.ndarray, "frames joints 2"],
    weights: Float[np.ndarray, "frames joints"],
    *,
    outlier_m: float = 0.06,
    iterations: int = 4,
) -> PictureFit:
    """Translation of each frame's pose that puts its joints on their viewing rays.

    With the ray (u, v, 1) of a joint p and the translation t, the joint lies on its ray when
    p_x + t_x = u (p_z + t_z) and the same for y and v: linear in t. The weighted least squares have a closed form
    (t_z is a regression over the spread of the rays, t_x and t_y follow), reweighted ``iterations`` - 1 times by
    1 / (1 + (residual / outlier_m)^2)^2 (Geman-McClure).

    Args:
        pose_m: relative to the root, camera axes.
        rays: image coordinates at unit depth; NaN where missing.
    """
    known = np.isfinite(rays).all(-1) & np.isfinite(pose_m).all(-1) & (weights > 0)
    base = np.where(known, weights, 0.0)
    u, v = np.where(known, rays[..., 0], 0.0), np.where(known, rays[..., 1], 0.0)
    a, b = (np.where(known, ray * pose_m[..., 2] - pose_m[..., axis], 0.0) for axis, ray in ((0, u), (1, v)))
    w = base
    for iteration in range(iterations):
        total = np.maximum(w.sum(1), 1e-12)
        um, vm, am, bm = (np.einsum("fj,fj->f", w, value) / total for value in (u, v, a, b))
        du, dv = u - um[:, None], v - vm[:, None]
        spread = np.einsum("fj,fj->f", w, du**2 + dv**2)
        tz = -np.einsum("fj,fj->f", w, du * a + dv * b) / np.maximum(spread, 1e-12)
        tx, ty = um * tz + am, vm * tz + bm
        if iteration < iterations - 1:
            residual2 = (tx[:, None] - u * tz[:, None] - a) ** 2 + (ty[:, None] - v * tz[:, None] - b) ** 2
            w = base / (1.0 + residual2 / outlier_m**2) ** 2
    seen = (known.sum(1) >= MIN_JOINTS) & (spread > 1e-9) & (tz > _MIN_DEPTH_M)
    ray = np.stack((um, vm, np.ones_like(um)), axis=-1)
    return PictureFit(
        translation_m=np.where(seen[:, None], np.stack((tx, ty, tz), axis=-1), np.nan),
        ray=ray / np.linalg.norm(ray, axis=-1, keepdims=True),
        depth_information=np.where(seen, spread * tz**2, 0.0),
        seen=seen,
    )


def root_path(
    fit: PictureFit,
    dt_s: float,
    *,
    lateral_cutoff_hz: float | int = 6.0,
    depth_cutoff_hz: float | int = 0.5,
    foot_offsets_m: Float[np.ndarray, "feet frames 3"] | None = None,
    still: Float[np.ndarray, "feet steps"] | None = None,
    floor: tuple[Float[np.ndarray, "frames 3 3"], Float[np.ndarray, "frames 3"]] | None = None,
) -> Float[np.ndarray, "frames 3"]:
    """The root's path in camera coordinates: one solution over the clip (:func:`solve_path`), robust against depths
    that the rest of the clip contradicts.

    The picture counts with ``lateral_cutoff_hz`` across the viewing ray and ``depth_cutoff_hz`` along it. Optional:
    feet that stand ``still``, and a ``floor`` as ``(information, pull)`` per second.

    Raises:
        InputError: no frame shows enough of the person.
    """
    seen = fit.seen
    if not seen.any():
        raise InputError(f"no frame has {MIN_JOINTS} observed joints that fit the pose: the person cannot be placed")
    target = np.where(seen[:, None], fit.translation_m, 0.0)
    along = fit.ray[:, :, None] * fit.ray[:, None, :]
    across = information_at_cutoff(lateral_cutoff_hz) * (np.eye(3) - along)
    along = information_at_cutoff(depth_cutoff_hz) * along
    size = np.clip(fit.depth_information / np.median(fit.depth_information[seen]), 0.05, 2.0)
    reliable = size
    path = target
    for round_ in range(3):
        information = np.where(seen[:, None, None], across + reliable[:, None, None] * along, 0.0)
        pull = np.einsum("fij,fj->fi", information, target)
        if floor is not None:
            information, pull = information + floor[0], pull + floor[1]
        path = solve_path(pull, information, dt_s, foot_offsets_m, still)
        if round_ < 2:
            # Depths that the rest of the clip contradicts (a misread pose, exchanged sides) lose their say.
            error = np.abs(path[:, 2] - target[:, 2]) / np.maximum(target[:, 2], _MIN_DEPTH_M)
            scale = max(1.4826 * float(np.median(error[seen])), 0.01)
            reliable = size / (1 + (error / (2.5 * scale)) ** 2)
    return path

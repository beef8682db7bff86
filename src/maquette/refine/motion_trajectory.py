"""Where the root is in front of the camera: the place from which the 3D pose explains the picture."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.refine.motion_path import information_at_cutoff, solve_path
from maquette.refine.zero_phase import zero_phase_lowpass
from maquette.skeletons import H36M_17, LANDMARKS_27, LIFTED_21

MIN_JOINTS = 4
"""Fewer observed joints than this do not place a person."""

_MIN_DEPTH_M = 0.2
_LATERAL = 0.05
"""Stiffness of the path across the line of sight, where the picture has been low-passed already."""


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
    # Both axes of the picture first, as (2, frames, joints): few calls, which are what it costs for few frames.
    uv = np.where(known, np.moveaxis(rays, -1, 0), 0.0)
    ab = np.where(known, uv * pose_m[..., 2] - np.moveaxis(pose_m[..., :2], -1, 0), 0.0)
    both = np.concatenate((uv, ab))
    w = base
    for iteration in range(iterations):
        total = np.maximum(np.add.reduce(w, axis=1), 1e-12)
        mean = np.add.reduce(w * both, axis=-1) / total
        off = uv - mean[:2, :, None]
        weighed = w * off
        spread = np.add.reduce(np.add.reduce(weighed * off, axis=0), axis=-1)
        tz = -np.add.reduce(np.add.reduce(weighed * ab, axis=0), axis=-1) / np.maximum(spread, 1e-12)
        across = mean[:2] * tz + mean[2:]
        if iteration < iterations - 1:
            residual = across[:, :, None] - uv * tz[:, None] - ab
            w = base / np.square(1.0 + np.add.reduce(residual * residual, axis=0) / outlier_m**2)
    seen = (np.add.reduce(known, axis=1) >= MIN_JOINTS) & (spread > 1e-9) & (tz > _MIN_DEPTH_M)
    ray, translation_m = np.ones((len(w), 3)), np.empty((len(w), 3))
    ray[:, :2], translation_m[:, :2], translation_m[:, 2] = mean[:2].T, across.T, tz
    return PictureFit(
        translation_m=np.where(seen[:, None], translation_m, np.nan),
        ray=ray / np.sqrt(np.add.reduce(ray * ray, axis=-1, keepdims=True)),
        depth_information=np.where(seen, spread * tz**2, 0.0),
        seen=seen,
    )


def without_contradictions(fit: PictureFit, dt_s: float, *, least: float = 0.25) -> PictureFit:
    """The fit without the frames whose depth is off the median of the second around them by more than a quarter and
    eight times the usual: nobody changes size so fast, the detector saw something else."""
    if not fit.seen.any():
        return fit
    depth_m = fit.translation_m[:, 2]
    error = np.abs(_running_median(depth_m, fit.seen, dt_s) / np.where(fit.seen, depth_m, 1.0) - 1)
    usual = max(1.4826 * float(np.median(error[fit.seen])), 0.01)
    kept = fit.seen & (error < max(least, 8 * usual))
    if not kept.any():
        return fit
    return replace(
        fit,
        translation_m=np.where(kept[:, None], fit.translation_m, np.nan),
        depth_information=np.where(kept, fit.depth_information, 0.0),
        seen=kept,
    )


def root_path(
    fit: PictureFit,
    dt_s: float,
    *,
    lateral_cutoff_hz: float | int = 6.0,
    depth_cutoff_hz: float | int = 0.7,
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
        raise InputError(
            f"no frame has {MIN_JOINTS} observed joints that fit the pose: the person cannot be placed; "
            "check the keypoints (maquette inspect), the picture's size and the focal length"
        )
    expected_m = _running_median(fit.translation_m[:, 2], seen, dt_s)
    target, ray = _calm_target(fit, expected_m, 1.0 / dt_s, lateral_cutoff_hz)
    along = ray[:, :, None] * ray[:, None, :]
    across = np.where(seen[:, None, None], information_at_cutoff(6.0) * (np.eye(3) - along), 0.0)
    depth_m = np.where(seen, fit.translation_m[:, 2], 1.0)
    # On the calm ray at the depth that the size of the body tells.
    seen_at = target + ray * ((depth_m - target[:, 2]) / ray[:, 2])[:, None]
    size = np.clip(fit.depth_information / np.median(fit.depth_information[seen]), 0.05, 2.0)
    for _ in range(2):
        # Depths that the rest of the clip contradicts (a misread pose, exchanged sides) lose their say; at first the
        # median judges, which a burst of them cannot pull along.
        error = np.abs(expected_m - depth_m) / depth_m
        scale = max(1.4826 * float(np.median(error[seen])), 0.01)
        reliable = np.where(seen, size / (1 + (error / (2.5 * scale)) ** 2) ** 2, 0.0)
        information = across + information_at_cutoff(depth_cutoff_hz) * reliable[:, None, None] * along
        pull = np.einsum("fij,fj->fi", information, seen_at)
        if floor is not None:
            information, pull = information + floor[0], pull + floor[1]
        path = solve_path(pull, information, dt_s, foot_offsets_m, still, stiffness=(_LATERAL, _LATERAL, 1.0))
        expected_m = path[:, 2]
    # Before the first and after the last sighting nothing tells where the person went: the root waits there.
    first, last = np.flatnonzero(seen)[[0, -1]]
    path[:first], path[last + 1 :] = path[first], path[last]
    return path


def _calm_target(
    fit: PictureFit, depth_m: Float[np.ndarray, " frames"], fps: float, cutoff_hz: float
) -> tuple[Float[np.ndarray, "frames 3"], Float[np.ndarray, "frames 3"]]:
    """``(target, ray)``: the root on its ray at the slow ``depth_m``, and the ray, both low-passed across the line of
    sight; finite also where nobody is seen."""
    xy, z = fit.translation_m[:, :2], fit.translation_m[:, 2:]
    slope = np.where(fit.seen[:, None], fit.ray[:, :2] / fit.ray[:, 2:], np.nan)
    slow_m = zero_phase_lowpass(depth_m[:, None], fps, min(1.0, cutoff_hz))
    calm = zero_phase_lowpass(np.concatenate((slope, xy + slope * (slow_m - z)), axis=1), fps, cutoff_hz)
    calm = np.where(fit.seen[:, None], calm, 0.0)
    ray = np.concatenate((calm[:, :2], np.ones((len(calm), 1))), axis=1)
    return np.concatenate((calm[:, 2:], slow_m), axis=1), ray / np.linalg.norm(ray, axis=1, keepdims=True)


def _running_median(
    depth_m: Float[np.ndarray, " frames"], seen: Bool[np.ndarray, " frames"], dt_s: float, window_s: float = 1.0
) -> Float[np.ndarray, " frames"]:
    """Median over ``window_s`` of the frames that are seen; linear in between, the end windows one-sided.

    It is taken at about 16 places and of about 16 samples a window: a slow quantity needs no more.
    """
    known, at = depth_m[seen], np.flatnonzero(seen)
    half = min(max(int(0.5 * window_s / dt_s), 1), (len(known) - 1) // 2)
    step = max(half // 8, 1)
    windows = np.lib.stride_tricks.sliding_window_view(known, 2 * half + 1)
    centres = np.unique(np.append(np.arange(0, len(windows), step), len(windows) - 1))
    medians = np.median(windows[centres][:, ::step], axis=-1)
    return np.interp(np.arange(len(depth_m)), at[centres + half], medians)

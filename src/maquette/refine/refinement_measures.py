"""What a refinement has done to a motion, in the picture and in the body: measured before and after it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.refine.motion_ground import contact_speed_mps
from maquette.refine.motion_trajectory import fit_translation, matched_keypoints

_MIN_DEPTH_M = 0.01


def reprojection_px(motion: Motion, keypoints: Keypoints, camera: Camera) -> Float[np.ndarray, " frames"]:
    """Distance in pixels between a motion's joints in the picture and where they were seen: the mean of each frame,
    weighted by confidence, without lens distortion; NaN where nothing can be compared.

    A motion in space is measured where it is. One that is only a pose is measured where it fits the frame best
    (:func:`maquette.refine.motion_trajectory.fit_translation`).
    """
    points_px, confidence = matched_keypoints(motion, keypoints)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        rays = camera.pixels_to_normalized(points_px)
        positions = motion.positions
        if motion.root_trajectory is None:
            positions = positions - positions[:, motion.skeleton.roots[0], None]
            positions = positions + fit_translation(positions, rays, confidence).translation_m[:, None]
        depth = positions[..., 2]
        shown = positions[..., :2] / np.where(depth > _MIN_DEPTH_M, depth, np.nan)[..., None]
        distances = np.linalg.norm((shown - rays) * np.array(camera.focal_px), axis=-1)
    known = np.isfinite(distances) & (confidence > 0)
    weight = np.where(known, confidence, 0.0)
    total = weight.sum(axis=1)
    return np.where(total > 0, (weight * np.where(known, distances, 0.0)).sum(axis=1), np.nan) / np.maximum(
        total, np.finfo(np.float64).tiny
    )


def bone_spread_m(motion: Motion) -> float:
    """Standard deviation over the frames of the length of each bone, the mean of all bones, in metres; NaN without two
    frames. A body's is 0."""
    if motion.n_frames < 2 or not motion.skeleton.bones:
        return float("nan")
    parents, children = np.array(motion.skeleton.bones).T
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(motion.positions[:, children] - motion.positions[:, parents], axis=-1)
        known = np.isfinite(lengths)
        count = known.sum(axis=0)
        mean = np.where(known, lengths, 0.0).sum(axis=0) / np.maximum(count, 1)
        squares = np.where(known, np.square(lengths - mean), 0.0).sum(axis=0)
        spread = np.sqrt(squares / np.maximum(count, 1))[count > 1]
    return float(spread.mean()) if spread.size else float("nan")


def jerk_mps3(motion: Motion) -> float:
    """Mean over joints and frames of the third derivative of position, from differences of successive frames; NaN with
    fewer than four."""
    if motion.n_frames < 4:
        return float("nan")
    third = np.linalg.norm(np.diff(motion.positions, 3, axis=0), axis=-1) * float(motion.fps) ** 3
    third = third[np.isfinite(third)]
    return float(third.mean()) if third.size else float("nan")


@dataclass(frozen=True)
class Measures:
    """How well a motion fits its picture, and how much it moves like a body; smaller is better."""

    reprojection_px: float
    """Mean distance of the joints from where they were seen."""
    bone_spread_m: float
    """Standard deviation of bone lengths over the clip."""
    foot_skate_mps: float
    """Mean speed of feet while they stand; NaN without contacts."""
    jerk_mps3: float

    def words(self) -> str:
        """For notes."""
        parts = [f"{self.reprojection_px:.1f} px from the keypoints"]
        if np.isfinite(self.bone_spread_m):
            parts.append(f"bones vary by {1000 * self.bone_spread_m:.1f} mm")
        if np.isfinite(self.foot_skate_mps):
            parts.append(f"standing feet move at {self.foot_skate_mps:.2f} m/s")
        if np.isfinite(self.jerk_mps3):
            parts.append(f"jerk {self.jerk_mps3:.0f} m/s^3")
        return ", ".join(parts)


def measure(motion: Motion, keypoints: Keypoints, camera: Camera) -> Measures:
    """All measures of a motion."""
    distances = reprojection_px(motion, keypoints, camera)
    distances = distances[np.isfinite(distances)]
    return Measures(
        float(distances.mean()) if distances.size else float("nan"),
        bone_spread_m(motion),
        contact_speed_mps(motion),
        jerk_mps3(motion),
    )

"""``body-rays/v1``: what the self-supervised correction sees of a lifted pose and of the picture, and the way back.

The published network sees people in square crops and in the axes of one camera, at the mean limb lengths of its
training set. To be of use after any lifter and any camera, the pair is made independent of where somebody stands in the
picture, how far away, and how tall he is:

* A virtual camera looks at the root: the smallest rotation that brings the ray of the root (the middle of the hips; the
  hip's where one of them is missing; else where the pose fits the other joints best) onto the optical axis.
* 3D: the 16 joints of h36m-16 relative to the hip, in that camera's axes, scaled so that the bones of the body sum to
  :data:`REFERENCE_BODY_MM`, then between the smallest and largest value of each coordinate
  (:class:`maquette.lifting.min_max.MinMax`).
* 2D: rays turned into that camera, relative to the root's, divided by the root mean square distance of the twelve limb
  joints to the root, as ``0.5 + 0.2 * value``. What missing limb joints would have added is taken from the pose.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.lifting.min_max import MinMax
from maquette.lifting.normalize import positions_in_camera, rotation_to_axis, turn_rays
from maquette.motion import Motion
from maquette.refine.motion_trajectory import MIN_JOINTS, fit_translation, matched_keypoints
from maquette.skeletons import H36M_16

VIEW = "body-rays/v1"
REFERENCE_BODY_MM = 4150.0
"""Sum of the 15 bones of h36m-16 of Human3.6M's average subject, to 1 cm."""
PICTURE_CENTRE, PICTURE_UNIT = 0.5, 0.2
"""A limb joint as far from the root as they are on average lies at 0.5 +- 0.2: the picture's values fill [0, 1]."""

_HIP, _L_HIP, _R_HIP = H36M_16.indices(["hip", "l_hip", "r_hip"])
_LIMBS = H36M_16.indices(
    f"{side}_{joint}" for side in "lr" for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
)
_PICTURE_LIMIT = 5.0  # in units of the RMS distance: further out is a slip of the detector
_POSE_LIMIT = 5.0  # in spans of the limits: not a body any more
_LEAST_RMS = 1e-4


@dataclass(frozen=True, eq=False)
class CorrectionView:
    """What goes into the layers, and what is needed to read the pose that comes out."""

    pose: Float[np.ndarray, "frames 48"]
    """Normalised 3D, the network's input e; 0.5 in frames that are not usable."""
    picture: Float[np.ndarray, "frames 32"]
    """Normalised 2D, the pseudo-target d; 0.5 where missing."""
    weight: Float[np.ndarray, "frames 16"]
    """Confidence of each 2D joint in [0, 1]; 0 where it is missing, and everywhere in frames that are not usable."""
    usable: Bool[np.ndarray, " frames"]
    """False where a joint of the pose is missing, or too few of the picture's to tell root and size."""
    R_virtual_camera: Float[np.ndarray, "frames 3 3"]
    """Rotation from the camera's axes to those of the virtual camera."""
    body_mm: Float[np.ndarray, " frames"]
    """Sum of the bones that was scaled to the reference."""
    limits: MinMax

    def positions_m(self, pose: Float[np.ndarray, "frames 48"]) -> Float[np.ndarray, "frames 16 3"]:
        """Normalised poses of these frames as metres relative to the hip, in the camera's axes: the inverse of
        :attr:`pose`. What is said of the hip itself means nothing, it is zero."""
        body = self.limits.unnormalise(np.asarray(pose, dtype=np.float64).reshape(len(pose), len(H36M_16), 3))
        body[:, _HIP] = 0.0
        return positions_in_camera(body * (self.body_mm / REFERENCE_BODY_MM / 1000.0)[:, None, None], self._R64)

    @property
    def _R64(self) -> Float[np.ndarray, "frames 3 3"]:
        return np.asarray(self.R_virtual_camera, dtype=np.float64)


def motion_view(motion: Motion, keypoints: Keypoints, camera: Camera, limits: MinMax) -> CorrectionView:
    """The pairs of a lifted motion and the 2D track it was lifted from.

    Args:
        motion: in the camera's axes, relative to the root or placed in front of the camera; has the joints of h36m-16
            by name.
        keypoints: as many frames, with joints named as the motion's (``maquette.mapping.map_keypoints``).

    Raises:
        InputError: frames, joints or axes do not fit.
    """
    if motion.frame != "camera":
        raise InputError(
            f"the correction works in the camera's axes; this motion is in frame '{motion.frame}': refine it before it "
            "is brought into the world"
        )
    lacking = [joint for joint in H36M_16.joints if joint not in motion.skeleton]
    if lacking:
        raise InputError(
            f"skeleton '{motion.skeleton.name}' has no {', '.join(lacking)}; the correction needs the joints of "
            f"{H36M_16.name}: {', '.join(H36M_16.joints)}"
        )
    joints = motion.skeleton.indices(H36M_16.joints)
    points_px, confidence = matched_keypoints(motion, keypoints)
    positions = motion.positions[:, joints]
    rays = camera.pixels_to_normalized(points_px[:, joints])
    body_mm = np.full(motion.n_frames, body_size_mm(positions))
    return correction_view(positions, rays, confidence[:, joints], limits, body_mm)


def correction_view(
    positions_m: Float[np.ndarray, "frames 16 3"],
    rays: Float[np.ndarray, "frames 16 2"],
    confidence: Float[np.ndarray, "frames 16"],
    limits: MinMax,
    body_mm: Float[np.ndarray, " frames"],
) -> CorrectionView:
    """The pairs of bare arrays, one frame at a time.

    Args:
        positions_m: in the camera's axes, anywhere; NaN where missing.
        rays: image coordinates x/z, y/z of the 2D joints; NaN where missing.
        body_mm: sum of the bones (:func:`body_size_mm`) of the body in each frame.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # poses and points beyond all bounds are not usable
        positions_m = np.asarray(positions_m, dtype=np.float64)
        relative = positions_m - positions_m[:, _HIP, None]
        seen = np.isfinite(rays).all(-1) & (confidence > 0)
        root, has_root = _root_ray(relative, rays, seen, confidence)
        R = rotation_to_axis(root)
        turned = relative @ R.transpose(0, 2, 1)
        scale = np.where(body_mm > 0, 1000.0 * REFERENCE_BODY_MM / np.where(body_mm > 0, body_mm, 1.0), np.nan)
        pose = limits.normalise(turned * scale[:, None, None]).reshape(-1, 3 * len(H36M_16))
        points = turn_rays(np.where(seen[..., None], rays, root[:, None]), R)
        rms, has_size = _limb_rms(points, turned, seen)
        # NaN compares as False: a pose with a missing joint is not usable.
        usable = has_root & has_size & (np.abs(pose) <= _POSE_LIMIT).all(axis=1)
        value = np.clip(points / rms[:, None, None], -_PICTURE_LIMIT, _PICTURE_LIMIT)
    weight = np.where(seen, confidence, 0.0)
    weight[:, _HIP] = np.maximum(weight[:, _HIP], np.minimum(weight[:, _L_HIP], weight[:, _R_HIP]))
    kept = usable[:, None] & (weight > 0)
    picture = PICTURE_CENTRE + PICTURE_UNIT * np.where(kept[..., None], value, 0.0)
    return CorrectionView(
        pose=np.where(usable[:, None], pose, 0.5),
        picture=picture.reshape(-1, 2 * len(H36M_16)),
        weight=np.where(kept, weight, 0.0),
        usable=usable,
        R_virtual_camera=R,
        body_mm=np.asarray(body_mm, dtype=np.float64),
        limits=limits,
    )


def body_size_mm(positions_m: Float[np.ndarray, "frames 16 3"]) -> float:
    """Median over the frames with all joints of the sum of the bones of h36m-16; 0 when there is no such frame."""
    parents, children = np.array(H36M_16.bones).T
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.linalg.norm(positions_m[:, children] - positions_m[:, parents], axis=-1).sum(axis=1)
    sums = sums[np.isfinite(sums)]
    return 1000.0 * float(np.median(sums)) if sums.size else 0.0


def _root_ray(
    relative_m: Float[np.ndarray, "frames 16 3"],
    rays: Float[np.ndarray, "frames 16 2"],
    seen: Bool[np.ndarray, "frames 16"],
    confidence: Float[np.ndarray, "frames 16"],
) -> tuple[Float[np.ndarray, "frames 2"], Bool[np.ndarray, " frames"]]:
    """Where the picture shows the root, (0, 0) where it does not; and whether it does."""
    hips = seen[:, _L_HIP] & seen[:, _R_HIP]
    root = np.where(hips[:, None], 0.5 * (rays[:, _L_HIP] + rays[:, _R_HIP]), rays[:, _HIP])
    known = hips | seen[:, _HIP]
    rest = np.flatnonzero(~known & (seen.sum(axis=1) >= MIN_JOINTS))
    if len(rest):
        fit = fit_translation(relative_m[rest], np.where(seen[rest, :, None], rays[rest], np.nan), confidence[rest])
        root[rest] = fit.translation_m[:, :2] / fit.translation_m[:, 2:]
        known[rest] = fit.seen
    return np.where(known[:, None], root, 0.0), known


def _limb_rms(
    points: Float[np.ndarray, "frames 16 2"],
    turned_m: Float[np.ndarray, "frames 16 3"],
    seen: Bool[np.ndarray, "frames 16"],
) -> tuple[Float[np.ndarray, " frames"], Bool[np.ndarray, " frames"]]:
    """Root mean square distance of the limb joints to the root in the picture, 1 where it cannot be told; and whether
    it can.

    Half a body has another mean distance than all of it: the pose, seen from far away, says by how much.
    """
    limbs = seen[:, _LIMBS]
    count = np.maximum(limbs.sum(axis=1), 1)
    in_picture = np.square(points[:, _LIMBS]).sum(axis=-1)
    in_pose = np.square(turned_m[:, _LIMBS, :2]).sum(axis=-1)
    in_pose_seen = (in_pose * limbs).sum(axis=1) / count
    all_to_seen = in_pose.mean(axis=1) / np.where(in_pose_seen > 0, in_pose_seen, np.nan)
    rms = np.sqrt((in_picture * limbs).sum(axis=1) / count * np.where(limbs.all(axis=1), 1.0, all_to_seen))
    known = (limbs.sum(axis=1) >= MIN_JOINTS) & (rms > _LEAST_RMS) & (rms < np.inf)
    return np.where(known, rms, 1.0), known

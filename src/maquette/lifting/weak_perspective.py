"""3D from joints in a picture and their depths, all in one scale of pixels, as networks of pictures give them.

Under weak perspective a person is so flat, measured by the distance, that one scale serves all joints: x, y and depth
in pixels are the body itself, but for its size in metres, which no picture tells. Zhou et al. 2017 take that size from
a skeleton of constant length: the 14 bones of MPII's joints add up to the same in every pose and person.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.lifting.assumed_camera import camera_for
from maquette.mapping import H36M_17_CONVENTIONS, JointMap
from maquette.motion import Motion
from maquette.runtime.picture_spec import PUBLISHED_LENGTH_MM
from maquette.skeletons import H36M_17, MPII_16

BONES: dict[tuple[str, str], float] = {
    ("r_ankle", "r_knee"): 0.420,
    ("r_knee", "r_hip"): 0.430,
    ("r_hip", "pelvis"): 0.105,
    ("l_hip", "pelvis"): 0.105,
    ("l_knee", "l_hip"): 0.430,
    ("l_ankle", "l_knee"): 0.420,
    ("r_wrist", "r_elbow"): 0.245,
    ("r_elbow", "r_shoulder"): 0.280,
    ("r_shoulder", "upper_neck"): 0.185,
    ("l_shoulder", "upper_neck"): 0.185,
    ("l_elbow", "l_shoulder"): 0.280,
    ("l_wrist", "l_elbow"): 0.245,
    ("pelvis", "upper_neck"): 0.530,
    ("upper_neck", "head_top"): 0.245,
}
"""The 14 bones of Zhou et al. 2017, and their lengths in an adult of 1.66 m: means of CMU's motion capture, the hips as
wide as detectors and Human3.6M see them. Only the shares of their sum count, for bones that are not seen."""
HEIGHT_M = 1.66
"""Of that adult (as :func:`maquette.refine.motion_scale.height_from_bones` reckons)."""
_TOTAL_M = sum(BONES.values())
_ENDS = np.array([MPII_16.indices(pair) for pair in BONES])
_LEAST_SHARE = 0.35
"""Of the skeleton's length that must be seen in a frame for its scale to be told: about both legs."""
_NEAREST = 0.1
"""A joint's distance from the camera, in that of the root, is at least this."""
_PELVIS = MPII_16.index("pelvis")
Thorax = Literal["upper neck", "thorax"]
"""Which of MPII's joints Human3.6M's thorax is."""
_MAPS: dict[Thorax, JointMap] = {
    "upper neck": H36M_17_CONVENTIONS["hourglass/mpii-16"],
    "thorax": H36M_17_CONVENTIONS["hourglass-thorax/mpii-16"],
}

Joints = Float[np.ndarray, "frames 16 3"]


def skeleton_lengths(points: Joints) -> Float[np.ndarray, " frames"]:
    """Length of the 14 bones together in each frame, in the unit of the points (mpii-16).

    For bones that miss an end, what the others make likely by the shares of :data:`BONES`; NaN where those seen are
    less than a third of the skeleton.
    """
    lengths = np.linalg.norm(points[:, _ENDS[:, 0]] - points[:, _ENDS[:, 1]], axis=-1)
    known = np.isfinite(lengths)
    shares = np.where(known, np.array(list(BONES.values())) / _TOTAL_M, 0).sum(axis=1)
    total = np.where(known, lengths, 0).sum(axis=1)
    return np.where(shares >= _LEAST_SHARE, total / np.maximum(shares, _LEAST_SHARE), np.nan)


def of_length(points: Joints, length: float | int) -> Joints:
    """Each pose relative to its pelvis, scaled so that the 14 bones add up to ``length`` (Zhou et al. 2017): in the
    unit of ``length``. NaN where the scale cannot be told, and all poses without extent."""
    lengths = skeleton_lengths(points)
    factor = float(length) / np.where(lengths > 0, lengths, np.nan)
    return (points - points[:, [_PELVIS]]) * factor[:, None, None]


def lift_depth(
    keypoints: Keypoints,
    depth_px: Float[np.ndarray, "frames 16"],
    *,
    height_m: float | int | None = None,
    skeleton_length_m: float | int = PUBLISHED_LENGTH_MM / 1000,
    focal_px: float | int | None = None,
    perspective: bool = True,
    thorax: Thorax = "upper neck",
    model: str | None = None,
    model_sha256: str | None = None,
) -> Motion:
    """Root-relative poses in the camera frame, on Human3.6M-17.

    A frame's scale is the one that gives its 14 bones their length in all, so it may differ from frame to frame, as
    somebody's size does who comes nearer. With ``perspective`` a joint that is ``d`` pixels behind the root lies on
    its own viewing ray, ``1 + d / focal length`` times as far away as the root, which is exact when the depths are;
    without it x and y are taken as they are (Zhou et al. 2017), as if the camera were infinitely far away, and
    somebody at the side of the picture looks turned. Spine and nose, which such networks do not give, lie on straight
    lines between their neighbours.

    Args:
        keypoints: a track on mpii-16.
        depth_px: how far each joint is behind any fixed point of the body (the root, say), in pixels of the picture at
            the person's distance; NaN where missing.
        height_m: body height that sets the scale; the skeleton then has the length that goes with it.
        skeleton_length_m: of the 14 bones together; by default that of the published evaluation, 4.297 m.
        focal_px: focal length in pixels; None assumes 1.15 times the longer side of the picture.
        thorax: MPII's joint that Human3.6M's thorax is: the upper neck of the published networks, which were trained
            so and do not know MPII's thorax; else MPII's thorax.

    Raises:
        InputError: another skeleton or number of frames, no frame tells a scale, or an argument is out of range.
    """
    _check(keypoints, depth_px, height_m, skeleton_length_m)
    camera, notes = camera_for(keypoints, focal_px=None if focal_px is None else float(focal_px))
    points = _with_pelvis(np.concatenate([keypoints.points, depth_px[..., None]], axis=-1))
    points[..., 2] -= points[:, [_PELVIS], 2]
    if perspective:
        points = _in_space(points, camera)
    length_m, source = _length(height_m, float(skeleton_length_m))
    posed = of_length(points, length_m)
    if not np.isfinite(posed).any():
        raise InputError(
            f"{keypoints.source or 'the track'}: no frame shows hips and limbs, from which the size of the body is told"
        )
    seen = np.isfinite(posed).all(axis=-1).astype(float)
    positions, _ = _MAPS[thorax].apply_arrays(np.where(seen[..., None] > 0, posed, np.nan), seen)
    rays = "on the viewing rays of their joints" if perspective else "as if seen from infinitely far away"
    return Motion(
        positions=positions,
        skeleton=H36M_17,
        fps=keypoints.fps,
        frame="camera",
        timestamps_s=keypoints.timestamps_s,
        camera=camera,
        scale_source=source,
        person_id=keypoints.person_id,
        model=model,
        model_sha256=model_sha256,
        source=keypoints.source,
        notes=(
            *keypoints.notes,
            *(notes if perspective else ()),
            f"3D from the depths that the detector gave, {rays}",
            f"metric scale {source}",
            f"thorax is MPII's {thorax}; spine and nose put on straight lines between their neighbours",
        ),
    )


def _check(
    keypoints: Keypoints, depth_px: np.ndarray, height_m: float | int | None, skeleton_length_m: float | int
) -> None:
    problems = []
    if keypoints.skeleton != MPII_16:
        problems.append(f"joints of '{keypoints.skeleton.name}', expected mpii-16, whose depths networks give")
    elif depth_px.shape != keypoints.points.shape[:2]:
        problems.append(f"depths of shape {depth_px.shape} for {keypoints.n_frames} frames of {len(MPII_16)} joints")
    if height_m is not None and not 0.4 <= height_m <= 2.8:
        problems.append(f"body height is {height_m:g} m, expected 0.4 to 2.8 (metres, not centimetres or feet)")
    if not 0 < skeleton_length_m < 20:
        problems.append(f"the bones are {skeleton_length_m:g} m long in all, expected metres, about 4")
    if problems:
        raise InputError.from_problems(keypoints.source or "lifting by depth", problems)


def _length(height_m: float | int | None, skeleton_length_m: float) -> tuple[float, str]:
    if height_m is not None:
        return float(height_m) / HEIGHT_M * _TOTAL_M, f"body height {height_m:.2f} m given"
    return (
        skeleton_length_m,
        f"assumed: the 14 bones of the body are {skeleton_length_m:.2f} m long in all, which is a person of about "
        f"{skeleton_length_m / _TOTAL_M * HEIGHT_M:.2f} m",
    )


def _with_pelvis(points: Joints) -> Joints:
    """Where the pelvis is missing, the middle of the hips."""
    hips = points[:, MPII_16.indices(("r_hip", "l_hip"))].mean(axis=1)
    pelvis = points[:, _PELVIS]
    points[:, _PELVIS] = np.where(np.isfinite(pelvis).all(axis=-1, keepdims=True), pelvis, hips)
    return points


def _in_space(points_px: Joints, camera: Camera) -> Joints:
    """On the viewing rays, in pixels at the root's distance, which is the focal length."""
    focal_px = float(np.mean(camera.focal_px))
    away = np.maximum(1 + points_px[..., 2:] / focal_px, _NEAREST)
    rays = camera.pixels_to_normalized(points_px[..., :2])
    return focal_px * away * np.concatenate([rays, np.ones_like(away)], axis=-1)

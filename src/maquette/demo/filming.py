"""Films the demo's figure and reports what a 2D detector would say about it, mistakes included."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from maquette.geometry import Camera, look_at
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.skeletons import BODY_25

IMAGE_SIZE = (1280, 720)


def camera() -> Camera:
    """A camera on a tripod at eye level, five metres away, tilted down a little, field of view 51 degrees across."""
    position = np.array([-0.25, 1.60, 3.95])
    return Camera(
        focal_px=(1340.0, 1340.0),
        centre_px=(IMAGE_SIZE[0] / 2, IMAGE_SIZE[1] / 2),
        image_size=IMAGE_SIZE,
        R_camera_world=look_at(position, np.array([-0.55, 0.84, -0.80])),
        position_world_m=position,
    )


_HIP_OUT, _HIP_UP_M = 1.12, 0.020
"""Detectors mark the hips wider and higher than the joints are."""

_JITTER: dict[str, float] = {
    **dict.fromkeys(("nose", "l_eye", "r_eye", "l_ear", "r_ear"), 0.0035),
    **dict.fromkeys(("neck", "l_shoulder", "r_shoulder", "mid_hip", "l_hip", "r_hip"), 0.0045),
    **dict.fromkeys(("l_elbow", "r_elbow", "l_knee", "r_knee"), 0.0055),
    **dict.fromkeys(("l_wrist", "r_wrist", "l_ankle", "r_ankle"), 0.0065),
    **dict.fromkeys(("l_heel", "r_heel", "l_big_toe", "r_big_toe", "l_small_toe", "r_small_toe"), 0.0075),
}
"""Standard deviation of a detected point, in heights of the person as filmed."""


@dataclass(frozen=True)
class Mistakes:
    """What goes wrong in the clip, by frames at 30 per second (the end is not included)."""

    nobody: range = range(143, 144)
    """No person is found."""
    swapped_legs: range = range(54, 59)
    """Left and right legs are exchanged, while one passes the other."""
    hidden: tuple[tuple[range, tuple[str, ...]], ...] = (
        (range(86, 97), ("r_elbow", "r_wrist")),
        (range(203, 212), ("l_ankle", "l_heel", "l_big_toe", "l_small_toe")),
        (range(262, 266), ("r_wrist",)),
    )
    """Joints that are not found for a while."""
    outliers: tuple[tuple[int, str, float, float], ...] = (
        (31, "l_wrist", 95.0, -60.0),
        (120, "r_ankle", -80.0, -25.0),
        (231, "l_elbow", 70.0, 45.0),
    )
    """Frame, joint, and by how many pixels (x, y) it is off."""


def film(motion: Motion, view: Camera) -> Float[np.ndarray, "frames joints 2"]:
    """Where the points of OpenPose's BODY_25 appear in the picture, without any error."""
    return view.project_world(_marked_points(motion))


def _marked_points(motion: Motion) -> Float[np.ndarray, "frames joints 3"]:
    at = {name: motion.joint(name) for name in motion.skeleton.joints}
    up = at["spine"] - at["hip"]
    up = up / np.linalg.norm(up, axis=-1, keepdims=True)
    for side in "lr":
        at[f"{side}_hip"] = at["hip"] + _HIP_OUT * (at[f"{side}_hip"] - at["hip"]) + _HIP_UP_M * up
    at["mid_hip"] = 0.5 * (at["l_hip"] + at["r_hip"])
    at["nose"] = at["face_nose"]
    return np.stack([at[name] for name in BODY_25.joints], axis=1)


def detect(motion: Motion, view: Camera, *, seed: int = 0, mistakes: Mistakes | None = None) -> Keypoints:
    """Keypoints of the filmed figure as a detector gives them.

    Every point jitters, and drifts slowly by as much again; arms behind the trunk are worse and at times missing; ears
    and eyes on the far side of the head are missing; and the ``mistakes`` happen.
    """
    rng = np.random.default_rng(seed)
    mistakes = Mistakes() if mistakes is None else mistakes
    points_world = _marked_points(motion)
    points = view.project_world(points_world)
    behind = _behind_trunk(view.world_to_camera(points_world), points)
    height_px = _height_px(motion, view)
    sigma = height_px[:, None] * np.array([_JITTER[name] for name in BODY_25.joints]) * np.where(behind, 2.2, 1.0)
    white = rng.normal(size=points.shape)
    drift = _slow_noise(rng, points.shape, float(motion.fps))
    error = sigma[..., None] * (0.75 * white + 0.9 * drift)
    confidence = 0.92 * np.exp(-0.09 * np.abs(error / sigma[..., None]).max(axis=-1)) - np.where(behind, 0.28, 0.0)
    confidence = np.clip(confidence + rng.normal(0, 0.02, confidence.shape), 0.12, 0.98)
    seen = _seen(rng, motion, view, behind)
    points, confidence = _err(points + error, np.where(seen, confidence, 0.0), mistakes)
    return Keypoints(
        points=points,
        confidence=confidence,
        skeleton=BODY_25,
        fps=motion.fps,
        image_size=view.image_size,
        source="maquette demo",
        notes=(f"made by the demo's simulated detector, seed {seed}",),
    )


def _height_px(motion: Motion, view: Camera) -> Float[np.ndarray, " frames"]:
    depth_m = view.world_to_camera(motion.joint("hip"))[:, 2]
    return 1.7 * view.focal_px[1] / depth_m


def _slow_noise(rng: np.random.Generator, shape: tuple[int, ...], fps: float) -> Float[np.ndarray, "frames *rest"]:
    """Noise of unit variance that forgets itself within about half a second."""
    from scipy.ndimage import gaussian_filter1d

    sigma = 0.22 * fps
    noise = gaussian_filter1d(rng.normal(size=shape), sigma, axis=0, mode="reflect")
    return noise * np.sqrt(2 * sigma * np.sqrt(np.pi))


def _behind_trunk(
    in_camera: Float[np.ndarray, "frames joints 3"], points: Float[np.ndarray, "frames joints 2"]
) -> Bool[np.ndarray, "frames joints"]:
    """Elbows and wrists that the trunk covers: within its breadth in the picture, over 6 cm deeper than its middle."""
    corners = BODY_25.indices(["l_shoulder", "r_shoulder", "l_hip", "r_hip"])
    centre = points[:, corners].mean(axis=1)
    top, bottom = points[:, BODY_25.index("neck")], points[:, BODY_25.index("mid_hip")]
    axis = bottom - top
    length = np.linalg.norm(axis, axis=-1, keepdims=True)
    axis = axis / length
    # A trunk seen from the side is still a hand's breadth deep to either side of its axis.
    offset = points - centre[:, None]
    across = np.abs(offset[..., 0] * axis[:, None, 1] - offset[..., 1] * axis[:, None, 0])
    spread = np.abs(points[:, corners] - centre[:, None])[..., 0].mean(axis=1, keepdims=True)
    along = np.sum((points - top[:, None]) * axis[:, None], axis=-1) / length
    covered = (across < np.maximum(spread, 0.22 * length)) & (along > 0.1) & (along < 1.0)
    deeper = in_camera[..., 2] - in_camera[:, corners, 2].mean(axis=1, keepdims=True) > 0.06
    arms = np.array(["elbow" in name or "wrist" in name for name in BODY_25.joints])
    return covered & deeper & arms


def _seen(
    rng: np.random.Generator, motion: Motion, view: Camera, behind: Bool[np.ndarray, "frames joints"]
) -> Bool[np.ndarray, "frames joints"]:
    """False for the far side of the face and, now and then, for points behind the trunk."""
    seen = np.ones(behind.shape, dtype=bool)
    to_camera = view.position_world_m - motion.joint("head")
    to_camera = to_camera / np.linalg.norm(to_camera, axis=-1, keepdims=True)
    across = motion.joint("l_ear") - motion.joint("r_ear")
    across = across / np.linalg.norm(across, axis=-1, keepdims=True)
    leftness = np.sum(across * to_camera, axis=-1)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        seen[:, BODY_25.index(f"{side}_ear")] = sign * leftness > -0.30
        seen[:, BODY_25.index(f"{side}_eye")] = sign * leftness > -0.80
    for joint in np.flatnonzero(behind.any(axis=0)):
        lost = _slow_noise(rng, (len(seen), 1), float(motion.fps))[:, 0] > 0.9
        seen[:, joint] &= ~(behind[:, joint] & lost)
    return seen


def _err(
    points: Float[np.ndarray, "frames joints 2"], confidence: Float[np.ndarray, "frames joints"], mistakes: Mistakes
) -> tuple[Float[np.ndarray, "frames joints 2"], Float[np.ndarray, "frames joints"]]:
    """The mistakes of the list, applied to copies."""
    points, confidence = points.copy(), confidence.copy()
    for frame, joint, x, y in mistakes.outliers:
        points[frame, BODY_25.index(joint)] += (x, y)
        confidence[frame, BODY_25.index(joint)] *= 0.6
    legs = [f"{side}_{part}" for part in ("hip", "knee", "ankle", "heel", "big_toe", "small_toe") for side in "lr"]
    left, right = BODY_25.indices(legs[::2]), BODY_25.indices(legs[1::2])
    for array in (points, confidence):
        rows = np.array(mistakes.swapped_legs)[:, None]
        array[rows, left], array[rows, right] = array[rows, right].copy(), array[rows, left].copy()
    for frames, joints in mistakes.hidden:
        confidence[np.ix_(list(frames), BODY_25.indices(joints))] = 0.0
    confidence[list(mistakes.nobody)] = 0.0
    return points, confidence

"""A pinhole camera with lens distortion, and the choices of camera when none is known.

Camera frame (OpenCV): x right, y down, z forward from the camera. Pixels: x right, y down, origin at the top
left corner of the picture. Lengths in metres.
"""

from dataclasses import dataclass, field
from typing import get_args

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.geometry.distortion import DISTORTION_LENGTHS, DistortionModel, distort, undistort
from maquette.geometry.euler import euler_to_matrix

_MIN_DEPTH_M = 1e-6


@dataclass(frozen=True, eq=False)
class Camera:
    """One calibrated camera and its pose in the world. A point goes `x_camera = R_camera_world (x_world - position)`.

    Raises:
        InputError: sizes do not fit, the rotation is none, or the coefficients do not belong to the distortion model.
    """

    focal_px: tuple[float, float]
    """Focal length in pixels, horizontal and vertical."""
    centre_px: tuple[float, float]
    """Principal point in pixels."""
    image_size: tuple[int, int]
    """(width, height) in pixels."""
    R_camera_world: Float[np.ndarray, "3 3"] = field(default_factory=lambda: np.eye(3))
    """Rotation that takes world directions into the camera frame."""
    position_world_m: Float[np.ndarray, "3"] = field(default_factory=lambda: np.zeros(3))
    """Optical centre in the world."""
    distortion: tuple[float, ...] = ()
    """Lens coefficients: (k1, k2, k3, p1, p2) for "h36m", OpenCV's own order (k1, k2, p1, p2, k3, ...) for "opencv"."""
    distortion_model: DistortionModel = "none"

    def __post_init__(self) -> None:
        rotation = np.array(self.R_camera_world, dtype=np.float64)
        position = np.array(self.position_world_m, dtype=np.float64)
        problems = []
        for name in ("focal_px", "centre_px", "image_size"):
            pair = getattr(self, name)
            if len(pair) != 2 or not np.isfinite(pair).all() or (name != "centre_px" and min(pair) <= 0):
                positive = "" if name == "centre_px" else " positive"
                problems.append(f"{name} is {pair}, expected two{positive} numbers")
        if (
            rotation.shape != (3, 3)
            or not (np.abs(rotation) < 1.1).all()
            or not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
        ):
            problems.append("R_camera_world is not a 3x3 rotation matrix")
        elif np.linalg.det(rotation) < 0:
            problems.append("R_camera_world is a reflection (determinant -1), expected a rotation")
        if position.shape != (3,) or not np.isfinite(position).all():
            problems.append(f"position_world_m is {position.tolist()}, expected three finite numbers")
        if self.distortion_model not in get_args(DistortionModel):
            problems.append(f"distortion model is {self.distortion_model!r}, expected none, h36m or opencv")
        elif len(self.distortion) not in DISTORTION_LENGTHS[self.distortion_model]:
            wanted = " or ".join(str(n) for n in DISTORTION_LENGTHS[self.distortion_model])
            problems.append(
                f"{len(self.distortion)} coefficients for distortion '{self.distortion_model}', not {wanted}"
            )
        if problems:
            raise InputError.from_problems("camera", problems)
        for name, array in (("R_camera_world", rotation), ("position_world_m", position)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        object.__setattr__(self, "focal_px", (float(self.focal_px[0]), float(self.focal_px[1])))
        object.__setattr__(self, "centre_px", (float(self.centre_px[0]), float(self.centre_px[1])))
        object.__setattr__(self, "image_size", (int(self.image_size[0]), int(self.image_size[1])))
        object.__setattr__(self, "distortion", tuple(float(value) for value in self.distortion))

    def world_to_camera(self, points_world_m: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """World points in the camera frame, metres."""
        return world_to_camera(points_world_m, self.R_camera_world, self.position_world_m)

    def camera_to_world(self, points_camera_m: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """Points of the camera frame in the world, metres."""
        return camera_to_world(points_camera_m, self.R_camera_world, self.position_world_m)

    def project(self, points_camera_m: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        """Pixels of points in the camera frame. Points at or behind the camera are NaN; the border does not clip."""
        return self.normalized_to_pixels(distort(perspective(points_camera_m), self.distortion, self.distortion_model))

    def project_world(self, points_world_m: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        """Pixels of points in the world; NaN behind the camera."""
        return self.project(self.world_to_camera(points_world_m))

    def normalized_to_pixels(self, normalized: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        """Pixels of distorted image coordinates at unit depth."""
        return np.asarray(normalized, dtype=np.float64) * np.array(self.focal_px) + np.array(self.centre_px)

    def pixels_to_normalized(self, pixels: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        """Undistorted image coordinates x/z, y/z of pixels; NaN where the distortion cannot be inverted."""
        distorted = (np.asarray(pixels, dtype=np.float64) - np.array(self.centre_px)) / np.array(self.focal_px)
        return undistort(distorted, self.distortion, self.distortion_model)

    def unproject(
        self, pixels: Float[np.ndarray, "*batch 2"], depth_m: float | int | Float[np.ndarray, "*#batch"]
    ) -> Float[np.ndarray, "*batch 3"]:
        """Points of the camera frame seen at `pixels`, at the given depth along z in metres."""
        normalized = self.pixels_to_normalized(pixels)
        rays = np.concatenate((normalized, np.ones((*normalized.shape[:-1], 1))), axis=-1)
        return rays * np.asarray(depth_m, dtype=np.float64)[..., None]


def world_to_camera(
    points_world_m: Float[np.ndarray, "*batch 3"],
    R_camera_world: Float[np.ndarray, "3 3"],
    position_world_m: Float[np.ndarray, "3"],
) -> Float[np.ndarray, "*batch 3"]:
    """`R (x - position)` for every point."""
    return (np.asarray(points_world_m, dtype=np.float64) - position_world_m) @ np.asarray(R_camera_world).T


def camera_to_world(
    points_camera_m: Float[np.ndarray, "*batch 3"],
    R_camera_world: Float[np.ndarray, "3 3"],
    position_world_m: Float[np.ndarray, "3"],
) -> Float[np.ndarray, "*batch 3"]:
    """`R^T x + position` for every point."""
    return np.asarray(points_camera_m, dtype=np.float64) @ np.asarray(R_camera_world) + position_world_m


def perspective(points_camera_m: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
    """Image coordinates x/z, y/z at unit depth; NaN for points at or behind the camera."""
    points = np.asarray(points_camera_m, dtype=np.float64)
    depth = points[..., 2:]
    return points[..., :2] / np.where(depth > _MIN_DEPTH_M, depth, np.nan)


def assumed_focal_px(image_size: tuple[int, int], factor: float | int = 1.15) -> float:
    """Focal length in pixels to assume when nobody knows it: `factor` times the longer side.

    1.15 is a horizontal field of view of 47 degrees, near that of Human3.6M's cameras and of phones' main cameras.
    """
    return factor * max(image_size)


def focal_from_fov(fov_rad: float, size_px: float | int) -> float:
    """Focal length in pixels of a field of view across `size_px` pixels (width for a horizontal field of view).

    Raises:
        InputError: the field of view is not between 0 and pi.
    """
    if not 0 < fov_rad < np.pi:
        raise InputError(f"field of view is {fov_rad} rad, expected more than 0 and less than pi (180 degrees)")
    return size_px / (2 * np.tan(fov_rad / 2))


def look_at(
    position_world_m: Float[np.ndarray, "3"],
    target_world_m: Float[np.ndarray, "3"],
    up: Float[np.ndarray, "3"] | None = None,
) -> Float[np.ndarray, "3 3"]:
    """`R_camera_world` of a camera that looks at a target and stands upright with respect to `up` (default +Y).

    Raises:
        InputError: the camera is at the target, or looks along `up`.
    """
    upward = np.array([0.0, 1.0, 0.0]) if up is None else np.asarray(up, dtype=np.float64)
    forward = np.asarray(target_world_m, dtype=np.float64) - np.asarray(position_world_m, dtype=np.float64)
    right = np.cross(forward, upward)
    if np.linalg.norm(right) < 1e-9 * max(float(np.linalg.norm(forward) * np.linalg.norm(upward)), 1e-30):
        raise InputError("look_at: the camera is at its target or looks along 'up'; move it or choose another 'up'")
    forward = forward / np.linalg.norm(forward)
    right = right / np.linalg.norm(right)
    return np.stack((right, np.cross(forward, right), forward))


def h36m_camera(
    euler_rad: Float[np.ndarray, "3"],
    translation_mm: Float[np.ndarray, "3"],
    focal_px: tuple[float, float],
    centre_px: tuple[float, float],
    radial: tuple[float, float, float],
    tangential: tuple[float, float],
    image_size: tuple[int, int],
) -> Camera:
    """A camera from the numbers of Human3.6M's `metadata.xml`: `R = Rx(r0) Ry(r1) Rz(r2)`, camera centre in mm."""
    return Camera(
        focal_px=focal_px,
        centre_px=centre_px,
        image_size=image_size,
        R_camera_world=euler_to_matrix(np.asarray(euler_rad, dtype=np.float64), "XYZ"),
        position_world_m=np.asarray(translation_mm, dtype=np.float64) / 1000.0,
        distortion=(*radial, *tangential),
        distortion_model="h36m",
    )

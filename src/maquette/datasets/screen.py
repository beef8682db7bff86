"""Pixels and cameras in ``screen/v1``, the coordinates that temporal networks see: both by the width of the picture."""

import numpy as np
from jaxtyping import Float32

from maquette.geometry.camera import Camera


def normalised_screen(keypoints_px: np.ndarray, camera: Camera) -> Float32[np.ndarray, "frames joints channels"]:
    """Pixels (frames, J, C) to ``screen/v1`` in single precision, as published; scores stay as they are."""
    width, height = camera.image_size
    out = np.array(keypoints_px, dtype=np.float32)
    out[..., :2] = out[..., :2] / np.float32(width) * 2 - np.array([1, height / width])
    return out


def intrinsics_of(camera: Camera) -> Float32[np.ndarray, "9"]:
    """The camera for ``screen/v1`` coordinates: focal lengths, centre, three radial and two tangential coefficients.

    The tangential pair is ``(t_x, t_y)`` of ``x (1 + radial + t_x x + t_y y) + t_x r^2``, the same for y with ``t_y``:
    Human3.6M's p2 and p1, in the order of VideoPose3D's table. A lens that this formula cannot express (OpenCV's) has
    NaN for its coefficients: such a camera can only be used without its distortion.
    """
    width, height = camera.image_size
    focal = np.array(camera.focal_px) / width * 2
    centre = np.array(camera.centre_px) / width * 2 - np.array([1, height / width])
    lens = np.zeros(5)
    if camera.distortion_model == "h36m":
        *radial, p1, p2 = camera.distortion
        lens[:] = *radial, p2, p1
    elif camera.distortion_model != "none" and any(camera.distortion):
        lens[:] = np.nan
    return np.concatenate([focal, centre, lens]).astype(np.float32)

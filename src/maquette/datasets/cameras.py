"""Virtual cameras: random views of windows of landmarks."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

ASPECTS = ((16, 9), (4, 3), (1, 1), (9, 16))
"""Pictures; one unit of the pictures here is their longer side."""
_ASPECT_SHARES = (0.5, 0.2, 0.15, 0.15)
MIN_DEPTH_M = 0.35
"""Landmarks nearer to the camera than this, or behind it, are not seen."""


@dataclass(frozen=True)
class Views:
    """One camera for each window: rotation, where the person's root is in the camera frame, focal length, picture."""

    R_camera_world: Float[np.ndarray, "windows 3 3"]
    root_m: Float[np.ndarray, "windows 3"]
    """Position of the root in the middle frame, camera frame (x right, y down, z forward)."""
    focal: Float[np.ndarray, " windows"]
    """In picture sides."""
    size: Float[np.ndarray, "windows 2"]
    """Width and height, the longer one 1."""
    assumed_focal: Float[np.ndarray, " windows"]
    """What the user believes the focal length to be."""


def look(
    azimuth: Float[np.ndarray, " windows"],
    elevation: Float[np.ndarray, " windows"],
    roll: Float[np.ndarray, " windows"],
) -> Float[np.ndarray, "windows 3 3"]:
    """Rotation world (Y up) to camera (y down) of cameras that look down by ``elevation``; radians."""
    ca, sa, ce, se = np.cos(azimuth), np.sin(azimuth), np.cos(elevation), np.sin(elevation)
    zero = np.zeros_like(ca)
    right = np.stack([ca, zero, -sa], axis=-1)
    forward = np.stack([-sa * ce, -se, -ca * ce], axis=-1)
    down = np.cross(forward, right)
    cr, sr = np.cos(roll)[:, None], np.sin(roll)[:, None]
    return np.stack([cr * right + sr * down, -sr * right + cr * down, forward], axis=1).astype(np.float32)


def draw_views(rng: np.random.Generator, n: int) -> Views:
    """Cameras for training: all azimuths, elevations mostly -20 to 40 degrees, 2-8 m and some farther, focal lengths of
    0.8 to 2 picture sides; the assumed focal length is right in half of them."""
    elevation = np.where(rng.random(n) < 0.8, rng.uniform(-20, 40, n), 8 + 28 * rng.standard_normal(n))
    roll = 4 * rng.standard_normal(n)
    roll += np.where(rng.random(n) < 0.02, rng.choice((-90, 90), n), 0)
    R = look(rng.uniform(0, 2 * np.pi, n), np.radians(np.clip(elevation, -75, 75)), np.radians(roll))
    distance = np.where(rng.random(n) < 0.9, rng.uniform(1.9, 8.2, n), rng.uniform(6, 14, n))
    focal = np.exp(rng.uniform(np.log(0.75), np.log(2.1), n))
    sides = np.array(ASPECTS, dtype=np.float32)
    size = (sides / sides.max(axis=1, keepdims=True))[rng.choice(len(ASPECTS), n, p=_ASPECT_SHARES)]
    # Near cameras must hold the person roughly: the nearer, the wider.
    focal = np.minimum(focal, 0.55 * distance)
    place = rng.uniform(-0.36, 0.36, (n, 2)) * size
    ray = np.concatenate([place / focal[:, None], np.ones((n, 1))], axis=1)
    root = ray / np.linalg.norm(ray, axis=1, keepdims=True) * distance[:, None]
    wrong = rng.random(n) < 0.5
    assumed = focal * np.exp(0.22 * rng.standard_normal(n) * wrong)
    as32 = [a.astype(np.float32) for a in (root, focal, size, assumed)]
    return Views(R, *as32)


def project(
    views: Views, points_m: Float[np.ndarray, "windows frames joints 3"]
) -> tuple[Float[np.ndarray, "windows frames joints 2"], Bool[np.ndarray, "windows frames joints"]]:
    """Picture coordinates (origin in the middle, unit = longer side), and which points lie in front of the camera.

    ``points_m``: world frame, relative to the root of the window's middle frame.
    """
    n, frames, joints, _ = points_m.shape
    camera = points_m.reshape(n, -1, 3) @ views.R_camera_world.transpose(0, 2, 1) + views.root_m[:, None]
    front = camera[..., 2] > MIN_DEPTH_M
    picture = camera[..., :2] / np.maximum(camera[..., 2:], MIN_DEPTH_M) * views.focal[:, None, None]
    return picture.reshape(n, frames, joints, 2), front.reshape(n, frames, joints)

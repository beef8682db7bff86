"""Cameras that stand around a recording and see all of it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.geometry.camera import Camera, look_at

_LOWEST_M = 0.2
_NEAREST_M = 0.5
_MARGIN = 0.03
"""Of the picture that stays free at each side."""
_STEP_BACK = 1.05
_FARTHEST_M = 200.0


@dataclass(frozen=True)
class Filming:
    """How virtual cameras are drawn.

    Raises:
        InputError: numbers that make no camera, all of them at once.
    """

    cameras: int = 4
    """For each recording, at nearly equal angles around it."""
    elevation_deg: tuple[float, float] = (0.0, 30.0)
    """Angle down to the middle of the recording; no camera stands lower than 20 cm over the ground."""
    distance_m: tuple[float, float] = (3.0, 6.0)
    """From the middle of the recording; one that does not see all of it steps back."""
    focal: tuple[float, float] = (1.0, 1.3)
    """In longer sides of the picture."""
    image_size: tuple[int, int] = (1000, 1000)
    seed: int = 1

    def __post_init__(self) -> None:
        problems = []
        if not 1 <= self.cameras <= 100:
            problems.append(f"{self.cameras} cameras, expected 1 to 100")
        for name, (low, high), least, most in (
            ("elevation_deg", self.elevation_deg, -80.0, 80.0),
            ("distance_m", self.distance_m, _NEAREST_M, _FARTHEST_M / 2),
            ("focal", self.focal, 0.2, 10.0),
        ):
            if not least <= low <= high <= most:
                problems.append(f"{name} is {low:g} to {high:g}, expected a range within {least:g} to {most:g}")
        if min(self.image_size) < 16:
            problems.append(f"image_size is {self.image_size}, expected at least 16 pixels")
        if self.seed < 0:
            problems.append(f"seed is {self.seed}, expected 0 or more")
        if problems:
            raise InputError.from_problems("virtual cameras", problems)

    def __str__(self) -> str:
        """In words, as it stands in the notes of stores."""
        elevation, distance, focal = (
            f"{low:g}" if low == high else f"{low:g} to {high:g}"
            for low, high in (self.elevation_deg, self.distance_m, self.focal)
        )
        each = "camera" if self.cameras == 1 else "cameras"
        return (
            f"{self.cameras} virtual {each} for each recording, {elevation} degrees up, {distance} m away or farther, "
            f"focal length {focal} of the longer side of {self.image_size[0]}x{self.image_size[1]} pixels, seed "
            f"{self.seed}"
        )


def cameras_around(
    positions_world_m: Float[np.ndarray, "frames joints 3"], filming: Filming, *, recording: int
) -> dict[str, Camera]:
    """Camera name -> camera; the world has Y up and its ground at y = 0.

    Args:
        positions_world_m: all of it is in every picture.
        recording: number of the recording; the cameras depend on it and on the seed only.

    Raises:
        InputError: no camera nearer than 200 m can see all of it.
    """
    rng = np.random.default_rng([filming.seed, recording])
    points = positions_world_m.reshape(-1, 3)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    start = rng.uniform(0, 2 * np.pi)
    found = {}
    for number in range(filming.cameras):
        azimuth = start + 2 * np.pi * (number + rng.uniform(-0.2, 0.2)) / filming.cameras
        elevation = np.radians(rng.uniform(*filming.elevation_deg))
        side = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(elevation), np.sin(azimuth) * np.cos(elevation)])
        distance_m = rng.uniform(*filming.distance_m)
        focal_px = rng.uniform(*filming.focal) * max(filming.image_size)
        while True:
            camera = _camera(middle, side, distance_m, focal_px, filming.image_size)
            if _sees(camera, points):
                break
            distance_m *= _STEP_BACK
            if distance_m > _FARTHEST_M:
                raise InputError("the recording does not fit into a picture; are its positions in metres?")
        found[f"c{number}"] = camera
    return found


def _camera(
    middle: Float[np.ndarray, "3"],
    side: Float[np.ndarray, "3"],
    distance_m: float,
    focal_px: float,
    image_size: tuple[int, int],
) -> Camera:
    position = middle + distance_m * side
    position[1] = max(position[1], _LOWEST_M)
    return Camera(
        focal_px=(focal_px, focal_px),
        centre_px=(image_size[0] / 2, image_size[1] / 2),
        image_size=image_size,
        R_camera_world=look_at(position, middle),
        position_world_m=position,
    )


def _sees(camera: Camera, points_world_m: Float[np.ndarray, "points 3"]) -> bool:
    points = camera.world_to_camera(points_world_m)
    if points[:, 2].min() < _NEAREST_M:
        return False
    size = np.array(camera.image_size)
    return bool((np.abs(camera.project(points) - size / 2) < (0.5 - _MARGIN) * size).all())

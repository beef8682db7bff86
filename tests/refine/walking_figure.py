"""A figure with exact bones that walks a circle on exactly planted feet: the truth of the tests on 3D refinement."""

from fractions import Fraction

import numpy as np

from maquette.geometry.camera import Camera, look_at
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.skeletons import LIFTED_21

THIGH_M, SHIN_M, HIP_HALF_M, FPS = 0.43, 0.42, 0.11, 30
STRIDE_S, DUTY = 1.1, 0.62
_UP = np.array([0.0, 1.0, 0.0])


def _turned(angle: np.ndarray, side_m: float, up_m: float, forward_m: float) -> np.ndarray:
    """Offset in the frame of a body that faces ``angle`` about Y (0 faces +Z), for every frame."""
    forward = np.stack((np.sin(angle), 0 * angle, np.cos(angle)), -1)
    left = np.stack((np.cos(angle), 0 * angle, -np.sin(angle)), -1)
    return left * side_m + _UP * up_m + forward * forward_m


def walk(duration_s: float = 8.0, speed_mps: float = 0.8, radius_m: float = 1.6) -> tuple[np.ndarray, np.ndarray]:
    """``(positions (frames, 21, 3), contacts (frames, 2 feet: left, right))`` in the world: Y up, floor at y = 0.

    Feet are flat while they stand; their joints then lie at the heights that the project's convention gives them.
    """
    t = np.arange(round(duration_s * FPS)) / FPS
    index = {joint: i for i, joint in enumerate(LIFTED_21.joints)}
    out = np.zeros((len(t), 21, 3))

    def centre(time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        angle = speed_mps * time_s / radius_m
        return radius_m * np.stack((np.sin(angle), 0 * angle, np.cos(angle)), -1), angle + np.pi / 2

    middle, facing = centre(t)
    ahead = _turned(facing, 0.0, 0.0, 1.0)
    bob = 0.015 * np.cos(4 * np.pi * t / STRIDE_S)
    hip = middle + _UP * (0.85 + bob)[:, None]
    contacts = np.zeros((len(t), 2), dtype=bool)
    for column, (side, sign, phase) in enumerate((("l_", 1, 0.0), ("r_", -1, 0.5))):
        cycle = t / STRIDE_S + phase
        step, progress = np.floor(cycle), cycle % 1.0
        places = []
        for number in (step, step + 1):
            # The foot stands where the hip passes over in the middle of the contact.
            place, angle = centre((number - phase + DUTY / 2) * STRIDE_S)
            places.append((place + _turned(angle, sign * 0.09, 0.0, 0.0), angle))
        swing = np.clip((progress - DUTY) / (1 - DUTY), 0, 1)
        blend = (swing - np.sin(2 * np.pi * swing) / (2 * np.pi))[:, None]
        foot = places[0][0] * (1 - blend) + places[1][0] * blend + _UP * (0.12 * np.sin(np.pi * swing) ** 2)[:, None]
        angle = places[0][1] * (1 - blend[:, 0]) + places[1][1] * blend[:, 0]
        contacts[:, column] = progress < DUTY
        ankle = foot + _turned(angle, 0.0, 0.07, -0.04)
        out[:, index[side + "ankle"]] = ankle
        out[:, index[side + "heel"]] = foot + _turned(angle, 0.0, 0.015, -0.09)
        out[:, index[side + "toe"]] = foot + _turned(angle, 0.0, 0.025, 0.09)
        socket = hip + _turned(facing, sign * HIP_HALF_M, 0.0, 0.0)
        reach = ankle - socket
        distance = np.linalg.norm(reach, axis=-1, keepdims=True)
        assert (distance < THIGH_M + SHIN_M).all()
        axis = reach / distance
        along = (THIGH_M**2 + distance**2 - SHIN_M**2) / (2 * distance)
        pole = ahead - (ahead * axis).sum(-1, keepdims=True) * axis
        pole /= np.linalg.norm(pole, axis=-1, keepdims=True)
        out[:, index[side + "hip"]] = socket
        out[:, index[side + "knee"]] = socket + axis * along + pole * np.sqrt(THIGH_M**2 - along**2)
        swing_arm = (0.5 * sign * np.sin(2 * np.pi * t / STRIDE_S + 0.5))[:, None]
        shoulder = hip + _turned(facing, sign * 0.18, 0.52, 0.01)
        upper = _turned(facing, 0.1 * sign, 0, 0) - np.cos(swing_arm) * _UP + np.sin(swing_arm) * ahead
        lower = upper + 0.4 * ahead
        out[:, index[side + "shoulder"]] = shoulder
        out[:, index[side + "elbow"]] = shoulder + 0.28 * upper / np.linalg.norm(upper, axis=-1, keepdims=True)
        out[:, index[side + "wrist"]] = out[:, index[side + "elbow"]] + 0.25 * lower / np.linalg.norm(
            lower, axis=-1, keepdims=True
        )
    for joint, up_m, forward_m in (
        ("spine", 0.24, 0.0),
        ("thorax", 0.51, 0.02),
        ("nose", 0.62, 0.08),
        ("head", 0.74, 0.06),
    ):
        out[:, index[joint]] = hip + _turned(facing, 0.0, up_m, forward_m)
    out[:, index["hip"]] = hip
    return out, contacts


def camera_at(
    elevation_deg: float, *, roll_deg: float = 0.0, distance_m: float = 5.0, azimuth_deg: float = 25.0
) -> Camera:
    """A camera that looks at the middle of the walk from above (or below: negative elevation), rolled clockwise."""
    elevation, azimuth, roll = np.radians([elevation_deg, azimuth_deg, roll_deg])
    target = np.array([0.0, 0.9, 0.0])
    direction = [np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)]
    position = target + distance_m * np.array(direction)
    turn = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return Camera((1100.0, 1100.0), (640.0, 360.0), (1280, 720), turn @ look_at(position, target), position)


def film(world: np.ndarray, camera: Camera) -> tuple[Motion, Keypoints, Camera]:
    """``(root-relative motion in the camera frame, 2D keypoints, the camera without its pose)``: a perfect lifter."""
    in_camera = camera.world_to_camera(world)
    motion = Motion(in_camera - in_camera[:, :1], LIFTED_21, Fraction(FPS), "camera")
    pixels = camera.project(in_camera)
    keypoints = Keypoints(pixels, np.ones(pixels.shape[:2]), LIFTED_21, Fraction(FPS), camera.image_size)
    return motion, keypoints, Camera(camera.focal_px, camera.centre_px, camera.image_size)

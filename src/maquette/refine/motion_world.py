"""From the camera's frame to the world: Y up, ground at y = 0, facing the camera means facing +Z."""

import dataclasses

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.refine.motion_tilt import CameraTilt


def world_axes(up_camera: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """``R_camera_world``: its columns are the world's X, Y, Z in camera axes.

    Y is up; Z is the horizontal direction from the scene to the camera, so that a person filmed from the front faces +Z
    as figures do in glTF and BVH; X is to the right of the picture. A camera that looks straight up or down has no
    horizontal line of sight: Z is then the bottom edge of its picture.
    """
    towards = -np.array([0.0, 0.0, 1.0])
    horizontal = towards - (towards @ up_camera) * up_camera
    if np.linalg.norm(horizontal) < 1e-3:
        bottom = np.array([0.0, 1.0, 0.0])
        horizontal = bottom - (bottom @ up_camera) * up_camera
    z = horizontal / np.linalg.norm(horizontal)
    return np.stack((np.cross(up_camera, z), up_camera, z), axis=-1)


def camera_to_world(motion: Motion, tilt: CameraTilt) -> Motion:
    """Turn a motion placed in front of its camera into the world frame (:func:`world_axes`).

    The floor of ``tilt`` becomes y = 0; without one, the lowest joints of the clip (2nd percentile over the frames).
    The root starts above the origin. The camera keeps its intrinsics and gets its pose in the world, so that projecting
    the result gives the pixels that projecting the input did.

    Raises:
        InputError: the motion is not in the camera frame, has no camera, or was never placed in front of it.
    """
    if motion.frame != "camera" or motion.camera is None or motion.root_trajectory is None:
        raise InputError(
            f"this motion is in frame '{motion.frame}' {'without' if motion.camera is None else 'with'} a camera and "
            f"{'without' if motion.root_trajectory is None else 'with'} a root path; expected one in the camera frame "
            "with both (root_trajectory places it)"
        )
    rotation = world_axes(tilt.up)
    turned = motion.positions @ rotation
    height_m = tilt.camera_height_m
    if height_m is None:
        height_m = -float(np.percentile(np.nanmin(turned[..., 1], axis=1), 2))
    roots = turned[:, motion.skeleton.roots[0]]
    first = roots[np.flatnonzero(np.isfinite(roots).all(-1))[0]]
    position = np.array([-first[0], height_m, -first[2]])
    camera = dataclasses.replace(motion.camera, R_camera_world=rotation, position_world_m=position)
    given = tilt.pitch_sigma_rad == 0 and tilt.roll_sigma_rad == 0
    note = (
        f"camera {'' if given else 'estimated to be '}pitched {abs(np.degrees(tilt.pitch_rad)):.1f} degrees "
        f"{'down' if tilt.pitch_rad >= 0 else 'up'}{_margin(tilt.pitch_sigma_rad)} and rolled "
        f"{np.degrees(tilt.roll_rad):.1f} degrees{_margin(tilt.roll_sigma_rad)}, from {tilt.evidence}"
    )
    return motion.with_notes(
        note,
        frame="world",
        positions=turned + position,
        root_trajectory=motion.root_trajectory @ rotation + position,
        camera=camera,
    )


def _margin(sigma_rad: float) -> str:
    return f" (+-{np.degrees(sigma_rad):.1f})" if sigma_rad else ""


def shifted(motion: Motion, shift_m: Float[np.ndarray, "#frames 3"]) -> Motion:
    """The motion moved as a whole, frame by frame; bones and pose are untouched, the camera stays where it is."""
    root = motion.root_trajectory
    return dataclasses.replace(
        motion,
        positions=motion.positions + shift_m[:, None],
        root_trajectory=None if root is None else root + shift_m,
    )


def raised_with_camera(motion: Motion, height_m: float) -> Motion:
    """The motion and its camera moved upwards together, so that the picture stays the same."""
    lift = np.array([0.0, height_m, 0.0])
    moved = shifted(motion, lift[None])
    if motion.camera is None:
        return moved
    camera = dataclasses.replace(motion.camera, position_world_m=motion.camera.position_world_m + lift)
    return dataclasses.replace(moved, camera=camera)

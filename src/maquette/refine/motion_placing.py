"""Place a root-relative motion in front of the camera, with standing feet as a second witness beside the picture."""

from functools import partial

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.refine.motion_contacts import (
    contact_joints,
    detect_contacts,
    feet_seen,
    rest_heights_m,
    still_steps,
)
from maquette.refine.motion_path import information_at_cutoff
from maquette.refine.motion_tilt import CameraTilt, body_up
from maquette.refine.motion_trajectory import (
    PictureFit,
    fit_translation,
    matched_keypoints,
    root_path,
    without_contradictions,
)

STILL_WEIGHT = (2 * np.pi * 1.5) ** 2
"""Weight of a standing foot against the acceleration of the root: it decides about motions slower than about 1.5 Hz."""
FLOOR_CUTOFF_HZ = 1.5
"""A standing foot's height over a known floor counts like a picture with this cutoff: more than the size of the body
does for depth, far less than the picture does across the ray."""
OTHER_FLOOR_M = 0.5
"""A foot that the picture puts this far above or below the floor stands on something else: a box, a roof, the grass
after the jump from it. Drawn to the floor along its viewing ray, it would take the person through the camera."""


def root_trajectory(
    motion: Motion,
    keypoints: Keypoints,
    camera: Camera,
    *,
    tilt: CameraTilt | None = None,
    use_feet: bool = True,
    lateral_cutoff_hz: float | int = 6.0,
    depth_cutoff_hz: float | int = 0.7,
) -> Motion:
    """Place a root-relative motion in front of ``camera``: the path is added to the positions and kept as
    ``root_trajectory``.

    The picture fixes the direction to the root well and its distance badly (it is read from the size of the body), so
    depth is smoothed at a much lower cutoff. With ``use_feet``, feet that look still are kept still in space, which
    joins the depths of successive frames through the pose; with a ``tilt`` that knows the floor they are drawn to it,
    too. Frames that show fewer than four joints are bridged, with a note. The contacts found are kept in the motion.

    Raises:
        InputError: frames or joint names do not match, the motion is not in the camera frame, or nobody is ever seen.
    """
    if motion.frame != "camera":
        raise InputError(f"the root's path is estimated in the camera frame; this motion is in frame '{motion.frame}'")
    points_px, confidence = matched_keypoints(motion, keypoints)
    rays = camera.pixels_to_normalized(points_px)
    dt_s = 1.0 / float(motion.fps)
    raw = fit_translation(motion.positions, rays, confidence)
    fit = without_contradictions(raw, dt_s)
    solve = partial(root_path, fit, dt_s, lateral_cutoff_hz=lateral_cutoff_hz, depth_cutoff_hz=depth_cutoff_hz)
    path = solve()
    joints = contact_joints(motion.skeleton) if use_feet else ()
    contacts = None
    if joints:
        indices = motion.skeleton.indices(joints)
        offsets = np.ascontiguousarray(motion.positions[:, indices].transpose(1, 0, 2))
        visible = feet_seen(motion, confidence)
        rest_m = rest_heights_m(joints)
        up = tilt.up if tilt is not None else _upwards(motion)
        for _ in range(2):
            feet = picture_feet(motion, rays, path, indices)
            contacts = detect_contacts(feet, up, 1.0 / dt_s, rest_m, ray=fit.ray) & visible
            still = still_steps(contacts) * STILL_WEIGHT
            floor = None if tilt is None else _floor_pull(contacts, offsets, feet, rest_m, tilt)
            path = solve(foot_offsets_m=offsets, still=still, floor=floor)
    return _placed(motion, camera, path, (raw, fit), contacts, joints, depth_cutoff_hz)


def picture_feet(
    motion: Motion,
    rays: Float[np.ndarray, "frames joints 2"],
    path_m: Float[np.ndarray, "frames 3"],
    joints: list[int],
) -> Float[np.ndarray, "feet frames 3"]:
    """Where the picture shows these joints at the depth that pose and path give them; from the pose where it does not.

    Across the ray this is as good as the 2D points are, which is better than the lifter's pose.
    """
    pose = motion.positions[:, joints] + path_m[:, None]
    uv = rays[:, joints]
    seen: np.ndarray = np.all(np.isfinite(uv), axis=-1)
    on_ray = np.concatenate((uv, np.ones((*uv.shape[:2], 1))), axis=-1) * pose[..., 2:]
    return np.ascontiguousarray(np.where(seen[..., None], on_ray, pose).transpose(1, 0, 2))


def _upwards(motion: Motion) -> Float[np.ndarray, "3"]:
    direction, _ = body_up(motion)
    return np.array([0.0, -1.0, 0.0]) if direction is None else direction


def _floor_pull(
    contacts: Bool[np.ndarray, "feet frames"],
    offsets_m: Float[np.ndarray, "feet frames 3"],
    feet_m: Float[np.ndarray, "feet frames 3"],
    rest_m: Float[np.ndarray, " feet"],
    tilt: CameraTilt,
) -> tuple[Float[np.ndarray, "frames 3 3"], Float[np.ndarray, "frames 3"]] | None:
    """Information and pull on the root that put the standing feet on the floor of ``tilt``."""
    if tilt.camera_height_m is None or not contacts.any():
        return None
    up = tilt.up
    contacts = contacts & (np.abs(feet_m @ up + tilt.camera_height_m - rest_m[:, None]) < OTHER_FLOOR_M)
    weight = information_at_cutoff(FLOOR_CUTOFF_HZ) * contacts / np.maximum(contacts.sum(0), 1)
    level = rest_m[:, None] - tilt.camera_height_m - offsets_m @ up
    information = weight.sum(0)[:, None, None] * (up[:, None] * up)
    return information, (weight * level).sum(0)[:, None] * up


def _placed(
    motion: Motion,
    camera: Camera,
    path: Float[np.ndarray, "frames 3"],
    fits: tuple[PictureFit, PictureFit],
    contacts: Bool[np.ndarray, "feet frames"] | None,
    joints: tuple[str, ...],
    depth_cutoff_hz: float,
) -> Motion:
    notes = [
        f"root path by least squares of the reprojection (focal length {camera.focal_px[0]:.0f} px), depth smoothed at "
        f"{depth_cutoff_hz:g} Hz: {path[:, 2].min():.1f} to {path[:, 2].max():.1f} m from the camera"
    ]
    n_unseen, n_odd = int((~fits[0].seen).sum()), int((fits[0].seen & ~fits[1].seen).sum())
    if n_unseen:
        notes.append(f"root path bridged over {n_unseen} frames with too few keypoints to place the person")
    if n_odd:
        notes.append(f"root path bridged over {n_odd} frames in which the person's size contradicts the frames around")
    positions = motion.positions + path[:, None]
    return motion.with_notes(
        *notes,
        positions=positions,
        root_trajectory=positions[:, motion.skeleton.roots[0]],
        camera=camera,
        contacts=None if contacts is None else contacts.T,
        contact_joints=joints,
    )

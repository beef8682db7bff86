"""The default order of the 3D refinement: from what a lifter gives to a motion that stands on the ground."""

import dataclasses
import logging

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.motion import Frame, Motion
from maquette.refine.motion_bones import bone_lengths, constant_bones
from maquette.refine.motion_contacts import contact_joints, rest_heights_m
from maquette.refine.motion_ground import ground
from maquette.refine.motion_placing import picture_feet, root_trajectory
from maquette.refine.motion_plant import plant_feet
from maquette.refine.motion_scale import ANKLE_HEIGHT_FRACTION, height_from_bones, scale_to_height
from maquette.refine.motion_smooth import fill_gaps, smooth
from maquette.refine.motion_tilt import CameraTilt, estimate_tilt
from maquette.refine.motion_trajectory import MIN_JOINTS, matched_keypoints
from maquette.refine.motion_world import camera_to_world, raised_with_camera
from maquette.refine.reprojection import ReprojectionRefiner

log = logging.getLogger(__name__)

_LEGS = ("l_knee", "r_knee", "l_ankle", "r_ankle")


def finish(
    motion: Motion,
    keypoints: Keypoints,
    camera: Camera,
    *,
    frame: Frame = "world",
    height_m: float | int | None = None,
    smooth_hz: float | int = 6.0,
    max_gap_s: float | int = 0.5,
    camera_pitch_rad: float | int | None = None,
    camera_roll_rad: float | int | None = None,
    plant: bool = True,
    refiner: ReprojectionRefiner | None = None,
) -> Motion:
    """Turn a lifter's root-relative poses into a motion in space.

    In order: :func:`smooth`, :func:`constant_bones`, :func:`scale_to_height`, :func:`fill_gaps`,
    :func:`root_trajectory`, :func:`estimate_tilt`, the ``refiner``, :func:`camera_to_world`, :func:`ground`,
    :func:`plant_feet`. Every step leaves its note. Smoothing comes first because the median bone length of noisy joints
    is too long; scale before the path because depth is proportional to it; the ground last because it needs all the
    others.

    Args:
        motion: root-relative, camera axes, as :class:`maquette.lifting.lifter.Lifter` gives it.
        keypoints: the 2D track it was lifted from, with joints named as the motion's.
        frame: ``"camera"`` stops before the tilt and leaves the motion in front of the camera.
        height_m: body height; None keeps the size that the lifter gave.
        smooth_hz: cutoff of the low-pass; 0 leaves it out.
        max_gap_s: longer stretches without the person are noted as guessed; shorter ones are interpolated.
        camera_pitch_rad, camera_roll_rad: tilt of the camera where it is known (positive: looks down, right side low).
        plant: hold standing feet where they stand (:func:`plant_feet`).
        refiner: fits a figure of fixed bones to picture, pose and ground, once the motion is placed.

    Returns:
        A motion whose positions are finite in every frame.

    Raises:
        InputError: nothing is observed, or frames, joints or arguments do not fit.
    """
    if not 0 <= smooth_hz < float("inf"):
        raise InputError(f"smoothing cutoff is {smooth_hz} Hz, expected 0 (none) or a positive frequency")
    _, confidence = matched_keypoints(motion, keypoints)
    seen = (confidence > 0).sum(1) >= MIN_JOINTS
    if not seen.any():
        raise InputError(f"{keypoints.source or 'the track'}: no frame has {MIN_JOINTS} keypoints, nothing to place")
    posed = _unseen_removed(motion, seen)
    if smooth_hz > 0:
        posed = smooth(posed, cutoff_hz=smooth_hz)
    posed = scale_to_height(constant_bones(posed), height_m)
    posed = fill_gaps(posed, seen, max_gap_s=max_gap_s)
    legs = _legs_seen(posed, confidence, seen)
    placed = root_trajectory(posed, keypoints, camera, use_feet=legs)
    tilt = _tilt(placed, keypoints, camera, legs, camera_pitch_rad, camera_roll_rad)
    if legs and tilt.camera_height_m is not None:
        placed = root_trajectory(posed, keypoints, camera, tilt=tilt)
    if refiner is not None:
        refined = refiner.refine(placed, keypoints, tilt if legs else None)
        placed, tilt = refined.motion, refined.tilt or tilt
    if frame == "camera":
        return placed
    world = camera_to_world(placed, tilt)
    if not legs:
        return _without_legs(world)
    world = ground(world)
    return plant_feet(world) if plant and world.contacts is not None else world


def _unseen_removed(motion: Motion, seen: Bool[np.ndarray, " frames"]) -> Motion:
    """What a lifter says about frames without the person is invention: it must not enter medians and filters."""
    if seen.all():
        return motion
    return dataclasses.replace(motion, positions=np.where(seen[:, None, None], motion.positions, np.nan))


def _legs_seen(
    motion: Motion, confidence: Float[np.ndarray, "frames joints"], seen: Bool[np.ndarray, " frames"]
) -> bool:
    """Whether knees and ankles are in the picture in at least half of the frames that show the person."""
    present = [joint for joint in _LEGS if joint in motion.skeleton]
    if not present:
        return False
    return float((confidence[seen][:, motion.skeleton.indices(present)] > 0).mean()) >= 0.5


def _tilt(
    placed: Motion,
    keypoints: Keypoints,
    camera: Camera,
    legs: bool,
    pitch_rad: float | int | None,
    roll_rad: float | int | None,
) -> CameraTilt:
    joints = contact_joints(placed.skeleton)
    if not legs or placed.contacts is None or placed.root_trajectory is None or not joints:
        return estimate_tilt(placed, legs_seen=legs, pitch_rad=pitch_rad, roll_rad=roll_rad)
    points_px, _ = matched_keypoints(placed, keypoints)
    rays = camera.pixels_to_normalized(points_px)
    feet = picture_feet(placed, rays, np.zeros((placed.n_frames, 3)), placed.skeleton.indices(joints))
    contacts = np.ascontiguousarray(placed.contacts.T)
    return estimate_tilt(placed, contacts, feet, rest_heights_m(joints), pitch_rad=pitch_rad, roll_rad=roll_rad)


def _without_legs(world: Motion) -> Motion:
    """No ground can be claimed: the hips are kept where they are on average, at the height of a standing person's."""
    lengths = bone_lengths(world)
    skeleton = world.skeleton
    legs_m = float(np.nansum([lengths[skeleton.index(j)] for j in _LEGS if j in skeleton])) / 2
    hips_m = legs_m + ANKLE_HEIGHT_FRACTION * height_from_bones(lengths, skeleton)
    root = world.positions[:, skeleton.roots[0]]
    raised = raised_with_camera(world, hips_m - float(np.median(root[:, 1])))
    reach_m = float(np.percentile(np.linalg.norm(root - np.median(root, axis=0), axis=-1), 90))
    note = "legs not in the picture: no ground and no foot contacts are claimed; hips put at standing height"
    if reach_m > 0.5:
        return raised.with_notes(f"{note}, and left to travel as the upper body does", contacts=None, contact_joints=())
    root = raised.positions[:, skeleton.roots[0]]
    middle = np.median(root, axis=0)
    return raised.with_notes(
        f"{note} and held in one place",
        positions=raised.positions - root[:, None] + middle,
        root_trajectory=np.broadcast_to(middle, root.shape).copy(),
        contacts=None,
        contact_joints=(),
    )

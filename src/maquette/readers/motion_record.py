"""What Maquette's own motion files say in words: one record, shared by their writers and readers."""

import re
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np

from maquette.errors import InputError
from maquette.frozen_arrays import exact_fps
from maquette.geometry.camera import Camera
from maquette.motion import Motion
from maquette.readers.own_npz import SkeletonRecord
from maquette.skeleton import Skeleton
from maquette.skeletons import SKELETONS

FORMAT_VERSION = 1

_LARGEST = 1e12
"""Metres, or seconds: more than the times of a clock that counts from 1970 in milliseconds."""

_FPS = re.compile(r"\d{1,9}(\.\d{1,9})?(/\d{1,9})?")

AXES = {
    "world": "right-handed, Y up, ground at y = 0",
    "camera": "x right, y down, z forward from the camera",
}
"""In words, what each ``Motion.frame`` means."""


class CameraRecord(msgspec.Struct):
    """A :class:`Camera`, field by field."""

    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    image_size: tuple[int, int]
    R_camera_world: list[list[float]]
    position_world_m: list[float]
    distortion: list[float]
    distortion_model: str


class MotionRecord(msgspec.Struct, kw_only=True):
    """Everything of a :class:`Motion` but its arrays."""

    skeleton: SkeletonRecord
    frame: str
    scale_source: str = "unknown"
    contact_joints: list[str] = []
    camera: CameraRecord | None = None
    person_id: int | None = None
    model: str | None = None
    model_sha256: str | None = None
    source: str = ""
    notes: list[str] = []


def record_of(motion: Motion) -> MotionRecord:
    """The record of a motion."""
    skeleton, camera = motion.skeleton, motion.camera
    return MotionRecord(
        skeleton=SkeletonRecord(
            skeleton.name, list(skeleton.joints), list(skeleton.parents), list(skeleton.mirror_pairs)
        ),
        frame=motion.frame,
        scale_source=motion.scale_source,
        contact_joints=list(motion.contact_joints),
        camera=None
        if camera is None
        else CameraRecord(
            focal_px=camera.focal_px,
            centre_px=camera.centre_px,
            image_size=camera.image_size,
            R_camera_world=camera.R_camera_world.tolist(),
            position_world_m=camera.position_world_m.tolist(),
            distortion=list(camera.distortion),
            distortion_model=camera.distortion_model,
        ),
        person_id=motion.person_id,
        model=motion.model,
        model_sha256=motion.model_sha256,
        source=motion.source,
        notes=list(motion.notes),
    )


def motion_of(record: MotionRecord, positions: np.ndarray, fps: Fraction, **arrays: Any) -> Motion:
    """The motion of a record and its arrays (``rotations``, ``sigma_m``, ``contacts``, ``root_trajectory``,
    ``timestamps_s``; each may be None).

    Raises:
        InputError: the arrays do not fit the record or each other; the text does not name the file.
    """
    if record.frame not in AXES:
        raise InputError(f"its frame is '{record.frame[:40]}', expected 'world' or 'camera'")
    if not len(positions):
        raise InputError("it holds no frames")
    for name, array in {"positions": positions, **arrays}.items():
        if array is None or name == "sigma_m":
            continue  # a guess has an infinite one
        if np.isinf(array).any():
            raise InputError(f"{name} has infinite numbers; write missing ones as NaN (null, an empty cell)")
        if (np.abs(array) > _LARGEST).any():
            raise InputError(f"{name} has numbers beyond {_LARGEST:g}; expected metres, seconds and unit quaternions")
    return Motion(
        positions=positions,
        skeleton=skeleton_of(record.skeleton),
        fps=fps,
        frame=record.frame,  # pyright: ignore[reportArgumentType]
        contact_joints=tuple(record.contact_joints),
        camera=None if record.camera is None else _camera(record.camera),
        scale_source=record.scale_source,
        person_id=record.person_id,
        model=record.model,
        model_sha256=record.model_sha256,
        source=record.source,
        notes=tuple(record.notes),
        **arrays,
    )


def fps_of(text: str) -> Fraction:
    """Frames per second from ``30``, ``29.97`` or ``30000/1001``.

    Raises:
        InputError: something else.
    """
    if not _FPS.fullmatch(text):
        raise InputError(f"fps is '{text[:40]}', expected a number such as 30 or 30000/1001")
    return exact_fps(float(text) if "." in text else text)


def skeleton_of(record: SkeletonRecord) -> Skeleton:
    """The named skeleton where it is one of ours, else the one that the record describes."""
    pairs = tuple((left, right) for left, right in record.mirror_pairs)
    stored = Skeleton(record.name, tuple(record.joints), tuple(record.parents), pairs)
    known = SKELETONS.get(record.name)
    return known if known is not None and known == stored else stored


def _camera(record: CameraRecord) -> Camera:
    rotation = np.full((3, 3), np.nan)
    if [len(row) for row in record.R_camera_world] == [3, 3, 3]:
        rotation = np.array(record.R_camera_world)
    position = np.array(record.position_world_m) if len(record.position_world_m) == 3 else np.full(3, np.nan)
    return Camera(
        focal_px=record.focal_px,
        centre_px=record.centre_px,
        image_size=record.image_size,
        R_camera_world=rotation,
        position_world_m=position,
        distortion=tuple(record.distortion),
        distortion_model=record.distortion_model,  # pyright: ignore[reportArgumentType]
    )

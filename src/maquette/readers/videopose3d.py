"""VideoPose3D's 2D archive: ``positions_2d`` (subject -> action -> one array for each camera) and ``metadata``."""

from pathlib import Path
from typing import Any

import numpy as np

from maquette.errors import InputError
from maquette.formats.npz import array_names, read_array
from maquette.readers.clip import Clip
from maquette.readers.keypoint_arrays import coordinate_unit
from maquette.readers.rows import clip_from_rows
from maquette.readers.skeleton_choice import check_given
from maquette.skeleton import Skeleton
from maquette.skeletons import COCO_17, H36M_17, H36M_32, HUMANEVA_15, HUMANEVA_20, MPII_16

_LAYOUTS = {
    "coco": COCO_17,
    "h36m": H36M_17,
    "humaneva15": HUMANEVA_15,
    "humaneva20": HUMANEVA_20,
    "mpii": MPII_16,
}
_LARGEST = 200_000_000
"""Coordinates in one archive; a small file can name one array many times over."""


def read(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """One clip for each subject, action and camera, in the order of the file.

    The archive has no confidences and no gaps: its own preparation script fills missing frames.

    Raises:
        InputError: damaged, not the expected nesting, or a layout that cannot be told.
    """
    where = str(path)
    positions = read_array(data, "positions_2d", where, allow_objects=True)
    has_metadata = "metadata" in array_names(data, where)
    metadata = read_array(data, "metadata", where, allow_objects=True) if has_metadata else {}
    metadata = metadata if isinstance(metadata, dict) else {}
    clips, total = [], 0
    for subject, action, camera, points in _arrays(positions, where):
        total += points.size
        if total > _LARGEST:
            raise InputError(f"{where}: holds more than {_LARGEST:,} coordinates; split the archive")
        joints, why = archive_skeleton(metadata, points.shape[1], skeleton, where)
        if coordinate_unit(points.astype(np.float64)) != "px":
            raise InputError(
                f"{where}: coordinates of {subject}/{action} are fractions of the picture; expected pixels"
            )
        name = f"{where}: {subject}/{action}" + ("" if camera is None else f" camera {camera}")
        n_frames = len(points)
        points = points.astype(np.float64)
        clip = clip_from_rows(
            points,
            np.ones(points.shape[:2]),
            range(n_frames),
            [-1] * n_frames,
            range(n_frames),
            skeleton=joints,
            columns=None,
            skeleton_why=why,
            source=name,
            one_person=True,
            notes=("the archive has no confidences: every point counts as certain",),
            **_video_facts(metadata, subject),
        )
        clips.append(clip)
    if not clips:
        raise InputError(f"{where}: 'positions_2d' holds no clips")
    return clips


def _arrays(positions: Any, where: str) -> list[tuple[str, str, int | None, np.ndarray]]:
    """``(subject, action, camera, points)``; camera is None where an action has one only."""
    expected = f"{where}: 'positions_2d' is not what VideoPose3D writes: expected subject -> action -> list of arrays"
    found = []
    if not isinstance(positions, dict):
        raise InputError(expected)
    for subject, actions in positions.items():
        if not isinstance(actions, dict):
            raise InputError(expected)
        for action, cameras in actions.items():
            listed = [cameras] if isinstance(cameras, np.ndarray) and cameras.dtype != object else cameras
            if not isinstance(listed, list | tuple | np.ndarray):
                raise InputError(expected)
            several = len(listed) > 1
            for camera, points in enumerate(listed):
                numeric = isinstance(points, np.ndarray) and points.dtype.kind in "fiu"
                if not numeric or points.ndim != 3 or points.shape[2] not in (2, 3) or not len(points):
                    raise InputError(f"{expected} of shape (frames, joints, 2), saw {_shape(points)}")
                if not points.shape[1]:
                    raise InputError(f"{expected} of shape (frames, joints, 2), saw {_shape(points)}")
                found.append((str(subject), str(action), camera if several else None, points[..., :2]))
    return found


def _shape(value: Any) -> str:
    return f"shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__


def archive_skeleton(metadata: dict, n_joints: int, skeleton: Skeleton | None, where: str) -> tuple[Skeleton, str]:
    """Skeleton of an archive and how it is known: by the layout's name, else by which joints are left and right.

    Raises:
        InputError: neither tells.
    """
    if skeleton is not None:
        return check_given(skeleton, n_joints, where)
    named = _LAYOUTS.get(str(metadata.get("layout_name", "")).lower())
    if named is not None and len(named) == n_joints:
        return named, f"the archive names its layout '{metadata['layout_name']}'"
    symmetry = metadata.get("keypoints_symmetry")
    for candidate in (*_LAYOUTS.values(), H36M_32):
        sides = [sorted(candidate.left), sorted(candidate.right)]
        if len(candidate) == n_joints and isinstance(symmetry, list | tuple) and len(symmetry) == 2:
            if [_sorted(side) for side in symmetry] == sides:
                return candidate, "the archive's lists of left and right joints fit"
    raise InputError(f"{where}: its {n_joints} joints have no layout name that is known; give the skeleton")


def _sorted(side: Any) -> list[int]:
    return sorted(n for n in side if isinstance(n, int)) if isinstance(side, list | tuple) else []


def _video_facts(metadata: dict, subject: str) -> dict:
    """Picture size (and rate, which some archives add) of the subject's video."""
    videos = metadata.get("video_metadata")
    video = videos.get(subject) if isinstance(videos, dict) else None
    if not isinstance(video, dict):
        return {}
    width, height = video.get("w"), video.get("h")
    if isinstance(width, int) and isinstance(height, int) and 0 < width < 1_000_000 and 0 < height < 1_000_000:
        return {"image_size": (width, height)}
    return {}

"""VideoPose3D's archives: ``data_3d_h36m.npz`` and every ``data_2d_h36m_NAME.npz`` beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from maquette.datasets.h36m_facts import CAMERAS, DAMAGED_VIDEO
from maquette.datasets.store_records import Source
from maquette.errors import InputError
from maquette.formats.npz import array_names, read_array
from maquette.readers.videopose3d import archive_skeleton
from maquette.skeletons import H36M_17, H36M_32

POSITIONS_FILE = "data_3d_h36m.npz"
_POINTS_PREFIX = "data_2d_h36m_"
_SOURCE_NAMES = {"sh_pt_mpii": "sh", "sh_ft_h36m": "sh_ft"}
"""Their names of the Stacked Hourglass's points, which Martinez' tree has as well -> the one name here."""
_LARGEST_EXTENT_M = 100.0
_JOINTS_17 = [H36M_32.index(joint) for joint in H36M_17.joints]
SAME_PX = 0.01
"""Two projections of one pose, theirs in float32."""


@dataclass(frozen=True, eq=False)
class PointsArchive:
    """One 2D archive, read whole."""

    path: Path
    source: Source
    points: dict[tuple[str, str], tuple[np.ndarray, ...]]
    """(subject, action) -> one array (frames, joints, channels) for each camera; in the order of the file."""
    subjects: tuple[str, ...]
    """All subjects in it, chosen or not."""


def points_archives(root: Path) -> list[Path]:
    """The 2D archives in a folder, by name."""
    return sorted(root.glob(f"{_POINTS_PREFIX}*.npz"))


def source_name(path: Path) -> str:
    """The name of the 2D source in an archive, by the name of the file."""
    name = path.stem.removeprefix(_POINTS_PREFIX)
    return _SOURCE_NAMES.get(name, name)


def read_positions_archive(
    path: Path, subjects: Sequence[str]
) -> dict[tuple[str, str], Float[np.ndarray, "frames 32 3"]]:
    """(subject, action) -> world positions in metres, in the order of the file; all float32, or all float64.

    Raises:
        InputError: damaged, subjects missing, or arrays of another kind; all of it at once.
    """
    nested = _nested(path, "positions_3d", subjects)
    found, problems = {}, []
    for subject in nested:
        for action, value in nested[subject].items() if subject in subjects else ():
            problem = _position_problem(value)
            if problem:
                problems.append(f"{subject} {action}: {problem}")
            found[subject, action] = value
    if problems:
        raise InputError.from_problems(str(path), problems)
    dtype = np.result_type(*{value.dtype for value in found.values()})
    return {name: np.asarray(value, dtype=dtype) for name, value in found.items()}


def read_points_archive(path: Path, subjects: Sequence[str]) -> PointsArchive:
    """The points of ``subjects``.

    Raises:
        InputError: damaged, subjects missing, arrays of another kind, or joints that cannot be told; all of it at once.
    """
    nested = _nested(path, "positions_2d", subjects)
    problems: list[str] = []
    found: dict[tuple[str, str], tuple[np.ndarray, ...]] = {}
    shapes: set[tuple[int, ...]] = set()
    for subject in nested:
        for action, value in nested[subject].items() if subject in subjects else ():
            cameras = tuple(value) if isinstance(value, list | tuple | np.ndarray) else ()
            lines = [
                f"camera {i}: {problem}" for i, points in enumerate(cameras) if (problem := _points_problem(points))
            ]
            if len(cameras) != len(CAMERAS):
                lines.append(f"points of {len(cameras)} cameras, expected {len(CAMERAS)}")
            problems += [f"{subject} {action}: {line}" for line in lines]
            if not lines:
                found[subject, action] = tuple(np.asarray(points, dtype=np.float32) for points in cameras)
                shapes |= {points.shape[1:] for points in cameras}
    if len(shapes) > 1:
        problems.append(f"arrays of different shapes (joints, channels): {sorted(shapes)}")
    if problems:
        raise InputError.from_problems(str(path), problems)
    ((joints, channels),) = shapes
    skeleton, _ = archive_skeleton(_metadata(path), joints, None, str(path))
    return PointsArchive(path, Source(source_name(path), skeleton, channels), found, tuple(nested))


def unpaired(archive: PointsArchive, frames: dict[tuple[str, str], int]) -> list[str]:
    """Takes with 3D that the archive lacks or has too few frames of, a line for each.

    Args:
        archive: the 2D points.
        frames: (subject, action) -> frames of the 3D.
    """
    lines = []
    for (subject, action), count in frames.items():
        cameras = archive.points.get((subject, action))
        if cameras is None:
            if (subject, action) != DAMAGED_VIDEO[:2]:
                lines.append(f"{archive.path.name}: {subject} {action} is missing")
            continue
        lines += [
            f"{archive.path.name}: {subject} {action}, camera {name}: {len(points)} frames for {count} of 3D"
            for name, points in zip(CAMERAS, cameras, strict=True)
            if len(points) < count
        ]
    return lines


def largest_difference_px(
    points: Float[np.ndarray, "points_frames joints channels"], projected_px: Float[np.ndarray, "frames 32 2"]
) -> float:
    """How far published projections (of 17 joints or of all 32) are from ours, at most.

    Raises:
        InputError: they are of other joints.
    """
    if points.shape[1] not in (len(H36M_17), len(H36M_32)):
        raise InputError(f"{_POINTS_PREFIX}gt.npz: projections of {points.shape[1]} joints, expected 17 or 32")
    ours = projected_px if points.shape[1] == len(H36M_32) else projected_px[:, _JOINTS_17]
    return float(np.abs(points[: len(ours), :, :2] - ours).max())


def _nested(path: Path, key: str, subjects: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Subject -> action -> what the archive holds there; all of ``subjects`` are in it."""
    loaded = read_array(path, key, str(path), allow_objects=True)
    if not isinstance(loaded, dict) or not all(isinstance(actions, dict) for actions in loaded.values()):
        raise InputError(f"{path}: '{key}' is not what VideoPose3D writes, expected subject -> action -> arrays")
    nested = {str(s): {str(action): value for action, value in actions.items()} for s, actions in loaded.items()}
    missing = [subject for subject in subjects if not nested.get(subject)]
    if missing:
        has = ", ".join(nested) or "nobody"
        there = " ".join(subject for subject in subjects if subject not in missing)
        hint = f"; to prepare only those that are there: --subjects {there}" if there else ""
        raise InputError(f"{path}: lacks {', '.join(missing)} (it has {has}){hint}")
    return nested


def _metadata(path: Path) -> dict:
    if "metadata" not in array_names(path, str(path)):
        return {}
    metadata = read_array(path, "metadata", str(path), allow_objects=True)
    return metadata if isinstance(metadata, dict) else {}


def _position_problem(value: Any) -> str | None:
    if not isinstance(value, np.ndarray) or value.dtype not in (np.float32, np.float64):
        return f"is {_kind(value)}, expected an array of float32"
    if value.ndim != 3 or value.shape[1:] != (len(H36M_32), 3) or not len(value):
        return f"has shape {value.shape}, expected (frames, 32, 3)"
    if not np.isfinite(value).all():
        return "holds numbers that are not finite"
    extent = float(np.abs(value).max())
    return f"the largest coordinate is {extent:.3g}; expected metres" if extent > _LARGEST_EXTENT_M else None


def _points_problem(value: Any) -> str | None:
    if not isinstance(value, np.ndarray) or value.dtype not in (np.float32, np.float64):
        return f"is {_kind(value)}, expected an array of float32"
    if value.ndim != 3 or value.shape[2] not in (2, 3) or 0 in value.shape:
        return f"has shape {value.shape}, expected (frames, joints, 2 or 3)"
    return None if np.isfinite(value).all() else "holds numbers that are not finite"


def _kind(value: Any) -> str:
    return f"an array of {value.dtype}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"

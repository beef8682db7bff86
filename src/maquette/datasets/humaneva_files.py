"""Files of HumanEva-I: VideoPose3D's archives, and the ``.mat`` tree that its MATLAB script makes of the release."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from maquette.datasets.humaneva_facts import CAMERAS, takes
from maquette.datasets.store import Source
from maquette.errors import InputError
from maquette.formats.matlab import read_mat
from maquette.formats.npz import array_names, read_array
from maquette.readers.input_files import read_bytes
from maquette.readers.videopose3d import archive_skeleton

_LARGEST_EXTENT_M = 100.0
Takes = dict[tuple[str, str], Float[np.ndarray, "frames joints 3"]]
"""(subject, action) -> world positions in metres, float32."""
Points = dict[tuple[str, str], tuple[np.ndarray | None, ...]]
"""(subject, action) -> points (frames, joints, channels) of each camera, or None where there is no video."""


@dataclass(frozen=True, eq=False)
class PointsArchive:
    """2D of one source."""

    name: str
    """The file."""
    source: Source
    points: Points


def read_matlab(root: Path, subjects: Sequence[str]) -> tuple[Takes, Points]:
    """The tree ``Train/S1/Walking_1.mat``: ``poses_3d`` (frames, joints, 3), mm, ``poses_2d`` (3, frames, joints, 2).

    Runs of frames in which every joint is known become ``Walking 1 chunkN``; N counts the gaps, too.

    Raises:
        InputError: files missing, damaged, of other lengths or joints; all of it at once.
    """
    problems: list[str] = []
    found: Takes = {}
    points: Points = {}
    joints: set[int] = set()
    for subject in subjects:
        for action, frames in takes(subject).items():
            path = root / subject / f"{action.replace(' ', '_')}.mat"
            if not path.is_file():
                problems.append(f"{path.relative_to(root)} is missing")
                continue
            try:
                poses_3d, poses_2d = _poses(path, frames)
            except InputError as error:
                problems.append(str(error))
                continue
            joints.add(poses_3d.shape[1])
            for chunk, part in _known_runs(poses_3d):
                if not np.isfinite(poses_2d[:, part]).all():
                    problems.append(f"{path.relative_to(root)}: frames {part.start} to {part.stop} have 3D but no 2D")
                    continue
                name = (subject, f"{action} chunk{chunk}")
                found[name] = poses_3d[part].astype(np.float32) / np.float32(1000)
                points[name] = tuple(poses_2d[:, part].astype(np.float32))
    if len(joints) > 1:
        problems.append(f"files of different joints: {', '.join(str(n) for n in sorted(joints))}")
    if problems:
        raise InputError.from_problems(str(root), problems)
    return found, points


def _poses(path: Path, frames: int) -> tuple[np.ndarray, np.ndarray]:
    loaded = read_mat(path, ("poses_3d", "poses_2d"))
    poses_3d, poses_2d = (np.asarray(loaded.get(name, ())) for name in ("poses_3d", "poses_2d"))
    count = poses_3d.shape[1] if poses_3d.ndim == 3 else 15
    expected = ((frames, count, 3), (len(CAMERAS), frames, count, 2))
    if (poses_3d.shape, poses_2d.shape) != expected or count not in (15, 20) or {
        poses_3d.dtype.kind, poses_2d.dtype.kind,
    } != {"f"}:  # fmt: skip
        raise InputError(
            f"{path}: 'poses_3d' has shape {poses_3d.shape}, 'poses_2d' {poses_2d.shape}; "
            f"expected ({frames}, 15 or 20, 3) and ({len(CAMERAS)}, {frames}, 15 or 20, 2)"
        )
    return poses_3d.astype(np.float64), poses_2d.astype(np.float64)


def _known_runs(poses: Float[np.ndarray, "frames joints 3"]) -> list[tuple[int, slice]]:
    """``(number among all runs, frames)`` of the runs in which every joint is known."""
    runs, start = [], 0
    for number, (known, group) in enumerate(groupby(bool(np.isfinite(frame).all()) for frame in poses)):
        count = len(list(group))
        if known:
            runs.append((number, slice(start, start + count)))
        start += count
    return runs


def read_positions(path: Path, joints: int, subjects: Sequence[str]) -> Takes:
    """``data_3d_humaneva15.npz``, in the order of the file.

    Raises:
        InputError: damaged, subjects missing, or arrays of another kind; all of it at once.
    """
    nested = _nested(path, "positions_3d")
    problems = [
        f"no subject {subject}; it has {', '.join(nested) or 'nobody'}"
        for subject in subjects
        if not nested.get(subject)
    ]
    found: Takes = {}
    for subject in (subject for subject in nested if subject in subjects):
        for action, value in nested[subject].items():
            problem = _position_problem(value, joints)
            if problem:
                problems.append(f"{subject} {action}: {problem}")
            else:
                found[subject, action] = np.asarray(value, dtype=np.float32)
    if problems:
        raise InputError.from_problems(str(path), problems)
    return found


def read_points(path: Path, prefix: str, wanted: Takes) -> tuple[PointsArchive, list[str]]:
    """``data_2d_humaneva15_NAME.npz`` for the takes with 3D, and notes on what is left out.

    Raises:
        InputError: damaged, takes missing, too few frames, or joints that cannot be told; all of it at once.
    """
    nested = _nested(path, "positions_2d")
    problems: list[str] = []
    points: Points = {}
    shapes: set[tuple[int, ...]] = set()
    for (subject, action), positions in wanted.items():
        cameras = nested.get(subject, {}).get(action)
        if not isinstance(cameras, list | tuple | np.ndarray) or len(cameras) != len(CAMERAS):
            problems.append(f"{subject} {action}: expected points of {len(CAMERAS)} cameras, saw {_kind(cameras)}")
            continue
        lines = [
            f"camera {camera}: {problem}"
            for camera, value in zip(CAMERAS, cameras, strict=True)
            if value is not None and (problem := _points_problem(value, len(positions)))
        ]
        problems += [f"{subject} {action}, {line}" for line in lines]
        if not lines:
            points[subject, action] = tuple(v if v is None else np.asarray(v, dtype=np.float32) for v in cameras)
            shapes |= {value.shape[1:] for value in cameras if value is not None}
    if len(shapes) > 1:
        problems.append(f"arrays of different shapes (joints, channels): {sorted(shapes)}")
    if not problems and not shapes:
        problems.append("it has no points of the takes with 3D")
    if problems:
        raise InputError.from_problems(str(path), problems)
    ((joints, channels),) = shapes
    data = read_bytes(path)
    has_metadata = "metadata" in array_names(data, str(path))
    metadata = read_array(data, "metadata", str(path), allow_objects=True) if has_metadata else {}
    skeleton, _ = archive_skeleton(metadata if isinstance(metadata, dict) else {}, joints, None, str(path))
    others = sorted({subject for subject in nested if subject.startswith("Unlabeled")})
    notes = [f"{path.name}: {', '.join(others)} left out, as there is no 3D of them"] if others else []
    gone = sum(value is None for cameras in points.values() for value in cameras)
    notes += [f"{path.name}: no points of {gone} videos"] if gone else []
    return PointsArchive(path.name, Source(path.stem.removeprefix(prefix), skeleton, channels), points), notes


def _nested(path: Path, key: str) -> dict[str, dict[str, Any]]:
    loaded = read_array(read_bytes(path), key, str(path), allow_objects=True)
    if not isinstance(loaded, dict) or not all(isinstance(actions, dict) for actions in loaded.values()):
        raise InputError(f"{path}: '{key}' is not what VideoPose3D writes, expected subject -> action -> arrays")
    return {str(subject): {str(a): value for a, value in actions.items()} for subject, actions in loaded.items()}


def _position_problem(value: Any, joints: int) -> str | None:
    if not isinstance(value, np.ndarray) or value.dtype not in (np.float32, np.float64):
        return f"is {_kind(value)}, expected an array of float32"
    if value.ndim != 3 or value.shape[1:] != (joints, 3) or not len(value):
        return f"has shape {value.shape}, expected (frames, {joints}, 3)"
    if not np.isfinite(value).all():
        return "holds numbers that are not finite"
    extent = float(np.abs(value).max())
    return f"the largest coordinate is {extent:.3g}; expected metres" if extent > _LARGEST_EXTENT_M else None


def _points_problem(value: Any, frames: int) -> str | None:
    if not isinstance(value, np.ndarray) or value.dtype not in (np.float32, np.float64):
        return f"is {_kind(value)}, expected an array of float32"
    if value.ndim != 3 or value.shape[2] not in (2, 3) or 0 in value.shape:
        return f"has shape {value.shape}, expected (frames, joints, 2 or 3)"
    if len(value) < frames:
        return f"{len(value)} frames for {frames} of 3D"
    return None if np.isfinite(value).all() else "holds numbers that are not finite"


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    return f"{len(value)} of them" if isinstance(value, list | tuple) else f"a {type(value).__name__}"

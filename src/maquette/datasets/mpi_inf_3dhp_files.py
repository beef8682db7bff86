"""Files of MPI-INF-3DHP: ``annot.mat`` and ``camera.calibration`` for training, ``annot_data.mat`` of the test set.

Layouts: the readme of the release. Positions come in metres in the frame of each camera, points in pixels.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.datasets.h36m_damage import READ_FAILURES, first_line
from maquette.datasets.h36m_numbers import open_hdf5
from maquette.errors import InputError
from maquette.formats.matlab import read_mat
from maquette.geometry.camera import Camera
from maquette.skeletons import MPI_INF_3DHP_17, MPI_INF_3DHP_28

CAMERAS = 14
CHEST_HIGH = (0, 1, 2, 4, 5, 6, 7, 8)
"""The cameras that published trainings use ("vnect"): without those of the ceiling and the knees."""

_FAST = {("S1", "Seq2"), *((subject, seq) for subject in ("S3", "S5") for seq in ("Seq1", "Seq2"))}
FRAMES: dict[tuple[str, str], int] = {
    ("S1", "Seq1"): 6416, ("S1", "Seq2"): 12430, ("S2", "Seq1"): 6502, ("S2", "Seq2"): 6081,
    ("S3", "Seq1"): 12488, ("S3", "Seq2"): 12283, ("S4", "Seq1"): 6171, ("S4", "Seq2"): 6675,
    ("S5", "Seq1"): 12820, ("S5", "Seq2"): 12312, ("S6", "Seq1"): 6188, ("S6", "Seq2"): 6145,
    ("S7", "Seq1"): 6239, ("S7", "Seq2"): 6320, ("S8", "Seq1"): 6468, ("S8", "Seq2"): 6054,
}  # fmt: skip
"""Frames of the videos; annotations that go on after them are left out."""
TRAIN_SUBJECTS = tuple(f"S{n}" for n in range(1, 9))
TEST_SUBJECTS = tuple(f"TS{n}" for n in range(1, 7))
ACTIVITIES = {
    1: "Standing/Walking", 2: "Exercise", 3: "Sitting", 4: "Crouching/Reaching", 5: "OnTheFloor", 6: "Sports",
    7: "Miscellaneous",
}  # fmt: skip
"""Numbers of ``activity_annotation``."""

_MOST_FRAMES = 200_000
_HEADER = "skeletool camera calibration file"


def rate(subject: str, sequence: str) -> int:
    """Frames per second of a training sequence."""
    return 50 if (subject, sequence) in _FAST else 25


def camera_of_test(subject: str) -> Camera:
    """The camera of a test sequence, from the lens in millimetres of the release; the world is its own frame.

    TS1 to TS4: 7.32506 mm on 10 x 10 mm, 2048 x 2048 pixels; TS5 and TS6: 8.770747185 mm on 10 x 5.625 mm, 1920 x 1080.
    """
    if subject in ("TS5", "TS6"):
        focal_mm, offset_mm, size, sensor_mm = 8.770747185, (-0.104908645, 0.104899704), (1920, 1080), (10.0, 5.625)
    else:
        focal_mm, offset_mm, size, sensor_mm = 7.32506, (-0.0322884, 0.0929296), (2048, 2048), (10.0, 10.0)
    scale = [pixels / mm for pixels, mm in zip(size, sensor_mm, strict=True)]
    return Camera(
        focal_px=(focal_mm * scale[0], focal_mm * scale[1]),
        centre_px=(size[0] / 2 + offset_mm[0] * scale[0], size[1] / 2 + offset_mm[1] * scale[1]),
        image_size=size,
    )


def read_calibration(path: Path) -> dict[int, Camera]:
    """Cameras by number: ``intrinsic`` and ``extrinsic`` are 4 x 4, the latter takes the world (mm) into the camera.

    Raises:
        InputError: another kind of file, or numbers missing; all of it at once.
    """
    try:
        text = path.read_bytes()[:1_000_000].decode("latin-1")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    lines = [line.split() for line in text.splitlines() if line.split()]
    if not lines or " ".join(lines[0]).lower()[: len(_HEADER)] != _HEADER:
        raise InputError(f"{path}: expected 'Skeletool Camera Calibration File' in the first line")
    blocks: dict[str, dict[str, list[str]]] = {}
    block: dict[str, list[str]] = {}
    for words in lines[1:]:
        if words[0] == "name":
            block = blocks.setdefault(" ".join(words[1:]), {})
        else:
            block[words[0]] = words[1:]
    cameras, problems = {}, []
    for name, fields in blocks.items():
        try:
            cameras[int(name)] = _camera(fields)
        except (InputError, ValueError) as error:
            problems.append(f"camera {name[:20]}: {error}")
    missing = [str(number) for number in range(CAMERAS) if number not in cameras and str(number) not in blocks]
    if missing:
        problems.append(f"no camera {', '.join(missing)}")
    if problems:
        raise InputError.from_problems(str(path), problems)
    return cameras


def _camera(fields: dict[str, list[str]]) -> Camera:
    def numbers(name: str, *shape: int) -> np.ndarray:
        values = np.array([float(word) for word in fields.get(name, ())])
        if values.size != np.prod(shape) or not np.isfinite(values).all():
            raise InputError(f"'{name}' has {values.size} numbers, expected {np.prod(shape)} finite ones")
        return values.reshape(shape)

    lens, pose, size = numbers("intrinsic", 4, 4), numbers("extrinsic", 4, 4), numbers("size", 2)
    if any(float(word) for word in fields.get("radial", ())):
        raise InputError(f"radial distortion {' '.join(fields['radial'])}, expected 0 as in the release")
    rotation = pose[:3, :3]
    return Camera(
        focal_px=(lens[0, 0], lens[1, 1]),
        centre_px=(lens[0, 2], lens[1, 2]),
        image_size=(int(size[0]), int(size[1])),
        R_camera_world=rotation,
        position_world_m=-rotation.T @ pose[:3, 3] / 1000,
    )


@dataclass(frozen=True, eq=False)
class CameraAnnotations:
    """What is annotated for one camera."""

    positions_camera_m: Float[np.ndarray, "frames joints 3"]
    points_px: Float[np.ndarray, "frames joints 2"]


def read_train(path: Path, cameras: tuple[int, ...], *, universal: bool) -> dict[int, CameraAnnotations]:
    """``annot.mat``: for each camera a cell of (frames, 28 x 3) and of (frames, 28 x 2).

    Args:
        universal: ``univ_annot3`` instead of ``annot3``.

    Raises:
        InputError: damaged, or of another shape; all of it at once.
    """
    key = "univ_annot3" if universal else "annot3"
    loaded = read_mat(path, (key, "annot2"))
    missing = [f"'{name}' is missing" for name in (key, "annot2") if name not in loaded]
    if missing:
        raise InputError.from_problems(str(path), missing)
    cells = {name: np.asarray(loaded[name], dtype=object).ravel() for name in (key, "annot2")}
    problems: list[str] = []
    found = {}
    for camera in cameras:
        positions = _cell(cells[key], camera, (len(MPI_INF_3DHP_28), 3), key, problems)
        points = _cell(cells["annot2"], camera, (len(MPI_INF_3DHP_28), 2), "annot2", problems)
        if positions is not None and points is not None:
            if len(positions) != len(points):
                problems.append(f"camera {camera}: {len(positions)} frames in '{key}', {len(points)} in 'annot2'")
            found[camera] = CameraAnnotations(positions / 1000, points)
    if len({len(annotations.points_px) for annotations in found.values()}) > 1:
        problems.append("the cameras have different numbers of frames")
    if problems:
        raise InputError.from_problems(str(path), problems)
    return found


def _cell(
    cells: np.ndarray, camera: int, row: tuple[int, int], key: str, problems: list[str]
) -> Float[np.ndarray, "frames joints dims"] | None:
    value = cells[camera] if camera < len(cells) else None
    wanted = f"expected numbers of shape (frames, {row[0] * row[1]})"
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        problems.append(f"'{key}' has nothing for camera {camera}, {wanted}")
    elif value.ndim != 2 or value.shape[1] != row[0] * row[1] or not 0 < len(value) <= _MOST_FRAMES:
        problems.append(f"'{key}' of camera {camera} has shape {value.shape}, {wanted}")
    elif not np.isfinite(value).all():
        problems.append(f"'{key}' of camera {camera} holds numbers that are not finite")
    else:
        return value.astype(np.float64).reshape(-1, *row)
    return None


@dataclass(frozen=True, eq=False)
class TestAnnotations:
    """``annot_data.mat`` of one test sequence."""

    __test__ = False

    annotations: CameraAnnotations
    valid: Bool[np.ndarray, " frames"]
    activity: Int[np.ndarray, " frames"]


def read_test(path: Path, *, universal: bool) -> TestAnnotations:
    """``annot_data.mat`` (MATLAB 7.3): (frames, 1, 17, 3) and (frames, 1, 17, 2) as HDF5 has them, and two columns.

    Raises:
        InputError: damaged, or of another shape; all of it at once.
    """
    key = "univ_annot3" if universal else "annot3"
    problems: list[str] = []
    with open_hdf5(path) as file:
        positions = _dataset(file, key, (len(MPI_INF_3DHP_17), 3), problems)
        points = _dataset(file, "annot2", (len(MPI_INF_3DHP_17), 2), problems)
        valid = _dataset(file, "valid_frame", (), problems)
        activity = _dataset(file, "activity_annotation", (), problems)
    arrays = [array for array in (positions, points, valid, activity) if array is not None]
    if len({len(array) for array in arrays}) > 1:
        problems.append(f"different numbers of frames: {', '.join(str(len(array)) for array in arrays)}")
    if problems:
        raise InputError.from_problems(str(path), problems)
    assert positions is not None
    assert points is not None
    assert valid is not None
    assert activity is not None
    return TestAnnotations(CameraAnnotations(positions / 1000, points), valid > 0.5, activity.astype(np.int64))


def _dataset(file: Any, key: str, row: tuple[int, ...], problems: list[str]) -> np.ndarray | None:
    """(frames, *row) float64, or None and a line in ``problems``."""
    expected = f"(frames, 1{''.join(f', {n}' for n in row)})"
    try:
        if key not in file:
            problems.append(f"'{key}' is missing")
            return None
        dataset = file[key]
        shape: tuple[int, ...] = tuple(getattr(dataset, "shape", ()))
        if shape[1:] != (1, *row) or 0 in shape or max(shape) > _MOST_FRAMES or dataset.dtype.kind not in "fiu":
            problems.append(f"'{key}' has shape {shape}, expected {expected}")
            return None
        values = np.asarray(dataset[()], dtype=np.float64).reshape(-1, *row)
    except READ_FAILURES as error:
        problems.append(f"'{key}' is damaged ({first_line(error)})")
        return None
    if not np.isfinite(values).all():
        problems.append(f"'{key}' holds numbers that are not finite")
        return None
    return values

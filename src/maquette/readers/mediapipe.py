"""MediaPipe Pose landmarks (BlazePose, 33 points) as JSON lines or as one JSON list.

A frame is an object with ``landmarks`` (``pose_landmarks``, ``poseLandmarks``), or the bare list; a landmark is
``[x, y, z, visibility]`` or an object. x and y are fractions of the picture, z is not used, visibility is the
confidence.
"""

from pathlib import Path

import msgspec
import numpy as np

from maquette.errors import InputError, NoPersonError
from maquette.formats.detector_json import Landmark, LandmarkFrame, Landmarks
from maquette.formats.json_documents import decode_json
from maquette.readers.clip import Clip
from maquette.readers.keypoint_arrays import coordinate_unit
from maquette.readers.rows import clip_from_rows, equal_lengths, frame_rate
from maquette.readers.skeleton_choice import check_given
from maquette.skeleton import Skeleton
from maquette.skeletons import BLAZEPOSE_33

_frames = msgspec.json.Decoder(list[LandmarkFrame | None])
_frame = msgspec.json.Decoder(LandmarkFrame)
_bare = msgspec.json.Decoder(list[Landmarks | None])
_single = msgspec.json.Decoder(Landmarks)


def read_frames(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """A list of frame objects."""
    frames = [frame or LandmarkFrame() for frame in decode_json(_frames, data, str(path))]
    return _clips(frames, str(path), skeleton)


def read_frame(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """One frame object."""
    return _clips([decode_json(_frame, data, str(path))], str(path), skeleton)


def read_bare_frames(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """A list of lists of landmarks, null where nobody was seen."""
    return _clips([LandmarkFrame(landmarks=f) for f in decode_json(_bare, data, str(path))], str(path), skeleton)


def read_bare_frame(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """One list of landmarks."""
    return _clips([LandmarkFrame(landmarks=decode_json(_single, data, str(path)))], str(path), skeleton)


def _clips(frames: list[LandmarkFrame], where: str, skeleton: Skeleton | None) -> list[Clip]:
    if all(frame.frame is not None and 0 <= frame.frame < 1 << 53 for frame in frames):
        numbers = [int(frame.frame or 0) for frame in frames]
    else:
        numbers = list(range(len(frames)))
    rows, row_number = [], []
    for number, frame in zip(numbers, frames, strict=True):
        landmarks = frame.landmarks or frame.pose_landmarks or frame.poseLandmarks
        if landmarks:
            rows.append(landmarks)
            row_number.append(number)
    if not rows:
        raise NoPersonError(f"{where}: nobody was detected in any frame")
    n_points = equal_lengths(rows, where, "landmarks a frame")
    joints, why = check_given(skeleton or BLAZEPOSE_33, n_points, where)
    values = _values(rows, where)
    notes: tuple[str, ...] = ()
    if np.isnan(values[..., 3]).any():
        values[..., 3] = np.where(np.isnan(values[..., 3]), 1.0, values[..., 3])
        notes = ("landmarks without visibility count as certain",)
    facts = _times(frames, numbers)
    size = next((frame.image_size for frame in frames if frame.image_size), None)
    if size is not None and len(size) == 2 and all(0 < side < 1e6 for side in size):
        facts["image_size"] = (int(size[0]), int(size[1]))
    clip = clip_from_rows(
        values[..., :2],
        values[..., 3],
        row_number,
        [-1] * len(rows),
        numbers,
        skeleton=joints,
        columns=None,
        skeleton_why=why if skeleton else "33 landmarks are BlazePose's",
        source=where,
        unit="px" if coordinate_unit(values[..., :2]) == "px" else "0..1",
        notes=notes,
        **facts,
    )
    return [clip]


def _values(rows: list[Landmarks], where: str) -> np.ndarray:
    """x, y, z, visibility of all landmarks (frames, landmarks, 4)."""
    if all(isinstance(landmark, list) and len(landmark) == 4 for row in rows for landmark in row):
        return np.array(rows, dtype=np.float64)
    return np.array([[_four(landmark, where) for landmark in row] for row in rows], dtype=np.float64)


def _four(landmark: list[float] | Landmark, where: str) -> tuple[float, float, float, float]:
    """x, y, z, visibility; visibility is NaN where there is none."""
    if isinstance(landmark, Landmark):
        visibility = np.nan if landmark.visibility is None else landmark.visibility
        return landmark.x, landmark.y, landmark.z, visibility
    if len(landmark) < 2:
        raise InputError(f"{where}: a landmark has {len(landmark)} numbers; expected x, y, z, visibility")
    if len(landmark) == 2:
        return landmark[0], landmark[1], 0.0, np.nan
    return landmark[0], landmark[1], landmark[2], landmark[3] if len(landmark) > 3 else np.nan


def _times(frames: list[LandmarkFrame], numbers: list[int]) -> dict:
    """``fps`` and, where frames come irregularly, ``timestamps_s``, from the times in the file."""
    times = np.array([np.nan if frame.time_s is None else frame.time_s for frame in frames])
    fps, regular = frame_rate(times, np.array(numbers))
    if fps is None:
        return {}
    without_gaps = numbers[-1] - numbers[0] + 1 == len(numbers)
    return {"fps": fps, "timestamps_s": times} if without_gaps and not regular else {"fps": fps}

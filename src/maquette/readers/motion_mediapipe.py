"""MediaPipe Pose's world landmarks (33 points in metres, the middle of the hips at the origin) from JSON or JSON lines.

A frame is an object with ``world_landmarks`` (``pose_world_landmarks``, ``poseWorldLandmarks``, ``worldLandmarks``):
33 landmarks, each ``[x, y, z]``, ``[x, y, z, visibility]`` or an object; or a list of people of such, as the newer
interface gives them; or null. ``time_s`` or ``timestamp_ms`` and ``frame`` are used where they are there.
"""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np

from maquette.errors import InputError, NoPersonError
from maquette.formats.detector_json import Landmark, Landmarks
from maquette.formats.json_documents import decode_json, document_kind, lines_as_list
from maquette.motion import Motion
from maquette.readers.rows import frame_rate
from maquette.skeleton import Skeleton
from maquette.skeletons import BLAZEPOSE_33

_ASSUMED_FPS = Fraction(30)
_MOST_FRAMES = 10_000_000


class WorldFrame(msgspec.Struct):
    """One frame, under the names that MediaPipe's interfaces and programs around it give."""

    world_landmarks: msgspec.Raw = msgspec.Raw()
    pose_world_landmarks: msgspec.Raw = msgspec.Raw()
    poseWorldLandmarks: msgspec.Raw = msgspec.Raw()
    worldLandmarks: msgspec.Raw = msgspec.Raw()
    frame: int | None = None
    time_s: float | None = None
    timestamp_ms: float | None = None


_frames = msgspec.json.Decoder(list[WorldFrame | None])
_frame = msgspec.json.Decoder(WorldFrame)
_person = msgspec.json.Decoder(Landmarks | None)
_people = msgspec.json.Decoder(list[Landmarks])


def read_motion_mediapipe(
    path: Path, data: bytes, fps: Fraction | None = None, skeleton: Skeleton | None = None
) -> Motion:
    """World landmarks as a motion in the camera's axes, on ``blazepose-33``, without a path through space.

    MediaPipe's x points to the right of the picture, y down, z away from the camera. Landmarks without a position in a
    frame are NaN. ``visibility`` is not kept: it says nothing about millimetres.

    Args:
        fps: frames per second; None takes those that the times in the file tell, else 30, and says so.
        skeleton: must be None or ``blazepose-33``.

    Raises:
        InputError: no such JSON, or not 33 landmarks.
        NoPersonError: nobody in any frame.
    """
    where = str(path)
    if skeleton is not None and skeleton != BLAZEPOSE_33:
        raise InputError(f"{where}: world landmarks are those of blazepose-33, not '{skeleton.name}'")
    kind = document_kind(data)
    if kind == "object":
        found: list[WorldFrame | None] = [decode_json(_frame, data, where)]
    else:
        found = decode_json(_frames, lines_as_list(data, where) if kind == "lines" else data, where)
    frames = [frame or WorldFrame() for frame in found]
    numbers = _numbers(frames, where)
    positions = np.full((numbers[-1] + 1 if numbers else 0, len(BLAZEPOSE_33), 3), np.nan)
    crowds = 0
    for number, frame in zip(numbers, frames, strict=True):
        landmarks, others = _landmarks(frame, f"{where}, frame {number}")
        crowds += others > 0
        if landmarks is not None:
            positions[number] = landmarks
    if not np.isfinite(positions).any():
        raise NoPersonError(f"{where}: nobody is in any of its {len(frames)} frames")
    told = np.array([_time_s(frame) for frame in frames])
    rate, _ = frame_rate(told, np.array(numbers))
    notes = ["MediaPipe's world landmarks: the middle of the hips stays at the origin"]
    if fps is None and rate is None:
        notes.append("frame rate not in the file: taken as 30; give --fps")
    if crowds:
        notes.append(f"several people in {crowds} frames: the first of each was taken")
    return Motion(
        positions=positions,
        skeleton=BLAZEPOSE_33,
        fps=fps or rate or _ASSUMED_FPS,
        frame="camera",
        scale_source="MediaPipe's own metres (those of an average body)",
        model="MediaPipe Pose",
        source=where,
        notes=tuple(notes),
    )


def _numbers(frames: list[WorldFrame], where: str) -> list[int]:
    """Numbers of the frames from 0, as in the file where it has them."""
    told = [frame.frame for frame in frames]
    if any(number is None for number in told):
        return list(range(len(frames)))
    numbers = [number - told[0] for number in told if number is not None and told[0] is not None]
    if any(b <= a for a, b in pairwise(numbers)) or (numbers and numbers[-1] > _MOST_FRAMES):
        raise InputError(f"{where}: the numbers of its frames do not increase, or leave millions out")
    return numbers


def _landmarks(frame: WorldFrame, where: str) -> tuple[np.ndarray | None, int]:
    """``(33 positions in metres or None, how many more people there are)``."""
    names = ("world_landmarks", "pose_world_landmarks", "poseWorldLandmarks", "worldLandmarks")
    raw = next((raw for name in names if bytes(raw := getattr(frame, name)) not in (b"", b"null")), None)
    if raw is None:
        return None, 0
    others = 0
    try:
        person = _person.decode(raw)
    except msgspec.MsgspecError:
        people = decode_json(_people, bytes(raw), where)
        person, others = (people[0] if people else None), max(len(people) - 1, 0)
    if not person:
        return None, 0
    if len(person) != len(BLAZEPOSE_33):
        raise InputError(f"{where}: {len(person)} world landmarks, expected {len(BLAZEPOSE_33)}")
    rows = [(mark.x, mark.y, mark.z) if isinstance(mark, Landmark) else tuple(mark[:3]) for mark in person]
    if any(len(row) != 3 for row in rows):
        raise InputError(f"{where}: a world landmark needs x, y and z")
    positions = np.array(rows, dtype=np.float64)
    if not (np.abs(positions) < 100).all():
        raise InputError(f"{where}: world landmarks are in metres around the hips; these are not")
    return positions, others


def _time_s(frame: WorldFrame) -> float:
    if frame.time_s is not None:
        return frame.time_s
    return float("nan") if frame.timestamp_ms is None else frame.timestamp_ms / 1000

"""Shapes of the JSON that detectors write: COCO and AlphaPose, MMPose, MediaPipe."""

from typing import Any

import msgspec

Numbers = list[float | list[float]]
"""Flat x, y, c, x, y, c, ... or one list for each point."""


class CocoResult(msgspec.Struct, gc=False):
    """An entry of a COCO result or annotation list; AlphaPose adds ``idx``, PoseTrack ``track_id``."""

    image_id: int | str
    keypoints: Numbers | None = None
    idx: Any = None
    track_id: Any = None


class CocoImage(msgspec.Struct):
    id: int | str
    file_name: str | None = None
    width: float | None = None
    height: float | None = None


class CocoCategory(msgspec.Struct):
    keypoints: list[str] | None = None


class CocoFile(msgspec.Struct):
    annotations: list[CocoResult]
    images: list[CocoImage] = []
    categories: list[CocoCategory] = []


class MmposeInstance(msgspec.Struct, gc=False):
    """One person; the ``bbox`` beside it is nested once too often by the original and is not read."""

    keypoints: list[list[float]]
    keypoint_scores: list[float] | None = None
    track_id: Any = None
    instance_id: Any = None


class MmposeFrame(msgspec.Struct, gc=False):
    instances: list[MmposeInstance]
    frame_id: int | None = None


class MmposeMeta(msgspec.Struct):
    dataset_name: str | None = None
    keypoint_id2name: dict[str, str] | None = None


class MmposeFile(msgspec.Struct):
    instance_info: list[MmposeFrame]
    meta_info: MmposeMeta | None = None


class Landmark(msgspec.Struct, gc=False):
    """MediaPipe's landmark as an object."""

    x: float
    y: float
    z: float = 0.0
    visibility: float | None = None


Landmarks = list[list[float] | Landmark]


class LandmarkFrame(msgspec.Struct, gc=False):
    """One frame of MediaPipe landmarks, under the names that programs give them."""

    landmarks: Landmarks | None = None
    pose_landmarks: Landmarks | None = None
    poseLandmarks: Landmarks | None = None
    frame: int | None = None
    time_s: float | None = None
    image_size: list[float] | None = None

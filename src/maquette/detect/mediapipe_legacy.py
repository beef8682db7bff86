"""The one person that ``mp.solutions.pose`` of MediaPipe up to 0.10.21 sees, with the models inside the package.

It takes every clip for one of 30 pictures a second, whatever the times are; its filter lags accordingly.
"""

from typing import Any

import numpy as np

from maquette.detect.detector import Picture, Seen
from maquette.detect.mediapipe_log import without_chatter
from maquette.detect.mediapipe_package import import_mediapipe, model_file, need_models_inside, version
from maquette.errors import InputError
from maquette.skeletons import BLAZEPOSE_33

_SIZES = {0: "lite", 1: "full", 2: "heavy"}


class MediaPipeLegacyDetector:
    """The most prominent person of each picture; the same one until lost, and then perhaps another.

    Attributes:
        name: as notes give it.
    """

    skeleton = BLAZEPOSE_33

    def __init__(self, *, still: bool = False, complexity: int = 1, smooth: bool = True):
        """
        Args:
            still: pictures that have nothing to do with each other: look for the person anew in each.
            complexity: 0 (lite), 1 (full) or 2 (heavy). Only the model of 1 comes in the package; MediaPipe would
                download the others, this does not.
            smooth: MediaPipe's own one-euro filter, in clips.

        Raises:
            MissingExtraError: no MediaPipe, or one without ``mp.solutions``.
            InputError: a complexity whose model is not here.
        """
        need_models_inside()
        size = _SIZES.get(complexity)
        if size is None or not model_file(f"pose_landmark/pose_landmark_{size}.tflite"):
            raise InputError(
                f"complexity {complexity}: the package mediapipe holds the pose model of complexity 1 (full) only, and "
                "nothing is downloaded; take 1, or a file: --pose-model pose_landmarker_heavy.task"
            )
        self.name = f"mediapipe {version()} (solutions, {size})"
        self._settings: dict[str, Any] = {
            "static_image_mode": still,
            "model_complexity": complexity,
            "smooth_landmarks": smooth,
        }
        self._pose: Any = None
        self._seen_someone = False

    def __call__(self, picture: Picture, time_s: float) -> Seen:
        if self._pose is None or not self._seen_someone:
            with without_chatter():
                landmarks = self._process(picture)
        else:
            landmarks = self._process(picture)
        if landmarks is None:
            return Seen.nobody(self.skeleton)
        self._seen_someone = True
        height, width = picture.shape[:2]
        rows = np.array([[mark.x * width, mark.y * height, mark.visibility] for mark in landmarks.landmark])
        return Seen(rows[None, :, :2], rows[None, :, 2].clip(0, 1))

    def reset(self) -> None:
        self.close()

    def close(self) -> None:
        if self._pose is not None:
            self._pose.close()
        self._pose = None

    def _process(self, picture: Picture) -> Any:
        if self._pose is None:
            self._pose = import_mediapipe().solutions.pose.Pose(**self._settings)
        return self._pose.process(np.ascontiguousarray(picture)).pose_landmarks

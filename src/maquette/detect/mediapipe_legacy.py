"""The one person that ``mp.solutions.pose`` of MediaPipe up to 0.10.21 sees, with the models inside the package."""

from typing import Any

import numpy as np

from maquette.detect.detector import Picture, Seen
from maquette.detect.mediapipe_log import without_chatter
from maquette.detect.mediapipe_package import import_mediapipe, need_models_inside, version
from maquette.errors import InputError
from maquette.skeletons import BLAZEPOSE_33

# By which ``process`` moves its clock on before each picture.
_OWN_STEP_US = 33_333


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
            complexity: 1; the models of 0 and 2 are not in the package, which would download them.
            smooth: MediaPipe's own one-euro filter, in clips.

        Raises:
            MissingExtraError: no MediaPipe, or one without ``mp.solutions``.
            InputError: a complexity whose model is not here.
        """
        if complexity != 1:
            raise InputError(
                f"complexity {complexity}: the package mediapipe holds the pose model of complexity 1 (full) only and "
                "would download the others; take 1, or a file: --pose-model pose_landmarker_heavy.task"
            )
        need_models_inside()
        self.name = f"mediapipe {version()} (full)"
        self._settings: dict[str, Any] = {
            "static_image_mode": still,
            "model_complexity": complexity,
            "smooth_landmarks": smooth,
        }
        self._pose: Any = None
        self._seen_someone = False
        self._last_us = 0

    def __call__(self, picture: Picture, time_s: float) -> Seen:
        if self._pose is None or not self._seen_someone:
            with without_chatter():
                landmarks = self._process(picture, time_s)
        else:
            landmarks = self._process(picture, time_s)
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
        self._last_us = 0

    def _process(self, picture: Picture, time_s: float) -> Any:
        if self._pose is None:
            self._pose = import_mediapipe().solutions.pose.Pose(**self._settings)
        # The clock that the filter goes by; by itself it would take every clip for one of 30 pictures a second.
        self._last_us = max(round(time_s * 1e6), self._last_us + 1)
        self._pose._simulated_timestamp = self._last_us - _OWN_STEP_US
        return self._pose.process(np.ascontiguousarray(picture)).pose_landmarks

"""The people that PoseLandmarker of MediaPipe's Tasks sees, with a ``.task`` file."""

from typing import Any

import numpy as np

from maquette.detect.detector import Picture, Seen
from maquette.detect.mediapipe_log import without_chatter
from maquette.detect.mediapipe_package import import_mediapipe, version
from maquette.errors import InputError, ModelError
from maquette.skeletons import BLAZEPOSE_33


class MediaPipeTasksDetector:
    """Up to so many people of each picture, in no order.

    Attributes:
        name: as notes give it.
    """

    skeleton = BLAZEPOSE_33

    def __init__(self, bundle: bytes, model_name: str, *, people: int = 1, still: bool = False):
        """
        Args:
            bundle: the bytes of a ``.task`` file.
            model_name: what to call it.
            people: how many to see at most. More than there are cost time and steadiness, as MediaPipe then goes on
                looking for the others.
            still: pictures that have nothing to do with each other: look for the people anew in each.

        Raises:
            MissingExtraError: no MediaPipe.
            InputError: nobody to see.
        """
        if people < 1:
            raise InputError(f"{people} people to be detected; expected 1 or more")
        import_mediapipe()
        self.name = f"mediapipe {version()} ({model_name})"
        self._bundle = bundle
        self._model_name = model_name
        self._people = people
        self._still = still
        self._landmarker: Any = None
        self._seen_someone = False
        self._last_ms = -1

    def __call__(self, picture: Picture, time_s: float) -> Seen:
        if self._landmarker is None or not self._seen_someone:
            with without_chatter():
                poses = self._poses(picture, time_s)
        else:
            poses = self._poses(picture, time_s)
        if not poses:
            return Seen.nobody(self.skeleton)
        self._seen_someone = True
        height, width = picture.shape[:2]
        rows = np.array([[[mark.x * width, mark.y * height, mark.visibility] for mark in pose] for pose in poses])
        return Seen(rows[..., :2], rows[..., 2].clip(0, 1))

    def reset(self) -> None:
        self.close()

    def close(self) -> None:
        if self._landmarker is not None:
            self._landmarker.close()
        self._landmarker = None
        self._last_ms = -1

    def _poses(self, picture: Picture, time_s: float) -> Any:
        mediapipe = import_mediapipe()
        if self._landmarker is None:
            self._landmarker = self._create()
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
        if self._still:
            return self._landmarker.detect(image).pose_landmarks
        # Whole milliseconds that increase: above 1000 pictures a second this clock runs slow.
        self._last_ms = max(round(time_s * 1000), self._last_ms + 1)
        return self._landmarker.detect_for_video(image, self._last_ms).pose_landmarks

    def _create(self) -> Any:
        tasks = import_mediapipe().tasks
        vision = tasks.vision
        mode = vision.RunningMode.IMAGE if self._still else vision.RunningMode.VIDEO
        options = vision.PoseLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_buffer=self._bundle), running_mode=mode, num_poses=self._people
        )
        try:
            return vision.PoseLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(
                f"{self._model_name}: MediaPipe cannot load it ({first}); expected a pose landmarker's .task file as "
                "MediaPipe publishes it"
            ) from error

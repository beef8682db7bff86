"""PoseLandmarker of MediaPipe's Tasks, looking at a part of a picture."""

from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image

from maquette.detect.detector import Picture
from maquette.detect.mediapipe_log import without_chatter
from maquette.detect.mediapipe_package import import_mediapipe
from maquette.errors import ModelError
from maquette.skeletons import BLAZEPOSE_33

Window = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels; right and bottom are the first outside."""

Poses = Float[np.ndarray, "people joints 3"]
"""x, y (pixels of the whole picture) and confidence."""

# The models look at 224 and 256 pixels, and MediaPipe takes single pixels of a larger picture, whose noise then tells.
# Means over blocks that leave this many pixels of the longer side help there, and do no harm to clean pictures.
_ENOUGH_PX = 700


class Landmarker:
    """The poses in a part of a picture: of several people anew each time, or of one who is followed."""

    def __init__(self, bundle: bytes, model_name: str, *, people: int = 1, follow: bool = False):
        """
        Args:
            bundle: the bytes of a ``.task`` file.
            model_name: what errors call it.
            people: how many to see at most.
            follow: look where somebody was in the last picture and smooth the way (MediaPipe's running mode "video").

        Raises:
            ModelError: MediaPipe refuses the bundle.
            MissingExtraError: no MediaPipe.
        """
        self._mediapipe = import_mediapipe()
        vision = self._mediapipe.tasks.vision
        options = vision.PoseLandmarkerOptions(
            base_options=self._mediapipe.tasks.BaseOptions(model_asset_buffer=bundle),
            running_mode=vision.RunningMode.VIDEO if follow else vision.RunningMode.IMAGE,
            num_poses=people,
        )
        try:
            with without_chatter():
                self._landmarker: Any = vision.PoseLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ModelError(
                f"{model_name}: MediaPipe cannot load it ({first}); expected a pose landmarker's .task file as "
                "MediaPipe publishes it"
            ) from error
        self._follow = follow
        self._seen_someone = False
        self._last_ms = -1

    def look(self, picture: Picture, window: Window, time_s: float) -> Poses:
        """The people in a window of the picture, which must lie inside it; those who are followed must have windows of
        about the same size and place from call to call."""
        left, top, right, bottom = window
        part = Image.fromarray(np.ascontiguousarray(picture[top:bottom, left:right]))
        shrink = max(max(part.size) // _ENOUGH_PX, 1)
        if shrink > 1:
            part = part.reduce(shrink)
        image = self._mediapipe.Image(
            image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(np.asarray(part))
        )
        if self._seen_someone:
            poses = self._detect(image, time_s)
        else:  # the last of the chatter comes with the first person
            with without_chatter():
                poses = self._detect(image, time_s)
        if not poses:
            return np.empty((0, len(BLAZEPOSE_33), 3))
        self._seen_someone = True
        # Presence says that a point is inside the part, visibility that nothing hides it; some builds leave the former.
        marks = np.array(
            [[(mark.x, mark.y, min(mark.visibility, mark.presence or 1.0)) for mark in pose] for pose in poses]
        )
        scale = np.array([part.width * shrink, part.height * shrink, 1.0])
        return marks.clip([-np.inf, -np.inf, 0], [np.inf, np.inf, 1]) * scale + [left, top, 0]

    def close(self) -> None:
        """Gives the models back."""
        self._landmarker.close()

    def _detect(self, image: Any, time_s: float) -> Any:
        if not self._follow:
            return self._landmarker.detect(image).pose_landmarks
        # Whole milliseconds that increase: above 1000 pictures a second this clock runs slow.
        self._last_ms = max(round(time_s * 1000), self._last_ms + 1)
        return self._landmarker.detect_for_video(image, self._last_ms).pose_landmarks

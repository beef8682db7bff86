"""MediaPipe as a detector: the older interface with the models inside the package, or PoseLandmarker."""

from pathlib import Path

from maquette.detect.detector import Detector
from maquette.detect.mediapipe_legacy import MediaPipeLegacyDetector
from maquette.detect.mediapipe_package import bundle_inside, is_installed, read_bundle
from maquette.detect.mediapipe_tasks import MediaPipeTasksDetector
from maquette.errors import missing_extra

__all__ = ["is_installed", "mediapipe_detector"]


def mediapipe_detector(*, pose_model: Path | None = None, people: int = 1, still: bool = False) -> Detector:
    """The way of using MediaPipe that fits what is installed and wanted.

    Args:
        pose_model: a ``.task`` file; None for the model inside the package (versions to 0.10.21).
        people: how many to see at most in one picture.
        still: pictures that have nothing to do with each other.

    Raises:
        MissingExtraError: MediaPipe is not installed, or holds no models and none was given.
        ModelError: the file is missing or no pose landmarker.
    """
    if not is_installed():
        raise missing_extra("detect", "mediapipe")
    if pose_model is not None:
        return MediaPipeTasksDetector(read_bundle(pose_model), pose_model.name, people=people, still=still)
    if people == 1:
        return MediaPipeLegacyDetector(still=still)
    return MediaPipeTasksDetector(bundle_inside(), "full", people=people, still=still)

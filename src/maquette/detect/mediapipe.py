"""MediaPipe as a detector: its models inside the package (versions to 0.10.21), or a ``.task`` file."""

from pathlib import Path

from maquette.detect.detector import Detector
from maquette.detect.mediapipe_legacy import MediaPipeLegacyDetector
from maquette.detect.mediapipe_package import bundle_inside, is_installed, read_bundle
from maquette.detect.mediapipe_people import MediaPipeDetector
from maquette.errors import missing_extra

__all__ = ["is_installed", "mediapipe_detector", "mediapipe_legacy_detector"]


def mediapipe_detector(*, pose_model: Path | None = None, people: int = 1, still: bool = False) -> Detector:
    """Up to so many people, each followed.

    Args:
        pose_model: a ``.task`` file; None for the model inside the package.
        people: how many to see at most in one picture.
        still: pictures that have nothing to do with each other.

    Raises:
        MissingExtraError: MediaPipe is not installed, or holds no models and none was given.
        ModelError: the file is missing or no pose landmarker.
    """
    if not is_installed():
        raise missing_extra("detect", "mediapipe")
    if pose_model is None:
        return MediaPipeDetector(bundle_inside(), "full", people=people, still=still)
    return MediaPipeDetector(read_bundle(pose_model), pose_model.name, people=people, still=still)


def mediapipe_legacy_detector(*, still: bool = False) -> Detector:
    """``mp.solutions.pose`` as it is, for results that equal those of others: one person, the whole picture.

    Raises:
        MissingExtraError: MediaPipe is not installed, or is a version without ``mp.solutions``.
    """
    return MediaPipeLegacyDetector(still=still)

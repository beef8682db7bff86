"""``read_keypoints``: any file or folder of 2D keypoints -> the people in it."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maquette.errors import InputError
from maquette.frozen_arrays import exact_fps
from maquette.keypoints import Keypoints
from maquette.readers.assemble import assemble
from maquette.readers.clip import Clip
from maquette.readers.footage import footage_kind, pictures_beside
from maquette.readers.identify import identify
from maquette.readers.skeleton_choice import given_skeleton
from maquette.skeleton import Skeleton

if TYPE_CHECKING:
    from maquette.detect.people import Looker
else:
    Looker = Any

_LARGEST_SIDE_PX = 1_000_000


@dataclass(frozen=True)
class FormatGuess:
    """What a file or folder is, and how that is known."""

    format: str
    """Name of the format, for example ``OpenPose JSON folder``."""
    why: str
    """What was seen that tells the format, a clause."""
    skeleton: Skeleton
    skeleton_why: str
    n_files: int
    n_frames: int
    first_frame: int
    """Number that the files give to frame 0."""
    unit: str
    """``px``, or the range of coordinates that are fractions of the picture."""
    fps: Fraction | None
    """As the files say; None when they do not."""
    image_size: tuple[int, int] | None
    """``(width, height)`` as the files say; None when they do not."""


def read_keypoints(
    path: str | Path,
    *,
    fps: Fraction | float | int | str | None = None,
    image_size: tuple[int, int] | None = None,
    skeleton: Skeleton | str | None = None,
    detector: Looker = None,
    every: int = 1,
) -> list[Keypoints]:
    """The people in a file or folder of 2D keypoints, or in a video or a picture, the most prominent (largest and
    longest seen) first.

    The format is told by the content. All people of a clip have the frames of the whole clip; a frame without
    somebody is missing data (NaN, confidence 0). Everything assumed stands in ``notes``.

    Args:
        path: footage (a video, an animated GIF, a picture, a folder of pictures), in which a detector finds people; or
            OpenPose JSON folder or file, tf-pose or Keras lists, COCO results or annotations, AlphaPose, MMPose,
            MediaPipe landmarks, VideoPose3D ``.npz``, Sports2D pixel ``.trc``, DeepLabCut ``.csv``, YOLO-pose labels,
            or Maquette's own ``.npz``.
        fps: frames per second (``30``, ``29.97``, ``"30000/1001"``); None takes the file's, or assumes 30 with a note.
        image_size: ``(width, height)`` in pixels; None takes the file's.
        skeleton: a skeleton or its name, when the file cannot tell or tells wrongly.
        detector: for footage: ``"mediapipe"``, ``"rtmlib"``, a :class:`~maquette.detect.choice.DetectorWish`, or a
            detector of your own; None takes the first that is installed.
        every: for footage: let the detector see each ``every``-th picture only, and interpolate between.

    Raises:
        InputError: nothing there, not readable, no keypoints, or an option that does not fit.
        NoPersonError: keypoints, but of nobody; or footage with nobody in it.
        MissingExtraError: footage, and no detector is installed.
    """
    exact = None if fps is None else exact_fps(fps)
    size = _checked_size(image_size)
    if footage_kind(path) is not None:
        return _people_in_footage(path, exact, size, skeleton, detector, every)
    if detector is not None or every != 1:
        raise InputError(f"{path}: holds keypoints; a detector and 'every' are for videos and pictures: leave them out")
    clips, _, _, _ = _clips(path, skeleton)
    people = [person for clip in clips for person in assemble(clip, exact, size)]
    beside = pictures_beside(path)
    if not beside:
        return people
    note = f"the folder's {beside} pictures were left alone, as it has keypoints in it, too"
    return [person.with_notes(note) for person in people]


def _people_in_footage(
    path: str | Path,
    fps: Fraction | None,
    image_size: tuple[int, int] | None,
    skeleton: Skeleton | str | None,
    detector: Looker,
    every: int,
) -> list[Keypoints]:
    from maquette.detect.people import people_in_footage

    check_footage_options(path, image_size, skeleton)
    return people_in_footage(path, detector, fps=fps, every=every).people


def check_footage_options(
    path: str | Path, image_size: tuple[int, int] | None, skeleton: Skeleton | str | None
) -> None:
    """Footage has a size, and its detector a skeleton.

    Raises:
        InputError: one of them is given.
    """
    if image_size is not None or skeleton is not None:
        option = "--image-size" if image_size is not None else "--skeleton"
        why = "has a picture size of its own" if image_size is not None else "gets the skeleton of its detector"
        raise InputError(f"{path}: is a {footage_kind(path)}, which {why}: leave out {option}")


def sniff(path: str | Path, *, skeleton: Skeleton | str | None = None) -> FormatGuess:
    """What a file or folder of keypoints is (footage is none). The whole of it is read, so that a broken file shows.

    Raises:
        InputError: as :func:`read_keypoints`.
    """
    clips, name, why, n_files = _clips(path, skeleton)
    clip = clips[0]
    return FormatGuess(
        format=name,
        why=why,
        skeleton=clip.skeleton,
        skeleton_why=clip.skeleton_why,
        n_files=n_files,
        n_frames=max(c.detections.n_frames for c in clips),
        first_frame=clip.first_frame,
        unit=clip.unit,
        fps=clip.fps,
        image_size=clip.image_size,
    )


def _clips(path: str | Path, skeleton: Skeleton | str | None) -> tuple[list[Clip], str, str, int]:
    """``(clips, name of the format, why, number of files)``."""
    found = identify(Path(path))
    return found.read(given_skeleton(skeleton)), found.format, found.why, found.n_files


def _checked_size(image_size: tuple[int, int] | None) -> tuple[int, int] | None:
    if image_size is None:
        return None
    width, height = image_size
    if not (0 < width <= _LARGEST_SIDE_PX and 0 < height <= _LARGEST_SIDE_PX):
        raise InputError(
            f"image size is {width} x {height}; expected width and height in pixels, from 1 to {_LARGEST_SIDE_PX}"
        )
    return int(width), int(height)

"""``read_keypoints``: any file or folder of 2D keypoints -> the people in it."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from maquette.errors import InputError
from maquette.frozen_arrays import exact_fps
from maquette.keypoints import Keypoints
from maquette.readers.assemble import assemble
from maquette.readers.clip import Clip
from maquette.readers.identify import identify
from maquette.readers.skeleton_choice import given_skeleton
from maquette.skeleton import Skeleton

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
) -> list[Keypoints]:
    """The people in a file or folder of 2D keypoints, the most prominent (largest and longest seen) first.

    The format is told by the content. All people of a clip have the frames of the whole clip; a frame without
    somebody is missing data (NaN, confidence 0). Everything assumed stands in ``notes``.

    Args:
        path: OpenPose JSON folder or file, tf-pose or Keras lists, COCO results or annotations, AlphaPose, MMPose,
            MediaPipe landmarks, VideoPose3D ``.npz``, Sports2D pixel ``.trc``, DeepLabCut ``.csv``, YOLO-pose labels,
            or Maquette's own ``.npz``.
        fps: frames per second (``30``, ``29.97``, ``"30000/1001"``); None takes the file's, or assumes 30 with a note.
        image_size: ``(width, height)`` in pixels; None takes the file's.
        skeleton: a skeleton or its name, when the file cannot tell or tells wrongly.

    Raises:
        InputError: nothing there, not readable, no keypoints, or an option that does not fit.
        NoPersonError: keypoints, but of nobody.
    """
    exact = None if fps is None else exact_fps(fps)
    size = _checked_size(image_size)
    clips, _, _, _ = _clips(path, skeleton)
    return [person for clip in clips for person in assemble(clip, exact, size)]


def sniff(path: str | Path, *, skeleton: Skeleton | str | None = None) -> FormatGuess:
    """What a file or folder of keypoints is. The whole of it is read, so that a broken file shows.

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

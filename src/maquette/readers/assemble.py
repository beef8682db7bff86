"""From a clip as the file tells it to one :class:`Keypoints` for each person, every assumption noted."""

from fractions import Fraction

import numpy as np

from maquette.errors import InputError, NoPersonError
from maquette.keypoints import Keypoints
from maquette.readers.clip import Clip
from maquette.readers.keypoint_arrays import to_pixels
from maquette.track import Detections, Track, track_people

ASSUMED_FPS = Fraction(30)


def assemble(clip: Clip, fps: Fraction | None, image_size: tuple[int, int] | None) -> list[Keypoints]:
    """People of one clip, the most prominent first, all with the frames of the whole clip.

    Args:
        clip: what the reader found.
        fps: as the user gave it; None to take the file's, or to assume 30.
        image_size: as the user gave it; None to take the file's.

    Raises:
        InputError: coordinates are fractions of the picture and nobody knows its size.
        NoPersonError: all confidences are zero.
    """
    notes = [*clip.notes]
    size = image_size or clip.image_size
    detections = _in_pixels(clip, size, notes)
    used_fps = fps or clip.fps or ASSUMED_FPS
    if fps is None and clip.fps is None:
        notes.append(f"fps {ASSUMED_FPS} assumed: the files do not say")
    if size is None and not clip.is_own:
        notes.append("the picture's size is unknown: the files do not say")
    if clip.first_frame:
        notes.append(f"frame 0 is number {clip.first_frame} in the files")
    seen = np.any(detections.observed, axis=1)
    if not seen.any():
        raise NoPersonError(f"{clip.source}: nobody is in it: all confidences are zero or all points missing")
    if clip.one_person:
        tracks = [Track(np.arange(len(detections.frame)), 0)]
    else:
        if not seen.all():
            detections = _rows(detections, seen)
        tracks, tracked = track_people(detections, float(used_fps))
        notes += tracked
    timestamps_s = None if fps is not None and clip.fps != fps else clip.timestamps_s
    people = []
    for track in tracks:
        points, confidence = _whole_clip(detections, track)
        people.append(
            Keypoints(
                points=points,
                confidence=confidence,
                skeleton=clip.skeleton,
                fps=used_fps,
                image_size=size,
                timestamps_s=timestamps_s,
                person_id=clip.person_id if clip.is_own else track.person_id,
                source=clip.source,
                notes=tuple(notes),
            )
        )
    return people


def _in_pixels(clip: Clip, size: tuple[int, int] | None, notes: list[str]) -> Detections:
    if clip.unit == "px":
        return clip.detections
    if size is None:
        raise InputError(
            f"{clip.source}: coordinates are fractions of the picture ({clip.unit}), and the files do not say how "
            "large it is; give --image-size WIDTHxHEIGHT (in Python: image_size=(width, height))"
        )
    notes.append(f"coordinates were read as fractions of the picture ({clip.unit}) of {size[0]} x {size[1]} pixels")
    d = clip.detections
    return Detections(d.frame, to_pixels(d.points, clip.unit, size), d.confidence, d.person_id, d.n_frames)


def _rows(detections: Detections, keep: np.ndarray) -> Detections:
    d = detections
    return Detections(d.frame[keep], d.points[keep], d.confidence[keep], d.person_id[keep], d.n_frames)


def _whole_clip(detections: Detections, track: Track) -> tuple[np.ndarray, np.ndarray]:
    """Points and confidence of one track over all frames of the clip."""
    frame = detections.frame[track.rows]
    if len(frame) == detections.n_frames == len(detections.frame):
        return detections.points, detections.confidence
    n_joints = detections.points.shape[1]
    points = np.full((detections.n_frames, n_joints, 2), np.nan)
    confidence = np.zeros((detections.n_frames, n_joints))
    points[frame] = detections.points[track.rows]
    confidence[frame] = detections.confidence[track.rows]
    return points, confidence

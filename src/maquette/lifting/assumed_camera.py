"""The camera that a track is read with, when nobody says: picture size and focal length, each with a note."""

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.geometry.camera import Camera, assumed_focal_px
from maquette.keypoints import Keypoints

COMMON_SIZES = ((640, 480), (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160), (7680, 4320))
"""Usual video sizes (width, height); each is also tried upright."""

FOCAL_FACTOR = 1.15
"""Assumed focal length over the longer side of the picture: 47 degrees across, between a phone's main camera (about
0.75-0.85) and a standard lens on a small sensor."""


def assumed_image_size(*people: Keypoints) -> tuple[int, int]:
    """The smallest usual video size that contains (nearly) all points of the people in one picture.

    Raises:
        InputError: no point is observed, or no usual size is large enough.
    """
    points = np.concatenate([keypoints.points[keypoints.observed] for keypoints in people])
    source = people[0].source
    if not len(points):
        raise InputError(f"{source}: no keypoint is observed, so there is nothing to lift")
    # A detector may place a few points outside the picture: the highest 0.5 % do not decide.
    reach = np.percentile(points, 99.5, axis=0)
    size = smallest_size(reach)
    if size is not None:
        return size
    raise InputError(
        f"{source}: points reach x = {reach[0]:.0f}, y = {reach[1]:.0f} px, beyond any usual picture; "
        "give the picture's size (--image-size WxH)"
    )


def smallest_size(reach_px: Float[np.ndarray, "2"]) -> tuple[int, int] | None:
    """The smallest usual video size that reaches so far; None when none does."""
    upright = tuple((h, w) for w, h in COMMON_SIZES)
    for size in sorted(COMMON_SIZES + upright, key=lambda s: (max(s), s[0] < s[1])):
        if (reach_px <= size).all():
            return size
    return None


def with_common_size(people: list[Keypoints]) -> list[Keypoints]:
    """The people of one clip with one picture size: where nobody says, the one assumed from all of them together.

    Assumed for each alone, somebody at the left edge would be seen by another camera than somebody at the right.

    Raises:
        InputError: see :func:`assumed_image_size`.
    """
    if len(people) < 2 or any(keypoints.image_size is not None for keypoints in people):
        return people
    width, height = assumed_image_size(*people)
    note = f"picture size {width}x{height} assumed: the smallest usual one that contains the points of everybody"
    return [keypoints.with_notes(note, image_size=(width, height)) for keypoints in people]


def camera_for(keypoints: Keypoints, *, focal_px: float | None = None) -> tuple[Camera, tuple[str, ...]]:
    """``(camera, notes)``: a camera at the origin that looks along z, principal point in the middle of the picture.

    Args:
        keypoints: their ``image_size`` is used when known, else assumed (:func:`assumed_image_size`).
        focal_px: focal length in pixels of that picture; assumed as 1.15 times its longer side when None.

    Raises:
        InputError: no lens has such a focal length, or the size can be neither known nor assumed.
    """
    notes = []
    size = keypoints.image_size
    if size is None:
        size = assumed_image_size(keypoints)
        notes.append(f"picture size {size[0]}x{size[1]} assumed: the smallest usual one that contains the points")
    if focal_px is None:
        focal = assumed_focal_px(size, FOCAL_FACTOR)
        notes.append(f"focal length {focal:.0f} px assumed ({FOCAL_FACTOR} x the longer side of the picture)")
    return camera_of_size(size, focal_px), tuple(notes)


def camera_of_size(size: tuple[int, int], focal_px: float | int | None = None) -> Camera:
    """The same for a picture of known ``(width, height)``.

    Raises:
        InputError: no lens has such a focal length.
    """
    if focal_px is None:
        focal_px = assumed_focal_px(size, FOCAL_FACTOR)
    elif not 0.1 <= focal_px / max(size) <= 100:
        raise InputError(
            f"focal length is {focal_px:g} px for a picture of {size[0]}x{size[1]}, expected 0.1 to 100 times its "
            "longer side (--focal-px; leave it out if you do not know it)"
        )
    centre = (size[0] / 2, size[1] / 2)
    return Camera(focal_px=(float(focal_px), float(focal_px)), centre_px=centre, image_size=size)

"""Where in a picture to look for people, and what one pose has to do with another."""

import math

import numpy as np
from jaxtyping import Bool, Float

from maquette.detect.mediapipe_landmarker import Poses, Window

# Squares of the shorter side of the picture and of half of it.
_LEVELS = (1, 2)
# Less than this many pixels a side there is nothing to see.
_LEAST_PX = 32
# Two poses are one person's where half of the joints are within this part of their extent.
_SAME = 0.15


def search_windows(width: int, height: int) -> list[Window]:
    """The whole picture, then overlapping squares that cover it, large ones first.

    The detector shrinks what it is shown to 224 x 224 with black borders, and finds nobody who is small in there; in
    one of the squares somebody of a fifth of the picture's height is tall enough.
    """
    windows = [(0, 0, width, height)]
    for level in _LEVELS:
        side = min(width, height) // level
        if side < _LEAST_PX:
            break
        for top in _places(height, side):
            for left in _places(width, side):
                window = (left, top, left + side, top + side)
                if window not in windows:
                    windows.append(window)
    return windows


def window_around(centre: Float[np.ndarray, " 2"], side: float, width: int, height: int) -> Window:
    """A square around a point, moved into the picture and cut where the picture is smaller."""
    size = (max(min(round(side), width), 1), max(min(round(side), height), 1))
    left = int(np.clip(round(centre[0] - size[0] / 2), 0, width - size[0]))
    top = int(np.clip(round(centre[1] - size[1] / 2), 0, height - size[1]))
    return left, top, left + size[0], top + size[1]


def extents(poses: Poses) -> tuple[Float[np.ndarray, "people 2"], Float[np.ndarray, " people"]]:
    """Middle of the box around all joints, and its longer side."""
    low, high = poses[..., :2].min(1), poses[..., :2].max(1)
    return (low + high) / 2, np.maximum((high - low).max(1), 1.0)


def same_person(pose: Float[np.ndarray, "joints 3"], others: Poses) -> Bool[np.ndarray, " others"]:
    """Which of the others are where this one is."""
    everyone = np.concatenate([pose[None], others])
    _, size = extents(everyone)
    apart = np.median(np.linalg.norm(others[..., :2] - pose[:, :2], axis=-1), axis=1)
    return apart < _SAME * np.maximum(size[1:], size[0])


def prominence(poses: Poses, window: Window) -> Float[np.ndarray, " people"]:
    """How large and sure: extent in pixels times the mean confidence of joints inside the window, those outside being
    guesses at what it cuts off."""
    left, top, right, bottom = window
    x, y, confidence = poses[..., 0], poses[..., 1], poses[..., 2]
    inside = (x > left) & (x < right) & (y > top) & (y < bottom)
    return extents(poses)[1] * (confidence * inside).mean(1)


def _places(length: int, side: int) -> list[int]:
    """Begins of windows that overlap by half or more."""
    count = math.ceil((length - side) / (side / 2)) + 1
    return [round(k * (length - side) / max(count - 1, 1)) for k in range(count)]

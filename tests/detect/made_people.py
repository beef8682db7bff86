"""Made-up footage of people who are spots, one colour for each joint, and a detector that sees them."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numbered_footage import write_numbered
from PIL import Image

from maquette.detect.detector import Seen
from maquette.skeletons import COCO_17

SIZE = (320, 240)
RADIUS_PX = 3
_STEP = 12
"""Of the red of one joint and the next."""
_GREENS = (40, 120, 200)
"""Of the first, second and third person."""

FIGURE = np.array(
    [(0, -0.42), (0.03, -0.45), (-0.03, -0.45), (0.06, -0.43), (-0.06, -0.43), (0.13, -0.27), (-0.13, -0.27),
     (0.2, -0.1), (-0.2, -0.1), (0.24, 0.05), (-0.24, 0.05), (0.09, 0.02), (-0.09, 0.02), (0.1, 0.27), (-0.1, 0.27),
     (0.11, 0.5), (-0.11, 0.5)]
)  # fmt: skip
"""(17, 2): somebody seen from the front, left joints at the right, in heights."""


def walking(times_s: np.ndarray, start: Sequence[float] = (80, 120), speed_px_s: float = 60, height: float = 180):
    """(frames, 17, 2): the figure glides along, and its arms swing."""
    points = np.array(start) + np.stack((speed_px_s * times_s, 0 * times_s), -1)[:, None] + height * FIGURE
    swing = 12 * np.sin(2 * np.pi * 0.8 * times_s)
    points[:, [7, 9, 13, 15], 0] += swing[:, None]
    points[:, [8, 10, 14, 16], 0] -= swing[:, None]
    return points


def drawn(people: Sequence[np.ndarray], size: tuple[int, int] = SIZE) -> np.ndarray:
    """A picture of people, (17, 2) each; NaN is left out."""
    width, height = size
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    rows, columns = np.mgrid[:height, :width] + 0.5
    for green, person in zip(_GREENS, people, strict=False):
        for joint, (x, y) in enumerate(person):
            if np.isfinite(x):
                picture[(columns - x) ** 2 + (rows - y) ** 2 <= RADIUS_PX**2] = (255 - _STEP * joint, green, 255)
    return picture


def write_people(
    path: Path,
    people: Sequence[np.ndarray],
    fps: Fraction | int = 30,
    *,
    stamps: Sequence[int] | None = None,
    **options,
) -> Path:
    """A lossless video of people, (frames, 17, 2) each."""

    def picture(number: int, width: int, height: int) -> np.ndarray:
        return drawn([person[number] for person in people], (width, height))

    usual = {"codec": "ffv1", "pixels": "bgr0", "options": {}, "size": SIZE}
    return write_numbered(path, len(people[0]), fps, stamps=stamps, picture=picture, **{**usual, **options})


def write_folder(folder: Path, people: Sequence[np.ndarray], name: str = "{}.png") -> Path:
    folder.mkdir()
    for number in range(len(people[0])):
        Image.fromarray(drawn([person[number] for person in people])).save(folder / name.format(number))
    return folder


class SpotDetector:
    """Sees the middles of spots, with a confidence of 0.8."""

    name = "spots"
    skeleton = COCO_17

    def __init__(self, *, with_depth: bool = False) -> None:
        self.times_s: list[float] = []
        """Of the pictures seen since the last reset."""
        self.resets = self.closes = 0
        self.with_depth = with_depth

    def __call__(self, picture: np.ndarray, time_s: float) -> Seen:
        assert not self.times_s or time_s > self.times_s[-1]
        self.times_s.append(time_s)
        found = []
        for green in _GREENS:
            mine = (picture[..., 1] == green) & (picture[..., 2] == 255)
            points = np.full((17, 2), np.nan)
            for joint in range(17):
                rows, columns = np.nonzero(mine & (picture[..., 0] == 255 - _STEP * joint))
                if len(rows):
                    points[joint] = columns.mean() + 0.5, rows.mean() + 0.5
            if np.isfinite(points).any():
                found.append(points)
        if not found:
            return Seen.nobody(self.skeleton)
        points = np.array(found)
        depth_px = points[..., 0] / 10 if self.with_depth else None
        return Seen(points, np.where(np.isfinite(points[..., 0]), 0.8, 0.0), depth_px)

    def reset(self) -> None:
        self.resets += 1
        self.times_s = []

    def close(self) -> None:
        self.closes += 1

"""People in drawn pictures, of which everything is known: spots at joints, a colour for each joint."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from maquette.datasets.picture_people import PicturePerson
from maquette.datasets.sequences import Label

SIZE = (240, 200)
POSE = np.array(
    [
        *((-0.09, 0.85, 0.05), (-0.1, 0.43, -0.03), (-0.11, 0.0, 0.02), (0.11, 0.0, -0.02), (0.14, 0.42, -0.1)),
        *((0.12, 0.84, 0.1), (0.0, 0.0, 0.0), (0.0, -0.25, 0.03), (0.0, -0.5, 0.05), (0.02, -0.75, 0.02)),
        *((-0.4, 0.02, -0.2), (-0.3, -0.2, 0.0), (-0.17, -0.45, 0.06), (0.17, -0.45, 0.04), (0.35, -0.25, -0.1)),
        (0.3, -0.05, -0.3),
    ]
)
"""Joints of mpii-16, metres from the pelvis: x right in the picture, y down, z away. The thorax is a spine."""


def colour(joint: int) -> np.ndarray:
    return np.array([60 + 12 * joint, 250 - 12 * joint, 40 + 60 * (joint % 4)], dtype=float)


def drawn(points_px: np.ndarray, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A spot of its colour at each joint."""
    x, y = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    picture = np.full((size[1], size[0], 3), 20.0)
    for joint, (a, b) in enumerate(points_px):
        spot = np.exp(-((x - a) ** 2 + (y - b) ** 2) / 2 / 2**2)[..., None]
        picture = picture * (1 - spot) + colour(joint) * spot
    return np.round(picture).astype(np.uint8)


@dataclass(frozen=True)
class MadePeople:
    """``n`` people, turned about the vertical one by one; without 3D those whose number ``depth`` says so of."""

    n: int = 6
    with_depth: bool = True
    name: str = "made people"
    count_from_px: float = 0.0

    def __len__(self) -> int:
        return self.n

    def person(self, index: int) -> PicturePerson:
        angle = 0.4 * index
        turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
        camera_m = POSE @ turn.T + np.array([0.1, 0.05, 6.0])
        # A lens so long that its perspective is weak.
        points = 100 * (camera_m[:, :2] - camera_m[6, :2]) + np.array([118.0 + index, 96.0])
        return PicturePerson(
            picture=partial(drawn, points),
            name=f"{index}.png",
            centre_px=np.array([120.0, 100.0]),
            side_px=190.0,
            points_px=points,
            visible=np.ones(16, dtype=bool),
            camera_mm=1000 * camera_m if self.with_depth else None,
            label=Label("S1", "Made 1", "0"),
            count_from_px=self.count_from_px,
        )

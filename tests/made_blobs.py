"""Made-up people in pictures for trainings: a coloured disc at each joint, on grey; prepared as Maquette does it."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from maquette.datasets.picture_table import PictureTable, made_table
from maquette.datasets.sequences import Label

SIDE = 48
_STANDING = np.array(
    [
        *((-0.1, 0.8), (-0.1, 0.4), (-0.1, 0.0), (0.1, 0.0), (0.1, 0.4), (0.1, 0.8), (0.0, 0.0), (0.0, -0.25)),
        *((0.0, -0.5), (0.0, -0.75), (-0.35, 0.05), (-0.3, -0.2), (-0.2, -0.45), (0.2, -0.45), (0.3, -0.2)),
        (0.35, 0.05),
    ]
)
"""mpii-16, metres, y down, from the front."""


def write_blobs(
    folder: Path, *, with_3d: int, only_2d: int = 0, tests: int = 4, seed: int = 0, name: str = "blobs"
) -> Path:
    """A prepared folder: so many people with 3D and without to train on, and as many of each as ``tests`` says to
    validate on. One joint of every third person without 3D is not annotated."""
    rng = np.random.default_rng(seed)
    counts = [
        (True, 0, with_3d),
        (False, 0, only_2d),
        (True, 1, tests * bool(with_3d)),
        (False, 1, tests * bool(only_2d)),
    ]
    rows = [(has_3d, split) for has_3d, split, count in counts for _ in range(count)]
    names, points, camera = [], [], []
    (folder / "seen").mkdir(parents=True)
    for i, (has_3d, _) in enumerate(rows):
        pose = np.concatenate([_STANDING, rng.normal(scale=0.15, size=(16, 1))], axis=1)
        pose[:, :2] += rng.normal(scale=0.03, size=(16, 2))
        places = SIDE / 2 + pose[:, :2] * SIDE * 0.42 + rng.uniform(-2, 2, 2)
        names.append(f"seen/{i:04d}.png")
        picture(places).save(folder / names[-1])
        if not has_3d and i % 3 == 0:
            places[i % 16] = np.nan
        points.append(places)
        camera.append(1000 * pose + [0, 0, 4000] if has_3d else np.full((16, 3), np.nan))
    table: PictureTable = made_table(
        name,
        folder,
        names,
        [Label("S1", "Standing", "")] * len(rows),
        split=np.array([split for _, split in rows]),
        centre_px=np.full((len(rows), 2), SIDE / 2),
        side_px=np.full(len(rows), SIDE),
        points_px=np.array(points),
        camera_mm=np.array(camera),
    )
    table.write(folder)
    return folder


def picture(places: np.ndarray) -> Image.Image:
    """Somebody whose joints are at ``places``."""
    image = Image.new("RGB", (SIDE, SIDE), (90, 90, 90))
    draw = ImageDraw.Draw(image)
    for joint, (x, y) in enumerate(places):
        colour = (40 + 13 * joint, 255 * (joint % 2), 255 - 15 * joint)
        draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour)
    return image

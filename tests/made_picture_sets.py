"""Prepared people in pictures for tests: figures of coloured spots (``made_picture_network``), with the 3D that the
made-up network says, so that errors are what a test wants them to be."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from made_picture_network import DEPTHS, spotted, standing
from PIL import Image

from maquette.datasets.mpii_people import Person, gathered
from maquette.datasets.picture_table import PictureTable, made_table
from maquette.datasets.sequences import Label
from maquette.lifting.weak_perspective import skeleton_lengths
from maquette.skeletons import MPII_16

SIDE = 320
"""Of the pictures, and of the crops."""
PELVIS, THORAX, NECK = MPII_16.indices(("pelvis", "thorax", "upper_neck"))
MM_PER_PX = 6.0


def postures(count: int) -> np.ndarray:
    """(count, 16, 2): somebody in the middle of the picture, arms and legs a bit elsewhere each time."""
    rng = np.random.default_rng(5)
    points = np.stack([standing((SIDE / 2, SIDE / 2), 250)] * count)
    limbs = [i for i, name in enumerate(MPII_16.joints) if name.split("_")[-1] in ("knee", "ankle", "elbow", "wrist")]
    points[:, limbs] += rng.uniform(-8, 8, (count, len(limbs), 2))
    return points


def in_space(points_px: np.ndarray, *, thorax_between: bool = True) -> np.ndarray:
    """(people, 16, 3): what the network says, in mm in front of a camera, when its skeleton has the right length."""
    depth_px = np.broadcast_to(DEPTHS * SIDE / 2, points_px.shape[:2])
    poses = np.concatenate([points_px - SIDE / 2, depth_px[..., None]], axis=-1) * MM_PER_PX
    if thorax_between:
        poses[:, THORAX] = (poses[:, PELVIS] + poses[:, NECK]) / 2
    return poses + [0, 0, 5000]


def length_mm(camera_mm: np.ndarray) -> float:
    """Mean length of the 14 bones."""
    return float(skeleton_lengths(camera_mm).mean())


def write_table(
    folder: Path,
    name: str,
    labels: Sequence[tuple[str, str]],
    split: Sequence[int],
    camera_mm: np.ndarray | None = None,
) -> PictureTable:
    """A prepared table of as many people as labels (subject, action), one picture each, frames 0, 5, 10 and so on."""
    points = postures(len(labels))
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    names = [f"{i:03d}.png" for i in range(len(labels))]
    for file, person in zip(names, points, strict=True):
        Image.fromarray(spotted(person, (SIDE, SIDE), radius_px=7)).save(pictures / file)
    table = made_table(
        name,
        pictures,
        names,
        [Label(subject, action, "1") for subject, action in labels],
        split=np.array(split),
        frame=5 * np.arange(len(labels)),
        centre_px=np.full((len(labels), 2), SIDE / 2),
        side_px=np.full(len(labels), SIDE),
        points_px=points,
        camera_mm=in_space(points) if camera_mm is None else camera_mm,
        notes=("made for tests",),
    )
    table.write(folder)
    return table


def write_mpii(folder: Path, offsets_px: np.ndarray, head_px: Sequence[float]) -> None:
    """A prepared MPII, everybody for validation: annotations lie ``offsets_px`` (people, 16, 2) from the spots, NaN
    where a joint is not annotated."""
    points = postures(len(offsets_px))
    (folder / "images").mkdir(parents=True)
    people = []
    for i, person in enumerate(points):
        Image.fromarray(spotted(person, (SIDE, SIDE), radius_px=7)).save(folder / "images" / f"{i}.png")
        annotated = person + offsets_px[i] + 0.5  # MPII counts from 1, at the middles of pixels
        scale = SIDE / 200 / 1.25
        people.append(
            Person(
                image=f"{i}.png",
                points_px=annotated,
                visible=np.isfinite(annotated).all(axis=1),
                centre_px=(SIDE / 2 + 0.5, SIDE / 2 + 0.5 - 15 * scale),
                scale=scale,
                head_px=head_px[i],
                number=0,
                split="val",
                single=True,
            )
        )
    made = gathered(people, {}, source="json", folder=str(folder / "images"), notes=())
    made.write(folder)

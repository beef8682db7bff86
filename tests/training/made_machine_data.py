"""Made-up data for the pose machine: a store of two subjects, pictures of its frames, and a list of still pictures."""

from pathlib import Path
from typing import Any

import numpy as np
from made_store import write_store
from PIL import Image

from maquette.datasets.mpii_people import Person, gathered
from maquette.datasets.pose_machine_lists import write_list
from maquette.datasets.pose_machine_store import rows_from_store
from maquette.datasets.store import open_store

PAIRS: dict[str, Any] = {
    "subjects_train": ("S9",),
    "subjects_test": ("S11",),
    "every": 1,
    "width": 16,
    "stage_steps": (1, 6, 6, 6, 6),
    "log_steps": 2,
    "validate_frames": 20,
}
"""Small."""
FILMED: dict[str, Any] = PAIRS | {
    "subjects_test": (),
    "actions": ("Photo",),
    "every": 5,
    "image_size": 56,
    "sequence_frames": 2,
    "batch_size": 2,
    "stills": 2,
}
"""Smaller, for those frames that have pictures."""


def write_filmed_store(path: Path) -> Path:
    """A store, with pictures of the action Photo beside its arrays: noise, every fifth frame."""
    write_store(path)
    rows = rows_from_store(open_store(path), subjects=("S9",), actions=["Photo"], every=5)
    assert rows.pictures is not None
    rng = np.random.default_rng(0)
    for row in range(len(rows)):
        picture = path / rows.pictures[row]
        picture.parent.mkdir(parents=True, exist_ok=True)
        noise = Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8))
        noise.resize((1000, 1002)).save(picture, quality=30)
    return path


def write_lists(folder: Path, store: Path, *, every: int = 1) -> Path:
    """The original program's lists of the same rows as in a store."""
    folder.mkdir()
    for part, subject in (("train", "S9"), ("test", "S11")):
        rows = rows_from_store(open_store(store), subjects=(subject,), every=every)
        write_list(folder / f"16skel_{part}_2d3d_clip.txt", rows)
    return folder


def write_people(folder: Path, pictures: Path, count: int = 8) -> Path:
    """What ``maquette prepare mpii`` makes: people in large pictures, the last two set aside; one joint is missing."""
    folder.mkdir()
    rng = np.random.default_rng(4)
    people = []
    for i in range(count):
        Image.fromarray(rng.integers(0, 255, (90, 120, 3), dtype=np.uint8)).save(pictures / f"person{i}.jpg")
        points = rng.uniform(10, 80, (16, 2))
        points[0] = np.nan
        split = "val" if i >= count - 2 else "train"
        people.append(Person(f"person{i}.jpg", points, np.isfinite(points[:, 0]), split=split))
    gathered(people, {}, source="json", folder=str(pictures), notes=()).write(folder)
    return folder


def write_stills(folder: Path, count: int = 7) -> Path:
    """The original program's list of still pictures: a name, 16 points, and the mark that nothing goes on. The spine is
    missing in all, the left wrist in every other one."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    lines = []
    for i in range(count):
        points = rng.uniform(0.2, 0.8, (16, 2))
        points[7] = 0
        if i % 2:
            points[12] = 0
        lines.append(f"still {i}.png " + ",".join(f"{v:.6f}" for v in [*points.ravel(), 0]))
        Image.fromarray(rng.integers(0, 255, (50, 50, 3), dtype=np.uint8)).save(folder / f"still {i}.png")
    (folder / "train_h36m.txt").write_text("\n".join(lines) + "\n")
    return folder

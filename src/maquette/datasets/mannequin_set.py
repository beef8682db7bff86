"""Pictures of mannequins on disk: ``mannequin.json`` (what they are), ``mannequin.npz`` (arrays), ``pictures``."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from jaxtyping import Bool, Float64, Int, Int32

from maquette.atomic import write_bytes
from maquette.datasets.picture_people import PicturePerson, picture_reader
from maquette.datasets.prepared_folder import Listing, read_listing
from maquette.datasets.sequences import Label
from maquette.errors import InputError
from maquette.formats.npz import read_array
from maquette.skeletons import MPII_16

SCHEMA = "maquette mannequin 1"
LISTING, ARRAYS = "mannequin.json", "mannequin.npz"
SPLITS = ("train", "val", "test")
SIDE = 1.3
"""Side of the square around the person, in the larger extent of the joints."""
_SHAPES = {"split": ("i", ()), "number": ("i", ()), "studio": ("b", ()), "points_px": ("f", (16, 2))}
_SHAPES |= {"camera_mm": ("f", (16, 3))}


class MannequinFacts(Listing, frozen=True, kw_only=True):
    """What was drawn."""

    schema: str = SCHEMA
    size: int
    """Side of a picture in pixels."""
    seed: int
    motion_capture: str


@dataclass(frozen=True, eq=False)
class DrawnPeople:
    """People whose pictures are written, in their order."""

    split: str
    points_px: Float64[np.ndarray, "people 16 2"]
    camera_mm: Float64[np.ndarray, "people 16 3"]
    studio: Bool[np.ndarray, " people"]


@dataclass(frozen=True, eq=False)
class MannequinSet:
    """People in pictures; a :class:`~maquette.datasets.picture_people.PicturePeople`.

    All of them have their 3D; a training with labels in the studio alone hides the others'
    (:class:`~maquette.datasets.picture_people.WithoutDepth`).
    """

    folder: Path
    facts: MannequinFacts
    split: Int32[np.ndarray, " people"]
    """Which of :data:`SPLITS`."""
    number: Int32[np.ndarray, " people"]
    """Of the picture within its split."""
    studio: Bool[np.ndarray, " people"]
    """In the studio, else anywhere."""
    points_px: Float64[np.ndarray, "people 16 2"]
    camera_mm: Float64[np.ndarray, "people 16 3"]

    @property
    def name(self) -> str:
        return f"mannequins ({self.folder.name})"

    def __len__(self) -> int:
        return len(self.split)

    def people(self, split: str, *, studio: bool | None = None) -> Int[np.ndarray, " chosen"]:
        """Numbers of the people of a split, in the studio or not, or all.

        Raises:
            InputError: no such split.
        """
        if split not in SPLITS:
            raise InputError(f"no split {split}; there are: {', '.join(SPLITS)}")
        chosen = self.split == SPLITS.index(split)
        if studio is not None:
            chosen = chosen & (self.studio == studio)
        return np.flatnonzero(chosen)

    def person(self, index: int) -> PicturePerson:
        points = self.points_px[index]
        low, high = points.min(0), points.max(0)
        name = picture_name(SPLITS[self.split[index]], int(self.number[index]))
        inside = ((points >= 0) & (points < self.facts.size)).all(axis=-1)
        return PicturePerson(
            picture=picture_reader(self.folder / name),
            name=name,
            centre_px=(low + high) / 2,
            side_px=SIDE * float((high - low).max()),
            points_px=points,
            visible=inside,
            camera_mm=self.camera_mm[index],
            label=Label("mannequin", "studio" if self.studio[index] else "anywhere", ""),
            head_px=0.6 * float(np.linalg.norm(points[_TOP] - points[_NECK])),
        )

    @classmethod
    def gathered(cls, folder: Path, drawn: Sequence[DrawnPeople], facts: MannequinFacts) -> "MannequinSet":
        """Of parts in the order of their pictures."""
        split = np.concatenate([np.full(len(part.studio), SPLITS.index(part.split)) for part in drawn])
        number = np.concatenate([np.arange(np.sum(split == i)) for i in range(len(SPLITS))])
        return cls(
            folder,
            facts,
            split.astype(np.int32),
            number.astype(np.int32),
            np.concatenate([part.studio for part in drawn]).astype(bool),
            np.concatenate([part.points_px for part in drawn]),
            np.concatenate([part.camera_mm for part in drawn]),
        )

    def write(self) -> None:
        """The arrays, then the listing, so that what is cut short cannot be opened.

        Raises:
            OutputError: it cannot be written.
        """
        archive = io.BytesIO()
        arrays: dict[str, Any] = {name: getattr(self, name) for name in _SHAPES}
        np.savez_compressed(archive, **arrays)
        write_bytes(self.folder / ARRAYS, archive.getvalue())
        write_bytes(self.folder / LISTING, msgspec.json.format(msgspec.json.encode(self.facts), indent=1) + b"\n")

    def summary(self) -> list[tuple[str, str]]:
        """What is in it, for people to read: lines of two parts."""
        rows = [("2D and 3D", f"{MPII_16}, {len(self):,} pictures of {self.facts.size} pixels")]
        for name in SPLITS:
            studio, anywhere = (len(self.people(name, studio=s)) for s in (True, False))
            rows.append((f"  {name}", f"{studio:,} in the studio, {anywhere:,} anywhere"))
        return rows


_TOP, _NECK = MPII_16.index("head_top"), MPII_16.index("upper_neck")


def picture_name(split: str, number: int) -> str:
    """Name of a picture within the folder of the set."""
    return f"pictures/{split}/{number // 1000:03d}/{number:06d}.jpg"


def is_mannequin(path: str | Path) -> bool:
    """Whether a folder was made by ``maquette prepare mannequin``."""
    return (Path(path) / LISTING).is_file()


def open_mannequin(path: str | Path) -> MannequinSet:
    """The set in the folder ``path``.

    Raises:
        InputError: there is none, or its files are damaged or contradict each other.
    """
    path = Path(path)
    missing = f"no mannequins (no {LISTING}); make some with: maquette prepare mannequin"
    facts = read_listing(path, LISTING, MannequinFacts, SCHEMA, missing)
    arrays = {name: read_array(path / ARRAYS, name, str(path / ARRAYS)) for name in _SHAPES}
    people = len(arrays["split"]) if arrays["split"].ndim else 0
    for name, (kind, rest) in _SHAPES.items():
        if arrays[name].dtype.kind != kind or arrays[name].shape != (people, *rest):
            raise InputError(f"{path / ARRAYS}: '{name}' is {arrays[name].dtype} of shape {arrays[name].shape}")
    if people and not (arrays["split"].min() >= 0 and arrays["split"].max() < len(SPLITS)):
        raise InputError(f"{path / ARRAYS}: 'split' beyond the {len(SPLITS)} there are")
    return MannequinSet(path, facts, **arrays)

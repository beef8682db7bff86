"""People in pictures with their joints: what trainings and evaluations of networks for pictures are made of.

A source (MPII, Human3.6M's pictures, MPI-INF-3DHP, rendered mannequins) is a :class:`PicturePeople`: it knows how many
people it has and gives them by number, reading pictures only when they are asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float64, Int, UInt8

from maquette.datasets.picture_files import opened_picture
from maquette.datasets.sequences import Label
from maquette.errors import InputError
from maquette.skeletons import H36M_17, MPII_16

JOINTS = len(MPII_16)
PELVIS, THORAX = MPII_16.index("pelvis"), MPII_16.index("thorax")
MIRRORED: tuple[int, ...] = tuple(
    {i: j for pair in MPII_16.mirror_pairs for i, j in (MPII_16.indices(pair), MPII_16.indices(pair)[::-1])}.get(n, n)
    for n in range(JOINTS)
)
"""Joint -> the joint that it is in a mirror."""
FROM_H36M_17: tuple[int, ...] = (3, 2, 1, 4, 5, 6, 0, 7, 8, 10, 16, 15, 14, 11, 12, 13)
"""MPII's joints as joints of Human3.6M-17. Its thorax is Human3.6M's SPINE here, which lies lower: what learns from
both puts it where MPII has it (``HourglassSampleSettings.thorax``)."""
assert len(H36M_17) == max(FROM_H36M_17) + 1


@dataclass(frozen=True, eq=False)
class PicturePerson:
    """One person in one picture. Pixels count from the upper left corner of the picture."""

    picture: Callable[[], UInt8[np.ndarray, "height width 3"]]
    """Reads the picture, RGB; raises InputError when it cannot."""
    name: str
    """Of the picture, as the source lists it."""
    centre_px: Float64[np.ndarray, "2"]
    """Middle of the square that networks are shown."""
    side_px: float
    """Its side."""
    points_px: Float64[np.ndarray, "16 2"]
    """mpii-16; NaN where a joint is not annotated."""
    visible: Bool[np.ndarray, " 16"]
    """Annotated and not hidden, as far as the source tells these apart."""
    camera_mm: Float64[np.ndarray, "16 3"] | None = None
    """Joints in the camera's frame (x right, y down, z forward), millimetres; None where only 2D is known."""
    label: Label = Label("", "", "")  # noqa: RUF009  (frozen)
    """Who, doing what, seen by which camera; empty where that is not known."""
    head_px: float = float("nan")
    """Head size of PCKh; NaN where it is not known."""
    count_from_px: float = 0.0
    """To be added to pixels to get the numbers of the source's files, which published crops are computed from: MPII
    counts from 1 at the middle of the first pixel, so there it is 0.5."""
    depth_px: Float64[np.ndarray, " 16"] | None = None
    """How far behind the pelvis joints are, in pixels of the picture, where the source says that itself; else it comes
    from ``camera_mm``."""

    @property
    def annotated(self) -> Bool[np.ndarray, " 16"]:
        """Joints that have a place in the picture."""
        return np.asarray(np.isfinite(self.points_px).all(axis=-1))


@runtime_checkable
class PicturePeople(Protocol):
    """People by number; may be sent to other processes."""

    @property
    def name(self) -> str: ...

    def __len__(self) -> int: ...

    def person(self, index: int) -> PicturePerson:
        """Somebody; the picture is not read yet."""
        ...


@dataclass(frozen=True, eq=False)
class ChosenPeople:
    """Some people of a source, in an order."""

    people: PicturePeople
    chosen: Int[np.ndarray, " n"]
    name: str = ""

    def __post_init__(self) -> None:
        if len(self.chosen) and not (0 <= self.chosen.min() and self.chosen.max() < len(self.people)):
            raise InputError(f"people {self.chosen.min()} to {self.chosen.max()} of the {len(self.people)} there are")
        if not self.name:
            object.__setattr__(self, "name", self.people.name)

    def __len__(self) -> int:
        return len(self.chosen)

    def person(self, index: int) -> PicturePerson:
        return self.people.person(int(self.chosen[index]))


@dataclass(frozen=True, eq=False)
class WithoutDepth:
    """The same people with their 3D hidden: what can be learnt from their 2D alone."""

    people: PicturePeople

    @property
    def name(self) -> str:
        return f"{self.people.name} (2D alone)"

    def __len__(self) -> int:
        return len(self.people)

    def person(self, index: int) -> PicturePerson:
        return replace(self.people.person(index), camera_mm=None, depth_px=None)


@dataclass(frozen=True, eq=False)
class JoinedPeople:
    """Several sources as one, one after the other."""

    parts: Sequence[PicturePeople]

    @property
    def name(self) -> str:
        return ", ".join(part.name for part in self.parts)

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def person(self, index: int) -> PicturePerson:
        for part in self.parts:
            if index < len(part):
                return part.person(index)
            index -= len(part)
        raise IndexError(index)


def picture_reader(path: str | Path) -> Callable[[], UInt8[np.ndarray, "height width 3"]]:
    """Reads ``path`` when called; may be sent to other processes."""
    return partial(read_picture, path)


def read_picture(path: str | Path) -> UInt8[np.ndarray, "height width 3"]:
    """A picture in RGB; grey ones and palettes become RGB, transparency is dropped. Not turned as an EXIF tag may ask:
    annotations are of the pixels as they are stored.

    Raises:
        InputError: no such file, no picture, a broken or a huge one.
    """
    with opened_picture(path) as picture:
        return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))

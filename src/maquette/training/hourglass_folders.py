"""Folders of people in pictures, as trainings of networks of pictures take them: a literal table of what they hold."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from maquette.datasets.mannequin_set import is_mannequin, open_mannequin
from maquette.datasets.mpii_set import is_mpii, open_mpii
from maquette.datasets.picture_mpii import mpii_people
from maquette.datasets.picture_people import ChosenPeople, JoinedPeople, PicturePeople, WithoutDepth
from maquette.datasets.picture_sources import moved
from maquette.datasets.picture_table import is_picture_table, open_picture_table
from maquette.errors import InputError


class FolderPeople(NamedTuple):
    """What a folder has for a training."""

    with_3d: PicturePeople | None = None
    """To train on."""
    only_2d: PicturePeople | None = None
    """To train on; nobody's 3D is told."""
    test_3d: PicturePeople | None = None
    """To validate on: like ``with_3d``."""
    test_2d: PicturePeople | None = None
    """To validate on: like ``only_2d``; where their 3D is known, it is measured."""

    def without_depth(self) -> "FolderPeople":
        """All of it for 2D alone."""
        train = [part for part in (self.with_3d, self.only_2d) if part is not None]
        test = [part for part in (self.test_3d, self.test_2d) if part is not None]
        return FolderPeople(only_2d=_joined([WithoutDepth(part) for part in train]), test_2d=_joined(test))


class Folder(NamedTuple):
    """One kind of folder."""

    what: str
    """For the message about a folder that is none of these."""
    is_one: Callable[[Path], bool]
    open: Callable[[Path, str], FolderPeople]
    """Takes the folder, and that of the pictures ("": not given)."""


def open_folder(path: Path, pictures: str = "") -> FolderPeople:
    """People in the folder ``path``.

    Args:
        pictures: folder of the pictures, where they are not where the annotations say.

    Raises:
        InputError: nothing that is known lies there, or it is damaged.
    """
    for folder in FOLDERS:
        if folder.is_one(path):
            return folder.open(path, pictures)
    problem = "holds no people in pictures" if path.is_dir() else "no such folder"
    raise InputError(f"{path}: {problem}; expected one {', '.join(folder.what for folder in FOLDERS)}")


def _joined(parts: Sequence[PicturePeople]) -> PicturePeople | None:
    return None if not parts else parts[0] if len(parts) == 1 else JoinedPeople(parts)


def _mannequins(path: Path, pictures: str) -> FolderPeople:
    """3D of those in the studio, 2D of those anywhere."""
    people = open_mannequin(path)

    def chosen(split: str, studio: bool) -> PicturePeople | None:
        place = "in the studio" if studio else "anywhere"
        return _some(people, people.people(split, studio=studio), f"{people.name}, {place}")

    anywhere = chosen("train", False)
    return FolderPeople(
        chosen("train", True),
        None if anywhere is None else WithoutDepth(anywhere),
        chosen("val", True),
        chosen("val", False),
    )


def _mpii(path: Path, pictures: str) -> FolderPeople:
    found, where = open_mpii(path), pictures or None
    validation = mpii_people(found, "val", folder=where) if len(found.people("val")) else None
    return FolderPeople(only_2d=mpii_people(found, "train", folder=where), test_2d=validation)


def _table(path: Path, pictures: str) -> FolderPeople:
    """Validated on the people set aside for it; where there are none, on those of the test."""
    table = open_picture_table(path)
    if pictures:
        table = moved(table, pictures)
    has_depth = table.has_depth
    train, held_out = table.people("train"), table.people("val")
    if not len(held_out):
        held_out = table.people("test")
    return FolderPeople(
        *(
            _some(table, rows[has_depth[rows] == wanted], table.name)
            for rows in (train, held_out)
            for wanted in (True, False)
        )
    )


def _some(people: PicturePeople, numbers: np.ndarray, name: str) -> PicturePeople | None:
    return ChosenPeople(people, numbers, name) if len(numbers) else None


FOLDERS: tuple[Folder, ...] = (
    Folder("of maquette prepare mpii", is_mpii, _mpii),
    Folder("h36m-pictures, mpi-inf-3dhp-pictures", is_picture_table, _table),
    Folder("mannequin", is_mannequin, _mannequins),
)

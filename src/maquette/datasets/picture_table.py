"""People in pictures as arrays: what Human3.6M's and MPI-INF-3DHP's pictures, and MPII, are brought into.

A prepared folder holds ``pictures.json`` (what it is) and ``pictures.npz`` (plain arrays); the pictures stay where they
were.
"""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from jaxtyping import Bool, Float32, Int, Int32

from maquette.atomic import write_bytes
from maquette.datasets.picture_people import PicturePerson, picture_reader
from maquette.datasets.prepared_folder import Listing, read_listing
from maquette.datasets.sequences import Label
from maquette.errors import InputError, OutputError
from maquette.formats.npz import read_array, write_arrays
from maquette.frozen_arrays import frozen

SCHEMA = "maquette pictures 1"
LISTING, ARRAYS = "pictures.json", "pictures.npz"
SPLITS = ("train", "val", "test")
_MOST = 1e7
"""Pixels or millimetres beyond which no picture goes."""
_SHAPES: dict[str, tuple[str, tuple[int, ...]]] = {
    "pictures": ("U", ()),
    **dict.fromkeys(("split", "frame", "label_of"), ("i", ())),
    **dict.fromkeys(("side_px", "head_px"), ("f", ())),
    "centre_px": ("f", (2,)),
    "points_px": ("f", (16, 2)),
    "visible": ("b", (16,)),
    "camera_mm": ("f", (16, 3)),
    "depth_px": ("f", (16,)),
}


class _Facts(Listing, frozen=True, kw_only=True):
    name: str
    folder: str
    count_from_px: float
    labels: list[tuple[str, str, str]]
    notes: list[str]


@dataclass(frozen=True, eq=False)
class PictureTable:
    """People in pictures, a :class:`~maquette.datasets.picture_people.PicturePeople`. Arrays are read-only; what each
    column means stands at :class:`~maquette.datasets.picture_people.PicturePerson`.

    Raises:
        InputError: the parts do not fit together.
    """

    name: str
    folder: str
    """Folder of the pictures."""
    pictures: tuple[str, ...]
    """Of each person, within the folder."""
    split: Int32[np.ndarray, " people"]
    """Which of :data:`SPLITS`."""
    frame: Int32[np.ndarray, " people"]
    """Of the video, counted from 0; -1 of single pictures."""
    labels: tuple[Label, ...]
    label_of: Int32[np.ndarray, " people"]
    centre_px: Float32[np.ndarray, "people 2"]
    side_px: Float32[np.ndarray, " people"]
    points_px: Float32[np.ndarray, "people 16 2"]
    visible: Bool[np.ndarray, "people 16"]
    camera_mm: Float32[np.ndarray, "people 16 3"]
    """NaN of people without 3D."""
    head_px: Float32[np.ndarray, " people"]
    depth_px: Float32[np.ndarray, "people 16"]
    """NaN where the source does not say it."""
    count_from_px: float = 0.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        people = len(self.pictures)
        problems = [
            f"{len(getattr(self, name))} of '{name}' for {people} people"
            for name in _SHAPES
            if len(getattr(self, name)) != people
        ]
        for name, end in (("split", len(SPLITS)), ("label_of", len(self.labels))):
            values = getattr(self, name)
            if len(values) and not (0 <= values.min() and values.max() < end):
                problems.append(f"'{name}' beyond the {end} there are")
        squares = np.isfinite(self.centre_px).all(axis=-1) & (self.side_px > 0) & np.isfinite(self.side_px)
        if not squares.all():
            problems.append(f"{int((~squares).sum())} people without a square around them")
        for name in ("centre_px", "side_px", "points_px", "camera_mm", "depth_px"):
            if (np.abs(getattr(self, name)) > _MOST).any():
                problems.append(f"'{name}' has numbers beyond {_MOST:.0e}; the files are damaged")
        if problems:
            raise InputError.from_problems(self.name, problems)
        for name in list(_SHAPES)[1:]:
            frozen(getattr(self, name))

    def __len__(self) -> int:
        return len(self.pictures)

    def person(self, index: int) -> PicturePerson:
        camera_mm = self.camera_mm[index].astype(np.float64)
        depth_px = self.depth_px[index].astype(np.float64)
        return PicturePerson(
            picture=picture_reader(Path(self.folder) / self.pictures[index]),
            name=self.pictures[index],
            centre_px=self.centre_px[index].astype(np.float64),
            side_px=float(self.side_px[index]),
            points_px=self.points_px[index].astype(np.float64),
            visible=self.visible[index],
            camera_mm=camera_mm if np.isfinite(camera_mm).all() else None,
            label=self.labels[self.label_of[index]],
            head_px=float(self.head_px[index]),
            count_from_px=self.count_from_px,
            depth_px=depth_px if np.isfinite(depth_px).all() else None,
        )

    def people(self, *splits: str, every: int = 1) -> Int[np.ndarray, " chosen"]:
        """Numbers of the people of some splits, all when none is named.

        Args:
            every: of videos only frames whose number divides by it.

        Raises:
            InputError: no such split.
        """
        if unknown := [name for name in splits if name not in SPLITS]:
            raise InputError(f"no split {', '.join(unknown)}; there are: {', '.join(SPLITS)}")
        chosen = np.isin(self.split, [SPLITS.index(name) for name in splits or SPLITS])
        return np.flatnonzero(chosen & ((self.frame % every == 0) | (self.frame < 0)))

    @property
    def has_depth(self) -> Bool[np.ndarray, " people"]:
        return np.asarray(np.isfinite(self.camera_mm).all(axis=(1, 2)))

    def taken(self, people: Int[np.ndarray, " n"]) -> "PictureTable":
        """Some of the people, in an order."""
        arrays = {name: getattr(self, name)[people] for name in list(_SHAPES)[1:]}
        return replace(self, pictures=tuple(self.pictures[i] for i in people), **arrays)

    def summary(self) -> list[tuple[str, str]]:
        """What is in it, for people to read: lines of two parts."""
        rows = [("2D mpii-16", f"{len(self):,} people in pictures of {self.folder}")]
        rows.append(("3D", f"{int(self.has_depth.sum()):,} of them"))
        for name in SPLITS:
            people = self.people(name)
            if len(people):
                subjects = dict.fromkeys(self.labels[i].subject for i in np.unique(self.label_of[people]))
                rows.append((f"  {name}", f"{len(people):,} people" + f" ({', '.join(filter(None, subjects))})"))
        return rows + [("note", note) for note in self.notes]

    def write(self, folder: Path) -> None:
        """Into a folder that is there; the listing last, so that what is cut short cannot be opened.

        Raises:
            OutputError: it cannot be written.
        """
        archive = io.BytesIO()
        arrays: dict[str, Any] = {name: np.asarray(getattr(self, name)) for name in _SHAPES}
        write_arrays(archive, arrays | {"pictures": np.array(self.pictures, dtype=np.str_)}, compressed=True)
        facts = _Facts(
            schema=SCHEMA,
            name=self.name,
            folder=self.folder,
            count_from_px=self.count_from_px,
            labels=[(label.subject, label.action, label.camera) for label in self.labels],
            notes=list(self.notes),
        )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / LISTING).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: cannot be written ({error.strerror or error})") from error
        write_bytes(folder / ARRAYS, archive.getvalue())
        write_bytes(folder / LISTING, msgspec.json.format(msgspec.json.encode(facts), indent=1) + b"\n")


def is_picture_table(path: str | Path) -> bool:
    """Whether a folder holds people in pictures, prepared."""
    return (Path(path) / LISTING).is_file()


def open_picture_table(path: str | Path) -> PictureTable:
    """The people of the folder ``path``.

    Raises:
        InputError: there are none, or its files are damaged or contradict each other.
    """
    path = Path(path)
    missing = (
        f"no prepared pictures (no {LISTING}); make some with: maquette prepare h36m-pictures, or mpi-inf-3dhp-pictures"
    )
    facts = read_listing(path, LISTING, _Facts, SCHEMA, missing)
    arrays = {name: read_array(path / ARRAYS, name, str(path / ARRAYS)) for name in _SHAPES}
    wrong = [
        f"{name}: {arrays[name].dtype} of shape {arrays[name].shape}"
        for name, (kind, rest) in _SHAPES.items()
        if arrays[name].dtype.kind != kind or arrays[name].ndim != len(rest) + 1 or arrays[name].shape[1:] != rest
    ]
    if wrong:
        raise InputError.from_problems(f"{path / ARRAYS}: arrays of another type or shape; prepare it again", wrong)
    pictures = tuple(arrays.pop("pictures").tolist())
    typed = {name: array.astype(np.dtype(_KINDS[array.dtype.kind]), copy=False) for name, array in arrays.items()}
    labels = tuple(Label(*names) for names in facts.labels)
    return PictureTable(
        name=facts.name,
        folder=facts.folder,
        pictures=pictures,
        labels=labels,
        count_from_px=facts.count_from_px,
        notes=tuple(facts.notes),
        **typed,
    )


_KINDS = {"i": "i4", "f": "f4", "b": "?"}


def made_table(
    name: str,
    folder: str | Path,
    pictures: list[str],
    labels: list[Label],
    *,
    split: Int[np.ndarray, " people"],
    centre_px: np.ndarray,
    side_px: np.ndarray,
    points_px: np.ndarray,
    frame: np.ndarray | None = None,
    visible: np.ndarray | None = None,
    camera_mm: np.ndarray | None = None,
    head_px: np.ndarray | None = None,
    depth_px: np.ndarray | None = None,
    count_from_px: float = 0.0,
    notes: tuple[str, ...] = (),
) -> PictureTable:
    """A table out of one label for each person; columns that are not given are those of a source that lacks them.

    Raises:
        InputError: as :class:`PictureTable`.
    """
    n = len(pictures)
    place = {label: i for i, label in enumerate(dict.fromkeys(labels))}

    def column(values: np.ndarray | None, *rest: int) -> np.ndarray:
        if values is None:
            return np.full((n, *rest), np.nan, np.float32)
        with np.errstate(over="ignore"):  # of damaged files; the table refuses what becomes infinite
            return np.asarray(values, dtype=np.float32)

    points = column(points_px)
    known = np.asarray(np.isfinite(points).all(axis=-1))
    return PictureTable(
        name=name,
        folder=str(folder),
        pictures=tuple(pictures),
        labels=tuple(place),
        label_of=np.array([place[label] for label in labels], dtype=np.int32),
        split=np.asarray(split, dtype=np.int32),
        frame=np.full(n, -1, np.int32) if frame is None else np.asarray(frame, dtype=np.int32),
        centre_px=column(centre_px),
        side_px=column(side_px),
        points_px=points,
        visible=known if visible is None else np.asarray(visible, dtype=bool),
        camera_mm=column(camera_mm, 16, 3),
        head_px=column(head_px),
        depth_px=column(depth_px, 16),
        count_from_px=count_from_px,
        notes=notes,
    )

"""MPII Human Pose (Andriluka et al. 2014) as arrays: people in still pictures, their 16 joints in 2D, their size.

There is no 3D and no camera, so it is no store of recordings. A folder holds ``mpii.json`` (what it is) and
``mpii.npz`` (plain arrays). Pixels are those of the release, which counts them from 1, and so are ``centre_px`` and
``scale``: nothing is shifted, so that published crops come from published numbers (:meth:`MpiiSet.hourglass_crop`).
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from jaxtyping import Bool, Float64, Int32

from maquette.atomic import write_bytes
from maquette.datasets.pose_machine_rows import JOINTS, PictureNames, PoseMachineRows
from maquette.datasets.pose_machine_square import MARGIN, machine_points, squares_around
from maquette.datasets.prepared_folder import Listing, read_listing
from maquette.datasets.sequences import Label
from maquette.errors import InputError
from maquette.formats.npz import read_array
from maquette.frozen_arrays import frozen
from maquette.skeletons import MPII_16

SCHEMA = "maquette mpii 1"
LISTING, ARRAYS = "mpii.json", "mpii.npz"
SPLITS = ("train", "val", "test")
_PEOPLE = ("image_of", "number", "split", "points_px", "visible", "head_px", "scale", "centre_px", "single")
_IMAGES = ("images", "activities", "videos", "frame_s")


class _Facts(Listing, frozen=True, kw_only=True):
    source: str
    folder: str
    notes: list[str]


@dataclass(frozen=True, eq=False)
class MpiiSet:
    """People in pictures. Arrays are read-only.

    Raises:
        InputError: the parts do not fit together.
    """

    source: str
    """What was read: ``release``, ``json`` or ``h5``."""
    folder: str
    """Folder of the pictures, where it was beside the annotations; else empty."""
    images: tuple[str, ...]
    """Names of the pictures that have people."""
    activities: tuple[str, ...]
    """Of each picture; empty where it is not known, as are ``videos`` (YouTube's names)."""
    videos: tuple[str, ...]
    frame_s: Float64[np.ndarray, " images"]
    """Where in the video it was taken, seconds; NaN where that is not known."""
    image_of: Int32[np.ndarray, " people"]
    """Which of :attr:`images` somebody is in."""
    number: Int32[np.ndarray, " people"]
    """Number of the person in the picture's annotation, from 0; -1 where it is not known."""
    split: Int32[np.ndarray, " people"]
    """Which of :data:`SPLITS`."""
    points_px: Float64[np.ndarray, "people 16 2"]
    """mpii-16; NaN where a joint is not annotated."""
    visible: Bool[np.ndarray, "people 16"]
    """Annotated and not occluded. (Re-releases as JSON do not tell occluded joints: all that are annotated.)"""
    head_px: Float64[np.ndarray, " people"]
    """Head size of PCKh: 0.6 times the diagonal of the head's box; NaN where that is not known."""
    scale: Float64[np.ndarray, " people"]
    """Height of the person in 200 pixels, about; NaN where it is not known, as is ``centre_px``."""
    centre_px: Float64[np.ndarray, "people 2"]
    """Rough middle of the person (the release's ``objpos``)."""
    single: Bool[np.ndarray, " people"]
    """Far enough from everybody else for the evaluation of single people."""
    notes: tuple[str, ...] = ()
    """What was left out or assumed."""

    def __post_init__(self) -> None:
        people, images = len(self.points_px), len(self.images)
        problems = [
            f"{len(getattr(self, n))} of '{n}' for {people} people" for n in _PEOPLE if len(getattr(self, n)) != people
        ]
        problems += [
            f"{len(getattr(self, n))} of '{n}' for {images} pictures"
            for n in _IMAGES
            if len(getattr(self, n)) != images
        ]
        for name, values, end in (("image_of", self.image_of, images), ("split", self.split, len(SPLITS))):
            if people and not (0 <= values.min() and values.max() < end):
                problems.append(f"'{name}' beyond the {end} there are")
        if (self.visible & ~self.annotated).any():
            problems.append("visible joints that are not annotated")
        if problems:
            raise InputError.from_problems("MPII", problems)
        for name in (*_PEOPLE, "frame_s"):
            frozen(getattr(self, name))

    def __len__(self) -> int:
        return len(self.points_px)

    @property
    def annotated(self) -> Bool[np.ndarray, "people 16"]:
        """Joints that have a place, occluded or not."""
        return np.asarray(np.isfinite(self.points_px).all(axis=-1))

    def image(self, person: int) -> str:
        """Name of the picture that somebody is in."""
        return self.images[self.image_of[person]]

    def people(self, *splits: str, single: bool = False, with_points: bool = True) -> Int32[np.ndarray, " chosen"]:
        """Numbers of the people of some splits (all when none is named), in their order.

        Args:
            single: only those far from others.
            with_points: only those with at least one joint; the release has none for its test pictures.

        Raises:
            InputError: no such split.
        """
        if unknown := [name for name in splits if name not in SPLITS]:
            raise InputError(f"no split {', '.join(unknown)}; there are: {', '.join(SPLITS)}")
        chosen = np.isin(self.split, [SPLITS.index(name) for name in splits or SPLITS])
        if single:
            chosen &= self.single
        if with_points:
            chosen &= self.annotated.any(axis=1)
        return np.flatnonzero(chosen).astype(np.int32)

    def hourglass_crop(self) -> tuple[Float64[np.ndarray, "people 2"], Float64[np.ndarray, " people"]]:
        """Centre and scale of the square that the Stacked Hourglass and its successors see: side ``200 * scale``.

        The centre is ``15 * scale`` lower than annotated, and the scale 1.25 times as large, so that feet are in it.
        """
        return self.centre_px + np.stack([np.zeros_like(self.scale), 15 * self.scale], axis=-1), 1.25 * self.scale

    def machine_rows(
        self, *splits: str, least_points: int = 8, margin: float = MARGIN, single: bool = False
    ) -> PoseMachineRows:
        """Rows of 2D alone for the 3D pose machine: 16 joints in its order, no spine, each picture a video of its own.

        Args:
            splits: by default ``train``.
            least_points: people with fewer of the machine's joints are left out.
            margin: around the person, as for rows with 3D.
            single: only people far from others.

        Raises:
            InputError: nobody is left.
        """
        people = self.people(*(splits or ("train",)), single=single)
        points_px, visible = machine_points(self.points_px[people], MPII_16)
        enough = visible.sum(axis=1) >= max(least_points, 1)
        kept, points_px, visible = people[enough], points_px[enough], visible[enough]
        if not len(kept):
            raise InputError(
                f"MPII ({', '.join(splits or ('train',))}): nobody of {len(people)} people has {least_points} joints"
            )
        squares = squares_around(points_px, visible, margin=margin)
        left_out = [
            f"people with fewer than {least_points} joints, left out: {len(people) - len(kept)} of {len(people)}"
        ]
        return PoseMachineRows(
            name=f"MPII ({', '.join(splits or ('train',))})",
            points=np.where(visible[..., None], squares.shares(points_px), 0).astype(np.float32),
            visible=visible,
            targets=np.full((len(kept), JOINTS, 3), np.nan, dtype=np.float32),
            continues=np.zeros(len(kept), dtype=bool),
            label_of=np.zeros(len(kept), dtype=np.int32),
            labels=(Label("MPII", "", ""),),
            pictures=PictureNames.of(self.image(int(person)) for person in kept),
            boxes=squares.boxes,
            notes=tuple(left_out) if len(kept) < len(people) else (),
        )

    def write(self, folder: Path) -> None:
        """Into a folder that is there; the listing last, so that what is cut short cannot be opened.

        Raises:
            OutputError: it cannot be written.
        """
        arrays: dict[str, Any] = {name: np.asarray(getattr(self, name)) for name in (*_PEOPLE, *_IMAGES)}
        archive = io.BytesIO()
        np.savez_compressed(archive, **arrays)
        write_bytes(folder / ARRAYS, archive.getvalue())
        facts = _Facts(schema=SCHEMA, source=self.source, folder=self.folder, notes=list(self.notes))
        write_bytes(folder / LISTING, msgspec.json.format(msgspec.json.encode(facts), indent=1) + b"\n")

    def summary(self) -> list[tuple[str, str]]:
        """What is in it, for people to read: lines of two parts."""
        rows = [("2D mpii-16", f"{len(self):,} people in {len(self.images):,} pictures, without 3D")]
        for name in SPLITS:
            people = self.people(name, with_points=False)
            if len(people):
                joints = self.annotated[people]
                text = f"{len(people):,} people, {int(joints.any(axis=1).sum()):,} with joints"
                rows.append((f"  {name}", f"{text}, {int(self.single[people].sum()):,} far from others"))
        return rows + [("note", note) for note in self.notes]


def is_mpii(path: str | Path) -> bool:
    """Whether a folder was made by ``maquette prepare mpii``."""
    return (Path(path) / LISTING).is_file()


def open_mpii(path: str | Path) -> MpiiSet:
    """The set in the folder ``path``.

    Raises:
        InputError: there is none, or its files are damaged or contradict each other.
    """
    path = Path(path)
    missing = f"is no prepared MPII (no {LISTING}); make one with: maquette prepare mpii"
    facts = read_listing(path, LISTING, _Facts, SCHEMA, missing)
    where = str(path / ARRAYS)
    arrays = {name: read_array(path / ARRAYS, name, where) for name in (*_PEOPLE, *_IMAGES)}
    wrong = [name for name, array in arrays.items() if not _fits(name, array)]
    if wrong:
        seen = ", ".join(f"{name}: {arrays[name].dtype} of shape {arrays[name].shape}" for name in wrong)
        raise InputError(f"{where}: arrays of another type or shape ({seen}); prepare it again")
    texts = {name: tuple(arrays.pop(name).tolist()) for name in ("images", "activities", "videos")}
    return MpiiSet(source=facts.source, folder=facts.folder, notes=tuple(facts.notes), **texts, **arrays)


_SHAPES: dict[str, tuple[str, tuple[int, ...]]] = {
    **dict.fromkeys(("images", "activities", "videos"), ("U", ())),
    **dict.fromkeys(("image_of", "number", "split"), ("i", ())),
    **dict.fromkeys(("frame_s", "head_px", "scale"), ("f", ())),
    "points_px": ("f", (16, 2)),
    "centre_px": ("f", (2,)),
    "visible": ("b", (16,)),
    "single": ("b", ()),
}
_SIZES = {"i": 4, "f": 8, "b": 1}


def _fits(name: str, array: np.ndarray) -> bool:
    kind, rest = _SHAPES[name]
    right = array.dtype.kind == kind and array.ndim == 1 + len(rest) and array.shape[1:] == rest
    return right and array.dtype.itemsize == _SIZES.get(kind, array.dtype.itemsize)

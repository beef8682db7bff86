"""Rows that the 3D pose machine (Wang et al. 2019) learns from: what is in one picture, one after the other.

A row has the 2D points of 16 joints (h36m-16) as shares of the side of a square around the person, the 3D positions by
:mod:`~maquette.lifting.min_max`, and whether the video goes on from the row before. Still pictures with 2D points alone
are rows, too: their 3D is NaN, and none goes on from another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int, Int32, Int64

from maquette.datasets.sequences import Label
from maquette.errors import InputError
from maquette.frozen_arrays import frozen
from maquette.lifting.min_max import PUBLISHED_16, MinMax
from maquette.skeletons import H36M_16

JOINTS = len(H36M_16)
_Numbers = np.ndarray | slice | Sequence[int]


@dataclass(frozen=True, eq=False)
class PictureNames:
    """Names of pictures, one a row, in one piece of memory: half a million of them as Python's texts would take 60 MB,
    and another 60 in each process that loads pictures."""

    text: bytes
    """UTF-8."""
    bounds: Int64[np.ndarray, "rows 2"]
    """Where in it a row's name begins and ends."""

    @classmethod
    def of(cls, names: Iterable[str]) -> "PictureNames":
        """Of texts."""
        encoded = [name.encode("utf-8", "surrogateescape") for name in names]
        ends = np.cumsum([0, *(len(name) for name in encoded)], dtype=np.int64)
        return cls(b"".join(encoded), np.stack([ends[:-1], ends[1:]], axis=-1))

    def __len__(self) -> int:
        return len(self.bounds)

    def __getitem__(self, row: int) -> str:
        begin, end = self.bounds[row]
        return self.text[begin:end].decode("utf-8", "surrogateescape")

    def taken(self, rows: _Numbers) -> "PictureNames":
        """Of some rows; the text is shared."""
        return PictureNames(self.text, self.bounds[rows])


@dataclass(frozen=True, eq=False)
class PoseMachineRows:
    """Rows of videos, one after the other, or of still pictures. Arrays are read-only.

    Raises:
        InputError: the parts do not fit together, a point or a 3D position that is known is not finite.
    """

    name: str
    """Where they come from, for errors and reports."""
    points: Float32[np.ndarray, "rows 16 2"]
    """x and y as shares of the side of the square, from its top left corner; outside the square below 0 or above 1. 0
    where not visible."""
    visible: Bool[np.ndarray, "rows 16"]
    """Whether the point is known."""
    targets: Float32[np.ndarray, "rows 16 3"]
    """Camera frame (y down), relative to the hip, by :attr:`limits`; NaN in rows without 3D."""
    continues: Bool[np.ndarray, " rows"]
    """Whether the row is the next picture of the same video as the row before; the published "clip" mark."""
    label_of: Int32[np.ndarray, " rows"]
    """Which of :attr:`labels` a row has."""
    labels: tuple[Label, ...]
    """What is known of where rows come from; texts that are empty are not."""
    limits: MinMax = PUBLISHED_16
    pictures: PictureNames | None = None
    """File of each row, as the list names it; None: points alone."""
    boxes: Float64[np.ndarray, "rows 3"] | None = None
    """Left, top and side of the square in pixels of the whole picture; None: the pictures are the squares."""
    notes: tuple[str, ...] = ()
    """What was assumed or left out."""

    def __post_init__(self) -> None:
        rows = len(self.points)
        parts = ("visible", "targets", "continues", "label_of", "pictures", "boxes")
        lengths = {part: len(getattr(self, part)) for part in parts if getattr(self, part) is not None}
        problems = [
            f"{length} rows of '{part}' for {rows} of points" for part, length in lengths.items() if length != rows
        ]
        if len(self.limits) != JOINTS:
            problems.append(f"min-max limits of {len(self.limits)} joints, expected {H36M_16}")
        if not np.isfinite(self.points).all():
            problems.append("points that are not finite; a point that is not known is 0 and not visible")
        known = np.isfinite(self.targets).all(axis=(1, 2))
        if not np.isnan(self.targets[~known]).all():
            problems.append("3D positions that are partly missing; a row has all of them or none")
        if rows and not (0 <= self.label_of.min() and self.label_of.max() < len(self.labels)):
            problems.append(f"labels beyond the {len(self.labels)} there are")
        if rows and self.continues[0]:
            problems.append("the first row goes on from a row that is not there")
        if problems:
            raise InputError.from_problems(self.name, problems)
        for array in (self.points, self.visible, self.targets, self.continues, self.label_of, self.boxes):
            if array is not None:
                frozen(array)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def starts(self) -> Int[np.ndarray, " videos_and_1"]:
        """Rows of video ``i`` are ``starts[i]:starts[i + 1]``."""
        return np.append(np.flatnonzero(~self.continues), len(self))

    @property
    def has_3d(self) -> Bool[np.ndarray, " rows"]:
        """Rows whose 3D is known."""
        return ~np.isnan(self.targets[:, 0, 0])

    def label(self, row: int) -> Label:
        """Where a row comes from."""
        return self.labels[self.label_of[row]]

    def targets_mm(self) -> Float[np.ndarray, "rows 16 3"]:
        """Positions relative to the hip in millimetres, camera frame, double precision."""
        return self.limits.unnormalise(self.targets)

    def taken(self, rows: _Numbers) -> "PoseMachineRows":
        """Some rows in a new order; one whose predecessor is not right before it no longer goes on from it."""
        number = np.arange(len(self))[rows]
        follows = np.diff(number, prepend=-2) == 1
        return PoseMachineRows(
            name=self.name,
            points=self.points[number],
            visible=self.visible[number],
            targets=self.targets[number],
            continues=self.continues[number] & follows,
            label_of=self.label_of[number],
            labels=self.labels,
            limits=self.limits,
            pictures=None if self.pictures is None else self.pictures.taken(number),
            boxes=None if self.boxes is None else self.boxes[number],
            notes=self.notes,
        )

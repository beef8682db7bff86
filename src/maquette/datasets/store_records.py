"""What a store says about its arrays: recordings, cameras, 2D sources."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.skeleton import Skeleton

NPY_HEADER_BYTES = 192
_SOURCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Source:
    """Where 2D points come from: a projection of the 3D, a detector. Its name is part of a file name.

    Raises:
        InputError: a name that no file can have, or not 2 or 3 channels.
    """

    name: str
    """Letters, digits, ``_``, ``-`` and ``.``, for example ``gt`` or ``cpn_ft_h36m_dbb``."""
    skeleton: Skeleton
    channels: int = 2
    """2: x, y in pixels. 3: a score as well."""

    def __post_init__(self) -> None:
        if not _SOURCE_NAME.fullmatch(self.name):
            raise InputError(f"2D source {self.name!r}: expected a name of letters, digits, '_', '-' and '.'")
        if self.channels not in (2, 3):
            raise InputError(
                f"2D source '{self.name}' has {self.channels} channels, expected 2 (x, y) or 3 (and a score)"
            )

    @property
    def file_name(self) -> str:
        """Name of the array's file in the store."""
        return f"keypoints_{self.name}.npy"


@dataclass(frozen=True, eq=False)
class View:
    """What one camera saw of a recording."""

    camera_name: str
    camera: Camera
    """Calibration, and the pose in the world."""
    rows: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """2D source -> (first row, frames) in its array; a source may be absent."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One take of one subject."""

    subject: str
    action: str
    """As VideoPose3D spells it: ``Directions``, ``Directions 1``."""
    start: int
    """First row in the array of 3D positions."""
    frames: int
    fps: Fraction
    views: tuple[View, ...]

    @property
    def kind(self) -> str:
        """The action without the number of the take."""
        return self.action.split(" ")[0]

    def __str__(self) -> str:
        return f"{self.subject} {self.action}"


@dataclass(frozen=True)
class ArrayFacts:
    """Size and type of one array of the store."""

    rows: int
    dtype: Literal["float32", "float64"]

    def npy_header(self, row_shape: tuple[int, ...]) -> bytes:
        """The header of its file (.npy 1.0), ``NPY_HEADER_BYTES`` long: it can be written when the rows are known."""
        descr = "<f8" if self.dtype == "float64" else "<f4"
        facts = {"descr": descr, "fortran_order": False, "shape": (self.rows, *row_shape)}
        text = (repr(facts).ljust(NPY_HEADER_BYTES - 11) + "\n").encode("latin1")
        return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@dataclass(frozen=True, eq=False)
class StoreRecords:
    """Everything that stands in ``store.json``."""

    name: str
    skeleton: Skeleton
    positions: ArrayFacts
    sources: tuple[Source, ...]
    keypoints: Mapping[str, ArrayFacts]
    """2D source -> its array."""
    recordings: tuple[Recording, ...]
    notes: tuple[str, ...] = ()
    """What the preparation left out or assumed."""

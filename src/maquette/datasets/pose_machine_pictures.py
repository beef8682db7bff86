"""Pictures of rows as the 3D pose machine sees them: 368 pixels square, in RGB.

A picture is the square itself, stretched to that size whatever its shape (published), or a whole picture of which a box
is taken. Both in one bilinear step without smoothing, as OpenCV's ``resize`` does it, which the published program
calls: the centre of pixel ``i`` of the result lies at ``(i + 0.5) scale`` in the box. (OpenCV's weights have 11 bits:
values differ by one of 255 at most.)
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from maquette.datasets.picture_files import opened_picture
from maquette.datasets.pose_machine_rows import PoseMachineRows
from maquette.errors import InputError

SIDE_PX = 368
GREY = 128
"""Where a box reaches beyond its picture: what becomes 0 to the network."""


def read_square(
    path: str | Path, box: Float[np.ndarray, "3"] | None = None, *, side_px: int = SIDE_PX
) -> UInt8[np.ndarray, "side side 3"]:
    """The square of one picture, RGB.

    Args:
        path: JPEG, PNG, BMP, WebP, TIFF, PPM or GIF; grey pictures and palettes become RGB, transparency is dropped.
        box: left, top and side of the square in pixels of the picture; None: all of the picture.

    Raises:
        InputError: no such file, no picture, a broken or a huge one, or a box that is none.
    """
    if box is not None and not (np.isfinite(box).all() and box[2] > 0):
        raise InputError(f"{path}: the box {box.tolist()} is none, expected left, top and a side above 0, in pixels")
    with opened_picture(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    height, width = pixels.shape[:2]
    left, top, across, down = (0.0, 0.0, width, height) if box is None else (*box.tolist(), float(box[2]))
    first_x, next_x, share_x, outside_x = _samples(left, across / side_px, side_px, width)
    first_y, next_y, share_y, outside_y = _samples(top, down / side_px, side_px, height)
    seen = pixels[:, first_x[0] : next_x[-1] + 1]
    lines = seen[first_y] * (1 - share_y)[:, None, None] + seen[next_y] * share_y[:, None, None]
    before, after = lines.take(first_x - first_x[0], axis=1), lines.take(next_x - first_x[0], axis=1)
    square = before + (after - before) * share_x[:, None]
    square[outside_y] = GREY
    square[:, outside_x] = GREY
    return np.rint(square).astype(np.uint8)


def _samples(start: float, scale: float, count: int, pixels: int) -> tuple[np.ndarray, ...]:
    """Along one axis: the two pixels that each sample lies between, its share of the second, and whether it is outside
    the picture."""
    at = start + (np.arange(count) + 0.5) * scale
    outside = (at < 0) | (at >= pixels)
    place = np.clip(at - 0.5, 0, pixels - 1)
    first = place.astype(np.int64)
    return first, np.minimum(first + 1, pixels - 1), (place - first).astype(np.float32), outside


@dataclass(frozen=True, eq=False)
class RowPictures:
    """Pictures of rows by their number; may be sent to other processes and used by several threads."""

    rows: PoseMachineRows
    folder: Path
    """What names of pictures are relative to."""
    left_out: str = ""
    """Beginning of the names in a list that is not there on this machine, such as the authors' home."""
    side_px: int = SIDE_PX

    def __len__(self) -> int:
        return len(self.rows)

    def path(self, row: int) -> Path:
        """File of a row.

        Raises:
            InputError: the rows name no pictures.
        """
        if self.rows.pictures is None:
            raise InputError(f"{self.rows.name}: names no pictures")
        name = self.rows.pictures[row].removeprefix(self.left_out)
        return self.folder / (name.lstrip("/") if self.left_out else name)

    def __getitem__(self, row: int) -> UInt8[np.ndarray, "side side 3"]:
        """The square of a row.

        Raises:
            InputError: the picture is not there or cannot be read.
        """
        box = None if self.rows.boxes is None else self.rows.boxes[row]
        return read_square(self.path(row), box, side_px=self.side_px)

    def missing(self, *, most: int = 10) -> list[Path]:
        """The first files that are not there, to be told before a training starts."""
        found: list[Path] = []
        for row in range(len(self)):
            path = self.path(row)
            if not path.is_file():
                found.append(path)
                if len(found) == most:
                    break
        return found

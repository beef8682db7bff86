"""Where people are in a picture: boxes by YOLOX and RTMDet, from ONNX files as MMDeploy and YOLOX export them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from maquette.detect.onnx_files import OnnxFile, prepared
from maquette.detect.warp import warp
from maquette.errors import ModelError

EXPECTED = (
    "a person detector: YOLOX or RTMDet with its suppression inside (dets (1, n, 5), labels (1, n)), or YOLOX without "
    "(1, n, 5 + classes)"
)
STRIDES = (8, 16, 32)
"""Sides of the cells of YOLOX's three grids, in pixels of the input."""
MIN_SCORE, RAW_MIN_SCORE, MAX_OVERLAP = 0.3, 0.7, 0.45
"""Boxes at or below these scores are none: where the file suppresses the weaker of two boxes of one person itself, and
where that is left to us, boxes overlapping by more than ``MAX_OVERLAP`` being one person's. As in rtmlib."""
MAX_BOXES = 100
_GREY = (114, 114, 114)
_RTMDET_MEAN, _RTMDET_STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
"""Blue, green, red."""


class Boxes(NamedTuple):
    """Boxes of one picture, the best first."""

    corners: Float[np.ndarray, "boxes 4"]
    """Left, top, right, bottom in pixels of the picture; may reach beyond it."""
    score: Float[np.ndarray, " boxes"]

    @classmethod
    def best(cls, corners: Float[np.ndarray, "boxes 4"], score: Float[np.ndarray, " boxes"], most: int) -> "Boxes":
        """Up to ``most`` of the boxes, by score; those without an extent or a number are left out."""
        fine = np.isfinite(corners).all(1) & np.isfinite(score) & (corners[:, 2:] - corners[:, :2] > 1).all(1)
        order = np.flatnonzero(fine)[np.argsort(-score[fine], kind="stable")][:most]
        return cls(corners[order].astype(np.float64), score[order].astype(np.float64))


class PersonBoxes:
    """A detector of people, ready to run.

    YOLOX takes blue, green, red from 0 to 255; RTMDet the same less mean over deviation (MMDetection's configurations:
    ``bgr_to_rgb=False``, with mean and deviation of blue first). Their exports differ in
    nothing else, so the one is told from the other by the name of the file or its folder, or by the first layer, which
    takes every other pixel in YOLOX.

    Raises:
        ModelError: the file is missing, is no such detector, or cannot be told.
    """

    def __init__(self, path: str | Path, *, threads: int = 0) -> None:
        self._file = OnnxFile(path, default_size=(640, 640), expected=EXPECTED, threads=threads)
        self.label: str = self._file.label
        shapes = {name: array.shape for name, array in self._file.outputs.items()}
        self._dets = next((name for name, shape in shapes.items() if len(shape) == 3 and shape[2] == 5), None)
        self._labels = next((name for name, shape in shapes.items() if len(shape) == 2), None)
        self._mean = self._std = None
        self._is_decoded = False
        if len(shapes) > 2 or any(len(shape) > 3 for shape in shapes.values()) or "simcc_x" in shapes:
            raise self._file.unknown("no person detector; a network of poses goes to --pose-model")
        if self._dets is not None:
            if self._family() == "rtmdet":
                self._mean, self._std = _RTMDET_MEAN, _RTMDET_STD
        else:
            self._check_raw(list(shapes.values()))
        self._file.forget_file()

    def _family(self) -> str:
        """Which of the two a file with its suppression inside is."""
        path = self._file.path.resolve()
        for text in (path.name.lower(), path.parent.name.lower()):
            found = [family for family in ("yolox", "rtmdet") if family in text]
            if len(found) == 1:
                return found[0]
        first = self._file.first_operators()
        if first and first <= {"Slice", "SpaceToDepth"}:
            return "yolox"
        if first == {"Conv"}:
            return "rtmdet"
        raise ModelError(
            f"{path}: gives boxes of people, but neither its name nor its first layer ({', '.join(sorted(first))}) "
            "tells whether it is YOLOX or RTMDet, which want other ranges of values; put 'yolox' or 'rtmdet' into the "
            "name of the file"
        )

    def _check_raw(self, shapes: list[tuple[int, ...]]) -> None:
        cells = len(_cells(self._file.size)[1])
        if len(shapes) != 1 or len(shapes[0]) != 3 or shapes[0][1] != cells or shapes[0][2] < 6:
            raise self._file.unknown()
        # Offsets within a cell are small numbers, whatever the picture; centres lie all over it.
        centres = next(iter(self._file.outputs.values()))[0, :, 0]
        self._is_decoded = bool(np.ptp(centres) > self._file.size[0] / 2)

    def __call__(self, picture: UInt8[np.ndarray, "height width 3"]) -> Boxes:
        """The people in a picture (RGB)."""
        seen, ratio = letterbox(picture, self._file.size)
        arrays = self._file.run(prepared([seen], "bgr", self._mean, self._std))
        outputs = {name: array[0] for name, array in zip(self._file.outputs, arrays, strict=True)}
        if self._dets is None:
            return self._from_raw(np.asarray(next(iter(outputs.values())), np.float64), ratio)
        dets = np.asarray(outputs[self._dets], np.float64)
        keep = dets[:, 4] > MIN_SCORE
        if self._labels is not None and outputs[self._labels].shape == (len(dets),):
            keep &= outputs[self._labels] == 0
        return Boxes.best(dets[keep, :4] / ratio, dets[keep, 4], MAX_BOXES)

    def _from_raw(self, rows: Float[np.ndarray, "cells numbers"], ratio: float) -> Boxes:
        """People (class 0) from the numbers of every cell: centre, size, objectness, a score for each class."""
        score = rows[:, 4] * rows[:, 5]
        keep = score > RAW_MIN_SCORE
        score, centre, size = score[keep], rows[keep, :2], rows[keep, 2:4]
        if not self._is_decoded:
            corner, stride = (array[keep] for array in _cells(self._file.size))
            centre, size = (centre + corner) * stride[:, None], np.exp(np.minimum(size, 20.0)) * stride[:, None]
        corners = np.concatenate((centre - size / 2, centre + size / 2), axis=1) / ratio
        boxes = Boxes.best(corners, score, 10 * MAX_BOXES)
        kept = suppressed(boxes.corners, boxes.score)
        return Boxes(boxes.corners[kept], boxes.score[kept])

    def close(self) -> None:
        self._file.close()


def largest(boxes: Boxes, people: int | None) -> Int[np.ndarray, " chosen"]:
    """Indices of the largest and surest boxes, at most ``people``; None: all."""
    extent = boxes.corners[:, 2:] - boxes.corners[:, :2]
    order = np.argsort(-extent[:, 0] * extent[:, 1] * boxes.score, kind="stable")
    return order[:people]


def letterbox(
    picture: UInt8[np.ndarray, "height width 3"], size: tuple[int, int]
) -> tuple[UInt8[np.ndarray, "in_height in_width 3"], float]:
    """The picture in the upper left of an input of ``(width, height)``, grey beside it, and the factor of its size."""
    height, width = picture.shape[:2]
    ratio = min(size[0] / width, size[1] / height)
    scale_x, scale_y = width / max(int(width * ratio), 1), height / max(int(height * ratio), 1)
    return warp(picture, np.array([[scale_x, 0.0, 0.0], [0.0, scale_y, 0.0]]), size, smooth=False, fill=_GREY), ratio


def suppressed(
    corners: Float[np.ndarray, "boxes 4"], score: Float[np.ndarray, " boxes"], *, max_overlap: float = MAX_OVERLAP
) -> Int[np.ndarray, " kept"]:
    """Indices of the boxes that no better one overlaps, the best first.

    Overlap is intersection over union, of boxes that count their last pixel (right - left + 1, as the first programs
    with whole pixels did and YOLOX still does).
    """
    order = np.argsort(-score, kind="stable")
    extent = corners[:, 2:] - corners[:, :2] + 1
    area, kept = extent[:, 0] * extent[:, 1], []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        low = np.maximum(corners[best, :2], corners[rest, :2])
        high = np.minimum(corners[best, 2:], corners[rest, 2:])
        shared = np.prod(np.maximum(high - low + 1, 0.0), axis=1)
        order = rest[shared <= max_overlap * (area[best] + area[rest] - shared)]
    return np.array(kept, dtype=np.int64)


def _cells(size: tuple[int, int]) -> tuple[Int[np.ndarray, "cells 2"], Int[np.ndarray, " cells"]]:
    """Column and row of every cell of the three grids, and its side in pixels."""
    corners, strides = [], []
    for stride in STRIDES:
        column, row = np.meshgrid(np.arange(size[0] // stride), np.arange(size[1] // stride))
        corners.append(np.stack((column, row), axis=-1).reshape(-1, 2))
        strides.append(np.full(column.size, stride))
    return np.concatenate(corners), np.concatenate(strides)

"""Pictures of rows as the pose machine sees them, and batches made by threads a few steps ahead."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor

from maquette.datasets.pose_machine_rows import PoseMachineRows
from maquette.errors import InputError
from maquette.models.pose_machine_fronts import preprocess

T = TypeVar("T")
_AHEAD = 3  # batches that each thread may be ahead
_GREY = (128, 128, 128)
"""Around a picture whose square reaches beyond it: 0 to the network, as in convolutional pose machines."""


@contextmanager
def reading_ahead(make: Callable[[int], T], steps: Iterable[int], workers: int) -> Iterator[Iterator[T]]:
    """What ``make`` gives for each of ``steps``, in their order, made by ``workers`` threads before it is asked for."""
    with ThreadPoolExecutor(workers) as pool:

        def made() -> Iterator[T]:
            coming: deque[Future[T]] = deque()
            for step in steps:
                coming.append(pool.submit(make, step))
                if len(coming) > _AHEAD * workers:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()

        try:
            yield made()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def read_pictures(
    data: PoseMachineRows, folder: Path, rows: Int[np.ndarray, " n"], size: int
) -> Float[Tensor, "n 3 size size"]:
    """Pictures of some rows, cut to their squares, as the network sees them.

    Args:
        folder: that their names are relative to.
        size: pixels along each side of what comes out.

    Raises:
        InputError: the rows have none, or a file cannot be read.
    """
    if data.pictures is None:
        raise InputError(f"{data.name}: has no pictures; train with --front keypoints")
    boxes = None if data.boxes is None else data.boxes[rows]
    found = []
    for place, row in enumerate(rows.tolist()):
        picture = _read(folder / data.pictures[row], data.name)
        if boxes is not None:
            picture = _cut(picture, boxes[place], size)
        found.append(preprocess(torch.from_numpy(np.array(picture))[None], size))
    return torch.cat(found)


def _read(path: Path, named_by: str) -> Image.Image:
    try:
        with Image.open(path) as file:
            return file.convert("RGB")
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such picture, but {named_by} names it; say how they are called (--picture-names, for stores) "
            "and in which folder they are (--pictures)"
        ) from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: cannot be read as a picture ({error})") from None


def _cut(picture: Image.Image, box: Float[np.ndarray, " 3"], size: int) -> Image.Image:
    """The square, resized (bilinear without smoothing, as all pictures are)."""
    left, top, side = box.tolist()
    scale = side / size
    return picture.transform(
        (size, size),
        Image.Transform.AFFINE,
        (scale, 0, left, 0, scale, top),
        Image.Resampling.BILINEAR,
        fillcolor=_GREY,
    )

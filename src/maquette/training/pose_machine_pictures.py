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
from torch import Tensor

from maquette.datasets.pose_machine_pictures import RowPictures
from maquette.datasets.pose_machine_rows import PoseMachineRows
from maquette.errors import InputError
from maquette.models.pose_machine_fronts import preprocess

T = TypeVar("T")
_AHEAD = 3  # batches that each thread may be ahead


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
    squares = RowPictures(data, folder, side_px=size)
    found = []
    for row in rows.tolist():
        if not squares.path(row).is_file():
            raise InputError(
                f"{squares.path(row)}: no such picture, but {data.name} names it; say how they are called "
                "(--picture-names, for stores) and in which folder they are (--pictures)"
            )
        found.append(preprocess(torch.from_numpy(squares[row])[None], size))
    return torch.cat(found)

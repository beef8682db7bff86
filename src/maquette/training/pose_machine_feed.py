"""Batches of the pose machine made by threads a few steps ahead, and its pictures as tensors."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from maquette.datasets.pose_machine_pictures import RowPictures
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


def read_pictures(data: RowPictures, rows: Int[np.ndarray, " n"]) -> Float[Tensor, "n 3 size size"]:
    """Pictures of some rows as the network sees them.

    Raises:
        InputError: the rows name none, or a file cannot be read.
    """
    squares = np.stack([data[row] for row in rows.tolist()])
    return preprocess(torch.from_numpy(squares), data.side_px)

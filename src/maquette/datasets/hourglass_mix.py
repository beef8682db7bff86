"""In which order pictures with 3D and pictures with 2D alone are learnt from.

The order of an epoch depends on the seed and on its number alone, and a batch on its number: a training that goes on
after a break, or one of several processes, sees the same.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int64

from maquette.errors import InputError

Law = Literal["independent", "joined", "halves"]


class Pick(NamedTuple):
    """One sample of a batch."""

    with_depth: bool
    """Of the source with 3D, else of the one without."""
    index: int
    turn: int
    """How often this person may have been seen before; what a sample takes as its epoch, so that chance does something
    new each time."""


@dataclass(frozen=True)
class FusionOrder:
    """Batches out of two sources.

    Raises:
        InputError: no samples, or numbers that make no order.
    """

    n_with_depth: int
    n_without_depth: int
    law: Law = "halves"
    """``independent`` (Torch7): each sample has 3D by chance; both sources are walked through in an order of their own.
    ``joined`` (first PyTorch version): all without 3D and some with it, another choice each epoch, shuffled.
    ``halves``: as many of each in every batch (with an odd size, one more of either in turn)."""
    batch_size: int = 6
    seed: int = 1
    share: float = 0.5
    """``independent``: chance of a sample with 3D."""
    ratio: float = 1.0
    """``joined``: samples with 3D for each without, as far as there are that many; 0: none."""
    epoch_batches: int = 0
    """Batches of an epoch; 0: as many as it takes for all of the larger source, or of the joined ones."""

    def __post_init__(self) -> None:
        problems = []
        if self.batch_size < 1 or self.epoch_batches < 0 or min(self.n_with_depth, self.n_without_depth) < 0:
            problems.append(f"batches of {self.batch_size}, {self.epoch_batches} of them an epoch")
        if not 0 <= self.share <= 1 or not self.ratio >= 0:
            problems.append(f"share is {self.share} and ratio {self.ratio}, expected 0 to 1, and 0 or more")
        if not problems and not self._samples():
            problems.append(f"{self.n_with_depth} people with 3D and {self.n_without_depth} without: nothing to learn")
        if problems:
            raise InputError.from_problems("order of pictures", problems)

    @property
    def batches(self) -> int:
        """In an epoch."""
        return self.epoch_batches or -(-self._samples() // self.batch_size)

    def batch(self, step: int) -> list[Pick]:
        """Batch ``step`` of the training, counted from 0. The last of a ``joined`` epoch may be smaller."""
        order = _order(self, step // self.batches)
        start = step % self.batches * self.batch_size
        chosen = slice(start, start + self.batch_size)
        rows = zip(order.with_depth[chosen], order.index[chosen], order.turn[chosen], strict=True)
        return [Pick(bool(has), int(index), int(turn)) for has, index, turn in rows]

    def _samples(self) -> int:
        """Of an epoch whose length nobody chose."""
        if self.law == "joined":
            return self._joined_with_depth() + self.n_without_depth
        either = (self.n_with_depth, self.n_without_depth)
        if 0 in either:
            return max(either)
        return 2 * max(either)

    def _joined_with_depth(self) -> int:
        if not self.n_without_depth:
            return self.n_with_depth
        return min(self.n_with_depth, round(self.ratio * self.n_without_depth))


class _Order(NamedTuple):
    with_depth: Bool[np.ndarray, " n"]
    index: Int64[np.ndarray, " n"]
    turn: Int64[np.ndarray, " n"]


@lru_cache(maxsize=4)
def _order(plan: FusionOrder, epoch: int) -> _Order:
    """The samples of one epoch."""
    chance = np.random.default_rng((plan.seed, epoch, 0x6D6978))
    samples = plan.batches * plan.batch_size
    sizes = {True: plan.n_with_depth, False: plan.n_without_depth}
    if plan.law == "joined":
        of_3d, of_2d = plan._joined_with_depth(), plan.n_without_depth
        with_depth = np.zeros(of_3d + of_2d, dtype=bool)
        with_depth[:of_3d] = True
        chance.shuffle(with_depth)
        # An epoch whose length was chosen takes from the front, or goes round.
        with_depth = np.resize(with_depth, samples) if plan.epoch_batches else with_depth
    elif 0 in sizes.values():
        with_depth = np.full(samples, plan.n_with_depth > 0)
    elif plan.law == "independent":
        with_depth = chance.random(samples) < plan.share
    else:
        place = np.arange(samples) % plan.batch_size
        number = np.arange(samples) // plan.batch_size + epoch * plan.batches
        with_depth = (place + number * (plan.batch_size % 2)) % 2 == 0
    index, turn = np.zeros(len(with_depth), dtype=np.int64), np.zeros(len(with_depth), dtype=np.int64)
    for which, size in sizes.items():
        chosen = np.flatnonzero(with_depth == which)
        if len(chosen):
            laps = -(-len(chosen) // size)
            # The most laps of any epoch: turns of one epoch never repeat those of another.
            most = -(-len(with_depth) // size)
            index[chosen] = np.concatenate([chance.permutation(size) for _ in range(laps)])[: len(chosen)]
            turn[chosen] = epoch * most + np.arange(len(chosen)) // size
    return _Order(with_depth, index, turn)

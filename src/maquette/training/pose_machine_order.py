"""Which rows a step of the pose machine's training sees: a function of the seed and the step."""

import numpy as np
from jaxtyping import Bool, Int

from maquette.errors import InputError


class SequenceOrder:
    """Stretches of consecutive frames, started at random.

    As published they start at any row and wrap at the end of the list, so that a stretch may lie across two videos;
    here only where the whole of it is in one.

    Args:
        continues: of every row, whether it goes on from the row before (the "clip" mark of the original's lists).
        frames: length of a stretch.
        sequences: stretches in a step.
        published: start anywhere.

    Raises:
        InputError: no video is long enough.
    """

    def __init__(
        self, continues: Bool[np.ndarray, " rows"], *, frames: int, sequences: int, seed: int, published: bool
    ) -> None:
        self.continues, self.frames, self.sequences = continues, frames, sequences
        self.seed, self.published = seed, published
        rows = len(continues)
        if published:
            self._starts = np.arange(rows if rows >= frames else 0)
        else:
            self._starts = whole_starts(continues, frames)
        if not len(self._starts):
            raise InputError(f"no video of the training data has {frames} frames; take more data or --sequence-frames")

    def rows(self, step: int) -> Int[np.ndarray, "sequences frames"]:
        """Rows of a step."""
        random = np.random.default_rng([self.seed, step])
        starts = random.choice(self._starts, size=self.sequences)
        return (starts[:, None] + np.arange(self.frames)) % len(self.continues)

    def marks(self, rows: Int[np.ndarray, "sequences frames"]) -> Bool[np.ndarray, "sequences frames"]:
        """Whether each frame goes on from the one before; the first one of a stretch never does."""
        marks = self.continues[rows]
        marks[:, 0] = False
        return marks


def whole_starts(continues: Bool[np.ndarray, " rows"], frames: int) -> Int[np.ndarray, " starts"]:
    """Rows at which ``frames`` consecutive frames of one video start."""
    if len(continues) < frames:
        return np.zeros(0, dtype=np.int64)
    inner = np.lib.stride_tricks.sliding_window_view(continues, frames)[:, 1:]
    return np.flatnonzero(inner.all(axis=1))


class StillOrder:
    """Still pictures: each once in an epoch, in a new order every time.

    As published they are shuffled once, and a step takes consecutive ones from a random place on, so that the same
    come together again and again. (The original shuffles anew when a step runs past the end of its list, which makes
    the order depend on the past; here such a step goes on at the front.)

    Raises:
        InputError: there are fewer pictures than a step takes.
    """

    def __init__(self, pictures: int, *, count: int, seed: int, published: bool) -> None:
        if pictures < count:
            raise InputError(
                f"{pictures} still pictures, fewer than the {count} of a step; take more, or fewer --stills"
            )
        self.pictures, self.count, self.seed, self.published = pictures, count, seed, published
        self._last = (-1, np.zeros(0, dtype=np.int64))

    def rows(self, step: int) -> Int[np.ndarray, " count"]:
        """Rows of a step."""
        per_epoch = self.pictures // self.count
        epoch, index = (0, 0) if self.published else divmod(step, per_epoch)
        known, shuffled = self._last  # one tuple, because several threads ask
        if epoch != known:
            shuffled = np.random.default_rng([self.seed, epoch, 1]).permutation(self.pictures)
            self._last = (epoch, shuffled)
        start = index * self.count
        if self.published:
            start = int(np.random.default_rng([self.seed, step, 2]).integers(self.pictures))
        return shuffled[(start + np.arange(self.count)) % self.pictures]

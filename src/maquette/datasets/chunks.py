"""Batches of windows in the order of the published chunk generator (Pavllo et al. 2019), gathered without a loop over
samples.

A chunk is ``stride`` frames in a row whose poses are wanted, with the frames around that the network sees to give them.
Sequences are continued at their ends by their first and last frame. Here this happens once: all sequences lie in one
array with their continuation, and mirrored a second time behind it, so that a window is a run of memory and a batch is
a copy of such runs. Human3.6M's training set (1.56 million frames, 17 joints in and out) takes 1.1 GB at 243 frames.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int

from maquette.datasets.buffers import Buffers
from maquette.datasets.sequences import Sequences
from maquette.errors import InputError
from maquette.skeleton import Skeleton

_BYTES_AT_ONCE = 1 << 19
"""Windows are copied in pieces of this size: NumPy puts them together in between, and that stays in the cache."""
MIRRORED_INTRINSICS = [2, 7]
"""The principal point in x and the tangential coefficient in x change sign in a mirror."""


@dataclass(frozen=True, eq=False)
class ChunkBatch:
    """What a network learns from in one step."""

    inputs: Float32[np.ndarray, "batch frames joints2 channels"]
    """``screen/v1``; receptive field + stride - 1 frames."""
    targets: Float32[np.ndarray, "batch stride joints 3"]
    """As in :class:`Sequences`: the root's place, and the other joints relative to it."""
    intrinsics: Float32[np.ndarray, "batch 9"]
    """Mirrored where the pose is."""


@dataclass(frozen=True, eq=False)
class ChunkTable:
    """All chunks of an epoch in their published order before shuffling: of each sequence, its chunks, then the same
    mirrored. A sequence whose length is no multiple of the stride is covered by chunks that reach over both ends."""

    sequence: Int[np.ndarray, " chunks"]
    first_frame: Int[np.ndarray, " chunks"]
    """Of the frames whose poses are wanted, counted from the start of the sequence; may be negative."""
    mirrored: Bool[np.ndarray, " chunks"]

    def __len__(self) -> int:
        return len(self.sequence)


class ChunkFeed:
    """Batches of chunks, any of any epoch in any order, each always the same.

    Args:
        sequences: what to cut.
        receptive_field: frames that the network sees for one pose; odd.
        stride: frames of one chunk whose poses are wanted.
        causal: the pose is that of the last frame seen, not of the middle one.
        batch_size: chunks of a batch; the last one of an epoch may be smaller.
        mirror: each chunk a second time, left and right exchanged.
        seed: of the order; 1234 published (4321 for the unlabelled half of semi-supervised training).
        shuffle: another order in each epoch; else that of :class:`ChunkTable`.

    Raises:
        InputError: a number is out of range.
    """

    def __init__(
        self,
        sequences: Sequences,
        *,
        receptive_field: int,
        stride: int = 1,
        causal: bool = False,
        batch_size: int,
        mirror: bool = True,
        seed: int = 1234,
        shuffle: bool = True,
    ) -> None:
        problems = [
            f"{name} {value}, expected 1 or more"
            for name, value in (("stride", stride), ("batch size", batch_size), ("receptive field", receptive_field))
            if value < 1
        ]
        if receptive_field % 2 == 0:
            problems.append(f"receptive field of {receptive_field} frames, expected an odd number")
        if problems:
            raise InputError.from_problems("chunks", problems)
        self.batch_size, self.stride, self.receptive_field = batch_size, stride, receptive_field
        self.chunks = chunk_table(sequences.starts, stride, mirror=mirror)
        before = receptive_field - 1 if causal else receptive_field // 2
        after = receptive_field - 1 - before
        inputs = _Runs(sequences.inputs, sequences.starts, before, after, stride)
        targets = _Runs(sequences.targets, sequences.starts, 0, 0, stride)
        if mirror:
            inputs.append_mirrored(sequences.input_skeleton)
            targets.append_mirrored(sequences.target_skeleton)
        self._inputs, self._targets = inputs, targets
        self._intrinsics = sequences.intrinsics
        self._order = _Order(len(self.chunks), seed) if shuffle else None

    def __len__(self) -> int:
        """Chunks of an epoch."""
        return len(self.chunks)

    @property
    def batches_per_epoch(self) -> int:
        return -(-len(self.chunks) // self.batch_size)

    @property
    def bytes(self) -> int:
        """Memory that the rows take."""
        return self._inputs.rows.nbytes + self._targets.rows.nbytes

    def chunks_of(self, epoch: int, index: int) -> Int[np.ndarray, " batch"]:
        """Which rows of :attr:`chunks` are in batch ``index`` of ``epoch``.

        Raises:
            InputError: there is no such batch.
        """
        if epoch < 0 or not 0 <= index < self.batches_per_epoch:
            raise InputError(f"batch {index} of epoch {epoch}, but an epoch has {self.batches_per_epoch} batches")
        first, last = index * self.batch_size, min((index + 1) * self.batch_size, len(self.chunks))
        return np.arange(first, last) if self._order is None else self._order.of_epoch(epoch)[first:last]

    def batch(self, epoch: int, index: int) -> ChunkBatch:
        """Batch ``index`` of ``epoch``, both from 0. Its memory is used again once nothing refers to it any more.

        Raises:
            InputError: there is no such batch.
        """
        chosen = self.chunks_of(epoch, index)
        sequence, first = self.chunks.sequence[chosen], self.chunks.first_frame[chosen]
        mirrored = self.chunks.mirrored[chosen]
        intrinsics = self._intrinsics[sequence]
        intrinsics[:, MIRRORED_INTRINSICS] *= np.where(mirrored, -1, 1)[:, None].astype(np.float32)
        return ChunkBatch(
            self._inputs.take(sequence, first, mirrored, self.receptive_field + self.stride - 1),
            self._targets.take(sequence, first, mirrored, self.stride),
            intrinsics,
        )

    def endless_batch(self, step: int) -> ChunkBatch:
        """Batch ``step`` of one epoch after the other without end: the published feeding of unlabelled data."""
        return self.batch(*divmod(step, self.batches_per_epoch))


def chunk_table(starts: Int[np.ndarray, " sequences_and_1"], stride: int, *, mirror: bool) -> ChunkTable:
    """All chunks of sequences that begin at rows ``starts``."""
    lengths = np.diff(starts)
    counts = -(-lengths // stride)
    copies = 2 if mirror else 1
    per_sequence = counts * copies
    sequence = np.repeat(np.arange(len(lengths)), per_sequence)
    place = np.arange(len(sequence)) - np.repeat(np.cumsum(per_sequence) - per_sequence, per_sequence)
    mirrored = place >= counts[sequence]
    overhang = (counts * stride - lengths) // 2
    first_frame = (place - mirrored * counts[sequence]) * stride - overhang[sequence]
    return ChunkTable(sequence, first_frame, mirrored)


class _Runs:
    """Rows of all sequences, each continued at its ends, such that frames in a row are rows in a row."""

    def __init__(
        self,
        values: Float32[np.ndarray, "rows joints channels"],
        starts: Int[np.ndarray, " sequences_and_1"],
        before: int,
        after: int,
        stride: int,
    ) -> None:
        # Chunks of several frames reach over the ends by themselves: by half of what is missing, or a frame more.
        self._seen_before = before
        overhang = int((-np.diff(starts) % stride).max(initial=0))
        before, after = before + overhang // 2, after + (overhang + 1) // 2
        lengths = np.diff(starts)
        padded = lengths + before + after
        self._frame_0 = np.cumsum(padded) - padded + before
        frame = np.arange(padded.sum()) - np.repeat(self._frame_0, padded)
        source = np.clip(frame, 0, np.repeat(lengths - 1, padded)) + np.repeat(starts[:-1], padded)
        self._joints_and_channels = values.shape[1:]
        self.rows = values.reshape(len(values), -1)[source]
        self._unmirrored = len(self.rows)
        self._buffers = Buffers()

    def append_mirrored(self, skeleton: Skeleton) -> None:
        """A second copy of all rows as in a mirror: x, the first channel, changes sign, left and right their places."""
        plain = self.rows.reshape(-1, *self._joints_and_channels)
        both = np.empty((2, *plain.shape), dtype=np.float32)
        both[0] = plain
        np.take(plain, skeleton.mirror_permutation, axis=1, out=both[1], mode="clip")
        both[1, ..., 0] *= -1
        self.rows = both.reshape(2 * len(plain), -1)

    def take(
        self,
        sequence: Int[np.ndarray, " batch"],
        first_frame: Int[np.ndarray, " batch"],
        mirrored: Bool[np.ndarray, " batch"],
        frames: int,
    ) -> Float32[np.ndarray, "batch frames joints channels"]:
        """For each chunk the rows of its frames and those that the network sees before and after them."""
        start = self._frame_0[sequence] + first_frame - self._seen_before + mirrored * self._unmirrored
        width = self.rows.shape[1]
        runs = np.lib.stride_tricks.as_strided(
            self.rows, (len(self.rows) - frames + 1, frames * width), self.rows.strides, writeable=False
        )
        out = self._buffers.get(len(start), frames * width)
        at_once = max(1, _BYTES_AT_ONCE // (frames * width * 4))
        for i in range(0, len(start), at_once):
            out[i : i + at_once] = runs[start[i : i + at_once]]
        return out.reshape(len(start), frames, *self._joints_and_channels)


class _Order:
    """The order of the chunks in each epoch: one random state drawn from again and again, as published."""

    def __init__(self, chunks: int, seed: int) -> None:
        self._chunks, self._seed = chunks, seed
        self._restart()

    def _restart(self) -> None:
        self._state, self._epoch = np.random.RandomState(self._seed), -1
        self._current: Int[np.ndarray, " chunks"] = np.arange(0)

    def of_epoch(self, epoch: int) -> Int[np.ndarray, " chunks"]:
        if epoch < self._epoch:
            self._restart()
        while self._epoch < epoch:
            self._current, self._epoch = self._state.permutation(self._chunks), self._epoch + 1
        return self._current

"""How fast windows are fed to a temporal network, against a plain loop over samples and against copying memory.

The loop does what the published generator does: for each sample it cuts the window out of its sequence, repeats the
frame at the end where the sequence is over, mirrors, and writes into a double-precision buffer, which the training
casts to single precision. The floor is a copy of as many bytes from one place in memory to another. Some batches of
each in turns, on one thread, by the processor's clock and by the clock on the wall.

python benchmarks/feeding.py [--rows 400000] [--sequences 150] [--receptive-field 243] [--batches 10]

Human3.6M's training set: --rows 1559752 --sequences 600
"""

import argparse
import os
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from maquette.datasets.chunks import ChunkBatch, ChunkFeed
from maquette.datasets.sequences import Label, Sequences
from maquette.skeletons import H36M_17


def made_up(rows: int, sequences: int) -> Sequences:
    """Sequences of different lengths; the values do not matter."""
    rng = np.random.default_rng(0)
    cuts = np.sort(rng.choice(np.arange(1, rows), sequences - 1, replace=False))
    return Sequences(
        inputs=rng.random((rows, 17, 2), dtype=np.float32),
        targets=rng.random((rows, 17, 3), dtype=np.float32),
        starts=np.concatenate([[0], cuts, [rows]]),
        labels=tuple(Label("S1", f"Walking {i}", "0") for i in range(sequences)),
        intrinsics=rng.random((sequences, 9), dtype=np.float32),
        input_skeleton=H36M_17,
        target_skeleton=H36M_17,
        image_sizes=np.full((sequences, 2), 1000),
    )


_ROUNDS = 5


class PlainLoop:
    """The published way, sample by sample."""

    def __init__(self, sequences: Sequences, receptive_field: int, batch_size: int) -> None:
        spans = [sequences.rows(i) for i in range(len(sequences))]
        self.inputs = [sequences.inputs[span] for span in spans]
        self.targets = [sequences.targets[span] for span in spans]
        self.cameras = list(sequences.intrinsics)
        self.pad = receptive_field // 2
        self.left, self.right = list(H36M_17.left), list(H36M_17.right)
        self.buffers = (
            np.empty((batch_size, receptive_field, 17, 2)),
            np.empty((batch_size, 1, 17, 3)),
            np.empty((batch_size, 9)),
        )

    def batch(self, samples: list[tuple[int, int, bool]]) -> tuple[torch.Tensor, ...]:
        inputs, targets, cameras = self.buffers
        for row, (sequence, first, is_mirrored) in enumerate(samples):
            inputs[row] = self._window(self.inputs[sequence], first - self.pad, first + 1 + self.pad)
            targets[row] = self._window(self.targets[sequence], first, first + 1)
            cameras[row] = self.cameras[sequence]
            if is_mirrored:
                for values in (inputs[row], targets[row]):
                    values[:, :, 0] *= -1
                    values[:, self.left + self.right] = values[:, self.right + self.left]
                cameras[row, [2, 7]] *= -1
        return tuple(torch.from_numpy(buffer[: len(samples)].astype(np.float32)) for buffer in self.buffers)

    @staticmethod
    def _window(values: np.ndarray, begin: int, end: int) -> np.ndarray:
        low, high = max(begin, 0), min(end, len(values))
        if (low, high) == (begin, end):
            return values[low:high]
        return np.pad(values[low:high], ((low - begin, end - high), (0, 0), (0, 0)), "edge")


def tensors(batch: ChunkBatch) -> tuple[torch.Tensor, ...]:
    return torch.from_numpy(batch.inputs), torch.from_numpy(batch.targets), torch.from_numpy(batch.intrinsics)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the processor and on the wall."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def compare(sequences: Sequences, receptive_field: int, batch_size: int, batches: int) -> None:
    feed = ChunkFeed(sequences, receptive_field=receptive_field, batch_size=batch_size)
    loop = PlainLoop(sequences, receptive_field, batch_size)
    feed.chunks_of(0, 0)  # the order of an epoch is drawn once
    source = np.ones((batch_size, receptive_field * 34 + 51), dtype=np.float32)
    target = np.ones_like(source)
    table, numbers = feed.chunks, range(batches)
    samples = []
    for index in numbers:
        chosen = feed.chunks_of(0, index)
        columns = table.sequence[chosen], table.first_frame[chosen], table.mirrored[chosen]
        samples.append(list(zip(*(column.tolist() for column in columns), strict=True)))
        for ours, plain in zip(tensors(feed.batch(0, index)), loop.batch(samples[index]), strict=True):
            assert torch.equal(ours, plain), "the two batches differ"
    work: dict[str, Callable[[int], object]] = {
        "plain loop": lambda index: loop.batch(samples[index]),
        "feed": lambda index: tensors(feed.batch(0, index)),
        "copy of memory": lambda _: np.copyto(target, source),
    }
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    for _ in range(_ROUNDS):
        for name, one_batch in work.items():
            seconds[name] += [timed(lambda index=index, one_batch=one_batch: one_batch(index)) for index in numbers]
    print(f"batch {batch_size}, {source.nbytes / 1e6:.1f} MB, median of {_ROUNDS} times {batches}")
    medians = {name: np.median(times, axis=0) for name, times in seconds.items()}
    for name, (cpu, wall) in medians.items():
        print(
            f"  {name:15} {cpu * 1e3:8.2f} ms {batch_size / cpu:12,.0f} samples/s"
            f"   (wall {wall * 1e3:8.2f} ms {batch_size / wall:12,.0f} samples/s)"
        )
    cpu, wall = medians["plain loop"] / medians["feed"]
    print(f"  feed / plain loop: {cpu:.1f}x (wall {wall:.1f}x)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--sequences", type=int, default=150)
    parser.add_argument("--receptive-field", type=int, default=243)
    parser.add_argument("--batches", type=int, default=10)
    options = parser.parse_args()
    sequences = made_up(options.rows, options.sequences)
    begin = time.process_time()
    feed = ChunkFeed(sequences, receptive_field=options.receptive_field, batch_size=1024)
    made = time.process_time() - begin
    begin = time.process_time()
    feed.chunks_of(0, 0)
    drawn = time.process_time() - begin
    print(
        f"{options.rows:,} frames in {options.sequences} sequences, mirrored too: {feed.bytes / 1e9:.2f} GB of rows, "
        f"made in {made:.2f} s; the order of an epoch of {len(feed):,} samples drawn in {drawn:.2f} s"
    )
    del feed
    for batch_size in (256, 1024):
        compare(sequences, options.receptive_field, batch_size, options.batches)


if __name__ == "__main__":
    main()

"""Whole sequences, one after the other, as temporal networks are evaluated on: every frame's pose in one pass."""

from collections.abc import Iterator

import numpy as np

from maquette.datasets.chunks import MIRRORED_INTRINSICS, ChunkBatch
from maquette.datasets.sequences import Sequences


def whole_sequences(
    sequences: Sequences, *, receptive_field: int, causal: bool = False, mirror: bool = False
) -> Iterator[ChunkBatch]:
    """Each sequence as one batch, continued at its ends such that a network gives as many poses as it has frames.

    Args:
        mirror: a second row with the mirrored sequence.
    """
    before = receptive_field - 1 if causal else receptive_field // 2
    after = receptive_field - 1 - before
    for i in range(len(sequences)):
        rows = sequences.rows(i)
        seen = sequences.inputs[rows]
        inputs = np.concatenate([np.repeat(seen[:1], before, 0), seen, np.repeat(seen[-1:], after, 0)])[None]
        targets, intrinsics = sequences.targets[rows][None].copy(), sequences.intrinsics[i : i + 1].copy()
        if mirror:
            inputs = np.concatenate([inputs, inputs[:, :, sequences.input_skeleton.mirror_permutation]])
            targets = np.concatenate([targets, targets[:, :, sequences.target_skeleton.mirror_permutation]])
            intrinsics = np.repeat(intrinsics, 2, 0)
            for values in (inputs, targets):
                values[1, ..., 0] *= -1
            intrinsics[1, MIRRORED_INTRINSICS] *= -1
        yield ChunkBatch(inputs, targets, intrinsics)

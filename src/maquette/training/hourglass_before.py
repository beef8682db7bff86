"""Weights that a training of a network of pictures starts from: a checkpoint of ours, or a published network."""

from pathlib import Path

from torch import Tensor

from maquette.training.checkpoint import read_checkpoint, weights_of

_OURS = b"PK"
"""How a zip archive begins, as which our checkpoints, and published ones of late, are written."""


def weights_of_pictures(path: Path) -> dict[str, Tensor]:
    """The weights in a file, by our names.

    Raises:
        InputError: it cannot be read.
        ModelError: it holds no network of pictures.
    """
    return weights_of(read_checkpoint(path))

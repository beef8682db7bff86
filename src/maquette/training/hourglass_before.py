"""Weights that a training of a network of pictures starts from: a checkpoint of ours, or a published network."""

import logging
import zipfile
from pathlib import Path

from torch import Tensor

from maquette.errors import InputError
from maquette.importers.hourglass import published_network
from maquette.importers.hourglass_pickle import holds_network
from maquette.importers.torch_file import read_torch_file, tensors_of
from maquette.training.checkpoint import read_checkpoint, weights_of
from maquette.training.plans import HourglassPreset

_log = logging.getLogger(__name__)


def weights_of_pictures(path: Path, preset: HourglassPreset) -> dict[str, Tensor]:
    """The weights in a file, by our names.

    Raises:
        InputError: it cannot be read, or its network was trained with the colours in another order than the preset has.
        ModelError: it holds no network of pictures.
    """
    if _is_ours(path):
        state = read_checkpoint(path)
        settings = state.get("settings", {})
        # Checkpoints of other networks are refused by their tensors.
        order, weights = settings.get("samples", {}).get("colour_order"), weights_of(state)
    else:
        network, facts, notes = published_network(path, input_size=preset.input_size)
        for note in notes:
            _log.info("%s", note)
        order, weights = facts["colour_order"], dict(network.state_dict())
    if order not in (None, preset.samples.colour_order):
        raise InputError(
            f"{path}: was trained with colours in the order {order}, not {preset.samples.colour_order}; go on with "
            f"--colour-order {order}"
        )
    return weights


def trunk_of_imagenet(path: Path) -> dict[str, Tensor]:
    """The weights of a residual network in a file of torchvision's.

    Raises:
        InputError: it cannot be read.
    """
    return tensors_of(read_torch_file(path), str(path))


def _is_ours(path: Path) -> bool:
    """Whether a file is one of our checkpoints, as far as can be seen without reading all of it."""
    if not zipfile.is_zipfile(path) or holds_network(path):
        return False
    return "schema" in read_torch_file(path)

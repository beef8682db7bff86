"""The self-supervised correction of the 3D pose machine as its program's pickle, or out of a snapshot of Caffe."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maquette.errors import InputError, ModelError
from maquette.formats.caffemodel import read_caffemodel
from maquette.formats.restricted_pickle import load_pickle
from maquette.refine.correction_weights import LAYERS, CorrectionSpec, CorrectionWeights

ATTRIBUTION = (
    "Network: Wang, Lin, Jiang, Qian and Wei 2020, 3D human pose machines with self-supervised learning (after Lin et "
    "al. 2017, Recurrent 3D pose sequence machines)"
)
LICENCE = "that of the checkpoint: academic research; Human3.6M, which it was trained on, allows academic use only"
_LARGEST_FILE = 1 << 30


@dataclass(frozen=True, eq=False)
class ImportedCorrection:
    """Weights made from a published file."""

    weights: CorrectionWeights
    notes: tuple[str, ...]
    """Lines for people: what was read and what was assumed."""


def import_correction(path: Path, *, name: str, batch_norm_scale: bool = False) -> ImportedCorrection:
    """The six layers that correct a 3D pose and predict its 2D.

    Args:
        path: the pickle that the published program refines with (twelve arrays), or the ``.caffemodel`` it is made of.
        name: of the weights.
        batch_norm_scale: multiply by 1/sqrt(1.001) three times, as the published program does by mistake.

    Raises:
        InputError: it cannot be read, or holds more than arrays.
        ModelError: arrays of another network; the text lists those that differ.
    """
    caffe = ".caffemodel" in path.name
    arrays = _of_snapshot(path) if caffe else _of_pickle(path)
    flag = " --batch-norm-scale yes" if batch_norm_scale else ""
    spec = CorrectionSpec(
        name=name,
        view="square-crop/v1",
        batch_norm_scale=batch_norm_scale,
        licence=LICENCE,
        training_data=f"Human3.6M and MPII, by its authors; {path.name}",
        attribution=ATTRIBUTION,
        command=f"maquette import-weights pose-machine-correction {path.name}{flag}",
    )
    try:
        weights = CorrectionWeights.from_arrays(arrays, spec)
    except ModelError as error:
        raise ModelError(f"{path}: {error}{_hint(arrays)}") from None
    width = len(weights.project_1.bias)
    notes = (
        f"read {path.name}: {'layers of the whole network' if caffe else f'{len(arrays)} arrays'}, hidden layers of "
        f"{width}, {weights.parameters:,} parameters",
        "limits of the 3D values: those of the published program (16 joints of Human3.6M, mean limb lengths)",
        "2D it explains: shares of a square crop around the person, which the published data alone have; its errors "
        "are measured by maquette evaluate --protocol pose-machine",
        "multiplied by 0.9995 three times, as the published program does"
        if batch_norm_scale
        else "without the factors 0.9995 of the published program, which nothing was trained with (--batch-norm-scale "
        "yes: with them)",
    )
    return ImportedCorrection(weights, notes)


def _of_snapshot(path: Path) -> list[np.ndarray]:
    """Weights ``(in, out)`` and biases of a ``.caffemodel``, where weights are ``(out, in)``."""
    net = read_caffemodel(path)
    missing = [name for name in LAYERS if name not in net.layers]
    if missing:
        raise ModelError(
            f"{path}: has no layer {', '.join(missing)}; the correction is in snapshots of the published training "
            "steps 3 (addsrr), 4 (finetune_whole) and 5 (mask3d)"
        )
    odd = [name for name in LAYERS if len(net.layers[name].blobs) != 2]
    if odd:
        raise ModelError(f"{path}: {', '.join(odd)}: expected two arrays, weight and bias")
    arrays = []
    for name in LAYERS:
        weight, bias = (_without_ones(b, rank) for b, rank in zip(net.layers[name].blobs, (2, 1), strict=True))
        arrays += [np.ascontiguousarray(weight.T), bias]
    return arrays


def _without_ones(blob: np.ndarray, rank: int) -> np.ndarray:
    """An array that an old file has four dimensions of, the first ones 1, with ``rank`` of them."""
    front = blob.shape[: max(blob.ndim - rank, 0)]
    return blob.reshape(blob.shape[len(front) :]) if set(front) <= {1} else blob


def _of_pickle(path: Path) -> list[np.ndarray]:
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE:
            raise InputError(f"{path}: {size} bytes are no correction weights, those have some ten million")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not data:
        raise InputError(f"{path}: is empty; copy it again")
    loaded = load_pickle(data, str(path))
    if not isinstance(loaded, list | tuple) or len(loaded) != 2 * len(LAYERS):
        found = f"{len(loaded)} values" if isinstance(loaded, list | tuple | dict) else f"a {type(loaded).__name__}"
        raise ModelError(
            f"{path}: holds {found}, expected a list of {2 * len(LAYERS)} arrays: weight (in, out) and bias of "
            f"{', '.join(LAYERS)}"
        )
    wrong = [i for i, array in enumerate(loaded) if not _is_numbers(array)]
    if wrong:
        raise ModelError(f"{path}: entries {', '.join(map(str, wrong))} of its list are no arrays of real numbers")
    with np.errstate(over="ignore"):
        # What is beyond single precision becomes infinite and is refused as that.
        return [np.asarray(array, dtype=np.float32) for array in loaded]


def _is_numbers(array: Any) -> bool:
    return isinstance(array, np.ndarray) and array.dtype.kind == "f"


def _hint(arrays: Sequence[np.ndarray]) -> str:
    """For those who made their pickle of Caffe's arrays as they are."""
    if arrays[0].ndim == 2 and arrays[0].shape[1] == 48 and arrays[0].shape[0] != 48:
        return "; its weights are stored (out, in), the published program has them (in, out): transpose all six"
    return ""

"""Layers of the 3D pose machine out of snapshots of Caffe (Wang et al. 2020, and the trunk's own training before it).

Layers are known by their names. Convolutions and full connections are stored as torch stores them, ``(out, in, height,
width)`` and ``(out, in)``; the gates of an LSTM stand in another order (``swap_gates``). Files from before the end of
2014 write every array with four dimensions.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from maquette.errors import ModelError
from maquette.formats.caffemodel import CaffeNet, read_caffemodel
from maquette.importers.torch_file import some_names
from maquette.models.pose_machine import PoseMachine
from maquette.models.pose_machine_lstm import swap_gates

_SHOWN = 12
_LSTM_BLOBS = 3
Layers = Mapping[str, tuple[nn.Parameter, ...]]


@dataclass(frozen=True)
class LayersTaken:
    """Which layers a file and a network have in common; names in the order of the network."""

    taken: tuple[str, ...]
    missing: tuple[str, ...]
    """Of the network; they stay as they were."""
    unknown: tuple[str, ...]
    """Of the file; they belong to other networks, for example the heat maps of the trunk's training."""

    def notes(self) -> tuple[str, ...]:
        """Lines for people."""
        lines = [f"taken over: {some_names(self.taken)}"]
        if self.missing:
            lines.append(f"not in the file: {some_names(self.missing)}")
        if self.unknown:
            lines.append(f"left out, of another network: {some_names(self.unknown)}")
        return tuple(lines)


def take_layers_from(network: PoseMachine, path: str | Path) -> LayersTaken:
    """Start ``network`` from the layers that the snapshot ``path`` has of it, as the published training steps do: the
    trunk of a convolutional pose machine, or the result of the step before.

    Raises:
        InputError: the file cannot be read.
        ModelError: no layer in common, or one of another shape.
    """
    net = read_caffemodel(path)
    return take_layers(network, net, str(path))


def take_layers(network: PoseMachine, net: CaffeNet, where: str) -> LayersTaken:
    """Give ``network`` the arrays of the layers of ``net`` that it has, too.

    Raises:
        ModelError: no layer in common, or arrays of other shapes, or not finite; the text lists them. The network is as
            it was.
    """
    layers = network.caffe_layers()
    common = common_layers(layers, net)
    if not common.taken:
        found = some_names(list(net.layers)) or "without arrays"
        raise ModelError(f"{where}: has no layer of the pose machine; its layers are {found}")
    refuse_others(layers, net, common.taken, where)
    with torch.no_grad():
        for name in common.taken:
            blobs = net.layers[name].blobs
            for parameter, blob in zip(layers[name], blobs, strict=True):
                values = np.array(blob, dtype=np.float32).reshape(parameter.shape)
                parameter.copy_(torch.from_numpy(swap_gates(values) if len(blobs) == _LSTM_BLOBS else values))
    return common


def common_layers(layers: Layers, net: CaffeNet) -> LayersTaken:
    """Which of the network's ``layers`` are in the file."""
    return LayersTaken(
        tuple(name for name in layers if name in net.layers),
        tuple(name for name in layers if name not in net.layers),
        tuple(name for name in net.layers if name not in layers),
    )


def refuse_others(layers: Layers, net: CaffeNet, names: Collection[str], where: str) -> None:
    """Compare the layers called ``names`` with those of the network.

    Raises:
        ModelError: a layer is missing, of another shape, or has values that are not finite; the text lists them.
    """
    missing = [name for name in names if name not in net.layers]
    problems = [f"{some_names(missing)}: not in the file"] if missing else []
    for name in names:
        if name in net.layers:
            problems += _differences(name, layers[name], net.layers[name].blobs)
    if problems:
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        lines = "".join(f"\n  - {problem}" for problem in problems[:_SHOWN] + more)
        raise ModelError(f"{where}: not the pose machine as published:{lines}")


def _differences(name: str, parameters: tuple[nn.Parameter, ...], blobs: tuple[np.ndarray, ...]) -> list[str]:
    expected = [tuple(parameter.shape) for parameter in parameters]
    seen = [blob.shape for blob in blobs]
    if len(seen) != len(expected) or not all(map(same_shape, seen, expected)):
        return [f"{name} has arrays of {_words(seen)}, expected {_words(expected)}"]
    broken = [i for i, blob in enumerate(blobs) if not np.isfinite(blob).all()]
    return [f"{name} has values that are not finite"] if broken else []


def same_shape(seen: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Whether an array is of the shape; one of four dimensions may have more of them in front, each 1."""
    return seen == expected or (len(seen) == 4 and seen == (1,) * (4 - len(expected)) + expected)


def _words(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(" x ".join(map(str, shape)) or "one value" for shape in shapes)

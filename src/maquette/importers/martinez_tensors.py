"""What 3d-pose-baseline and its port to PyTorch call the tensors of Martinez' network, and how they become ours."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from maquette.datasets.pose_statistics import INPUT_JOINTS, output_joints
from maquette.errors import ModelError
from maquette.models.martinez import ResidualNetwork

INPUTS = 2 * len(INPUT_JOINTS)
OUTPUTS = tuple(3 * len(output_joints(predict_14)) for predict_14 in (False, True))
_SHOWN = 12
_MOST_BLOCKS = 100
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Shape:
    """What the tensors tell about a network."""

    linear_size: int
    num_layers: int
    outputs: int
    batch_norm: bool


def tensorflow_shape(shapes: Shapes) -> Shape:
    """From the tensors of a TensorFlow checkpoint; where they make no sense the published sizes, so that the tensors
    that differ from them show."""
    first, last = shapes.get("linear_model/w1", ()), shapes.get("linear_model/w4", ())
    return Shape(
        linear_size=first[1] if len(first) == 2 else 1024,
        num_layers=_blocks(r"linear_model/two_linear_(\d+)/", shapes),
        outputs=last[1] if len(last) == 2 and last[1] in OUTPUTS else OUTPUTS[0],
        batch_norm=any("batch_normalization" in name for name in shapes),
    )


def pytorch_shape(shapes: Shapes) -> Shape:
    """From the tensors of a checkpoint of the port, likewise."""
    first, last = shapes.get("w1.weight", ()), shapes.get("w2.weight", ())
    return Shape(
        linear_size=first[0] if len(first) == 2 else 1024,
        num_layers=_blocks(r"linear_stages\.(\d+)\.", shapes),
        outputs=last[0] if len(last) == 2 and last[0] in OUTPUTS else OUTPUTS[0],
        batch_norm=True,
    )


def _blocks(pattern: str, shapes: Shapes) -> int:
    """How many blocks there are if they are numbered without gaps (a gap then shows as missing tensors)."""
    numbers = [int(match[1][:4]) for name in shapes if (match := re.match(pattern, name))]
    return min(max(numbers, default=-1) + 1, _MOST_BLOCKS)


def tensorflow_names(shape: Shape) -> dict[str, str]:
    """Our names of tensors -> TensorFlow's."""
    names = {}
    for layer, (weight, bias, norm) in _tensorflow_layers(shape):
        names[f"{layer}.weight"], names[f"{layer}.bias"] = f"linear_model/{weight}", f"linear_model/{bias}"
        if shape.batch_norm and norm:
            parts = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
            for ours, theirs in parts.items():
                names[f"{layer.removesuffix('linear')}norm.{ours}"] = f"linear_model/{norm}/{theirs}"
    return names


def _tensorflow_layers(shape: Shape) -> Iterator[tuple[str, tuple[str, str, str]]]:
    yield "first.linear", ("w1", "b1", "batch_normalization")
    for i in range(shape.num_layers):
        for k, part in ((1, "first"), (2, "second")):
            scope = f"two_linear_{i}"
            names = f"{scope}/w{k + 1}_{i}", f"{scope}/b{k + 1}_{i}", f"{scope}/batch_normalization{k}{i}"
            yield f"blocks.{i}.{part}.linear", names
    yield "last", ("w4", "b4", "")


def pytorch_names(shape: Shape) -> dict[str, str]:
    """Our names of tensors -> those of the port."""
    layers = {"first.linear": "w1", "first.norm": "batch_norm1", "last": "w2"}
    for i in range(shape.num_layers):
        for k, part in ((1, "first"), (2, "second")):
            layers[f"blocks.{i}.{part}.linear"] = f"linear_stages.{i}.w{k}"
            layers[f"blocks.{i}.{part}.norm"] = f"linear_stages.{i}.batch_norm{k}"
    return {
        f"{ours}.{part}": f"{theirs}.{part}"
        for ours, theirs in layers.items()
        for part in ("weight", "bias", *(("running_mean", "running_var") if ours.endswith("norm") else ()))
    }


def network_of(
    shape: Shape,
    names: Mapping[str, str],
    shapes: Shapes,
    own: set[str],
    read: Callable[[str], np.ndarray],
    where: str,
    *,
    transposed: bool,
    residual: bool = True,
    max_norm: bool = False,
) -> ResidualNetwork:
    """The network with a checkpoint's tensors, in evaluation mode.

    Args:
        names: our names of tensors -> the checkpoint's.
        shapes: of all tensors of the checkpoint.
        own: names of those that belong to the network, not to the training.
        read: a tensor by its name in the checkpoint.
        where: the checkpoint, for errors.
        transposed: matrices are stored input-major.

    Raises:
        ModelError: the tensors are those of another network; the text lists all that differ, up to a dozen.
    """
    # No memory is taken before it is known that the file has as many numbers.
    with torch.device("meta"):
        network = ResidualNetwork(
            INPUTS, shape.outputs, linear_size=shape.linear_size, num_layers=shape.num_layers,
            batch_norm=shape.batch_norm, residual=residual, max_norm=max_norm,
        )  # fmt: skip
    state = network.state_dict()
    turned = {ours: transposed and state[ours].ndim == 2 for ours in names}
    problems = []
    for ours, theirs in names.items():
        expected = tuple(state[ours].shape)[:: -1 if turned[ours] else 1]
        if theirs not in shapes:
            problems.append(f"{theirs} is missing, expected shape {expected}")
        elif shapes[theirs] != expected:
            problems.append(f"{theirs} has shape {shapes[theirs]}, expected {expected}")
    strange = sorted(own - set(names.values()))
    problems += [f"{theirs} of shape {shapes[theirs]} does not belong to this network" for theirs in strange]
    _refuse(problems, where)
    values = {ours: np.asarray(read(theirs), dtype=np.float32) for ours, theirs in names.items()}
    _refuse(
        [f"{names[ours]} has values that are not finite" for ours, v in values.items() if not np.isfinite(v).all()],
        where,
    )
    tensors = {ours: torch.tensor(v.T if turned[ours] else v) for ours, v in values.items()}
    counters = {name: torch.tensor(0) for name in state if name.endswith("num_batches_tracked")}
    network.load_state_dict({**tensors, **counters}, assign=True)
    return network.eval()


def _refuse(problems: list[str], where: str) -> None:
    if problems:
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        lines = "".join(f"\n  - {problem}" for problem in problems[:_SHOWN] + more)
        raise ModelError(f"{where}: not the network of Martinez et al. as published:{lines}")

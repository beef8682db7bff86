"""How the 3D pose machine (Wang et al. 2019) is trained: what each stage starts from, what moves, and how fast.

===== ================================ ======================================== ====== =================================
stage starts from                      moves, with its factors (weight, bias)   rate   loss
===== ================================ ======================================== ====== =================================
1     nothing                          a network of its own around the trunk    1e-4   2D: heatmaps, or coordinates
2     the trunk of stage 1             adaption and fc 1, 2; LSTMs 1, 1;        1e-4   coarse 3D
                                       fc-final 10, 20
3     stage 2; the correction anew     the correction alone: change 2, 2;       1e-4   corrected 3D and its bones,
                                       project_2d 5, 5; the others 1, 2                projected 2D
4     stage 3                          everything 1, 1; fc-final 2, 2           1e-5   these, coarse 3D and its bones
5     stage 4                          everything but the trunk 1, 1;           1e-5   these and the bones of the 2D;
                                       change and project_2d 2, 2                      joints are hidden
===== ================================ ======================================== ====== =================================

The learning rate is constant and the norm of the whole gradient is clipped at 5. Caffe multiplies the rate of weights
and biases of each layer by factors; layers that are not named have 1. In stages 4 and 5 the network of the sources
names few of them. The network that sees 2D points has no trunk: its other layers are those of the adaption.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from maquette.errors import ModelError
from maquette.models.martinez_recipe import ADAM_EPS, TensorFlowAdam
from maquette.models.pose_machine import FC_FINAL, PoseMachine
from maquette.models.pose_machine_correction import LAYERS as CORRECTION
from maquette.models.pose_machine_fronts import ImageFront
from maquette.models.rie_stages import state_differences

STAGES = (1, 2, 3, 4, 5)
FACTOR = "factor"
"""Key of an optimiser's group: what the learning rate is multiplied with in it."""
_TRUNK = "front.trunk."
_PRETRAINED = "trunk."
_NAMED = 12


class Factors(NamedTuple):
    """On the learning rate."""

    weight: float
    bias: float


_ONE = Factors(1, 1)
_NAMED_FACTORS: dict[int, dict[str, Factors]] = {
    2: {"lstm1": _ONE, "lstm2": _ONE, FC_FINAL: Factors(10, 20)},
    3: {"change": Factors(2, 2), "project_2d": Factors(5, 5)},
    4: {FC_FINAL: Factors(2, 2)},
    5: {"change": Factors(2, 2), "project_2d": Factors(2, 2)},
}
_OTHER_FACTORS = {2: Factors(1, 2), 3: Factors(1, 2), 4: _ONE, 5: _ONE}


def layer_factors(network: PoseMachine, stage: int) -> dict[str, Factors]:
    """Layer, by its published name -> its factors; layers that are frozen in ``stage`` are not in it."""
    trunk = _trunk_layers(network)
    named, others = _NAMED_FACTORS[stage], _OTHER_FACTORS[stage]
    frozen: Iterable[str] = {2: {*trunk, *CORRECTION}, 3: (), 4: (), 5: trunk}[stage]
    moving = CORRECTION if stage == 3 else [name for name in network.caffe_layers() if name not in frozen]
    return {name: named.get(name, others) for name in moving}


def _trunk_layers(network: PoseMachine) -> set[str]:
    if not isinstance(network.front, ImageFront):
        return set()
    return {name for name, _ in network.front.trunk.named_children()}


def freeze_for_stage(network: PoseMachine, stage: int) -> list[str]:
    """Turns off the gradients of what ``stage`` does not train, and on of all else; gives the names of what is
    frozen."""
    layers, moving = network.caffe_layers(), layer_factors(network, stage)
    for name, parameters in layers.items():
        for parameter in parameters:
            parameter.requires_grad_(name in moving)
    return [name for name, parameter in network.named_parameters() if not parameter.requires_grad]


def stage_optimiser(network: PoseMachine, stage: int, learning_rate: float) -> torch.optim.Optimizer:
    """Adam, with a group for each factor of the stage.

    Caffe's Adam divides by the uncorrected root of the second moment plus epsilon, as TensorFlow's does (``eps_hat`` in
    its ``adam_solver.cpp``; the form at the end of section 2 of Kingma and Ba).
    """
    groups: dict[float, list[nn.Parameter]] = {}
    layers = network.caffe_layers()
    for name, factors in layer_factors(network, stage).items():
        weight, bias, *state_weight = layers[name]
        groups.setdefault(factors.weight, []).extend([weight, *state_weight])
        groups.setdefault(factors.bias, []).append(bias)
    return TensorFlowAdam(
        [{"params": groups[f], "lr": learning_rate * f, FACTOR: f} for f in sorted(groups)],
        lr=learning_rate,
        betas=(0.9, 0.999),
        eps=ADAM_EPS,
    )


def load_stage(network: PoseMachine, state: Mapping[str, Tensor], stage: int) -> list[str]:
    """Weights of the stage before into ``network``; gives the names of the tensors that were loaded.

    Args:
        network: one with fresh weights.
        state: of stage 1 (tensors that begin with ``trunk.``) for stage 2, else of a pose machine.

    Raises:
        ModelError: tensors are missing or of another shape; the text names the first of them.
    """
    wanted = dict(network.state_dict())
    if stage == 2:
        state = _as_trunk(state)
        wanted = {name: tensor for name, tensor in wanted.items() if name.startswith(_TRUNK)}
    if stage == 3:
        wanted = {name: tensor for name, tensor in wanted.items() if not name.startswith("correction.")}
    found = {name: tensor for name, tensor in state.items() if name in wanted}
    strange = sum(name not in network.state_dict() for name in state)
    if problems := state_differences(wanted, found):
        listed = "".join(f"\n  - {problem}" for problem in problems[:_NAMED])
        if len(problems) > _NAMED:
            listed += f"\n  - and {len(problems) - _NAMED} more"
        if strange:
            listed += f"\n  - {strange} tensors that this network does not have"
        raise ModelError(
            f"the weights of stage {stage - 1} do not fit the network of stage {stage} (those of another stage, of "
            f"another front or width?):{listed}"
        )
    network.load_state_dict(found, strict=False)
    return list(found)


def _as_trunk(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The trunk of a network that gives 2D, or of a pose machine, by the names of the latter."""
    return {
        _TRUNK + name.removeprefix(_PRETRAINED) if name.startswith(_PRETRAINED) else name: tensor
        for name, tensor in state.items()
        if name.startswith((_PRETRAINED, _TRUNK))
    }

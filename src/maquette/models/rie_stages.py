"""The three stages in which relative information encoding is trained.

===== ============================================ ======================================== =====================
stage loaded                                       trained                                  published
===== ============================================ ======================================== =====================
1     nothing                                      all; there is no fusion                  80 epochs from 1e-3
2     encoders and global branch of stage 1        fusion and decoders (these start anew)   80 epochs from 1e-3
3     everything of stage 2                        all                                      80 epochs from 5e-4
===== ============================================ ======================================== =====================

The published code picks what it loads and freezes by counting tensors, which is right for five filter widths only.
Here it goes by the names of the parts; for five widths the result is the same.
"""

from collections.abc import Mapping
from math import exp, log

import torch
from torch import Tensor, nn

from maquette.errors import InputError, ModelError
from maquette.models.rie import LocalEncoder, RelativeEncodingNetwork

FIRST_MOMENTUM, LAST_MOMENTUM = 0.1, 0.001
_NAMED = 12
"""Tensors that an error names; a whole network has hundreds."""


def load_stage(network: RelativeEncodingNetwork, state: Mapping[str, Tensor] | None, stage: int) -> list[str]:
    """Weights of the stage before into ``network``; gives the names of the tensors that were loaded.

    Args:
        network: built for ``stage``.
        state: state dict of the stage before; None for stage 1, which starts with nothing.
        stage: the one that is about to be trained.

    Raises:
        InputError: a stage without the weights that it builds on, or the other way round.
        ModelError: the network is not one of that stage, or tensors differ; the text names the first of them.
    """
    _check_stage(network, stage)
    if (state is None) != (stage == 1):
        raise InputError(
            "stage 1 starts with fresh weights, it takes none"
            if stage == 1
            else f"stage {stage} builds on the weights of stage {stage - 1}: give its checkpoint"
        )
    if state is None:
        return []
    wanted = network.state_dict()
    if stage == 2:
        parts = tuple(f"{name}." for name in network.shared_parts)
        wanted = {name: tensor for name, tensor in wanted.items() if name.startswith(parts)}
        state = {name: tensor for name, tensor in state.items() if name.startswith(parts)}
    if problems := state_differences(wanted, state):
        listed = "".join(f"\n  - {problem}" for problem in problems[:_NAMED])
        if len(problems) > _NAMED:
            listed += f"\n  - and {len(problems) - _NAMED} more"
        raise ModelError(
            f"the weights of stage {stage - 1} do not fit the network of stage {stage} (those of another stage, or of "
            f"other widths?):{listed}"
        )
    network.load_state_dict(dict(state), strict=False)
    return list(wanted)


def state_differences(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    """What is missing, strange or of another shape in ``found``, one line for each tensor."""
    problems = [f"{name} {tuple(wanted[name].shape)} is missing" for name in wanted if name not in found]
    problems += [f"{name} {tuple(found[name].shape)} is not expected" for name in found if name not in wanted]
    for name in wanted:
        if name in found and wanted[name].shape != found[name].shape:
            problems.append(f"{name} has shape {tuple(found[name].shape)}, expected {tuple(wanted[name].shape)}")
    return problems


def freeze_for_stage(network: RelativeEncodingNetwork, stage: int, *, freeze_batch_norm: bool = False) -> list[str]:
    """Turns off the gradients of what ``stage`` does not train, and on of all else; gives the names of what is frozen.

    As published, the frozen parts of stage 2 stay in training mode: dropout is on, and the running statistics of their
    batch norms go on drifting. With ``freeze_batch_norm`` these statistics are used and kept instead.
    """
    _check_stage(network, stage)
    network.requires_grad_(True)
    if stage == 2:
        for part in network.shared_parts.values():
            part.requires_grad_(False)
    network.keeps_shared_statistics = freeze_batch_norm and stage == 2
    network.train(network.training)
    return [name for name, parameter in network.named_parameters() if not parameter.requires_grad]


def published_optimiser(network: nn.Module, learning_rate: float) -> torch.optim.AdamW:
    """AdamW as published for all parameters that are not frozen; weight decay also on biases and batch norms."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(
        parameters, lr=learning_rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, amsgrad=True
    )


def batch_norm_momentum(epoch: int, epochs: int) -> float:
    """Momentum of the temporal batch norms after ``epoch`` of ``epochs`` epochs: from 0.1 down to 0.001, evenly in
    logarithm. It is 0.1 during the first epoch."""
    return FIRST_MOMENTUM * exp(-epoch / epochs * log(FIRST_MOMENTUM / LAST_MOMENTUM))


def set_temporal_momentum(network: RelativeEncodingNetwork, momentum: float) -> int:
    """Sets it in all batch norms of the encoders, and only there, as published; gives how many these are."""
    norms = [
        module
        for encoder in network.modules()
        if isinstance(encoder, LocalEncoder)
        for module in encoder.modules()
        if isinstance(module, nn.BatchNorm1d | nn.SyncBatchNorm)
    ]
    for norm in norms:
        norm.momentum = momentum
    return len(norms)


def _check_stage(network: RelativeEncodingNetwork, stage: int) -> None:
    if stage not in (1, 2, 3):
        raise InputError(f"stage {stage}, expected 1, 2 or 3")
    if (network.stage == 1) != (stage == 1):
        raise ModelError(f"the network was built for stage {network.stage}, it cannot be trained as stage {stage}")

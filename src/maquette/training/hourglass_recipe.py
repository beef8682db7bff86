"""How the weakly-supervised hourglass is trained: what moves, how fast, from which weights, with which norms.

Three stages were published (Zhou et al. 2017): 2D alone; depths where they are known; the geometry of bodies where they
are not. All have the same network; a stage is a choice of two weights in the loss, and of the checkpoint before it.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from maquette.errors import ModelError
from maquette.models.deconv_pose import DeconvPose, Head
from maquette.models.hourglass import HourglassDepth
from maquette.training.plans import HourglassPreset

PictureNetwork = HourglassDepth | DeconvPose
_LEAST_CHANNELS = 4
"""Of a group of a group norm."""
_NAMED = 12
"""Tensors that an error names; a whole network has hundreds."""


def build_network(preset: HourglassPreset) -> PictureNetwork:
    """The network of a preset, with fresh weights from torch's global random state."""
    if preset.kind == "deconv":
        heads: tuple[Head, ...] = ("hm", "depth") if preset.depth else ("hm",)
        network: PictureNetwork = DeconvPose(preset.layers, heads, input_size=preset.input_size)
    else:
        network = HourglassDepth(
            preset.stacks,
            preset.modules,
            preset.feats,
            preset.reg_modules,
            input_size=preset.input_size,
            depth=preset.depth,
        )
    set_norms(network, preset)
    if preset.freezes_depth:
        for name, parameter in network.named_parameters():
            if is_of_depth(network, name):
                parameter.requires_grad_(False)
    return network


def set_norms(network: nn.Module, preset: HourglassPreset) -> None:
    """Group norms in the place of batch norms, or batch norms with the preset's momentum and first weights."""
    for parent in list(network.modules()):
        for name, norm in list(parent.named_children()):
            if not isinstance(norm, nn.BatchNorm2d):
                continue
            if preset.norm == "group":
                channels = norm.num_features
                # Of single values, which the lowest resolution of small pictures has, nothing would be left.
                groups = math.gcd(preset.norm_groups, channels, max(channels // _LEAST_CHANNELS, 1))
                setattr(parent, name, nn.GroupNorm(groups, channels))
                continue
            norm.momentum = preset.norm_momentum
            if preset.norm_weights == "random":
                nn.init.uniform_(norm.weight)


def is_of_depth(network: nn.Module, name: str) -> bool:
    """Whether a tensor serves depths alone: that of the depth branch, and what the last hourglass adds to the features
    that nothing else sees."""
    if isinstance(network, DeconvPose):
        return name.startswith("depth.")
    last = f"stacks.{network.n_stack - 1}." if isinstance(network, HourglassDepth) else ""
    return name.startswith(("depth.", f"{last}from_features.", f"{last}from_heatmap."))


def load_before(network: PictureNetwork, state: Mapping[str, Tensor], source: str) -> list[str]:
    """The weights of the stage before into ``network``; gives the names of the tensors that were loaded.

    What one of them has for depths alone may be missing in the other: it stays as it was drawn, or is left out.

    Raises:
        ModelError: other tensors are missing, or have another shape; the text names the first of them.
    """
    wanted = network.state_dict()
    problems = [
        f"{name} {tuple(tensor.shape)} is missing"
        for name, tensor in wanted.items()
        if name not in state and not is_of_depth(network, name)
    ]
    problems += [
        f"{name} {tuple(tensor.shape)} is not of this network"
        for name, tensor in state.items()
        if name not in wanted and not is_of_depth(network, name)
    ]
    problems += [
        f"{name} has shape {tuple(tensor.shape)}, expected {tuple(wanted[name].shape)}"
        for name, tensor in state.items()
        if name in wanted and tensor.shape != wanted[name].shape
    ]
    if problems:
        listed = "".join(f"\n  - {problem}" for problem in problems[:_NAMED])
        listed += f"\n  - and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise ModelError(
            f"{source}: its weights do not fit this network (other sizes, or another kind of norm?):{listed}"
        )
    found = {name: tensor for name, tensor in state.items() if name in wanted}
    network.load_state_dict(found, strict=False)
    return list(found)


def make_optimizer(network: nn.Module, preset: HourglassPreset) -> torch.optim.Optimizer:
    """RMSprop or Adam as published, or AdamW, whose decay is on matrices only."""
    moving = [p for p in network.parameters() if p.requires_grad]
    rate, decay = preset.learning_rate, preset.weight_decay
    if preset.optimizer == "rmsprop":
        return torch.optim.RMSprop(
            moving, lr=rate, alpha=preset.alpha, eps=preset.epsilon, momentum=preset.momentum, weight_decay=decay
        )
    if preset.optimizer == "adam":
        return torch.optim.Adam(moving, lr=rate, eps=preset.epsilon, weight_decay=decay)
    groups: list[dict[str, Any]] = [
        {"params": [p for p in moving if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in moving if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, eps=preset.epsilon)


def learning_rate(preset: HourglassPreset, step: int, *, steps_per_epoch: int) -> float:
    """Of a step: with drops, those of the epochs that are done; with a cosine, the warm-up and the fall to zero."""
    if preset.schedule == "drops":
        done = step // steps_per_epoch
        return preset.learning_rate * preset.drop_factor ** sum(done >= epoch for epoch in preset.drop_epochs)
    total = preset.epochs * steps_per_epoch
    warm = min(1.0, (step + 1) / max(preset.warmup_steps, 1))
    return preset.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / total))


def batch_norms(network: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """Those of several processes, too."""
    return [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]


@contextmanager
def batch_statistics(network: nn.Module) -> Iterator[None]:
    """In evaluation, batch norms normalise by the batch that they see, as in training, and keep nothing of it.

    A network whose running statistics are no good (small batches, weights that move fast) is right in training and
    wrong in evaluation; the difference of the two shows it.
    """
    kept = [(norm, norm.running_mean, norm.running_var) for norm in batch_norms(network)]
    try:
        for norm, _, _ in kept:
            norm.running_mean, norm.running_var = None, None
        yield
    finally:
        for norm, mean, variance in kept:
            norm.running_mean, norm.running_var = mean, variance

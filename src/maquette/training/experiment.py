"""What a training has to say for itself; :mod:`maquette.training.lightning_run` does the rest for any of them."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from maquette.training.share import SOLE, Share

__all__ = ["SOLE", "Experiment", "Share", "device_of", "dtype_of"]


@runtime_checkable
class Experiment(Protocol):
    """A network, its data and its recipe, in plain torch.

    Everything is a function of the step (counted from 0), so that a run that was stopped can go on as if it had not
    been. A batch is a (named) tuple of tensors and numbers.
    """

    network: nn.Module
    share: Share
    total_steps: int
    samples_per_step: int
    loss_column: str
    """Name of the loss in the log."""
    loss_scale: float
    """From the loss to what stands in the log (1000: metres to millimetres)."""
    metrics: tuple[str, ...]
    """Names of what a validation measures; the first decides which weights are the best."""
    mean_decay: float | None
    """Of a running mean of the weights, which is then what is validated and exported; None: no such mean."""
    clip_norm: float | None
    """Largest norm of the gradient."""

    def make_optimizer(self) -> torch.optim.Optimizer:
        """The optimiser, once the network is on its device."""
        ...

    def learning_rate(self, step: int) -> float: ...

    def before_step(self, step: int) -> None:
        """Whatever else changes with the step. May be called again for the same step."""

    def batches(self, first: int) -> AbstractContextManager[Iterator[Any]]:
        """This process's part of the batches of steps ``first``, ``first + 1``, ... up to the last step."""
        ...

    def loss(self, batch: Any) -> Tensor:
        """What is minimised in a step; the network is in training mode and in the precision of the run."""
        ...

    def validates_after(self, steps: int) -> bool:
        """Whether to validate when ``steps`` steps are done (at the end of a run it is done anyway)."""
        ...

    def validate(self) -> Mapping[str, float]:
        """``metrics`` of the network as it is, in evaluation mode, without gradients; empty without test data."""
        ...

    def facts(self) -> dict[str, Any]:
        """Plain values and tensors that tell these data from others, and that the export needs beside the preset and
        the weights."""
        ...


def device_of(network: nn.Module) -> torch.device:
    """Where a network's weights are."""
    return next(network.parameters()).device


def dtype_of(network: nn.Module) -> torch.dtype:
    """The type of a network's weights."""
    return next(network.parameters()).dtype

"""How Martinez et al. 2017 train: loss, optimiser, learning rate."""

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

ADAM_EPS = 1e-8


def squared_error(predicted: Float[Tensor, "batch values"], target: Float[Tensor, "batch values"]) -> Float[Tensor, ""]:
    """Mean over poses and coordinates of the squared difference of standard scores."""
    return F.mse_loss(predicted, target)


class TensorFlowAdam(torch.optim.Adam):
    """Adam with epsilon beside the uncorrected root of the second moment, as TensorFlow has it and Kingma and Ba's own
    efficient form.

    torch adds it after the correction, which makes it 30 times smaller at the first step. Where gradients are as small
    as epsilon, and behind norms that are clipped to 1 some are, the weights after a few steps differ by a permille.
    """

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; see :class:`torch.optim.Adam`."""
        for group in self.param_groups:
            done = [int(self.state[p]["step"]) for p in group["params"] if "step" in self.state.get(p, {})]
            group["eps"] = ADAM_EPS / math.sqrt(1 - group["betas"][1] ** (max(done, default=0) + 1))
        return super().step(closure)


def make_optimizer(network: nn.Module, *, learning_rate: float = 1e-3) -> TensorFlowAdam:
    """The published optimiser; no weight decay."""
    return TensorFlowAdam(network.parameters(), lr=learning_rate, betas=(0.9, 0.999), eps=ADAM_EPS)


def learning_rate(step: int, *, start: float = 1e-3, decay: float = 0.96, decay_steps: int = 100_000) -> float:
    """For step ``step``, counted from 0: falls by the factor ``decay`` over ``decay_steps`` steps, continuously."""
    return start * decay ** (step / decay_steps)

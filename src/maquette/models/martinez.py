"""The residual network of Martinez et al. 2017, "A simple yet effective baseline for 3D human pose estimation"."""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

BATCH_NORM_EPS, BATCH_NORM_MOMENTUM = 1e-3, 0.01
"""TensorFlow's defaults, as published (torch's own differ and change the outputs)."""
MaxNorm = bool | Literal["per_row"]


class MaxNormLinear(nn.Linear):
    """A linear layer that can clip the Frobenius norm of its whole weight matrix to 1 in the forward pass.

    The stored weights are not clipped, and gradients flow through the norm, as in the published code. ``per_row`` clips
    what goes into each unit instead, which is what the paper's words say.
    """

    def __init__(self, inputs: int, outputs: int, *, max_norm: MaxNorm) -> None:
        super().__init__(inputs, outputs)
        self.max_norm = max_norm

    def effective_weight(self) -> Tensor:
        """The matrix that is applied."""
        if not self.max_norm:
            return self.weight
        if self.max_norm == "per_row":
            return self.weight / torch.clamp(torch.linalg.vector_norm(self.weight, dim=1, keepdim=True), min=1.0)
        return self.weight / torch.clamp(torch.linalg.matrix_norm(self.weight), min=1.0)

    def reset_parameters(self) -> None:
        """Kaiming's scale, a normal cut at two sigma; the bias likewise, with its own length as fan-in (published)."""
        for parameter, fan_in in ((self.weight, self.in_features), (self.bias, self.out_features)):
            nn.init.trunc_normal_(parameter, a=-2, b=2)
            with torch.no_grad():
                parameter.mul_(math.sqrt(2 / fan_in))

    def forward(self, input: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch outputs"]:
        return F.linear(input, self.effective_weight(), self.bias)


class BiasedBatchNorm(nn.BatchNorm1d):
    """A batch norm whose running variance is the mean of the batches' own variances, as TensorFlow's.

    torch's counts each ``n / (n - 1)`` times, 1.6 % more for the published batch of 64. (So does the batch norm across
    GPUs that takes its place when several train together.)
    """

    def forward(self, input: Float[Tensor, "batch values"]) -> Float[Tensor, "batch values"]:
        running = self.running_var
        if not self.training or running is None or self.momentum is None or self.num_batches_tracked is None:
            return super().forward(input)
        # A copy: torch keeps the variance that it is given for the backward pass.
        torchs = running.clone()
        y = F.batch_norm(input, self.running_mean, torchs, self.weight, self.bias, True, self.momentum, self.eps)
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            running.copy_(torchs - (torchs - running * (1 - self.momentum)) / len(input))
        return y


class ResidualStage(nn.Module):
    """Linear, batch norm, ReLU, dropout."""

    def __init__(self, inputs: int, outputs: int, *, batch_norm: bool, max_norm: MaxNorm, dropout: float) -> None:
        super().__init__()
        self.linear = MaxNormLinear(inputs, outputs, max_norm=max_norm)
        self.norm = BiasedBatchNorm(outputs, BATCH_NORM_EPS, BATCH_NORM_MOMENTUM) if batch_norm else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch outputs"]:
        x = self.linear(x)
        if self.norm is not None:
            x = self.norm(x)
        return self.dropout(F.relu(x))


class ResidualBlock(nn.Module):
    def __init__(self, width: int, *, residual: bool, batch_norm: bool, max_norm: MaxNorm, dropout: float) -> None:
        super().__init__()
        self.first = ResidualStage(width, width, batch_norm=batch_norm, max_norm=max_norm, dropout=dropout)
        self.second = ResidualStage(width, width, batch_norm=batch_norm, max_norm=max_norm, dropout=dropout)
        self.residual = residual

    def forward(self, x: Float[Tensor, "batch width"]) -> Float[Tensor, "batch width"]:
        y = self.second(self.first(x))
        return x + y if self.residual else y


class ResidualNetwork(nn.Module):
    """Input layer, ``num_layers`` blocks of two layers with a skip connection, output layer.

    Args:
        inputs, outputs: values of one pose in and out; (32, 48) in the paper: 16 joints in 2D and in 3D.
        linear_size: width; 1024 in the paper.
        num_layers: blocks; 2 in the paper.
        residual, batch_norm, max_norm: the paper's switches, by the names of its code; max_norm True is what its code
            does, "per_row" what its text says.
        dropout: probability of dropping (the published flag is the probability of keeping).

    With the defaults it has 4,291,632 parameters.
    """

    def __init__(
        self,
        inputs: int = 32,
        outputs: int = 48,
        *,
        linear_size: int = 1024,
        num_layers: int = 2,
        residual: bool = True,
        batch_norm: bool = True,
        max_norm: MaxNorm = True,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.first = ResidualStage(inputs, linear_size, batch_norm=batch_norm, max_norm=max_norm, dropout=dropout)
        self.blocks = nn.ModuleList(
            ResidualBlock(linear_size, residual=residual, batch_norm=batch_norm, max_norm=max_norm, dropout=dropout)
            for _ in range(num_layers)
        )
        self.last = MaxNormLinear(linear_size, outputs, max_norm=max_norm)

    def forward(self, x: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch outputs"]:
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return self.last(x)

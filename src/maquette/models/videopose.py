"""The temporal convolution of Pavllo et al. 2019, "3D human pose estimation in video with temporal convolutions and
semi-supervised training".

Names and order of the tensors are those of the published checkpoints. The same weights run in two forms: *dilated* over
a whole clip, which gives the pose of every frame that has a whole window and shares all work between neighbours (for
evaluation); and *strided*, which computes nothing but the one pose of each window (for training on single windows, ten
times faster there). A trajectory network is the same with one joint, the root's place in the camera's frame.
"""

from math import exp, log, prod

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from maquette.errors import InputError
from maquette.models.rows import on_rows

FIRST_MOMENTUM, LAST_MOMENTUM = 0.1, 0.001


class TemporalModel(nn.Module):
    """2D positions of frames in a row in, 3D positions of their middle frames (or last ones) out, metres.

    Args:
        joints_in, features_in: of the 2D input; three features where a score goes in.
        joints_out: of the pose; 1 for a trajectory.
        filter_widths: of the convolutions, odd; the window has their product in frames (3^5 = 243 published).
        channels: of the convolutions.
        dropout: probability of dropping.
        causal: the pose is that of the window's last frame.
        dense: kernels as long as the dilated ones reach, without holes (the paper's ablation).
        strided: see above; the weights are the same.

    With 17 joints of two features to 17 joints it has 16,952,371 parameters, to a trajectory 16,903,171; with a score
    17,004,595.

    Raises:
        InputError: parameters that no such network can have.
    """

    def __init__(
        self,
        joints_in: int,
        features_in: int,
        joints_out: int,
        *,
        filter_widths: tuple[int, ...] = (3, 3, 3, 3, 3),
        channels: int = 1024,
        dropout: float = 0.25,
        causal: bool = False,
        dense: bool = False,
        strided: bool = False,
    ) -> None:
        super().__init__()
        problems = []
        if not filter_widths or any(width < 1 or width % 2 == 0 for width in filter_widths):
            problems.append(f"filter widths {filter_widths}, expected odd numbers")
        if dense and strided:
            problems.append("a dense network has no strided form")
        if min(joints_in, features_in, joints_out, channels) < 1:
            problems.append(
                f"{joints_in} joints of {features_in} features to {joints_out} joints over {channels} channels"
            )
        if problems:
            raise InputError.from_problems("temporal convolution", problems)
        self.joints_in, self.features_in, self.joints_out = joints_in, features_in, joints_out
        self.filter_widths, self.causal, self.dense, self.strided = filter_widths, causal, dense, strided
        self.receptive_field = prod(filter_widths)
        self.expand_bn = nn.BatchNorm1d(channels)
        self.shrink = nn.Conv1d(channels, joints_out * 3, 1)
        self.expand_conv = self._convolution(0, joints_in * features_in, channels)
        convolutions: list[nn.Module] = []
        for i in range(1, len(filter_widths)):
            convolutions.append(self._convolution(i, channels, channels))
            convolutions.append(nn.Conv1d(channels, channels, 1, bias=False))
        self.layers_conv = nn.ModuleList(convolutions)
        self.layers_bn = nn.ModuleList(nn.BatchNorm1d(channels) for _ in convolutions)
        self.dropout = dropout

    def dilation(self, level: int) -> int:
        """Frames between the taps of the convolution of a level: what the levels before it see."""
        return prod(self.filter_widths[:level])

    def current_tap(self, level: int) -> int:
        """Which of the taps of a level stands for the frame whose pose is wanted."""
        width = self.filter_widths[level]
        return width - 1 if self.causal else width // 2

    def _convolution(self, level: int, inputs: int, outputs: int) -> nn.Conv1d:
        width, dilation = self.filter_widths[level], self.dilation(level)
        if self.strided:
            return nn.Conv1d(inputs, outputs, width, stride=width, bias=False)
        if self.dense and level:
            return nn.Conv1d(inputs, outputs, (width - 1) * dilation + 1, bias=False)
        return nn.Conv1d(inputs, outputs, width, dilation=dilation, bias=False)

    def forward(self, x: Float[Tensor, "batch frames joints features"]) -> Float[Tensor, "batch poses out 3"]:
        """Poses of the ``frames - receptive_field + 1`` windows of each clip; strided: of windows end to end.

        Raises:
            InputError: too few frames, or joints and features that are not those of the network.
        """
        batch, frames = x.shape[:2]
        fits = frames % self.receptive_field == 0 and frames > 0 if self.strided else frames >= self.receptive_field
        if not fits or x.shape[2:] != (self.joints_in, self.features_in):
            many = "a multiple of {} frames" if self.strided else "{} frames or more"
            raise InputError(
                f"input of shape {tuple(x.shape)}, expected (batch, {many.format(self.receptive_field)}, "
                f"{self.joints_in} joints, {self.features_in} features)"
            )
        # In bfloat16, products of rows train 1.6 times as fast as convolutions do on a CPU; in float32 they are slower.
        rows = self.strided and torch.is_autocast_enabled(x.device.type)
        y = self._by_products(x.flatten(2)) if rows else self._by_convolutions(x.flatten(2).transpose(1, 2))
        return y.reshape(batch, -1, self.joints_out, 3)

    def _active(self, x: Tensor) -> Tensor:
        return F.dropout(F.relu(x, inplace=True), self.dropout, self.training)

    def _by_convolutions(self, x: Float[Tensor, "batch channels frames"]) -> Float[Tensor, "batch poses values"]:
        x = self._active(self.expand_bn(self.expand_conv(x)))
        for i in range(1, len(self.filter_widths)):
            width, tap = self.filter_widths[i], self.current_tap(i)
            if self.strided:
                skip = x[:, :, tap::width]
            else:
                first, reach = tap * self.dilation(i), (width - 1) * self.dilation(i)
                skip = x[:, :, first : first + x.shape[2] - reach]
            x = self._active(self.layers_bn[2 * i - 2](self.layers_conv[2 * i - 2](x)))
            x = skip + self._active(self.layers_bn[2 * i - 1](self.layers_conv[2 * i - 1](x)))
        return self.shrink(x).transpose(1, 2)

    def _by_products(self, x: Float[Tensor, "batch frames channels"]) -> Float[Tensor, "rows values"]:
        x = self._active(self.expand_bn(on_rows(self.expand_conv, x)))
        for i in range(1, len(self.filter_widths)):
            skip = x.unflatten(0, (-1, self.filter_widths[i]))[:, self.current_tap(i)]
            x = self._active(self.layers_bn[2 * i - 2](on_rows(self.layers_conv[2 * i - 2], x)))
            x = skip + self._active(self.layers_bn[2 * i - 1](on_rows(self.layers_conv[2 * i - 1], x)))
        return on_rows(self.shrink, x)


def batch_norm_momentum(epoch: int, epochs: int) -> float:
    """Momentum of all batch norms after ``epoch`` of ``epochs`` epochs: from 0.1 down to 0.001, evenly in logarithm.

    It is 0.1 during the first epoch.
    """
    return FIRST_MOMENTUM * exp(-epoch / epochs * log(FIRST_MOMENTUM / LAST_MOMENTUM))


def set_batch_norm_momentum(network: nn.Module, momentum: float) -> int:
    """Sets it in every batch norm, as published; gives how many there are."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm1d | nn.SyncBatchNorm)]
    for norm in norms:
        norm.momentum = momentum
    return len(norms)


def published_optimiser(networks: list[TemporalModel], learning_rate: float) -> torch.optim.Adam:
    """One Adam with amsgrad for all parameters of the networks (pose, and trajectory if there is one)."""
    parameters = [parameter for network in networks for parameter in network.parameters() if parameter.requires_grad]
    return torch.optim.Adam(parameters, lr=learning_rate, amsgrad=True)

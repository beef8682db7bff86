"""Relative information encoding, after Shan et al. 2021 ("Improving robustness and accuracy via relative information
encoding in 3D human pose estimation").

Each part of the body has a temporal convolution of its own. It sees the positions in the picture three times: as they
are, relative to the root of the same frame (positional encoding), and relative to the frame whose pose is wanted
(temporal encoding). A global branch sees all joints of that frame, a fusion block per part mixes the features of the
others in, and a decoder gives the part's joints.

Names and order of the tensors are those of the published checkpoints.
"""

from math import prod
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from maquette.errors import InputError
from maquette.models.rie_groups import H36M_GROUPS, HUMANEVA15_GROUPS, JointGroup, JointGroups
from maquette.models.rows import on_rows

__all__ = [
    "H36M_GROUPS",
    "HUMANEVA15_GROUPS",
    "JointGroup",
    "JointGroups",
    "RelativeEncodingNetwork",
]

SLOPE = 0.2
"""Of all leaky ReLUs, for negative values."""

TemporalCode = Literal["centre", "local"]


class LocalEncoder(nn.Module):
    """A temporal convolution over one window, computed for its one output only: each layer's stride is its width."""

    def __init__(
        self, inputs: int, outputs: int, filter_widths: tuple[int, ...], channels: int, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        self.filter_widths, self.causal = filter_widths, causal
        self.expand_bn = nn.BatchNorm1d(channels)
        self.shrink = nn.Conv1d(channels, outputs, 1)
        self.expand_conv = nn.Conv1d(inputs, channels, filter_widths[0], stride=filter_widths[0], bias=False)
        convolutions: list[nn.Module] = []
        for width in filter_widths[1:]:
            convolutions.append(nn.Conv1d(channels, channels, width, stride=width, bias=False))
            convolutions.append(nn.Conv1d(channels, channels, 1, bias=False))
        self.layers_conv = nn.ModuleList(convolutions)
        self.layers_bn = nn.ModuleList(nn.BatchNorm1d(channels) for _ in convolutions)
        self.dropout = dropout

    def weight(self, layer: int) -> Tensor:
        """Of one of the convolutions behind the first."""
        convolution = self.layers_conv[layer]
        assert isinstance(convolution, nn.Conv1d)
        return convolution.weight

    def _active(self, x: Tensor) -> Tensor:
        return F.dropout(F.leaky_relu(x, SLOPE, inplace=True), self.dropout, self.training)

    def forward(self, x: Float[Tensor, "batch window inputs"]) -> Float[Tensor, "batch 1 outputs"]:
        if torch.is_autocast_enabled(x.device.type):
            return self._by_products(x)[:, None]
        return self._by_convolutions(x.transpose(1, 2)).transpose(1, 2)

    def _by_convolutions(self, x: Float[Tensor, "batch inputs window"]) -> Float[Tensor, "batch outputs 1"]:
        x = self._active(self.expand_bn(self.expand_conv(x)))
        for block, width in enumerate(self.filter_widths[1:]):
            skip = x[:, :, current_tap(width, self.causal) :: width]
            x = self._active(self.layers_bn[2 * block](self.layers_conv[2 * block](x)))
            x = skip + self._active(self.layers_bn[2 * block + 1](self.layers_conv[2 * block + 1](x)))
        return self.shrink(x)

    def _by_products(self, x: Float[Tensor, "batch window inputs"]) -> Float[Tensor, "batch outputs"]:
        x = self._active(self.expand_bn(on_rows(self.expand_conv, x)))
        for block, width in enumerate(self.filter_widths[1:]):
            skip = x.unflatten(0, (-1, width))[:, current_tap(width, self.causal)]
            x = self._active(self.layers_bn[2 * block](on_rows(self.layers_conv[2 * block], x)))
            x = skip + self._active(self.layers_bn[2 * block + 1](on_rows(self.layers_conv[2 * block + 1], x)))
        return on_rows(self.shrink, x)


class HeadBlock(nn.Module):
    """Two linear layers with a skip connection around them."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.w1 = nn.Linear(width, width)
        self.batch_norm1 = nn.BatchNorm1d(width)
        self.w2 = nn.Linear(width, width)
        self.batch_norm2 = nn.BatchNorm1d(width)
        self.dropout = dropout

    def forward(self, x: Float[Tensor, "batch width"]) -> Float[Tensor, "batch width"]:
        y = F.leaky_relu(self.batch_norm1(self.w1(x)), SLOPE, inplace=True)
        y = F.dropout(y, self.dropout, self.training)
        y = F.leaky_relu(self.batch_norm2(self.w2(y)), SLOPE, inplace=True)
        return x + F.dropout(y, self.dropout, self.training)


class Head(nn.Module):
    """The fully connected part that fusion, decoders and the global branch are made of."""

    def __init__(self, inputs: int, outputs: int, width: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.fc_1 = nn.Linear(inputs, width)
        self.bn_1 = nn.BatchNorm1d(width)
        self.fc_2 = nn.Linear(width, outputs)
        self.layers = nn.ModuleList(HeadBlock(width, dropout) for _ in range(blocks))
        self.dropout = dropout

    def forward(self, x: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch outputs"]:
        x = F.leaky_relu(self.bn_1(self.fc_1(x)), SLOPE, inplace=True)
        x = F.dropout(x, self.dropout, self.training)
        for layer in self.layers:
            x = layer(x)
        return self.fc_2(x)


def current_tap(width: int, causal: bool) -> int:
    """Which of ``width`` neighbours stands for the frame whose pose is wanted: the middle one, or the last one."""
    return width - 1 if causal else width // 2


class RelativeEncodingNetwork(nn.Module):
    """2D positions of a window of frames in, the 3D pose of its middle frame out.

    Args:
        groups: the parts of the body.
        features: values of each joint in the input: x, y, then any others (an observed flag, a score), which the
            encoders and the global branch see as they are.
        filter_widths: of the temporal convolution, odd; the window has their product in frames (3^5 = 243 published).
        channels: of the temporal convolution.
        latent: length of the feature vectors of parts, fusion and global branch (256 and 512 published).
        values: of each joint of the output; 3 for a position.
        hidden: width of the fully connected parts.
        dropout, head_dropout: in the encoders, in the fully connected parts (published: always 0.25 in these).
        stage: of the training; 1 has no fusion, 2 and 3 are the same network.
        causal: the pose is that of the window's last frame; the published code cannot do this (its encoding stays
            relative to the middle frame, and it crashes before).
        temporal_code: ``centre`` is the published one: relative to the frame whose pose is wanted. ``local``: relative
            to the neighbour, inside the taps of the first layer. The network is then a function of the frame alone,
            its windows share all work, and a clip costs less than half; it needs a training of its own.

    With the defaults at stage 1 it has 23,385,651 parameters, at stages 2 and 3 41,783,091.

    Raises:
        InputError: parameters that no such network can have.
    """

    root: Tensor
    order: Tensor

    def __init__(
        self,
        groups: JointGroups = H36M_GROUPS,
        *,
        features: int = 2,
        filter_widths: tuple[int, ...] = (3, 3, 3, 3, 3),
        channels: int = 256,
        latent: int = 256,
        values: int = 3,
        hidden: int = 1024,
        dropout: float = 0.2,
        head_dropout: float = 0.25,
        stage: int = 3,
        causal: bool = False,
        temporal_code: TemporalCode = "centre",
    ) -> None:
        super().__init__()
        _check(features, filter_widths, stage, temporal_code)
        self.groups, self.features, self.filter_widths, self.stage = groups, features, filter_widths, stage
        self.causal, self.temporal_code, self.values = causal, temporal_code, values
        self.receptive_field = prod(filter_widths)
        self.current_frame = current_tap(self.receptive_field, causal)
        """Of the window: the frame whose pose is given."""
        self.keeps_shared_statistics = False
        """In training mode, batch norms of the shared parts use their running statistics and leave them alone."""
        for group in groups.groups:
            inputs = (features + 4) * len(group.inputs)
            encoder = LocalEncoder(inputs, latent, filter_widths, channels, dropout, causal)
            self.add_module(f"LocalLayer_{group.name}", encoder)
        self.GlobalInfo = Head(features * groups.input_joints, latent, hidden, blocks=2, dropout=head_dropout)
        if stage > 1:
            others = (len(groups.groups) - 1) * latent
            self.FuseBlocks = nn.ModuleList(
                Head(others, latent, hidden, blocks=1, dropout=head_dropout) for _ in groups.groups
            )
        joined = (2 if stage == 1 else 3) * latent
        for group in groups.groups:
            head = Head(joined, values * len(group.outputs), hidden, blocks=1, dropout=head_dropout)
            self.add_module(f"Integration_{group.name}", head)
        self.register_buffer("root", torch.tensor(groups.root), persistent=False)
        order = [groups.outputs.index(joint) for joint in range(groups.output_joints)]
        self.register_buffer("order", torch.tensor(order), persistent=False)

    def encoder(self, group: JointGroup) -> LocalEncoder:
        module = self.get_submodule(f"LocalLayer_{group.name}")
        assert isinstance(module, LocalEncoder)
        return module

    def decoder(self, group: JointGroup) -> Head:
        module = self.get_submodule(f"Integration_{group.name}")
        assert isinstance(module, Head)
        return module

    def fusion(self, i: int) -> Head:
        """Of the ``i``-th group; from stage 2 on."""
        module = self.FuseBlocks[i]
        assert isinstance(module, Head)
        return module

    @property
    def shared_parts(self) -> dict[str, nn.Module]:
        """The parts that stage 2 takes over from stage 1 by name: encoders and global branch."""
        encoders = {f"LocalLayer_{group.name}": self.encoder(group) for group in self.groups.groups}
        return {**encoders, "GlobalInfo": self.GlobalInfo}

    def train(self, mode: bool = True) -> "RelativeEncodingNetwork":
        super().train(mode)
        if mode and self.keeps_shared_statistics:
            for part in self.shared_parts.values():
                for module in part.modules():
                    if isinstance(module, nn.BatchNorm1d | nn.SyncBatchNorm):
                        module.eval()
        return self

    def forward(self, x: Float[Tensor, "batch frames joints features"]) -> Float[Tensor, "batch poses out values"]:
        """Poses of the ``frames - receptive_field + 1`` windows of each clip, metres; one window is the normal case."""
        batch, frames = x.shape[:2]
        poses = frames - self.receptive_field + 1
        if poses < 1 or x.shape[2:] != (self.groups.input_joints, self.features):
            raise InputError(
                f"input of shape {tuple(x.shape)}, expected (batch, {self.receptive_field} frames or more, "
                f"{self.groups.input_joints} joints, {self.features} features)"
            )
        if poses > 1:
            x = x.unfold(1, self.receptive_field, 1).permute(0, 1, 4, 2, 3).flatten(0, 1)
        return self._windows(x).reshape(batch, poses, self.groups.output_joints, self.values)

    def _windows(self, x: Float[Tensor, "windows frames joints features"]) -> Float[Tensor, "windows out values"]:
        groups = self.groups.groups
        overall = self.GlobalInfo(x[:, self.current_frame].flatten(1))
        points = x[..., :2]
        relative_to_root = points - points[:, :, self.root].mean(dim=2, keepdim=True)
        change = points - self._reference(points)
        local = []
        for group in groups:
            joints = list(group.inputs)
            parts = [part[:, :, joints].flatten(2) for part in (x, relative_to_root, change)]
            local.append(self.encoder(group)(torch.cat(parts, dim=2)).flatten(1))
        decoded = []
        for i, group in enumerate(groups):
            known = [local[i], overall]
            if self.stage > 1:
                known.insert(1, self.FuseBlocks[i](torch.cat(local[:i] + local[i + 1 :], dim=1)))
            decoded.append(self.decoder(group)(torch.cat(known, dim=1)).reshape(-1, len(group.outputs), self.values))
        return torch.cat(decoded, dim=1)[:, self.order]

    def _reference(self, points: Float[Tensor, "windows frames joints 2"]) -> Float[Tensor, "windows some joints 2"]:
        """What the temporal code is relative to: one frame for all, or one for each frame."""
        if self.temporal_code == "centre":
            return points[:, self.current_frame : self.current_frame + 1]
        width = self.filter_widths[0]
        neighbours = points[:, current_tap(width, self.causal) :: width]
        return neighbours.repeat_interleave(width, dim=1)


def _check(features: int, filter_widths: tuple[int, ...], stage: int, temporal_code: str) -> None:
    problems = []
    if features < 2:
        problems.append(f"{features} features of a joint, expected two (x, y) or more")
    if not filter_widths or any(width < 1 or width % 2 == 0 for width in filter_widths):
        problems.append(f"filter widths {filter_widths}, expected odd numbers")
    if stage not in (1, 2, 3):
        problems.append(f"stage {stage}, expected 1, 2 or 3")
    if temporal_code not in ("centre", "local"):
        problems.append(f"temporal code '{temporal_code}', expected 'centre' or 'local'")
    if problems:
        raise InputError.from_problems("relative encoding network", problems)

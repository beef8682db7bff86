"""A residual network with deconvolutions (Xiao et al. 2018, "Simple baselines for human pose estimation and tracking"),
with a map of depths beside the heatmaps, as the authors of the weakly-supervised hourglass use it in their later
program.

Names of the tensors are those of the published checkpoints; those of the residual network are torchvision's, so that
weights trained on ImageNet fit as they are (:meth:`DeconvPose.load_trunk`).
"""

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from maquette.errors import InputError, ModelError
from maquette.models.hourglass import INPUT_SIZE, N_JOINTS, PictureOutput

Head = Literal["hm", "depth"]
"""Heatmaps; depths of the joints in every cell, in sides of the crop."""
LAYERS: dict[int, tuple[bool, tuple[int, int, int, int]]] = {
    18: (False, (2, 2, 2, 2)),
    34: (False, (3, 4, 6, 3)),
    50: (True, (3, 4, 6, 3)),
    101: (True, (3, 4, 23, 3)),
    152: (True, (3, 8, 36, 3)),
}
"""Layers of the residual network -> whether its blocks have bottlenecks, and how many blocks each of its parts has."""
TRUNK_STRIDE = 32
DECONV_CHANNELS = 256
_WIDTHS = (64, 128, 256, 512)
_EXPANSION = 4

Features = Float[Tensor, "batch _ _ _"]
"""Channels and sides change from one to the next."""


class PlainBlock(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.downsample = shortcut(inputs, width, stride)

    def forward(self, x: Features) -> Features:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """Three convolutions (1, 3, 1 wide) through a quarter of the channels beside a shortcut; the wide one strides."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = _EXPANSION * width
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.downsample = shortcut(inputs, outputs, stride)

    def forward(self, x: Features) -> Features:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class DeconvPose(nn.Module):
    """Pictures to heatmaps and a map of depths.

    Args:
        layers: of the residual network: 18, 34, 50, 101 or 152.
        heads: ``hm``, and ``depth`` unless the network shall find joints in the picture only.
        n_joints: 16 published.
        input_size: pixels along each side of the pictures, a multiple of 32; the maps have a quarter of that.

    With 50 layers and both heads it has 34,003,552 parameters, without depths 33,999,440.

    Raises:
        InputError: sizes that no such network can have.
    """

    def __init__(
        self,
        layers: int = 50,
        heads: tuple[Head, ...] = ("hm", "depth"),
        *,
        n_joints: int = N_JOINTS,
        input_size: int = INPUT_SIZE,
    ) -> None:
        super().__init__()
        _check(layers, heads, n_joints, input_size)
        self.layers, self.heads, self.n_joints = layers, tuple(heads), n_joints
        self.input_size, self.output_size = input_size, input_size // 4
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        has_bottlenecks, counts = LAYERS[layers]
        channels = 64
        for i, (width, count) in enumerate(zip(_WIDTHS, counts, strict=True)):
            outputs = _EXPANSION * width if has_bottlenecks else width
            block = Bottleneck if has_bottlenecks else PlainBlock
            strides = [1 if i == 0 else 2] + [1] * (count - 1)
            blocks = [block(channels if j == 0 else outputs, width, strides[j]) for j in range(count)]
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
            channels = outputs
        self.deconv_layers = nn.Sequential(
            *(part for i in range(3) for part in _deconvolution(channels if i == 0 else DECONV_CHANNELS))
        )
        for head in heads:
            setattr(self, head, nn.Conv2d(DECONV_CHANNELS, n_joints, 1))
        self._initialise()

    def trunk_parts(self) -> list[nn.Sequential]:
        """The four parts of the residual network."""
        parts = [self.get_submodule(f"layer{i + 1}") for i in range(4)]
        return [part for part in parts if isinstance(part, nn.Sequential)]

    def forward(self, pictures: Float[Tensor, "batch 3 size size"]) -> PictureOutput:
        """Heatmaps (a list of one) and the map of depths; see :class:`maquette.models.hourglass.PictureOutput`."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(pictures))), 3, 2, 1)
        for part in self.trunk_parts():
            x = part(x)
        x = self.deconv_layers(x)
        return PictureOutput(
            [self.get_submodule("hm")(x)],
            depth_map=self.get_submodule("depth")(x) if "depth" in self.heads else None,
        )

    def load_trunk(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over the residual network's weights from a state dict of torchvision, whose classifier is left out.

        Raises:
            ModelError: they are of another network.
        """
        own = {name: value for name, value in self.state_dict().items() if name.startswith(("conv1.", "bn1.", "layer"))}
        wrong = [
            name
            for name, value in own.items()
            if not name.endswith("num_batches_tracked") and (name not in tensors or tensors[name].shape != value.shape)
        ]
        if wrong:
            raise ModelError(
                f"these weights are not of a residual network of {self.layers} layers: {wrong[0]} and {len(wrong) - 1} "
                "other tensors are missing or have another shape"
            )
        self.load_state_dict({name: tensors[name] for name in own if name in tensors}, strict=False)

    def _initialise(self) -> None:
        """As published: small normal weights after the residual network, whose own are to come from ImageNet."""
        with torch.no_grad():
            for part in self.trunk_parts():
                for layer in part.modules():
                    if isinstance(layer, nn.Conv2d):
                        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
            for layer in (*self.deconv_layers, *(self.get_submodule(head) for head in self.heads)):
                if isinstance(layer, nn.ConvTranspose2d | nn.Conv2d):
                    nn.init.normal_(layer.weight, std=0.001)
                    if layer.bias is not None:
                        nn.init.zeros_(layer.bias)


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """What makes the input of a block fit its output; None where it does."""
    if inputs == outputs and stride == 1:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


def _deconvolution(inputs: int) -> tuple[nn.Module, ...]:
    """Doubles the resolution."""
    return (
        nn.ConvTranspose2d(inputs, DECONV_CHANNELS, 4, 2, 1, bias=False),
        nn.BatchNorm2d(DECONV_CHANNELS),
        nn.ReLU(),
    )


def _check(layers: int, heads: tuple[str, ...], n_joints: int, input_size: int) -> None:
    problems = []
    if layers not in LAYERS:
        problems.append(f"{layers} layers, expected {', '.join(map(str, LAYERS))}")
    if "hm" not in heads or len(set(heads)) != len(heads) or not set(heads) <= set(get_args(Head)):
        problems.append(f"heads {', '.join(heads) or '(none)'}, expected hm, or hm and depth")
    if n_joints < 1:
        problems.append(f"{n_joints} joints, expected one or more")
    if input_size < 2 * TRUNK_STRIDE or input_size % TRUNK_STRIDE:
        problems.append(
            f"pictures of {input_size} pixels, expected a multiple of {TRUNK_STRIDE} from {2 * TRUNK_STRIDE} on"
        )
    if problems:
        raise InputError.from_problems("residual network with deconvolutions", problems)

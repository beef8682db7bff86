"""What the 3D pose machine sees of each frame: 1024 features of a picture, or of 2D joints."""

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from maquette.errors import InputError
from maquette.models.pose_machine_correction import JOINTS, WIDTH
from maquette.models.pose_machine_initialisation import Initialisation, initialise

IMAGE_SIZE = 368
"""Pixels along each side of a picture."""
TRUNK_STRIDE = 8
TRUNK_CHANNELS = 128
TRUNK_GROUPS = (
    (("conv1_1", 64), ("conv1_2", 64)),
    (("conv2_1", 128), ("conv2_2", 128)),
    (("conv3_1", 256), ("conv3_2", 256), ("conv3_3", 256), ("conv3_4", 256)),
    (
        *(("conv4_1", 512), ("conv4_2", 512), ("conv4_3_CPM", 256), ("conv4_4_CPM", 256), ("conv4_5_CPM", 256)),
        *(("conv4_6_CPM", 256), ("conv4_7_CPM", TRUNK_CHANNELS)),
    ),
)
"""Layers and their channels; the maximum of 2 x 2 is taken between the groups."""
ADAPTION_LAYERS = (("special_conv_1", 3, 1), ("special_conv_2", 3, 1), ("fa_conv_1", 5, 2), ("fa_conv_2", 5, 2))
"""Layers, their widths and strides."""


def preprocess(
    images: UInt8[Tensor, "frames height width 3"], size: int = IMAGE_SIZE
) -> Float[Tensor, "frames 3 size size"]:
    """What the network sees of square RGB pictures.

    They are resized to ``size`` x ``size`` (bilinear without smoothing, whatever their shape, rounded to whole grey
    values as OpenCV's), their channels turned to blue, green, red, and 0 to 255 becomes -0.5 to 0.496:
    ``(value - 128) / 256``.
    """
    x = images.flip(-1).permute(0, 3, 1, 2).float()
    if x.shape[2:] != (size, size):
        x = F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False).round()
    return (x - 128) / 256


class Trunk(nn.Module):
    """The first stage of a convolutional pose machine (Wei et al. 2016) without its heat maps: pictures (3, 368, 368)
    to features (128, 46, 46). 9,110,720 parameters, by the names of the published layers.

    The published random weights are so small that nothing comes through so many layers: training starts from a trunk of
    :mod:`maquette.models.pose_machine_pretraining`, or from an imported one.
    """

    def __init__(self, *, initialisation: Initialisation = "published") -> None:
        super().__init__()
        channels = 3
        for group in TRUNK_GROUPS:
            for name, outputs in group:
                self.add_module(name, nn.Conv2d(channels, outputs, 3, padding=1))
                channels = outputs
        initialise(self, initialisation)

    def forward(self, images: Float[Tensor, "frames 3 height width"]) -> Float[Tensor, "frames 128 rows columns"]:
        x = images
        for i, group in enumerate(TRUNK_GROUPS):
            x = F.max_pool2d(x, 2) if i else x
            for name, _ in group:
                x = F.relu(self.get_submodule(name)(x), inplace=True)
        return x


class FeatureAdaption(nn.Module):
    """Features of the trunk to 1024 values of a frame: four convolutions and a linear layer, ``fc``, without ReLU.

    Args:
        image_size: pixels along each side of the pictures.
        width: values of a frame.

    With the defaults the convolutions have 1,114,624 parameters, ``fc`` has 13,108,224.
    """

    def __init__(
        self, *, image_size: int = IMAGE_SIZE, width: int = WIDTH, initialisation: Initialisation = "published"
    ) -> None:
        super().__init__()
        side = image_size // TRUNK_STRIDE
        for name, kernel, stride in ADAPTION_LAYERS:
            self.add_module(name, nn.Conv2d(TRUNK_CHANNELS, TRUNK_CHANNELS, kernel, stride, padding=1))
            side = (side + 2 - kernel) // stride + 1
        if side < 1:
            raise InputError(f"pictures of {image_size} pixels are too small for the pose machine, it needs 56 or more")
        self.fc = nn.Linear(TRUNK_CHANNELS * side * side, width)
        initialise(self, initialisation)

    def forward(self, features: Float[Tensor, "frames 128 rows columns"]) -> Float[Tensor, "frames features"]:
        x = features
        for name, _, _ in ADAPTION_LAYERS:
            x = F.relu(self.get_submodule(name)(x))
        return self.fc(x.flatten(1))


class ImageFront(nn.Module):
    """Pictures, as :func:`preprocess` gives them, to features: ``trunk`` and ``adaption``."""

    def __init__(
        self, *, image_size: int = IMAGE_SIZE, width: int = WIDTH, initialisation: Initialisation = "published"
    ) -> None:
        super().__init__()
        self.trunk = Trunk(initialisation=initialisation)
        self.adaption = FeatureAdaption(image_size=image_size, width=width, initialisation=initialisation)

    def forward(
        self,
        images: Float[Tensor, "frames 3 height width"],
        observed: Bool[Tensor, "frames joints"] | None = None,
    ) -> Float[Tensor, "frames features"]:
        """``observed`` is for a front that sees joints."""
        if observed is not None:
            raise InputError("the pose machine for pictures takes no flags of joints that were seen")
        return self.adaption(self.trunk(images))


class KeypointFront(nn.Module):
    """2D joints to features, in the place of pictures; our own, of the form of the published projector.

    A missing joint has no position: its values are replaced by 0, and a flag per joint tells.

    Args:
        joints: of the 2D pose.
        width: of the layers, and features that come out.
    """

    def __init__(self, joints: int = JOINTS, *, width: int = WIDTH) -> None:
        super().__init__()
        self.joints = joints
        self.keypoint_1 = nn.Linear(3 * joints, width)
        self.keypoint_2 = nn.Linear(width, width)
        self.keypoint_3 = nn.Linear(width, width)
        self.fc = nn.Linear(width, width)
        for layer in (self.keypoint_1, self.keypoint_2, self.keypoint_3, self.fc):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu" if layer is not self.fc else "linear")
            nn.init.zeros_(layer.bias)

    def forward(
        self, points: Float[Tensor, "frames values"], observed: Bool[Tensor, "frames joints"] | None = None
    ) -> Float[Tensor, "frames features"]:
        """Args:
        points: x, y of each joint.
        observed: False where a joint is missing; None: all are there.
        """
        if observed is None:
            observed = torch.ones(len(points), self.joints, dtype=torch.bool, device=points.device)
        return self.features(torch.cat([visible(points, observed), observed.to(points.dtype)], dim=1))

    def features(self, rows: Float[Tensor, "frames inputs"]) -> Float[Tensor, "frames features"]:
        """Of rows with the 2D of each frame and its flags side by side."""
        first = F.relu(self.keypoint_1(rows))
        return self.fc(first + F.relu(self.keypoint_3(F.relu(self.keypoint_2(first)))))


def visible(
    points: Float[Tensor, "frames values"], observed: Bool[Tensor, "frames joints"]
) -> Float[Tensor, "frames values"]:
    """``points`` with 0 where a joint was not seen, whatever stood there (not a number, too)."""
    each = observed.repeat_interleave(points.shape[1] // observed.shape[1], dim=1)
    return torch.where(each, points, torch.zeros_like(points))

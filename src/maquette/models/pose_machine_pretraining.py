"""The networks whose training gives the 3D pose machine's trunk: 2D from a picture, in the two published ways.

One is a convolutional pose machine (Wei et al. 2016) of two stages that gives heat maps, the other regresses 2D values
from the trunk's features. Both train ``trunk``; the 3D pose machine takes it over as it is and has no heat maps. A
third network, the pose machine with 2D in the place of 3D, gave the published program its 2D.
"""

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from maquette.models.pose_machine_correction import JOINTS, WIDTH
from maquette.models.pose_machine_fronts import IMAGE_SIZE, TRUNK_CHANNELS, TRUNK_STRIDE, ImageFront, Trunk
from maquette.models.pose_machine_initialisation import initialise
from maquette.models.pose_machine_losses import euclidean_loss
from maquette.models.pose_machine_lstm import LstmStack, LstmState

HEAT_MAPS = 15
"""14 joints of MPI and the background."""
SIGMA_PX = 7.0
"""Standard deviation of a joint's target map, in pixels of the picture."""
_STAGE_2 = (
    *((f"Mconv{i}_stage2", 128, 7) for i in range(1, 6)),
    ("Mconv6_stage2", 128, 1),
)
"""Layers, channels and widths before the last one."""


class HeatMapNetwork(nn.Module):
    """Pictures to heat maps of two stages, of which the second sees the first and the trunk's features.

    Args:
        maps: joints and background.

    Layers have the published names. Weights start ``scaled``, as published.
    """

    def __init__(self, maps: int = HEAT_MAPS) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.conv5_1_CPM = nn.Conv2d(TRUNK_CHANNELS, 512, 1)
        self.conv5_2_CPM = nn.Conv2d(512, maps, 1)
        channels = maps + TRUNK_CHANNELS
        for name, outputs, width in _STAGE_2:
            self.add_module(name, nn.Conv2d(channels, outputs, width, padding=width // 2))
            channels = outputs
        self.Mconv7_stage2 = nn.Conv2d(channels, maps, 1)
        initialise(self, "scaled")

    def forward(
        self, images: Float[Tensor, "frames 3 height width"]
    ) -> tuple[Float[Tensor, "frames maps rows columns"], Float[Tensor, "frames maps rows columns"]]:
        """Heat maps of the first and of the second stage, an eighth of the picture's size."""
        features = self.trunk(images)
        first = self.conv5_2_CPM(F.relu(self.conv5_1_CPM(features)))
        x = torch.cat([first, features], dim=1)
        for name, _, _ in _STAGE_2:
            x = F.relu(self.get_submodule(name)(x))
        return first, self.Mconv7_stage2(x)


def target_maps(
    points_px: Float[Tensor, "frames joints 2"],
    observed: Bool[Tensor, "frames joints"],
    *,
    image_size: int = IMAGE_SIZE,
    sigma_px: float = SIGMA_PX,
) -> Float[Tensor, "frames maps rows columns"]:
    """A Gaussian of height 1 for each joint, 0 for missing ones, and as last map the background: 1 minus the highest.

    Args:
        points_px: positions in the picture; the centre of its first pixel is (0, 0).
        image_size: pixels along each side; a cell of a map covers 8 x 8 of them.
    """
    cells = torch.arange(image_size // TRUNK_STRIDE, device=points_px.device, dtype=points_px.dtype)
    centres = cells * TRUNK_STRIDE + (TRUNK_STRIDE - 1) / 2
    # A Gaussian in two dimensions is the product of one along the columns and one along the rows.
    along = torch.exp(-(centres - points_px[..., None]).square() / (2 * sigma_px**2))
    maps = along[:, :, 1, :, None] * along[:, :, 0, None, :]
    maps = torch.where(observed[:, :, None, None], maps, torch.zeros_like(maps))
    return torch.cat([maps, 1 - maps.amax(dim=1, keepdim=True)], dim=1)


def heat_map_loss(
    stages: tuple[Float[Tensor, "frames maps rows columns"], ...],
    target: Float[Tensor, "frames maps rows columns"],
    observed: Bool[Tensor, "frames joints"] | None = None,
) -> Float[Tensor, ""]:
    """Sum over the stages of the squared differences by twice the number of pictures.

    Args:
        observed: False leaves a joint's map out; the background always counts. None: missing joints should give empty
            maps.
    """
    weights = None
    if observed is not None:
        weights = torch.cat([observed, torch.ones_like(observed[:, :1])], dim=1).to(target.dtype)
    losses = [euclidean_loss(maps.flatten(1), target.flatten(1), weights) for maps in stages]
    return torch.stack(losses).sum()


class DirectRegression(nn.Module):
    """Pictures to 2D values by one linear layer on the trunk's features.

    Args:
        outputs: x, y of each joint; 34 as published, for 17 joints.
        image_size: pixels along each side of the pictures.

    How it started is not published; here it starts as :class:`HeatMapNetwork`.
    """

    def __init__(self, outputs: int = 34, *, image_size: int = IMAGE_SIZE) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.fc = nn.Linear(TRUNK_CHANNELS * (image_size // TRUNK_STRIDE) ** 2, outputs)
        initialise(self, "scaled")

    def forward(self, images: Float[Tensor, "frames 3 height width"]) -> Float[Tensor, "frames outputs"]:
        return self.fc(self.trunk(images).flatten(1))


class PointMachine(nn.Module):
    """Pictures of one or several sequences to 2D joints: the 3D pose machine up to its coarse pose, with 2D values in
    their place. Its results are the 2D that the published online refinement uses ("ours"). It starts from a trained
    trunk.

    Args:
        joints: of the pose.
        image_size: pixels along each side of the pictures.
        width: of the hidden layers.
        published_flags: as of :class:`maquette.models.pose_machine_lstm.LstmStack`.
    """

    def __init__(
        self,
        joints: int = JOINTS,
        *,
        image_size: int = IMAGE_SIZE,
        width: int = WIDTH,
        published_flags: bool = False,
    ) -> None:
        super().__init__()
        self.front = ImageFront(image_size=image_size, width=width)
        self.lstm = LstmStack(width, width, published_flags=published_flags)
        self.fc_final = nn.Linear(width, 2 * joints)
        initialise(self.fc_final)

    def forward(
        self,
        images: Float[Tensor, "rows 3 height width"],
        clip: Shaped[Tensor, " rows"],
        state: LstmState | None = None,
    ) -> tuple[Float[Tensor, "rows points"], LstmState]:
        """x, y of all joints, and the state for the next chunk; ``clip`` and ``state`` as of :class:`LstmStack`."""
        features, after = self.lstm(self.front(images), clip, state)
        return self.fc_final(features), after

"""From a network's values to positions: joints on the rays on which they were seen, unless the network knows better.

Half of a 3D pose stands in the picture already. A joint seen at ``(u, v)`` (in scales of the window, relative to the
root) at relative depth ``z`` lies at ``(u, v) (f + s z)``: ``f`` is the size of a unit of the picture in metres at the
root, ``s z`` the perspective (``s``: the window's scale). For each joint the network gives a correction of x and y, the
depth ``z`` and its own ``f``, equal for all joints but where a detection is not to be trusted. For joints that are not
seen, ``(u, v)`` is zero and the correction is the whole answer.

Measured on the validation subjects, a network that had to learn this itself was wrong by 26 mm in x and y, where the
rays with its depths gave 17 mm.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from maquette.lifting.normalize import CHANNELS, LANDMARKS, REFERENCE_SCALE
from maquette.skeletons import LANDMARKS_27, LIFTED_21

JOINTS = len(LIFTED_21)
VALUES = 4 * JOINTS
"""Values that a network gives for a pose: x, y, z of each joint, then f of each joint."""
UNIT_M = 0.4
"""Where f starts before training: a unit is about the RMS distance of the limbs' joints from the hips."""
COORDINATES = [2 * LANDMARKS_27.index(name) + axis for name in LIFTED_21.joints for axis in (0, 1)]
"""Channels of the joints' x and y in the features of a frame."""
LOG_SCALE = CHANNELS - 3
"""Channel of the logarithm of the window's scale."""
assert LOG_SCALE == 3 * LANDMARKS + 2


class RayDecoder(nn.Module):
    """Positions in metres from a network's values and the features of the middle frame."""

    coordinates: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("coordinates", torch.tensor(COORDINATES), persistent=False)

    def forward(
        self, values: Float[Tensor, "batch values"], middle: Float[Tensor, "batch channels"]
    ) -> Float[Tensor, "batch joints 3"]:
        values = values.float()
        own = values[:, : 3 * JOINTS].reshape(-1, JOINTS, 3)
        unit = values[:, 3 * JOINTS :, None] + UNIT_M
        seen = middle[:, self.coordinates].reshape(-1, JOINTS, 2)
        scale = REFERENCE_SCALE * torch.exp(middle[:, LOG_SCALE, None, None])
        across = own[..., :2] + seen * (unit + scale * own[..., 2:])
        return torch.cat([across, own[..., 2:]], dim=-1)

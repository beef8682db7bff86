"""Self-supervised correction: a 3D pose is corrected, and what the camera would see of it is predicted.

Six layers of the 3D pose machine (Wang et al. 2020, "3D human pose machines with self-supervised learning"). The first
two correct the pose; the other four, the projector, give its 2D. Online, the first two are tuned for each frame until
the projector explains the 2D that was seen (:mod:`maquette.refine`); here all six are trained.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from maquette.errors import ModelError
from maquette.models.pose_machine_initialisation import Initialisation, initialise

JOINTS, WIDTH = 16, 1024
BATCH_NORM_SCALE = 1 / sqrt(1.001)
"""What is left of the published program's batch norms, which were never loaded: mean 0, variance 1, epsilon 1e-3."""
LAYERS = ("change_tmp", "change", "project_1", "project_2", "project_3", "project_2d")
"""Of the correction, in the order of the published files."""
MORE_OFTEN_DROPPED = (7, 9)
"""Spine and head: they are dropped twice as often."""


class Correction(nn.Module):
    """``correct`` 3 x joints to 3 x joints values, and ``project`` these to 2 x joints values.

    All values are normalised: 3D by the extrema of its training data (:class:`maquette.lifting.min_max.MinMax`), 2D as
    fractions of the side of a square picture; in both, the coordinates of one joint are neighbours.

    Args:
        joints: 16 in the paper.
        width: of the hidden layers; 1024 in the paper.
        batch_norm_scale: three layers are multiplied by 0.9995 as in the published online refinement, whose batch norms
            have no trained values. The network that was trained has none.
        test_template: the sum in the projector as in the published template of the test (no ReLU before it but one
            after it). The published training and deployment, which this is not, differ from it.
        initialisation: of the weights, :data:`maquette.models.pose_machine_initialisation.Initialisation`.

    With the defaults it has 2,281,552 parameters; :data:`LAYERS` are their names.
    """

    def __init__(
        self,
        joints: int = JOINTS,
        *,
        width: int = WIDTH,
        batch_norm_scale: bool = False,
        test_template: bool = False,
        initialisation: Initialisation = "published",
    ) -> None:
        super().__init__()
        self.joints, self.width = joints, width
        self.scale = BATCH_NORM_SCALE if batch_norm_scale else 1.0
        self.test_template = test_template
        self.change_tmp = nn.Linear(3 * joints, width)
        self.change = nn.Linear(width, 3 * joints)
        self.project_1 = nn.Linear(3 * joints, width)
        self.project_2 = nn.Linear(width, width)
        self.project_3 = nn.Linear(width, width)
        self.project_2d = nn.Linear(width, 2 * joints)
        initialise(self, initialisation)

    def correct(self, coarse: Float[Tensor, "*rows values"]) -> Float[Tensor, "*rows values"]:
        """The corrected 3D pose; nothing keeps it between 0 and 1."""
        return self.change(F.relu(self.change_tmp(coarse)))

    def project(self, pose: Float[Tensor, "*rows values"]) -> Float[Tensor, "*rows points"]:
        """What is seen of a 3D pose, as 2D."""
        first = F.relu(self.scale * self.project_1(pose))
        second = F.relu(self.scale * self.project_2(first))
        third = self.scale * self.project_3(second)
        return self.project_2d(F.relu(first + third) if self.test_template else first + F.relu(third))

    def forward(
        self, coarse: Float[Tensor, "*rows values"]
    ) -> tuple[Float[Tensor, "*rows values"], Float[Tensor, "*rows points"]]:
        """The corrected pose and its 2D."""
        corrected = self.correct(coarse)
        return corrected, self.project(corrected)

    def layers(self) -> list[nn.Linear]:
        """In the order of :data:`LAYERS`."""
        return [self.change_tmp, self.change, self.project_1, self.project_2, self.project_3, self.project_2d]

    def published_arrays(self) -> list[Float[np.ndarray, "..."]]:
        """Twelve float32 arrays: weight ``(in, out)`` and bias of each layer, as in the published pickle."""
        return [
            np.ascontiguousarray(array.detach().cpu().float().numpy())
            for layer in self.layers()
            for array in (layer.weight.T, layer.bias)
        ]

    def load_published_arrays(self, arrays: Sequence[Float[np.ndarray, "..."]]) -> None:
        """Takes over twelve arrays as :meth:`published_arrays` gives them.

        Raises:
            ModelError: another number of arrays, or other shapes; all differences at once.
        """
        expected = [array.shape for layer in self.layers() for array in (layer.weight.T, layer.bias)]
        if len(arrays) != len(expected):
            raise ModelError(f"{len(arrays)} arrays, expected {len(expected)}: weight and bias of {', '.join(LAYERS)}")
        problems = [
            f"{LAYERS[i // 2]} {'bias' if i % 2 else 'weight'} has shape {tuple(array.shape)}, expected {tuple(shape)}"
            for i, (array, shape) in enumerate(zip(arrays, expected, strict=True))
            if tuple(array.shape) != tuple(shape)
        ]
        if problems:
            raise ModelError("these weights are of another correction network: " + "; ".join(problems))
        with torch.no_grad():
            for layer, weight, bias in zip(self.layers(), arrays[::2], arrays[1::2], strict=True):
                layer.weight.copy_(torch.from_numpy(np.array(weight)).T)
                layer.bias.copy_(torch.from_numpy(np.array(bias)))


class JointDropout(nn.Module):
    """In training, replaces whole joints of the coarse pose, each with its own probability; the correction must then
    tell them from the others.

    Args:
        probability: of one joint in one frame; 0.02 in the paper's last step, 0 in all others.
        joints: of the pose.
        doubled: joints that are dropped twice as often.
        value: that a dropped joint has in all coordinates. 0.5 is the middle of the range. Published is 0, the minimum
            of each coordinate, an extreme pose.
    """

    def __init__(
        self,
        probability: float,
        *,
        joints: int = JOINTS,
        doubled: tuple[int, ...] = MORE_OFTEN_DROPPED,
        value: float = 0.5,
    ) -> None:
        super().__init__()
        self.value = value
        probabilities = torch.full((joints,), probability)
        probabilities[list(doubled)] *= 2
        self.register_buffer("probabilities", probabilities, persistent=False)

    def forward(self, coarse: Float[Tensor, "rows values"]) -> Float[Tensor, "rows values"]:
        probabilities = self.get_buffer("probabilities")
        if not self.training or not bool((probabilities > 0).any()):
            return coarse
        draws = torch.rand(len(coarse), len(probabilities), device=coarse.device)
        return self.replaced(coarse, draws > probabilities)

    def replaced(
        self, coarse: Float[Tensor, "rows values"], kept: Bool[Tensor, "rows joints"]
    ) -> Float[Tensor, "rows values"]:
        """``coarse`` with the value of dropped joints where ``kept`` is False; these get no gradient."""
        each = kept.repeat_interleave(coarse.shape[1] // kept.shape[1], dim=1)
        return torch.where(each, coarse, torch.full_like(coarse, self.value))

"""The correction pair of the 3D pose machine in the form in which it is trained on its own.

The same functions as :class:`maquette.models.pose_machine_correction.Correction`, in other coordinates: inputs are
centred, the correction is what is added to the pose, and its outputs are of the size of what they correct. Adam, whose
steps are equally large for all weights, then moves all of them sensibly. :meth:`CorrectionPair.published_arrays` folds
all of it into the twelve published matrices: what carries the pose through the ReLU are 48 of the 1024 hidden units.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from maquette.lifting.min_max import PUBLISHED_16
from maquette.refine.correction_view import PICTURE_CENTRE, PICTURE_UNIT
from maquette.skeletons import H36M_16

POSE, PICTURE = 3 * len(H36M_16), 2 * len(H36M_16)
MILLIMETRES: Float[np.ndarray, "48"] = PUBLISHED_16.span_mm.ravel()
"""Of one unit of each normalised coordinate."""
_CENTRE, _GAIN = 0.5, 4.0  # poses fill 0 to 1; most of them lie in the middle
_STEP = 0.1  # corrections are that much smaller than poses
_CARRY = 0.5  # added to what goes through the ReLU unchanged: nothing lies half a range below the least value


class CorrectionPair(nn.Module):
    """``correct`` a normalised pose, ``project`` it to a normalised picture.

    Args:
        width: of the hidden layers of the published form, more than the 48 that carry the pose.
    """

    def __init__(self, width: int = 1024) -> None:
        super().__init__()
        self.change_tmp, self.change = nn.Linear(POSE, width - POSE), nn.Linear(width - POSE, POSE)
        self.project_1, self.project_2 = nn.Linear(POSE, width), nn.Linear(width, width)
        self.project_3, self.project_2d = nn.Linear(width, width), nn.Linear(width, PICTURE)

    def correct(self, coarse: Float[Tensor, "rows 48"]) -> Float[Tensor, "rows 48"]:
        """The corrected pose."""
        return coarse + _STEP * self.change(F.relu(self.change_tmp(_GAIN * (coarse - _CENTRE))))

    def project(self, pose: Float[Tensor, "rows 48"]) -> Float[Tensor, "rows 32"]:
        """What the virtual camera sees of a pose."""
        first = F.relu(self.project_1(_GAIN * (pose - _CENTRE)))
        third = F.relu(self.project_3(F.relu(self.project_2(first))))
        return PICTURE_CENTRE + PICTURE_UNIT * self.project_2d(first + third)

    @torch.no_grad()
    def published_arrays(self) -> list[Float[np.ndarray, "..."]]:
        """Weights (in, out) and biases of the six layers in the published order, float32."""
        through = torch.eye(POSE, dtype=self.change.weight.dtype)
        change_tmp, bias = _centred(self.change_tmp)
        change_tmp = torch.cat([through, change_tmp], dim=1)
        bias = torch.cat([torch.full((POSE,), _CARRY, dtype=bias.dtype), bias])
        change = torch.cat([through, _STEP * self.change.weight.T])
        project_2d, seen_bias = self.project_2d.weight.T, self.project_2d.bias
        arrays = [
            *(change_tmp, bias),
            *(change, _STEP * self.change.bias - _CARRY),
            *_centred(self.project_1),
            *(self.project_2.weight.T, self.project_2.bias),
            *(self.project_3.weight.T, self.project_3.bias),
            *(PICTURE_UNIT * project_2d, PICTURE_CENTRE + PICTURE_UNIT * seen_bias),
        ]
        return [np.ascontiguousarray(array.detach().cpu().float().numpy()) for array in arrays]


def _centred(layer: nn.Linear) -> tuple[Tensor, Tensor]:
    """Weight (in, out) and bias that take plain poses instead of centred ones."""
    weight = _GAIN * layer.weight.T
    return weight, layer.bias - _CENTRE * weight.sum(dim=0)


_MILLIMETRES = torch.tensor(MILLIMETRES, dtype=torch.float32)
_LEAST_MM = torch.tensor(PUBLISHED_16.min_mm.ravel(), dtype=torch.float32)
_LIMBS = H36M_16.indices(
    f"{side}_{joint}" for side in "lr" for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
)
_HIPS = H36M_16.indices(["l_hip", "r_hip"])
_MIRROR = list(H36M_16.mirror_permutation)
_NEAREST_MM = 300.0
_PICTURE_LIMIT = 5.0  # as in the view


def millimetres(pose: Float[Tensor, "rows 48"]) -> Float[Tensor, "rows 16 3"]:
    """Normalised poses as millimetres, in reference size."""
    return (pose * _MILLIMETRES.to(pose) + _LEAST_MM.to(pose)).unflatten(1, (len(H36M_16), 3))


def normalised(pose_mm: Float[Tensor, "rows 16 3"]) -> Float[Tensor, "rows 48"]:
    """The way back; the root is zero."""
    values = (pose_mm.flatten(1) - _LEAST_MM.to(pose_mm)) / _MILLIMETRES.to(pose_mm)
    values[:, :3] = 0.0
    return values


def mirrored(pose: Float[Tensor, "rows 48"]) -> Float[Tensor, "rows 48"]:
    """Normalised poses mirrored at the plane x = 0, left and right exchanged."""
    return normalised(millimetres(pose)[:, _MIRROR] * torch.tensor([-1.0, 1.0, 1.0]).to(pose))


def picture_of(pose: Float[Tensor, "rows 48"], distance_mm: Float[Tensor, " rows"]) -> Float[Tensor, "rows 32"]:
    """What the virtual camera sees of a pose whose root is ``distance_mm`` in front of it, as
    :mod:`maquette.refine.correction_view` normalises it: exact perspective, all joints seen."""
    body = millimetres(pose)
    depth = (body[..., 2] + distance_mm[:, None]).clamp(min=_NEAREST_MM)
    rays = body[..., :2] / depth[..., None]
    rays = rays - rays[:, _HIPS].mean(dim=1, keepdim=True)
    rms = rays[:, _LIMBS].square().sum(-1).mean(1).sqrt().clamp(min=1e-4)
    value = (rays / rms[:, None, None]).clamp(-_PICTURE_LIMIT, _PICTURE_LIMIT)
    return PICTURE_CENTRE + PICTURE_UNIT * value.flatten(1)

"""Relative information encoding on the landmarks that our lifters take."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from maquette.lifting.normalize import LANDMARKS
from maquette.models.rie import RelativeEncodingNetwork
from maquette.models.rie_groups import JointGroup, JointGroups
from maquette.skeletons import LANDMARKS_27, LIFTED_21

CENTRE = LANDMARKS
"""Place of the person's centre, which stands beside the landmarks as one more joint: the root of the encoding."""


def _group(name: str, inputs: str, outputs: str, *more: int) -> JointGroup:
    return JointGroup(name, (*LANDMARKS_27.indices(inputs.split()), *more), tuple(LIFTED_21.indices(outputs.split())))


def _limb(side: str, joints: str) -> str:
    return " ".join(f"{side}_{joint}" for joint in joints.split())


_TRUNK = "hip spine thorax nose head"
_FACE = "face_nose l_eye r_eye l_ear r_ear neck"
_ARM, _LEG = "shoulder elbow wrist", "hip knee ankle heel toe"
LANDMARK_GROUPS = JointGroups(
    (
        _group("Torso", f"{_TRUNK} {_FACE} l_hip r_hip l_shoulder r_shoulder", _TRUNK, CENTRE),
        *(_group(f"{side.upper()}Arm", _limb(side, _ARM), _limb(side, _ARM)) for side in "lr"),
        *(_group(f"{side.upper()}Leg", _limb(side, _LEG), _limb(side, _LEG)) for side in "lr"),
    ),
    input_joints=LANDMARKS + 1,
    output_joints=len(LIFTED_21),
    root=(CENTRE,),
)
"""Five groups as published; the trunk also reads hips and shoulders, since few detectors mark the spine."""


class LandmarkEncoding(nn.Module):
    """A relative-encoding network behind the features of ``root-ray/v1``, giving the values of ``RayDecoder``.

    The features hold positions relative to the person's centre, and the path of the centre: their sum is the absolute
    position that the network starts from. Each joint's third feature is its flag, the centre's the log of the scale.
    """

    def __init__(
        self, *, levels: int, channels: int, latent: int, hidden: int, dropout: float, head_dropout: float, stage: int
    ) -> None:
        super().__init__()
        self.encoding = RelativeEncodingNetwork(
            LANDMARK_GROUPS,
            features=3,
            values=4,
            filter_widths=(3,) * levels,
            channels=channels,
            latent=latent,
            hidden=hidden,
            dropout=dropout,
            head_dropout=head_dropout,
            stage=stage,
        )
        self.window_frames = self.encoding.receptive_field

    def forward(self, features: Float[Tensor, "batch frames channels"]) -> Float[Tensor, "batch values"]:
        values = self.encoding(joints_of(features))[:, 0]
        return torch.cat([values[..., :3].flatten(1), values[..., 3]], dim=1)


def joints_of(features: Float[Tensor, "batch frames channels"]) -> Float[Tensor, "batch frames 28 3"]:
    """Absolute positions and flags of the landmarks, and the centre."""
    path = features[..., None, 3 * LANDMARKS : 3 * LANDMARKS + 2]
    seen = features[..., : 2 * LANDMARKS].unflatten(-1, (LANDMARKS, 2)) + path
    flags = features[..., 2 * LANDMARKS : 3 * LANDMARKS, None]
    centre = torch.cat([path, features[..., None, 3 * LANDMARKS + 2 : 3 * LANDMARKS + 3]], dim=-1)
    return torch.cat([torch.cat([seen, flags], dim=-1), centre], dim=-2)

"""The 3D pose machine with self-supervised correction (Wang et al. 2020, "3D human pose machines with self-supervised
learning", after Lin et al. 2017, "Recurrent 3D pose sequence machines").

=========== =================================================== ==========================================
part        layers, by their published names                    what
=========== =================================================== ==========================================
front       conv1_1 ... conv4_7_CPM, special_conv_1/2,          1024 features of a picture (or of 2D
            fa_conv_1/2, fc                                     joints)
lstm        lstm1, lstm2                                        forward in time, then backward
fc_final    fc-final_16                                         the coarse 3D pose
dropout     (Mask)                                              drops joints in training
correction  change_tmp, change                                  the corrected 3D pose
            project_1, project_2, project_3, project_2d         what is seen of it
=========== =================================================== ==========================================
"""

from typing import Literal, NamedTuple

from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from maquette.models.pose_machine_correction import (
    JOINTS,
    MORE_OFTEN_DROPPED,
    WIDTH,
    Correction,
    JointDropout,
)
from maquette.models.pose_machine_fronts import IMAGE_SIZE, ImageFront, KeypointFront
from maquette.models.pose_machine_initialisation import Initialisation, initialise
from maquette.models.pose_machine_lstm import LstmStack, LstmState, ResettableLstm

FC_FINAL = "fc-final_16"
"""Published name of the layer that gives the coarse pose; Python's names have no minus."""


class MachineOutput(NamedTuple):
    """Poses of all rows, normalised; the coordinates of one joint are neighbours."""

    coarse: Float[Tensor, "rows values"]
    """3D by the LSTMs."""
    corrected: Float[Tensor, "rows values"]
    """3D after the correction."""
    projected: Float[Tensor, "rows points"]
    """2D that the corrected pose explains."""
    state: LstmState
    """For the next chunk of the same sequence."""


class PoseMachine(nn.Module):
    """Frames of one or several sequences to 3D poses and their 2D.

    Args:
        front: ``image``, pictures as published; or ``keypoints``, 2D joints in their place, so that the machine can
            be trained from pairs of 2D and 3D alone.
        joints: 16 in the paper (:data:`maquette.skeletons.H36M_16`).
        width: of all hidden layers but convolutions; 1024 in the paper.
        image_size: pixels along each side of the pictures.
        published_flags: the second LSTM gets flags that are not reversed (:mod:`maquette.models.pose_machine_lstm`).
        drop_joints: probability of dropping a joint of the coarse pose in training; 0.02 in the paper's last step.
        dropped_value: what a dropped joint is in all coordinates; 0 as published, see :class:`JointDropout`.
        doubled: joints that are dropped twice as often.
        batch_norm_scale, test_template: see :class:`Correction`.
        initialisation: of the weights; ``scaled`` learns much faster from nothing than ``published``
            (:data:`maquette.models.pose_machine_initialisation.Initialisation`). The front for 2D joints, which is our
            own, is scaled always.

    With the defaults it has 42,449,728 parameters; :meth:`caffe_layers` gives them by their published names.
    """

    def __init__(
        self,
        front: Literal["image", "keypoints"] = "image",
        *,
        joints: int = JOINTS,
        width: int = WIDTH,
        image_size: int = IMAGE_SIZE,
        published_flags: bool = False,
        drop_joints: float = 0.0,
        dropped_value: float = 0.5,
        doubled: tuple[int, ...] = MORE_OFTEN_DROPPED,
        batch_norm_scale: bool = False,
        test_template: bool = False,
        initialisation: Initialisation = "published",
    ) -> None:
        super().__init__()
        self.joints, self.width, self.image_size = joints, width, image_size
        self.front = (
            ImageFront(image_size=image_size, width=width, initialisation=initialisation)
            if front == "image"
            else KeypointFront(joints, width=width)
        )
        self.lstm = LstmStack(width, width, published_flags=published_flags, initialisation=initialisation)
        self.fc_final = nn.Linear(width, 3 * joints)
        self.dropout = JointDropout(drop_joints, joints=joints, doubled=doubled, value=dropped_value)
        self.correction = Correction(
            joints,
            width=width,
            batch_norm_scale=batch_norm_scale,
            test_template=test_template,
            initialisation=initialisation,
        )
        initialise(self.fc_final, initialisation)

    def forward(
        self,
        frames: Float[Tensor, "rows *shape"],
        clip: Shaped[Tensor, " rows"],
        *,
        observed: Bool[Tensor, "rows joints"] | None = None,
        state: LstmState | None = None,
    ) -> MachineOutput:
        """Poses of all rows.

        Args:
            frames: pictures (rows, 3, 368, 368) as :func:`maquette.models.pose_machine_fronts.preprocess` gives them,
                or 2D joints (rows, 2 x joints).
            clip: 0 in the first frame of each sequence, else 1; on the CPU or where the frames are.
            observed: False where a 2D joint is missing, for 2D joints.
            state: of the call before, when the first row goes on with its last sequence.
        """
        coarse, after = self.coarse(frames, clip, observed=observed, state=state)
        corrected, projected = self.correction(self.dropout(coarse))
        return MachineOutput(coarse, corrected, projected, after)

    def coarse(
        self,
        frames: Float[Tensor, "rows *shape"],
        clip: Shaped[Tensor, " rows"],
        *,
        observed: Bool[Tensor, "rows joints"] | None = None,
        state: LstmState | None = None,
    ) -> tuple[Float[Tensor, "rows values"], LstmState]:
        """The 3D poses before the correction, and the state after them; arguments as of :meth:`forward`."""
        features, after = self.lstm(self.front(frames, observed), clip, state)
        return self.fc_final(features), after

    def caffe_layers(self) -> dict[str, tuple[nn.Parameter, ...]]:
        """Parameters of each layer by its name in the published network, in the order of its blobs.

        Convolutions and linear layers: weight ``(out, in, ...)`` and bias, as in Caffe. LSTMs: weight of the input,
        bias, weight of the state, whose rows have another order of gates than Caffe's
        (:func:`maquette.models.pose_machine_lstm.swap_gates`).
        """
        return {
            FC_FINAL if name == "fc_final" else name.rpartition(".")[2]: _blobs(layer)
            for name, layer in self.named_modules()
            if isinstance(layer, nn.Conv2d | nn.Linear | ResettableLstm)
        }


def _blobs(layer: nn.Module) -> tuple[nn.Parameter, ...]:
    if isinstance(layer, ResettableLstm):
        return layer.blobs()
    return layer.get_parameter("weight"), layer.get_parameter("bias")

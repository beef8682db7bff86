"""The sequence part of the 3D pose machine: one LSTM forward in time, and one backward on what the first gives.

All frames are rows of one array, several sequences one after the other, and a flag per row says whether it continues
the sequence of the row above. Sequences of any lengths run side by side.

The published network feeds the second LSTM rows in reversed order with flags that are not reversed. Harmless when one
batch is one sequence; otherwise the states of one sequence leak into another, and within sequences they are lost.
``published_flags`` is that behaviour, for its weights.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence, unpack_sequence

from maquette.models.pose_machine_initialisation import Initialisation, initialise

_CAFFE_GATES = (0, 1, 3, 2)
"""Caffe's blocks of rows are input, forget, output and candidate; torch's have the last two the other way round."""

CellState = tuple[Float[Tensor, " width"], Float[Tensor, " width"]]
"""Output and cell of an LSTM after a frame."""


class LstmState(NamedTuple):
    """What is carried from one call to the next, for sequences that come in chunks.

    ``lstm1``, forward in time, goes on where the last chunk ended. ``lstm2`` runs backward in time and would have to
    come from the future: with correct flags it starts anew at the end of each chunk, and its outputs get better with
    more frames to come. Only with ``published_flags`` does its state carry over, from the *first* frame of a chunk to
    the *last* of the next.
    """

    lstm1: CellState
    lstm2: CellState


class ResettableLstm(nn.LSTM):
    """An LSTM over rows, whose state is zero at each row that does not continue the one above.

    It has one bias, as Caffe's; torch's second one is zero and no parameter. Its parameters are ``weight_ih_l0``
    (4 x width, inputs), ``bias_ih_l0`` and ``weight_hh_l0`` (4 x width, width) in the order input, forget, candidate,
    output; Caffe's are the same blobs in the order of :func:`swap_gates`.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__(inputs, width)
        del self.bias_hh_l0
        self.register_buffer("bias_hh_l0", torch.zeros(4 * width), persistent=False)
        # The list of weights that torch keeps still has the parameter.
        self._init_flat_weights()

    def blobs(self) -> tuple[nn.Parameter, nn.Parameter, nn.Parameter]:
        """Weight of the input, bias, weight of the state: Caffe's order, but torch's order of gates."""
        return (
            self.get_parameter("weight_ih_l0"),
            self.get_parameter("bias_ih_l0"),
            self.get_parameter("weight_hh_l0"),
        )

    def scan(
        self,
        x: Float[Tensor, "rows inputs"],
        continues: Shaped[Tensor, " rows"],
        state: CellState | None = None,
    ) -> tuple[Float[Tensor, "rows width"], CellState]:
        """Outputs of all rows, and the state after the last.

        Args:
            continues: 0 where a row starts a sequence.
            state: before the first row; it counts only if that row continues, and gets no gradient. None: zero.
        """
        lengths, carries_on = _segments(continues)
        cells = x.new_zeros(2, 1, len(lengths), self.hidden_size)
        if state is not None and carries_on:
            first = torch.stack(state).detach().to(cells)[:, None, None]
            cells = torch.cat([first, cells[:, :, 1:]], dim=2)
        packed = pack_sequence(list(x.split(lengths)), enforce_sorted=False)
        y, (output, cell) = super().forward(packed, (cells[0], cells[1]))
        return torch.cat(unpack_sequence(y)), (output[0, -1], cell[0, -1])


class LstmStack(nn.Module):
    """Features of frames in rows to features that know the frames before and after.

    Args:
        inputs: values of a row.
        width: of both LSTMs.
        published_flags: the flags of the second LSTM are not reversed, as published; see the text of this module.
        initialisation: of the weights, :data:`maquette.models.pose_machine_initialisation.Initialisation`.
    """

    def __init__(
        self,
        inputs: int = 1024,
        width: int = 1024,
        *,
        published_flags: bool = False,
        initialisation: Initialisation = "published",
    ) -> None:
        super().__init__()
        self.published_flags = published_flags
        self.lstm1 = ResettableLstm(inputs, width)
        self.lstm2 = ResettableLstm(width, width)
        initialise(self, initialisation)

    def forward(
        self,
        features: Float[Tensor, "rows inputs"],
        clip: Shaped[Tensor, " rows"],
        state: LstmState | None = None,
    ) -> tuple[Float[Tensor, "rows width"], LstmState]:
        """Args:
        clip: 0 in the first frame of each sequence, else 1; best left on the CPU, where it is read.
        state: of the call before, for a first row that is not the first of its sequence.
        """
        forward, after1 = self.lstm1.scan(features, clip, state and state.lstm1)
        backward_clip = clip if self.published_flags else reversed_clip(clip)
        backward, after2 = self.lstm2.scan(forward.flip(0), backward_clip, state and state.lstm2)
        return backward.flip(0), LstmState(after1, after2)


def reversed_clip(clip: Shaped[Tensor, " rows"]) -> Shaped[Tensor, " rows"]:
    """The flags of the same sequences in reversed order: 0 in what was the last frame of each."""
    return torch.cat([torch.zeros_like(clip[:1]), clip[1:].flip(0)])


def swap_gates(blob: Float[np.ndarray, "gates *rest"]) -> Float[np.ndarray, "gates *rest"]:
    """A weight or bias of an LSTM in torch's order of gates from Caffe's, or the other way round."""
    blocks = np.split(blob, 4)
    return np.concatenate([blocks[gate] for gate in _CAFFE_GATES])


def _segments(continues: Shaped[Tensor, " rows"]) -> tuple[list[int], bool]:
    """Lengths of the sequences, and whether the first of them goes on from an earlier call."""
    flags = (continues != 0).cpu()
    starts = torch.nonzero(~flags).flatten().tolist()
    carries_on = bool(flags[0])
    bounds = [*([0] if carries_on else []), *starts, len(flags)]
    return [after - before for before, after in pairwise(bounds)], carries_on

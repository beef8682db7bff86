"""Running a 3D pose machine (Wang et al. 2019) over videos that are longer than the sequences it was trained on.

The network looks ahead to the end of what it is given at once, and back as far as its state goes:

* ``chunks``: pieces as long as in training, none knowing of another. What it was trained for.
* ``carried``: pieces of as many rows one after the other, whatever videos they are of, each going on from the state of
  the piece before where the video goes on: how the published programs test.
* ``whole``: each video in one piece, longer than any it has seen.
"""

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, UInt8

from maquette.errors import InputError
from maquette.lifting.min_max import MinMax
from maquette.runtime.pose_machine import PoseMachineModel

Sequences = Literal["chunks", "carried", "whole"]
Poses = Float[np.ndarray, "rows joints 3"]


def run_videos(
    model: PoseMachineModel,
    frames: Callable[[slice], Float[np.ndarray, "piece *shape"]],
    continues: Bool[np.ndarray, " rows"],
    *,
    observed: Bool[np.ndarray, "rows joints"] | None = None,
    sequences: Sequences = "chunks",
) -> tuple[Poses, Poses]:
    """Coarse and corrected poses of all rows, millimetres relative to the root, camera frame.

    Args:
        frames: what goes in for some rows that follow each other (:meth:`PoseMachineModel.run`); asked for piece by
            piece, so that pictures need not all be in memory.
        continues: whether a row goes on with the video of the row before.
        observed: which 2D joints are there; for models of 2D joints.

    Raises:
        InputError: whole videos of pictures are asked for.
    """
    check_sequences(model, sequences)
    coarse, corrected = [], []
    state = None
    for piece in _pieces(continues, model.spec.window_frames, sequences):
        clip = continues[piece].copy()
        if sequences != "carried":
            clip[0], state = False, None
        seen = None if observed is None else observed[piece]
        found = model.run(frames(piece), clip, observed=seen, state=state)
        state = found.state
        coarse.append(found.coarse)
        corrected.append(found.corrected)
    limits = limits_of(model)
    return limits.unnormalise(np.concatenate(coarse)), limits.unnormalise(np.concatenate(corrected))


def check_sequences(model: PoseMachineModel, sequences: Sequences) -> None:
    """Raises:
    InputError: whole videos of pictures are asked for.
    """
    if sequences == "whole" and model.spec.form == "images":
        raise InputError("whole videos of pictures do not fit into memory at once; take chunks, or carry their state")


def limits_of(model: PoseMachineModel) -> MinMax:
    """Of its 3D values."""
    limits = model.spec.limits
    assert limits is not None  # the model file was refused without
    return MinMax(np.array(limits.max_mm, dtype=np.float64), np.array(limits.min_mm, dtype=np.float64))


def network_pictures(squares: UInt8[np.ndarray, "frames side side 3"]) -> Float[np.ndarray, "frames 3 side side"]:
    """RGB squares as the network sees them: blue, green, red, ``(value - 128) / 256``."""
    return (squares[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32) - 128) / 256


def _pieces(continues: Bool[np.ndarray, " rows"], length: int, sequences: Sequences) -> Iterator[slice]:
    rows = len(continues)
    starts = [0] if sequences == "carried" else np.flatnonzero(~continues).tolist()
    for start, end in zip(starts, [*starts[1:], rows], strict=True):
        step = end - start if sequences == "whole" else length
        for first in range(start, end, step):
            yield slice(first, min(first + step, end))

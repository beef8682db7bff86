"""The model file of a 3D pose machine: frames of sequences in, three results for each of them out."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped

from maquette.errors import ModelError
from maquette.runtime.onnx_model import load_session
from maquette.runtime.spec import ModelSpec

_STATES = 4


class MachineResult(NamedTuple):
    """Of every row, normalised as ``spec.limits`` say; nothing is clipped to 0 to 1."""

    coarse: Float[np.ndarray, "rows joints 3"]
    corrected: Float[np.ndarray, "rows joints 3"]
    projected: Float[np.ndarray, "rows joints 2"]
    """Where the corrected pose would be seen, as shares of the square crop."""
    state: Float[np.ndarray, "4 width"]
    """For the next rows of the same sequence."""


class PoseMachineModel:
    """A pose machine, ready to run.

    Args:
        path: the ``.onnx`` file.
        threads: threads inside one operator; 0 leaves the choice to onnxruntime (one for each core).
        providers: onnxruntime's execution providers in order of preference; None takes all that there are.

    Raises:
        ModelError: the file is missing, is no model of Maquette, or no pose machine.
    """

    def __init__(self, path: str | Path, *, threads: int = 0, providers: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        loaded = load_session(path, threads=threads, providers=providers)
        self.spec: ModelSpec = loaded.spec
        self.sha256: str = hashlib.sha256(loaded.data).hexdigest()
        """SHA-256 of the file, in hexadecimal."""
        self._session = loaded.session
        if self.spec.kind != "pose-machine":
            raise ModelError(f"{path}: is a lifter ({self.spec.kind}), expected a pose machine")
        self._check()

    def _check(self) -> None:
        inputs = {tensor.name: list(tensor.shape) for tensor in self._session.get_inputs()}
        outputs = {tensor.name: list(tensor.shape) for tensor in self._session.get_outputs()}
        wanted = {"frames", "clip", "state"} | ({"observed"} if self.spec.form == "keypoints" else set())
        given = {"coarse", "corrected", "projected", "next_state"}
        size = self.spec.image_size
        fits = set(inputs) == wanted and set(outputs) == given and self.spec.form in ("images", "keypoints")
        if not fits or (self.spec.form == "images" and inputs["frames"][1:] != [3, size, size]):
            raise ModelError(
                f"{self.path}: takes {', '.join(inputs)} and gives {', '.join(outputs)}, expected "
                f"{', '.join(sorted(wanted))} and {', '.join(sorted(given))} as its metadata say; export it again"
            )
        limits = self.spec.limits
        sizes = {outputs["coarse"][1]} | {3 * len(side) for side in (limits.max_mm, limits.min_mm)} if limits else set()
        if len(sizes) != 1 or limits is None or any(len(row) != 3 for row in [*limits.max_mm, *limits.min_mm]):
            raise ModelError(f"{self.path}: has no limits of its 3D values in its metadata; export it again")
        self.joints = len(limits.max_mm)
        self._width = inputs["state"][1]

    @property
    def providers(self) -> list[str]:
        """The execution providers in use."""
        return list(self._session.get_providers())

    def run(
        self,
        frames: Float[np.ndarray, "rows *shape"],
        clip: Shaped[np.ndarray, " rows"],
        *,
        observed: Bool[np.ndarray, "rows joints"] | None = None,
        state: Float[np.ndarray, "4 width"] | None = None,
    ) -> MachineResult:
        """Poses of all rows in one call.

        Args:
            frames: for ``images``: pictures (rows, 3, size, size), blue, green, red, ``(value - 128) / 256``; for
                ``keypoints``: x, y of the joints as shares of the square crop (rows, 2 x joints).
            clip: 0 (False) in the first frame of each sequence, else 1.
            observed: for ``keypoints``: False where a joint is missing; None: all are there.
            state: of the rows before, if the first row goes on with their sequence. The published programs give five
                rows at a time; the network looks ahead only within a call.

        Raises:
            ModelError: no frames, or of another shape than the model takes.
        """
        expected = (3, self.spec.image_size, self.spec.image_size)
        expected = expected if self.spec.form == "images" else (2 * self.joints,)
        if frames.shape[1:] != expected:
            raise ModelError(f"{self.path}: takes frames of {expected}, not of {frames.shape[1:]}")
        if not len(frames):
            raise ModelError(f"{self.path}: no frames, expected one or more")
        feed = {
            "frames": np.ascontiguousarray(frames, dtype=np.float32),
            "clip": np.asarray(clip, dtype=np.float32),
            "state": np.zeros((_STATES, self._width), np.float32) if state is None else state.astype(np.float32),
        }
        if self.spec.form == "keypoints":
            seen = np.ones((len(frames), self.joints)) if observed is None else observed
            feed["observed"] = seen.astype(np.float32)
        names = ("coarse", "corrected", "projected", "next_state")
        coarse, corrected, projected, after = self._session.run(list(names), feed)
        rows = (len(frames), self.joints, -1)
        return MachineResult(coarse.reshape(rows), corrected.reshape(rows), projected.reshape(rows), after)

"""The model file of a network of pictures: crops around people in, heatmaps and depths out."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, UInt8

from maquette.errors import ModelError
from maquette.runtime.onnx_model import open_session
from maquette.runtime.picture_spec import PictureSpec, decode_picture_spec, is_picture_spec
from maquette.runtime.spec import decode_spec
from maquette.skeletons import get_skeleton


class PictureResult(NamedTuple):
    """Of every crop; nothing is decoded yet."""

    heatmaps: Float[np.ndarray, "crops joints height width"]
    """Of the last stack: about 1 where the joint is, 0 elsewhere."""
    depth: Float[np.ndarray, "crops joints"] | None
    """In ``spec.depth_unit``, where ``spec.depth`` is ``vector``."""
    depth_map: Float[np.ndarray, "crops joints height width"] | None
    """The same where it is ``map``."""


class PictureModel:
    """A network of pictures, ready to run.

    Args:
        path: the ``.onnx`` file.
        threads: threads inside one operator; 0 leaves the choice to onnxruntime (one for each core).
        providers: onnxruntime's execution providers in order of preference; None takes all that there are.

    Raises:
        ModelError: the file is missing, is no model of Maquette, or one that sees no pictures.
    """

    def __init__(self, path: str | Path, *, threads: int = 0, providers: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        opened = open_session(path, threads=threads, providers=providers)
        if not is_picture_spec(opened.metadata):
            raise ModelError(_what_else(decode_spec(opened.metadata, str(path)).kind, str(path)))
        self.spec: PictureSpec = decode_picture_spec(opened.metadata, str(path))
        self.sha256: str = hashlib.sha256(opened.data).hexdigest()
        """SHA-256 of the file, in hexadecimal."""
        self._session = opened.session
        self.n_joints = len(get_skeleton(self.spec.skeleton))
        self._outputs = self._check()
        self._factor = 1 / (self.spec.divide_by * np.array(self.spec.std))
        self._offset = -np.array(self.spec.mean) / np.array(self.spec.std)

    def _check(self) -> list[str]:
        """Names of what comes out, once it is as the metadata say."""
        spec, joints, side = self.spec, self.n_joints, self.spec.output_size
        wanted = {"heatmaps": [joints, side, side]}
        if spec.depth != "none":
            name, shape = ("depth", [joints]) if spec.depth == "vector" else ("depth_map", [joints, side, side])
            wanted[name] = shape
        inputs = {tensor.name: list(tensor.shape)[1:] for tensor in self._session.get_inputs()}
        outputs = {tensor.name: list(tensor.shape)[1:] for tensor in self._session.get_outputs()}
        if inputs != {"pictures": [3, spec.input_size, spec.input_size]} or outputs != wanted:
            raise ModelError(
                f"{self.path}: takes {_shapes(inputs)} and gives {_shapes(outputs)}, expected "
                f"{_shapes({'pictures': [3, spec.input_size, spec.input_size]})} and {_shapes(wanted)} as its metadata "
                "say; export it again"
            )
        return list(wanted)

    @property
    def providers(self) -> list[str]:
        """The execution providers in use."""
        return list(self._session.get_providers())

    def prepare(self, crops: UInt8[np.ndarray, "crops side side 3"]) -> Float32[np.ndarray, "crops 3 side side"]:
        """Crops as the network takes them: its order of colours, its range of values."""
        colours = crops if self.spec.colour_order == "rgb" else crops[..., ::-1]
        # One multiplication and one addition in place of division, subtraction and division: the same to rounding.
        values = colours * self._factor.astype(np.float32) + self._offset.astype(np.float32)
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2), dtype=np.float32)

    def run(self, crops: UInt8[np.ndarray, "crops height width 3"], *, batch: int = 16) -> PictureResult:
        """Heatmaps and depths of every crop.

        Args:
            crops: RGB, around one person each, of the side ``spec.input_size``.
            batch: how many go in at once, so that memory is bounded.

        Raises:
            ModelError: crops of another size.
        """
        size = self.spec.input_size
        if crops.shape[1:3] != (size, size):
            raise ModelError(
                f"{self.path}: takes crops of {size}x{size} pixels, not of {crops.shape[2]}x{crops.shape[1]}"
            )
        if not len(crops):
            return self._result({name: self._none(name) for name in self._outputs})
        pieces = [
            self._session.run(self._outputs, {"pictures": self.prepare(crops[i : i + batch])})
            for i in range(0, len(crops), batch)
        ]
        return self._result(
            {name: np.concatenate([piece[i] for piece in pieces]) for i, name in enumerate(self._outputs)}
        )

    def _none(self, name: str) -> np.ndarray:
        """What comes out of no crops."""
        side = self.spec.output_size
        return np.empty((0, self.n_joints) if name == "depth" else (0, self.n_joints, side, side), np.float32)

    def _result(self, arrays: dict[str, np.ndarray]) -> PictureResult:
        return PictureResult(arrays["heatmaps"], arrays.get("depth"), arrays.get("depth_map"))


def _shapes(tensors: dict[str, list]) -> str:
    return ", ".join(f"{name} ({', '.join(map(str, ['n', *shape]))})" for name, shape in tensors.items())


def _what_else(kind: str, path: str) -> str:
    """The refusal of a model of another kind, with what it is for."""
    if kind == "pose-machine":
        return (
            f"{path}: is a pose machine, which sees whole sequences; expected a network of pictures (hourglass). "
            "Measure it with: maquette evaluate MODEL --protocol pose-machine"
        )
    return (
        f"{path}: is a lifter ({kind}), which takes 2D joints and sees no pictures; expected a network of pictures "
        "(hourglass). Lifters go to: maquette lift INPUT --model FILE"
    )

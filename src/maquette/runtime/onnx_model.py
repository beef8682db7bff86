"""An ONNX model with its spec."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.errors import ModelError
from maquette.runtime.spec import METADATA_KEY, ModelSpec, decode_spec


class OnnxModel:
    """A model file, ready to run: features in, positions out.

    Args:
        path: the ``.onnx`` file.
        threads: threads inside one operator; 0 leaves the choice to onnxruntime (one for each core).
        providers: onnxruntime's execution providers in order of preference; None takes all that the installed
            onnxruntime offers.

    Raises:
        ModelError: the file is missing, is no ONNX model, or carries no Maquette spec.
    """

    def __init__(self, path: str | Path, *, threads: int = 0, providers: Sequence[str] | None = None) -> None:
        import onnxruntime

        self.path = Path(path)
        if not self.path.is_file():
            raise ModelError(f"{path}: no such model file; `maquette models` lists those in the package")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._bytes = self.path.read_bytes()
        try:
            self._session = onnxruntime.InferenceSession(
                self._bytes, options, providers=list(providers or onnxruntime.get_available_providers())
            )
        except Exception as error:  # onnxruntime's exceptions share no base class but Exception
            raise ModelError(f"{path}: onnxruntime cannot load it ({str(error).splitlines()[0]})") from error
        metadata = self._session.get_modelmeta().custom_metadata_map
        if METADATA_KEY not in metadata:
            raise ModelError(
                f"{path}: an ONNX model without Maquette's metadata (key '{METADATA_KEY}'), so its joints, units and "
                "normalisation are unknown; export it with `maquette train` or `maquette import-weights`"
            )
        self.spec: ModelSpec = decode_spec(metadata[METADATA_KEY], str(path))
        self._input = self._session.get_inputs()[0].name

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self._bytes).hexdigest()

    @property
    def providers(self) -> list[str]:
        """The execution providers in use."""
        return list(self._session.get_providers())

    def run(
        self, features: Float[np.ndarray, "batch window channels"], *, batch: int = 1024
    ) -> Float[np.ndarray, "batch joints 3"]:
        """Positions in the network's own frame and unit, for windows given in batches of at most ``batch``."""
        if len(features) <= batch:
            return self._run(features)
        return np.concatenate([self._run(features[i : i + batch]) for i in range(0, len(features), batch)])

    def _run(self, features: Float[np.ndarray, "batch window channels"]) -> Float[np.ndarray, "batch joints 3"]:
        return self._session.run(None, {self._input: np.ascontiguousarray(features, dtype=np.float32)})[0]  # pyright: ignore[reportReturnType]

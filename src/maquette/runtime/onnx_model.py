"""An ONNX model with its spec."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from maquette.errors import ModelError
from maquette.runtime.picture_spec import is_picture_spec
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
        loaded = load_session(path, threads=threads, providers=providers)
        self.path = Path(path)
        self.spec: ModelSpec = loaded.spec
        if self.spec.kind == "pose-machine":
            raise ModelError(
                f"{path}: is a pose machine, which sees {self.spec.form} of whole sequences and is no lifter of clips; "
                "measure it with: maquette evaluate MODEL --protocol pose-machine"
            )
        self._bytes, self._session = loaded.data, loaded.session
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shapes = [list(tensor.shape) for tensor in (*inputs, *outputs)]
        self._check_shapes(shapes)
        self.channels: int = shapes[0][-1]
        """Channels of one frame of the input."""
        self._input = inputs[0].name

    def _check_shapes(self, shapes: list[list]) -> None:
        window, form = self.spec.window_frames, self.spec.form
        expected = {
            "window": (f"(batch, {window}, channels)", "(batch, joints, 3)"),
            "clip": ("(frames, channels)", f"(frames - {window - 1}, joints, 3)"),
        }[form]
        fits = len(shapes) == 2 and len(shapes[0]) == (3 if form == "window" else 2) and isinstance(shapes[0][-1], int)
        if not fits or (form == "window" and shapes[0][1] != window) or shapes[1][2:] != [3]:
            raise ModelError(
                f"{self.path}: takes and gives arrays of shapes {', '.join(map(str, shapes))}, expected "
                f"{' and '.join(expected)} as its metadata say; export it again"
            )

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

    def run_clip(
        self, features: Float[np.ndarray, "frames channels"], *, chunk: int | None = None
    ) -> Float[np.ndarray, "poses joints 3"]:
        """Positions for every window of the clip: ``frames - window_frames + 1`` poses, the first of the first window.

        A model of form ``clip`` gets overlapping pieces that give ``chunk`` poses each, so that what it keeps between
        its layers stays in the cache; None: 128, and eight windows for a ``temporal`` network, whose neighbouring
        windows share their work (half as fast in pieces of 128). One of form ``window`` gets the windows themselves.
        """
        window = self.spec.window_frames
        if chunk is None:
            is_shared = self.spec.kind == "temporal" and self.spec.form == "clip"
            chunk = max(128, 8 * window) if is_shared else 128
        poses = len(features) - window + 1
        if poses < 1:
            raise ModelError(f"{self.path}: a clip of {len(features)} frames is shorter than the window of {window}")
        features = np.ascontiguousarray(features, dtype=np.float32)
        if self.spec.form == "window":
            windows = np.lib.stride_tricks.sliding_window_view(features, window, axis=0).transpose(0, 2, 1)
            return self.run(windows, batch=chunk)
        pieces = [self._run(features[i : min(i + chunk, poses) + window - 1]) for i in range(0, poses, chunk)]
        return np.concatenate(pieces)

    def _run(self, features: Float[np.ndarray, "*inputs channels"]) -> Float[np.ndarray, "batch joints 3"]:
        return self._session.run(None, {self._input: np.ascontiguousarray(features, dtype=np.float32)})[0]  # pyright: ignore[reportReturnType]


class LoadedModel(NamedTuple):
    """A model file in memory."""

    session: Any
    """``onnxruntime.InferenceSession``."""
    spec: ModelSpec
    data: bytes
    """The file."""


def load_session(path: str | Path, *, threads: int, providers: Sequence[str] | None) -> LoadedModel:
    """The model file ``path`` of a lifter or a pose machine; arguments as of :class:`OnnxModel`.

    Raises:
        ModelError: the file is missing, is no ONNX model, carries no Maquette spec, or sees pictures.
    """
    opened = open_session(path, threads=threads, providers=providers)
    if is_picture_spec(opened.metadata):
        raise ModelError(
            f"{path}: is a network of pictures, which finds joints and is no lifter; use it with: maquette lift "
            "PICTURE_OR_VIDEO --detector hourglass --model FILE"
        )
    return LoadedModel(opened.session, decode_spec(opened.metadata, str(path)), opened.data)


class OpenedModel(NamedTuple):
    """A model file in memory, whose spec is not read yet."""

    session: Any
    """``onnxruntime.InferenceSession``."""
    metadata: str
    """The text under Maquette's key."""
    data: bytes
    """The file."""


def open_session(path: str | Path, *, threads: int, providers: Sequence[str] | None) -> OpenedModel:
    """The model file ``path``, whatever goes into it; arguments as of :class:`OnnxModel`.

    Raises:
        ModelError: the file is missing, is no ONNX model, or carries no metadata of Maquette.
    """
    if not Path(path).is_file():
        raise ModelError(f"{path}: no such model file; `maquette models` lists those in the package")
    hint = "" if Path(path).suffix == ".onnx" else "; other programs' weights become models by import-weights"
    opened = open_foreign(path, threads=threads, providers=providers, hint=hint)
    if METADATA_KEY not in opened.metadata:
        raise ModelError(
            f"{path}: an ONNX model without Maquette's metadata (key '{METADATA_KEY}'), so its joints, units and "
            "normalisation are unknown; export it with `maquette train` or `maquette import-weights`"
        )
    return OpenedModel(opened.session, opened.metadata[METADATA_KEY], opened.data)


class ForeignModel(NamedTuple):
    """An ONNX file in memory, whoever made it."""

    session: Any
    """``onnxruntime.InferenceSession``."""
    metadata: dict[str, str]
    """All its own texts, by key."""
    data: bytes
    """The file."""


def open_foreign(path: str | Path, *, threads: int, providers: Sequence[str] | None, hint: str = "") -> ForeignModel:
    """Any ONNX file; arguments as of :class:`OnnxModel`.

    Args:
        hint: what to do with a file that cannot be loaded, for the end of the text.

    Raises:
        ModelError: the file is missing or is no ONNX model.
    """
    import onnxruntime

    if not Path(path).is_file():
        raise ModelError(f"{path}: no such model file{hint}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    data = Path(path).read_bytes()
    try:
        session = onnxruntime.InferenceSession(
            data, options, list(providers or _local_providers(onnxruntime)), enable_fallback=0
        )
        # A damaged file can also fail here: its texts need not be UTF-8.
        metadata = session.get_modelmeta().custom_metadata_map
        for tensor in (*session.get_inputs(), *session.get_outputs()):
            list(tensor.shape)
    except onnx_errors() as error:
        raise ModelError(f"{path}: onnxruntime cannot load it ({str(error).splitlines()[0]}){hint}") from error
    return ForeignModel(session, metadata, data)


def _local_providers(onnxruntime) -> list[str]:
    """The installed execution providers that compute on this machine, in onnxruntime's order of preference."""
    return [name for name in onnxruntime.get_available_providers() if name != "AzureExecutionProvider"]


def onnx_errors() -> tuple[type[Exception], ...]:
    """What onnxruntime raises for a file that it cannot load or run; its exceptions share no base class of their
    own."""
    from importlib import import_module

    state = import_module("onnxruntime.capi.onnxruntime_pybind11_state")

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NotImplemented")
    return (*(getattr(state, name) for name in names), state.RuntimeException, ValueError, RuntimeError)

"""Other people's ONNX files that take pictures: what goes in and comes out, as far as a file says it."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from maquette.errors import ModelError
from maquette.formats.protobuf_wire import Damaged, Field, fields
from maquette.runtime.onnx_model import onnx_errors, open_foreign
from maquette.runtime.picture_spec import is_picture_spec
from maquette.runtime.spec import METADATA_KEY

BATCH = 16
"""Pictures that go in at once where the file leaves their number open, so that memory is bounded."""
_FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class OnnxFile:
    """A network with one input, pictures ``(n, 3, height, width)``, tried out once on a picture of zeros.

    Args:
        path: the ``.onnx`` file.
        default_size: ``(width, height)`` of the input where the file leaves them open.
        expected: what the file should be, for the texts of errors.
        threads: threads inside one operator; 0 leaves the choice to onnxruntime.

    Raises:
        ModelError: no such file, no ONNX file, one of Maquette's own models, or one that takes anything else or does
            not run.
    """

    def __init__(self, path: str | Path, *, default_size: tuple[int, int], expected: str, threads: int = 0) -> None:
        opened = open_foreign(path, threads=threads, providers=None, hint=f"; expected {expected}")
        self.path, self.expected = Path(path), expected
        if METADATA_KEY in opened.metadata:
            raise ModelError(f"{path}: {_own(opened.metadata[METADATA_KEY])}; expected {expected}")
        self._session: Any = opened.session
        inputs = self._session.get_inputs()
        shape = list(inputs[0].shape) if inputs else []
        channels = shape[1] if len(shape) == 4 else None
        if len(inputs) != 1 or len(shape) != 4 or (isinstance(channels, int) and channels != 3):
            raise ModelError(
                f"{path}: takes {_declared(inputs)}; expected {expected}, whose one input is (n, 3, height, width)"
            )
        if inputs[0].type not in _FLOATS:
            raise ModelError(f"{path}: takes numbers of the type {inputs[0].type}; expected {expected} of floats")
        self._input, self._dtype = inputs[0].name, _FLOATS[inputs[0].type]
        batch, _, height, width = (length if isinstance(length, int) and length > 0 else None for length in shape)
        self._batch = batch
        self.size: tuple[int, int] = (width or default_size[0], height or default_size[1])
        """``(width, height)`` of the input."""
        self.has_size: bool = width is not None and height is not None
        """True if the file says it."""
        if not all(8 <= side <= 4096 for side in self.size) or (batch or 1) > 256:
            raise ModelError(f"{path}: takes {_declared(inputs)}; expected {expected} for pictures of 8 to 4096 pixels")
        self._data = opened.data
        self.outputs: dict[str, np.ndarray] = self._tried()
        """By name, for one picture of zeros."""

    def _tried(self) -> dict[str, np.ndarray]:
        zeros = np.zeros((1, 3, self.size[1], self.size[0]), np.float32)
        return dict(zip((tensor.name for tensor in self._session.get_outputs()), self.run(zeros), strict=True))

    @property
    def label(self) -> str:
        """What the file is called; the folder where it has the name that every export has."""
        return self.path.resolve().parent.name if self.path.stem in ("end2end", "model") else self.path.stem

    def run(self, pictures: Float[np.ndarray, "n 3 height width"]) -> list[np.ndarray]:
        """What comes out, in the order of the file, for all pictures.

        Raises:
            ModelError: it does not run, or gives anything but an array of numbers for each picture.
        """
        step = self._batch or BATCH
        pieces = [self._run(pictures[i : i + step]) for i in range(0, len(pictures), step)]
        return [np.concatenate(arrays) for arrays in zip(*pieces, strict=True)]

    def _run(self, pictures: np.ndarray) -> list[np.ndarray]:
        if self._session is None:
            raise ModelError(f"{self.path}: was closed; open the detector again")
        count = len(pictures)
        batch = np.zeros((self._batch or count, *pictures.shape[1:]), self._dtype)
        batch[:count] = pictures
        import onnxruntime

        options = onnxruntime.RunOptions()  # pyright: ignore[reportAttributeAccessIssue]
        # What it would write to the terminal is in the error.
        options.log_severity_level = 4
        try:
            results = self._session.run(None, {self._input: batch}, options)
        except onnx_errors() as error:
            raise ModelError(
                f"{self.path}: does not run on pictures of {self.size[0]}x{self.size[1]} pixels "
                f"({str(error).splitlines()[0][:300]}); expected {self.expected}"
            ) from error
        for result in results:
            is_array = isinstance(result, np.ndarray) and np.issubdtype(result.dtype, np.number)
            if not is_array or not result.ndim or len(result) != len(batch):
                seen = f"an array {result.shape} of {result.dtype}" if isinstance(result, np.ndarray) else "no array"
                raise ModelError(
                    f"{self.path}: gives {seen} for {len(batch)} pictures; expected {self.expected}, which gives "
                    "numbers for each picture"
                )
        return [result[:count] for result in results]

    def unknown(self, seen_as: str = "") -> ModelError:
        """The error for a file whose outputs are not what was expected."""
        outputs = ", ".join(f"{name} {array.shape}" for name, array in self.outputs.items())
        return ModelError(
            f"{self.path}: takes {self._input} (n, 3, {self.size[1]}, {self.size[0]}) and gives {outputs}"
            f"{seen_as and ', which is ' + seen_as}; expected {self.expected}"
        )

    def first_operators(self) -> set[str]:
        """Kinds of the nodes that the input goes into, casts passed over; empty if the file does not tell."""
        names, kinds = {self._input.encode()}, set()
        try:
            for node in _nodes(self._data):
                parts = [(part.number, bytes(part.content)) for part in node if part.content is not None]
                if names & {text for number, text in parts if number == 1}:
                    kind = next((text.decode(errors="replace") for number, text in parts if number == 4), "")
                    if kind in ("Cast", "Identity"):
                        names |= {text for number, text in parts if number == 2}
                    else:
                        kinds.add(kind)
        except Damaged:
            return set()
        return kinds

    def forget_file(self) -> None:
        """Give back the bytes of the file, once nothing more is asked about them."""
        self._data = b""

    def close(self) -> None:
        """Give back the network."""
        self._session = None


def prepared(
    crops: list[np.ndarray], colour_order: str, mean: tuple[float, ...] | None, std: tuple[float, ...] | None
) -> Float32[np.ndarray, "n 3 height width"]:
    """RGB pictures of one size as a network takes them; mean and deviation are in the order of its colours."""
    pictures = np.stack(crops)
    values = (pictures if colour_order == "rgb" else pictures[..., ::-1]).transpose(0, 3, 1, 2)
    if mean is None or std is None:
        return np.ascontiguousarray(values, dtype=np.float32)
    scale = 1 / np.array(std, np.float32).reshape(3, 1, 1)
    return np.ascontiguousarray(values * scale - np.array(mean, np.float32).reshape(3, 1, 1) * scale)


def _nodes(data: bytes) -> "list[list[Field]]":
    """The nodes of the graph of a ``ModelProto`` (onnx.proto: graph is field 7, its nodes are field 1)."""
    graphs = [part.content for part in fields(memoryview(data)) if part.number == 7 and part.content is not None]
    parts = [part.content for graph in graphs for part in fields(graph) if part.number == 1]
    return [list(fields(content)) for content in parts if content is not None]


def _declared(tensors: list) -> str:
    texts = [f"{tensor.name} ({', '.join(str(length or '?') for length in tensor.shape)})" for tensor in tensors]
    return ", ".join(texts) or "nothing"


def _own(metadata: str) -> str:
    """What a model file of Maquette is, and where it goes."""
    if is_picture_spec(metadata):
        return "is a network of pictures of Maquette, which goes to --detector hourglass --model FILE"
    return "is a lifter of Maquette, which takes 2D joints and goes to --model FILE"

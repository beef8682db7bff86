"""The weights of the self-supervised correction (Wang et al. 2019): six layers, and a file that says what they want.

The first two layers, ``change_tmp`` and ``change``, correct a 3D pose; the other four, ``project_1`` to ``project_2d``,
say what the corrected pose looks like in 2D. The file is NumPy's ``.npz``: twelve plain arrays and the spec as JSON
text under ``spec``; nothing in it is a pickle.
"""

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from jaxtyping import Float

from maquette.atomic import write_bytes
from maquette.errors import InputError, ModelError
from maquette.formats.npz import array_names, read_array, write_arrays
from maquette.lifting.min_max import PUBLISHED_16, MinMax
from maquette.runtime.shipped import find_correction

SCHEMA = 1
JOINTS = 16
POSE_VALUES, PICTURE_VALUES = 3 * JOINTS, 2 * JOINTS
LAYERS = ("change_tmp", "change", "project_1", "project_2", "project_3", "project_2d")
"""In the order of the published pickle, named as in the published network."""

_SPEC = "spec"
_LARGEST_FILE = 1 << 30


class Layer(NamedTuple):
    """A full connection: ``y = x @ weight + bias``."""

    weight: Float[np.ndarray, "inputs outputs"]
    bias: Float[np.ndarray, " outputs"]


class CorrectionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be known to feed the layers and to read what they put out."""

    schema: int = SCHEMA
    name: str
    view: Literal["body-rays/v1", "square-crop/v1"]
    """How 3D and 2D are brought to what the layers see. ``body-rays/v1``: :mod:`maquette.refine.correction_view`;
    ``square-crop/v1``: the published one, 3D in the camera's axes and 2D as shares of a square crop around the
    person, which no file says how to cut."""
    max_mm: list[list[float]] = msgspec.field(default_factory=PUBLISHED_16.max_mm.tolist)
    """Largest value of each coordinate of the 16 joints of h36m-16, for :class:`maquette.lifting.min_max.MinMax`."""
    min_mm: list[list[float]] = msgspec.field(default_factory=PUBLISHED_16.min_mm.tolist)
    batch_norm_scale: bool = False
    """The published program multiplies by 1/sqrt(1.001) before three of the ReLUs, though nothing was trained so."""
    n_steps: int = 1
    """Online training steps for each frame with which they were found to do best ..."""
    learning_rate: float = 1.5e-4
    """... and the size of these steps."""
    good_fit: float = 0.0
    """Distance of a clip's pictures to what was seen, as a share of the mean distance of a limb joint to the root, at
    which nothing more is done: nearer than this, the pose would follow the mistakes of the detector."""
    licence: str
    training_data: str
    attribution: str = ""
    command: str = ""
    seed: int = 0
    samples_seen: int = 0
    accuracy: dict[str, Any] = {}

    @property
    def limits(self) -> MinMax:
        """The limits of the 3D coordinates."""
        return MinMax(np.array(self.max_mm, dtype=np.float64), np.array(self.min_mm, dtype=np.float64))


@dataclass(frozen=True, eq=False)
class CorrectionWeights:
    """The six layers, weights as (inputs, outputs), and their spec; float32, or float64 where they were given so.

    Raises:
        ModelError: shapes do not fit each other or 16 joints, or a value is not finite.
    """

    change_tmp: Layer
    change: Layer
    project_1: Layer
    project_2: Layer
    project_3: Layer
    project_2d: Layer
    spec: CorrectionSpec
    sha256: str | None = None
    """Of the file they came from; None when they did not come from one."""

    def __post_init__(self) -> None:
        arrays = [np.array(a, dtype=np.float64 if a.dtype == np.float64 else np.float32) for a in self.arrays]
        problems = _shape_problems([array.shape for array in arrays])
        problems += [
            f"{name} holds values that are not finite"
            for name, array in zip(_array_names(), arrays, strict=True)
            if not np.isfinite(array).all()
        ]
        try:
            if len(self.spec.limits) != JOINTS:
                problems.append(f"the limits of 3D values are of {len(self.spec.limits)} joints, expected {JOINTS}")
        except ValueError as error:
            problems.append(str(error))
        if problems:
            raise ModelError(str(InputError.from_problems(f"correction weights '{self.spec.name}'", problems)))
        for array in arrays:
            array.flags.writeable = False
        for i, name in enumerate(LAYERS):
            object.__setattr__(self, name, Layer(arrays[2 * i], arrays[2 * i + 1]))

    @classmethod
    def from_arrays(
        cls, arrays: list[np.ndarray], spec: CorrectionSpec, sha256: str | None = None
    ) -> "CorrectionWeights":
        """From the twelve arrays in the order of the published pickle: weight and bias of each layer in turn.

        Raises:
            ModelError: they are not twelve, or do not fit.
        """
        if len(arrays) != 2 * len(LAYERS):
            raise ModelError(f"correction weights '{spec.name}': {len(arrays)} arrays, expected {2 * len(LAYERS)}")
        layers = [Layer(arrays[2 * i], arrays[2 * i + 1]) for i in range(len(LAYERS))]
        return cls(*layers, spec=spec, sha256=sha256)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of :data:`LAYERS`."""
        return self.change_tmp, self.change, self.project_1, self.project_2, self.project_3, self.project_2d

    @property
    def arrays(self) -> list[np.ndarray]:
        """The twelve arrays in the order of the published pickle."""
        return [array for layer in self.layers for array in layer]

    @cached_property
    def parameters(self) -> int:
        """How many numbers they are."""
        return sum(array.size for array in self.arrays)


def load_correction(weights: str | Path | None = None) -> CorrectionWeights:
    """Weights by the name of a shipped file, by the path of any, or the default ones for None.

    Raises:
        ModelError: there is none, it is damaged, or it is of a newer schema.
    """
    path = find_correction(weights)
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ModelError(f"{path}: {path.stat().st_size} bytes are no correction weights, those have a few million")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from None
    return decode_correction(data, str(path))


def decode_correction(data: bytes, source: str) -> CorrectionWeights:
    """The weights in the bytes of a file named ``source``.

    Raises:
        ModelError: it is damaged, holds something else, or is of a newer schema.
    """
    try:
        names = set(array_names(data, source))
        missing = [name for name in (*_array_names(), _SPEC) if name not in names]
        if missing:
            raise ModelError(
                f"{source}: lacks {', '.join(missing)}; expected correction weights as 'maquette train "
                "correction-mocap' or 'maquette import-weights pose-machine-correction' write them"
            )
        arrays = [np.asarray(read_array(data, name, source)) for name in _array_names()]
        text = np.asarray(read_array(data, _SPEC, source))
    except InputError as error:
        raise ModelError(str(error)) from None
    wrong = [
        name for name, array in zip(_array_names(), arrays, strict=True) if array.dtype not in (np.float16, np.float32)
    ]
    if wrong or text.dtype.kind != "U" or text.ndim:
        raise ModelError(f"{source}: {', '.join(wrong) or _SPEC} is not of the type that correction weights have")
    return CorrectionWeights.from_arrays(arrays, _decode_spec(text.item(), source), hashlib.sha256(data).hexdigest())


def _decode_spec(text: str, source: str) -> CorrectionSpec:
    try:
        spec = msgspec.json.decode(text, type=CorrectionSpec)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise ModelError(f"{source}: its '{_SPEC}' cannot be read ({error}); write the file again") from None
    if spec.schema != SCHEMA:
        raise ModelError(f"{source}: is of schema {spec.schema}, this version reads {SCHEMA}; update maquette")
    return spec


def save_correction(weights: CorrectionWeights, path: str | Path, *, half: bool = False) -> None:
    """Write ``weights`` to an ``.npz``.

    Args:
        half: in half precision, which halves the file and rounds each weight to 11 bits.

    Raises:
        ModelError: a weight is too large for half precision.
        OutputError: it cannot be written.
    """
    limit = float(np.finfo(np.float16).max)
    if half and any(np.abs(array).max() > limit for array in weights.arrays):
        raise ModelError(f"correction weights '{weights.spec.name}': some are beyond {limit:g}; write full precision")
    dtype = np.float16 if half else np.float32
    stream = io.BytesIO()
    text = np.array(msgspec.json.encode(weights.spec).decode())
    named = {name: array.astype(dtype) for name, array in zip(_array_names(), weights.arrays, strict=True)}
    write_arrays(stream, {_SPEC: text, **named})
    write_bytes(path, stream.getvalue())


def _array_names() -> tuple[str, ...]:
    return tuple(f"{layer}.{part}" for layer in LAYERS for part in Layer._fields)


def _shape_problems(shapes: list[tuple[int, ...]]) -> list[str]:
    """The widths of the hidden layers are free; the pose has 48 values and the picture 32."""
    correcting, projecting = (shapes[i][0] if len(shapes[i]) == 1 else 0 for i in (1, 5))
    sizes = {"change_tmp": (POSE_VALUES, correcting), "change": (correcting, POSE_VALUES)}
    sizes["project_1"] = (POSE_VALUES, projecting)
    sizes["project_2"] = sizes["project_3"] = (projecting, projecting)
    sizes["project_2d"] = (projecting, PICTURE_VALUES)
    expected = [shape for name in LAYERS for shape in (sizes[name], sizes[name][1:])]
    return [
        f"{name} has shape {seen}, expected {wanted}"
        for name, seen, wanted in zip(_array_names(), shapes, expected, strict=True)
        if seen != wanted or 0 in seen
    ]

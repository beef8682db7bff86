"""Which MediaPipe is installed, and the pose models that come inside it."""

import importlib.metadata
import importlib.util
import io
import struct
import zipfile
from pathlib import Path
from typing import Any

from maquette.detect.mediapipe_log import without_chatter
from maquette.errors import MissingExtraError, ModelError, missing_extra

LEGACY_VERSION = "0.10.21"
"""The last version whose Linux wheels hold ``mp.solutions`` with its pose models."""

_DETECTOR = "pose_detection/pose_detection.tflite"
_LANDMARKS = "pose_landmark/pose_landmark_full.tflite"
# Names inside a .task file.
_BUNDLED_DETECTOR = "pose_detector.tflite"
_BUNDLED_LANDMARKS = "pose_landmarks_detector.tflite"
_ALIGNMENT = 4
_ZIP_HEADER_BYTES = 30
# A zip entry's extra field that pads it (Android's): its number, the bytes to come, the alignment, then zeros.
_PADDING = struct.Struct("<HHH")


def is_installed() -> bool:
    """Whether the package is there; it is not imported."""
    return importlib.util.find_spec("mediapipe") is not None


def version() -> str:
    """As pip knows it."""
    try:
        return importlib.metadata.version("mediapipe")
    except importlib.metadata.PackageNotFoundError:  # put into the path by hand
        return "of unknown version"


def import_mediapipe() -> Any:
    """The package.

    Raises:
        MissingExtraError: it is not installed, or does not get on with what is.
    """
    if not is_installed():
        raise missing_extra("detect", "mediapipe")
    try:
        with without_chatter():
            return importlib.import_module("mediapipe")
    # Built for another NumPy it fails in the first of these ways, with another protobuf in the others.
    except (ImportError, AttributeError, TypeError) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise MissingExtraError(
            f"mediapipe {version()} is installed, but cannot be imported ({why}); {LEGACY_VERSION} wants numpy < 2 and "
            "protobuf < 5: pip install 'maquette[detect]' in an environment of its own"
        ) from error


def models_inside() -> bool:
    """Whether the installed package is one of those that hold ``mp.solutions`` and the models of poses."""
    return model_file(_DETECTOR) is not None and model_file(_LANDMARKS) is not None


def model_file(name: str) -> Path | None:
    """A file of the installed package's ``modules``; None where it has none such."""
    spec = importlib.util.find_spec("mediapipe")
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations))) / "modules" / name
    return path if path.is_file() else None


def need_models_inside() -> None:
    """Says what to do where the installed package has no models.

    Raises:
        MissingExtraError: it has none, or is not installed.
    """
    if not is_installed():
        raise missing_extra("detect", "mediapipe")
    if not models_inside():
        raise MissingExtraError(
            f"mediapipe {version()} comes without models of poses: give one with --pose-model FILE.task (MediaPipe's "
            f"'pose landmarker' models), or take the version that holds one: pip install mediapipe=={LEGACY_VERSION}"
        )


def bundle_inside() -> bytes:
    """The models inside the package as a ``.task`` file, which PoseLandmarker of any version reads.

    Those of the older interface lack only the note on how their input is normalised: the detector takes colours from
    -1 to 1, the landmarks' model from 0 to 1 (the graphs ``pose_detection_cpu`` and ``tensors_to_pose_landmarks``).

    Raises:
        MissingExtraError: this version of the package holds no models.
    """
    need_models_inside()
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_STORED) as archive:
        for name, file, mean, deviation in (
            (_BUNDLED_DETECTOR, _DETECTOR, 127.5, 127.5),
            (_BUNDLED_LANDMARKS, _LANDMARKS, 0.0, 255.0),
        ):
            if path := model_file(file):
                _store_aligned(archive, name, _with_normalisation(path, mean, deviation))
    return bundle.getvalue()


def read_bundle(path: Path) -> bytes:
    """A ``.task`` file of MediaPipe's pose landmarker.

    Raises:
        ModelError: it is missing, unreadable, or something else.
    """
    hint = "expected a pose landmarker of MediaPipe (pose_landmarker_lite.task, _full.task or _heavy.task)"
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error}); {hint}") from error
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ModelError(f"{path}: no .task file, which is a zip archive of models ({error}); {hint}") from error
    if missing := {_BUNDLED_DETECTOR, _BUNDLED_LANDMARKS} - set(names):
        inside = ", ".join(names[:4]) or "nothing"
        raise ModelError(f"{path}: holds {inside}, but no {' and no '.join(sorted(missing))}; {hint}")
    return data


def _with_normalisation(path: Path, mean: float, deviation: float) -> bytes:
    """A TFLite model with the note that its input is a picture, (colour - mean) / deviation of 0 to 255.

    TensorFlow's schema of metadata for models; MediaPipe's own writer of it leaves temporary folders behind.
    """
    note: Any = importlib.import_module("mediapipe.tasks.metadata.metadata_schema_py_generated")
    schema: Any = importlib.import_module("mediapipe.tasks.metadata.schema_py_generated")
    normalisation = note.NormalizationOptionsT()
    normalisation.mean, normalisation.std = [mean] * 3, [deviation] * 3
    unit = note.ProcessUnitT()
    unit.optionsType, unit.options = note.ProcessUnitOptions.NormalizationOptions, normalisation
    properties = note.ImagePropertiesT()
    properties.colorSpace = note.ColorSpaceType.RGB
    content = note.ContentT()
    content.contentPropertiesType, content.contentProperties = note.ContentProperties.ImageProperties, properties
    tensor = note.TensorMetadataT()
    tensor.content, tensor.processUnits = content, [unit]
    graph = note.SubGraphMetadataT()
    graph.inputTensorMetadata = [tensor]
    everything = note.ModelMetadataT()
    everything.subgraphMetadata = [graph]

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(path.read_bytes(), 0))
    buffer = schema.BufferT()
    buffer.data = _packed(everything, b"M001")
    model.buffers = [*model.buffers, buffer]
    entry = schema.MetadataT()
    entry.name, entry.buffer = "TFLITE_METADATA", len(model.buffers) - 1
    model.metadata = [*(model.metadata or ()), entry]
    return _packed(model, b"TFL3")


def _packed(table: Any, identifier: bytes) -> bytes:
    builder = importlib.import_module("flatbuffers").Builder(0)
    builder.Finish(table.Pack(builder), identifier)
    return bytes(builder.Output())


def _store_aligned(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Stores a model so that its bytes begin at a multiple of 4, as they are used where they lie."""
    info = zipfile.ZipInfo(name)
    assert archive.fp is not None
    begin = archive.fp.tell() + _ZIP_HEADER_BYTES + len(name) + _PADDING.size
    gap = -begin % _ALIGNMENT
    info.extra = _PADDING.pack(0xD935, 2 + gap, _ALIGNMENT) + bytes(gap)
    archive.writestr(info, data)

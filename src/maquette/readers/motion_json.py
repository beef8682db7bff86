"""Maquette's own motion JSON, as :mod:`maquette.exporters.json` writes it."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from maquette.errors import InputError
from maquette.formats.json_documents import decode_json, json_brief, json_keys
from maquette.motion import Motion
from maquette.readers.motion_record import FORMAT_VERSION, MotionRecord, fps_of, motion_of

Frames = list[msgspec.Raw]
"""One item a frame, decoded later and in blocks, so that a long clip never exists as Python numbers all at once."""


class MotionDocument(MotionRecord, kw_only=True):
    """The whole document."""

    format: str
    version: int
    fps: str
    positions: Frames
    rotations: Frames | None = None
    sigma_m: Frames | None = None
    contacts: Frames | None = None
    root_trajectory: Frames | None = None
    timestamps_s: Frames | None = None


_decoder = msgspec.json.Decoder(MotionDocument)
_vectors = msgspec.json.Decoder(list[list[list[float | None]]])
_numbers = msgspec.json.Decoder(list[list[float | None]])
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "positions": _vectors,
    "rotations": _vectors,
    "sigma_m": _numbers,
    "contacts": msgspec.json.Decoder(list[list[bool]]),
    "root_trajectory": _numbers,
    "timestamps_s": msgspec.json.Decoder(list[float]),
}
_BLOCK_FRAMES = 1000


def read_motion_json(path: Path, data: bytes) -> Motion:
    """The motion of a document.

    Raises:
        InputError: other JSON, of a newer version, or numbers that do not fit each other.
    """
    where = str(path)
    written_by = (json_keys(data, where) or {}).get("format")
    if written_by is None:
        raise InputError(
            f"{where}: no motion in it: it is {json_brief(data)}; expected 'maquette-motion' JSON "
            "(2D keypoints go to maquette lift)"
        )
    document = decode_json(_decoder, data, where)
    if document.format != "maquette-motion":
        raise InputError(f"{where}: its format is '{document.format[:40]}', expected 'maquette-motion'")
    if document.version > FORMAT_VERSION:
        raise InputError(
            f"{where}: format version {document.version}, this Maquette reads up to {FORMAT_VERSION}; update it"
        )
    arrays = {
        name: _array(getattr(document, name), name, where) for name in _DECODERS if getattr(document, name) is not None
    }
    positions = arrays.pop("positions")
    if "rotations" in arrays and arrays["rotations"].ndim == 3:
        # Six places are not quite unit length.
        arrays["rotations"] = _unit(arrays["rotations"])
    try:
        return motion_of(document, positions, fps_of(document.fps), **arrays)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _unit(rotations: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        length = np.linalg.norm(rotations, axis=-1, keepdims=True)
    return rotations / np.where(np.abs(length - 1) < 1e-4, length, 1.0)


def _array(frames: Frames, name: str, where: str) -> np.ndarray:
    dtype = np.bool_ if name == "contacts" else np.float64
    blocks = []
    for start in range(0, len(frames), _BLOCK_FRAMES):
        text = b"[" + b",".join([bytes(frame) for frame in frames[start : start + _BLOCK_FRAMES]]) + b"]"
        nested = decode_json(_DECODERS[name], text, f"{where}, {name}")
        try:
            blocks.append(np.array(nested, dtype=dtype))
        except (ValueError, TypeError):
            blocks = [np.zeros((0, 0)), np.zeros((0, 1))]
            break
    if len({block.shape[1:] for block in blocks}) > 1:
        raise InputError(f"{where}: the lists of {name} have different lengths")
    return np.concatenate(blocks) if blocks else np.zeros(0, dtype=dtype)

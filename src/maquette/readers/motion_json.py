"""Maquette's own motion JSON, as :mod:`maquette.exporters.json` writes it."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from maquette.errors import InputError
from maquette.formats.json_documents import decode_json
from maquette.motion import Motion
from maquette.readers.motion_record import FORMAT_VERSION, MotionRecord, fps_of, motion_of

Number = float | None


class MotionDocument(MotionRecord, kw_only=True):
    """The whole document; numbers may be null."""

    format: str
    version: int
    fps: str
    positions: list[list[list[Number]]]
    rotations: list[list[list[Number]]] | None = None
    sigma_m: list[list[Number]] | None = None
    contacts: list[list[bool]] | None = None
    root_trajectory: list[list[Number]] | None = None
    timestamps_s: list[float] | None = None


_decoder = msgspec.json.Decoder(MotionDocument)


def read_motion_json(path: Path, data: bytes) -> Motion:
    """The motion of a document.

    Raises:
        InputError: other JSON, of a newer version, or numbers that do not fit each other.
    """
    where = str(path)
    document = decode_json(_decoder, data, where)
    if document.format != "maquette-motion":
        raise InputError(f"{where}: its format is '{document.format[:40]}', expected 'maquette-motion'")
    if document.version > FORMAT_VERSION:
        raise InputError(
            f"{where}: format version {document.version}, this Maquette reads up to {FORMAT_VERSION}; update it"
        )
    arrays = {
        name: _array(getattr(document, name), np.bool_ if name == "contacts" else np.float64, where, name)
        for name in ("rotations", "sigma_m", "contacts", "root_trajectory", "timestamps_s")
        if getattr(document, name) is not None
    }
    positions = _array(document.positions, np.float64, where, "positions")
    if "rotations" in arrays and arrays["rotations"].ndim == 3:
        # Six places are not quite unit length.
        arrays["rotations"] = _unit(arrays["rotations"])
    try:
        return motion_of(document, positions, fps_of(document.fps), **arrays)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _unit(rotations: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rotations, axis=-1, keepdims=True)
    return rotations / np.where(np.abs(length - 1) < 1e-4, length, 1.0)


def _array(nested: Any, dtype: type, where: str, name: str) -> np.ndarray:
    try:
        return np.array(nested, dtype=dtype)
    except (ValueError, TypeError):
        raise InputError(f"{where}: the lists of {name} have different lengths") from None

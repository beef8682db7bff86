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
    frames: int = 0
    positions: Frames | None = None
    columns: list[str] | None = None
    rows: list[msgspec.Raw] | None = None
    observed: Frames | None = None
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
    "observed": msgspec.json.Decoder(list[list[bool]]),
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
    if document.rows is not None:
        arrays |= long_arrays(document, where)
    if "positions" not in arrays:
        raise InputError(f"{where}: object missing required field 'positions' (or 'rows' of a long table)")
    positions, observed = arrays.pop("positions"), arrays.pop("observed", None)
    _mark_guesses(arrays.get("sigma_m"), positions, observed)
    if "rotations" in arrays and arrays["rotations"].ndim == 3:
        # Six places are not quite unit length.
        arrays["rotations"] = _unit(arrays["rotations"])
    try:
        return motion_of(document, positions, fps_of(document.fps), **arrays)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _mark_guesses(sigma_m: np.ndarray | None, positions: np.ndarray, observed: np.ndarray | None) -> None:
    """Make the uncertainty infinite of positions that were not observed, in place: JSON has no infinite numbers."""
    if sigma_m is None or observed is None or not sigma_m.shape == observed.shape == positions.shape[:2]:
        return
    sigma_m[np.isnan(sigma_m) & ~observed & np.isfinite(positions).all(axis=-1)] = np.inf


def _unit(rotations: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        length = np.linalg.norm(rotations, axis=-1, keepdims=True)
    return rotations / np.where(np.abs(length - 1) < 1e-4, length, 1.0)


def _array(frames: Frames, name: str, where: str) -> np.ndarray:
    dtype = np.bool_ if name in ("contacts", "observed") else np.float64
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


_Row = tuple[
    float,
    int,
    int | None,
    str,
    float | None,
    float | None,
    float | None,
    float | None,
    bool | None,
    bool | None,
]
_rows = msgspec.json.Decoder(list[_Row])
_LONG_COLUMNS = "time_s frame person joint x_m y_m z_m sigma_m observed contact".split()


def long_arrays(document: MotionDocument, where: str) -> dict[str, np.ndarray]:
    """``positions``, ``observed``, and ``sigma_m`` and ``contacts`` where there are any, from the rows of a long table.

    Raises:
        InputError: other columns, joints or frames than the document says.
    """
    if document.columns != _LONG_COLUMNS:
        raise InputError(f"{where}: the columns of its rows are {document.columns}, expected {_LONG_COLUMNS}")
    at = {joint: i for i, joint in enumerate(document.skeleton.joints)}
    rows = document.rows or []
    n_cells = document.frames * len(at)
    if document.frames <= 0 or n_cells > 64 * len(rows) + 10_000:
        raise InputError(f"{where}: {len(rows)} rows for {document.frames} frames of {len(at)} joints")
    cells = np.full((n_cells, 6), np.nan)
    for start in range(0, len(rows), 10 * _BLOCK_FRAMES):
        text = b"[" + b",".join([bytes(row) for row in rows[start : start + 10 * _BLOCK_FRAMES]]) + b"]"
        block = decode_json(_rows, text, f"{where}, rows")
        if any(row[3] not in at or not 0 <= row[1] < document.frames for row in block):
            raise InputError(f"{where}: a row names a joint or a frame that the document has not")
        cells[[row[1] * len(at) + at[row[3]] for row in block]] = np.array([row[4:] for row in block], dtype=np.float64)
    table = cells.reshape(document.frames, len(at), 6)
    arrays = {"positions": table[..., :3], "observed": table[..., 4] == 1}
    if (arrays["observed"] != np.isfinite(table[..., :3]).all(axis=-1)).any() or np.isfinite(table[..., 3]).any():
        arrays["sigma_m"] = table[..., 3].copy()
    if all(joint in at for joint in document.contact_joints) and document.contact_joints:
        arrays["contacts"] = table[:, [at[joint] for joint in document.contact_joints], 5] == 1
    return arrays

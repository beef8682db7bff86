"""Arrays out of Human3.6M's files: HDF5, CDF, MATLAB. Sizes are checked before memory is taken.

Positions come in metres, float64 (the files hold millimetres, which float32 metres would not keep exactly).
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from maquette.datasets.h36m_cdf import read_pose_of_cdf
from maquette.datasets.h36m_damage import MOST_FRAMES, READ_FAILURES, first_line
from maquette.errors import InputError, missing_extra
from maquette.formats.matlab import read_mat

_JOINTS = 32
_SMALLEST_EXTENT_MM = 100.0


def open_hdf5(path: Path) -> Any:
    """An open ``h5py.File``, to be used in a ``with``.

    Raises:
        InputError: cannot be read, or no HDF5.
        MissingExtraError: h5py is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise missing_extra("train", "h5py") from None
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path}: is no HDF5 file, or damaged ({first_line(error)}); copy it again") from None


def small_array(file: Any, name: str, size: int) -> Float[np.ndarray, " {size}"]:
    """A dataset of ``size`` numbers, flat.

    Raises:
        InputError: absent, of another size, or not finite.
    """
    if name not in file:
        raise InputError(f"{name} is missing")
    dataset = file[name]
    seen = getattr(dataset, "size", None)
    if seen != size or dataset.dtype.kind not in "fiu":
        raise InputError(f"{name} has {seen} numbers of type {getattr(dataset, 'dtype', '?')}, expected {size} numbers")
    values = np.asarray(dataset[()], dtype=np.float64).ravel()
    if not np.isfinite(values).all():
        raise InputError(f"{name} holds numbers that are not finite")
    return values


def read_positions_m(path: Path) -> Float[np.ndarray, "frames 32 3"]:
    """World positions of one take: ``.h5`` of Martinez, ``.cdf`` of the release, or ``.cdf.mat`` made of it.

    Raises:
        InputError: damaged, of another shape, not finite, or not in millimetres.
        MissingExtraError: h5py or cdflib is not installed.
    """
    read = {".h5": _positions_of_h5, ".cdf": read_pose_of_cdf, ".mat": _data_of_mat}[path.suffix.lower()]
    with np.errstate(invalid="ignore", over="ignore"):  # damaged numbers; looked for below
        flat_mm = read(path)
    bad = ~np.isfinite(flat_mm).all(axis=1)
    if bad.any():
        raise InputError(
            f"{path}: {int(bad.sum())} of {len(flat_mm)} frames hold numbers that are not finite, "
            f"first frame {int(bad.argmax())}; copy it again"
        )
    extent = float(np.abs(flat_mm).max())
    if extent < _SMALLEST_EXTENT_MM:
        raise InputError(f"{path}: the largest coordinate is {extent:.3g}; expected millimetres, not metres")
    return (flat_mm / 1000).reshape(-1, _JOINTS, 3)


def read_hourglass_px(path: Path) -> Float[np.ndarray, "frames 16 2"]:
    """Points of the Stacked Hourglass, float32 pixels of the whole picture, MPII's order: dataset ``poses``.

    Raises:
        InputError: damaged, of another shape, or not finite.
    """
    with open_hdf5(path) as file:
        values = _dataset(
            path, file, "poses", lambda shape: len(shape) == 3 and shape[1:] == (16, 2), "(frames, 16, 2)"
        )
    with np.errstate(invalid="ignore", over="ignore"):
        points = np.asarray(values, dtype=np.float32)
    if not np.isfinite(points).all():
        raise InputError(f"{path}: 'poses' holds numbers that are not finite; copy it again")
    return points


def _positions_of_h5(path: Path) -> Float[np.ndarray, "frames 96"]:
    with open_hdf5(path) as file:
        values = _dataset(path, file, "3D_positions", lambda shape: len(shape) == 2 and shape[0] == 96, "(96, frames)")
    return np.asarray(values, dtype=np.float64).T


def _dataset(path: Path, file: Any, name: str, fits, expected: str) -> np.ndarray:
    try:
        if name not in file:
            has = ", ".join(repr(key) for key in list(file)[:5]) or "nothing"
            raise InputError(f"{path}: no dataset '{name}'; it holds {has}")
        dataset = file[name]
        shape = getattr(dataset, "shape", None)
        if (
            shape is None
            or not fits(shape)
            or 0 in shape
            or max(shape) > MOST_FRAMES
            or dataset.dtype.kind not in "fiu"
        ):
            seen = f"{getattr(dataset, 'dtype', 'a group')} of shape {shape}"
            raise InputError(f"{path}: '{name}' is {seen}, expected numbers of shape {expected}")
        return dataset[()]
    except InputError:
        raise
    except READ_FAILURES as error:
        raise InputError(f"{path}: '{name}' is damaged ({first_line(error)}); copy it again") from None


def _data_of_mat(path: Path) -> Float[np.ndarray, "frames 96"]:
    values = read_mat(path, ("data",)).get("data")
    if isinstance(values, np.ndarray) and values.dtype == object and values.size:
        values = values.ravel()[0]
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu" or values.ndim != 2:
        raise InputError(f"{path}: 'data' is a {type(values).__name__}, expected a cell with an array (frames, 96)")
    if values.shape[1] != 96 or not len(values):
        raise InputError(f"{path}: 'data' has shape {values.shape}, expected (frames, 96)")
    return values.astype(np.float64)

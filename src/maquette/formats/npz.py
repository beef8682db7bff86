"""NumPy's ``.npz`` from files of others: sizes are checked before memory is taken, pickles are read restrictedly."""

import io
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from maquette.errors import InputError
from maquette.formats.restricted_pickle import load_pickle

_LARGEST_ARRAY = 2 << 30
_FAILURES = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    MemoryError,
    OverflowError,
    tokenize.TokenError,
)
"""What zipfile and NumPy raise on damaged archives."""


def array_names(data: bytes | Path, where: str) -> list[str]:
    """Names of the arrays in an archive (its bytes, or the file).

    Raises:
        InputError: it is no zip archive.
    """
    try:
        with _opened(data) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except _FAILURES as error:
        raise InputError(f"{where}: the archive is damaged ({error}); copy or write it again") from None


def read_array(data: bytes | Path, name: str, where: str, *, allow_objects: bool = False) -> Any:
    """One array of an archive; a pickled one as :func:`load_pickle` gives it.

    Args:
        data: the archive, or its file, which takes less memory.
        name: name of the array, without ``.npy``.
        where: name of the file for the error.
        allow_objects: read pickled (object) arrays, restrictedly.

    Raises:
        InputError: absent, damaged, larger than 2 GiB, or pickled where that is not allowed.
    """
    try:
        with _opened(data) as archive:
            info = archive.getinfo(f"{name}.npy")
            if info.file_size > _LARGEST_ARRAY:
                raise InputError(
                    f"{where}: array '{name}' claims {info.file_size / (1 << 30):.1f} GiB; up to 2 are read"
                )
            with archive.open(info) as member, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return _parse_npy(member, info.file_size, f"{where}, array '{name}'", allow_objects)
    except InputError:
        raise
    except _FAILURES as error:
        raise InputError(f"{where}: array '{name}' is damaged ({error})") from None


def read_npy(data: bytes, where: str) -> np.ndarray:
    """The array of a ``.npy`` file.

    Raises:
        InputError: damaged, or pickled objects.
    """
    try:
        return _parse_npy(io.BytesIO(data), len(data), where, False)
    except InputError:
        raise
    except _FAILURES as error:
        raise InputError(f"{where}: the array is damaged ({error})") from None


def write_arrays(file: io.IOBase, arrays: Mapping[str, np.ndarray], *, compressed: bool = False) -> None:
    """``np.savez`` without pickles. NumPy 1.26 has no switch for that, and would store one as an array.

    Raises:
        TypeError: an array of objects.
    """
    boxed = [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]
    if boxed:
        raise TypeError(f"arrays of objects are not written: {', '.join(boxed)}")
    (np.savez_compressed if compressed else np.savez)(file, **arrays)  # pyright: ignore[reportArgumentType]


def _opened(data: bytes | Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(data if isinstance(data, Path) else io.BytesIO(data))


def _parse_npy(stream: Any, size: int, where: str, allow_objects: bool) -> Any:
    version = np.lib.format.read_magic(stream)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read_header:
        raise ValueError(f"format version {version} of .npy is not known")
    shape, is_fortran, dtype = read_header[version](stream)
    # One byte more than there can be: at the end of the member, zipfile compares its checksum.
    body = stream.read(size + 1)
    if dtype.hasobject:
        if not allow_objects:
            raise InputError(f"{where}: holds pickled objects, which are not read from this kind of file")
        return load_pickle(body, where)
    if dtype.kind not in "biufUS" or dtype.itemsize == 0:
        raise ValueError(f"arrays of type {dtype} are not read")
    count = 1
    for n in shape:
        count *= n
    if min(shape, default=0) < 0 or count * dtype.itemsize != len(body):
        raise ValueError(f"its shape {shape} does not fit its {len(body)} bytes")
    return np.frombuffer(body, dtype=dtype).reshape(shape, order="F" if is_fortran else "C")

"""The arrays of a store: ``.npy`` files that grow while they are written, and are mapped into memory to be read."""

import math
import os
from pathlib import Path

import numpy as np

from maquette.datasets.store_records import NPY_HEADER_BYTES, ArrayFacts
from maquette.errors import InputError


class ArrayFile:
    """An array that grows, float32 or float64 as what is added first; its header, of fixed length, comes at the end.

    Raises:
        OSError: the disk refuses (here as in all methods).
    """

    def __init__(self, path: Path, row_shape: tuple[int, ...]) -> None:
        self.rows = 0
        self._row_shape = row_shape
        self._dtype: np.dtype | None = None
        self._file = path.open("w+b")
        self._file.write(b"\0" * NPY_HEADER_BYTES)

    def append(self, values: np.ndarray, what: str) -> int:
        """Append ``values`` (``what`` in the error); returns the first row of them.

        Raises:
            InputError: another shape or type than the rest.
        """
        if values.shape[1:] != self._row_shape or not len(values):
            expected = ", ".join(str(n) for n in self._row_shape)
            raise InputError(f"{what}: shape {values.shape}, expected (frames, {expected}) with at least one frame")
        if values.dtype not in (np.float32, np.float64):
            raise InputError(f"{what}: type {values.dtype}, expected float32 or float64")
        little = values.dtype.newbyteorder("<")
        if self._dtype is not None and self._dtype.itemsize != little.itemsize:
            raise InputError(f"{what}: type {values.dtype}, but what was added before is {self._dtype}")
        self._dtype = little
        self._file.write(np.ascontiguousarray(values, dtype=little).data)
        self.rows += len(values)
        return self.rows - len(values)

    def read(self, start: int, rows: int) -> np.ndarray:
        """Rows written before."""
        assert self._dtype is not None
        row_bytes = math.prod(self._row_shape) * self._dtype.itemsize
        self._file.seek(NPY_HEADER_BYTES + start * row_bytes)
        values = np.frombuffer(self._file.read(rows * row_bytes), dtype=self._dtype)
        self._file.seek(0, os.SEEK_END)
        return values.reshape(rows, *self._row_shape)

    def finish(self) -> ArrayFacts:
        """Write the header."""
        assert self._dtype is not None
        facts = ArrayFacts(self.rows, "float64" if self._dtype.itemsize == 8 else "float32")
        self._file.seek(0)
        self._file.write(facts.npy_header(self._row_shape))
        self._file.flush()
        return facts

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def map_array(path: Path, facts: ArrayFacts, row_shape: tuple[int, ...], problems: list[str]) -> np.ndarray:
    """The array as a plain view on the mapped file; an empty one, and a line in ``problems``, where it does not fit."""
    empty = np.empty((0, *row_shape), dtype=facts.dtype)
    shape = (facts.rows, *row_shape)
    expected = facts.npy_header(row_shape)
    try:
        with path.open("rb") as file:
            header = file.read(len(expected))
        size = path.stat().st_size - len(expected)
    except FileNotFoundError:
        problems.append(f"{path.name} is missing")
        return empty
    except OSError as error:
        problems.append(f"{path.name} cannot be read ({error.strerror or error})")
        return empty
    dtype = np.dtype(facts.dtype).newbyteorder("<")
    if header != expected:
        said = header[10:].decode("latin1").rstrip()
        problems.append(f"{path.name} says {said[:80].rstrip()!r}, expected {facts.dtype} of shape {shape}")
        return empty
    if size != math.prod(shape) * dtype.itemsize:
        problems.append(f"{path.name} has {size} bytes of numbers, expected {math.prod(shape) * dtype.itemsize}")
        return empty
    # asarray: slices of a memmap object are slow, those of a view on it are not.
    return np.asarray(np.memmap(path, dtype=dtype, mode="r", offset=len(expected), shape=shape))

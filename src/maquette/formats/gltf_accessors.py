"""Arrays in the buffers of a glTF file: strided, normalised, sparse, or all zero; bounds are checked."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from maquette.errors import InputError
from maquette.formats.gltf_document import Accessor, Document

_TYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_COLUMNS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_MOST_VALUES = 100_000_000
"""Of all accessors that are read. One without bytes behind it is all zeros, of any size it likes to have, and many may
share the same bytes, so the size of the file is no bound."""


class AccessorReader:
    """Reads accessors of one document, each once.

    Args:
        buffer: number of a buffer -> its bytes.
    """

    def __init__(self, document: Document, buffer: Callable[[int], bytes], where: str) -> None:
        self._document, self._buffer, self._where = document, buffer, where
        self._done: dict[int, Float[np.ndarray, "count columns"]] = {}
        self._left = _MOST_VALUES

    def read(self, number: int, kind: str, what: str) -> Float[np.ndarray, "count columns"]:
        """The values of an accessor, normalised integers as what they stand for.

        Args:
            kind: the type it must have: ``SCALAR``, ``VEC3``, ``VEC4`` or ``MAT4``.
            what: what it is used for, for the error.

        Raises:
            InputError: there is none, it is of another type, or it reaches over the end of its bytes.
        """
        accessors = self._document.accessors
        if not 0 <= number < len(accessors):
            raise InputError(f"{self._where}: {what}: accessor {number} does not exist; there are {len(accessors)}")
        if accessors[number].type != kind:
            raise InputError(
                f"{self._where}: {what}: accessor {number} is {accessors[number].type[:20]!r}, expected {kind!r}"
            )
        if number not in self._done:
            self._done[number] = self._values(accessors[number], f"{self._where}: accessor {number}")
        return self._done[number]

    def _values(self, accessor: Accessor, where: str) -> Float[np.ndarray, "count columns"]:
        columns = _COLUMNS[accessor.type]
        if not 0 <= accessor.count * columns <= self._left:
            raise InputError(
                f"{where}: has {accessor.count} elements; of one file up to {_MOST_VALUES} values are read"
            )
        self._left -= accessor.count * columns
        if accessor.bufferView is None:
            raw = np.zeros((accessor.count, columns), dtype=self._dtype(accessor.componentType, where))
        else:
            raw = self._table(
                accessor.bufferView, accessor.byteOffset, accessor.componentType, accessor.count, columns, where
            )
        if accessor.sparse is not None:
            raw = self._with_sparse(raw, accessor, where)
        values = raw.astype(np.float64)
        if accessor.normalized and raw.dtype.kind != "f":
            # glTF 2.0, section 3.6.2.2: c / (2^(bits - 1) - 1), at least -1; unsigned c / (2^bits - 1).
            values = np.maximum(values / float(np.iinfo(raw.dtype).max), -1.0)
        return values

    def _with_sparse(self, raw: np.ndarray, accessor: Accessor, where: str) -> np.ndarray:
        sparse = accessor.sparse
        if sparse is None:
            return raw
        if not 0 <= sparse.count <= accessor.count:
            raise InputError(f"{where}: replaces {sparse.count} of {accessor.count} elements")
        indices, values = sparse.indices, sparse.values
        if indices.componentType not in (5121, 5123, 5125):
            raise InputError(f"{where}: sparse indices have component type {indices.componentType}, expected unsigned")
        table = self._table(indices.bufferView, indices.byteOffset, indices.componentType, sparse.count, 1, where)
        rows: Int[np.ndarray, " count"] = table[:, 0].astype(np.int64)
        if rows.size and rows.max() >= accessor.count:
            raise InputError(f"{where}: replaces element {rows.max()} of {accessor.count}")
        replaced = raw.copy()
        replaced[rows] = self._table(
            values.bufferView, values.byteOffset, accessor.componentType, sparse.count, raw.shape[1], where
        )
        return replaced

    def _dtype(self, component: int, where: str) -> np.dtype:
        if component not in _TYPES:
            raise InputError(f"{where}: component type {component} is none of glTF's ({', '.join(map(str, _TYPES))})")
        return np.dtype(_TYPES[component])

    def _table(self, view_number: int, offset: int, component: int, count: int, columns: int, where: str) -> np.ndarray:
        """``(count, columns)`` of a buffer view, with the stride that it says."""
        dtype = self._dtype(component, where)
        views = self._document.bufferViews
        if not 0 <= view_number < len(views):
            raise InputError(f"{where}: buffer view {view_number} does not exist; there are {len(views)}")
        view = views[view_number]
        if view.compression:
            raise InputError(f"{where}: its values are compressed ({view.compression}); export without compression")
        data = self._buffer(view.buffer)
        size = dtype.itemsize * columns
        stride = size if view.byteStride is None else view.byteStride
        start = view.byteOffset + offset
        stop = start + (stride * (count - 1) + size if count else 0)
        fits = view.byteOffset >= 0 and offset >= 0 and view.byteLength >= 0 and stride >= size
        if not fits or stop > view.byteOffset + view.byteLength or view.byteOffset + view.byteLength > len(data):
            raise InputError(
                f"{where}: its {count} elements reach over the end of their bytes; the file is damaged or cut off"
            )
        if not count:
            return np.zeros((0, columns), dtype=dtype)
        return np.ndarray((count, columns), dtype, data, start, (stride, dtype.itemsize))

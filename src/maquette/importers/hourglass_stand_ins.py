"""Stand-ins for the classes that a pickled network of PyTorch names: they keep what they are given and do nothing."""

import io
import pickle
from typing import Any

import numpy as np

from maquette.formats.restricted_pickle import Refused

_DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|u1",
}
_MOST_AXES = 8
_MOST_CLASSES = 200


class StandIn:
    """An object of a class that does not matter."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class StandInModule(StandIn):
    """A layer, or a network of layers."""

    state: dict[str, Any]

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise Refused("a layer whose state is no dictionary")
        self.state = state

    def part(self, name: str) -> dict[str, Any]:
        """One of its dictionaries: ``_modules``, ``_parameters`` or ``_buffers``."""
        value = getattr(self, "state", {}).get(name, {})
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise Refused(f"a layer whose {name} are no dictionary")
        return value


class StandInStorage:
    """A run of numbers in the file."""

    def __init__(self, key: str, dtype: np.dtype, count: int, offset: int, sizes: dict[str, int]) -> None:
        self.key, self.dtype, self.count, self.offset = key, dtype, count, offset
        self.sizes = sizes
        """Of the elements of all storages, in bytes."""

    def __setstate__(self, state: Any) -> None:
        raise Refused("a storage with a state")


class StandInTensor:
    """A view of a storage, in elements."""

    def __init__(self, storage: Any, offset: Any, sizes: Any, strides: Any, *_: Any) -> None:
        numbers = [offset, *sizes, *strides]
        if not isinstance(storage, StandInStorage) or not all(type(n) is int for n in numbers):
            raise Refused("a tensor that is no view of a storage")
        if len(sizes) != len(strides) or len(sizes) > _MOST_AXES or min(sizes, default=0) < 0:
            raise Refused("a tensor of no possible shape")
        self.storage, self.offset = storage, offset
        self.sizes: tuple[int, ...] = tuple(sizes)
        self.strides: tuple[int, ...] = tuple(strides)

    def __setstate__(self, state: Any) -> None:
        raise Refused("a tensor with a state")


class StandInParameter:
    """A tensor that is trained."""

    def __init__(self, data: Any = None, *_: Any) -> None:
        self.data = data

    def __setstate__(self, state: Any) -> None:
        # Its oldest form gives the tensor here; else there is nothing but whether it is trained.
        if isinstance(state, tuple) and len(state) == 5:
            self.data = state[0]


class StandInTable(dict):
    """An ordered dictionary, whose other attributes are left out."""

    def __setstate__(self, state: Any) -> None:
        pass


class _StorageType(StandIn):
    dtype: np.dtype


_KNOWN: dict[tuple[str, str], type] = {
    ("collections", "OrderedDict"): StandInTable,
    ("torch._utils", "_rebuild_tensor"): StandInTensor,
    ("torch._utils", "_rebuild_tensor_v2"): StandInTensor,
    ("torch._utils", "_rebuild_parameter"): StandInParameter,
    ("torch.nn.parameter", "Parameter"): StandInParameter,
    ("torch.autograd.variable", "Variable"): StandInParameter,
    ("torch", "Size"): tuple,
    ("torch.nn.backends.thnn", "_get_thnn_function_backend"): StandIn,
    ("__builtin__", "set"): StandIn,
    ("builtins", "set"): StandIn,
}
_LAYERS = ("torch.nn.modules.", "torch.nn.parallel.")
"""Modules of torch whose classes are layers."""
_NETWORKS = ("models.",)
"""Modules of the published programs whose classes are networks."""


def unpickle(data: bytes) -> Any:
    """The object in a pickle that has been through
    :func:`maquette.formats.restricted_pickle.check_opcodes`; storages are not read yet.

    Raises:
        Refused: it asks for anything but layers, networks and tensors; besides whatever the unpickler raises on damaged
            data.
    """
    return _Unpickler(io.BytesIO(data), encoding="latin1").load()


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, *, encoding: str) -> None:
        super().__init__(stream, encoding=encoding)
        self.classes: dict[tuple[str, str], type] = {}
        self.storages: dict[str, StandInStorage] = {}
        self.sizes: dict[str, int] = {}

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        key = (module_name, global_name)
        if key in _KNOWN:
            return _KNOWN[key]
        if key not in self.classes:
            if len(self.classes) == _MOST_CLASSES:
                raise Refused(f"the pickle asks for more than {_MOST_CLASSES} classes")
            self.classes[key] = self._class(module_name, global_name)
        return self.classes[key]

    def _class(self, module_name: str, global_name: str) -> type:
        if module_name in ("torch", "torch.cuda", "torch.storage") and global_name in _DTYPES:
            return type(global_name, (_StorageType,), {"dtype": np.dtype(_DTYPES[global_name])})
        if f"{module_name}.".startswith(_LAYERS + _NETWORKS) and global_name.isidentifier():
            return type(global_name, (StandInModule,), {})
        raise Refused(f"the pickle asks for {module_name}.{global_name}"[:200])

    def persistent_load(self, pid: Any, /) -> Any:
        """A class with its source, which is left alone, or a storage."""
        if not isinstance(pid, tuple) or not pid:
            raise Refused("a reference to something outside the file")
        kind, *parts = pid
        if kind == "module" and len(parts) == 3 and isinstance(parts[0], type):
            return parts[0]
        if kind != "storage" or len(parts) not in (4, 5):
            raise Refused("a reference to something that is neither a class nor a storage")
        storage, key, _, count, *view = parts
        is_known = isinstance(storage, type) and issubclass(storage, _StorageType)
        if not is_known or not isinstance(key, str) or type(count) is not int or count < 0:
            raise Refused("a storage of no known kind")
        return self._storage(storage.dtype, key, count, view[0] if view else None)

    def _storage(self, dtype: np.dtype, key: str, count: int, view: Any) -> StandInStorage:
        if self.sizes.setdefault(key, dtype.itemsize) != dtype.itemsize:
            raise Refused("a storage of two kinds")
        offset = 0
        if view is not None:
            # Key, start and length of a part of the storage.
            if not isinstance(view, tuple) or len(view) != 3 or type(view[1]) is not int:
                raise Refused("a part of a storage without a place")
            offset = view[1]
        return StandInStorage(key, dtype, count, offset, self.sizes)

"""Pickles of NumPy arrays from files of others, read without running anything that they ask for.

VideoPose3D's ``.npz`` and many research releases hold pickled dictionaries of arrays. A pickle is a program; here only
the words that NumPy 1.x and 2.x write for arrays are known, and even these lead to our own classes, so that neither
foreign code nor NumPy's own state setters see the file. What comes out are dict, list, tuple, text, numbers and arrays.
"""

import io
import pickle
import pickletools
import warnings
from collections.abc import Callable, Collection
from typing import Any, Literal

import numpy as np

from maquette.errors import InputError

UNPICKLING_FAILURES = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    ImportError,
    LookupError,
    TypeError,
    ValueError,
    OverflowError,
    MemoryError,
    RecursionError,
)
"""What the unpickler raises on damaged data."""

_FORBIDDEN_OPCODES = {
    *("INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID"),
    *("NEXT_BUFFER", "READONLY_BUFFER"),
}
_MEMO_OPCODES = {"PUT", "BINPUT", "LONG_BINPUT"}
_DTYPE_KINDS = "?bhilqBHILQefdgSUO"


def load_pickle(data: bytes, where: str) -> Any:
    """The object in a pickle that holds nothing but plain values and NumPy arrays.

    Args:
        data: the whole pickle; written by Python 2 or 3, NumPy 1 or 2.
        where: name of the file for the error.

    Raises:
        InputError: damaged, or it asks for anything else than NumPy's array types.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check_opcodes(data)
            loaded = _Unpickler(io.BytesIO(data), encoding="latin1").load()
            return _Thaw().convert(loaded, 0)
        except Refused as error:
            raise InputError(f"{where}: refused: {error}; only NumPy arrays and plain values are read") from None
        except UNPICKLING_FAILURES as error:
            raise InputError(f"{where}: the pickled data are damaged ({type(error).__name__}: {error})") from None


class Refused(Exception):
    """The pickle asks for something that is not allowed."""


def check_opcodes(data: bytes, *, allowed: Collection[str] = ()) -> None:
    """Refuse what could run code or make the unpickler reserve memory that the file does not fill.

    ``genops`` itself fails on a text or a byte string that claims to be longer than the file.

    Args:
        allowed: of the opcodes that are refused otherwise, those that the caller's classes are safe with.

    Raises:
        Refused: with what was found.
    """
    count = 0
    for opcode, argument, _ in pickletools.genops(data):
        count += 1
        if opcode.name in _FORBIDDEN_OPCODES and opcode.name not in allowed:
            raise Refused(f"the pickle uses {opcode.name}")
        if opcode.name in _MEMO_OPCODES and int(argument or 0) > count + 16:
            raise Refused("the pickle numbers its memory wrongly")


class _PickledDtype:
    """``numpy.dtype`` as a pickle builds it."""

    def __init__(self, name: Any, *_: Any) -> None:
        if not isinstance(name, str) or len(name) > 16:
            raise Refused("an array type that is no plain one")
        self.name = name
        self.byte_order: Literal["<", ">", "="] = "="

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or any(part is not None for part in state[2:5]):
            raise Refused("a structured array type")
        if state[1] == ">":
            self.byte_order = ">"
        elif state[1] == "<":
            self.byte_order = "<"

    def dtype(self) -> np.dtype:
        dtype = np.dtype(self.name)
        if dtype.char not in _DTYPE_KINDS or dtype.itemsize == 0:
            raise Refused(f"arrays of type {self.name!r}")
        return dtype.newbyteorder(self.byte_order) if self.byte_order != "=" else dtype


class _PickledArray:
    """``numpy.ndarray`` as a pickle builds it."""

    def __init__(self, state: Any = None) -> None:
        self.state = state

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _reconstruct(*_: Any) -> _PickledArray:
    return _PickledArray()


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> _PickledArray:
    return _PickledArray((1, shape, dtype, order == "F", data))


def _scalar(dtype: Any, data: Any = b"") -> _PickledArray:
    return _PickledArray((1, (), dtype, False, data))


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    """Bytes as protocol 2 writes them; the only codec is latin1."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Refused("a text codec other than latin1")
    return text.encode("latin1")


def _no_bytes(*arguments: Any) -> bytes:
    """The empty byte string, which protocol 2 writes as a call."""
    if arguments:
        raise Refused("bytes made by a call")
    return b""


_KNOWN: dict[str, Callable[..., Any]] = {
    "_reconstruct": _reconstruct,
    "_frombuffer": _from_buffer,
    "scalar": _scalar,
}
_NUMPY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if module_name in _NUMPY_MODULES and global_name in _KNOWN:
            return _KNOWN[global_name]
        if module_name == "numpy" and global_name == "dtype":
            return _PickledDtype
        if module_name == "numpy" and global_name == "ndarray":
            return _PickledArray
        if (module_name, global_name) == ("_codecs", "encode"):
            return _encode
        if module_name in ("__builtin__", "builtins") and global_name == "bytes":
            return _no_bytes
        if (module_name, global_name) == ("collections", "OrderedDict"):
            return dict
        raise Refused(f"the pickle asks for {module_name}.{global_name}"[:200])


class _Thaw:
    """Turns our stand-ins into arrays; shared parts stay shared, so that a file cannot make its copies multiply."""

    def __init__(self) -> None:
        self.done: dict[int, Any] = {}
        self.open: set[int] = set()

    def convert(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, bool | int | float | complex | str | bytes | bytearray):
            return value
        key = id(value)
        if key in self.done:
            return self.done[key]
        if key in self.open or depth > 40:
            raise Refused("data that contain themselves or nest too deeply")
        self.open.add(key)
        if isinstance(value, dict):
            result: Any = {k: self.convert(v, depth + 1) for k, v in value.items() if isinstance(k, str | int)}
        elif isinstance(value, list):
            result = [self.convert(v, depth + 1) for v in value]
        elif isinstance(value, tuple):
            result = tuple(self.convert(v, depth + 1) for v in value)
        elif isinstance(value, _PickledArray):
            result = self._array(value, depth)
        else:
            raise Refused(f"a value of type {type(value).__name__.lstrip('_')}")
        self.open.discard(key)
        self.done[key] = result
        return result

    def _array(self, value: _PickledArray, depth: int) -> Any:
        state = value.state
        if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], _PickledDtype):
            raise Refused("an array without its data")
        _, shape, pickled_dtype, is_fortran, data = state
        shape = (shape,) if isinstance(shape, int) else shape
        if not isinstance(shape, tuple) or len(shape) > 16 or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise Refused("an array of no possible shape")
        dtype = pickled_dtype.dtype()
        count = 1
        for n in shape:
            count *= n
        if dtype.hasobject:
            if not isinstance(data, list) or len(data) != count:
                raise Refused("an array whose shape does not fit its data")
            items = [self.convert(item, depth + 1) for item in data]
            if shape == ():
                return items[0]
            boxed = np.empty(count, dtype=object)
            for i, item in enumerate(items):
                boxed[i] = item
            return boxed.reshape(shape)
        raw = data.encode("latin1") if isinstance(data, str) else data
        if not isinstance(raw, bytes | bytearray) or len(raw) != count * dtype.itemsize:
            raise Refused("an array whose shape does not fit its data")
        array = np.frombuffer(raw, dtype=dtype).reshape(shape, order="F" if is_fortran else "C")
        return array if shape else array.item()

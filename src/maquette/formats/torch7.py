"""Torch7's binary serialisation (``torch.save`` of Lua): numbers, texts, tables, tensors and other objects.

Each value begins with its type, an int32. Tables and objects carry an int32 number besides, and stand in full only
where it comes up first; so a file can hold graphs. An object begins with the texts ``V 1`` and its class. A tensor is a
number of axes (int32), sizes, strides and the offset from 1 (int64), then the storage that it is a view of; a storage
is a count (int64) and that many elements; all other objects are a table of their fields. All is little-endian.

Nothing in a file is run: there are no classes here, only their names; Lua functions are refused.
"""

import struct
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from maquette.errors import InputError

NIL, NUMBER, TEXT, TABLE, OBJECT, BOOLEAN = range(6)
_FUNCTIONS = (6, 7, 8)
_MOST_AXES = 16
_LONGEST_CLASS = 200
_MOST_VALUES = 4_000_000
"""The published size of network has a hundredth; each takes many times more memory than room in the file."""

_ELEMENTS = {
    "Double": "<f8",
    "Float": "<f4",
    "Half": "<f2",
    "Long": "<i8",
    "Int": "<i4",
    "Short": "<i2",
    "Char": "|i1",
    "Byte": "|u1",
}
_STORAGES = {f"torch.{prefix}{name}Storage": dtype for name, dtype in _ELEMENTS.items() for prefix in ("", "Cuda")} | {
    "torch.CudaStorage": "<f4"
}
"""Class -> its elements."""
_TENSORS = {name.replace("Storage", "Tensor") for name in _STORAGES}

_INT, _LONG, _DOUBLE = struct.Struct("<i"), struct.Struct("<q"), struct.Struct("<d")


@dataclass(eq=False)
class Table:
    """A table of Lua. Keys are numbers (whole ones as int), texts, or other tables and objects, which are different
    keys even where they are alike."""

    entries: dict[Any, Any] = field(default_factory=dict)

    def get(self, key: Any) -> Any:
        """None where there is none, as in Lua."""
        return self.entries.get(key)

    def sequence(self) -> list[Any]:
        """The values of 1, 2, ... up to the first that is missing."""
        values = []
        while (value := self.entries.get(len(values) + 1)) is not None:
            values.append(value)
        return values


@dataclass(eq=False)
class Torch7Object:
    """An object of a class that has no layout of its own."""

    class_name: str
    """For example ``nn.Sequential``."""
    fields: Table = field(default_factory=Table)

    def get(self, name: str) -> Any:
        return self.fields.get(name)


@dataclass(eq=False)
class Torch7Tensor:
    """A view of a storage, which other tensors can be views of, too."""

    class_name: str
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    """Of the first element, counted from 0."""
    storage: "Torch7Storage | None" = None
    """None: a tensor without elements."""

    def array(self) -> Shaped[np.ndarray, "..."]:
        """A copy of the elements.

        Raises:
            ValueError: it reaches beyond its storage.
        """
        count = prod(self.sizes) if self.sizes else 0
        values = self.storage.values if self.storage is not None else np.empty(0, np.float32)
        if count == 0:
            return np.empty(0, values.dtype)
        last = self.offset + sum((n - 1) * step for n, step in zip(self.sizes, self.strides, strict=True))
        # An element can show up several times in a view; no file may be read as more than it holds.
        if self.offset < 0 or min(self.strides) < 0 or last >= len(values) or count > len(values):
            raise ValueError(f"a tensor of shape {self.sizes} reaches beyond its storage of {len(values)} elements")
        steps = tuple(step * values.itemsize for step in self.strides)
        return np.array(np.lib.stride_tricks.as_strided(values[self.offset :], self.sizes, steps, writeable=False))


@dataclass(eq=False)
class Torch7Storage:
    """Elements in a row."""

    class_name: str
    values: Shaped[np.ndarray, " count"]


def read_torch7(path: str | Path) -> Any:
    """What ``torch.save`` of Torch7 wrote, in its default (binary) form, on a machine of 64 bits.

    Returns:
        None, float, int (of whole numbers), str (bytes as Latin 1), bool, :class:`Table`, :class:`Torch7Tensor`,
        :class:`Torch7Storage` or :class:`Torch7Object`.

    Raises:
        InputError: it cannot be read, is damaged, or holds functions.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if data[:2] in (b"4\n", b"3\n"):
        raise InputError(
            f"{path}: a file of Torch7 in its ascii form; save it again in Torch7: torch.save(NEW, torch.load(OLD, "
            "'ascii'))"
        )
    try:
        return _Reader(data).read()
    except (struct.error, ValueError, OverflowError, TypeError) as error:
        raise InputError(f"{path}: is no file of Torch7, or a damaged one ({error})") from None


@dataclass(eq=False)
class _Unfinished:
    """Something that waits for the values inside it."""

    target: Table | Torch7Object | Torch7Tensor
    left: int
    """Values to come."""
    key: Any = None
    """Of the entry whose value comes next; a table's only."""


class _Reader:
    """Reads without recursion: in graphs, objects stand within each other thousands deep."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = memoryview(data), 0
        self.known: dict[int, Any] = {}
        self.count = 0
        self.open: list[_Unfinished] = []

    def read(self) -> Any:
        root = self._value()
        while self.open:
            waiting = self.open[-1]
            if waiting.left == 0:
                self.open.pop()
                continue
            waiting.left -= 1
            value = self._value()
            self._give(waiting, value)
        return root

    def _give(self, waiting: _Unfinished, value: Any) -> None:
        target = waiting.target
        if isinstance(target, Table):
            if waiting.left % 2:
                if value is None or value != value:
                    raise ValueError(f"a table with the key {value}")
                waiting.key = value
            else:
                target.entries[waiting.key] = value
        elif isinstance(target, Torch7Object):
            if not isinstance(value, Table):
                raise ValueError(f"an object of {target.class_name} without a table of fields")
            target.fields = value
        elif value is not None and not isinstance(value, Torch7Storage):
            raise ValueError("a tensor that is no view of a storage")
        else:
            target.storage = value

    def _value(self) -> Any:
        """A value; what is inside it comes afterwards."""
        self.count += 1
        if self.count > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES} values")
        kind = self._number(_INT)
        if kind == NIL:
            return None
        if kind == NUMBER:
            number = self._number(_DOUBLE)
            return int(number) if number.is_integer() else number
        if kind == TEXT:
            return self._text(len(self.data))
        if kind == BOOLEAN:
            return self._number(_INT) != 0
        if kind in _FUNCTIONS:
            raise ValueError("it holds a function of Lua, which is not read")
        if kind not in (TABLE, OBJECT):
            raise ValueError(f"a value of type {kind} at byte {self.at - _INT.size}, expected 0 to 5")
        number = self._number(_INT)
        if number not in self.known:
            self.known[number] = self._table() if kind == TABLE else self._object()
        return self.known[number]

    def _table(self) -> Table:
        count, table = self._number(_INT), Table()
        # The shortest entry is a boolean and a nil.
        if count < 0 or count > (len(self.data) - self.at) // (3 * _INT.size):
            raise ValueError(f"a table of {count} entries reaches beyond the end of the file")
        self.open.append(_Unfinished(table, 2 * count))
        return table

    def _object(self) -> Any:
        name = self._text(_LONGEST_CLASS)
        # Before there were versions, the class came first.
        if name.startswith("V "):
            name = self._text(_LONGEST_CLASS)
        if name in _STORAGES:
            dtype = np.dtype(_STORAGES[name])
            return Torch7Storage(name, np.frombuffer(self._bytes(self._number(_LONG), dtype.itemsize), dtype))
        if name in _TENSORS:
            axes = self._number(_INT)
            if not 0 <= axes <= _MOST_AXES:
                raise ValueError(f"a tensor of {axes} axes")
            sizes, strides = (tuple(self._number(_LONG) for _ in range(axes)) for _ in range(2))
            if min(sizes, default=0) < 0:
                raise ValueError(f"a tensor of shape {sizes}")
            target: Torch7Tensor | Torch7Object = Torch7Tensor(name, sizes, strides, self._number(_LONG) - 1)
        else:
            target = Torch7Object(name)
        self.open.append(_Unfinished(target, 1))
        return target

    def _number(self, layout: struct.Struct) -> Any:
        (number,) = layout.unpack_from(self.data, self.at)
        self.at += layout.size
        return number

    def _text(self, longest: int) -> str:
        length = self._number(_INT)
        if length > longest:
            raise ValueError(f"a text of {length} characters at byte {self.at}, expected {longest} at most")
        return bytes(self._bytes(length, 1)).decode("latin1")

    def _bytes(self, count: int, size: int) -> memoryview:
        if count < 0 or count > (len(self.data) - self.at) // size:
            raise ValueError(f"{count} elements of {size} bytes reach beyond the end of the file")
        start = self.at
        self.at += count * size
        return self.data[start : self.at]

"""Whole networks that ``torch.save`` wrote as objects, read without running anything that they ask for.

The published hourglass is such a file: not a table of tensors but the pickled network itself, by Python 2 and torch
0.1.12. Reading it as intended runs its program's code. Here every class that it names is a stand-in that keeps what it
is given; then the tensors are gathered from the stand-ins under the names that torch would give them.

Layout of files from before torch 1.6: pickles of a magic number, of a version, of the sizes of C's types, of the
object, of the keys of its storages; then each storage, its length before it. Later ones are zip archives.
"""

import io
import pickletools
import struct
import warnings
import zipfile
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from maquette.errors import InputError, ModelError
from maquette.formats.restricted_pickle import UNPICKLING_FAILURES, Refused, check_opcodes, load_pickle
from maquette.importers.hourglass_stand_ins import (
    StandInModule,
    StandInParameter,
    StandInStorage,
    StandInTensor,
    unpickle,
)

MAGIC = 0x1950A86A20F9469CFC6C
_ALLOWED = frozenset({"NEWOBJ", "BINPERSID"})
_DEEPEST, _MOST = 100, 20_000
_LONGEST_NAME = 300
_LARGEST_PICKLE = 1 << 24
"""Bytes of the pickles without the storages; the published sizes of networks need a small part of that."""
_LENGTH = struct.Struct("<q")

_FAILURES = (*UNPICKLING_FAILURES, zipfile.BadZipFile, struct.error, RuntimeError)
"""What damaged pickles and archives raise."""

StorageData = Callable[[StandInStorage], memoryview]
"""The bytes of a storage."""


class PickledNetwork(NamedTuple):
    """What was in the object."""

    class_name: str
    """As its program names it."""
    tensors: dict[str, Tensor]
    """Parameters and statistics by the names that a state dict would have."""


def holds_network(path: Path) -> bool:
    """Whether a file of ``torch.save`` holds the object of a network rather than a dictionary.

    Damaged files and files of other programs hold none.
    """
    try:
        # Texts of damaged pickles make Python's own tools warn.
        with warnings.catch_warnings(action="ignore"):
            pickled, _ = _parts(path)
            asked = [argument for opcode, argument, _ in pickletools.genops(pickled) if opcode.name == "GLOBAL"]
    except (InputError, OSError, *_FAILURES):
        return False
    return any(str(name).startswith("torch.nn.modules.") for name in asked)


def read_network(path: Path) -> PickledNetwork:
    """The tensors of a pickled network.

    Raises:
        InputError: it cannot be read, is damaged, or asks for more than layers and tensors.
        ModelError: it holds no network.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            pickled, storage_data = _parts(path)
            check_opcodes(pickled, allowed=_ALLOWED)
            loaded = unpickle(pickled)
        if isinstance(loaded, dict):
            loaded = next((value for value in loaded.values() if isinstance(value, StandInModule)), loaded)
        if not isinstance(loaded, StandInModule):
            raise ModelError(f"{path}: holds a {type(loaded).__name__}, expected a network")
        found = _gather(loaded)
        # Many tensors can show the same numbers; no file may be read as many times more than it holds.
        if sum(prod(tensor.sizes) for tensor in found.values()) > path.stat().st_size:
            raise ValueError("its tensors hold more than the file")
        tensors = {name: _tensor(tensor, storage_data) for name, tensor in found.items()}
    except Refused as error:
        raise InputError(f"{path}: refused: {error}; only layers and tensors of PyTorch are read") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except _FAILURES as error:
        raise InputError(f"{path}: the pickled network is damaged ({type(error).__name__}: {error})"[:400]) from None
    return PickledNetwork(type(loaded).__name__, tensors)


def _parts(path: Path) -> tuple[bytes, StorageData]:
    """The pickle of the object, and where its storages are."""
    data = path.read_bytes()
    if data.startswith(b"PK"):
        return _zip_parts(data)
    ends = _pickle_ends(data, 5)
    magic, version, system, pickled, keys = (data[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True))
    where = str(path)
    if load_pickle(magic, where) != MAGIC or load_pickle(version, where) != 1001:
        raise InputError(f"{path}: is no file of torch.save")
    sizes = load_pickle(system, where)
    if not isinstance(sizes, dict) or sizes.get("little_endian") is not True:
        raise InputError(f"{path}: was written by a machine with the other order of bytes, which is not read")
    names = load_pickle(keys, where)
    if not isinstance(names, list):
        raise ValueError("no list of storages")
    return pickled, _LegacyStorages(memoryview(data)[ends[-1] :], [str(name) for name in names])


def _pickle_ends(data: bytes, count: int) -> list[int]:
    """Where each of the first ``count`` pickles in a row ends."""
    stream, ends = io.BytesIO(data[:_LARGEST_PICKLE]), []
    for _ in range(count):
        for _ in pickletools.genops(stream):
            pass
        ends.append(stream.tell())
    return ends


class _LegacyStorages:
    """Storages one after the other; the length of each is in elements, whose size only the object tells."""

    def __init__(self, data: memoryview, keys: list[str]) -> None:
        self.data, self.keys = data, keys
        self.places: dict[str, memoryview] | None = None
        self.known: dict[str, int] = {}

    def __call__(self, storage: StandInStorage) -> memoryview:
        if self.places is None:
            self.places = self._find(storage.sizes)
        return self.places[storage.key]

    def _find(self, sizes: dict[str, int]) -> dict[str, memoryview]:
        places, at = {}, 0
        for key in self.keys:
            (count,) = _LENGTH.unpack_from(self.data, at)
            at += _LENGTH.size
            if count < 0 or key not in sizes or at + count * sizes[key] > len(self.data):
                raise ValueError(f"storage {key[:40]} of {count} elements reaches beyond the end of the file")
            places[key] = self.data[at : at + count * sizes[key]]
            at += count * sizes[key]
        return places


def _zip_parts(data: bytes) -> tuple[bytes, StorageData]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    members = {info.filename: info for info in archive.infolist()}
    # torch stores without compression; a packed member could grow without bounds.
    if any(info.compress_type != zipfile.ZIP_STORED for info in members.values()):
        raise ValueError("a packed archive, which torch does not write")
    pickles = [name for name in members if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise ValueError("an archive without data.pkl")
    folder = pickles[0].removesuffix("data.pkl")

    if members[pickles[0]].file_size > _LARGEST_PICKLE:
        raise ValueError("a pickle that is larger than that of any network")
    read: dict[str, memoryview] = {}

    def storage_data(storage: StandInStorage) -> memoryview:
        if storage.key not in read:
            member = members[f"{folder}data/{storage.key}"]
            # Entries of an archive can overlap.
            if sum(map(len, read.values())) + member.file_size > len(data):
                raise ValueError("an archive that holds more than the file")
            read[storage.key] = memoryview(archive.read(member))
        return read[storage.key]

    return archive.read(pickles[0]), storage_data


def _gather(network: StandInModule) -> dict[str, StandInTensor]:
    """The tensors of a network and of the networks in it; names as ``state_dict`` gives them."""
    found: dict[str, StandInTensor] = {}
    waiting: list[tuple[str, StandInModule, int]] = [("", network, 0)]
    visited = 0
    while waiting:
        prefix, module, depth = waiting.pop()
        visited += 1
        if depth > _DEEPEST or visited > _MOST or len(found) > _MOST or len(prefix) > _LONGEST_NAME:
            raise Refused("layers within layers without end")
        for name, value in [*module.part("_parameters").items(), *module.part("_buffers").items()]:
            tensor = value.data if isinstance(value, StandInParameter) else value
            if isinstance(tensor, StandInTensor):
                found[f"{prefix}{name}"] = tensor
        children = [
            (name, child) for name, child in module.part("_modules").items() if isinstance(child, StandInModule)
        ]
        waiting += [(f"{prefix}{name}.", child, depth + 1) for name, child in children]
    return found


def _tensor(tensor: StandInTensor, storage_data: StorageData) -> Tensor:
    """A copy of what it shows of its storage.

    Raises:
        ValueError: it reaches beyond it.
    """
    storage = tensor.storage
    values = np.frombuffer(storage_data(storage), dtype=storage.dtype)
    if len(values) != storage.count:
        raise ValueError(f"storage {storage.key[:40]} has {len(values)} elements, expected {storage.count}")
    sizes, strides, offset = tensor.sizes, tensor.strides, tensor.offset + storage.offset
    last = offset + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
    count = prod(sizes)
    if count == 0:
        return torch.zeros(sizes if len(sizes) < 8 else (0,))
    # An element can show up several times in a view; no file may be read as more than it holds.
    if offset < 0 or min(strides, default=0) < 0 or last >= len(values) or count > len(values):
        raise ValueError(f"a tensor of shape {sizes} reaches beyond its storage of {len(values)} elements")
    steps = tuple(step * values.itemsize for step in strides)
    view = np.lib.stride_tricks.as_strided(values[offset:], sizes, steps, writeable=False)
    return torch.from_numpy(np.array(view))

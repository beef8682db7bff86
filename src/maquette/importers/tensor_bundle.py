"""Checkpoints of TensorFlow (the "V2" format), read without TensorFlow.

``NAME.index`` is a table of tensors: type, shape, and where the bytes are in ``NAME.data-00000-of-00001`` (or several
such files); a text file ``checkpoint`` beside them names the latest ``NAME``.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maquette.errors import InputError
from maquette.formats.crc32c import crc32c
from maquette.formats.protobuf_wire import Damaged, fields
from maquette.formats.sorted_table import masked, read_table

_DTYPES: dict[int, str] = dict(
    zip(
        (1, 2, 3, 4, 5, 6, 9, 10, 17, 19, 22, 23),
        ("<f4", "<f8", "<i4", "u1", "<i2", "i1", "<i8", "?", "<u2", "<f2", "<u4", "<u8"),
        strict=True,
    )
)
"""TensorFlow's numbers of types -> NumPy's."""
_MOST_DIMS = 16
_LATEST = re.compile(r'^\s*model_checkpoint_path:\s*"((?:[^"\\]|\\.)*)"', re.MULTILINE)


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor is."""

    dtype: int
    """TensorFlow's number of the type."""
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    """Bytes."""
    crc: int
    """Masked CRC-32C of the bytes."""


@dataclass(frozen=True)
class TensorBundle:
    """An open checkpoint: what is in it; :meth:`tensor` reads."""

    prefix: Path
    """Path of the files up to ``.index``."""
    tensors: dict[str, StoredTensor]
    shards: int

    def tensor(self, name: str) -> np.ndarray:
        """One tensor, checked against its checksum.

        Raises:
            InputError: not there, of a type without numbers, in a file that is missing or cut off, or damaged.
        """
        if name not in self.tensors:
            raise InputError(f"{self.prefix}: no tensor '{name}'; there are: {', '.join(self.tensors) or 'none'}")
        stored = self.tensors[name]
        path = self.prefix.with_name(f"{self.prefix.name}.data-{stored.shard:05d}-of-{self.shards:05d}")
        dtype = _DTYPES.get(stored.dtype)
        if dtype is None:
            raise InputError(f"{path}: tensor '{name}' is of TensorFlow's type {stored.dtype}, expected numbers")
        wanted = math.prod(stored.shape) * np.dtype(dtype).itemsize
        if stored.size != wanted:
            raise InputError(f"{path}: tensor '{name}' {stored.shape} has {stored.size} bytes, expected {wanted}")
        try:
            with path.open("rb") as file:
                # Before reading: a damaged index can ask for more than there is memory.
                if stored.offset + stored.size > path.stat().st_size:
                    raise InputError(f"{path}: ends before tensor '{name}' does; the file was cut off, copy it again")
                file.seek(stored.offset)
                data = file.read(stored.size)
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"{path}: cannot be read ({reason}); it belongs to {self.prefix.name}.index") from None
        if len(data) != stored.size or masked(crc32c(data)) != stored.crc:
            raise InputError(f"{path}: the checksum of tensor '{name}' is wrong; the file is damaged, copy it again")
        return np.frombuffer(data, dtype).reshape(stored.shape)


def open_bundle(path: str | Path, *, step: int | None = None) -> TensorBundle:
    """The checkpoint at ``path``.

    Args:
        path: a run folder with a file ``checkpoint``, or a checkpoint by the common part of its files' names, or any
            of these files.
        step: in a folder, ``checkpoint-STEP`` instead of the latest.

    Raises:
        InputError: no such checkpoint, or its index cannot be read.
    """
    prefix = find_prefix(Path(path), step)
    index = prefix.with_name(prefix.name + ".index")
    try:
        data = index.read_bytes()
    except OSError as error:
        raise InputError(f"{index}: cannot be read ({error.strerror or error})") from None
    entries = read_table(data, str(index))
    try:
        if b"" not in entries:
            raise Damaged("the table has no header")
        shards = _header(entries.pop(b""))
        tensors = {key.decode("utf-8", "replace"): _entry(value, shards) for key, value in entries.items()}
    except Damaged as error:
        raise InputError(f"{index}: is no index of a TensorFlow checkpoint ({error})") from None
    return TensorBundle(prefix, tensors, shards)


def find_prefix(path: Path, step: int | None) -> Path:
    """The common part of the names of a checkpoint's files.

    Raises:
        InputError: there is none at ``path``; the text lists those that are near.
    """
    if path.is_dir():
        if step is not None:
            prefix = path / f"checkpoint-{step}"
        else:
            prefix = _latest(path)
    else:
        name = re.sub(r"\.(index|meta|data-\d{5}-of-\d{5})$", "", path.name)
        prefix = path.with_name(name)
        if step is not None and name != f"checkpoint-{step}":
            raise InputError(f"{path}: is a checkpoint itself, so step {step} cannot be chosen; give the folder")
    if not prefix.with_name(prefix.name + ".index").is_file():
        near = sorted(p.name.removesuffix(".index") for p in prefix.parent.glob("*.index"))
        raise InputError(f"{prefix}.index: no such file; checkpoints in that folder: {', '.join(near) or 'none'}")
    return prefix


def _latest(folder: Path) -> Path:
    """The checkpoint that the state file names; runs are often moved, so of a whole path the last part counts."""
    state = folder / "checkpoint"
    try:
        match = _LATEST.search(state.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        alone = list(folder.glob("*.index"))
        if len(alone) == 1:
            return alone[0].with_name(alone[0].name.removesuffix(".index"))
        steps = ", ".join(sorted(p.name.removesuffix(".index") for p in alone)) or "none"
        raise InputError(
            f"{state}: cannot be read ({error.strerror or error}), and it would say which checkpoint is the latest; "
            f"choose one: {steps}"
        ) from None
    if match is None:
        raise InputError(f'{state}: does not name a checkpoint, expected a line model_checkpoint_path: "..."')
    return folder / re.split(r"[/\\]+", match[1])[-1]


def _header(data: bytes) -> int:
    """Number of files with tensors."""
    numbers = {field.number: field.whole or 0 for field in fields(data)}
    shards, big_endian = numbers.get(1, 0), numbers.get(2, 0)
    if big_endian:
        raise Damaged("written on a big-endian machine, which is not read")
    if not 0 < shards < 100_000:
        raise Damaged(f"{shards} files of tensors")
    return shards


def _entry(data: bytes, shards: int) -> StoredTensor:
    numbers, shape = dict.fromkeys((1, 3, 4, 5, 6), 0), ()
    for field in fields(data):
        if field.number == 2 and field.content is not None:
            shape = _shape(field.content)
        elif field.number == 7:
            raise Damaged("a tensor in slices, which single-machine training does not write")
        elif field.number in numbers and field.whole is not None:
            numbers[field.number] = field.whole
    if numbers[3] >= shards:
        raise Damaged(f"a tensor in file {numbers[3]} of {shards}")
    return StoredTensor(numbers[1], shape, numbers[3], numbers[4], numbers[5], numbers[6])


def _shape(data: bytes | memoryview) -> tuple[int, ...]:
    dims = []
    for field in fields(data):
        if field.number == 2 and field.content is not None:
            dims.append(next((part.whole or 0 for part in fields(field.content) if part.number == 1), 0))
    if len(dims) > _MOST_DIMS or any(n >= 1 << 40 for n in dims):
        raise Damaged(f"a tensor of {len(dims)} dimensions, or of impossible size")
    return tuple(dims)

"""Snapshots of Caffe (``.caffemodel``): the trained arrays of every layer, read without Caffe.

A snapshot is one message of protocol buffers, ``NetParameter`` of ``caffe.proto``. Of it only the numbers of the fields
that hold names and arrays are known here; how the layers are connected and configured is left alone.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maquette.errors import InputError
from maquette.formats.protobuf_wire import FIXED_32, FIXED_64, Allowance, Damaged, Field, fields, varints

_NET_NAME, _OLD_LAYERS, _LAYERS = 1, 2, 100
"""Fields of NetParameter: the name of the net, V1LayerParameter (files from before the end of 2014), LayerParameter."""
_NAME_TYPE_BLOBS = {_LAYERS: (1, 2, 7), _OLD_LAYERS: (4, 5, 6)}
_OLDEST_LAYER = 1
"""In V1LayerParameter: a layer in the form of 2013."""
_SIDES, _DATA, _SHAPE, _DOUBLES = (1, 2, 3, 4), 5, 7, 8
"""Fields of BlobProto: num, channels, height and width (old files), values, BlobShape, values in double precision."""
_DIM = 1
_OLD_TYPES = {4: "Convolution", 5: "Data", 8: "Flatten", 12: "ImageData", 14: "InnerProduct", 17: "Pooling", 18: "ReLU"}
"""V1LayerParameter's numbers of the types of layers that matter here."""

_MOST_BYTES = 1 << 31
_MOST_FIELDS = 200_000
"""The deepest published nets have some 20,000."""
_MOST_DIMS = 32
_LONGEST_NAME = 1000


@dataclass(frozen=True, eq=False)
class CaffeLayer:
    """A layer with trained arrays."""

    name: str
    kind: str
    """Caffe's type, for example ``Convolution``; empty where the file does not tell."""
    blobs: tuple[np.ndarray, ...]
    """float32, read-only; those of files from before the end of 2014 always have four dimensions. A value of a net in
    double precision that is beyond single precision is infinite."""


@dataclass(frozen=True, eq=False)
class CaffeNet:
    """What is in a snapshot."""

    name: str
    layers: dict[str, CaffeLayer]
    """Those that have arrays, by name, in the order of the net."""
    untrained: int
    """How many layers there are besides."""


def read_caffemodel(path: str | Path) -> CaffeNet:
    """The net in the snapshot ``path``; nothing but names and arrays is looked at.

    Raises:
        InputError: cannot be read, no snapshot of Caffe, cut off or damaged, larger than such a file can be, or with
            arrays that do not fit their shapes.
    """
    path = Path(path)
    try:
        if path.stat().st_size >= _MOST_BYTES:
            raise InputError(
                f"{path}: has {path.stat().st_size} bytes, expected a file of Caffe, which ends below 2 GiB"
            )
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    _refuse_others(data, path)
    try:
        return _net(memoryview(data))
    except Damaged as error:
        raise InputError(f"{path}: is no .caffemodel of Caffe, or a damaged one: it {error}; copy it again") from None


def _refuse_others(data: bytes, path: Path) -> None:
    """What people give instead, each with what to do."""
    if not data:
        raise InputError(f"{path}: is empty; copy it again")
    if path.suffix == ".solverstate":
        raise InputError(f"{path}: is the state of a solver; the trained arrays are in the .caffemodel beside it")
    if data.startswith(b"\x89HDF\r\n\x1a\n"):
        raise InputError(
            f"{path}: is a snapshot in HDF5; give the binary one (in the solver: snapshot_format BINARYPROTO)"
        )
    if re.match(rb"(\s|#.*\n)*(name|layers?|input|input_dim|net)\s*[:{]", data[:10_000]):
        raise InputError(f"{path}: is a description of a net as text; the trained arrays are in the .caffemodel")
    if data.startswith((b"<!", b"<html", b"<HTML")):
        raise InputError(f"{path}: is a page of the web, not the file that it speaks of; download that")


def _net(data: memoryview) -> CaffeNet:
    allowance = Allowance(_MOST_FIELDS)
    name, layers, untrained = "", {}, 0
    for field in fields(data, allowance):
        if field.number == _NET_NAME and field.content is not None:
            name = _text(field.content)
        elif field.number in _NAME_TYPE_BLOBS and field.content is not None:
            layer = _layer(field.content, *_NAME_TYPE_BLOBS[field.number], allowance)
            if layer.name in layers and layer.blobs:
                raise Damaged(f"has two layers '{layer.name}' with arrays")
            if layer.blobs:
                layers[layer.name] = layer
            else:
                untrained += 1
    if not layers and not untrained:
        raise Damaged("has no layers")
    return CaffeNet(name, layers, untrained)


def _layer(
    data: bytes | memoryview, name_number: int, type_number: int, blobs: int, allowance: Allowance
) -> CaffeLayer:
    name, kind, found = "", "", []
    for field in fields(data, allowance):
        if field.number == name_number and field.content is not None:
            name = _text(field.content)
        elif field.number == type_number:
            kind = _OLD_TYPES.get(field.whole or 0, "") if field.content is None else _text(field.content)
        elif field.number == blobs and field.content is not None:
            found.append(field.content)
        elif field.number == _OLDEST_LAYER and name_number != _OLDEST_LAYER:
            raise Damaged("has layers in the form of 2013; convert it with Caffe's upgrade_net_proto_binary")
    # Arrays come after the name in some files and before it in others.
    return CaffeLayer(name, kind, tuple(_blob(blob, f"layer '{name}'", allowance) for blob in found))


def _blob(data: bytes | memoryview, where: str, allowance: Allowance) -> np.ndarray:
    """An array; values may be packed or not, and in several pieces, as the wire format allows."""
    sides, shape, singles, doubles = dict.fromkeys(_SIDES, 0), None, [], []
    for field in fields(data, allowance):
        if field.number in sides:
            sides[field.number] = field.whole or 0
        elif field.number == _SHAPE and field.content is not None:
            shape = [*(shape or []), *_dims(field.content, allowance)][: _MOST_DIMS + 1]
        elif field.number == _DATA:
            singles.append(_values(field, FIXED_32, where))
        elif field.number == _DOUBLES:
            doubles.append(_values(field, FIXED_64, where))
    dims = tuple(sides.values() if shape is None else shape)
    values = _joined([piece for piece in doubles if len(piece)] or singles)
    if not len(values) or len(dims) > _MOST_DIMS or math.prod(dims) != len(values):
        said = " x ".join(map(str, dims)) or "one value"
        raise Damaged(f"has {len(values)} values in an array of {where} that says it is {said}")
    return values.reshape(dims)


def _dims(data: bytes | memoryview, allowance: Allowance) -> list[int]:
    """Sizes, packed or one by one."""
    dims = []
    for field in fields(data, allowance):
        if field.number != _DIM:
            continue
        for size in [field.whole or 0] if field.content is None else varints(field.content):
            dims.append(size)
            if len(dims) > _MOST_DIMS:
                raise Damaged(f"has an array of more than {_MOST_DIMS} dimensions")
    return dims


def _values(field: Field, kind: int, where: str) -> np.ndarray:
    size = {FIXED_32: 4, FIXED_64: 8}[kind]
    if isinstance(field.value, int) or field.kind in {FIXED_32, FIXED_64} - {kind} or len(field.value) % size:
        raise Damaged(f"has values of another type in an array of {where}")
    values = np.frombuffer(field.value, f"<f{size}")
    if kind == FIXED_64:
        with np.errstate(over="ignore"):
            values = values.astype(np.float32)
            values.flags.writeable = False
    return values


def _joined(pieces: list[np.ndarray]) -> np.ndarray:
    if len(pieces) == 1:
        return pieces[0]
    joined = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    joined.flags.writeable = False
    return joined


def _text(data: bytes | memoryview) -> str:
    if len(data) > _LONGEST_NAME:
        raise Damaged(f"has a name of {len(data)} bytes")
    text = bytes(data).decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "?" for letter in text)

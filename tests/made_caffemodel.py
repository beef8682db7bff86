"""Snapshots of Caffe as Google's own encoder writes them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_KIND = descriptor_pb2.FieldDescriptorProto
_SCHEMA: dict[str, list[tuple[str, int, int, str]]] = {
    "BlobShape": [("dim", 1, _KIND.TYPE_INT64, "packed")],
    "BlobProto": [
        *(
            (name, number, _KIND.TYPE_INT32, "")
            for number, name in enumerate(("num", "channels", "height", "width"), 1)
        ),
        ("data", 5, _KIND.TYPE_FLOAT, "packed"),
        ("diff", 6, _KIND.TYPE_FLOAT, "packed"),
        ("shape", 7, _KIND.TYPE_MESSAGE, "BlobShape"),
        ("double_data", 8, _KIND.TYPE_DOUBLE, "packed"),
    ],
    "LayerParameter": [
        ("name", 1, _KIND.TYPE_STRING, ""),
        ("type", 2, _KIND.TYPE_STRING, ""),
        ("bottom", 3, _KIND.TYPE_STRING, "repeated"),
        ("top", 4, _KIND.TYPE_STRING, "repeated"),
        ("blobs", 7, _KIND.TYPE_MESSAGE, "repeated BlobProto"),
    ],
    "V1LayerParameter": [
        ("layer", 1, _KIND.TYPE_BYTES, ""),
        ("bottom", 2, _KIND.TYPE_STRING, "repeated"),
        ("top", 3, _KIND.TYPE_STRING, "repeated"),
        ("name", 4, _KIND.TYPE_STRING, ""),
        ("type", 5, _KIND.TYPE_INT32, ""),
        ("blobs", 6, _KIND.TYPE_MESSAGE, "repeated BlobProto"),
    ],
    "NetParameter": [
        ("name", 1, _KIND.TYPE_STRING, ""),
        ("layers", 2, _KIND.TYPE_MESSAGE, "repeated V1LayerParameter"),
        ("layer", 100, _KIND.TYPE_MESSAGE, "repeated LayerParameter"),
    ],
}
"""The part of caffe.proto that snapshots of trained arrays use: name, number, type, and what is said of it."""


@cache
def messages(packed: bool = True, raw: bool = False) -> Mapping[str, Any]:
    """Classes of messages.

    Args:
        packed: False: arrays with a key before every value, as programs of 2013 wrote them.
        raw: values are given as bytes, which gives the same file quickly.
    """
    file = descriptor_pb2.FileDescriptorProto(name=f"made_{packed}_{raw}.proto", package="made", syntax="proto2")
    for name, entries in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field_name, number, kind, words in entries:
            if raw and field_name == "data":
                kind, words = _KIND.TYPE_BYTES, ""
            repeated = words.startswith(("repeated", "packed"))
            field = message.field.add(name=field_name, number=number, type=kind)
            field.label = _KIND.LABEL_REPEATED if repeated else _KIND.LABEL_OPTIONAL
            if kind == _KIND.TYPE_MESSAGE:
                field.type_name = f".made.{words.split()[-1]}"
            if words == "packed":
                field.options.packed = packed
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)  # pyright: ignore[reportAttributeAccessIssue]
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"made.{name}")) for name in _SCHEMA}


def snapshot(
    layers: Mapping[str, Sequence[np.ndarray]] | Iterable[tuple[str, Sequence[np.ndarray]]],
    *,
    old: bool = False,
    packed: bool = True,
    doubles: bool = False,
    diff: bool = False,
    raw: bool = False,
    name: str = "made",
) -> bytes:
    """The bytes of a ``.caffemodel``.

    Args:
        layers: arrays of each layer.
        old: as before the end of 2014: V1LayerParameter, and arrays of four dimensions, the first ones 1.
        packed, raw: see :func:`messages`.
        doubles: of a net in double precision.
        diff: with the gradients beside the values.
    """
    classes = messages(packed, raw)
    net = classes["NetParameter"](name=name)
    for layer_name, blobs in layers.items() if isinstance(layers, Mapping) else layers:
        layer = (net.layers if old else net.layer).add(name=layer_name)
        layer.type = (
            (4 if old else "Convolution") if any(b.ndim == 4 for b in blobs) else (14 if old else "InnerProduct")
        )
        layer.bottom.append("before")
        layer.top.append(layer_name)
        for values in blobs:
            blob = layer.blobs.add()
            if old:
                blob.num, blob.channels, blob.height, blob.width = (1,) * (4 - values.ndim) + values.shape
            else:
                blob.shape.dim.extend(values.shape)
            if raw:
                blob.data = np.ascontiguousarray(values, "<f4").tobytes()
            else:
                (blob.double_data if doubles else blob.data).extend(values.ravel().tolist())
            if diff:
                blob.diff.extend(values.ravel().tolist())
    return net.SerializeToString()

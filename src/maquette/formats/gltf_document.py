"""The JSON of a glTF 2.0 file as typed structs, and the buffers that belong to it; only what skeletons need."""

import base64
import binascii
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from maquette.errors import InputError
from maquette.formats.glb import unpack_glb

_MAGIC = b"glTF"
_BOM = b"\xef\xbb\xbf"
_LARGEST_BUFFER = 1 << 30
_REFUSED = {
    "EXT_meshopt_compression": "meshopt",
    "KHR_meshopt_compression": "meshopt",
}
"""Extensions of buffer views whose bytes are not the accessor's values."""

Vector3 = tuple[float, float, float]
Vector4 = tuple[float, float, float, float]


class Node(msgspec.Struct):
    """``nodes[i]``."""

    name: str = ""
    children: list[int] = []
    translation: Vector3 = (0.0, 0.0, 0.0)
    rotation: Vector4 = (0.0, 0.0, 0.0, 1.0)
    scale: Vector3 = (1.0, 1.0, 1.0)
    matrix: list[float] | None = None
    mesh: int | None = None


class Skin(msgspec.Struct):
    """``skins[i]``."""

    joints: list[int]
    name: str = ""
    inverseBindMatrices: int | None = None


class Target(msgspec.Struct):
    """``animations[i].channels[j].target``."""

    path: str
    node: int | None = None


class Channel(msgspec.Struct):
    """``animations[i].channels[j]``."""

    sampler: int
    target: Target


class Sampler(msgspec.Struct):
    """``animations[i].samplers[j]``."""

    input: int
    output: int
    interpolation: str = "LINEAR"


class Animation(msgspec.Struct):
    """``animations[i]``."""

    channels: list[Channel]
    samplers: list[Sampler]
    name: str = ""


class SparseIndices(msgspec.Struct):
    """``accessors[i].sparse.indices``."""

    bufferView: int
    componentType: int
    byteOffset: int = 0


class SparseValues(msgspec.Struct):
    """``accessors[i].sparse.values``."""

    bufferView: int
    byteOffset: int = 0


class Sparse(msgspec.Struct):
    """``accessors[i].sparse``."""

    count: int
    indices: SparseIndices
    values: SparseValues


class Accessor(msgspec.Struct):
    """``accessors[i]``."""

    componentType: int
    count: int
    type: str
    bufferView: int | None = None
    byteOffset: int = 0
    normalized: bool = False
    sparse: Sparse | None = None


class BufferView(msgspec.Struct):
    """``bufferViews[i]``."""

    buffer: int
    byteLength: int
    byteOffset: int = 0
    byteStride: int | None = None
    extensions: dict[str, Any] = {}

    @property
    def compression(self) -> str:
        """Name of the compression of its bytes; empty when there is none."""
        return next((_REFUSED[name] for name in self.extensions if name in _REFUSED), "")


class Buffer(msgspec.Struct):
    """``buffers[i]``."""

    byteLength: int
    uri: str | None = None


class Asset(msgspec.Struct):
    """``asset``."""

    version: str
    generator: str = ""
    extras: Any = None


class Document(msgspec.Struct):
    """The whole document."""

    asset: Asset
    nodes: list[Node] = []
    skins: list[Skin] = []
    animations: list[Animation] = []
    accessors: list[Accessor] = []
    bufferViews: list[BufferView] = []
    buffers: list[Buffer] = []
    extensions: dict[str, Any] = {}


def parse_document(data: bytes, where: str) -> tuple[Document, bytes]:
    """``(document, buffer inside the file)`` of a .glb or .gltf file.

    Raises:
        InputError: neither of the two, damaged, or not of glTF 2.
    """
    if data.startswith(_MAGIC):
        content, binary = unpack_glb(data, where)
    else:
        binary = b""
        try:
            content = json.loads(data.removeprefix(_BOM).decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: neither GLB nor glTF's JSON ({str(error)[:100]})") from None
    try:
        document = msgspec.convert(content, Document)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        raise InputError(f"{where}: not the JSON that glTF 2.0 asks for: {str(error)[:200]}") from None
    if document.asset.version.split(".")[0] != "2":
        raise InputError(f"{where}: glTF version {document.asset.version[:20]!r}, expected 2.0")
    return document, binary


def read_buffer(document: Document, number: int, binary: bytes, where: str, folder: Path | None) -> bytes:
    """Bytes of one buffer: those inside the file, of a ``data:`` URI, or of a file in the same folder.

    Args:
        binary: what :func:`parse_document` found inside the file.
        folder: where files named by the document are looked for; None refuses them. Only names of files in this folder
            or below are followed.

    Raises:
        InputError: there is no such buffer, it is shorter than said, or its URI is not one of these.
    """
    if not 0 <= number < len(document.buffers):
        raise InputError(f"{where}: buffer {number} does not exist; there are {len(document.buffers)}")
    buffer = document.buffers[number]
    if buffer.uri is None:
        content = binary
    elif buffer.uri.startswith("data:"):
        content = _from_data_uri(buffer.uri, number, where)
    else:
        content = _from_file(buffer, where, folder)
    if not 0 <= buffer.byteLength <= len(content):
        raise InputError(
            f"{where}: buffer {number} should have {buffer.byteLength} bytes and has {len(content)}: "
            "the file is cut off"
        )
    return content[: buffer.byteLength]


def _from_data_uri(uri: str, number: int, where: str) -> bytes:
    head, comma, text = uri.partition(",")
    if not comma or not head.endswith(";base64"):
        raise InputError(f"{where}: the data URI of buffer {number} begins with {uri[:40]!r}, expected base64")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputError(f"{where}: the base64 of buffer {number} is damaged") from None


def _from_file(buffer: Buffer, where: str, folder: Path | None) -> bytes:
    name = unquote(buffer.uri or "")
    shown = name[:60]
    if folder is None:
        raise InputError(f"{where}: keeps its data in another file, {shown!r}; export one .glb file instead")
    outside = InputError(
        f"{where}: keeps its data in {shown!r}, which is not in its folder; put it there, or export one .glb file"
    )
    if not name or "\0" in name or ":" in name or "\\" in name:
        raise outside
    try:
        inside = folder.resolve()
        path = (inside / name).resolve()
        if not path.is_relative_to(inside):
            raise outside
        if not path.is_file():
            raise InputError(f"{where}: its data file {shown!r} is missing; it must lie beside it")
        if path.stat().st_size > _LARGEST_BUFFER:
            raise InputError(f"{where}: its data file {shown!r} has over 1 GiB, which is not read")
        return path.read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: its data file {shown!r} cannot be read") from None

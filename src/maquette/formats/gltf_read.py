"""glTF 2.0 files of anybody, .glb or .gltf: nodes at rest, skins, animations, and which node is which human bone."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.formats.gltf_accessors import AccessorReader
from maquette.formats.gltf_document import Animation, Document, Node, Sampler, Skin, parse_document, read_buffer
from maquette.geometry.rotations import matrix_to_quat

Path3 = Literal["translation", "rotation", "scale"]
Vrm = Literal["", "0.x", "1.0", "animation"]
_VRM_EXTENSIONS: tuple[tuple[str, Vrm], ...] = (
    ("VRMC_vrm", "1.0"),
    ("VRMC_vrm_animation", "animation"),
    ("VRM", "0.x"),
)
_COLUMNS = {"translation": 3, "rotation": 4, "scale": 3}
_INTERPOLATIONS = ("LINEAR", "STEP", "CUBICSPLINE")
_MOST_NODES = 32_768
_FARTHEST = 1e9


@dataclass(frozen=True, eq=False)
class GltfSkin:
    """Joints that move a mesh."""

    name: str
    joints: tuple[int, ...]
    """Numbers of nodes."""
    inverse_bind: Float[np.ndarray, "joints 4 4"]
    """From the space of the mesh into that of each joint."""


@dataclass(frozen=True, eq=False)
class GltfChannel:
    """One property of one node over time."""

    node: int
    path: Path3
    times_s: Float[np.ndarray, " keys"]
    """Increasing, at least one."""
    values: Float[np.ndarray, "keys columns"]
    """Rotations are unit quaternions wxyz."""
    interpolation: Literal["LINEAR", "STEP", "CUBICSPLINE"]
    tangents: tuple[Float[np.ndarray, "keys columns"], Float[np.ndarray, "keys columns"]] | None = None
    """``(in, out)`` of a CUBICSPLINE, each per second; of rotations wxyz."""


@dataclass(frozen=True, eq=False)
class GltfAnimation:
    """One clip."""

    name: str
    channels: tuple[GltfChannel, ...]


@dataclass(frozen=True, eq=False)
class Gltf:
    """What a file says about its skeletons. Metres, Y up, as glTF has it."""

    where: str
    names: tuple[str, ...]
    """Of all nodes; ``node_<number>`` where the file has none."""
    parents: tuple[int, ...]
    """In any order; -1 for nodes without one."""
    translations: Float[np.ndarray, "nodes 3"]
    rotations: Float[np.ndarray, "nodes 4"]
    """Unit quaternions wxyz."""
    scales: Float[np.ndarray, "nodes 3"]
    meshes: frozenset[int]
    """Nodes that show a mesh."""
    skins: tuple[GltfSkin, ...]
    animations: tuple[GltfAnimation, ...]
    humanoid_nodes: dict[str, int] = field(default_factory=dict)
    """Humanoid bone (VRM 1.0's names) -> node, from VRM's extensions."""
    vrm: Vrm = ""
    """Which extension said so. VRM 0.x faces -Z, VRM 1.0 and VRM animations +Z as glTF does."""
    generator: str = ""
    extras: dict[str, Any] = field(default_factory=dict)
    """``asset.extras``, where it is an object."""


def read_gltf(data: bytes, where: str, *, folder: Path | None = None, with_animations: bool = True) -> Gltf:
    """The skeletons of a .glb or .gltf file.

    Args:
        where: name of the file, for errors.
        folder: where a .gltf's own data file is looked for; None refuses such files.
        with_animations: False leaves the animations unread.

    Raises:
        InputError: damaged, compressed, not of glTF 2.0, or with numbers that make no skeleton.
    """
    document, binary = parse_document(data, where)
    buffers: dict[int, bytes] = {}

    def buffer(number: int) -> bytes:
        if number not in buffers:
            buffers[number] = read_buffer(document, number, binary, where, folder)
        return buffers[number]

    reader = AccessorReader(document, buffer, where)
    parents = _parents(document, where)
    translations, rotations, scales = _rest(document, where)
    humanoid_nodes, vrm = _humanoid(document, where)
    extras = document.asset.extras
    return Gltf(
        where=where,
        names=tuple(node.name or f"node_{number}" for number, node in enumerate(document.nodes)),
        parents=parents,
        translations=translations,
        rotations=rotations,
        scales=scales,
        meshes=frozenset(number for number, node in enumerate(document.nodes) if node.mesh is not None),
        skins=tuple(_skin(skin, len(parents), reader, where) for skin in document.skins),
        animations=tuple(
            _animation(animation, number, len(parents), reader, where)
            for number, animation in enumerate(document.animations)
            if with_animations
        ),
        humanoid_nodes=humanoid_nodes,
        vrm=vrm,
        generator=document.asset.generator,
        extras=extras if isinstance(extras, dict) else {},
    )


def _parents(document: Document, where: str) -> tuple[int, ...]:
    count = len(document.nodes)
    if count > _MOST_NODES:
        raise InputError(f"{where}: has {count} nodes; up to {_MOST_NODES} are read")
    parents = [-1] * count
    for number, node in enumerate(document.nodes):
        for child in node.children:
            if not 0 <= child < count:
                raise InputError(f"{where}: node {number} has a child {child}, and there are {count} nodes")
            if parents[child] >= 0 or child == number:
                raise InputError(f"{where}: node {child} hangs on several nodes or on itself, which is no tree")
            parents[child] = number
    # With one parent each, what no root reaches hangs in a circle.
    reached = [number for number, parent in enumerate(parents) if parent < 0]
    for number in reached:
        reached += document.nodes[number].children
    if len(reached) != count:
        raise InputError(f"{where}: {count - len(reached)} nodes hang on each other in a circle, which is no tree")
    return tuple(parents)


def _rest(document: Document, where: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``(translations, rotations wxyz, scales)`` of the nodes, from their matrices where they have one."""
    count = len(document.nodes)
    translations, rotations, scales = np.zeros((count, 3)), np.zeros((count, 4)), np.ones((count, 3))
    for number, node in enumerate(document.nodes):
        translation, rotation, scale = _local(node, f"{where}: node {number}")
        translations[number], rotations[number], scales[number] = translation, rotation, scale
    table = np.concatenate((translations, rotations, scales), axis=1)
    if not (np.abs(table) < _FARTHEST).all():
        number = int(np.flatnonzero(~(np.abs(table) < _FARTHEST).all(axis=1))[0])
        raise InputError(f"{where}: node {number} stands or turns at numbers that are missing or absurdly large")
    return translations, _unit(rotations, f"{where}: rotations of nodes"), scales


def _local(node: Node, where: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if node.matrix is None:
        return np.array(node.translation), np.roll(np.array(node.rotation), 1), np.array(node.scale)
    if len(node.matrix) != 16:
        raise InputError(f"{where} has a matrix of {len(node.matrix)} numbers, expected 16")
    matrix = np.array(node.matrix, dtype=np.float64).reshape(4, 4).T
    if not (np.abs(matrix) < _FARTHEST).all():
        raise InputError(f"{where} has a matrix of numbers that are missing or absurdly large")
    linear = matrix[:3, :3]
    scale = np.linalg.norm(linear, axis=0)
    if (scale < 1e-12).any():
        return matrix[:3, 3], np.array([1.0, 0.0, 0.0, 0.0]), scale
    if np.linalg.det(linear / scale) < 0:
        # A mirror: of X, by custom.
        scale = scale * [-1.0, 1.0, 1.0]
    return matrix[:3, 3], matrix_to_quat(linear / scale), scale


def _unit(quaternions: np.ndarray, where: str) -> np.ndarray:
    length = np.linalg.norm(quaternions, axis=-1, keepdims=True)
    if not ((length > 1e-6) & np.isfinite(length)).all():
        raise InputError(f"{where}: a quaternion has the length 0 or is no number")
    return quaternions / length


def _skin(skin: Skin, n_nodes: int, reader: AccessorReader, where: str) -> GltfSkin:
    unknown = [joint for joint in skin.joints if not 0 <= joint < n_nodes]
    if unknown or not skin.joints:
        raise InputError(f"{where}: a skin has joints {unknown[:5]}, and there are {n_nodes} nodes")
    inverse = np.tile(np.eye(4), (len(skin.joints), 1, 1))
    if skin.inverseBindMatrices is not None:
        table = reader.read(skin.inverseBindMatrices, "MAT4", "inverse bind matrices")
        if len(table) < len(skin.joints):
            raise InputError(f"{where}: a skin has {len(skin.joints)} joints and {len(table)} inverse bind matrices")
        inverse = table[: len(skin.joints)].reshape(-1, 4, 4).transpose(0, 2, 1)
    return GltfSkin(skin.name, tuple(dict.fromkeys(skin.joints)), inverse[_first_places(skin.joints)])


def _first_places(numbers: list[int]) -> list[int]:
    """Where each number stands for the first time, in the order of their appearance."""
    first: dict[int, int] = {}
    for place, number in enumerate(numbers):
        first.setdefault(number, place)
    return list(first.values())


def _animation(animation: Animation, number: int, n_nodes: int, reader: AccessorReader, where: str) -> GltfAnimation:
    where = f"{where}: animation {number}"
    channels: dict[tuple[int, str], GltfChannel] = {}
    for channel in animation.channels:
        node, path = channel.target.node, channel.target.path
        # Weights of morph targets, and what extensions animate, move no joints.
        if node is None or path not in _COLUMNS or (node, path) in channels:
            continue
        if not 0 <= node < n_nodes or not 0 <= channel.sampler < len(animation.samplers):
            raise InputError(f"{where}: moves node {node} by sampler {channel.sampler}, of which one does not exist")
        channels[node, path] = _channel(node, path, animation.samplers[channel.sampler], reader, where)
    return GltfAnimation(animation.name or f"animation {number}", tuple(channels.values()))


def _channel(node: int, path: str, sampler: Sampler, reader: AccessorReader, where: str) -> GltfChannel:
    columns = _COLUMNS[path]
    if sampler.interpolation not in _INTERPOLATIONS:
        raise InputError(
            f"{where}: interpolation {sampler.interpolation[:20]!r}, expected one of {', '.join(_INTERPOLATIONS)}"
        )
    times_s = reader.read(sampler.input, "SCALAR", "times of keys")[:, 0]
    values = reader.read(sampler.output, f"VEC{columns}", f"keys of {path}")
    per_key = 3 if sampler.interpolation == "CUBICSPLINE" else 1
    if not len(times_s) or len(values) < per_key * len(times_s):
        raise InputError(f"{where}: {len(values)} values of {path} for {len(times_s)} keys")
    values = values[: per_key * len(times_s)]
    if not (np.diff(times_s) > 0).all() or not np.isfinite(times_s).all():
        raise InputError(f"{where}: times of keys are no numbers or do not increase")
    if not (np.abs(values) < _FARTHEST).all():
        raise InputError(f"{where}: keys of {path} hold numbers that are missing or absurdly large")
    tangents = None
    if path == "rotation":
        values = np.roll(values, 1, axis=-1)
    if per_key == 3:
        before, values, after = values.reshape(-1, 3, columns).transpose(1, 0, 2)
        tangents = (before, after)
    if path == "rotation":
        values = _unit(values, f"{where}: keys of rotation")
    return GltfChannel(node, path, times_s, values, sampler.interpolation, tangents)  # pyright: ignore[reportArgumentType]


def _humanoid(document: Document, where: str) -> tuple[dict[str, int], Vrm]:
    """``(bone -> node, which extension of VRM)``; of VRM 0.x those bones whose names are VRM 1.0's, too."""
    extensions = document.extensions
    found: dict[str, Any] = {}
    vrm: Vrm = ""
    for name, version in _VRM_EXTENSIONS:
        humanoid = extensions.get(name, {}).get("humanoid") if isinstance(extensions.get(name), dict) else None
        bones = humanoid.get("humanBones") if isinstance(humanoid, dict) else None
        if isinstance(bones, list):
            bones = {str(bone.get("bone")): bone for bone in bones if isinstance(bone, dict)}
        if isinstance(bones, dict):
            found = {bone: value.get("node") for bone, value in bones.items() if isinstance(value, dict)}
            vrm = version
            break
    # VRM 0.x writes -1 for bones that are not there.
    nodes = {bone: node for bone, node in found.items() if isinstance(node, int) and not isinstance(node, bool)}
    wrong = [f"{bone} = {node}" for bone, node in nodes.items() if node >= len(document.nodes)]
    if wrong:
        raise InputError(f"{where}: humanoid bones name nodes that do not exist: {', '.join(wrong[:5])}")
    return {bone: node for bone, node in nodes.items() if node >= 0}, vrm

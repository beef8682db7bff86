"""glTF files as pygltflib and SciPy see them: nodes, skin and poses without our code; rigs with axes of their own."""

import dataclasses
from typing import Any

import numpy as np
import pygltflib
from scipy.spatial.transform import Rotation

from maquette.rig.animation_rig import RigAnimation

TYPES = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
COLUMNS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Loaded:
    """A file as pygltflib gives it, with its arrays and its pose at a frame."""

    def __init__(self, data: bytes) -> None:
        gltf: Any = pygltflib.GLTF2.load_from_bytes(data)
        assert gltf is not None
        self.gltf, self.blob = gltf, gltf.binary_blob() or b""
        self.names = [node.name for node in gltf.nodes]
        self.parent = {child: i for i, node in enumerate(gltf.nodes) for child in node.children or []}

    def array(self, index: int) -> np.ndarray:
        accessor = self.gltf.accessors[index]
        columns = COLUMNS[accessor.type]
        start = self.gltf.bufferViews[accessor.bufferView].byteOffset
        flat = np.frombuffer(self.blob, TYPES[accessor.componentType], accessor.count * columns, start)
        return flat.reshape(accessor.count, columns)

    def matrices(self, frame: int | None) -> np.ndarray:
        """World matrix of every node; at rest for None."""
        local = []
        for node in self.gltf.nodes:
            local.append(np.eye(4))
            local[-1][:3, 3] = node.translation or [0, 0, 0]
            local[-1][:3, :3] = Rotation.from_quat(node.rotation or [0, 0, 0, 1]).as_matrix()
        if frame is not None:
            animation = self.gltf.animations[0]
            for channel in animation.channels:
                value = self.array(animation.samplers[channel.sampler].output)[frame].astype(float)
                if channel.target.path == "translation":
                    local[channel.target.node][:3, 3] = value
                else:
                    local[channel.target.node][:3, :3] = Rotation.from_quat(value).as_matrix()
        world: list[np.ndarray] = []
        for i, matrix in enumerate(local):
            world.append(world[self.parent[i]] @ matrix if i in self.parent else matrix)
        return np.stack(world)

    def place(self, name: str, frame: int | None) -> np.ndarray:
        return self.matrices(frame)[self.names.index(name), :3, 3]

    def skinned(self, frame: int | None) -> np.ndarray:
        skin, attributes = self.gltf.skins[0], self.gltf.meshes[0].primitives[0].attributes
        inverse = self.array(skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1)
        moves = self.matrices(frame)[skin.joints] @ inverse
        weights, joints = self.array(attributes.WEIGHTS_0), self.array(attributes.JOINTS_0)
        np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-6)
        blended = np.einsum("vk,vkij->vij", weights, moves[joints])
        points = self.array(attributes.POSITION)
        return np.einsum("vij,vj->vi", blended[:, :3, :3], points) + blended[:, :3, 3]


def other_axes(animation: RigAnimation, seed: int = 0) -> RigAnimation:
    """The same movement of the same figure by joints whose axes at rest lie anyhow (SciPy's rotations)."""
    assert animation.rest_rotations is None
    count = len(animation.names)
    own = Rotation.random(count, np.random.default_rng(seed))
    turns = [own[i] for i in range(count)]
    above = [turns[parent] if parent >= 0 else Rotation.identity() for parent in animation.parents]
    wxyz = [1, 2, 3, 0]
    rotations = np.empty(animation.rotations.shape)
    rest = np.empty((count, 4))
    for node in range(count):
        local = above[node].inv() * Rotation.from_quat(animation.rotations[:, node][:, wxyz]) * turns[node]
        quats = local.as_quat()
        signs = np.cumprod(np.where(np.sum(quats[1:] * quats[:-1], axis=1) < 0, -1.0, 1.0))
        quats[1:] *= signs[:, None]
        rotations[:, node] = np.roll(quats, 1, axis=1)
        rest[node] = np.roll((above[node].inv() * turns[node]).as_quat(), 1)
    return dataclasses.replace(
        animation,
        rest_offsets_m=np.stack([above[i].inv().apply(animation.rest_offsets_m[i]) for i in range(count)]),
        tip_offsets_m=np.stack([turns[i].inv().apply(animation.tip_offsets_m[i]) for i in range(count)]),
        rotations=rotations,
        rest_rotations=rest,
    )

"""A GLB file through pygltflib and SciPy's rotations: ``python read_glb.py FILE RESULT.npz``."""

import sys
from importlib.metadata import version

import numpy as np
import pygltflib
from scipy.spatial.transform import Rotation

COMPONENTS = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
gltf = pygltflib.GLTF2().load(sys.argv[1])
blob = gltf.binary_blob()


def values(index: int) -> np.ndarray:
    accessor = gltf.accessors[index]
    view = gltf.bufferViews[accessor.bufferView]
    start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
    width = WIDTHS[accessor.type]
    flat = np.frombuffer(blob, COMPONENTS[accessor.componentType], accessor.count * width, start)
    return flat.reshape(accessor.count, width)


animation = gltf.animations[0]
times = max((values(sampler.input)[:, 0] for sampler in animation.samplers), key=len)
tracks = {
    (channel.target.node, channel.target.path): values(animation.samplers[channel.sampler].output)
    for channel in animation.channels
}
count, nodes = len(times), gltf.nodes
parents = {child: node for node, item in enumerate(nodes) for child in item.children or []}


def world(node: int, animated: bool) -> tuple[np.ndarray, Rotation]:
    frames = count if animated else 1
    place = np.tile(nodes[node].translation or (0.0, 0.0, 0.0), (frames, 1))
    turn = np.tile(nodes[node].rotation or (0.0, 0.0, 0.0, 1.0), (frames, 1))
    if animated:
        place, turn = tracks.get((node, "translation"), place), tracks.get((node, "rotation"), turn)
    rotation = Rotation.from_quat(np.array(np.broadcast_to(turn, (frames, 4))))
    if node not in parents:
        return np.broadcast_to(place, (frames, 3)), rotation
    above, turned = world(parents[node], animated)
    return above + turned.apply(np.array(np.broadcast_to(place, (frames, 3)))), turned * rotation


joints = gltf.skins[0].joints
np.savez(
    sys.argv[2],
    program=f"pygltflib {version('pygltflib')}, SciPy {version('scipy')}",
    names=np.array([nodes[node].name for node in joints]),
    positions_m=np.stack([world(node, True)[0] for node in joints], axis=1),
    rest_m=np.stack([world(node, False)[0][0] for node in joints]),
    fps=(count - 1) / (times[-1] - times[0]),
)

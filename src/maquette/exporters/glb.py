"""Animation to GLB: an animated, skinned mannequin that any viewer shows."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

import maquette
from maquette.atomic import write_bytes
from maquette.exporters.body import Body, lowest_m, make_body
from maquette.formats.glb import BufferBuilder
from maquette.rig.animation_rig import RigAnimation

COLOURS = {"left": (0.16, 0.33, 0.45), "right": (0.58, 0.24, 0.15), "middle": (0.62, 0.56, 0.47)}
"""Base colours of the materials, linear RGB."""


def write_glb(animation: RigAnimation, path: str | Path) -> None:
    """Write the file that :func:`animation_to_glb` makes.

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(path, animation_to_glb(animation, name=Path(path).stem))


def animation_to_glb(animation: RigAnimation, *, name: str = "motion") -> bytes:
    """The bytes of a GLB file.

    Metres, Y up; at rest a T-pose on the ground, facing +Z. Nodes are named as the rig's joints, ends of limbs
    ``<joint>_end``. One animation from time 0, LINEAR, a key for each frame at its own time. ``asset.extras`` has frame
    rate, scale, contacts (joint -> first and last frame of each stand) and notes.
    """
    body = make_body(animation)
    root_m = np.array([0.0, -lowest_m(animation), 0.0])
    buffer = BufferBuilder()
    nodes, parents = _nodes(animation, root_m)
    document: dict[str, Any] = {
        "asset": {
            "version": "2.0",
            "generator": f"Maquette {maquette.__version__}",
            "extras": {
                "fps": str(animation.fps),
                "frames": len(animation.rotations),
                "skeleton": animation.skeleton.name,
                "scale_source": animation.scale_source,
                "contacts": animation.contacts,
                "notes": list(animation.notes),
            },
        },
        "scene": 0,
        "scenes": [{"name": name, "nodes": [0, len(nodes)]}],
        "nodes": [*nodes, {"name": "Body", "mesh": 0, "skin": 0}],
        "meshes": [_mesh(body, root_m, buffer)],
        "materials": [_material(part, COLOURS[part]) for part in body.triangles],
        "skins": [_skin(nodes, parents, buffer)],
        "animations": [_animation(animation, _times_s(animation), name, buffer)],
    }
    return buffer.glb(document)


def _nodes(animation: RigAnimation, root_m: Float[np.ndarray, "3"]) -> tuple[list[dict[str, Any]], list[int]]:
    """``(nodes, parents)``: the joints of the rig, then their ends; the root stands as high as its legs are long."""
    parents = list(animation.parents)
    offsets = list(animation.rest_offsets_m)
    offsets[0] = root_m
    names = list(animation.names)
    for node, tip in enumerate(animation.tip_offsets_m):
        if np.isfinite(tip).all():
            parents.append(node)
            offsets.append(tip)
            names.append(f"{animation.names[node]}_end")
    nodes: list[dict[str, Any]] = [
        {"name": name, "translation": [round(float(value), 7) for value in offset]}
        for name, offset in zip(names, offsets, strict=True)
    ]
    for node, parent in enumerate(parents):
        if parent >= 0:
            nodes[parent].setdefault("children", []).append(node)
    return nodes, parents


def _mesh(body: Body, root_m: Float[np.ndarray, "3"], buffer: BufferBuilder) -> dict[str, Any]:
    joints = np.zeros((len(body.bones), 4), dtype=np.uint16)
    weights = np.zeros((len(body.bones), 4), dtype=np.float32)
    joints[:, :2] = body.bones
    weights[:, :2] = body.weights
    # A joint without weight must be 0.
    joints[weights == 0] = 0
    attributes = {
        "POSITION": buffer.add((body.vertices_m + root_m).astype(np.float32), "vertex", bounds=True),
        "NORMAL": buffer.add(body.normals.astype(np.float32), "vertex"),
        "JOINTS_0": buffer.add(joints, "vertex"),
        "WEIGHTS_0": buffer.add(weights, "vertex"),
    }
    index_type = np.uint16 if len(body.vertices_m) < 65_535 else np.uint32
    return {
        "name": "Body",
        "primitives": [
            {
                "attributes": attributes,
                "indices": buffer.add(triangles.astype(index_type).reshape(-1), "index"),
                "material": number,
            }
            for number, triangles in enumerate(body.triangles.values())
        ],
    }


def _material(part: str, colour: tuple[float, float, float]) -> dict[str, Any]:
    return {
        "name": part,
        "pbrMetallicRoughness": {"baseColorFactor": [*colour, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.75},
    }


def _skin(nodes: list[dict[str, Any]], parents: list[int], buffer: BufferBuilder) -> dict[str, Any]:
    """All nodes as joints; the inverse of their rest places as bind matrices."""
    places = np.zeros((len(nodes), 3))
    for node, parent in enumerate(parents):
        places[node] = np.array(nodes[node]["translation"]) + (places[parent] if parent >= 0 else 0.0)
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(nodes), 1, 1))
    # Columns first: the last row of each is the translation.
    inverse[:, 3, :3] = -places
    return {
        "name": "Rig",
        "joints": list(range(len(nodes))),
        "skeleton": 0,
        "inverseBindMatrices": buffer.add(inverse.reshape(-1, 16)),
    }


def _times_s(animation: RigAnimation) -> Float[np.ndarray, " frames"]:
    if animation.times_s is not None:
        return animation.times_s
    return np.arange(len(animation.rotations)) / float(animation.fps)


def _animation(
    animation: RigAnimation, times_s: Float[np.ndarray, " frames"], name: str, buffer: BufferBuilder
) -> dict[str, Any]:
    time = buffer.add(times_s.astype(np.float32), bounds=True)
    tracks = [(0, "translation", animation.root_positions_m)]
    for node in range(len(animation.names)):
        rotations = animation.rotations[:, node]
        if not np.array_equal(rotations, np.broadcast_to([1.0, 0.0, 0.0, 0.0], rotations.shape)):
            tracks.append((node, "rotation", rotations[:, [1, 2, 3, 0]]))
    samplers, channels = [], []
    for number, (node, path, values) in enumerate(tracks):
        samplers.append({"input": time, "output": buffer.add(values.astype(np.float32)), "interpolation": "LINEAR"})
        channels.append({"sampler": number, "target": {"node": node, "path": path}})
    return {"name": name, "samplers": samplers, "channels": channels}

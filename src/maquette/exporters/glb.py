"""Animation to GLB: an animated, skinned mannequin that any viewer shows."""

from pathlib import Path
from typing import Any

import numpy as np

from maquette.atomic import write_bytes
from maquette.exporters.body import Body, make_body
from maquette.exporters.gltf_rig import GltfRig, asset, frame_times_s, gltf_animation, gltf_rig, gltf_skin, turning
from maquette.formats.glb import BufferBuilder
from maquette.rig.animation_rig import RigAnimation

COLOURS = {"left": (0.16, 0.33, 0.45), "right": (0.58, 0.24, 0.15), "middle": (0.62, 0.56, 0.47)}
"""Base colours of the materials, linear RGB."""
_BODY = "Body"


def write_glb(animation: RigAnimation, path: str | Path) -> None:
    """Write the file that :func:`animation_to_glb` makes.

    Raises:
        OutputError: it cannot be written, or lasts too long for glTF's times.
    """
    write_bytes(path, animation_to_glb(animation, name=Path(path).stem))


def animation_to_glb(animation: RigAnimation, *, name: str = "motion") -> bytes:
    """The bytes of a GLB file.

    Metres, Y up; at rest the rig's own rest pose on the ground, facing +Z. Nodes are named as the rig's joints
    (numbered where names repeat), ends of limbs ``<joint>_end``. One animation from time 0, LINEAR, a key for each
    frame at its own time.

    ``asset.extras`` keeps what :mod:`maquette.readers.motion_glb` makes the motion of again: frame rate, the source
    skeleton and where the rig has its joints, source of the scale, contacts (joint -> first and last frame of each
    stand) and notes. Uncertainties of joints are not kept.

    Raises:
        OutputError: the clip lasts so long that neighbouring frames have the same time in 32 bits.
    """
    rig = gltf_rig(animation, reserved=(_BODY,))
    buffer = BufferBuilder()
    body = make_body(animation)
    document: dict[str, Any] = {
        "asset": asset(animation, _source(animation, rig)),
        "scene": 0,
        "scenes": [{"name": name, "nodes": [0, len(rig.nodes)]}],
        "nodes": [*rig.nodes, {"name": _BODY, "mesh": 0, "skin": 0}],
        "meshes": [_mesh(body, buffer)],
        "materials": [_material(part, COLOURS[part]) for part in body.triangles],
        "skins": [gltf_skin(rig, buffer)],
        "animations": [
            gltf_animation(name, frame_times_s(animation), turning(animation), animation.root_positions_m, buffer)
        ],
    }
    return buffer.glb(document)


def _source(animation: RigAnimation, rig: GltfRig) -> dict[str, Any]:
    """The skeleton of the motion, and the node that stands where each of its joints is."""
    tips = {
        parent: rig.names[len(animation.names) + end] for end, parent in enumerate(rig.parents[len(animation.names) :])
    }
    skeleton = animation.skeleton
    return {
        "joints": list(skeleton.joints),
        "parents": list(skeleton.parents),
        "mirror_pairs": [list(pair) for pair in skeleton.mirror_pairs],
        "places": {
            joint: tips[node] if is_tip else rig.names[node]
            for joint, (node, is_tip) in animation.places.items()
            if not is_tip or node in tips
        },
        "roles": {bone: rig.names[animation.names.index(joint)] for bone, joint in animation.roles.items()},
    }


def _mesh(body: Body, buffer: BufferBuilder) -> dict[str, Any]:
    joints = np.zeros((len(body.bones), 4), dtype=np.uint16)
    weights = np.zeros((len(body.bones), 4), dtype=np.float32)
    joints[:, :2] = body.bones
    weights[:, :2] = body.weights
    # A joint without weight must be 0.
    joints[weights == 0] = 0
    attributes = {
        "POSITION": buffer.add(body.vertices_m.astype(np.float32), "vertex", bounds=True),
        "NORMAL": buffer.add(body.normals.astype(np.float32), "vertex"),
        "JOINTS_0": buffer.add(joints, "vertex"),
        "WEIGHTS_0": buffer.add(weights, "vertex"),
    }
    index_type = np.uint16 if len(body.vertices_m) < 65_535 else np.uint32
    return {
        "name": _BODY,
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

"""A rig and its clip as the nodes, skin and animation of a glTF file."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

import maquette
from maquette.errors import OutputError
from maquette.exporters.body_landmarks import standing_rest
from maquette.formats.glb import BufferBuilder
from maquette.formats.unique_names import unique_names
from maquette.geometry.rotations import quat_identity, quat_rotate, quat_to_matrix
from maquette.rig.animation_rig import RigAnimation

_PLACES_DIGITS = 7


@dataclass(frozen=True, eq=False)
class GltfRig:
    """The joints of a rig, then the ends of its limbs, at rest on the ground."""

    names: tuple[str, ...]
    """Unique; ends are ``<joint>_end``."""
    parents: tuple[int, ...]
    nodes: list[dict[str, Any]]
    """As in the file."""
    places_m: Float[np.ndarray, "nodes 3"]
    orientations: Float[np.ndarray, "nodes 4"]


def gltf_rig(animation: RigAnimation, *, reserved: tuple[str, ...] = ()) -> GltfRig:
    """Nodes of a rig.

    Args:
        reserved: names of other nodes of the file, which joints do not get.
    """
    places, orientations = standing_rest(animation)
    parents = list(animation.parents)
    offsets = [places[0], *animation.rest_offsets_m[1:]]
    turns = list(animation.local_rest())
    wanted = [name or "joint" for name in animation.names]
    for joint, tip in enumerate(animation.tip_offsets_m):
        if np.isfinite(tip).all():
            parents.append(joint)
            offsets.append(tip)
            turns.append(quat_identity())
            wanted.append(f"{wanted[joint]}_end")
            places = np.concatenate((places, (places[joint] + quat_rotate(orientations[joint], tip))[None]))
            orientations = np.concatenate((orientations, orientations[joint][None]))
    names = unique_names([*reserved, *wanted])[len(reserved) :]
    nodes: list[dict[str, Any]] = []
    for name, offset, turn in zip(names, offsets, turns, strict=True):
        entry: dict[str, Any] = {"name": name, "translation": [round(float(v), _PLACES_DIGITS) for v in offset]}
        if abs(turn[0]) < 1.0:
            entry["rotation"] = [float(turn[i]) for i in (1, 2, 3, 0)]
        nodes.append(entry)
    for node, parent in enumerate(parents):
        if parent >= 0:
            nodes[parent].setdefault("children", []).append(node)
    return GltfRig(names, tuple(parents), nodes, places, orientations)


def gltf_skin(rig: GltfRig, buffer: BufferBuilder) -> dict[str, Any]:
    """All nodes as joints, with the inverses of their places and orientations at rest."""
    back = quat_to_matrix(rig.orientations).transpose(0, 2, 1)
    inverse = np.tile(np.eye(4), (len(rig.names), 1, 1))
    inverse[:, :3, :3] = back
    inverse[:, :3, 3] = -np.einsum("nij,nj->ni", back, rig.places_m)
    columns = inverse.transpose(0, 2, 1).reshape(-1, 16).astype(np.float32)
    return {
        "name": "Rig",
        "joints": list(range(len(rig.names))),
        "skeleton": 0,
        "inverseBindMatrices": buffer.add(columns),
    }


def gltf_animation(
    name: str,
    times_s: Float[np.ndarray, " frames"],
    rotations: dict[int, Float[np.ndarray, "frames 4"]],
    translation_m: Float[np.ndarray, "frames 3"],
    buffer: BufferBuilder,
) -> dict[str, Any]:
    """One clip: a key for each frame, LINEAR.

    Args:
        rotations: node -> its whole local rotation, wxyz.
        translation_m: place of node 0.

    Raises:
        OutputError: the clip is so long that neighbouring frames have the same time in 32 bits.
    """
    keys = times_s.astype(np.float32)
    # Rounded up: players that count frames by cutting off what is behind the point see every frame.
    keys = np.where(keys < times_s, np.nextafter(keys, np.float32(np.inf)), keys)
    if (np.diff(keys) <= 0).any():
        raise OutputError(
            f"glTF keeps times in 32 bits, in which frames of a clip of {times_s[-1]:.0f} s at this rate cannot be "
            "told apart: write a shorter piece, or .npz"
        )
    time = buffer.add(keys, bounds=True)
    tracks = [(0, "translation", translation_m)]
    tracks += [(node, "rotation", values[:, [1, 2, 3, 0]]) for node, values in rotations.items()]
    samplers, channels = [], []
    for number, (node, path, values) in enumerate(tracks):
        samplers.append({"input": time, "output": buffer.add(values.astype(np.float32)), "interpolation": "LINEAR"})
        channels.append({"sampler": number, "target": {"node": node, "path": path}})
    return {"name": name, "samplers": samplers, "channels": channels}


def turning(animation: RigAnimation) -> dict[int, Float[np.ndarray, "frames 4"]]:
    """Rotations of the joints that ever leave their rest pose."""
    found: dict[int, np.ndarray] = {}
    for joint, still in enumerate(animation.local_rest()):
        values = animation.rotations[:, joint]
        if not np.array_equal(values, np.broadcast_to(still, values.shape)):
            found[joint] = values
    return found


def frame_times_s(animation: RigAnimation) -> Float[np.ndarray, " frames"]:
    """Time of each frame from 0."""
    if animation.times_s is not None:
        return animation.times_s
    return np.arange(len(animation.rotations)) / float(animation.fps)


def asset(animation: RigAnimation, extras: dict[str, Any]) -> dict[str, Any]:
    """``asset`` with what every file says about its clip, and ``extras``."""
    about = {
        "fps": str(animation.fps),
        "frames": len(animation.rotations),
        "uneven_times": animation.times_s is not None,
        "rig": animation.rig,
        "skeleton": animation.skeleton.name,
        "scale_source": animation.scale_source,
        "contacts": animation.contacts,
        "notes": list(animation.notes),
    }
    return {"version": "2.0", "generator": f"Maquette {maquette.__version__}", "extras": {**about, **extras}}

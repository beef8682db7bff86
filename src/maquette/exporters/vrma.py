"""Animation to VRMA: a VRM animation, which any VRM avatar plays."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from maquette.atomic import write_bytes
from maquette.errors import InputError, OutputError
from maquette.exporters.gltf_rig import asset, frame_times_s, gltf_animation
from maquette.formats.glb import BufferBuilder
from maquette.geometry.rotations import quat_conjugate, quat_continuous, quat_identity, quat_multiply, quat_rotate
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.forward import node_positions_m
from maquette.rig.human_pose import rig_of_animation
from maquette.rig.t_pose import t_pose
from maquette.rig.target_rig import HUMANOID_BONES, REQUIRED_BONES

_EXTENSION = "VRMC_vrm_animation"
_SPEC_VERSION = "1.0"
_PARENTS: dict[str, tuple[str, ...]] = {
    "spine": ("hips",),
    "chest": ("spine",),
    "upperChest": ("chest",),
    "neck": ("upperChest", "chest", "spine"),
    "head": ("neck", "upperChest", "chest", "spine"),
    **{
        f"{side}{bone}": tuple(f"{side}{above}" if above[0].isupper() else above for above in parents)
        for side in ("left", "right")
        for bone, parents in {
            "UpperLeg": ("hips",),
            "LowerLeg": ("UpperLeg",),
            "Foot": ("LowerLeg",),
            "Toes": ("Foot",),
            "Shoulder": ("upperChest", "chest", "spine"),
            "UpperArm": ("Shoulder", "upperChest", "chest", "spine"),
            "LowerArm": ("UpperArm",),
            "Hand": ("LowerArm",),
        }.items()
    },
}
"""The bone that each hangs on: of several, the first that is there (VRM 1.0, humanoid)."""


def write_vrma(animation: RigAnimation, path: str | Path) -> None:
    """Write the file that :func:`animation_to_vrma` makes.

    Raises:
        OutputError: it cannot be written, or bones are missing that a VRM must have.
    """
    write_bytes(path, animation_to_vrma(animation, name=Path(path).stem))


def animation_to_vrma(animation: RigAnimation, *, name: str = "motion") -> bytes:
    """The bytes of a .vrma file: VRM animation 1.0 (extension VRMC_vrm_animation of glTF 2.0).

    Nodes are the humanoid bones alone, named as VRM names them, at rest in the T-pose on the ground with no rotations,
    metres, Y up, facing +Z. The hips have a translation and a rotation, every other bone a rotation. Joints of the rig
    between two bones go into the lower one. A bone cannot move in its parent; where such a joint moves it (the hip
    joints of rig ``maquette``), it lies beside where the rig has it. The rig ``vrm`` has none.

    Raises:
        OutputError: bones are missing that a VRM must have, or the rig is no figure that a T-pose can be told of.
    """
    missing = [bone for bone in REQUIRED_BONES if bone not in animation.roles]
    if missing:
        raise OutputError(
            f"a VRM animation needs {len(REQUIRED_BONES)} bones, and the rig '{animation.rig}' has no "
            f"{', '.join(missing)}: write it with the rig vrm, or another whose joints are known"
        )
    try:
        rig = rig_of_animation(animation, animation.rig)
        rest, places = t_pose(rig)
    except InputError as error:
        raise OutputError(f"a VRM animation rests in the T-pose, which this rig cannot take: {error}") from None
    bones = [bone for bone in HUMANOID_BONES if bone in animation.roles and _is_held(bone, animation.roles)]
    parents = _parents(bones)
    joints = [animation.names.index(animation.roles[bone]) for bone in bones]
    positions, orientations = node_positions_m(animation)
    turns = {b: quat_multiply(orientations[:, j], quat_conjugate(rest[j])) for b, j in zip(bones, joints, strict=True)}
    buffer = BufferBuilder()
    # Players scale the path of the hips by the heights of the hips at rest: ends of toes count, as in our GLB files.
    ends = places + quat_rotate(rest, animation.tip_offsets_m)
    ground_m = float(np.nanmin(np.concatenate((places, ends))[:, 1]))
    hips = places[joints[0]]
    nodes = _nodes(bones, parents, places[joints] - np.array([hips[0], ground_m, hips[2]]))
    tracks: dict[int, np.ndarray] = {}
    for number, bone in enumerate(bones):
        turn = turns[bone]
        above = parents[bone]
        local = turn if above is None else quat_multiply(quat_conjugate(turns[above]), turn)
        if not np.allclose(local, quat_identity(local.shape[:-1]), atol=1e-9):
            tracks[number] = quat_continuous(local)
    document: dict[str, Any] = {
        "asset": asset(animation, {}),
        "extensionsUsed": [_EXTENSION],
        "extensions": {
            _EXTENSION: {
                "specVersion": _SPEC_VERSION,
                "humanoid": {"humanBones": {bone: {"node": number} for number, bone in enumerate(bones)}},
            }
        },
        "scene": 0,
        "scenes": [{"name": name, "nodes": [0]}],
        "nodes": nodes,
        "animations": [gltf_animation(name, frame_times_s(animation), tracks, positions[:, joints[0]], buffer)],
    }
    return buffer.glb(document)


def _is_held(bone: str, roles: dict[str, str]) -> bool:
    """Whether the bones are there without which VRM does not allow this one."""
    return bone != "upperChest" or "chest" in roles


def _parents(bones: list[str]) -> dict[str, str | None]:
    """The bone that each hangs on; None for the hips."""
    return {bone: next((above for above in _PARENTS.get(bone, ()) if above in bones), None) for bone in bones}


def _nodes(
    bones: list[str], parents: dict[str, str | None], places: Float[np.ndarray, "bones 3"]
) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = []
    for bone, place in zip(bones, places, strict=True):
        above = parents[bone]
        offset = place if above is None else place - places[bones.index(above)]
        nodes.append({"name": bone, "translation": [round(float(value), 7) for value in offset]})
    for number, bone in enumerate(bones):
        above = parents[bone]
        if above is not None:
            nodes[bones.index(above)].setdefault("children", []).append(number)
    return nodes

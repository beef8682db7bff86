"""The skeleton in a file, to put motions on: ``.bvh``, ``.glb``, ``.gltf`` and ``.vrm``."""

import dataclasses
from pathlib import Path

from maquette.errors import InputError
from maquette.formats.gltf_read import read_gltf
from maquette.formats.gltf_skeleton import read_skeleton
from maquette.readers.input_files import kind_of, read_bytes
from maquette.readers.motion_amc import read_motion_amc
from maquette.readers.motion_bvh import read_motion_bvh
from maquette.rig.animate import animate
from maquette.rig.human_pose import rig_of_animation
from maquette.rig.roles import roles_or_error
from maquette.rig.target_rig import HUMANOID_BONES, Rig, told_tips_m

SUFFIXES = ".bvh .amc .glb .gltf .vrm"


def read_rig(path: str | Path) -> Rig:
    """The rig of a figure in a file, in metres, with its roles and its own rest pose.

    Roles come from VRM's humanoid bones where the file has them, and from names otherwise. A BVH whose rest pose is
    nobody standing (iClone's) must have a frame in which somebody stands.

    Raises:
        InputError: missing, unreadable, another kind of file, or no human figure (the text lists what was found).
    """
    file = Path(path)
    if kind_of(file) == "folder":
        raise InputError(f"{file}: is a folder, expected a file with a skeleton ({SUFFIXES})")
    data = read_bytes(file, kind="files with a skeleton", most_bytes=1 << 30)
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if data[:4] == b"glTF" or start.startswith(b"{"):
        return _gltf_rig(file, data)
    if start[:9].upper() == b"HIERARCHY":
        motion = read_motion_bvh(file, data)
    elif file.suffix.lower() == ".amc":
        motion = read_motion_amc(file, data)
    else:
        raise InputError(f"{file}: no file with a skeleton that is read here; expected {SUFFIXES}")
    animation = animate(dataclasses.replace(motion, notes=()))
    return dataclasses.replace(rig_of_animation(animation, str(file)), name=file.name)


def _gltf_rig(file: Path, data: bytes) -> Rig:
    found = read_skeleton(read_gltf(data, str(file), folder=file.parent, with_animations=False))
    roles = {bone: joint for bone, joint in found.roles.items() if bone in HUMANOID_BONES}
    if not roles:
        roles = roles_or_error(found.names, found.parents, str(file)).bones
    rig = Rig(
        name=file.name,
        names=found.names,
        parents=found.parents,
        offsets_m=found.offsets_m,
        rotations=found.rotations,
        tips_m=told_tips_m(found.tips_m),
        roles=roles,
    )
    missing = rig.missing_bones()
    if missing:
        seen = ", ".join(f"{bone} = {joint}" for bone, joint in roles.items())
        raise InputError(f"{file}: its humanoid lacks {', '.join(missing)}; it has: {seen}")
    return rig

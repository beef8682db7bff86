"""Writes a motion as a check says, and has the other program read it."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from checks import Check
from measure import Seen, joint_error_mm, largest_jump_deg, node_error_mm, own_rest, rest_pose

from maquette.exporters import write_motion
from maquette.exporters.bvh_presets import BVH_PRESETS, BvhPreset
from maquette.exporters.glb import animation_to_glb
from maquette.formats.glb import pack_glb, unpack_glb
from maquette.motion import Motion
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.choice import animated
from maquette.rig.human_motion import human_motion
from maquette.rig.rest import is_human, rest_offsets_m

HERE = Path(__file__).parent
PLUGINS = HERE.parents[1] / "src" / "maquette" / "plugins"


@dataclass(frozen=True)
class Environments:
    """Where the other programs are; empty where they are not."""

    others: str = ""
    blender: str = ""
    opensim: str = ""
    node: str = ""

    def python(self, environment: str) -> str:
        """The interpreter for a check's environment; empty when there is none."""
        if environment == "here" or (environment == "node" and self.node):
            return sys.executable
        return getattr(self, environment)


def row(check: Check, motions: dict[str, Motion], folder: Path, where: Environments) -> str:
    """One line of the table: the worse of the motions."""
    errors, rests, jumps, program = [], [], [], ""
    for name, made in motions.items():
        if check.clip not in ("", name):
            continue
        motion = replace(made, fps=check.rate) if check.rate else made
        stem = f"{name}_{check.label}".replace(" ", "_").replace("/", "_")
        path = folder / f"{stem}{'' if check.suffix[0] in '._' else '_'}{check.suffix}"
        options = dict(check.options)
        if check.suffix == ".fbx":
            options["blender"] = _blender_program(folder, where.blender)
        write_motion(motion, path, **options)
        animation = animated(motion, rig=check.rig) if check.is_animation else None
        seen = _seen(check, path, motion, animation, where)
        program = seen.program
        if animation is not None and check.is_on_a_file:
            errors.append(node_error_mm(seen, animation))
            rests.append(own_rest(seen, animation))
        else:
            errors.append(joint_error_mm(seen, motion, animation))
            rests.append(rest_pose(seen, animation) if animation else "-")
        jumps.append(largest_jump_deg(seen, animation))
        # Blender's import of USD leaves the scene's rate as it is.
        is_told = not (check.environment == "blender" and check.suffix.startswith(".usd"))
        if is_told and abs(seen.fps / float(motion.fps) - 1) > 1e-3:
            raise SystemExit(f"{path.name}: {program} reads {seen.fps} frames a second, expected {motion.fps}")
    worst_rest = next((rest for rest in rests if rest not in ("T", "the file's", "-")), rests[0])
    worst_jump = next((jump for jump in jumps if jump not in ("none", "-")), jumps[0])
    return f"| `{check.suffix}` | {check.label} | {program} | {max(errors):.4f} | {worst_rest} | {worst_jump} |"


def _seen(check: Check, path: Path, motion: Motion, animation: RigAnimation | None, where: Environments) -> Seen:
    """The file as the other program has it."""
    result = path.with_suffix(".seen.npz")
    words = [where.python(check.environment), str(HERE / check.script), str(path), str(result)]
    words += [*check.reader.split()[2:], *_more(check, path, motion, animation, where)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{' '.join(words)}\n{ran.stdout}{ran.stderr}")
    seen = _of_blender(result) if check.script == "blender_check.py" else Seen.load(str(result))
    if animation is not None and "bvh_preset" in check.options:
        seen = replace(seen, names=_own_names(seen.names, animation, BVH_PRESETS[check.options["bvh_preset"]]))
    if animation is not None and check.suffix == ".vrma":
        seen = replace(seen, names=tuple(animation.roles[name] for name in seen.names))
    return seen


def _more(
    check: Check, path: Path, motion: Motion, animation: RigAnimation | None, where: Environments
) -> tuple[str, ...]:
    """What a reader has to be told beside the file, since it is not in it."""
    fps = str(float(motion.fps))
    if check.script.startswith("read_bvh"):
        return (str(check.metre_per_unit),)
    if check.script == "read_fbx.py":
        return str(motion.n_frames), fps
    if check.script == "read_addon.py":
        return (str(PLUGINS),)
    if check.script in ("read_numbered.py", "read_maya_stand_in.py"):
        return (fps,)
    if check.script == "read_mot.py":
        return _offsets(motion, None, path), check.options["opensim_model"]
    if check.script == "read_smpl.py":
        return (_offsets(motion, animation, path),)
    if check.script == "read_three.py":
        avatar = (_avatar(animation, path),) if animation is not None and check.suffix == ".vrma" else ()
        return where.node, *avatar
    if check.script == "blender_check.py" and check.suffix == ".bvh":
        return "--scale", str(check.metre_per_unit)
    if check.script == "blender_check.py" and check.suffix == ".glb":
        return "--fps", fps
    return ()


def _of_blender(result: Path) -> Seen:
    with np.load(result) as stored:
        kept = ", rotations as quaternions" if str(stored["rotations"]) == "QUATERNION" else ""
        return Seen(
            f"Blender {stored['blender']}{kept}",
            tuple(str(name) for name in stored["names"]),
            stored["heads"],
            stored["rest_heads"],
            None,
            float(stored["fps"]),
        )


def _offsets(motion: Motion, animation: RigAnimation | None, path: Path) -> str:
    """A file with the person's proportions: joint -> place in its parent at rest."""
    person = motion if is_human(motion.skeleton) else human_motion(motion)
    names, offsets = person.skeleton.joints, rest_offsets_m(person)
    if animation is not None:
        names, offsets = animation.names, animation.rest_offsets_m
    file = path.with_suffix(".offsets.json")
    file.write_text(json.dumps(dict(zip(names, offsets.tolist(), strict=True))), encoding="utf-8")
    return str(file)


def _avatar(animation: RigAnimation, path: Path) -> str:
    """A VRM of the same proportions: our GLB with VRM's humanoid bones in place of its animation."""
    document, blob = unpack_glb(animation_to_glb(animation), "the avatar")
    del document["animations"]
    nodes = [node["name"] for node in document["nodes"]]
    bones = {bone: {"node": nodes.index(joint)} for bone, joint in animation.roles.items()}
    meta = {"name": "avatar", "authors": ["Maquette"], "licenseUrl": "https://vrm.dev/licenses/1.0/"}
    document["extensionsUsed"] = ["VRMC_vrm"]
    document["extensions"] = {"VRMC_vrm": {"specVersion": "1.0", "meta": meta, "humanoid": {"humanBones": bones}}}
    file = path.with_suffix(".vrm")
    file.write_bytes(pack_glb(document, blob))
    return str(file)


def _blender_program(folder: Path, python: str) -> Path:
    """A program that takes the options of Blender's and runs its module instead."""
    program = folder / "blender"
    program.write_text(f'#!/bin/sh\nwhile [ "$1" != --python ]; do shift; done\nshift\nexec {python} "$@"\n')
    program.chmod(0o755)
    return program


def _own_names(names: tuple[str, ...], animation: RigAnimation, preset: BvhPreset) -> tuple[str, ...]:
    """The rig's names of joints that a preset has renamed."""
    renamed = {theirs: animation.roles[bone] for bone, theirs in preset.names.items() if bone in animation.roles}
    return tuple(renamed.get(name, name) for name in names)

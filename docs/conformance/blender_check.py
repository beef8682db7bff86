"""Import a file in Blender and write where its joints are at each frame.

Run with Blender's Python module or inside Blender; needs nothing of Maquette:

    python blender_check.py walk.bvh joints.npz [--importer NAME] [--scale 1.0]
    blender --background --factory-startup --python blender_check.py -- walk.bvh joints.npz

Importers: ``bvh``, ``fbx`` (the add-on), ``fbx-ufbx`` (built in since 4.5), ``glb``, ``usd``; told from the suffix.
The result holds ``names``, ``heads`` and ``tails`` (frames, bones, 3), ``axes`` (frames, bones, 3, 3), ``rest_heads``
and ``rest_axes``, all in the world with Y up as the files have it (Blender's x, z, -y), in units of Blender (metres),
``fps``, ``frames`` (first, last), ``importer``, ``rotations``, ``blender``.
"""

import argparse
import sys
from pathlib import Path

import bpy
import numpy as np

IMPORTERS = {".bvh": "bvh", ".fbx": "fbx", ".glb": "glb", ".vrm": "glb", ".usda": "usd", ".usdc": "usd", ".usd": "usd"}
ADD_ONS = {"bvh": "io_anim_bvh", "fbx": "io_scene_fbx", "glb": "io_scene_gltf2"}


def import_file(path: str, importer: str, scale: float, fps: float, rotations: str) -> None:
    """Import into an empty scene, with the importer's own defaults but for the rate of the scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if fps:
        # Seconds become frames by the scene's rate.
        bpy.context.scene.render.fps = round(fps)
        bpy.context.scene.render.fps_base = round(fps) / fps
    if importer in ADD_ONS and ADD_ONS[importer] not in bpy.context.preferences.addons:
        bpy.ops.preferences.addon_enable(module=ADD_ONS[importer])
    if importer == "bvh":
        bpy.ops.import_anim.bvh(
            filepath=path,
            global_scale=scale,
            rotate_mode=rotations,
            update_scene_fps=True,
            update_scene_duration=True,
        )
    elif importer == "fbx":
        bpy.ops.import_scene.fbx(filepath=path)
    elif importer == "fbx-ufbx":
        bpy.ops.wm.fbx_import(filepath=path)
    elif importer == "glb":
        bpy.ops.import_scene.gltf(filepath=path)
    else:
        bpy.ops.wm.usd_import(filepath=path)


def frame_range() -> tuple[int, int]:
    """First and last frame of the actions of the scene."""
    ranges = [action.frame_range for action in bpy.data.actions if action.frame_range[1] > action.frame_range[0]]
    scene = bpy.context.scene
    if not ranges:
        return scene.frame_start, scene.frame_end
    return round(min(first for first, _ in ranges)), round(max(last for _, last in ranges))


def y_up(points: np.ndarray) -> np.ndarray:
    """Blender's world, whose third axis is up, to the files', whose second is."""
    return np.stack((points[..., 0], points[..., 2], -points[..., 1]), axis=-1)


def joints() -> dict[str, np.ndarray]:
    """Where all bones of the one armature are, at each frame and at rest."""
    scene = bpy.context.scene
    armatures = [item for item in scene.objects if item.type == "ARMATURE"]
    if len(armatures) != 1:
        raise SystemExit(f"{len(armatures)} armatures were imported, expected one: {[a.name for a in armatures]}")
    armature = armatures[0]
    first, last = frame_range()
    bones = armature.pose.bones
    matrices, tails = [], []
    for frame in range(first, last + 1):
        scene.frame_set(frame)
        world = armature.matrix_world
        matrices.append([np.array(world @ bone.matrix) for bone in bones])
        tails.append([np.array(world @ bone.tail) for bone in bones])
    poses = np.array(matrices)
    rest = np.array([np.array(armature.matrix_world @ bone.bone.matrix_local) for bone in bones])
    return {
        "names": np.array([bone.name for bone in bones]),
        "heads": y_up(poses[..., :3, 3]),
        "tails": y_up(np.array(tails)),
        "axes": np.moveaxis(y_up(np.moveaxis(poses[..., :3, :3], -1, -2)), -1, -2),
        "rest_heads": y_up(rest[..., :3, 3]),
        "rest_axes": np.moveaxis(y_up(np.moveaxis(rest[..., :3, :3], -1, -2)), -1, -2),
        "fps": np.array(scene.render.fps / scene.render.fps_base),
        "frames": np.array([first, last]),
        "object_scale": np.array(armature.matrix_world.to_scale()),
    }


def main() -> None:
    """Do it; the arguments are those after ``--``, or all of them."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("result")
    parser.add_argument("--importer", choices=["bvh", "fbx", "fbx-ufbx", "glb", "usd"])
    parser.add_argument("--fps", type=float, default=0.0, help="rate of the scene before the import, for glTF")
    parser.add_argument("--scale", type=float, default=1.0, help="metres in the file's unit, for BVH")
    parser.add_argument("--rotations", default="NATIVE", help="how the import of BVH keeps rotations, as Blender says")
    wanted = parser.parse_args(words)
    importer = wanted.importer or IMPORTERS[Path(wanted.file).suffix.lower()]
    import_file(wanted.file, importer, wanted.scale, wanted.fps, wanted.rotations)
    found = joints()
    facts = {"importer": importer, "rotations": wanted.rotations, "blender": bpy.app.version_string}
    np.savez(wanted.result, **{name: np.array(fact) for name, fact in facts.items()}, **found)
    print(f"{wanted.file}: {len(found['names'])} bones, {len(found['heads'])} frames, {importer}")


if __name__ == "__main__":
    main()

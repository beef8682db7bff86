"""An animation of Maquette to FBX, by Blender. Needs nothing installed in Blender (4.2 or later).

    blender --background --factory-startup --python maquette_to_fbx.py -- animation.npz out.fbx

``maquette convert`` and ``write_motion`` run this for ``.fbx``; the first file is theirs. The FBX is in centimetres, Y
up, facing +Z, without scale or rotation on the armature, and each joint has the axes that it has in the rig: in rigs of
Maquette all rotations are zero in the T-pose.
"""

import json
import os
import sys
from fractions import Fraction

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bpy
import numpy as np
from maquette_scene import Z_UP, build_armature, build_body, key_armature, set_rate, settle
from mathutils import Matrix

CM_PER_M = 100.0
ARRAYS = ("offsets_m", "rest", "tips_m", "places_m", "rotations", "root_m", "frames")


def read(path):
    """``(header, figure, body)`` of the file that Maquette wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        header = json.loads(str(arrays["header"]))
        figure = {name: arrays[name] for name in ARRAYS}
        body = {name: arrays[name] for name in ("vertices_m", "bones", "weights")}
        parts = {name: (arrays[f"triangles_{name}"], colour) for name, colour in header["parts"].items()}
    figure |= {"names": header["names"], "parents": header["parents"]}
    return header, figure, body | {"parts": parts}


def build(header, figure, body):
    """The scene: one unit is a centimetre, the armature's own axes are those of the file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.unit_settings.system = "METRIC"
    scene.unit_settings.scale_length = 1.0 / CM_PER_M
    set_rate(scene, Fraction(header["fps"]))
    upright = Matrix.Identity(4)
    # Engines take an object of this name for the armature, not for a bone.
    armature, labels = build_armature(figure, "Armature", along_bones=False, axes=upright, scale=CM_PER_M)
    armature["maquette_axes"] = [list(row) for row in upright]
    key_armature(armature, labels, figure, header["name"], scale=CM_PER_M, frames=figure["frames"], rest_before=True)
    settle(armature, labels)
    build_body(body, armature, labels, axes=upright, scale=CM_PER_M)
    del armature["maquette_axes"]
    # What the exporter turns upright again, so that the file has an armature without rotation.
    armature.matrix_world = Z_UP
    scene.frame_start, scene.frame_end = int(figure["frames"][0]), round(float(figure["frames"][-1]))
    # The pose that the joints of the file have without the animation: the rest pose, which engines take as T-pose.
    scene.frame_set(scene.frame_start - 1)
    scene.name = header["name"]


def export(path):
    """Every frame a key, nothing thinned out, no joints added."""
    bpy.ops.export_scene.fbx(
        filepath=path,
        object_types={"ARMATURE", "MESH"},
        apply_unit_scale=True,
        apply_scale_options="FBX_SCALE_NONE",
        axis_forward="-Z",
        axis_up="Y",
        bake_space_transform=False,
        primary_bone_axis="Y",
        secondary_bone_axis="X",
        add_leaf_bones=False,
        use_armature_deform_only=False,
        bake_anim=True,
        bake_anim_use_all_bones=True,
        bake_anim_use_nla_strips=False,
        bake_anim_use_all_actions=False,
        bake_anim_force_startend_keying=True,
        bake_anim_step=1.0,
        bake_anim_simplify_factor=0.0,
        mesh_smooth_type="OFF",
        path_mode="AUTO",
    )


def main():
    """Do it; the two files are the arguments after ``--``."""
    source, target = sys.argv[sys.argv.index("--") + 1 :]
    if "io_scene_fbx" not in bpy.context.preferences.addons:
        bpy.ops.preferences.addon_enable(module="io_scene_fbx")
    build(*read(source))
    if "io_scene_fbx" not in bpy.context.preferences.addons:
        bpy.ops.preferences.addon_enable(module="io_scene_fbx")
    export(target)
    print(f"maquette: Blender {bpy.app.version_string} wrote {target}")


if __name__ == "__main__":
    main()

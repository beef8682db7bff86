"""A motion's JSON imported in Blender by the add-on of Maquette: ``python read_addon.py FILE RESULT.npz PLUGINS``.

``PLUGINS`` is the folder in which the folder ``blender`` of the add-on is. Needs Blender's Python module.
"""

import importlib
import json
import sys
from pathlib import Path

import bpy
import numpy as np

file, result, plugins = sys.argv[1:4]
sys.path.insert(0, plugins)
addon = importlib.import_module("blender")
bpy.ops.wm.read_factory_settings(use_empty=True)
addon.register()
if bpy.ops.import_anim.maquette(filepath=file) != {"FINISHED"}:
    raise SystemExit(f"{file}: the add-on did not import it")
scene = bpy.context.scene
(armature,) = [item for item in scene.objects if item.type == "ARMATURE"]
document = json.loads(Path(file).read_text(encoding="utf-8"))
names = document["skeleton"]["joints"]
heads = []
for number in range(document["frames"]):
    scene.frame_set(scene.frame_start + number)
    world = [armature.matrix_world @ armature.pose.bones[name].head for name in names]
    heads.append([[point.x, point.z, -point.y] for point in world])
np.savez(
    result,
    program=f"the add-on in Blender {bpy.app.version_string}",
    names=np.array(names),
    positions_m=np.array(heads),
    fps=scene.render.fps / scene.render.fps_base,
)

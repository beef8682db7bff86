"""An FBX file as ufbx understands it: ``python read_fbx.py FILE RESULT.npz FRAMES FPS``."""

import sys
from importlib.metadata import version

import numpy as np
import ufbx

file, result, count, fps = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
scene = ufbx.load_file(file)
metre = scene.settings.unit_meters
axes = scene.settings.axes
bones = [node for node in scene.nodes if node.bone is not None]


def y_up(place: np.ndarray) -> np.ndarray:
    """By the axes that the file says it has."""
    turned = np.zeros(3)
    for told, axis in ((axes.right, 0), (axes.up, 1), (axes.front, 2)):
        number = int(told)
        turned[axis] = (1 if number % 2 == 0 else -1) * place[number // 2]
    return turned


def places(time_s: float) -> list[np.ndarray]:
    posed = scene.evaluate(stack.anim, time_s)
    found = {}
    for node in posed.nodes:
        if node.bone is not None:
            place = node.node_to_world.c3
            found[node.name] = y_up(np.array([place.x, place.y, place.z]))
    return [found[name] for name in names]


stack = scene.anim_stacks[0]
names = [bone.name for bone in bones]
layer = stack.layers[0]
curves = [layer.find_anim_prop(bone, "Lcl Rotation") for bone in bones]
times = [stack.time_begin + frame / fps for frame in range(count)]
positions = np.array([places(time) for time in times])
np.savez(
    result,
    program=f"ufbx {version('ufbx')}",
    names=np.array(names),
    positions_m=positions * metre,
    # Angles as they stand in the curves, before they become rotations.
    eulers_deg=np.array(
        [[tuple(curve.anim_value.evaluate_vec3(time)) if curve else (0.0,) * 3 for curve in curves] for time in times]
    ),
    fps=scene.settings.frames_per_second,
)

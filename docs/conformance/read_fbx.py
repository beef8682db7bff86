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


def matrix(transform: ufbx.Transform) -> np.ndarray:
    w, x, y, z = (getattr(transform.rotation, axis) for axis in "wxyz")
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    scale = np.array([getattr(transform.scale, axis) for axis in "xyz"])
    full = np.eye(4)
    full[:3, :3] = turn * scale
    full[:3, 3] = [getattr(transform.translation, axis) for axis in "xyz"]
    return full


def world(node: ufbx.Node, time_s: float) -> np.ndarray:
    local = matrix(node.evaluate_transform(scene.anim_stacks[0].anim, time_s))
    return local if node.parent is None else world(node.parent, time_s) @ local


start_s = scene.anim_stacks[0].time_begin
positions = np.array([[y_up(world(bone, start_s + f / fps)[:3, 3]) for bone in bones] for f in range(count)])
np.savez(
    result,
    program=f"ufbx {version('ufbx')}",
    names=np.array([bone.name for bone in bones]),
    positions_m=positions * metre,
    fps=scene.settings.frames_per_second,
)

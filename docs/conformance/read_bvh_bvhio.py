"""A BVH file as bvhio understands it: ``python read_bvh_bvhio.py FILE RESULT.npz METRES_PER_UNIT``."""

import sys
from importlib.metadata import version

import bvhio
import numpy as np

file, result, metre = sys.argv[1], sys.argv[2], float(sys.argv[3])
document = bvhio.readAsBvh(file)
root = bvhio.readAsHierarchy(file)
joints = [joint for joint, _, _ in root.layout()]


def places() -> np.ndarray:
    return np.array([list(joint.PositionWorld) for joint in joints]) * metre


root.loadRestPose()
rest_m = places()
frames = []
for frame in range(document.FrameCount):
    root.loadPose(frame)
    frames.append(places())
np.savez(
    result,
    program=f"bvhio {version('bvhio')}",
    names=np.array([joint.Name for joint in joints]),
    positions_m=np.array(frames),
    rest_m=rest_m,
    fps=1 / document.FrameTime,
)

"""A BVH file as pybvh understands it: ``python read_bvh.py FILE RESULT.npz METRES_PER_UNIT``."""

import sys
from importlib.metadata import version

import numpy as np
import pybvh

file, result, metre = sys.argv[1], sys.argv[2], float(sys.argv[3])
read = pybvh.read_bvh_file(file, world_up="+y")
names = [node.name for node in read.nodes]
is_joint = [index for index, name in enumerate(names) if name in read.joint_names]
np.savez(
    result,
    program=f"pybvh {version('pybvh')}",
    names=np.array([names[index] for index in is_joint]),
    positions_m=np.asarray(read.node_positions())[:, is_joint] * metre,
    rest_m=np.asarray(read.rest_pose_positions())[is_joint] * metre,
    eulers_deg=np.degrees(read.joint_angles),
    fps=1 / read.frame_time,
)

"""SMPL's angles put through its tree by SciPy: ``python read_smpl.py FILE RESULT.npz OFFSETS.json``.

The offsets (joint -> place in its parent at rest, metres) stand for SMPL's template, which is not free. The world is Z
up, as in AMASS's files, and is turned back here.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

TREE = {
    "pelvis": "", "left_hip": "pelvis", "right_hip": "pelvis", "spine1": "pelvis", "left_knee": "left_hip",
    "right_knee": "right_hip", "spine2": "spine1", "left_ankle": "left_knee", "right_ankle": "right_knee",
    "spine3": "spine2", "left_foot": "left_ankle", "right_foot": "right_ankle", "neck": "spine3",
    "left_collar": "spine3", "right_collar": "spine3", "head": "neck", "left_shoulder": "left_collar",
    "right_shoulder": "right_collar", "left_elbow": "left_shoulder", "right_elbow": "right_shoulder",
    "left_wrist": "left_elbow", "right_wrist": "right_elbow",
}  # fmt: skip
"""Parent of each joint of the body, in SMPL's order."""

offsets = json.loads(Path(sys.argv[3]).read_text(encoding="utf-8"))
with np.load(sys.argv[1], allow_pickle=False) as stored:
    poses, trans, fps = stored["poses"].reshape(len(stored["poses"]), -1, 3), stored["trans"], stored["mocap_framerate"]
places: dict[str, np.ndarray] = {"pelvis": trans}
rest: dict[str, np.ndarray] = {"pelvis": np.zeros(3)}
turns: dict[str, Rotation] = {}
for number, (joint, parent) in enumerate(TREE.items()):
    own = Rotation.from_rotvec(poses[:, number])
    turns[joint] = turns[parent] * own if parent else own
    if parent:
        places[joint] = places[parent] + turns[parent].apply(offsets[joint])
        rest[joint] = rest[parent] + np.array(offsets[joint])
x, y, z = np.moveaxis(np.stack(list(places.values()), axis=1), -1, 0)
np.savez(
    sys.argv[2],
    program=f"NumPy {np.__version__}, SciPy {version('scipy')}",
    names=np.array(list(TREE)),
    positions_m=np.stack((x, z, -y), axis=-1),
    rest_m=np.stack(list(rest.values())),
    fps=fps,
)

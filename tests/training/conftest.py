"""Small data on disk: a motion store in the layout of the open data, and a laboratory's recordings."""

import json
from typing import Any

import numpy as np
import pytest

from maquette.datasets.store import Source, StoreWriter
from maquette.geometry.camera import Camera
from maquette.skeletons import COCO_17, H36M_17, H36M_32, HUMANEVA_15, MPII_16

_STANDING = {
    "Hip": (0, 0.95, 0),
    "RHip": (-0.09, 0.95, 0),
    "RKnee": (-0.1, 0.5, 0.05),
    "RAnkle": (-0.1, 0.09, 0),
    "Spine": (0, 1.2, 0),
    "Thorax": (0, 1.47, 0.01),
    "Nose": (0, 1.57, 0.05),
    "Head": (0, 1.7, 0.02),
    "RShoulder": (-0.19, 1.44, 0),
    "RElbow": (-0.22, 1.16, 0),
    "RWrist": (-0.22, 1.1, 0.24),
    "RHeel": (-0.1, 0.03, -0.05),
    "RToeBase": (-0.1, 0.03, 0.12),
    "RToeTip": (-0.1, 0.03, 0.18),
    "HeadForward": (0, 0, 1),
    "HeadUp": (0, 1, 0),
}
_NAMES = (
    "Hip RHip RKnee RAnkle LHip LKnee LAnkle Spine Thorax Nose Head LShoulder LElbow LWrist RShoulder RElbow RWrist "
    "LHeel RHeel LToeBase RToeBase LToeTip RToeTip LHandKnuckle RHandKnuckle LHandTip RHandTip "
    "HeadBase HeadForward HeadUp"
).split()


def swaying(frames: int, seed: int) -> np.ndarray:
    """Somebody (frames, 30, 3) who sways and turns; what the store does not need is NaN."""
    pose = np.full((30, 3), np.nan)
    for i, name in enumerate(_NAMES):
        if name in _STANDING:
            pose[i] = _STANDING[name]
        elif "R" + name[1:] in _STANDING:
            pose[i] = np.array(_STANDING["R" + name[1:]]) * [-1, 1, 1]
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0.2, 1) * np.sin(np.linspace(0, rng.uniform(2, 9), frames))
    c, s, zero = np.cos(angle), np.sin(angle), np.zeros(frames)
    turn = np.stack([c, zero, s, zero, zero + 1, zero, -s, zero, c], axis=-1).reshape(frames, 3, 3)
    return (pose @ turn.transpose(0, 2, 1)).astype(np.float32)


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """A folder with three clips to train on and one to validate with."""
    folder = tmp_path_factory.mktemp("store")
    splits = {"1/1": "train", "1/2": "train", "1/3": "train", "2/1": "val"}
    index = {k: {"subject": k[0], "split": v, "action": "walk", "rig": "asf"} for k, v in splits.items()}
    (folder / "index.json").write_text(json.dumps(index))
    clips: dict[str, Any] = {k: swaying(90 + 20 * i, i) for i, k in enumerate(splits)}
    np.savez(folder / "made_landmarks.npz", **clips)
    return folder


def cameras() -> dict[str, Camera]:
    """Two cameras of a laboratory whose world has Z up."""
    found = {}
    for i, azimuth in enumerate((0.3, 2.1)):
        forward = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
        right = np.array([forward[1], -forward[0], 0.0])
        found[str(54138969 + i)] = Camera(
            focal_px=(1145.0, 1143.0),
            centre_px=(512.0, 515.0),
            image_size=(1000, 1002 - 2 * i),
            R_camera_world=np.stack([right, [0.0, 0.0, -1.0], forward]),
            position_world_m=-4.5 * forward + [0, 0, 1.2],
            distortion=(-0.2, 0.24, -0.002, -0.0009, -0.0014),
            distortion_model="h36m",
        )
    return found


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A store like Human3.6M's: three subjects of 32 joints, two cameras, exact 2D and Stacked Hourglass points."""
    path = tmp_path_factory.mktemp("lab") / "store"
    rng = np.random.default_rng(5)
    sources = (Source("gt", H36M_32), Source("sh", MPII_16))
    with StoreWriter(path, name="made up", skeleton=H36M_32, sources=sources) as writer:
        for n, (subject, action) in enumerate((("S1", "Directions 1"), ("S5", "Walking"), ("S9", "Directions 1"))):
            body = swaying(25 + 6 * n, seed=n)[:, :17][..., [0, 2, 1]].astype(np.float64)
            positions = rng.normal(scale=0.2, size=(len(body), 32, 3)) + [0, 0, 1]
            positions[:, H36M_32.indices(H36M_17.joints)] = body + rng.normal(scale=0.02, size=body.shape)
            number = writer.add_recording(subject, action, positions, fps=50, cameras=cameras())
            for name, camera in cameras().items():
                points = camera.project_world(positions)
                writer.add_keypoints(number, name, "gt", points)
                # In the order of the hourglass, whatever it means here: only the count of joints matters.
                writer.add_keypoints(number, name, "sh", points[:, H36M_32.indices(H36M_17.joints)][:, :16])
    return path


@pytest.fixture(scope="session")
def humaneva(tmp_path_factory):
    """A store like HumanEva-I's: 15 joints at 60 frames a second, exact 2D and points of COCO's joints."""
    path = tmp_path_factory.mktemp("humaneva") / "store"
    rng = np.random.default_rng(6)
    sources = (Source("gt", HUMANEVA_15), Source("detectron_pt_coco", COCO_17))
    with StoreWriter(path, name="made up", skeleton=HUMANEVA_15, sources=sources) as writer:
        for subject, frames in (("Train/S1", 40), ("Train/S2", 31), ("Validate/S1", 30)):
            positions = (
                rng.normal(scale=0.3, size=(1, 15, 3)) + rng.normal(scale=0.02, size=(frames, 15, 3)) + [0, 0, 1]
            )
            number = writer.add_recording(subject, "Walking 1 chunk0", positions, fps=60, cameras=cameras())
            for name, camera in cameras().items():
                points = camera.project_world(positions)
                writer.add_keypoints(number, name, "gt", points)
                writer.add_keypoints(number, name, "detectron_pt_coco", points[:, [*range(15), 0, 1]])
    return path

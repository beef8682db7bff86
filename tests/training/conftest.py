"""A small motion store on disk, in the layout of the open data."""

import json
from typing import Any

import numpy as np
import pytest

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

"""A body that moves, as bone vectors."""

import numpy as np
import pytest

from maquette.datasets.mocap import HEAD_FORWARD, HEAD_UP, NODES, VECTORS

DIRECTIONS = {
    "l_hip": (0.09, 0, 0),
    "r_hip": (-0.09, 0, 0),
    "knee": (0, -0.42, 0.05),
    "ankle": (0, -0.41, -0.06),
    "heel": (0, -0.06, -0.05),
    "toe": (0, -0.06, 0.12),
    "toe_tip": (0, 0, 0.06),
    "spine": (0, 0.26, -0.02),
    "thorax": (0, 0.28, 0.01),
    "nose": (0, 0.11, 0.05),
    "head": (0, 0.12, -0.03),
    "l_shoulder": (0.19, -0.03, 0),
    "r_shoulder": (-0.19, -0.03, 0),
    "l_elbow": (0.1, -0.26, 0.02),
    "r_elbow": (-0.1, -0.26, 0.02),
    "wrist": (0, -0.1, 0.22),
}


def standing() -> np.ndarray:
    """One pose (25, 3): upright, facing +z, its left on +x, elbows bent forward."""
    pose = np.zeros((VECTORS, 3), dtype=np.float32)
    for i, name in enumerate(NODES[1:], start=1):
        pose[i] = DIRECTIONS.get(name, DIRECTIONS.get(name[2:], (0, 0, 0)))
    pose[HEAD_FORWARD], pose[HEAD_UP] = (0, 0, 1), (0, 1, 0)
    return pose


@pytest.fixture
def motion() -> np.ndarray:
    """Segments (8, 45, 25, 3): people who turn about the vertical, each at another speed, and walk off."""
    heading = np.linspace(0, 2, 8)[:, None] * np.linspace(0, 1, 45)[None]
    c, s, zero = np.cos(heading), np.sin(heading), np.zeros_like(heading)
    turn = np.stack([c, zero, s, zero, zero + 1, zero, -s, zero, c], axis=-1).reshape(8, 45, 3, 3)
    out = (standing() @ np.swapaxes(turn, -1, -2)).astype(np.float32)
    out[:, :, 0, 0] = np.linspace(-0.5, 0.5, 45)
    return out


@pytest.fixture
def pose() -> np.ndarray:
    return standing()

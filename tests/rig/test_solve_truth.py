"""Rotations solved from the positions of real takes, against those that the takes were recorded with."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from maquette.datasets.rigs import on_h36m_17
from maquette.motion import Motion
from maquette.readers.motion import read_motion
from maquette.rig import solve_rotations

PARTS = {
    "hip": ("root", 8.0),
    "thorax": ("thorax", 6.0),
    "nose": ("head", 6.0),
    **{
        f"{side}_{ours}": (side + theirs, degrees)
        for side in "lr"
        for ours, theirs, degrees in (
            ("hip", "femur", 6.0),
            ("knee", "tibia", 6.0),
            ("shoulder", "humerus", 14.0),
            ("elbow", "radius", 14.0),
        )
    },
}
"""Joint of ours -> joint of CMU's ASF rig, and the 95th percentile of the error in degrees that is accepted: the walk's
arms hang nearly straight, so that their twist is a guess."""


def world(motion: Motion) -> dict[str, Rotation]:
    assert motion.rotations is not None
    found: dict[str, Rotation] = {}
    for joint in motion.skeleton.order:
        own = Rotation.from_quat(motion.rotations[:, joint][:, [1, 2, 3, 0]])
        parent = motion.skeleton.parents[joint]
        found[motion.skeleton.joints[joint]] = own if parent < 0 else found[motion.skeleton.joints[parent]] * own
    return found


@pytest.mark.parametrize("take", ["02_01", "02_03"])
def test_recorded_rotations_are_found(shared_dir: Path, take: str) -> None:
    recorded = read_motion(shared_dir / "data" / "raw" / "cmu_asf_amc" / f"{take}.amc")
    found, truth = world(solve_rotations(on_h36m_17(recorded))), world(recorded)
    for ours, (theirs, degrees) in PARTS.items():
        relative = truth[theirs].inv() * found[ours]
        error = np.degrees((relative.mean().inv() * relative).magnitude())
        assert np.percentile(error, 95) < degrees, ours
        # Nothing turns faster than it did, but for a degree.
        steps = [np.degrees((r[:-1].inv() * r[1:]).magnitude()).max() for r in (truth[theirs], found[ours])]
        assert steps[1] < steps[0] + 1.0, ours

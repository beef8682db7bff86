"""Another rest pose leaves the motion as it is, and is what it says."""

import numpy as np
import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.rig.animation_rig import RigAnimation
from maquette.rig.choice import animated
from maquette.rig.rest_pose import with_rest_pose


def places(animation: RigAnimation, rotations: np.ndarray, root_m: np.ndarray) -> np.ndarray:
    """All joints by SciPy: ``(frames, nodes, 3)``."""
    found, turns = [root_m], [Rotation.from_quat(rotations[:, 0][:, [1, 2, 3, 0]])]
    for node, parent in enumerate(animation.parents[1:], start=1):
        found.append(found[parent] + turns[parent].apply(animation.rest_offsets_m[node]))
        turns.append(turns[parent] * Rotation.from_quat(rotations[:, node][:, [1, 2, 3, 0]]))
    return np.stack(found, axis=1)


@pytest.mark.parametrize("rig", ["maquette", "unreal"])
def test_the_a_pose(rig: str) -> None:
    level = animated(made_motion(30, seed=6), rig=rig)
    lowered = with_rest_pose(level, "A")
    np.testing.assert_allclose(
        places(lowered, lowered.rotations, lowered.root_positions_m),
        places(level, level.rotations, level.root_positions_m),
        atol=1e-9,
    )
    still = np.tile([1.0, 0.0, 0.0, 0.0], (1, len(level.names), 1))
    rest = dict(zip(level.names, places(lowered, still, np.zeros((1, 3)))[0], strict=True))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for upper, end in (("UpperArm", "LowerArm"), ("LowerArm", "Hand")):
            bone = rest[level.roles[side + end]] - rest[level.roles[side + upper]]
            np.testing.assert_allclose(
                bone / np.linalg.norm(bone), np.sqrt(0.5) * np.array([sign, -1.0, 0.0]), atol=1e-9
            )
    again = with_rest_pose(lowered, "T")
    np.testing.assert_allclose(again.rest_offsets_m, level.rest_offsets_m, atol=1e-9)
    np.testing.assert_allclose(again.rotations, level.rotations, atol=1e-9)

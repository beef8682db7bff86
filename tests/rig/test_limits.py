"""Joints within what people can do: truth by construction with SciPy's rotations."""

import dataclasses

import numpy as np
import pytest
from made_body import body_motion, made_motion, posed_parts, wild_motion  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.rig import solve_rotations
from maquette.rig.limits import JOINT_RANGES, limited
from maquette.skeletons import LIFTED_21


def bent(joint: str, degrees: float, frames: int = 30) -> Motion:
    """A standing figure; in the second half of the frames one knee or elbow is bent by so much."""
    parts = {name: Rotation.identity(frames) for name in posed_parts(2, 0)}
    turn = np.where(np.arange(frames) < frames // 2, 60.0, degrees)
    axis = {"l_knee": (1.0, 0.0, 0.0), "l_elbow": (0.0, -1.0, 0.0)}[joint]
    hinge = Rotation.from_rotvec(np.radians(turn)[:, None] * np.array(axis))
    lower = {"l_knee": ("l_shin", "l_foot"), "l_elbow": ("l_forearm",)}[joint]
    for part in lower:
        parts[part] = hinge
    return body_motion(parts)


def flexion_deg(motion: Motion, joint: str) -> np.ndarray:
    """Angle between the directions of the two bones at a joint, from the positions."""
    end = {"l_knee": ("l_hip", "l_ankle"), "l_elbow": ("l_shoulder", "l_wrist")}[joint]
    upper, lower = motion.joint(joint) - motion.joint(end[0]), motion.joint(end[1]) - motion.joint(joint)
    cosine = (upper * lower).sum(axis=1) / np.linalg.norm(upper, axis=1) / np.linalg.norm(lower, axis=1)
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))


@pytest.mark.parametrize("joint", ["l_knee", "l_elbow"])
@pytest.mark.parametrize(("degrees", "expected"), [(-35.0, 10.0), (-5.0, 5.0), (120.0, 120.0), (172.0, None)])
def test_knees_and_elbows_stay_in_their_ranges(joint: str, degrees: float, expected: float | None) -> None:
    motion = bent(joint, degrees)
    result = solve_rotations(motion, limits="joints")
    late = flexion_deg(result, joint)[18:]
    np.testing.assert_allclose(late, JOINT_RANGES[joint].high_deg if expected is None else expected, atol=0.2)
    # The frames before are as they were, and every bone as long as it was.
    np.testing.assert_array_equal(result.positions[:10], motion.positions[:10])
    for parent, child in LIFTED_21.bones:
        lengths = [np.linalg.norm(m.positions[:, child] - m.positions[:, parent], axis=1) for m in (motion, result)]
        np.testing.assert_allclose(lengths[0], lengths[1], atol=1e-9)


def test_rotations_and_positions_tell_the_same() -> None:
    """Solving the limited positions gives the limited rotations."""
    result = solve_rotations(wild_motion(40, seed=2), limits="joints")
    assert result.rotations is not None
    assert "anatomical ranges" in result.notes[-1]
    for joint in ("l_knee", "r_knee", "l_elbow", "r_elbow"):
        own = Rotation.from_quat(result.rotations[:, LIFTED_21.index(joint)][:, [1, 2, 3, 0]])
        upper = joint.replace("knee", "hip").replace("elbow", "shoulder")
        above = np.stack(
            [result.rotations[:, LIFTED_21.index(j)] for j in ("hip", upper)]
            if upper.endswith("hip")
            else [result.rotations[:, LIFTED_21.index(j)] for j in ("hip", "spine", "thorax", upper)]
        )
        world = Rotation.identity(40)
        for rotation in above:
            world = world * Rotation.from_quat(rotation[:, [1, 2, 3, 0]])
        end = joint.replace("knee", "ankle").replace("elbow", "wrist")
        rest = {"l_knee": (0, -1, 0), "r_knee": (0, -1, 0), "l_elbow": (1, 0, 0), "r_elbow": (-1, 0, 0)}[joint]
        bone = result.joint(end) - result.joint(joint)
        bone /= np.linalg.norm(bone, axis=1, keepdims=True)
        np.testing.assert_allclose((world * own).apply(np.array(rest, float)), bone, atol=1e-6)


def test_what_people_do_is_left_alone() -> None:
    motion = solve_rotations(made_motion(60))
    assert limited(motion) is motion


def test_straight_arms_are_not_wrung() -> None:
    """A straight arm whose toll of noise points its elbow 150 degrees inwards stays within what a shoulder can."""
    frames = 60
    parts = {name: Rotation.identity(frames) for name in posed_parts(2, 0)}
    parts["l_upper_arm"] = Rotation.from_rotvec(np.tile(np.radians([150.0, 0.0, 0.0]), (frames, 1)))
    parts["l_forearm"] = parts["l_upper_arm"] * Rotation.from_rotvec(
        np.tile(np.radians([0.0, -11.0, 0.0]), (frames, 1))
    )
    motion = body_motion(parts)
    shoulder = LIFTED_21.index("l_shoulder")
    twist = {}
    for limits in ("none", "twist"):
        rotations = solve_rotations(motion, limits=limits).rotations
        assert rotations is not None
        twist[limits] = np.degrees(Rotation.from_quat(rotations[:, shoulder][:, [1, 2, 3, 0]]).as_rotvec()[:, 0])
    assert twist["none"].min() > 75.0
    assert np.abs(twist["twist"]).max() < 75.0
    for limits in ("none", "twist"):
        np.testing.assert_array_equal(solve_rotations(motion, limits=limits).positions, motion.positions)


def test_rotations_are_needed() -> None:
    with pytest.raises(InputError, match="no rotations"):
        limited(dataclasses.replace(made_motion(3), rotations=None))

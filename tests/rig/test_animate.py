"""The rig of animation files: exact positions, names, rest pose, and refusals."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from made_body import made_motion, wild_motion  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.errors import OutputError
from maquette.motion import Motion
from maquette.rig import RigAnimation, animate, joint_positions_m, solve_rotations
from maquette.skeletons import COCO_17, H36M_17, LANDMARKS_27, LIFTED_21


def scipy_positions(animation: RigAnimation) -> dict[str, np.ndarray]:
    """Places of the rig's joints and of the tips (``name_end``), with SciPy alone."""
    places: dict[str, np.ndarray] = {}
    turns: dict[str, Rotation] = {}
    for node, (name, parent) in enumerate(zip(animation.names, animation.parents, strict=True)):
        own = Rotation.from_quat(animation.rotations[:, node][:, [1, 2, 3, 0]])
        if parent < 0:
            places[name], turns[name] = animation.root_positions_m, own
        else:
            above = animation.names[parent]
            places[name] = places[above] + turns[above].apply(animation.rest_offsets_m[node])
            turns[name] = turns[above] * own
        if np.isfinite(animation.tip_offsets_m[node]).all():
            places[f"{name}_end"] = places[name] + turns[name].apply(animation.tip_offsets_m[node])
    return places


WHERE = {
    "hip": "Hips", "spine": "Spine", "thorax": "Neck", "nose": "Head", "head": "Head_end",
    "l_hip": "LeftUpLeg", "l_knee": "LeftLeg", "l_ankle": "LeftFoot", "l_toe": "LeftToeBase", "l_heel": "LeftHeel_end",
    "r_hip": "RightUpLeg", "r_knee": "RightLeg", "r_ankle": "RightFoot", "r_toe": "RightToeBase",
    "r_heel": "RightHeel_end", "l_shoulder": "LeftArm", "l_elbow": "LeftForeArm", "l_wrist": "LeftHand",
    "r_shoulder": "RightArm", "r_elbow": "RightForeArm", "r_wrist": "RightHand",
}  # fmt: skip


@pytest.mark.parametrize("motion", [made_motion(seed=1), wild_motion(seed=1)], ids=["made", "wild"])
def test_positions_come_back_exactly(motion: Motion) -> None:
    animation = animate(motion)
    places = scipy_positions(animation)
    for joint, name in WHERE.items():
        np.testing.assert_allclose(places[name], motion.joint(joint), atol=1e-9, err_msg=joint)
    np.testing.assert_allclose(joint_positions_m(animation), motion.positions, atol=1e-9)


def test_given_rotations_are_kept_where_positions_leave_them_open() -> None:
    motion = solve_rotations(made_motion(seed=1))
    assert motion.rotations is not None
    twisted = motion.rotations.copy()
    wrist = LIFTED_21.index("l_wrist")
    twisted[:, wrist] = [np.cos(0.3), np.sin(0.3), 0.0, 0.0]
    animation = animate(dataclasses.replace(motion, rotations=twisted))
    hand = animation.rotations[:, animation.names.index("LeftHand")]
    np.testing.assert_allclose(np.abs(hand @ twisted[0, wrist]), 1.0, atol=1e-9)
    np.testing.assert_allclose(joint_positions_m(animation), motion.positions, atol=1e-9)


def test_varying_bones_become_constant_and_stay_near() -> None:
    motion = made_motion(seed=1)
    noise = np.random.default_rng(0).normal(scale=0.002, size=motion.positions.shape)
    noisy = dataclasses.replace(motion, positions=motion.positions + noise)
    animation = animate(noisy)
    error = np.linalg.norm(joint_positions_m(animation) - noisy.positions, axis=-1)
    assert np.median(error) < 0.003
    assert error.max() < 0.03


def test_rest_pose_is_a_t_pose_facing_z() -> None:
    animation = animate(made_motion(seed=1))
    rest = dataclasses.replace(
        animation,
        rotations=np.tile([1.0, 0.0, 0.0, 0.0], (1, len(animation.names), 1)),
        root_positions_m=np.zeros((1, 3)),
    )
    at = {name: place[0] for name, place in scipy_positions(rest).items()}
    assert at["LeftHand"][0] > at["LeftForeArm"][0] > at["LeftArm"][0] > 0.1
    np.testing.assert_allclose(at["LeftHand"][1:], at["LeftArm"][1:], atol=1e-9)
    np.testing.assert_allclose(at["RightHand"] * [-1, 1, 1], at["LeftHand"], atol=1e-9)
    np.testing.assert_allclose(at["LeftFoot"][[0, 2]], at["LeftUpLeg"][[0, 2]], atol=1e-9)
    assert at["LeftToeBase"][2] > at["LeftFoot"][2] + 0.1
    assert abs(at["LeftToeBase"][1] - at["LeftHeel_end"][1]) < 1e-9
    assert at["Head_end"][1] > at["Head"][1] > at["Neck"][1] > at["Spine"][1] > at["Hips"][1] > at["LeftLeg"][1]


def test_camera_frame_is_turned_upright() -> None:
    motion = made_motion(seed=1)
    seen = dataclasses.replace(motion, positions=motion.positions * [1.0, -1.0, -1.0], frame="camera")
    for given in (seen, solve_rotations(seen)):
        np.testing.assert_allclose(joint_positions_m(animate(given)), motion.positions, atol=1e-9)


def test_h36m_17_gets_feet_that_follow_the_shin() -> None:
    motion = made_motion(seed=1)
    short = Motion(positions=motion.positions[:, :17], skeleton=H36M_17, fps=Fraction(50), frame="world")
    animation = animate(short)
    assert "LeftToeBase" not in animation.names
    np.testing.assert_allclose(joint_positions_m(animation), short.positions, atol=1e-9)
    assert np.isfinite(animation.tip_offsets_m[animation.names.index("LeftFoot")]).all()


def test_joints_beyond_the_rig_are_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    motion = made_motion(seed=1)
    positions = np.zeros((motion.n_frames, len(LANDMARKS_27), 3))
    for joint in LIFTED_21.joints:
        positions[:, LANDMARKS_27.index(joint)] = motion.joint(joint)
    animation = animate(dataclasses.replace(motion, positions=positions, skeleton=LANDMARKS_27))
    assert "face_nose" in caplog.text
    np.testing.assert_allclose(scipy_positions(animation)["LeftHand"], motion.joint("l_wrist"), atol=1e-9)


def test_unknown_joints_are_refused_with_their_frames() -> None:
    motion = made_motion(60)
    positions = motion.positions.copy()
    positions[10:15, 3] = np.nan
    positions[40, 5] = np.nan
    with pytest.raises(OutputError, match=r"6 of 60 frames.*frames 10-14, 40; r_ankle, l_knee.*\.npz"):
        animate(dataclasses.replace(motion, positions=positions))


def test_skeletons_without_rotations_are_refused() -> None:
    motion = Motion(positions=np.ones((2, 17, 3)), skeleton=COCO_17, fps=Fraction(30), frame="world")
    with pytest.raises(OutputError, match=r"coco-17.*no rotations.*\.csv"):
        animate(motion)


def test_contacts_become_stands() -> None:
    contacts = np.zeros((10, 1), dtype=bool)
    contacts[[0, 1, 2, 6, 9]] = True
    motion = dataclasses.replace(made_motion(10), contacts=contacts, contact_joints=("l_toe",))
    assert animate(motion).contacts == {"l_toe": [[0, 2], [6, 6], [9, 9]]}


def test_one_frame_is_enough() -> None:
    motion = made_motion(1)
    np.testing.assert_allclose(joint_positions_m(animate(motion)), motion.positions, atol=1e-9)

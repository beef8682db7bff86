"""BVH files: read by a parser of another make, the joints are where the motion has them."""

import dataclasses
from fractions import Fraction
from pathlib import Path
from typing import get_args

import numpy as np
import other_bvh_reader
import pytest
from made_body import made_motion, wild_motion  # pyright: ignore[reportMissingImports]

from maquette.errors import OutputError
from maquette.exporters import write_motion
from maquette.exporters.bvh import animation_to_bvh, frame_time_s
from maquette.exporters.choices import RotationOrder
from maquette.motion import Motion
from maquette.readers.motion import read_motion
from maquette.readers.motion_bvh import frame_rate
from maquette.rig import animate
from maquette.skeletons import H36M_17

WHERE = {
    "hip": "Hips", "spine": "Spine", "thorax": "Neck", "nose": "Head", "head": "Head_end",
    "l_hip": "LeftUpLeg", "l_knee": "LeftLeg", "l_ankle": "LeftFoot", "l_toe": "LeftToeBase", "l_heel": "LeftHeel_end",
    "r_hip": "RightUpLeg", "r_knee": "RightLeg", "r_ankle": "RightFoot", "r_toe": "RightToeBase",
    "r_heel": "RightHeel_end", "l_shoulder": "LeftArm", "l_elbow": "LeftForeArm", "l_wrist": "LeftHand",
    "r_shoulder": "RightArm", "r_elbow": "RightForeArm", "r_wrist": "RightHand",
}  # fmt: skip
"""Where the file has each joint of ours."""


def largest_error_m(motion: Motion, text: bytes, per_metre: float = 100.0) -> float:
    nodes, values, _ = other_bvh_reader.read(text.decode())
    places = other_bvh_reader.positions(nodes, values)
    errors = [
        np.linalg.norm(places[WHERE[joint]] / per_metre - motion.joint(joint), axis=1).max()
        for joint in motion.skeleton.joints
    ]
    return float(max(errors))


@pytest.mark.parametrize("order", get_args(RotationOrder))
@pytest.mark.parametrize("motion", [made_motion(seed=3), wild_motion(seed=3)], ids=["made", "wild"])
def test_positions_from_another_parser(motion: Motion, order: RotationOrder) -> None:
    assert largest_error_m(motion, animation_to_bvh(animate(motion), rotation_order=order)) < 1e-5


@pytest.mark.parametrize(("unit", "per_metre"), [("m", 1.0), ("mm", 1000.0), ("inch", 39.3700787)])
def test_units(unit, per_metre: float) -> None:
    motion = made_motion(seed=3)
    assert largest_error_m(motion, animation_to_bvh(animate(motion), unit=unit), per_metre) < 1e-5


def test_real_motion(shared_dir: Path) -> None:
    from maquette.refine.motion_bones import constant_bones

    for key in ("02/02_03", "94/94_04"):
        arrays = np.load(shared_dir / "data" / "cmu" / "cmu17.npz")
        motion = constant_bones(Motion(positions=arrays[key], skeleton=H36M_17, fps=Fraction(50), frame="world"))
        assert largest_error_m(motion, animation_to_bvh(animate(motion))) < 1e-5


def test_angles_have_no_jumps() -> None:
    # Slow turns through several whole circles, arms over the head: every order passes its lock somewhere.
    motion = made_motion(800, seed=6)
    fine = np.abs(np.diff(_angles(animation_to_bvh(animate(motion), rotation_order="ZXY")), axis=0))
    assert fine.max() < 90.0
    assert np.quantile(fine, 0.999) < 10.0


def _angles(text: bytes) -> np.ndarray:
    return other_bvh_reader.read(text.decode())[1][:, 3:]


def test_header_and_rest_pose() -> None:
    nodes, values, frame_time = other_bvh_reader.read(
        animation_to_bvh(animate(made_motion(seed=3)), rotation_order="ZYX").decode()
    )
    assert nodes[0].channels == ["Xposition", "Yposition", "Zposition", "Zrotation", "Yrotation", "Xrotation"]
    assert all(n.channels == ["Zrotation", "Yrotation", "Xrotation"] for n in nodes[1:] if not n.name.endswith("_end"))
    assert not nodes[0].offset.any()
    assert frame_time == 0.02
    rest = other_bvh_reader.positions(nodes, np.zeros((1, values.shape[1])))
    assert rest["LeftHand"][0, 0] > 60
    assert abs(rest["LeftHand"][0, 1] - rest["LeftArm"][0, 1]) < 1e-3
    assert rest["LeftToeBase"][0, 2] > rest["LeftFoot"][0, 2] + 10
    assert rest["Head_end"][0, 1] > 70
    assert rest["LeftFoot"][0, 1] < -80


@pytest.mark.parametrize(
    "fps", ["24", "30000/1001", "24000/1001", "30", "60000/1001", "50", "120", "25/2", "1000", "7/3"]
)
def test_frame_time_gives_the_rate_back(fps: str) -> None:
    assert frame_rate(frame_time_s(Fraction(fps))) == Fraction(fps)


def test_files_convert_to_themselves(tmp_path: Path) -> None:
    motion = made_motion(40, seed=3)
    write_motion(motion, tmp_path / "a.bvh", rotation_order="ZXY")
    first = read_motion(tmp_path / "a.bvh")
    assert first.frame == "world"
    np.testing.assert_allclose(first.joint("LeftHand"), motion.joint("l_wrist"), atol=1e-5)
    write_motion(first, tmp_path / "b.bvh", rotation_order="YXZ")
    second = read_motion(tmp_path / "b.bvh")
    assert set(second.skeleton.joints) == set(first.skeleton.joints)
    for joint in first.skeleton.joints:
        np.testing.assert_allclose(second.joint(joint), first.joint(joint), atol=1e-5, err_msg=joint)


def test_foreign_rigs_survive_writing(shared_dir: Path, tmp_path: Path) -> None:
    for name in ("cmu_daz_bvh/11_01", "cmu_iclone_bvh/006_03", "cmu_cgspeed_bvh/12_01_walk"):
        motion = read_motion(shared_dir / "data" / "raw" / f"{name}.bvh")
        write_motion(motion, tmp_path / "out.bvh")
        again = read_motion(tmp_path / "out.bvh")
        for joint in motion.skeleton.joints:
            np.testing.assert_allclose(again.joint(joint), motion.joint(joint), atol=2e-5, err_msg=f"{name} {joint}")


def test_uneven_times_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    motion = made_motion(4)
    animation_to_bvh(animate(dataclasses.replace(motion, timestamps_s=np.array([0.0, 0.02, 0.04, 0.1]))))
    assert "uneven times" in caplog.text


def test_wrong_choices_are_named() -> None:
    motion = made_motion(2)
    with pytest.raises(OutputError, match="rotation order 'ZXZ' is unknown; expected XYZ"):
        animation_to_bvh.__wrapped__(motion, rotation_order="ZXZ")  # pyright: ignore[reportFunctionMemberAccess]
    with pytest.raises(OutputError, match="unit of length 'km' is unknown; expected m, cm"):
        animation_to_bvh.__wrapped__(motion, unit="km")  # pyright: ignore[reportFunctionMemberAccess]


def test_unknown_joints_write_nothing(tmp_path: Path) -> None:
    motion = made_motion(5)
    positions = motion.positions.copy()
    positions[2, 3] = np.nan
    with pytest.raises(OutputError, match="frames 2"):
        write_motion(dataclasses.replace(motion, positions=positions), tmp_path / "a.bvh")
    assert not list(tmp_path.iterdir())

"""ASF/AMC: a made-up figure against rotation matrices written out here, real takes by the size of people, bad files."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from maquette.errors import InputError
from maquette.formats.asf_amc import parse_amc, parse_asf
from maquette.geometry.kinematics import forward_kinematics
from maquette.readers.motion import is_motion_file, read_motion

ASF = """# by \xfcs
:version 1.10
:name VICON
:units
  mass 1.0
  length 0.45
  angle deg
:documentation
   nothing: "quoted"
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name lfemur
     direction 0.6 -0.8 0
     length 7.5
     axis 10 20 30  XYZ
    dof rx ry rz
    limits (-160.0 20.0)
           (-70.0 70.0)
           (-60.0 70.0)
  end
  begin
     id 2
     name ltibia
     direction 0 -1 0
     length 7
     axis 0 0 20 XYZ
    dof rx
    limits (-10.0 170.0)
  end
  begin
     id 3
     name lowerback
     direction 0 1 0
     length 2
     axis 0 0 0 XYZ
  end
:hierarchy
  begin
    root lfemur lowerback
    lfemur ltibia
  end
"""
AMC = """#!OML:ASF X:\\f\xfcr\\a.ASF
:FULLY-SPECIFIED
:DEGREES
1
root 1 16 -3 717 6 -7
lfemur 11 -12 13
ltibia 40
2
root 1.5 16 -3 0 0 0
lfemur 0 0 0
ltibia -1.6201e-014
"""


def written(folder: Path, asf: str = ASF, amc: str = AMC, name: str = "07_01") -> Path:
    (folder / "07.asf").write_bytes(asf.replace("\n", "\r\n").encode("latin-1"))
    (folder / f"{name}.amc").write_bytes(amc.replace("\n", "\r\n").encode("latin-1"))
    return folder / f"{name}.amc"


def fixed(angles: list[float]) -> np.ndarray:
    """Rz Ry Rx."""
    return Rotation.from_euler("xyz", angles, degrees=True).as_matrix()


def test_positions_follow_the_definition(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert is_motion_file(path)
    motion = read_motion(path)
    assert motion.fps == 120
    assert motion.frame == "world"
    assert motion.skeleton.joints == ("root", "lfemur", "ltibia", "lowerback", "ltibia_end", "lowerback_end")
    metre = 0.0254 / 0.45
    root_R, root = fixed([717, 6, -7]), np.array([1.0, 16, -3])
    C = fixed([10, 20, 30])
    femur_R = root_R @ C @ fixed([11, -12, 13]) @ np.linalg.inv(C)
    D = fixed([0, 0, 20])
    tibia_R = femur_R @ D @ fixed([40, 0, 0]) @ np.linalg.inv(D)
    knee = root + femur_R @ np.array([0.6, -0.8, 0]) * 7.5
    ankle = knee + tibia_R @ np.array([0, -1.0, 0]) * 7
    top = root + root_R @ np.array([0, 2.0, 0])
    for joint, place in {
        "root": root,
        "lfemur": root,
        "ltibia": knee,
        "ltibia_end": ankle,
        "lowerback_end": top,
    }.items():
        np.testing.assert_allclose(motion.joint(joint)[0], place * metre, atol=1e-12, err_msg=joint)
    np.testing.assert_allclose(motion.joint("ltibia")[1], (np.array([1.5, 16, -3]) + [4.5, -6, 0]) * metre, atol=1e-12)


def test_rotations_make_the_positions(tmp_path: Path) -> None:
    motion = read_motion(written(tmp_path))
    assert motion.rotations is not None
    offsets = np.zeros((2, 6, 3))
    offsets[:, 0] = motion.joint("root")
    offsets[:, 2:] = np.array([[4.5, -6, 0], [0, 0, 0], [0, -7, 0], [0, 2, 0]]) * 0.0254 / 0.45
    positions, _ = forward_kinematics(motion.skeleton.parents, offsets, motion.rotations)
    np.testing.assert_allclose(positions, motion.positions, atol=1e-12)


def test_the_skeleton_is_found_or_given(tmp_path: Path) -> None:
    path = written(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = path.rename(elsewhere / "07_01.amc")
    with pytest.raises(InputError, match=r"needs its skeleton, an \.asf file: expected '07\.asf' beside it"):
        read_motion(moved)
    assert read_motion(moved, asf=tmp_path / "07.asf").n_frames == 2
    (elsewhere / "other.asf").write_bytes((tmp_path / "07.asf").read_bytes())
    assert read_motion(moved).n_frames == 2
    (elsewhere / "another.asf").write_text("no skeleton")
    with pytest.raises(InputError, match=r"there are: another\.asf, other\.asf"):
        read_motion(moved)
    with pytest.raises(InputError, match=r"is the skeleton of ASF/AMC motion capture; give a take"):
        read_motion(elsewhere / "other.asf")


def test_a_unit_that_is_not_said_is_told_by_the_size(tmp_path: Path) -> None:
    centimetres = ASF.replace("length 0.45", "length 1").replace("7.5", "80").replace("length 7\n", "length 80\n")
    motion = read_motion(written(tmp_path, asf=centimetres.replace("length 2\n", "length 70\n")))
    assert any("unit of length 0.01 m" in note for note in motion.notes)


@pytest.mark.parametrize(
    ("asf", "amc", "text"),
    [
        (ASF.replace("direction 0 -1 0", "direction 0 -1"), AMC, "direction of ltibia is '0 -1', expected 3 finite"),
        (ASF.replace("lfemur ltibia\n", "lfemur\n"), AMC, "without a place in the hierarchy: ltibia"),
        (ASF.replace("lfemur ltibia\n", "lfemur ltibia foot\n"), AMC, "the hierarchy names foot: unknown"),
        (ASF.replace("root lfemur ", "root ").replace("lfemur ltibia", "lfemur ltibia\n ltibia lfemur"), AMC,
         "hang on each other in a circle"),
        (ASF.split(":hierarchy")[0], AMC, "no section :hierarchy"),
        (ASF, AMC.replace("lfemur 0 0 0\n", ""), "the last frame gives 2 of 3 bones; the file was cut off"),
        (ASF, AMC.replace("lfemur 11 -12 13\n", ""), "values of 'lfemur' do not fit those of the first frame"),
        (ASF, AMC.replace("\n2\n", "\n4\n"), "frame 4 follows frame 1"),
        (ASF, AMC.replace("ltibia 40", "ltibia forty"), "'ltibia' has a value that is no finite number"),
        (ASF, AMC.replace("ltibia", "rtibia"), r"bone 'rtibia' is not in .*07\.asf"),
        (ASF, AMC.replace("lfemur 11 -12 13", "lfemur 11").replace("lfemur 0 0 0", "lfemur 0"),
         "'lfemur' has 1 values, .* says rx ry rz"),
        (ASF.replace("dof rx\n", "dof rx l\n"), AMC.replace("ltibia 40", "ltibia 40 1").replace("e-014", " 1"),
         "changes its length, which is not read"),
    ],
)  # fmt: skip
def test_bad_files_are_named(tmp_path: Path, asf: str, amc: str, text: str) -> None:
    with pytest.raises(InputError, match=text):
        read_motion(written(tmp_path, asf, amc))


def test_all_problems_of_a_skeleton_at_once(tmp_path: Path) -> None:
    bad = (
        ASF.replace("length 7.5", "length long")
        .replace("axis 0 0 20 XYZ", "axis 0 0 20 ABC")
        .replace("dof rx\n", "dof r\n")
    )
    with pytest.raises(
        InputError, match=r"3 problems:(?s:.*)length of lfemur(?s:.*)axis order of ltibia(?s:.*)dof of ltibia"
    ):
        read_motion(written(tmp_path, bad))


@settings(max_examples=150)
@given(st.data())
def test_any_damage_gives_a_result_or_an_input_error(data: st.DataObject) -> None:
    for parse, text in ((parse_asf, ASF), (parse_amc, AMC)):
        raw = bytearray(text.encode("latin-1"))
        for _ in range(data.draw(st.integers(1, 5))):
            at = data.draw(st.integers(0, len(raw) - 1))
            new = data.draw(st.one_of(st.binary(max_size=4), st.sampled_from([b"9", b"1e300", b"-", b"\n", b":units"])))
            raw[at : at + data.draw(st.integers(0, 6))] = new
        with contextlib.suppress(InputError):
            parse(bytes(raw), "fuzz")


def test_real_takes(shared_dir: Path) -> None:
    raw = shared_dir / "data" / "raw"
    for file in ("cmu_asf_amc/02_01", "cmu_asf_amc/03_02", "hdm05_asf_amc/HDM_bd_hopBothLegs1hops_005_120"):
        motion = read_motion(raw / f"{file}.amc")
        assert len(motion.skeleton) == 38
        assert len(motion.skeleton.mirror_pairs) >= 14
        assert 1.2 < np.median(motion.joint("head_end")[:, 1] - motion.positions[..., 1].min(axis=1)) < 2.0

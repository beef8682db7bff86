"""Joints of a person from figures of animation files, against the arrays made from the same takes by others."""

import json
from pathlib import Path

import numpy as np
import pytest

from maquette.errors import InputError
from maquette.exporters import write_motion
from maquette.readers.motion import read_motion
from maquette.rig.human_motion import human_motion
from maquette.skeletons import H36M_17


@pytest.mark.parametrize(
    ("file", "clip", "skipped", "limbs"),
    [
        ("cmu_asf_amc/02_01.amc", "02/02_01", 0, "hip knee ankle shoulder elbow"),
        ("cmu_iclone_bvh/006_03.bvh", "06/06_03", 1, "hip knee ankle shoulder elbow wrist"),
        # The arrays have other lengths of this avatar's limbs.
        ("cmu_daz_bvh/11_01.bvh", "11/11_01", 1, "hip"),
    ],
)
def test_joints_of_real_rigs(shared_dir: Path, file: str, clip: str, skipped: int, limbs: str) -> None:
    data = shared_dir / "data"
    person = human_motion(read_motion(data / "raw" / file))
    with np.load(data / "cmu" / "cmu17.npz") as arrays:
        truth = arrays[clip].astype(np.float64)
    shift = json.loads((data / "cmu" / "index.json").read_text())[clip]["ground_shift_m"]
    source_s = np.arange(person.n_frames - skipped) / float(person.fps)
    wanted_s = np.arange(len(truth)) / 50
    wanted_s = wanted_s[wanted_s <= source_s[-1]]
    error_m = {}
    for joint in H36M_17.joints:
        path = person.joint(joint)[skipped:]
        here = np.stack([np.interp(wanted_s, source_s, path[:, axis]) for axis in range(3)], axis=1)
        there = truth[: len(wanted_s), H36M_17.index(joint)]
        error_m[joint] = float(np.median(np.linalg.norm(here + [0.0, shift, 0.0] - there, axis=1)))
    exact = [f"{side}_{limb}" for side in "lr" for limb in limbs.split()]
    assert max(error_m[joint] for joint in ["hip", "thorax", *exact]) < 1e-3
    assert max(error_m[joint] for joint in ("spine", "nose", "head")) < 0.07


def test_what_goes_out_comes_back(tmp_path: Path) -> None:
    from made_body import made_motion

    motion = made_motion(20)
    write_motion(motion, tmp_path / "a.bvh")
    back = human_motion(read_motion(tmp_path / "a.bvh"))
    for joint in ("l_hip", "r_knee", "l_ankle", "thorax", "r_shoulder", "l_elbow", "r_wrist", "l_toe"):
        np.testing.assert_allclose(back.joint(joint), motion.joint(joint), atol=1e-4)


def test_what_is_no_person(tmp_path: Path) -> None:
    (tmp_path / "a.bvh").write_text(
        "HIERARCHY\nROOT door\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n"
        "End Site\n{\nOFFSET 0 90 0\n}\n}\n"
        "MOTION\nFrames: 1\nFrame Time: 0.04\n0 0 0\n"
    )
    with pytest.raises(InputError, match="not recognised as a human figure"):
        human_motion(read_motion(tmp_path / "a.bvh"))

"""The joints of Human3.6M on the rigs of open motion capture: against arrays that were made by another program."""

from pathlib import Path

import numpy as np
import pytest

from maquette.datasets.rigs import RIGS, on_h36m_17, rig_of
from maquette.errors import InputError
from maquette.readers.motion import read_motion
from maquette.skeletons import H36M_17


def at_50_fps(positions: np.ndarray, fps: float) -> np.ndarray:
    times = np.arange(int((len(positions) - 1) / fps * 50 + 1e-6) + 1) / 50.0
    source = np.arange(len(positions)) / fps
    flat = positions.reshape(len(positions), -1)
    columns = [np.interp(times, source, column) for column in flat.T]
    return np.stack(columns, axis=1).reshape(-1, 17, 3)


@pytest.mark.parametrize(
    ("file", "clip", "rig", "fps", "ground_m"),
    [
        ("cmu_asf_amc/02_01.amc", "02/02_01", "asf", 120, 0.003),
        ("cmu_asf_amc/02_03.amc", "02/02_03", "asf", 120, 0.003),
        ("cmu_asf_amc/03_02.amc", "03/03_02", "asf", 120, 0.003),
        ("hdm05_asf_amc/HDM_bd_hopBothLegs1hops_005_120.amc", "Hbd/HDM_bd_hopBothLegs1hops_005_120", "asf", 120, 0.003),
        ("cmu_iclone_bvh/006_03.bvh", "06/06_03", "iclone", 1 / 0.016667, 0.012),
        ("cmu_iclone_bvh/007_05.bvh", "07/07_05", "iclone", 1 / 0.016667, 0.012),
        ("cmu_daz_bvh/11_01.bvh", "11/11_01", "daz", 120, 0.012),
    ],
)
def test_all_joints_equal_the_arrays(
    shared_dir: Path, file: str, clip: str, rig: str, fps: float, ground_m: float
) -> None:
    """To 20 micrometres: the arrays take CMU's unit as 0.056444 m (8 parts in a million less), and are float32."""
    data = shared_dir / "data"
    motion = read_motion(data / "raw" / file)
    assert rig_of(motion).name == rig
    folder, name = ("hdm05", "hdm17.npz") if file.startswith("hdm05") else ("cmu", "cmu17.npz")
    array = np.load(data / folder / name)[clip].astype(np.float64)
    ours = at_50_fps(on_h36m_17(motion).positions, fps)
    assert len(ours) == len(array)
    error = ours - array
    # Where the ground is depends on heels, which the rigs do not have; the arrays estimate them.
    shift_m = np.median(error[..., 1])
    assert abs(shift_m) < ground_m
    error[..., 1] -= shift_m
    assert np.abs(error).max() < 2e-5


@pytest.mark.parametrize(
    ("file", "rig"),
    [("cmu_motionbuilder_bvh/131_03", "motionbuilder"), ("cmu_cgspeed_bvh/12_01_walk", "cgspeed")],
)
def test_rigs_without_arrays_have_the_proportions_of_people(shared_dir: Path, file: str, rig: str) -> None:
    motion = read_motion(shared_dir / "data" / "raw" / f"{file}.bvh")
    assert rig_of(motion).name == rig
    ours = on_h36m_17(motion)
    assert ours.n_frames == motion.n_frames - 1
    assert ours.skeleton == H36M_17
    lengths = {
        H36M_17.joints[child]: np.linalg.norm(ours.positions[:, child] - ours.positions[:, parent], axis=1)
        for parent, child in H36M_17.bones
    }
    mean = {name: float(length.mean()) for name, length in lengths.items()}
    for bone, usual_m in {
        "hip": 0.09, "knee": 0.40, "ankle": 0.42, "shoulder": 0.19, "elbow": 0.26, "wrist": 0.23,
    }.items():  # fmt: skip
        for side in "lr":
            assert mean[f"{side}_{bone}"] == pytest.approx(usual_m, rel=0.26), bone
    assert mean["spine"] == pytest.approx(0.26, rel=0.1)
    assert mean["thorax"] == pytest.approx(0.26, rel=0.1)
    assert 1.4 < np.median(ours.joint("head")[:, 1]) < 1.8
    assert abs(np.percentile(ours.positions[..., 1].min(axis=1), 1) - 0.07) < 0.05


def test_joints_of_the_same_names_are_taken_as_they_are(shared_dir: Path) -> None:
    ours = on_h36m_17(read_motion(shared_dir / "data" / "raw" / "cmu_asf_amc" / "02_03.amc"))
    assert np.array_equal(on_h36m_17(ours).positions, ours.positions)


def test_other_rigs_are_refused_by_name(tmp_path: Path) -> None:
    text = "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n"
    text += "End Site\n{\nOFFSET 0 170 0\n}\n}\nMOTION\nFrames: 1\nFrame Time: 0.02\n0 0 0\n"
    (tmp_path / "post.bvh").write_text(text)
    with pytest.raises(InputError, match=r"post\.bvh: skeleton 'bvh:post' is of no rig that is known \(asf, iclone"):
        on_h36m_17(read_motion(tmp_path / "post.bvh"))
    assert len({rig.name for rig in RIGS}) == len(RIGS)

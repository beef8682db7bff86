"""SMPL's angles: AMASS's arrays, and positions that SciPy makes of them."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.errors import OutputError
from maquette.exporters import write_motion
from maquette.exporters.smpl import SMPL_JOINTS, write_smpl
from maquette.rig import animate
from maquette.rig.choice import animated
from maquette.skeletons import SMPL_24


@pytest.mark.parametrize("rest_pose", ["T", "A"])
def test_positions_of_the_angles(tmp_path: Path, rest_pose: Literal["T", "A"]) -> None:
    motion = made_motion(40, seed=2)
    write_motion(motion, tmp_path / "a_smpl.npz", rest_pose=rest_pose)
    with np.load(tmp_path / "a_smpl.npz") as file:
        poses, trans = file["poses"], file["trans"]
        assert poses.shape == (40, 156)
        assert trans.shape == (40, 3)
        assert str(file["gender"]) == "neutral"
        assert float(file["mocap_framerate"]) == 50.0
        assert not file["betas"].any()
        assert not poses[:, 66:].any()
    rig = animated(motion, rig="smpl")
    offsets = dict(zip(rig.names, rig.rest_offsets_m, strict=True))
    places, turns = {"pelvis": trans}, {"pelvis": Rotation.from_rotvec(poses[:, :3])}
    for number, joint in enumerate(SMPL_JOINTS):
        parent = SMPL_24.parents[number]
        if parent >= 0:
            above = SMPL_JOINTS[parent]
            places[joint] = places[above] + turns[above].apply(offsets[joint])
            turns[joint] = turns[above] * Rotation.from_rotvec(poses[:, 3 * number : 3 * number + 3])
    upright = Rotation.from_euler("x", -90, degrees=True)
    for smpl, ours in {
        "left_wrist": "l_wrist", "right_ankle": "r_ankle", "left_foot": "l_toe", "right_elbow": "r_elbow",
        "neck": "thorax", "head": "nose", "left_knee": "l_knee",
    }.items():  # fmt: skip
        np.testing.assert_allclose(upright.apply(places[smpl]), motion.joint(ours), atol=1e-9, err_msg=ours)


def test_other_rigs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="--rig smpl"):
        write_smpl(animate(made_motion(3)), tmp_path / "a_smpl.npz")

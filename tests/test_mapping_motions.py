"""Motions of other programs on a person's joints, against motion capture that has both."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_body import made_motion

from maquette.errors import InputError
from maquette.mapping.motions import READABLE, to_human
from maquette.motion import Motion
from maquette.skeletons import BLAZEPOSE_33, H36M_17, LIFTED_21, MPII_16, SMPL_24, get_skeleton


def seen_by_mediapipe(positions: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Motion capture of one clip as the 33 points of BlazePose, the face by the data's own rule."""
    up, forward = marks[:, 29], marks[:, 28]
    left = np.cross(up, forward)
    crown = positions[:, 10]
    points = np.full((len(positions), 33, 3), np.nan)
    place = {name: BLAZEPOSE_33.index(name) for name in BLAZEPOSE_33.joints}
    names = "r_hip r_knee r_ankle l_hip l_knee l_ankle".split()
    points[:, [place[n] for n in names]] = positions[:, 1:7]
    names = "l_shoulder l_elbow l_wrist r_shoulder r_elbow r_wrist".split()
    points[:, [place[n] for n in names]] = positions[:, 11:17]
    points[:, place["nose"]] = crown - 0.15 * up + 0.11 * forward
    for sign, side in ((1, "l"), (-1, "r")):
        points[:, place[f"{side}_ear"]] = crown - 0.13 * up + sign * 0.072 * left
    for name, index in {"l_heel": 17, "r_heel": 18, "l_foot_index": 19, "r_foot_index": 20}.items():
        points[:, place[name]] = marks[:, index]
    return points


def test_what_mediapipe_leaves_out_is_put_where_motion_capture_has_it(shared_dir: Path) -> None:
    data = shared_dir / "data" / "cmu"
    index = json.loads((data / "index.json").read_text())
    clips = [name for name, clip in index.items() if clip["split"] == "test" and clip["rig"] == "asf"][:4]
    with np.load(data / "cmu17.npz") as joints, np.load(data / "cmu_landmarks.npz") as marks:
        for clip in clips:
            truth = joints[clip].astype(float)
            motion = Motion(seen_by_mediapipe(truth, marks[clip].astype(float)), BLAZEPOSE_33, Fraction(50), "world")
            made = to_human(motion)
            assert made.skeleton == LIFTED_21
            error_m = np.median(np.linalg.norm(made.positions[:, :17] - truth, axis=-1), axis=0)
            worst = dict(zip(H36M_17.joints, error_m, strict=True))
            # The crown comes back through the rule that the face was made with; the trunk is anatomy.
            assert max(worst[n] for n in ("hip", "r_knee", "l_wrist")) < 0.001
            assert worst["head"] < 0.015
            assert worst["thorax"] < 0.05
            assert worst["spine"] < 0.06
            assert worst["nose"] < 0.06


def test_a_person_goes_through_as_they_are() -> None:
    motion = made_motion(5)
    assert to_human(motion) is motion


@pytest.mark.parametrize("name", READABLE)
def test_every_readable_skeleton_makes_a_whole_person(name: str) -> None:
    """Each joint at a place of its own on a standing figure, left at +x: left stays left, and nothing is unknown."""
    skeleton = get_skeleton(name)
    places = np.zeros((len(skeleton), 3))
    heights = {"ankle": 0.08, "knee": 0.5, "hip": 0.95, "shoulder": 1.45, "elbow": 1.2, "wrist": 0.95, "ear": 1.6}
    for i, joint in enumerate(skeleton.joints):
        side = {"l": 0.2, "r": -0.2}.get(joint[:1], 0.0) if joint[1:2] == "_" else 0.0
        part = next((part for part in heights if part in joint), "")
        central = {"neck": 1.5, "thorax": 1.5, "head": 1.7, "head_top": 1.75, "nose": 1.62, "spine": 1.2}.get(joint)
        places[i] = (side, heights.get(part, central or 1.0 if joint[1:2] != "_" else 0.03), 0.0)
        if joint in ("nose", "face_nose") and name not in ("h36m-17", "maquette-21"):
            places[i] += (0.0, 0.0, 0.1)
    made = to_human(Motion(np.repeat(places[None], 3, axis=0), skeleton, Fraction(30), "world"))
    assert np.isfinite(made.positions).all(), made.notes
    assert (made.joint("l_wrist")[:, 0] > made.joint("r_wrist")[:, 0]).all()
    assert (made.joint("head")[:, 1] > made.joint("thorax")[:, 1]).all()


def test_sigma_and_contacts_follow_their_joints() -> None:
    rng = np.random.default_rng(0)
    sigma_m = rng.uniform(0.01, 0.02, (4, 24))
    motion = Motion(
        rng.normal(size=(4, 24, 3)),
        SMPL_24,
        Fraction(30),
        "world",
        sigma_m=sigma_m,
        contacts=np.ones((4, 2), dtype=bool),
        contact_joints=("l_ankle", "l_hand"),
    )
    made = to_human(motion)
    assert made.sigma_m is not None
    assert made.contact_joints == ("l_ankle",)
    np.testing.assert_array_equal(made.sigma_m[:, made.skeleton.index("l_knee")], sigma_m[:, SMPL_24.index("l_knee")])
    assert np.isnan(made.sigma_m[:, made.skeleton.index("head")]).all()


def test_what_has_no_map_and_no_shoulders_is_said() -> None:
    with pytest.raises(InputError, match="no map from skeleton 'cmu' to a person's joints; known are"):
        to_human(Motion(np.zeros((1, 31, 3)), get_skeleton("cmu"), Fraction(30), "world"))
    nobody = np.full((2, 16, 3), np.nan)
    with pytest.raises(InputError, match="are seen in no frame"):
        to_human(Motion(nobody, MPII_16, Fraction(30), "world"))

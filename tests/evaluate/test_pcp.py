"""Percentage of correct parts against cases computed by hand."""

import numpy as np
import pytest

from maquette.errors import InputError
from maquette.evaluate import PROTOCOLS, Prediction, evaluate
from maquette.evaluate.pcp import PARTS, part_scores
from maquette.evaluate.protocols import KTH_FOOTBALL_13

JOINTS = KTH_FOOTBALL_13
PLACES = {
    "hip": (0, 0, 0), "l_hip": (10, 0, 0), "l_knee": (10, -40, 0), "l_ankle": (10, -80, 0),
    "r_hip": (-10, 0, 0), "r_knee": (-10, -40, 0), "r_ankle": (-10, -80, 0),
    "l_shoulder": (20, 50, 0), "l_elbow": (20, 20, 0), "l_wrist": (20, 0, 0),
    "r_shoulder": (-20, 50, 0), "r_elbow": (-20, 20, 0), "r_wrist": (-20, 0, 0),
}  # fmt: skip
"""Upper arms 30 long, lower arms 20, thighs and shins 40."""


def pose(**moved: tuple[float, float, float]) -> np.ndarray:
    return np.array([[np.add(PLACES[name], moved.get(name, (0, 0, 0))) for name in JOINTS]], dtype=float)


@pytest.mark.parametrize(
    ("moved", "wrong"),
    [
        ({}, {}),
        # 15 is half of the upper arm's 30, more than half of the lower arm's 20.
        ({"l_elbow": (0, 0, 15)}, {"lower arms": 1}),
        ({"l_elbow": (0, 0, 15.01)}, {"lower arms": 1, "upper arms": 1}),
        ({"l_elbow": (6, 0, 8)}, {}),
        ({"l_elbow": (6, 0, 8.1)}, {"lower arms": 1}),
        ({"r_wrist": (0, 300, 0), "l_wrist": (0, 11, 0)}, {"lower arms": 2}),
        ({"r_knee": (12, 0, -16)}, {}),
        ({"r_knee": (12, 0, -16.1)}, {"upper legs": 1, "lower legs": 1}),
        ({"l_hip": (0, 0, 21), "l_ankle": (21, 0, 0), "r_ankle": (0, 20, 0)}, {"upper legs": 1, "lower legs": 1}),
        ({"hip": (500, 0, 0)}, {}),
    ],
)
def test_one_pose(moved: dict, wrong: dict[str, int]) -> None:
    found = part_scores(pose(**moved), pose(), JOINTS)
    assert found.parts == {part: 100 * (2 - wrong.get(part, 0)) / 2 for part in PARTS}
    assert found.limbs == dict.fromkeys(PARTS, 2)
    assert found.average == pytest.approx(100 * (8 - sum(wrong.values())) / 8)


def test_share_and_rule() -> None:
    moved = pose(l_elbow=(0, 0, 15.01), l_wrist=(0, 0, 4))
    assert part_scores(moved, pose(), JOINTS, share=0.51).parts["upper arms"] == 100
    assert part_scores(moved, pose(), JOINTS, share=0.76).parts["lower arms"] == 100
    # (0 + 15.01) / 2 <= 15 and (15.01 + 4) / 2 <= 10: right by the mean of the ends, wrong by each.
    assert part_scores(moved, pose(), JOINTS, rule="mean of ends").average == 100
    assert part_scores(moved, pose(), JOINTS).average == 75
    assert part_scores(pose(l_wrist=(0, 0, 20.1)), pose(), JOINTS, rule="mean of ends").parts["lower arms"] == 50


def test_alignment() -> None:
    """Everything wrong as it is: moved; moved and half as large; moved, larger and turned."""
    target = pose()
    moved, small = target + [100, 0, 0], target * 0.4 + [100, 0, 0]
    turned = 3 * target @ np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]).T + [0, 7, 0]
    averages = {
        alignment: [part_scores(p, target, JOINTS, alignment=alignment).average for p in (moved, small, turned)]
        for alignment in ("none", "root", "scale", "similarity")
    }
    assert averages["none"] == [0, 0, 0]
    assert averages["root"][0] == 100
    # At 0.4 of its size, a joint at r is wrong by 0.6 r: knees by 0.6 * 41.2 > 20, elbows by 0.6 * 28.3 > 15, 10.
    assert averages["root"][1] == 0
    assert averages["scale"][:2] == [100, 100]
    assert averages["scale"][2] < 50
    assert averages["similarity"] == [100, 100, 100]


def test_in_the_picture() -> None:
    target, moved = pose()[..., :2], pose(l_elbow=(9, 12, 0))[..., :2]
    assert part_scores(moved, target, JOINTS).parts == {**dict.fromkeys(PARTS, 100.0), "lower arms": 50.0}
    shifted = part_scores(moved + 1000, target, JOINTS, alignment="root")
    assert shifted.parts["upper arms"] == 100
    with pytest.raises(InputError, match="none or root"):
        part_scores(moved, target, JOINTS, alignment="scale")


def test_limbs_without_length_do_not_count() -> None:
    target = pose()
    target[0, JOINTS.index("l_wrist")] = target[0, JOINTS.index("l_elbow")]
    found = part_scores(pose(), target, JOINTS)
    assert found.limbs["lower arms"] == 1
    assert found.parts["lower arms"] == 100
    target[:] = 0
    with pytest.raises(InputError, match="no limb"):
        part_scores(target, target, JOINTS)
    with pytest.raises(InputError, match="needs the joints l_ankle"):
        part_scores(target[:, :3], target[:, :3], JOINTS[:3] * 1)


def test_the_protocols() -> None:
    """In metres: one pose with a wrong forearm, one 100 m away but right, one half as large."""
    target = np.concatenate([pose()] * 4) / 100
    predicted = np.concatenate([pose(l_elbow=(0, 0, 14)), pose() + 10_000, 0.4 * pose(), pose()]) / 100
    given = [Prediction("Player2", "Sequence1 1", "Camera 1", predicted, target)]
    report = evaluate(given, PROTOCOLS["kth-football"], joints=JOINTS, root="hip")
    assert {limb.name: limb.pcp for limb in report.limbs} == {
        "upper arms": 75, "lower arms": 62.5, "upper legs": 75, "lower legs": 75,
    }  # fmt: skip
    assert report.headline == pytest.approx((75 * 3 + 62.5) / 4)
    assert [limb.limbs for limb in report.limbs] == [8] * 4
    aligned = evaluate(given, PROTOCOLS["kth-football-procrustes"], joints=JOINTS, root="hip")
    assert {limb.pcp for limb in aligned.limbs if limb.name != "lower arms"} == {100.0}
    expected = part_scores(predicted, target, JOINTS, alignment="similarity")
    assert {limb.name: limb.pcp for limb in aligned.limbs} == expected.parts
    assert aligned.headline == pytest.approx(expected.average)

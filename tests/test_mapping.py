"""Maps between skeletons, checked against the conventions they cite."""

from fractions import Fraction

import numpy as np
import pytest

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.mapping import (
    FORK_OPENPOSE_TO_H36M_32,
    H36M_17_CONVENTIONS,
    LANDMARKS_27_V1,
    TO_COCO_18,
    JointMap,
    find_map,
    map_keypoints,
)
from maquette.mapping.published import PUBLISHED_INPUTS
from maquette.skeletons import BODY_25, COCO_18, LANDMARKS_27, get_skeleton

ALL = [
    *LANDMARKS_27_V1.values(),
    *TO_COCO_18.values(),
    *H36M_17_CONVENTIONS.values(),
    *(joint_map for family in PUBLISHED_INPUTS.values() for joint_map in family),
    FORK_OPENPOSE_TO_H36M_32,
]
NAMES = [f"{m.source}->{m.target}:{i}" for i, m in enumerate(ALL)]


def numbered(skeleton_name: str) -> np.ndarray:
    """Points (1, joints, 2) whose x says which joint they are."""
    n = len(get_skeleton(skeleton_name))
    return np.stack([np.arange(n, dtype=float), np.arange(n) * 100.0], -1)[None]


@pytest.mark.parametrize("joint_map", ALL, ids=NAMES)
def test_maps_commute_with_the_mirror(joint_map: JointMap) -> None:
    """Exchanging left and right before or after the map is the same."""
    source, target = get_skeleton(joint_map.source), get_skeleton(joint_map.target)
    mirrored = joint_map.matrix[target.mirror_permutation][:, source.mirror_permutation]
    np.testing.assert_allclose(mirrored, joint_map.matrix)


@pytest.mark.parametrize("joint_map", ALL, ids=NAMES)
def test_apply_is_the_matrix_where_everything_is_seen(joint_map: JointMap) -> None:
    points = np.random.default_rng(0).normal(size=(4, len(get_skeleton(joint_map.source)), 2))
    out, confidence = joint_map.apply_arrays(points, np.ones(points.shape[:2]))
    np.testing.assert_allclose(out[:, joint_map.made], (joint_map.matrix @ points)[:, joint_map.made], atol=1e-12)
    assert np.isnan(out[:, ~joint_map.made]).all()
    assert (confidence[:, ~joint_map.made] == 0).all()
    assert (confidence[:, joint_map.made] == 1).all()


def test_body_25_to_coco_18_is_the_published_table() -> None:
    # specs of the OpenPose fork: keep 0-7; 8<-9, 9<-10, ... 17<-18
    out, _ = TO_COCO_18["openpose-body-25"].apply_arrays(numbered("openpose-body-25"), np.ones((1, 25)))
    assert out[0, :, 0].tolist() == [*range(8), *range(9, 19)]


def test_stacked_hourglass_is_the_published_permutation() -> None:
    out, confidence = H36M_17_CONVENTIONS["stacked-hourglass/mpii-16"].apply_arrays(
        numbered("mpii-16"), np.ones((1, 16))
    )
    order = [6, 2, 1, 0, 3, 4, 5, 7, 8, 9, 13, 14, 15, 12, 11, 10]
    seen = confidence[0] > 0
    assert get_skeleton("h36m-17").joints[int(np.flatnonzero(~seen)[0])] == "nose"
    assert out[0, seen, 0].tolist() == order


def test_motionbert_is_the_published_table() -> None:
    out, _ = H36M_17_CONVENTIONS["motionbert/halpe-26"].apply_arrays(numbered("halpe-26"), np.ones((1, 26)))
    expected = [19, 12, 14, 16, 11, 13, 15, 18.5, 18, 0, 17, 5, 7, 9, 6, 8, 10]
    assert out[0, :, 0].tolist() == expected


def test_fork_formulas() -> None:
    points = np.random.default_rng(1).normal(size=(1, 18, 2))
    out, _ = FORK_OPENPOSE_TO_H36M_32.apply_arrays(points, np.ones((1, 18)))
    nose, neck = points[0, 0], points[0, 1]
    np.testing.assert_allclose(out[0, 15], nose)
    np.testing.assert_allclose(out[0, 12], neck)
    np.testing.assert_allclose(out[0, 13], 1.5 * neck - 0.5 * nose)
    np.testing.assert_allclose(out[0, 0], (points[0, 8] + points[0, 11]) / 2)


def test_a_missing_source_makes_a_missing_target() -> None:
    confidence = np.full((1, 18), 0.8)
    confidence[0, COCO_18.index("l_hip")] = 0
    confidence[0, COCO_18.index("r_hip")] = 0.3
    points = np.ones((1, 18, 2))
    points[0, COCO_18.index("l_hip")] = np.nan
    out, out_confidence = FORK_OPENPOSE_TO_H36M_32.apply_arrays(points, confidence)
    assert np.isnan(out[0, 0]).all()
    assert out_confidence[0, 0] == 0
    assert out_confidence[0, 1] == 0.3


def test_keypoints_keep_their_time_and_picture() -> None:
    track = Keypoints(np.ones((2, 25, 2)), np.ones((2, 25)), BODY_25, Fraction(25), (640, 480), source="clip")
    mapped = map_keypoints(track, "landmarks-27")
    assert mapped.skeleton is LANDMARKS_27
    assert (mapped.fps, mapped.image_size, mapped.source) == (25, (640, 480), "clip")
    assert not mapped.observed[:, LANDMARKS_27.index("spine")].any()


def test_no_map_says_what_there_is() -> None:
    with pytest.raises(InputError, match=r"maps start from: .*coco-17"):
        find_map("smpl-24", "landmarks-27")
    with pytest.raises(InputError, match="maps lead to: landmarks-27"):
        find_map("coco-17", "smpl-24")


def test_wrong_rows_are_refused() -> None:
    with pytest.raises(InputError, match=r"sum to 0\.9"):
        JointMap("coco-17", "h36m-17", {"hip": (("l_hip", 0.4), ("r_hip", 0.5))}, "wrong")
    with pytest.raises(InputError, match="does not have"):
        JointMap("coco-17", "h36m-17", {"hip": "pelvis"}, "wrong")


def test_made_up_joints_stand_where_human36m_has_them() -> None:
    """Mean ground-truth pixels of Human3.6M (specs of 3d-pose-baseline): the trunk's made-up joints against them."""
    means = {"hip": 419.7, "shoulder": 330.1, "spine": 370.7, "thorax": 317.9, "nose": 304.2, "head": 282.3}
    for joint_map in PUBLISHED_INPUTS["h36m-17/v1"][2:]:
        points = np.zeros((1, len(LANDMARKS_27), 2))
        for name in LANDMARKS_27.joints:
            part = name.removeprefix("l_").removeprefix("r_")
            points[0, LANDMARKS_27.index(name), 1] = means["hip"] if part == "hip" else means["shoulder"]
        made, _ = joint_map.apply_arrays(points, np.ones((1, len(LANDMARKS_27))))
        for name in ("spine", "thorax", "nose", "head"):
            assert made[0, get_skeleton("h36m-17").index(name), 1] == pytest.approx(means[name], abs=2.5), name

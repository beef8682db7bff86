"""Joints that are lost for a moment, continued as they come."""

import numpy as np
import pytest
from walking_keypoints import HEIGHT_PX, lost, walker

from maquette.keypoints import Keypoints
from maquette.refine.causal_gaps import HOLD_S
from maquette.refine.causal_keypoints import KeypointRepairStream

LEGS = [f"{side}_{part}" for side in "lr" for part in ("ankle", "heel", "big_toe", "small_toe")]
WRISTS = ["l_wrist", "r_wrist"]


def bridged(track: Keypoints, rows: int = 1) -> tuple[np.ndarray, np.ndarray, KeypointRepairStream]:
    stream = KeypointRepairStream(track.skeleton, rows, image_size=track.image_size)
    points, confidence = track.points.copy(), track.confidence.copy()
    for frame, time_s in enumerate(track.times_s.tolist()):
        here = slice(frame, frame + 1)
        points[here], confidence[here] = stream(np.array([rows - 1]), points[here], confidence[here], time_s)
    return points, confidence, stream


@pytest.mark.parametrize("fps", [30, 60, 120])
def test_a_short_gap_is_continued_near_the_way_that_was_walked(fps: int) -> None:
    clean = walker(2 * fps, fps)
    joints = clean.skeleton.indices(LEGS + WRISTS)
    away_px, walked_px = [], []
    for first in range(15, 55, 3):
        start = first * fps // 30
        gap = slice(start, start + int(0.1 * fps))
        points, confidence, stream = bridged(lost(clean, gap, LEGS + WRISTS))
        away_px.append(np.linalg.norm(points - clean.points, axis=-1)[gap][:, joints])
        # Standing still at the last sighting, they would be as far away as they walked.
        walked_px.append(np.linalg.norm(clean.points[gap] - clean.points[start - 1], axis=-1)[:, joints])
        np.testing.assert_array_equal(confidence[gap][:, joints], 0.5 * clean.confidence[gap][:, joints])
        assert stream.counts["gap"] == (gap.stop - gap.start) * len(joints)
        seen = np.ones(clean.points.shape[:2], dtype=bool)
        seen[gap, np.array(joints)[:, None]] = False
        np.testing.assert_array_equal(points[seen], clean.points[seen])
    assert np.mean(away_px) < 0.75 * np.mean(walked_px)
    assert np.max(away_px) < 0.15 * HEIGHT_PX


def test_what_is_hidden_for_long_is_missing() -> None:
    clean = walker(90)
    points, confidence, _ = bridged(lost(clean, slice(40, 70), WRISTS))
    wrists = clean.skeleton.indices(WRISTS)
    filled = int(HOLD_S * 30)
    assert (confidence[40 : 40 + filled, wrists] > 0).all()
    assert (confidence[41 + filled : 70, wrists] == 0).all()
    assert np.isnan(points[41 + filled : 70, wrists]).all()
    np.testing.assert_array_equal(confidence[70:], clean.confidence[70:])


def test_a_lost_joint_comes_to_rest() -> None:
    clean = walker(90, noise_heights=0.0)
    points, _, _ = bridged(lost(clean, slice(40, 90), ["r_ankle"]))
    ankle = points[39:44, clean.skeleton.index("r_ankle")]
    steps = np.linalg.norm(np.diff(ankle, axis=0), axis=-1)
    assert (np.diff(steps) < 0).all()


def test_somebody_else_in_the_row_has_no_joints_of_the_one_before() -> None:
    clean = walker(10)
    _, _, stream = bridged(clean, rows=2)
    stream.reset(1)
    nothing = np.full_like(clean.points[:1], np.nan), np.zeros_like(clean.confidence[:1])
    points, confidence = stream(np.array([1]), *nothing, 0.36)
    assert np.isnan(points).all()
    assert not confidence.any()

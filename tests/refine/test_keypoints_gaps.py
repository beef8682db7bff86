"""Gaps: cubic paths come back exactly, long gaps stay, and edits say what happened."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from walking_keypoints import HEIGHT_PX, lost, walker

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.refine.keypoints_gaps import FILLED_CONFIDENCE, fill_gaps, find_gaps
from maquette.skeletons import BODY_25


def cubic_track(n_frames: int, degree: int, times_s: np.ndarray | None = None, seed: int = 0) -> Keypoints:
    """Every coordinate a polynomial of time."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(n_frames) / 30 if times_s is None else times_s
    coefficients = rng.normal(size=(degree + 1, 25, 2)) * 200
    points = np.polynomial.polynomial.polyval(time_s, coefficients)
    points = np.moveaxis(points, -1, 0)
    return Keypoints(points, np.full(points.shape[:2], 0.9), BODY_25, Fraction(30), timestamps_s=times_s)


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 30), st.integers(1, 9), st.integers(0, 2**31))
def test_exact_on_cubics(start: int, length: int, seed: int) -> None:
    whole = cubic_track(45, 3, seed=seed)
    holed = lost(whole, slice(start, start + length), ["l_knee", "nose"])
    filled = fill_gaps(holed)
    np.testing.assert_allclose(filled.points, whole.points, atol=1e-6 * np.abs(whole.points).max())
    assert filled.observed.all()


def test_exact_on_cubics_at_uneven_times() -> None:
    times_s = np.cumsum(np.random.default_rng(1).uniform(0.02, 0.045, 40))
    whole = cubic_track(40, 3, times_s)
    filled = fill_gaps(lost(whole, slice(15, 20), ["l_wrist"]))
    np.testing.assert_allclose(filled.points, whole.points, atol=1e-6 * np.abs(whole.points).max())


@pytest.mark.parametrize(("before", "after", "degree"), [(1, 1, 1), (1, 2, 2), (2, 1, 2), (2, 2, 3)])
def test_few_sightings_give_a_lower_degree(before: int, after: int, degree: int) -> None:
    whole = cubic_track(before + 4 + after, degree)
    filled = fill_gaps(lost(whole, slice(before, before + 4), ["r_elbow"]))
    np.testing.assert_allclose(filled.points, whole.points, atol=1e-6 * np.abs(whole.points).max())


def test_a_lone_sighting_between_gaps_does_not_fling_the_path_away() -> None:
    """A hip that hardly moves, seen once between two gaps: a cubic through one and three points would overshoot."""
    rng = np.random.default_rng(5)
    hip = BODY_25.index("r_hip")
    for _ in range(50):
        still = walker(60)
        points = still.points.copy()
        points[:, hip] = 300 + rng.normal(size=(60, 2)) * 4
        track = lost(lost(still.with_notes(points=points), slice(25, 28), ["r_hip"]), slice(29, 36), ["r_hip"])
        assert np.abs(fill_gaps(track).points[:, hip] - 300).max() < 60


def test_points_seen_stay_as_they_are_and_filled_ones_are_half_as_sure() -> None:
    holed = lost(walker(), slice(50, 55), ["l_ankle"])
    filled = fill_gaps(holed)
    np.testing.assert_array_equal(filled.points[holed.observed], holed.points[holed.observed])
    np.testing.assert_allclose(filled.confidence[50:55, BODY_25.index("l_ankle")], FILLED_CONFIDENCE * 0.8)


def test_error_on_a_walk_with_jitter_is_near_the_jitter() -> None:
    clean, noisy = walker(noise_heights=0.0), walker(noise_heights=0.005)
    worst = []
    for start in range(20, 120, 7):
        filled = fill_gaps(lost(noisy, slice(start, start + 5), ["l_ankle", "r_wrist"]))
        index = BODY_25.indices(["l_ankle", "r_wrist"])
        off = np.linalg.norm(filled.points[start : start + 5, index] - clean.points[start : start + 5, index], axis=-1)
        worst.append(off.max() / HEIGHT_PX)
    assert np.median(worst) < 0.03


def test_the_longest_gap_in_seconds_counts_at_every_rate() -> None:
    for fps in (10, 30, 60, 120):
        longest = round(0.3 * fps)
        short = lost(walker(4 * fps, fps), slice(fps, fps + longest), ["nose"])
        long = lost(walker(4 * fps, fps), slice(fps, fps + longest + 1), ["nose"])
        assert fill_gaps(short).observed.all()
        assert (~fill_gaps(long).observed).sum() == longest + 1


def test_ends_are_held_for_a_moment_only_where_somebody_is() -> None:
    track = lost(walker(60), slice(0, 10), ["l_wrist"])
    filled = fill_gaps(track)
    wrist = BODY_25.index("l_wrist")
    np.testing.assert_array_equal(filled.observed[:10, wrist], np.arange(10) >= 7)
    np.testing.assert_array_equal(filled.points[7:10, wrist], np.repeat(track.points[10:11, wrist], 3, axis=0))
    nobody = lost(walker(60), slice(0, 10), list(BODY_25.joints))
    assert not fill_gaps(nobody).observed[:10].any()


def test_notes_and_edits() -> None:
    track = lost(lost(walker(), slice(50, 53), ["l_ankle", "l_heel"]), slice(80, 100), ["nose"])
    assert fill_gaps(track).notes == (
        "gap filled: l_heel + l_ankle in frames 50-52",
        "left missing, because the gap is too long to fill: nose in frames 80-99",
    ) or fill_gaps(track).notes[0] == ("gap filled: l_ankle + l_heel in frames 50-52")
    assert {(edit.kind, edit.frames) for edit in find_gaps(track)} == {
        ("gap", range(50, 53)),
        ("long gap", range(80, 100)),
    }


def test_joints_never_seen_and_empty_tracks() -> None:
    track = lost(walker(30), slice(0, 30), ["nose"])
    assert find_gaps(track) == []
    assert fill_gaps(track) is track
    nobody = lost(walker(30), slice(0, 30), list(BODY_25.joints))
    assert fill_gaps(nobody) is nobody


def test_a_negative_time_is_refused() -> None:
    with pytest.raises(InputError, match="expected 0 or more"):
        find_gaps(walker(5), max_gap_s=-1.0)

"""Another frame rate: exact times, exact cubics, nothing made up."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_keypoints_gaps import cubic_track
from walking_keypoints import lost, walker

from maquette.errors import InputError
from maquette.refine.keypoints_resample import resample
from maquette.skeletons import BODY_25

RATES = [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(50), Fraction(60), Fraction(120)]


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 60), st.sampled_from(RATES), st.integers(0, 2**31))
def test_exact_on_cubics_and_never_beyond_the_ends(n_frames: int, fps: Fraction, seed: int) -> None:
    track = cubic_track(n_frames, 3, seed=seed)
    new = resample(track, fps)
    coarse = cubic_track(1, 3, np.zeros(1), seed=seed)
    assert coarse.n_frames == 1
    assert new.fps == fps
    assert new.n_frames == (n_frames - 1) * fps // 30 + 1
    assert new.times_s[-1] <= track.times_s[-1] + 1e-12
    expected = cubic_track(new.n_frames, 3, np.array(new.times_s), seed=seed).points
    np.testing.assert_allclose(new.points, expected, atol=1e-6 * np.abs(expected).max())


def test_there_and_back_is_exact() -> None:
    track = walker(91)
    back = resample(resample(track, 120), 30)
    np.testing.assert_allclose(back.points, track.points, atol=1e-9)
    np.testing.assert_allclose(back.confidence, track.confidence, atol=1e-12)


def test_a_band_limited_wave_between_its_samples() -> None:
    track = walker(151, 50, noise_heights=0.0)
    np.testing.assert_allclose(resample(track, 100).points, walker(301, 100, noise_heights=0.0).points, atol=0.2)


def test_gaps_stay_and_lone_sightings_survive_where_a_frame_falls_on_them() -> None:
    track = lost(walker(61), slice(20, 25), ["nose"])
    track = lost(lost(track, slice(30, 34), ["l_ear"]), slice(35, 40), ["l_ear"])
    new = resample(track, 60)
    nose, ear = BODY_25.index("nose"), BODY_25.index("l_ear")
    np.testing.assert_array_equal(np.flatnonzero(~new.observed[:, nose]), np.arange(39, 50))
    assert np.flatnonzero(new.observed[59:80, ear]).tolist() == [68 - 59]
    np.testing.assert_array_equal(new.points[68, ear], track.points[34, ear])


def test_timestamps_are_honoured() -> None:
    times_s = 10.0 + np.cumsum(np.random.default_rng(2).uniform(0.02, 0.05, 60))
    track = cubic_track(60, 3, times_s)
    new = resample(track, 50)
    assert new.timestamps_s is not None
    np.testing.assert_allclose(np.diff(new.times_s), 0.02, atol=1e-9)
    assert new.times_s[0] == times_s[0]
    assert times_s[-1] - 0.02 < new.times_s[-1] <= times_s[-1] + 1e-6
    expected = cubic_track(new.n_frames, 3, np.array(new.times_s)).points
    np.testing.assert_allclose(new.points, expected, rtol=1e-5)


def test_the_same_rate_changes_nothing() -> None:
    track = walker(20)
    np.testing.assert_array_equal(resample(track, 30).points, track.points)
    assert resample(track.with_notes(points=track.points[:1], confidence=track.confidence[:1]), 60).n_frames == 1


@pytest.mark.parametrize("fps", [0, -5, "many", float("nan"), 1e9])
def test_rates_that_make_no_sense(fps: object) -> None:
    with pytest.raises(InputError):
        resample(walker(20), fps)  # pyright: ignore[reportArgumentType]

"""Filters against their definition: -3 dB where they say, the published One-Euro recursion, medians of what is seen."""

import math
from fractions import Fraction

import numpy as np
import pytest
from walking_keypoints import HEIGHT_PX, lost, walker

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.refine.keypoints_smooth import OneEuro, butterworth, median, one_euro
from maquette.skeletons import COCO_17


def sines(frequency_hz: float, fps: Fraction, seconds: float, times_s: np.ndarray | None = None) -> Keypoints:
    """All joints swing by 100 px."""
    time_s = np.arange(int(seconds * float(fps))) / float(fps) if times_s is None else times_s
    points = 500 + 100 * np.sin(2 * np.pi * frequency_hz * time_s)[:, None, None] * np.ones((17, 2))
    return Keypoints(points, np.ones(points.shape[:2]), COCO_17, fps, timestamps_s=times_s)


@pytest.mark.parametrize("fps", [Fraction(30000, 1001), Fraction(25), Fraction(50), Fraction(120)])
@pytest.mark.parametrize("cutoff_hz", [3.0, 6.0, 10.0])
def test_butterworth_is_three_decibels_down_at_its_cutoff(fps: Fraction, cutoff_hz: float) -> None:
    filtered = butterworth(sines(cutoff_hz, fps, 20), cutoff_hz=cutoff_hz)
    middle = filtered.points[len(filtered.points) // 4 : -len(filtered.points) // 4, 0, 0] - 500
    # The power of a sine is half its squared amplitude.
    assert 20 * math.log10(math.sqrt(2 * np.mean(middle**2)) / 100) == pytest.approx(-10 * math.log10(2), abs=0.05)


def test_butterworth_has_no_delay_and_keeps_slow_movement() -> None:
    slow = sines(0.5, Fraction(30), 10)
    np.testing.assert_allclose(butterworth(slow, cutoff_hz=6.0).points, slow.points, atol=0.5)


def test_butterworth_at_uneven_times() -> None:
    rng = np.random.default_rng(0)
    times_s = np.arange(900) / 60 + rng.uniform(-0.006, 0.006, 900)
    filtered = butterworth(sines(4.0, Fraction(60), 15, times_s), cutoff_hz=4.0)
    expected = 500 + 100 / np.sqrt(2) * np.sin(2 * np.pi * 4.0 * times_s)
    np.testing.assert_allclose(filtered.points[200:-200, 3, 1], expected[200:-200], atol=4.0)


def test_butterworth_leaves_missing_points_missing() -> None:
    track = lost(lost(walker(), slice(40, 60), ["l_wrist"]), slice(100, 101), ["nose"])
    filtered = butterworth(track, cutoff_hz=6.0)
    np.testing.assert_array_equal(filtered.observed, track.observed)
    assert np.abs(filtered.points - track.points)[track.observed].max() < 0.05 * HEIGHT_PX
    assert filtered.notes == ("2D smoothed by a zero-phase Butterworth low-pass of order 4, -3 dB at 6 Hz",)


def test_butterworth_above_half_the_rate_says_that_it_does_nothing() -> None:
    track = walker(30, 10)
    filtered = butterworth(track, cutoff_hz=6.0)
    np.testing.assert_array_equal(filtered.points, track.points)
    assert "not smoothed" in filtered.notes[0]


def published_one_euro(
    xs: list[float], steps_s: list[float], min_cutoff_hz: float, beta: float, d_cutoff_hz: float
) -> list[float]:
    """Algorithm 1 of Casiez et al. 2012 on one signal, written down a second time from the paper, in its rate form."""

    def alpha(rate: float, cutoff: float) -> float:
        tau = 1.0 / (2 * math.pi * cutoff)
        te = 1.0 / rate
        return 1.0 / (1.0 + tau / te)

    hat, dhat, out = xs[0], 0.0, [xs[0]]
    for x, step_s in zip(xs[1:], steps_s[1:], strict=True):
        rate = 1.0 / step_s
        a = alpha(rate, d_cutoff_hz)
        dhat = a * ((x - hat) * rate) + (1 - a) * dhat
        a = alpha(rate, min_cutoff_hz + beta * abs(dhat))
        hat = a * x + (1 - a) * hat
        out.append(hat)
    return out


def test_one_euro_is_the_published_recursion() -> None:
    rng = np.random.default_rng(3)
    samples = rng.normal(size=(200, 4)).cumsum(0)
    steps_s = rng.uniform(0.005, 0.05, 200)
    euro = OneEuro(min_cutoff_hz=1.3, beta=0.4, derivative_cutoff_hz=0.8)
    got = np.stack([euro(sample, float(step)) for sample, step in zip(samples, steps_s, strict=True)])
    for channel in range(4):
        expected = published_one_euro(samples[:, channel].tolist(), steps_s.tolist(), 1.3, 0.4, 0.8)
        np.testing.assert_allclose(got[:, channel], expected, rtol=1e-12)


def test_one_euro_goes_on_after_a_gap_with_the_time_that_has_passed() -> None:
    euro, other = OneEuro(min_cutoff_hz=1.0, beta=0.1), OneEuro(min_cutoff_hz=1.0, beta=0.1)
    for value in (1.0, 2.0, 3.0):
        euro(np.array([value]), 0.1)
        other(np.array([value]), 0.1)
    assert np.isnan(euro(np.array([np.nan]), 0.1)[0])
    np.testing.assert_allclose(euro(np.array([5.0]), 0.1), other(np.array([5.0]), 0.2))


def test_one_euro_of_a_track_does_not_depend_on_the_size_of_the_picture() -> None:
    track = walker()
    small = track.with_notes(points=track.points / 4)
    np.testing.assert_allclose(one_euro(small).points * 4, one_euro(track).points, rtol=1e-9)


def test_one_euro_steadies_who_stands_and_follows_who_moves() -> None:
    rng = np.random.default_rng(0)
    moving = walker(300, 60, noise_heights=0.0)
    still = moving.with_notes(points=np.repeat(moving.points[:1], 300, axis=0))
    jitter = rng.normal(size=still.points.shape) * 3.0
    steadied = one_euro(still.with_notes(points=still.points + jitter), min_cutoff_hz=1.0)
    assert (steadied.points - still.points)[60:].std() < 0.5 * 3.0
    assert np.abs(one_euro(moving).points - moving.points).max() < 0.06 * HEIGHT_PX


@pytest.mark.parametrize("options", [{"min_cutoff_hz": 0.0}, {"beta": -1.0}, {"derivative_cutoff_hz": -1.0}])
def test_one_euro_refuses_nonsense(options: dict[str, float]) -> None:
    with pytest.raises(InputError):
        OneEuro(**options)


def test_one_euro_refuses_time_that_stands_still_and_other_shapes() -> None:
    euro = OneEuro()
    euro(np.zeros(3), 0.1)
    with pytest.raises(InputError, match="time step"):
        euro(np.zeros(3), 0.0)
    with pytest.raises(InputError, match="shape"):
        euro(np.zeros(4), 0.1)


def test_median_against_numpy() -> None:
    track = lost(walker(60), slice(20, 24), ["l_wrist"])
    smooth = median(track, window_s=0.2)
    for frame in range(60):
        window = track.points[max(frame - 3, 0) : frame + 4]
        with np.errstate(all="ignore"):
            for joint in range(25):
                if track.observed[frame, joint]:
                    np.testing.assert_allclose(smooth.points[frame, joint], np.nanmedian(window[:, joint], axis=0))
    np.testing.assert_array_equal(smooth.observed, track.observed)
    with pytest.raises(InputError):
        median(track, window_s=0.0)

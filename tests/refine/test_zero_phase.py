"""The low-pass against scipy's own Butterworth run forward and backward, and against what a low-pass must do."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.errors import InputError
from maquette.refine.zero_phase import butterworth_gain, zero_phase_lowpass


def test_gain_is_that_of_scipys_filter_run_both_ways() -> None:
    signal = pytest.importorskip("scipy.signal")
    for order, cutoff_hz, fps in ((2, 1.0, 25.0), (4, 6.0, 30.0), (8, 10.0, 50.0)):
        single = order // 2
        # The published correction: a single pass of degree n is placed at cutoff / (sqrt 2 - 1)^(1/2n), prewarped.
        warped = np.tan(np.pi * cutoff_hz / fps) / (np.sqrt(2) - 1) ** (1 / (2 * single))
        sos = signal.butter(single, fps / np.pi * np.arctan(warped), fs=fps, output="sos")
        frequency_hz = np.linspace(0, 0.49 * fps, 64)
        _, response = signal.sosfreqz(sos, worN=frequency_hz, fs=fps)
        np.testing.assert_allclose(
            butterworth_gain(frequency_hz, fps, cutoff_hz, order), np.abs(response) ** 2, atol=1e-9
        )


def test_same_as_scipy_away_from_the_ends() -> None:
    signal = pytest.importorskip("scipy.signal")
    values = np.random.default_rng(0).normal(size=(600, 5)).cumsum(0)
    warped = np.tan(np.pi * 6 / 30) / (np.sqrt(2) - 1) ** 0.25
    sos = signal.butter(2, 30 / np.pi * np.arctan(warped), fs=30, output="sos")
    expected = signal.sosfiltfilt(sos, values, axis=0)
    np.testing.assert_allclose(zero_phase_lowpass(values, 30, 6.0)[60:-60], expected[60:-60], atol=1e-9)


@pytest.mark.parametrize("order", [2, 4, 6])
@pytest.mark.parametrize("fps", [Fraction(30000, 1001), 50, 240.0])
def test_a_sine_at_the_cutoff_loses_three_decibels_and_keeps_its_phase(fps: Fraction | float, order: int) -> None:
    times_s = np.arange(int(float(fps) * 40)) / float(fps)
    sine = np.sin(2 * np.pi * 6.0 * times_s)[:, None]
    filtered = zero_phase_lowpass(sine, fps, 6.0, order)
    middle = slice(len(sine) // 4, -len(sine) // 4)
    np.testing.assert_allclose(filtered[middle], sine[middle] / np.sqrt(2), atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 40), st.floats(0.2, 14.0), st.integers(0, 2**31))
def test_lines_pass_and_gaps_stay(n_frames: int, cutoff_hz: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    line = np.arange(n_frames)[:, None] * rng.normal(size=(1, 4)) + rng.normal(size=(1, 4))
    missing = rng.random((n_frames, 4)) < 0.2
    values = np.where(missing, np.nan, line)
    filtered = zero_phase_lowpass(values, 30, cutoff_hz)
    assert filtered.shape == values.shape
    np.testing.assert_array_equal(np.isnan(filtered), missing)
    np.testing.assert_allclose(filtered, values, atol=1e-9)


def test_each_run_is_filtered_as_if_alone() -> None:
    values = np.random.default_rng(1).normal(size=(50, 2))
    with_gap = values.copy()
    with_gap[20:24, 0] = np.nan
    filtered = zero_phase_lowpass(with_gap, 30, 3)
    np.testing.assert_allclose(filtered[24:, :1], zero_phase_lowpass(values[24:, :1], 30, 3), atol=1e-12)
    np.testing.assert_allclose(filtered[:, 1:], zero_phase_lowpass(values[:, 1:], 30, 3), atol=1e-12)


def test_the_ends_are_smoothed_too() -> None:
    noise = np.random.default_rng(2).normal(size=(30, 400))
    filtered = zero_phase_lowpass(noise, 30, 2.0)
    assert filtered[0].std() < 0.75
    assert filtered[15].std() < 0.5


def test_a_cutoff_above_half_the_frame_rate_changes_nothing() -> None:
    values = np.random.default_rng(3).normal(size=(20, 3))
    np.testing.assert_array_equal(zero_phase_lowpass(values, 10, 6.0), values)


@pytest.mark.parametrize(("fps", "cutoff_hz", "order"), [(30, 0.0, 4), (30, -1.0, 4), (30, 6.0, 3), (30, np.nan, 4)])
def test_nonsense_is_refused(fps: int, cutoff_hz: float, order: int) -> None:
    with pytest.raises(InputError):
        zero_phase_lowpass(np.zeros((5, 1)), fps, float(cutoff_hz), order)

"""Smoothness against closed forms and laws."""

from fractions import Fraction

import numpy as np
import pytest
from made_body import made_motion

from maquette.errors import InputError
from maquette.measure import log_dimensionless_jerk, measure_motion, sparc
from maquette.motion import Motion
from maquette.skeletons import LIFTED_21


def _least_jerk(n: int) -> np.ndarray:
    tau = np.linspace(0, 1, n)
    path = np.zeros((n, 3))
    path[:, 1] = 0.3 * (10 * tau**3 - 15 * tau**4 + 6 * tau**5)
    return path


@pytest.mark.parametrize(("n", "fps"), [(401, 400), (801, 200)])
def test_jerk_of_a_least_jerk_movement(n: int, fps: int) -> None:
    # Integral of squared jerk 720 D^2 / T^5 and peak speed 1.875 D / T (Flash and Hogan 1985).
    assert log_dimensionless_jerk(_least_jerk(n), fps) == pytest.approx(-np.log(720 / 1.875**2), abs=0.02)


def test_jerk_of_a_sine() -> None:
    # x = A sin(w t) over k whole periods: T^3 / (A w)^2 * A^2 w^6 T / 2 = (w T)^4 / 2.
    periods, n = 3, 6001
    t = np.linspace(0, 1, n)
    path = np.zeros((n, 3))
    path[:, 0] = 0.2 * np.sin(2 * np.pi * periods * t)
    assert log_dimensionless_jerk(path, n - 1) == pytest.approx(-np.log((2 * np.pi * periods) ** 4 / 2), abs=0.01)


def test_spectral_arc_length_of_a_gaussian_speed() -> None:
    # The spectrum of a Gaussian of width s is exp(-(2 pi s f)^2 / 2), cut off where it is 0.05.
    fps, width_s = 200.0, 0.15
    t = np.arange(-2, 2, 1 / fps)
    end = np.sqrt(-2 * np.log(0.05))
    u = np.linspace(0, 1, 20_001)
    arc = np.hypot(np.diff(u), np.diff(np.exp(-((end * u) ** 2) / 2))).sum()
    assert sparc(np.exp(-0.5 * (t / width_s) ** 2), fps) == pytest.approx(-arc, abs=0.01)


def test_smoothness_does_not_depend_on_size_and_duration_and_sees_roughness() -> None:
    path = _least_jerk(301)
    speed = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert sparc(5 * speed, 100) == pytest.approx(sparc(speed, 100))
    assert log_dimensionless_jerk(3 * path, 50) == pytest.approx(log_dimensionless_jerk(path, 100))
    rough = speed * (1 + 0.5 * np.sin(np.arange(300) * 0.5))
    assert sparc(rough, 100) < sparc(speed, 100) - 0.3


def test_what_cannot_be_measured_is_refused_or_told() -> None:
    with pytest.raises(InputError, match="two or more"):
        sparc(np.array([1.0]), 50)
    with pytest.raises(InputError, match="all finite"):
        log_dimensionless_jerk(np.full((9, 3), np.nan), 50)
    assert np.isnan(log_dimensionless_jerk(np.zeros((9, 3)), 50))
    slow = made_motion(40, 1)
    slow = Motion(positions=slow.positions, skeleton=LIFTED_21, fps=Fraction(15), frame="world")
    told = measure_motion(slow).number("sparc:l_wrist")
    assert any("too few for smoothness" in warning for warning in told.warnings)
    filtered = made_motion(60, 1).with_notes(
        "3D smoothed by a zero-phase Butterworth low-pass of order 4, -3 dB at 6 Hz"
    )
    told = measure_motion(filtered).number("ldlj:hip")
    assert any("low-passed at 6 Hz" in warning for warning in told.warnings)

"""The rate behind the time stamps of a clip: exact if they follow one, else the usual one."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Int64

from maquette.frozen_arrays import FASTEST_FPS, SLOWEST_FPS

_BROADCAST = tuple(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120, 240))
_GAP_SHARE = 0.1


@dataclass(frozen=True)
class Rate:
    """How often a clip shows a picture."""

    fps: Fraction
    is_variable: bool
    """False: every time is a whole number of periods, give or take the rounding to the file's clock. (Some periods may
    have no picture: where frames were lost.)"""


def rate_of(ticks: Int64[np.ndarray, " frames"], tick_s: Fraction, stated: Iterable[Fraction | None]) -> Rate:
    """Rate of a clip.

    A constant rate is one that puts every time within the rounding of the clock. Several can (30 and 30000/1001 over
    half a second in milliseconds); then a usual one that the file states wins, then a usual one near the mean, then
    what else the file states, then the spacing itself.

    Args:
        ticks: time of each picture, increasing.
        tick_s: unit of the file's clock.
        stated: what the file's header says; may be wrong.
    """
    claims = [rate for rate in stated if rate is not None and SLOWEST_FPS <= rate <= FASTEST_FPS]
    if len(ticks) < 2:
        return Rate(claims[0] if claims else Fraction(30), False)
    steps = np.diff(ticks)
    typical = 1 / (int(np.median(steps)) * tick_s) if np.median(steps) >= 1 else 1 / tick_s
    mean = Fraction(len(steps)) / (int(ticks[-1] - ticks[0]) * tick_s)
    candidates = [rate for rate in claims if _is_usual(rate)] + _usual_near(mean) + _usual_near(typical)
    candidates += [*claims, typical]
    for rate in candidates:
        if SLOWEST_FPS <= rate <= FASTEST_FPS and _fits(ticks, tick_s, rate):
            return Rate(rate, False)
    near = _usual_near(typical, within=0.05)
    best = near[0] if near else typical.limit_denominator(1000)
    return Rate(min(max(best, SLOWEST_FPS), Fraction(FASTEST_FPS)), True)


def _fits(ticks: Int64[np.ndarray, " frames"], tick_s: Fraction, rate: Fraction) -> bool:
    periods = (ticks - ticks[0]).astype(np.float64) * float(tick_s * rate)
    numbers = np.rint(periods)
    steps = np.diff(numbers)
    if (steps < 1).any() or np.mean(steps > 1) > _GAP_SHARE:
        return False
    # Rounded to a clock, times that are evenly spaced are never more than one tick apart from each other's rhythm.
    slack = min(1.02 * float(tick_s * rate), 0.45)
    return float(np.ptp(periods - numbers)) <= slack


def _is_usual(rate: Fraction) -> bool:
    return rate.denominator == 1 or rate in _BROADCAST


def _usual_near(rate: Fraction, within: float = 0.02) -> list[Fraction]:
    """Whole and broadcast rates near one, the nearest first."""
    near = [usual for usual in (Fraction(max(round(rate), 1)), *_BROADCAST) if abs(usual / rate - 1) <= within]
    return sorted(near, key=lambda usual: abs(usual - rate))

"""Zero-phase Butterworth low-pass on plain arrays, for 2D tracks and 3D motions alike."""

from fractions import Fraction

import numpy as np
from jaxtyping import Complex, Float

from maquette.errors import InputError

_CHANNELS_AT_ONCE = 32
"""Bounds the memory of the transforms: 100,000 frames take about 100 MB."""


def butterworth_gain(
    frequency_hz: Float[np.ndarray, " frequencies"], fps: Fraction | float | int, cutoff_hz: float | int, order: int = 4
) -> Float[np.ndarray, " frequencies"]:
    """Amplitude gain of the filter, forward and backward pass together; 1/sqrt(2) at ``cutoff_hz``.

    One pass of a digital Butterworth filter of degree n has the power gain 1 / (1 + (tan(pi f/fps) /
    tan(pi fc/fps))^2n) (bilinear transform, prewarped), which is the amplitude gain of two passes. fc is placed above
    ``cutoff_hz`` so that the pair, not the single pass, is down by 3 dB there (Winter, Biomechanics and Motor Control
    of Human Movement, on the cutoff of cascaded passes).
    """
    degree = order // 2
    ratio = np.tan(np.pi * frequency_hz / float(fps)) / np.tan(np.pi * float(cutoff_hz) / float(fps))
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + (np.sqrt(2.0) - 1.0) * ratio ** (2 * degree))


def zero_phase_lowpass(
    values: Float[np.ndarray, "frames channels"], fps: Fraction | float | int, cutoff_hz: float | int, order: int = 4
) -> Float[np.ndarray, "frames channels"]:
    """Low-pass each channel without delay.

    ``order`` is that of forward and backward pass together (4 = a second-order filter run both ways), and the amplitude
    at ``cutoff_hz`` is 1/sqrt(2) after both. Each run of finite samples is filtered on its own; NaN stays NaN. Runs of
    one or two samples, and everything when ``cutoff_hz`` is at or above half of ``fps``, come back unchanged. Straight
    lines pass exactly. Beyond its ends a run is continued by point reflection about the value that a line fitted to
    half a period of the cutoff has there, so the first and last samples are smoothed, not pinned.

    Raises:
        InputError: cutoff or fps not positive, or an order that is not 2, 4, 6, 8 or 10.
    """
    if not float(fps) > 0 or not float(cutoff_hz) > 0:
        raise InputError(f"low-pass with cutoff {cutoff_hz} Hz at {fps} fps: both must be positive")
    if order not in (2, 4, 6, 8, 10):
        raise InputError(f"low-pass of order {order}: expected 2, 4, 6, 8 or 10 (forward and backward pass together)")
    result = np.array(values, dtype=np.float64)
    if 2 * float(cutoff_hz) >= float(fps):
        return result
    for (start, stop), channels in _finite_runs(result).items():
        if stop - start < 3:
            continue
        for first in range(0, len(channels), _CHANNELS_AT_ONCE):
            block = channels[first : first + _CHANNELS_AT_ONCE]
            result[start:stop, block] = _filtered(result[start:stop, block], float(fps), float(cutoff_hz), order)
    return result


def _finite_runs(values: Float[np.ndarray, "frames channels"]) -> dict[tuple[int, int], list[int]]:
    """Runs ``[start, stop)`` of finite samples, each with the channels that have exactly this run."""
    finite = np.isfinite(values)
    if finite.all():
        return {(0, len(values)): list(range(values.shape[1]))}
    edges = np.diff(np.pad(finite.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    runs: dict[tuple[int, int], list[int]] = {}
    for channel in range(values.shape[1]):
        starts, stops = np.flatnonzero(edges[:, channel] == 1), np.flatnonzero(edges[:, channel] == -1)
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            runs.setdefault((start, stop), []).append(channel)
    return runs


def _filtered(run: np.ndarray, fps: float, cutoff_hz: float, order: int) -> np.ndarray:
    """One gap-free run: less the line between its ends it is a sum of waves, each scaled by its gain."""
    n = len(run)
    window = min(n, max(3, round(0.5 * fps / cutoff_hz) + 1))
    ends = np.stack((_line_at_start(run[:window]), _line_at_start(run[::-1][:window])))
    ramp = np.linspace(0.0, 1.0, n)[:, None]
    line = (1 - ramp) * ends[0] + ramp * ends[1]
    inner = np.ascontiguousarray((run - line)[1:-1].T)
    # What lies further away than six periods of the cutoff has no influence; a short run is reflected as a whole.
    reach = min(n - 2, int(6 * fps / cutoff_hz) + 1)
    length = 2 * (n - 1) if reach == n - 2 else _fast_length(n + 2 * reach)
    periodic = np.zeros((run.shape[1], length))
    periodic[:, 1 : n - 1] = inner
    periodic[:, n : n + reach] = -inner[:, ::-1][:, :reach]
    periodic[:, length - reach :] = -inner[:, :reach][:, ::-1]
    spectrum: Complex[np.ndarray, "channels frequencies"] = np.fft.rfft(periodic)
    spectrum *= butterworth_gain(np.fft.rfftfreq(length, 1.0 / fps), fps, cutoff_hz, order)
    return line + np.fft.irfft(spectrum, n=length)[:, :n].T


def _fast_length(at_least: int) -> int:
    """The smallest length of a few small prime factors: transforms of others are several times slower."""
    return min(odd * 2 ** int(np.ceil(np.log2(at_least / odd))) for odd in (1, 3, 5, 9, 15))


def _line_at_start(head: np.ndarray) -> np.ndarray:
    """Value at the first sample of the least-squares line through ``head``."""
    m = len(head)
    k = np.arange(m)
    # Row of the hat matrix of a straight line at k = 0.
    weights = (2.0 * (2 * m - 1) - 6.0 * k) / (m * (m + 1))
    return weights @ head

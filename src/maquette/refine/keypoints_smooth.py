"""Low-passes for 2D tracks: zero-phase Butterworth, moving median, and the One-Euro filter for streams."""

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.refine.keypoints_scale import body_height_px
from maquette.refine.zero_phase import zero_phase_lowpass

_UNEVEN = 0.05
"""Timestamps further than this share of a frame from an even grid count as uneven."""


def butterworth(keypoints: Keypoints, *, cutoff_hz: float | int = 8.0, order: int = 4) -> Keypoints:
    """Zero-phase low-pass, -3 dB at ``cutoff_hz`` after both passes
    (:func:`~maquette.refine.zero_phase.zero_phase_lowpass`).

    Runs between missing points are filtered on their own, missing points stay missing. Frames at uneven times are
    brought to even ones by straight lines, filtered there, and brought back. Where half the frame rate does not exceed
    the cutoff, nothing is done and a note says so.

    Raises:
        InputError: a cutoff that is not positive, or an order other than 2, 4, 6, 8, 10.
    """
    flat = keypoints.points.reshape(keypoints.n_frames, 2 * keypoints.n_joints)
    filtered = _filtered(flat, keypoints, cutoff_hz, order)
    fps = float(keypoints.fps)
    if 2 * cutoff_hz >= fps:
        return keypoints.with_notes(
            f"2D not smoothed: the cutoff of {cutoff_hz:g} Hz is not below half of {fps:g} frames/s"
        )
    return keypoints.with_notes(
        f"2D smoothed by a zero-phase Butterworth low-pass of order {order}, -3 dB at {cutoff_hz:g} Hz",
        points=filtered.reshape(keypoints.points.shape),
    )


def _filtered(
    flat: Float[np.ndarray, "frames channels"], keypoints: Keypoints, cutoff_hz: float | int, order: int
) -> Float[np.ndarray, "frames channels"]:
    times_s, fps = keypoints.times_s, float(keypoints.fps)
    n = len(times_s)
    if n < 3:
        return flat.copy()
    if np.abs(times_s - times_s[0] - np.arange(n) / fps).max() * fps < _UNEVEN:
        return zero_phase_lowpass(flat, keypoints.fps, cutoff_hz, order)
    even_s = np.arange(times_s[0], times_s[-1] + 1 / fps, 1 / fps)
    even = zero_phase_lowpass(_lines(even_s, times_s, flat), keypoints.fps, cutoff_hz, order)
    back = _lines(times_s, even_s, even)
    # A sighting too short to reach a point of the grid cannot be filtered and stays.
    return np.where(np.isfinite(back) | ~np.isfinite(flat), back, flat)


def _lines(
    at_s: Float[np.ndarray, " wanted"],
    times_s: Float[np.ndarray, " frames"],
    values: Float[np.ndarray, "frames channels"],
) -> Float[np.ndarray, "wanted channels"]:
    """Values at other times by straight lines; NaN where one of the two neighbours is."""
    low = np.clip(np.searchsorted(times_s, at_s, side="right") - 1, 0, len(times_s) - 2)
    share = np.clip((at_s - times_s[low]) / (times_s[low + 1] - times_s[low]), 0.0, 1.0)[:, None]
    # Zero times NaN is NaN: a neighbour that has no part in the value must not spoil it.
    left = np.where(share == 1.0, 0.0, values[low]) * (1 - share)
    right = np.where(share == 0.0, 0.0, values[low + 1]) * share
    return left + right


def median(keypoints: Keypoints, *, window_s: float | int = 0.2) -> Keypoints:
    """Moving median of each coordinate over the sightings within ``window_s`` / 2 to both sides; missing points stay
    missing, windows are cut off at the ends.

    Raises:
        InputError: a window that is not positive.
    """
    if not window_s > 0:
        raise InputError(f"median window is {window_s:g} s, expected a positive time")
    half = round(0.5 * window_s * float(keypoints.fps))
    points = keypoints.points
    padded = np.pad(points, ((half, half), (0, 0), (0, 0)), constant_values=np.nan)
    smooth = np.empty_like(points)
    for first in range(0, len(points), 4096):
        block = padded[first : first + 4096 + 2 * half]
        windows = np.lib.stride_tricks.sliding_window_view(block, 2 * half + 1, axis=0)
        ordered = np.sort(windows, axis=-1)
        count = np.isfinite(ordered).sum(-1)
        upper = np.minimum(count // 2, 2 * half)[..., None]
        lower = np.maximum((count - 1) // 2, 0)[..., None]
        middle = 0.5 * (np.take_along_axis(ordered, lower, -1) + np.take_along_axis(ordered, upper, -1))
        smooth[first : first + 4096] = middle[..., 0]
    smooth[~keypoints.observed] = np.nan
    return keypoints.with_notes(f"2D smoothed by a moving median over {2 * half + 1} frames", points=smooth)


class OneEuro:
    """The One-Euro filter (Casiez, Roussel, Vogel, CHI 2012, algorithm 1) on an array of signals, one sample at a time.

    A low-pass whose cutoff rises with speed: steady when still, prompt when moving. NaN samples give NaN and leave the
    state alone; a signal that comes back is filtered with the time that has passed since.
    """

    def __init__(
        self, *, min_cutoff_hz: float | int = 1.0, beta: float | int = 0.0, derivative_cutoff_hz: float | int = 1.0
    ) -> None:
        """Filter without a past.

        Args:
            min_cutoff_hz: cutoff at rest.
            beta: rise of the cutoff in Hz for each unit per second of speed; its size depends on the signal's unit.
            derivative_cutoff_hz: cutoff of the low-pass on the speed.

        Raises:
            InputError: a cutoff that is not positive or a negative beta.
        """
        if not (min_cutoff_hz > 0 and derivative_cutoff_hz > 0 and beta >= 0):
            raise InputError(
                f"One-Euro filter with min_cutoff_hz {min_cutoff_hz:g}, derivative_cutoff_hz {derivative_cutoff_hz:g}, "
                f"beta {beta:g}; expected positive cutoffs and beta of 0 or more"
            )
        self.min_cutoff_hz = min_cutoff_hz
        self.beta = beta
        self.derivative_cutoff_hz = derivative_cutoff_hz
        self._value: np.ndarray | None = None
        self._speed = np.zeros(0)
        self._elapsed_s = np.zeros(0)

    def __call__(self, sample: Float[np.ndarray, "*shape"], dt_s: float | int) -> Float[np.ndarray, "*shape"]:
        """Filtered ``sample``; ``dt_s`` is the time since the sample before (ignored for the first).

        Raises:
            InputError: a time step that is not positive, or a sample of another shape than those before.
        """
        if self._value is None:
            self._value = np.full(sample.shape, np.nan)
            self._speed, self._elapsed_s = np.zeros(sample.shape), np.zeros(sample.shape)
            dt_s = 1.0
        if not dt_s > 0 or sample.shape != self._value.shape:
            raise InputError(
                f"One-Euro filter: time step {dt_s:g} s and sample of shape {sample.shape}; expected a positive step "
                f"and shape {self._value.shape}"
            )
        seen, known = np.isfinite(sample), np.isfinite(self._value)
        step_s = self._elapsed_s + dt_s
        speed = (np.where(seen & known, sample, 0.0) - np.where(seen & known, self._value, 0.0)) / step_s
        speed = self._speed + _alpha(step_s, self.derivative_cutoff_hz) * (speed - self._speed)
        alpha = _alpha(step_s, self.min_cutoff_hz + self.beta * np.abs(speed))
        mixed = np.where(known, self._value + alpha * (sample - self._value), sample)
        self._value = np.where(seen, mixed, self._value)
        self._speed = np.where(seen & known, speed, self._speed)
        self._elapsed_s = np.where(seen, 0.0, step_s)
        return np.where(seen, mixed, np.nan)


def _alpha(step_s: np.ndarray, cutoff_hz: np.ndarray | float) -> np.ndarray:
    """Smoothing factor of a first-order low-pass."""
    return 1.0 / (1.0 + 1.0 / (2.0 * np.pi * cutoff_hz * step_s))


def one_euro(
    keypoints: Keypoints,
    *,
    min_cutoff_hz: float | int = 2.0,
    beta: float | int = 6.0,
    derivative_cutoff_hz: float | int = 1.0,
) -> Keypoints:
    """The One-Euro filter over a whole track, as a stream would see it (it lags behind; :func:`butterworth` does not).

    ``beta`` is in Hz per body height and second, so the result does not depend on the size of the picture.

    Raises:
        InputError: see :class:`OneEuro`.
    """
    euro = OneEuro(min_cutoff_hz=min_cutoff_hz, beta=beta, derivative_cutoff_hz=derivative_cutoff_hz)
    height_px = float(np.median(body_height_px(keypoints))) if keypoints.n_frames else np.nan
    if not np.isfinite(height_px):
        return keypoints
    steps_s = np.diff(keypoints.times_s, prepend=keypoints.times_s[0] - 1.0)
    smooth = np.stack([euro(p, s) for p, s in zip(keypoints.points / height_px, steps_s.tolist(), strict=True)])
    return keypoints.with_notes(
        f"2D smoothed by a One-Euro filter: {min_cutoff_hz:g} Hz at rest, {beta:g} Hz more per body height and second",
        points=smooth * height_px,
    )

"""How smooth movements are: spectral arc length and log dimensionless jerk, from their formulas."""

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.measure.number import Number
from maquette.motion import Motion
from maquette.refine.keypoints_edits import runs
from maquette.refine.zero_phase import zero_phase_lowpass

CUTOFF_HZ = 10.0
"""Human movement has little above it; SPARC's default."""
_JOINTS = ("hip", "head", "l_wrist", "r_wrist", "l_ankle", "r_ankle")
_LEAST_S = 0.5
_LEAST_WAY_M = 0.02


def sparc(
    speed: Float[np.ndarray, " samples"],
    fps: float | int,
    *,
    cutoff_hz: float | int = CUTOFF_HZ,
    threshold: float = 0.05,
    padding: int = 4,
) -> float:
    """Spectral arc length of a speed profile (Balasubramanian et al. 2015).

    The arc length, negative, of the magnitude spectrum over its value at 0 Hz, both axes scaled to 1, from 0 to the
    last frequency within ``cutoff_hz`` at which the magnitude reaches ``threshold``. The profile is padded with zeros
    to ``2^(ceil(log2 n) + padding)`` samples. NaN for a profile of zeros.

    Raises:
        InputError: fewer than two samples, samples that are not finite, or ``fps`` not positive.
    """
    if len(speed) < 2 or not np.isfinite(speed).all() or not float(fps) > 0:
        raise InputError(
            f"SPARC of {len(speed)} samples at {fps} per second: expected two or more, all finite, and a positive rate"
        )
    size = 2 ** (int(np.ceil(np.log2(len(speed)))) + padding)
    magnitude = np.abs(np.fft.rfft(speed, size))
    if magnitude.max() <= 0:
        return float("nan")
    frequency_hz = np.fft.rfftfreq(size, 1.0 / float(fps))
    magnitude = magnitude / magnitude.max()
    within = frequency_hz <= cutoff_hz
    frequency_hz, magnitude = frequency_hz[within], magnitude[within]
    heard = np.flatnonzero(magnitude >= threshold)
    frequency_hz, magnitude = frequency_hz[: heard[-1] + 1], magnitude[: heard[-1] + 1]
    if len(frequency_hz) < 2:
        return float("nan")
    across = np.diff(frequency_hz) / (frequency_hz[-1] - frequency_hz[0])
    return -float(np.hypot(across, np.diff(magnitude)).sum())


def log_dimensionless_jerk(path_m: Float[np.ndarray, "samples 3"], fps: float | int) -> float:
    """``-ln(T^3 / v_peak^2 * integral of |jerk|^2 dt)`` of a path (Hogan and Sternad 2009;
    Balasubramanian et al. 2015), by finite differences. A movement of least jerk has -5.32; NaN for a path that stands
    still.

    Raises:
        InputError: fewer than five samples, samples that are not finite, or ``fps`` not positive.
    """
    if len(path_m) < 5 or not np.isfinite(path_m).all() or not float(fps) > 0:
        raise InputError(
            f"jerk of {len(path_m)} samples at {fps} per second: expected five or more, all finite, and a positive rate"
        )
    step_s = 1.0 / float(fps)
    velocity = np.diff(path_m, axis=0) / step_s
    jerk = np.diff(velocity, 2, axis=0) / step_s**2
    peak = float(np.linalg.norm(velocity, axis=-1).max())
    duration_s = (len(path_m) - 1) * step_s
    # Known at the middles of all stretches of one step but the first and the last, which take their neighbours'.
    squares = np.square(jerk).sum(axis=-1)
    total = float(squares.sum() + squares[0] + squares[-1]) * step_s
    if peak <= 1e-9 or total <= 0:
        return float("nan")
    return -float(np.log(duration_s**3 / peak**2 * total))


def smoothness_numbers(motion: Motion) -> list[Number]:
    """``sparc`` and ``ldlj`` of the hip in the world and of head, wrists and ankles as seen from the hip."""
    numbers = []
    for joint in _JOINTS:
        if joint not in motion.skeleton or "hip" not in motion.skeleton:
            continue
        path = motion.joint(joint) - (0.0 if joint == "hip" else motion.joint("hip"))
        stretch, warnings = _longest_run(path)
        if len(stretch) < max(5, _LEAST_S * float(motion.fps)):
            why = (f"fewer than {_LEAST_S:g} s without a gap",)
            numbers += [
                Number(kind, joint, float("nan"), float("nan"), "not measured", 0, why) for kind in ("sparc", "ldlj")
            ]
            continue
        calm = zero_phase_lowpass(stretch, motion.fps, CUTOFF_HZ)
        speed = np.linalg.norm(np.diff(stretch, axis=0), axis=-1) * float(motion.fps)
        if speed.max() * (len(stretch) / float(motion.fps)) < _LEAST_WAY_M:
            warnings += ("it hardly moves: there is no movement to judge",)
        elif max(speed[0], speed[-1]) > 0.1 * speed.max():
            warnings += ("the clip does not begin and end at rest: compare only clips that are cut alike",)
        basis = "not known: depends on how errors of the joints hold over time"
        numbers += [
            Number("sparc", joint, sparc(speed, float(motion.fps)), float("nan"), basis, len(stretch), warnings),
            Number(
                "ldlj",
                joint,
                log_dimensionless_jerk(calm, float(motion.fps)),
                float("nan"),
                basis,
                len(stretch),
                warnings,
            ),
        ]
    return numbers


def _longest_run(path: Float[np.ndarray, "frames 3"]) -> tuple[Float[np.ndarray, "samples 3"], tuple[str, ...]]:
    known = np.asarray(np.isfinite(path).all(axis=-1))
    found = runs(known)
    if not found:
        return path[:0], ()
    start, stop = max(found, key=lambda run: run[1] - run[0])
    gaps = (f"has gaps: from the longest stretch without one, frames {start} to {stop - 1}",) if not known.all() else ()
    return path[start:stop], gaps

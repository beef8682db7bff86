"""Range of motion of each angle, and speeds of joints."""

import numpy as np
from jaxtyping import Float

from maquette.measure.angles import JointAngles
from maquette.measure.number import Number
from maquette.motion import Motion

_UNSURE = "not known: neither the motion nor a model's card tells how sure its joints are"


def range_numbers(
    angles: JointAngles, sigma_deg: Float[np.ndarray, "frames angles"] | None, basis: str
) -> list[Number]:
    """``range``, ``least`` and ``most`` of each angle.

    The uncertainty is that of the frames in which the extremes lie, as if their errors were independent. Noise makes a
    range larger, never smaller; this is not taken out.
    """
    numbers = []
    for column, name in enumerate(angles.names):
        values = angles.values_deg[:, column]
        count = int(np.isfinite(values).sum())
        low, high = int(np.nanargmin(values)), int(np.nanargmax(values))
        sure = (float("nan"), float("nan"))
        if sigma_deg is not None:
            sure = (float(sigma_deg[low, column]), float(sigma_deg[high, column]))
        told = _UNSURE if sigma_deg is None else basis
        warnings = _warnings(values)
        numbers += [
            Number(
                "range",
                name,
                float(values[high] - values[low]),
                float(np.hypot(sure[0], sure[1])),
                told,
                count,
                warnings,
            ),
            Number("least", name, float(values[low]), sure[0], told, count, warnings),
            Number("most", name, float(values[high]), sure[1], told, count, warnings),
        ]
    return numbers


def _warnings(values: Float[np.ndarray, " frames"]) -> tuple[str, ...]:
    warnings = []
    known = np.isfinite(values)
    if not known.all():
        warnings.append(f"known in {known.sum()} of {len(values)} frames")
    steps = np.diff(values)
    if (np.abs(steps[np.isfinite(steps)]) > 180.0).any():
        warnings.append("runs across 180 degrees: least, most and range tell nothing")
    return tuple(warnings)


def speed_numbers(motion: Motion, sigma_m: Float[np.ndarray, "frames joints"] | None) -> list[Number]:
    """``speed_mean`` and ``speed_peak`` of each joint.

    The uncertainty is that of one central difference if errors were independent from frame to frame: an upper limit
    for smoothed motions, whose errors hold for longer.
    """
    if motion.n_frames < 3:
        return []
    times_s = motion.times_s
    span_s = times_s[2:] - times_s[:-2]
    velocity = (motion.positions[2:] - motion.positions[:-2]) / span_s[:, None, None]
    speed = np.linalg.norm(velocity, axis=-1)
    numbers = []
    for joint, name in enumerate(motion.skeleton.joints):
        known = speed[:, joint][np.isfinite(speed[:, joint])]
        if not known.size:
            continue
        sure, basis = float("nan"), _UNSURE
        if sigma_m is not None:
            sure = float(np.sqrt(2.0) * np.median(sigma_m[:, joint]) / np.median(span_s))
            basis = "at most: as if the errors of frames were independent"
        numbers += [
            Number("speed_mean", name, float(known.mean()), sure, basis, len(known)),
            Number("speed_peak", name, float(np.percentile(known, 95)), sure, basis, len(known)),
        ]
    return numbers

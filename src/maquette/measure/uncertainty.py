"""How sure angles are: the error of joint positions carried through their definitions.

First-order propagation (JCGM 100:2008, 5.1): with errors of the joints independent of each other and equal in all
directions, an angle's variance is the sum over its joints of sigma squared times the squared length of its gradient.
Near the ends of a definition (a straight knee, an arm that hangs) the angle bends faster than its tangent, and the
figure is a rough one.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.measure.angle_definitions import ANGLES, base_name, joints_of
from maquette.measure.angles import JointAngles, angle_rad
from maquette.measure.segments import paths_of
from maquette.motion import Motion

_STEP_M = 1e-6
_MOST_DEG = 104.0
"""Standard deviation of an angle of which nothing is known (uniform over the circle)."""
MEAN_PER_SIGMA = 2.0 * np.sqrt(2.0 / np.pi)
"""Mean length of an error that is normal with standard deviation 1 along each of three axes."""


@dataclass(frozen=True, eq=False)
class JointSigma:
    """Standard deviation of joint positions along each axis, in metres, and how it is known."""

    body_m: Float[np.ndarray, "frames joints"]
    """Of joints among each other: for angles between parts of the body."""
    world_m: Float[np.ndarray, "frames joints"]
    """In the world up to the place of the body: for angles against the vertical."""
    basis: str
    """One sentence for readers of the numbers."""


def joint_sigma(motion: Motion, sigma_m: float | int | None = None) -> JointSigma | None:
    """What is known about the errors of joints; None when nothing is.

    In this order: ``sigma_m`` given by the user; the motion's own ``sigma_m``; the accuracy of its model as measured
    on the model's card (subjects CMU 02 and 94, simulated detector errors), where the mean distance of joints, once
    turned and scaled onto the truth (PA-MPJPE), stands for joints among each other, and that of the pose as it is
    (MPJPE) for the world. A mean distance is 1.6 standard deviations along an axis.

    Raises:
        InputError: ``sigma_m`` is not positive.
    """
    shape = motion.positions.shape[:2]
    if sigma_m is not None:
        if not 0 < sigma_m < 10:
            raise InputError(f"sigma of the joints is {sigma_m:g} m; expected metres above 0, such as 0.02")
        given = np.full(shape, float(sigma_m))
        return JointSigma(given, given, f"joints sure to {1000 * sigma_m:g} mm along each axis, as given")
    if motion.sigma_m is not None and np.isfinite(motion.sigma_m).any():
        return JointSigma(motion.sigma_m, motion.sigma_m, "the motion's own sigma of each joint")
    card = _card_mm(motion.model)
    if card is None:
        return None
    world_mm, body_mm = card
    # Where the pose is a guess, the card does not hold.
    guessed = np.zeros(shape, dtype=bool) if motion.sigma_m is None else np.isinf(motion.sigma_m)
    return JointSigma(
        np.where(guessed, np.inf, body_mm / 1000 / MEAN_PER_SIGMA),
        np.where(guessed, np.inf, world_mm / 1000 / MEAN_PER_SIGMA),
        f"the card of {motion.model}: joints are {body_mm:.0f} mm wrong on average among each other, {world_mm:.0f} mm "
        "in the pose as it is (CMU 02 and 94, simulated detector), taken as independent, which they are not: real "
        "errors of angles were 0.2 to 1.2 times what this gives",
    )


def _card_mm(model: str | None) -> tuple[float, float] | None:
    """``(MPJPE, PA-MPJPE)`` in mm from the spec of a model in the package."""
    from maquette.runtime.shipped import SHIPPED, find_model

    if model not in SHIPPED:
        return None
    from maquette.runtime.onnx_model import OnnxModel

    row = OnnxModel(find_model(model)).spec.accuracy.get("CMU 02 and 94 (mean), detector errors")
    if not isinstance(row, list | tuple) or len(row) != 2:
        return None
    return float(row[0]), float(row[1])


def angle_sigma_deg(motion: Motion, angles: JointAngles, sigma: JointSigma) -> Float[np.ndarray, "frames angles"]:
    """Standard deviation of each angle in degrees, at most that of an angle of which nothing is known.

    Infinite ``sigma_m`` (poses that were guessed across a gap) gives that, too. NaN where the angle is unknown.
    """
    at = paths_of(motion)
    result = np.full(angles.values_deg.shape, np.nan)
    for column, name in enumerate(angles.names):
        per_joint_m = sigma.world_m if ANGLES[base_name(name)].world else sigma.body_m
        here_rad = angle_rad(name, at)
        variance = np.zeros(motion.n_frames)
        for joint in joints_of(name):
            gradient = _gradient(name, at, joint, here_rad)
            sigma_joint = per_joint_m[:, motion.skeleton.index(joint)]
            with np.errstate(invalid="ignore"):
                share = np.square(sigma_joint) * np.sum(np.square(gradient), axis=-1)
            # A joint of unknown sigma says nothing; one that the angle does not depend on does not matter.
            variance += np.where(np.isnan(sigma_joint), np.inf, np.where(np.isnan(share), 0.0, share))
        known = np.isfinite(angles.values_deg[:, column])
        with np.errstate(invalid="ignore"):
            result[:, column] = np.where(known, np.minimum(np.degrees(np.sqrt(variance)), _MOST_DEG), np.nan)
    return result


def _gradient(
    name: str, at: dict[str, np.ndarray], joint: str, here_rad: Float[np.ndarray, " frames"]
) -> Float[np.ndarray, "frames 3"]:
    """Derivative of an angle by the place of one joint, radians per metre, by a small step along each axis."""
    columns = []
    for axis in range(3):
        moved = at[joint].copy()
        moved[:, axis] += _STEP_M
        step = angle_rad(name, {**at, joint: moved}) - here_rad
        columns.append((step - 2 * np.pi * np.round(step / (2 * np.pi))) / _STEP_M)
    return np.stack(columns, axis=-1)

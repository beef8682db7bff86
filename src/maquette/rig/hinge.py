"""How far a limb is twisted about its upper bone, told by the plane in which its elbow or knee bends."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Complex, Float

Pulls = Complex[np.ndarray, "limbs moments"]

_STRAIGHT_RAD, _BENT_RAD = np.radians(10.0), np.radians(25.0)
"""Below the first bend the plane of the hinge is not believed at all, from the second on wholly."""
_AGAINST_RAD = np.radians(25.0)
"""More bend is asked of a plane that contradicts its neighbours: a straight knee seen bent the wrong way is noise."""
MEMORY_S = 0.25
"""Standard deviation of the weights of neighbouring moments."""
_NEUTRAL = 0.02
"""Weight of no twist, as the squared sine of a bend (8 degrees)."""
_FOOT = 0.1
"""Weight of the foot's direction for the twist of a straight leg (18 degrees)."""


def hinge_twist(
    bend: Float[np.ndarray, "limbs moments 3"],
    neighbours: Callable[[Pulls], Pulls],
    foot: Float[np.ndarray, "limbs moments 2"] | None = None,
    range_rad: Float[np.ndarray, "limbs 2"] | None = None,
) -> Float[np.ndarray, "limbs moments"]:
    """Angle in radians to twist the upper bone by, so that its hinge bends the way the lower bone goes.

    Args:
        bend: the lower bone seen from the untwisted upper bone: along it, the way the hinge bends, along the hinge.
        neighbours: averages over neighbouring moments (:class:`maquette.rig.solve_memory.Memory`).
        foot: where the hinge should bend towards for other reasons, in the last two of these axes; zero for limbs
            without such reasons.
        range_rad: least and largest twist of a limb that is straight; a bent one tells its own.

    Returns:
        Angles, continuous over time where the limb is. Unknown moments take those of their neighbours.
    """
    along, across = bend[..., 0], bend[..., 1] + 1j * bend[..., 2]
    sine = np.abs(across)
    angle = np.arctan2(sine, along)
    known = np.isfinite(angle) & (np.hypot(sine, along) > 1e-9)
    angle = np.where(known, angle, 0.0)
    plane = _directions(np.where(known, across, 0.0))
    pull = plane * np.sin(np.minimum(angle, np.pi / 2)) ** 2
    usual = neighbours(pull) + _NEUTRAL
    if foot is not None:
        # Its length counts: a foot in line with the shin has no direction across it.
        across_foot = foot[..., 0] + 1j * foot[..., 1]
        across_foot = np.where(np.isnan(across_foot), 0.0, across_foot)
        usual = usual + _FOOT * across_foot / np.maximum(np.abs(across_foot), 0.08)
    usual = _directions(usual)
    if range_rad is not None:
        usual = _within(usual, range_rad[:, :1], range_rad[:, 1:])
    away = plane * np.conj(usual)
    against = 0.5 * (1.0 - np.real(away))
    trust = (angle - _STRAIGHT_RAD - _AGAINST_RAD * against) / (_BENT_RAD - _STRAIGHT_RAD)
    trust = np.minimum(np.maximum(trust, 0.0), 1.0)
    trust = np.where(known & (np.abs(plane) > 0), trust * trust * (3.0 - 2.0 * trust), 0.0)
    return _angle(usual) + trust * _angle(away)


def _within(directions: Pulls, low: Float[np.ndarray, "limbs 1"], high: Float[np.ndarray, "limbs 1"]) -> Pulls:
    """Directions with their angle in a range around zero. Angles outside are mapped into it without a jump: half a turn
    goes to zero, from both sides."""
    angle = _angle(directions)
    over, under = high * (np.pi - angle) / (np.pi - high), low * (np.pi + angle) / (np.pi + low)
    return np.abs(directions) * np.exp(1j * np.where(angle > high, over, np.where(angle < low, under, angle)))


def _angle(values: Pulls) -> Float[np.ndarray, "limbs moments"]:
    """``np.angle`` without what it asks first."""
    return np.arctan2(np.imag(values), np.real(values))


def _directions(values: Pulls) -> Pulls:
    """Unit complex numbers; zero stays zero."""
    size = np.abs(values)
    return values / np.where(size > 1e-12, size, 1.0)


def blurred(values: Complex[np.ndarray, " frames"], fps: float) -> Complex[np.ndarray, " frames"]:
    """Gaussian average over time."""
    half = min(int(np.ceil(3 * MEMORY_S * fps)), max(len(values) - 1, 0))
    weights = np.exp(-0.5 * (np.arange(-half, half + 1) / (MEMORY_S * fps)) ** 2)
    # "same" gives the longer of the two, so the kernel is never the longer one: cut "full" instead.
    total = np.convolve(np.ones(len(values)), weights)[half : half + len(values)]
    return np.convolve(values, weights)[half : half + len(values)] / total

"""Everything that is measured of one motion."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.measure.angle_definitions import base_name
from maquette.measure.angles import JointAngles, joint_angles
from maquette.measure.events import EventMethod, GaitEvents, gait_events
from maquette.measure.gait import gait_numbers
from maquette.measure.number import Number
from maquette.measure.ranges import range_numbers, speed_numbers
from maquette.measure.skate import skate_numbers
from maquette.measure.smoothness import smoothness_numbers
from maquette.measure.support import Warned, warnings_of
from maquette.measure.symmetry import symmetry_numbers
from maquette.measure.uncertainty import angle_sigma_deg, joint_sigma
from maquette.motion import Motion
from maquette.rig.human_motion import human_motion
from maquette.skeleton import Skeleton

_STRAIGHT_DEG = 10.0


@dataclass(frozen=True, eq=False)
class Measurement:
    """Numbers of one motion."""

    motion: Motion
    angles: JointAngles
    sigma_deg: Float[np.ndarray, "frames angles"] | None
    """Standard deviation of each angle; None when nothing is known about the joints' errors."""
    basis: str
    """How that is known, or why not."""
    events: GaitEvents
    numbers: tuple[Number, ...]
    warnings: tuple[Warned, ...]
    """What concerns many numbers; each of them carries it, too."""

    def number(self, name: str) -> Number:
        """One number by name, such as ``cadence`` or ``range:l_knee_flexion``.

        Raises:
            KeyError: there is no such number.
        """
        for number in self.numbers:
            if number.name == name:
                return number
        raise KeyError(name)


def measure_motion(
    motion: Motion, *, sigma_m: float | int | None = None, event_method: EventMethod | None = None
) -> Measurement:
    """Joint angles, gait, symmetry, speeds, foot skate and smoothness of one person.

    Args:
        motion: on Human3.6M's joints, with heels and toes or without; others are mapped there first
            (:func:`maquette.rig.human_motion.human_motion`).
        sigma_m: how sure joints are along each axis, in metres; None takes the motion's own ``sigma_m``, else the card
            of its model, else the uncertainty is not known.
        event_method: see :func:`maquette.measure.events.gait_events`.

    Raises:
        InputError: a skeleton in which no person is recognised, or ``sigma_m`` is not positive.
    """
    person = motion if _has_names(motion.skeleton) else human_motion(motion)
    angles = joint_angles(person)
    sigma = joint_sigma(person, sigma_m)
    sigma_deg = None if sigma is None else angle_sigma_deg(person, angles, sigma)
    basis = sigma.basis if sigma else "not known: the motion has no sigma, and no card tells of it (give sigma_m)"
    events = gait_events(person, method=event_method)
    numbers = gait_numbers(person, events)
    numbers += range_numbers(angles, sigma_deg, basis)
    numbers += symmetry_numbers(numbers)
    numbers += speed_numbers(person, None if sigma is None else sigma.world_m)
    numbers += skate_numbers(person)
    numbers += smoothness_numbers(person)
    warnings = warnings_of(person, events)
    told = tuple(_with_warnings(number, warnings) for number in numbers)
    return Measurement(person, angles, sigma_deg, basis, events, told, warnings)


def _has_names(skeleton: Skeleton) -> bool:
    """Whether the joints bear Human3.6M's names, so that each angle finds those it has."""
    return {"hip", "spine", "thorax"} <= set(skeleton.joints)


def _with_warnings(number: Number, warnings: tuple[Warned, ...]) -> Number:
    number = number.warned(*(warned.text for warned in warnings if number.kind in warned.kinds))
    if number.kind == "least" and base_name(number.of) in ("knee_flexion", "elbow_flexion"):
        sure = number.uncertainty if np.isfinite(number.uncertainty) else 0.0
        if number.value < max(_STRAIGHT_DEG, 2 * sure):
            number = number.warned("nearly straight: this angle is never negative, so errors only add to it")
    return number

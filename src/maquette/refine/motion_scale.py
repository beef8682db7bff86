"""Metric scale from body height."""

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.refine.motion_bones import bone_lengths
from maquette.skeleton import Skeleton

ANKLE_HEIGHT_FRACTION = 0.039
"""Height of the ankle joint over the floor as a fraction of standing height (Drillis and Contini 1966, as printed in
Winter, Biomechanics and Motor Control of Human Movement)."""

_UPRIGHT = {"leg": 0.99, "trunk": 0.99, "head": 0.92}
"""How much of a chain's length stands upright when one stands straight. The legs and the spine are nearly straight;
thorax - nose - head is a detour, because the nose joint of Human3.6M lies some 4 cm in front of the line from the base
of the neck to the top of the head (two bones of 0.12 m: sqrt(0.12^2 - 0.04^2) / 0.12 = 0.94), which itself leans
forward a little."""


def height_from_bones(lengths: Float[np.ndarray, " joints"], skeleton: Skeleton) -> float:
    """Standing body height in metres of a person with these bones (:func:`~maquette.refine.motion_bones.bone_lengths`).

    height = (0.99 (thigh + shin) + 0.99 (hip-spine + spine-thorax) + 0.92 (thorax-nose + nose-head)) / (1 - 0.039),
    legs averaged over both sides. The result is proportional to the lengths.

    Raises:
        InputError: the skeleton lacks one of these bones, or its length is unknown.
    """
    chains = {
        "leg": ("r_knee", "r_ankle", "l_knee", "l_ankle"),
        "trunk": ("spine", "thorax"),
        "head": ("nose", "head"),
    }
    missing = [j for chain in chains.values() for j in chain if j not in skeleton or not lengths[skeleton.index(j)] > 0]
    if missing:
        raise InputError(
            f"body height needs the bones that end in {', '.join(missing)}, which '{skeleton.name}' does not give here"
        )
    total = {name: float(sum(lengths[skeleton.index(joint)] for joint in chain)) for name, chain in chains.items()}
    total["leg"] /= 2
    return sum(_UPRIGHT[name] * length_m for name, length_m in total.items()) / (1 - ANKLE_HEIGHT_FRACTION)


def scale_to_height(motion: Motion, height_m: float | int | None) -> Motion:
    """Scale positions (and ``sigma_m``, ``root_trajectory``) about the origin so that the body is ``height_m`` tall.

    None leaves the lengths as they are and says in ``scale_source`` what height they imply. The camera of the motion is
    dropped when the scale changes, because it would no longer see the same picture from the same place.

    Raises:
        InputError: a height that no person has (outside 0.4 to 2.8 m), or bones from which none can be told.
    """
    implied_m = height_from_bones(bone_lengths(motion), motion.skeleton)
    if height_m is None:
        source = f"assumed: bone lengths as the network gave them (height {implied_m:.2f} m)"
        return motion.with_notes(f"metric scale {source}", scale_source=source)
    if not 0.4 <= height_m <= 2.8:
        raise InputError(f"body height is {height_m:g} m, expected 0.4 to 2.8 (metres, not centimetres or feet)")
    factor = height_m / implied_m
    scaled = {
        name: value * factor
        for name, value in (("sigma_m", motion.sigma_m), ("root_trajectory", motion.root_trajectory))
        if value is not None
    }
    source = f"body height {height_m:.2f} m given"
    return motion.with_notes(
        f"metric scale from {source} (the network's bones, {implied_m:.2f} m tall, times {factor:.3f})",
        positions=motion.positions * factor,
        scale_source=source,
        camera=None if factor != 1 else motion.camera,
        **scaled,
    )

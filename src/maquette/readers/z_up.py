"""Figures that stand along Z, in a format whose up is Y: some programs write their own axes into BVH."""

import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

_LOW = re.compile("foot|ankle|toe", re.IGNORECASE)
_HIGH = re.compile("head|neck", re.IGNORECASE)
_CLEARLY = 2.0
"""How many times longer along Z than along any other axis a figure is that stands along Z."""


def stands_along_z(
    positions: Float[np.ndarray, "frames joints 3"], at_rest: Float[np.ndarray, "joints 3"], names: Sequence[str]
) -> bool:
    """Whether people stand up along +Z, in the mean over the frames and in the rest pose.

    Of somebody who lies along Z for a whole clip the rest pose stands along Y. False where no joint is called a foot or
    a head.

    Args:
        positions: of all joints, in any unit.
        at_rest: places of the joints in the rest pose.
        names: of the joints.
    """
    low = [i for i, name in enumerate(names) if _LOW.search(name)]
    high = [i for i, name in enumerate(names) if _HIGH.search(name)]
    if not low or not high:
        return False
    ways = [pose[high].mean(axis=0) - pose[low].mean(axis=0) for pose in (at_rest, positions.mean(axis=0))]
    return all(bool(way[2] > _CLEARLY * np.abs(way[:2]).max()) for way in ways)


def y_up(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Places in a Z-up world in the Y-up world that it becomes by a quarter turn about X."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack((x, z, -y), axis=-1)


def y_up_rotations(rotations: Float[np.ndarray, "*batch 4"]) -> Float[np.ndarray, "*batch 4"]:
    """Local rotations (wxyz) of the same joints when the rest pose is turned, too: their axes turn."""
    return np.concatenate((rotations[..., :1], y_up(rotations[..., 1:])), axis=-1)

"""Hips that go along with feet that were moved, so that knees keep their bend.

A nearly straight leg gains hardly any length by straightening: with thigh and shin of 0.43 m, 12 degrees of flexion are
worth 5 mm. Whoever moves a standing foot by a centimetre and leaves the hips where they are turns a knee of 12 degrees
into one of 20 or a straight one. Hips a centimetre lower are seen by nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.refine.motion_path import information_at_cutoff, solve_path

STRAIGHTEST = 0.1
"""Sine of half the flexion (11 degrees) below which knees count as no more sensitive."""


@dataclass(frozen=True)
class MovedLeg:
    """One leg before a change, and where its ankle shall be after it. Metres, Y up."""

    hip: Float[np.ndarray, "frames 3"]
    ankle: Float[np.ndarray, "frames 3"]
    target: Float[np.ndarray, "frames 3"]
    length: Float[np.ndarray, " frames"]
    """Of thigh and shin together."""


def hips_that_keep_knees(
    legs: Sequence[MovedLeg], fps: float, *, cutoff_hz: float = 2.0, degrees_per_m: float = 300.0
) -> Float[np.ndarray, "frames 3"]:
    """Shift of the hips in metres, as smooth as can be, that keeps knees bent as they were.

    It minimises its acceleration (:func:`information_at_cutoff` of ``cutoff_hz``) and, in each frame, its own square
    plus the squares of the changes of both knees, ``degrees_per_m`` of a knee being as bad as a metre of the hips. What
    a change of the distance d between hip and ankle does to the flexion b of a knee follows from d = L cos(b / 2).
    """
    frames = len(legs[0].hip)
    own = information_at_cutoff(cutoff_hz)
    information = np.repeat(own * np.eye(3)[None], frames, axis=0)
    pull = np.zeros((frames, 3))
    for leg in legs:
        before = np.linalg.norm(leg.ankle - leg.hip, axis=-1)
        way = leg.target - leg.hip
        wanted = np.linalg.norm(way, axis=-1)
        along = way / np.maximum(wanted, 1e-9)[:, None]
        share = before / np.maximum(leg.length, 1e-9)
        sine = np.maximum(np.sqrt(np.maximum(1.0 - share**2, 0.0)), STRAIGHTEST)
        degrees_m = np.degrees(2.0 / np.maximum(leg.length * sine, 1e-9))
        weight = own * (degrees_m / degrees_per_m) ** 2
        information += weight[:, None, None] * along[:, :, None] * along[:, None, :]
        pull += (weight * (wanted - before))[:, None] * along
    return solve_path(pull, information, 1.0 / fps)


def eased_distance(
    before: Float[np.ndarray, "*shape"],
    wanted: Float[np.ndarray, "*shape"],
    length: Float[np.ndarray, "*shape"],
    *,
    ease: float = 0.0012,
) -> Float[np.ndarray, "*shape"]:
    """How far from its hip the ankle goes: as wanted while the knee stays bent, and ever nearer to the whole length of
    the leg beyond.

    With x = 1 - distance / length, x becomes the positive root of x^2 - y x = ``ease``^2 for y that changes as wanted
    and gives what was before where nothing changes. The flexion, about sqrt(8 x), then grows by no more than 1.6
    degrees for a millimetre of a leg of 0.85 m, where a leg that is cut off at its length snaps.
    """
    length = np.maximum(length, 1e-9)
    x = np.maximum(1.0 - before / length, ease / 3.0)
    y = x - ease**2 / x + (before - wanted) / length
    # Where y is negative the other form of the root does not lose digits.
    size = np.sqrt(y * y + 4.0 * ease**2)
    root = np.where(y > 0, 0.5 * (y + size), 2.0 * ease**2 / np.maximum(size - y, 1e-30))
    return length * (1.0 - root)

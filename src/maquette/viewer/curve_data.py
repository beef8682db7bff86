"""Curves of one joint over time, made small: as many points as a panel can show, and no peak lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from maquette.motion import Motion
from maquette.render.views import scene_positions

Quantity = Literal["position", "speed"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)
MOST_POINTS = 400
"""Of one curve in the panel."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A number over time. Times are seconds after the first frame; NaN where it is not known."""

    name: str
    times_s: Float[np.ndarray, " frames"]
    values: Float[np.ndarray, " frames"]


def joint_curves(motion: Motion, joint: int, quantity: Quantity) -> tuple[Curve, ...]:
    """Position (x, y, z in metres, Y up) or speed (m/s, central differences) of a joint."""
    times_s = motion.times_s - motion.times_s[0]
    path = scene_positions(motion)[:, joint]
    if quantity == "position":
        return tuple(Curve(axis, times_s, path[:, number]) for number, axis in enumerate("xyz"))
    if len(path) < 2:
        return (Curve("speed", times_s, np.full(len(path), np.nan)),)
    speed = np.linalg.norm(np.gradient(path, times_s, axis=0), axis=-1)
    return (Curve("speed", times_s, speed),)


def aligned(
    curves: Sequence[Curve], begin_s: float, end_s: float, most: int = MOST_POINTS
) -> tuple[Float[np.ndarray, " points"], tuple[Float[np.ndarray, " points"], ...]]:
    """Common times and the values of every curve between two times, at most ``most`` points of each.

    Where there are more frames, time is cut into equal bins, and of each bin the smallest value is given and then the
    largest: the envelope, which no peak leaves. A bin in which nothing is known is NaN.
    """
    lead = max(curves, key=lambda curve: _count(curve, begin_s, end_s))
    if _count(lead, begin_s, end_s) <= most:
        times_s = lead.times_s[_part(lead, begin_s, end_s)]
        return times_s, tuple(_at(curve, times_s) for curve in curves)
    bins = most // 2
    edges_s = np.linspace(begin_s, end_s, bins + 1)
    half_s = (end_s - begin_s) / bins / 2
    times_s = np.stack((edges_s[:-1] + 0.5 * half_s, edges_s[:-1] + 1.5 * half_s), axis=1).ravel()
    return times_s, tuple(_envelope(curve, edges_s) for curve in curves)


def _part(curve: Curve, begin_s: float, end_s: float) -> slice:
    first, last = np.searchsorted(curve.times_s, (begin_s - 1e-6, end_s + 1e-6))
    return slice(int(first), int(last))


def _count(curve: Curve, begin_s: float, end_s: float) -> int:
    part = _part(curve, begin_s, end_s)
    return part.stop - part.start


def _at(curve: Curve, times_s: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    if times_s is curve.times_s:
        return curve.values
    return np.interp(times_s, curve.times_s, curve.values, left=np.nan, right=np.nan)


def _envelope(curve: Curve, edges_s: Float[np.ndarray, " edges"]) -> Float[np.ndarray, " points"]:
    edges = np.searchsorted(curve.times_s, edges_s)
    edges[-1] = np.searchsorted(curve.times_s, edges_s[-1], side="right")
    filled = np.flatnonzero(np.diff(edges))
    envelope = np.full((len(edges_s) - 1, 2), np.nan)
    if len(filled):
        values = curve.values[: edges[-1]]
        # Bins without frames have no place in reduceat; those before and after still begin where they begin.
        envelope[filled, 0] = np.fmin.reduceat(values, edges[filled])
        envelope[filled, 1] = np.fmax.reduceat(values, edges[filled])
    return envelope.ravel()


def limits(curves: Sequence[Float[np.ndarray, " points"]]) -> tuple[float, float]:
    """Smallest and largest value of several curves, with a margin."""
    known = np.concatenate([values[np.isfinite(values)] for values in curves])
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    margin = max(0.05 * (high - low), 1e-3)
    return low - margin, high + margin

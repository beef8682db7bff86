"""What rotations at one moment owe to other moments, over a whole clip."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Complex, Float

from maquette.geometry.rotations import hold_known, quat_identity
from maquette.rig.hinge import blurred

Parts = Float[np.ndarray, "parts moments 4"]
Seen = Callable[[], Bool[np.ndarray, "parts moments"]]


@runtime_checkable
class Memory(Protocol):
    """Other moments of a clip, or earlier ones of a stream; arrays have one column for each moment of the clip, or
    each person of the stream."""

    def held(self, name: str, quats: Parts, seen: Seen) -> Parts:
        """Orientations that are open (NaN) although all positions that tell them are ``seen`` (points that coincide or
        lie in line) repeat the last that was not, or are the identity if there is none; unknown positions stay
        unknown.

        Args:
            name: tells parts of the body of different calls apart.
        """
        ...

    def neighbours(self, pull: Complex[np.ndarray, "limbs moments"]) -> Complex[np.ndarray, "limbs moments"]:
        """Average of the neighbouring moments' values, the nearer the heavier (:mod:`maquette.rig.hinge`)."""
        ...

    def spread(
        self, levers_m: Float[np.ndarray, "moments 1"]
    ) -> tuple[Float[np.ndarray, "#moments 1"], Float[np.ndarray, "#moments 1"]]:
        """Median of a length that should be constant, and 1.48 times the median deviation from it: the standard
        deviation if normal. Unknown (NaN) lengths do not count; without any, both are 0."""
        ...


class ClipMemory:
    """All moments of a clip at once."""

    def __init__(self, fps: float) -> None:
        self._fps = fps

    def held(self, name: str, quats: Parts, seen: Seen) -> Parts:
        """As :meth:`Memory.held`; before the first orientation that is not open, that one."""
        del name  # every call sees the whole clip
        known = np.isfinite(quats[..., 0])
        if known.all():
            return quats
        is_open = seen() & ~known
        return np.stack([_filled(*part) for part in zip(quats, known, is_open, strict=True)])

    def neighbours(self, pull: Complex[np.ndarray, "limbs moments"]) -> Complex[np.ndarray, "limbs moments"]:
        """As :meth:`Memory.neighbours`: a Gaussian average, of both sides."""
        return np.stack([blurred(limb, self._fps) for limb in pull])

    def spread(
        self, levers_m: Float[np.ndarray, "moments 1"]
    ) -> tuple[Float[np.ndarray, "#moments 1"], Float[np.ndarray, "#moments 1"]]:
        """As :meth:`Memory.spread`, over the clip."""
        known = levers_m[np.isfinite(levers_m)]
        usual_m = np.median(known) if known.size else 0.0
        off_m = 1.48 * np.median(np.abs(known - usual_m)) if known.size else 0.0
        return np.full((1, 1), usual_m), np.full((1, 1), off_m)


def _filled(
    quats: Float[np.ndarray, "moments 4"], known: Bool[np.ndarray, " moments"], is_open: Bool[np.ndarray, " moments"]
) -> Float[np.ndarray, "moments 4"]:
    """Open orientations of one part of the body filled with the last known one."""
    if not is_open.any():
        return quats
    filled = hold_known(quats, known)
    first = filled[np.argmax(known)] if known.any() else quat_identity()
    filled = np.where(np.isnan(filled), first, filled)
    return np.where(is_open[:, None], filled, quats)

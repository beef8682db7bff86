"""Pieces of a body: a closed surface, its colour, and the joints that move it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from maquette.exporters.body_shapes import Surface

Side = Literal["left", "right", "middle"]


@dataclass(frozen=True, eq=False)
class Part:
    """One closed surface of a body."""

    surface: Surface
    side: Side
    bones: Int[np.ndarray, "vertices 2"]
    share: Float[np.ndarray, " vertices"]
    """Weight of the second bone."""


def rigid(surface: Surface, side: Side, bone: int) -> Part:
    """A part that one joint moves."""
    count = len(surface.vertices_m)
    return Part(surface, side, np.full((count, 2), bone), np.zeros(count))

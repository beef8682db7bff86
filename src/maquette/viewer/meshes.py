"""Unit meshes that bones, joints and marks on the ground are scaled copies of."""

import numpy as np
from jaxtyping import Float, Int

Mesh = tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "faces 3"]]


def cylinder(sides: int = 12) -> Mesh:
    """A tube of radius 1 around the y axis, from y = 0 to 1. Its ends are open: joints cover them."""
    ring = _ring(sides)
    i = np.arange(sides)
    j = (i + 1) % sides
    faces = np.concatenate((np.stack((i, i + sides, j), axis=-1), np.stack((j, i + sides, j + sides), axis=-1)))
    return np.concatenate((ring, ring + [0.0, 1.0, 0.0])), faces


def ball(rings: int = 8) -> Mesh:
    """A sphere of radius 1, of quadrilaterals between circles of latitude."""
    around = 2 * rings
    latitude = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
    longitude = 2 * np.pi * np.arange(around) / around
    flat = np.cos(latitude)[:, None]
    vertices = np.stack(
        (
            flat * np.cos(longitude),
            np.broadcast_to(np.sin(latitude)[:, None], (rings + 1, around)),
            flat * np.sin(longitude),
        ),
        axis=-1,
    ).reshape(-1, 3)
    row, column = (grid.ravel() for grid in np.meshgrid(np.arange(rings), np.arange(around), indexing="ij"))
    a, b = row * around + column, row * around + (column + 1) % around
    faces = np.concatenate((np.stack((a, a + around, b), axis=-1), np.stack((b, a + around, b + around), axis=-1)))
    return vertices, faces


def washer(inner: float = 0.55, sides: int = 28) -> Mesh:
    """A flat ring of outer radius 1 in the xz plane, seen from above."""
    ring = _ring(sides)
    i = np.arange(sides)
    j = (i + 1) % sides
    faces = np.concatenate((np.stack((i, j, i + sides), axis=-1), np.stack((j, j + sides, i + sides), axis=-1)))
    return np.concatenate((ring, inner * ring)), faces


def _ring(sides: int) -> Float[np.ndarray, "sides 3"]:
    angles = 2 * np.pi * np.arange(sides) / sides
    return np.stack((np.cos(angles), np.zeros(sides), np.sin(angles)), axis=-1)

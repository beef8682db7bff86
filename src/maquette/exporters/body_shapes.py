"""Closed surfaces for a simple body: lofts through rings, capsules and ellipsoids."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

_AROUND = 18
"""Corners of a ring."""

Vector = Float[np.ndarray, "3"]


@dataclass(frozen=True, eq=False)
class Surface:
    """A closed surface in the rest pose, its triangles counter-clockwise from outside."""

    vertices_m: Float[np.ndarray, "vertices 3"]
    normals: Float[np.ndarray, "vertices 3"]
    triangles: Int[np.ndarray, "triangles 3"]
    rows: Float[np.ndarray, " vertices"]
    """Where along the loft each vertex lies: 0 at the first ring, 1 at the last."""


@dataclass(frozen=True)
class Ring:
    """One cross-section of a loft."""

    centre_m: tuple[float, float, float]
    half_m: tuple[float, float]
    """Half extents along the two axes of the loft."""


def ring_at(centre: Vector, half_m: tuple[float, float]) -> Ring:
    """A cross-section around a point."""
    x, y, z = (float(value) for value in centre)
    return Ring((x, y, z), (float(half_m[0]), float(half_m[1])))


def loft(rings: Sequence[Ring], axes: tuple[Vector, Vector], *, squareness: float = 2.0) -> Surface:
    """A surface through rings, closed by a point in front of the first and one behind the last.

    Args:
        rings: at least two; the centres run along ``cross(*axes)``.
        axes: unit vectors of the cross-sections.
        squareness: exponent of the superellipse: 2 is an ellipse, 4 nearly a rectangle.
    """
    angle = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)
    cosine, sine = np.cos(angle), np.sin(angle)
    u = np.sign(cosine) * np.abs(cosine) ** (2 / squareness)
    v = np.sign(sine) * np.abs(sine) ** (2 / squareness)
    centres = np.array([ring.centre_m for ring in rings], dtype=np.float64)
    halves = np.array([ring.half_m for ring in rings], dtype=np.float64)
    grid = centres[:, None] + halves[:, :1, None] * u[:, None] * axes[0] + halves[:, 1:, None] * v[:, None] * axes[1]
    # The poles lie a little further, so that ends are round however few rings there are.
    poles = (1.25 * centres[0] - 0.25 * centres[1], 1.25 * centres[-1] - 0.25 * centres[-2])
    vertices = np.concatenate((grid.reshape(-1, 3), poles))
    n = len(rings)
    i, k = np.meshgrid(np.arange(n - 1), np.arange(_AROUND), indexing="ij")
    a, b = i * _AROUND + k, i * _AROUND + (k + 1) % _AROUND
    sides = np.stack((a, b, b + _AROUND, a, b + _AROUND, a + _AROUND), axis=-1).reshape(-1, 3)
    k = np.arange(_AROUND)
    after = (k + 1) % _AROUND
    first = np.stack((np.full(_AROUND, n * _AROUND), after, k), axis=-1)
    top = (n - 1) * _AROUND
    last = np.stack((np.full(_AROUND, n * _AROUND + 1), top + k, top + after), axis=-1)
    triangles = np.concatenate((sides, first, last))
    rows = np.concatenate((np.repeat(np.linspace(0, 1, n), _AROUND), [0.0, 1.0]))
    return Surface(vertices, vertex_normals(vertices, triangles), triangles, rows)


def tube(start: Vector, end: Vector, profile: Sequence[tuple[float, float]], *, flat: float = 1.0) -> Surface:
    """A round tube with round ends from one point to another.

    Args:
        profile: ``(place, radius in metres)``, place 0 at the start and 1 at the end, in order.
        flat: extent across, along the body's Z, as a share of the radius.
    """
    length = float(np.linalg.norm(end - start))
    along = (end - start) / length
    u, v = cross_axes(along)
    places, radii = (np.array(values) for values in zip(*profile, strict=True))
    caps = np.radians([75.0, 50.0, 25.0])
    before = [(places[0] - radii[0] / length * np.sin(a), radii[0] * np.cos(a)) for a in caps]
    behind = [(places[-1] + radii[-1] / length * np.sin(a), radii[-1] * np.cos(a)) for a in caps[::-1]]
    fine = np.linspace(places[0], places[-1], 3 * len(places) - 2)
    middle = list(zip(fine, _smooth(fine, places, radii), strict=True))
    rings = [
        ring_at(start + place * length * along, (radius, radius * flat))
        for place, radius in [*before, *middle, *behind]
    ]
    return loft(rings, (u, v))


def ellipsoid(centre: Vector, half_m: tuple[float, float, float], axes: Float[np.ndarray, "3 3"]) -> Surface:
    """An ellipsoid with half extents along three axes (rows, right-handed)."""
    latitude = np.radians(np.linspace(-82, 82, 11))
    rings = [
        ring_at(centre + half_m[1] * np.sin(a) * axes[1], (half_m[2] * np.cos(a), half_m[0] * np.cos(a)))
        for a in latitude
    ]
    return loft(rings, (axes[2], axes[0]))


def cross_axes(along: Vector) -> tuple[Vector, Vector]:
    """Two axes of a cross-section, of which the second is as near to +Z as it can be (to +Y for bones along Z)."""
    towards = np.array([0.0, 0.0, 1.0]) if abs(along[2]) < 0.9 else np.array([0.0, 1.0, 0.0])
    v = towards - along * (towards @ along)
    v = v / np.linalg.norm(v)
    return np.cross(v, along), v


def vertex_normals(
    vertices: Float[np.ndarray, "vertices 3"], triangles: Int[np.ndarray, "triangles 3"]
) -> Float[np.ndarray, "vertices 3"]:
    """Unit normals: of each vertex the mean of its triangles', weighted by their areas."""
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for i in range(3):
        np.add.at(normals, triangles[:, i], faces)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 1e-15, normals / np.where(length > 1e-15, length, 1.0), [0.0, 1.0, 0.0])


def _smooth(at: np.ndarray, places: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Radii between those given, with a horizontal tangent at each, so that the outline has no corners."""
    index = np.clip(np.searchsorted(places, at, side="right") - 1, 0, len(places) - 2)
    t = (at - places[index]) / (places[index + 1] - places[index])
    t = t * t * (3 - 2 * t)
    return radii[index] + t * (radii[index + 1] - radii[index])

"""Rounded cones seen by a camera: for every pixel the nearest of them, and its normal there.

A rounded cone is what a ball sweeps that moves along a segment while its radius changes evenly: a limb. The rays of a
pinhole camera meet it in closed form: its flank is a cone (a quadratic equation along the ray), its ends are balls.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

_FAR = np.float32(1e9)


@dataclass(frozen=True, eq=False)
class RoundedCones:
    """Solids in the frame of the camera (x right, y down, z forward), metres."""

    start: Float[np.ndarray, "solids 3"]
    end: Float[np.ndarray, "solids 3"]
    start_radius: Float[np.ndarray, " solids"]
    end_radius: Float[np.ndarray, " solids"]

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, eq=False)
class Surface:
    """What each pixel sees."""

    depth_m: Float32[np.ndarray, "height width"]
    """Along the ray; infinite where nothing is."""
    normal: Float32[np.ndarray, "height width 3"]
    """Towards the camera's side; zero where nothing is."""
    solid: Int[np.ndarray, "height width"]
    """Which of the solids; -1 where nothing is."""
    along: Float32[np.ndarray, "height width"]
    """Where between its start (0) and its end (1)."""


def rays(size: tuple[int, int], focal_px: float, centre_px: tuple[float, float]) -> Float32[np.ndarray, "h w 3"]:
    """Unit vectors through the middles of the pixels of a picture of ``(width, height)``."""
    x = (np.arange(size[0], dtype=np.float32) + 0.5 - centre_px[0]) / focal_px
    y = (np.arange(size[1], dtype=np.float32) + 0.5 - centre_px[1]) / focal_px
    out = np.ones((size[1], size[0], 3), dtype=np.float32)
    out[..., 0], out[..., 1] = x[None, :], y[:, None]
    return out / np.sqrt(np.square(out).sum(-1, keepdims=True))


def look_at_solids(
    solids: RoundedCones, size: tuple[int, int], focal_px: float, centre_px: tuple[float, float]
) -> Surface:
    """The nearest surface for every pixel of a picture of ``(width, height)``.

    Solids that reach behind the camera's plane are left out.
    """
    directions = rays(size, focal_px, centre_px)
    depth = np.full(directions.shape[:2], _FAR, dtype=np.float32)
    normal = np.zeros_like(directions)
    solid = np.full(depth.shape, -1, dtype=np.int32)
    along = np.zeros_like(depth)
    for i in range(len(solids)):
        a, b = solids.start[i].astype(np.float32), solids.end[i].astype(np.float32)
        radii = float(solids.start_radius[i]), float(solids.end_radius[i])
        box = _box((a, b), radii, size, focal_px, centre_px)
        if box is None:
            continue
        hit, new_normal, new_along = _meet(directions[box], a, b, *radii)
        nearer = hit < depth[box]
        depth[box][nearer] = hit[nearer]
        normal[box][nearer] = new_normal[nearer]
        along[box][nearer] = new_along[nearer]
        solid[box][nearer] = i
    depth[solid < 0] = np.inf
    return Surface(depth, normal, solid, along)


def _box(
    ends: tuple[np.ndarray, np.ndarray],
    radii: tuple[float, float],
    size: tuple[int, int],
    focal_px: float,
    centre_px: tuple[float, float],
) -> tuple[slice, slice] | None:
    """Rows and columns that can see a solid; None where it is outside the picture or not before the camera."""
    low, high = np.array([np.inf, np.inf]), np.array([-np.inf, -np.inf])
    for point, radius in zip(ends, radii, strict=True):
        if point[2] <= 1.5 * radius + 0.05:
            return None
        at = point[:2] / point[2] * focal_px + centre_px
        # A ball's outline is an ellipse, longer the farther it is from the axis; this radius holds all of it.
        reach = 1.1 * radius * focal_px / (point[2] - radius) * (1 + float(np.square(point[:2] / point[2]).sum())) + 1
        low, high = np.minimum(low, at - reach), np.maximum(high, at + reach)
    first = np.maximum(np.floor(low), 0).astype(int)
    last = np.minimum(np.ceil(high), size).astype(int)
    if (first >= last).any():
        return None
    return slice(first[1], last[1]), slice(first[0], last[0])


def _meet(
    d: Float32[np.ndarray, "h w 3"], a: Float32[np.ndarray, "3"], b: Float32[np.ndarray, "3"], ra: float, rb: float
) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """Distance along each ray to the solid (far where there is none), normal, and place along the axis."""
    axis = b - a
    length = float(np.sqrt(axis @ axis))
    candidates = [_ball(d, a, ra, 0.0), _ball(d, b, rb, 1.0)]
    if length > abs(ra - rb) + 1e-6:
        candidates.append(_flank(d, a, axis / length, length, ra, rb))
    hit, along = candidates[0]
    for other, other_along in candidates[1:]:
        along = np.where(other < hit, other_along, along)
        hit = np.minimum(hit, other)
    on_axis = a + along[..., None] * axis
    normal = hit[..., None] * d - on_axis
    normal /= np.maximum(np.sqrt(np.square(normal).sum(-1, keepdims=True)), 1e-9)
    return hit, normal, along


def _ball(
    d: Float32[np.ndarray, "h w 3"], centre: Float32[np.ndarray, "3"], radius: float, along: float
) -> tuple[np.ndarray, np.ndarray]:
    middle = d @ centre
    rest = middle * middle - np.float32(centre @ centre - radius * radius)
    hit = np.where(rest > 0, middle - np.sqrt(np.maximum(rest, 0)), _FAR)
    return hit, np.full_like(hit, along)


def _flank(
    d: Float32[np.ndarray, "h w 3"], a: np.ndarray, axis: np.ndarray, length: float, ra: float, rb: float
) -> tuple[np.ndarray, np.ndarray]:
    """With q = s d - a, h = q . axis, and the flank's slope sin = (ra - rb) / length, a point of the flank has
    |q|^2 cos^2 - h^2 + 2 ra sin h - ra^2 = 0; it belongs to the ball whose middle is at h - rho tan on the axis, rho
    being its distance from the axis."""
    sine = (ra - rb) / length
    cosine2 = 1 - sine * sine
    da, ha, oa = d @ axis, -float(a @ axis), -(d @ a)
    square = cosine2 - da * da
    half = cosine2 * oa - ha * da + ra * sine * da
    rest = cosine2 * float(a @ a) - ha * ha + 2 * ra * sine * ha - ra * ra
    root = half * half - square * rest
    with np.errstate(divide="ignore", invalid="ignore"):
        hit = (-half - np.sqrt(root)) / square
        h = ha + hit * da
        rho = (ra - h * sine) / np.sqrt(cosine2)
        middle = h - rho * (sine / np.sqrt(cosine2))
        good = (root > 0) & (hit > 0) & (rho >= 0) & (middle >= 0) & (middle <= length)
    return np.where(good, hit, _FAR).astype(np.float32), np.where(good, middle / length, 0).astype(np.float32)

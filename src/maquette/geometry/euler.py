"""Euler angles with an explicit order. The order string is INTRINSIC: "ZXY" means `R = Rz(a0) @ Rx(a1) @ Ry(a2)`.

That is how the channels of a BVH joint apply, and SciPy's upper-case orders. All twelve orders are accepted, the six
of three different axes and the six that return to the first axis ("ZXZ"). Angles are in radians, in the order of the
letters, in the last dimension.
"""

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.geometry.rotations import hold_known, quat_multiply, quat_to_matrix

EULER_ORDERS: tuple[str, ...] = (
    "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "XYX", "XZX", "YXY", "YZY", "ZXZ", "ZYZ",
)  # fmt: skip

_LOCK = 1e-7
"""Below this cosine (sine, for orders like ZXZ) of the middle angle the outer two are taken as locked together."""


def _axes(order: str) -> tuple[int, int, int]:
    if order not in EULER_ORDERS:
        raise InputError(f"Euler order {order!r} is unknown; use one of {', '.join(EULER_ORDERS)} (intrinsic).")
    first, second, third = ("XYZ".index(letter) for letter in order)
    return first, second, third


def _parity(first: int, second: int) -> float:
    """+1 when the second axis follows the first in x, y, z, x, ..., else -1."""
    return 1.0 if (second - first) % 3 == 1 else -1.0


def euler_to_quat(angles_rad: Float[np.ndarray, "*batch 3"], order: str) -> Float[np.ndarray, "*batch 4"]:
    """Unit quaternions of intrinsic Euler angles. Raises InputError for an unknown order."""
    half = 0.5 * np.asarray(angles_rad, dtype=np.float64)
    turns = []
    for i, axis in enumerate(_axes(order)):
        turn = np.zeros((*half.shape[:-1], 4))
        turn[..., 0] = np.cos(half[..., i])
        turn[..., 1 + axis] = np.sin(half[..., i])
        turns.append(turn)
    return quat_multiply(quat_multiply(turns[0], turns[1]), turns[2])


def euler_to_matrix(angles_rad: Float[np.ndarray, "*batch 3"], order: str) -> Float[np.ndarray, "*batch 3 3"]:
    """Rotation matrices of intrinsic Euler angles. Raises InputError for an unknown order."""
    return quat_to_matrix(euler_to_quat(angles_rad, order))


def quat_to_euler(q: Float[np.ndarray, "*batch 4"], order: str) -> Float[np.ndarray, "*batch 3"]:
    """Intrinsic Euler angles of unit quaternions; ranges and lock as in `matrix_to_euler`."""
    return matrix_to_euler(quat_to_matrix(q), order)


def matrix_to_euler(matrix: Float[np.ndarray, "*batch 3 3"], order: str) -> Float[np.ndarray, "*batch 3"]:
    """Intrinsic Euler angles of rotation matrices.

    The outer angles are in (-pi, pi], the middle one in [-pi/2, pi/2] (three different axes) or [0, pi] (like ZXZ).
    In gimbal lock (within 1e-7 rad) the third angle is zero and the matrix comes back to 1e-7; everywhere else, however
    near the lock, it comes back to rounding error, since the last two angles are computed from the first.
    Raises InputError for an unknown order.
    """
    i, j, third = _axes(order)
    k = 3 - i - j
    e = _parity(i, j)
    m = np.asarray(matrix, dtype=np.float64)
    if third == i:
        sine, cosine = m[..., j, i], -e * m[..., k, i]
    else:
        sine, cosine = -e * m[..., j, k], m[..., k, k]
    locked = np.hypot(sine, cosine) < _LOCK
    a = np.arctan2(np.where(locked, e * m[..., k, j], sine), np.where(locked, m[..., j, j], cosine))
    cos_a, sin_a = np.cos(a)[..., None], np.sin(a)[..., None]
    # Rows j and k of the matrix with the first turn undone.
    row_j = cos_a * m[..., j, :] + e * sin_a * m[..., k, :]
    row_k = cos_a * m[..., k, :] - e * sin_a * m[..., j, :]
    if third == i:
        b = np.arctan2(-e * row_k[..., i], m[..., i, i])
        c = np.arctan2(-e * row_j[..., k], row_j[..., j])
    else:
        b = np.arctan2(e * m[..., i, k], row_k[..., k])
        c = np.arctan2(e * row_j[..., i], row_j[..., j])
    return np.stack((a, b, c), axis=-1)


def euler_unwrap(angles_rad: Float[np.ndarray, "*batch 3"], order: str, axis: int = 0) -> Float[np.ndarray, "*batch 3"]:
    """Choose at each frame the equivalent triplet nearest to the previous one, so that curves have no jumps.

    Equivalent are both solutions, `(a, b, c)` and `(a + pi, pi - b, c + pi)` (`-b` for orders like ZXZ), any whole
    turns, and in gimbal lock, where only a sum of the outer angles counts, the split that keeps the first angle of the
    frame before. The rotations do not change. NaN frames stay NaN and are skipped.
    """
    i, j, third = _axes(order)
    moved = np.moveaxis(np.asarray(angles_rad, dtype=np.float64), axis, 0)
    if len(moved) == 0:
        return np.moveaxis(moved, 0, axis)
    known = np.asarray(~np.isnan(moved).any(axis=-1))
    held = hold_known(moved, known)
    held = _split_locked(held, _parity(i, j), repeated=third == i)
    a, b, c = np.moveaxis(held, -1, 0)
    other = np.stack((a + np.pi, -b if third == i else np.pi - b, c + np.pi), axis=-1)
    # The step between unlike solutions is the same from either, so the choice is a running exclusive-or.
    stay = np.sum(_wrap(held[1:] - held[:-1]) ** 2, axis=-1)
    swap = np.sum(_wrap(other[1:] - held[:-1]) ** 2, axis=-1)
    swapped = np.zeros(held.shape[:-1], dtype=bool)
    swapped[1:] = np.logical_xor.accumulate(swap < stay, axis=0)
    chosen = np.where(swapped[..., None], other, held)
    # Frames before the first known one hold NaN, which would spread through a cumulative sum.
    step = np.nan_to_num(_wrap(chosen[1:] - chosen[:-1]))
    start = _first_known(chosen)
    unwrapped = np.concatenate((start[None], start + np.cumsum(step, axis=0)), axis=0)
    return np.moveaxis(np.where(known[..., None], unwrapped, np.nan), 0, axis)


def _wrap(angle_rad: np.ndarray) -> np.ndarray:
    """To the nearest equivalent of zero, [-pi, pi]."""
    return angle_rad - 2 * np.pi * np.round(angle_rad / (2 * np.pi))


def _first_known(values: np.ndarray) -> np.ndarray:
    """Along the first dimension the first triplet that is not NaN; where there is none, NaN."""
    first = np.asarray(np.argmax(~np.isnan(values).any(axis=-1), axis=0))
    return np.take_along_axis(values, first[None, ..., None], axis=0)[0]


def _split_locked(angles_rad: np.ndarray, parity: float, *, repeated: bool) -> np.ndarray:
    """In locked frames keep the first angle of the last free frame and move the difference into the third."""
    a, b, c = np.moveaxis(angles_rad, -1, 0)
    freedom = np.sin(b) if repeated else np.cos(b)
    locked = np.abs(freedom) < _LOCK
    if not locked.any():
        return angles_rad
    sign = np.sign(np.cos(b)) if repeated else parity * np.sign(np.sin(b))
    free_a = hold_known(a[..., None], ~locked)[..., 0]
    # A lock that opens the clip takes the first free angle that follows; a clip locked throughout keeps its own split.
    leading = np.logical_and.accumulate(locked, axis=0)
    first_free = np.take_along_axis(a, np.argmax(~locked, axis=0)[None], axis=0)
    free_a = np.where(leading, np.broadcast_to(first_free, a.shape), free_a)
    new_c = c + sign * (a - free_a)
    return np.stack((np.where(locked, free_a, a), b, np.where(locked, new_c, c)), axis=-1)

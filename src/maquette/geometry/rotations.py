"""Rotations as unit quaternions (w, x, y, z), matrices and the 6D form, batched over leading dimensions, float64.

Conventions: a quaternion or matrix is *active* and acts on column vectors, so `quat_rotate(q, v)` is `R @ v` and
`quat_multiply(a, b)` applies `b` first. NaN in gives NaN out; nothing here warns about it. Angles are in radians.
Euler angles are in `maquette.geometry.euler`.
"""

import numpy as np
from jaxtyping import Bool, Float

_TINY = 1e-12
"""Below this length a vector has no usable direction."""

_YZX, _ZXY = np.array([1, 2, 0]), np.array([2, 0, 1])
_PARTNER = np.array([[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]])
_SIGN = np.array([[1.0, 1.0, 1.0, 1.0], [-1.0, 1.0, -1.0, 1.0], [-1.0, 1.0, 1.0, -1.0], [-1.0, -1.0, 1.0, 1.0]])
"""Row i tells what component i of the left quaternion is multiplied by in each component of a Hamilton product: which
component of the right one, and with which sign."""
_FEW = 256
"""Up to so many numbers the calls cost more than the arithmetic, and fewer of them are worth more of it."""


def vector_lengths(vectors: Float[np.ndarray, "*batch n"]) -> Float[np.ndarray, "*batch 1"]:
    """Euclidean lengths, with an axis of one left where the components were."""
    return np.sqrt(np.add.reduce(vectors * vectors, axis=-1, keepdims=True))


def unit_vectors(vectors: Float[np.ndarray, "*batch n"]) -> Float[np.ndarray, "*batch n"]:
    """Vectors over their length; one without a direction becomes NaN."""
    length = np.sqrt(np.add.reduce(vectors * vectors, axis=-1, keepdims=True))
    return vectors / np.where(length > _TINY, length, np.nan)


def cross(a: Float[np.ndarray, "*#batch 3"], b: Float[np.ndarray, "*#batch 3"]) -> Float[np.ndarray, "... 3"]:
    """Vector products, to the last bit those of :func:`numpy.cross`, in an eighth of its time where there are few."""
    return a.take(_YZX, -1) * b.take(_ZXY, -1) - a.take(_ZXY, -1) * b.take(_YZX, -1)


def quat_identity(shape: tuple[int, ...] = ()) -> Float[np.ndarray, "*batch 4"]:
    """Identity quaternions of the given leading shape."""
    quats = np.zeros((*shape, 4))
    quats[..., 0] = 1.0
    return quats


def quat_normalize(q: Float[np.ndarray, "*batch 4"]) -> Float[np.ndarray, "*batch 4"]:
    """Scale to unit length. A zero quaternion has no direction and becomes NaN."""
    return unit_vectors(np.asarray(q, dtype=np.float64))


def quat_multiply(a: Float[np.ndarray, "*#batch 4"], b: Float[np.ndarray, "*#batch 4"]) -> Float[np.ndarray, "... 4"]:
    """Hamilton product `a * b`: the rotation `b` followed by the rotation `a`. Leading dimensions broadcast."""
    a = np.asarray(a, dtype=np.float64)
    b = np.asarray(b, dtype=np.float64)
    if a.size <= _FEW and b.size <= _FEW:
        # The same sums in the same order as below.
        return np.add.reduce(a[..., None] * (b.take(_PARTNER, -1) * _SIGN), axis=-2)
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack(
        (
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ),
        axis=-1,
    )


def quat_conjugate(q: Float[np.ndarray, "*batch 4"]) -> Float[np.ndarray, "*batch 4"]:
    """The inverse rotation of a unit quaternion."""
    return np.asarray(q, dtype=np.float64) * np.array([1.0, -1.0, -1.0, -1.0])


def quat_rotate(q: Float[np.ndarray, "*#batch 4"], v: Float[np.ndarray, "*#batch 3"]) -> Float[np.ndarray, "... 3"]:
    """Rotate vectors by unit quaternions. Leading dimensions broadcast."""
    q = np.asarray(q, dtype=np.float64)
    v = np.asarray(v, dtype=np.float64)
    axis_part = q[..., 1:]
    doubled = 2.0 * cross(axis_part, v)
    return v + q[..., :1] * doubled + cross(axis_part, doubled)


def quat_to_matrix(q: Float[np.ndarray, "*batch 4"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Rotation matrices of unit quaternions."""
    w, x, y, z = np.moveaxis(np.asarray(q, dtype=np.float64), -1, 0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def matrix_to_quat(matrix: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 4"]:
    """Unit quaternions (w >= 0) of rotation matrices.

    Shepperd's method (1978): of four algebraically equal solutions the one with the largest divisor is taken, so no
    rotation angle loses precision.
    """
    m = np.asarray(matrix, dtype=np.float64)
    if m.size <= _FEW:
        outer = m.reshape(-1, 9) @ _TO_PRODUCTS + _PRODUCTS_OF_ZERO
    else:
        outer = _products(m)
    largest = outer[:, ::5].argmax(axis=-1)
    q = unit_vectors(outer.reshape(-1, 4, 4)[np.arange(len(outer)), largest]).reshape(*m.shape[:-2], 4)
    return np.where(q[..., :1] < 0, -q, q)


def _products(m: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "matrices 16"]:
    """Four times the products of each two components of the quaternions of rotation matrices."""
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    ww, xx, yy, zz = 1 + m00 + m11 + m22, 1 + m00 - m11 - m22, 1 - m00 + m11 - m22, 1 - m00 - m11 + m22
    outer = np.empty((*ww.shape, 16))
    for place, entry in enumerate((ww, wx, wy, wz, wx, xx, xy, xz, wy, xy, yy, yz, wz, xz, yz, zz)):
        outer[..., place] = entry
    return outer.reshape(-1, 16)


_PRODUCTS_OF_ZERO = _products(np.zeros((1, 3, 3)))
_TO_PRODUCTS = _products(np.eye(9).reshape(9, 3, 3)) - _PRODUCTS_OF_ZERO
"""The products are linear in the matrix; of few matrices that is the shorter way."""


def rotvec_to_quat(rotvec: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 4"]:
    """Unit quaternions of rotation vectors (axis times angle in radians); the exponential map."""
    rotvec = np.asarray(rotvec, dtype=np.float64)
    half = 0.5 * vector_lengths(rotvec)
    return np.concatenate((np.cos(half), 0.5 * np.sinc(half / np.pi) * rotvec), axis=-1)


def quat_to_rotvec(q: Float[np.ndarray, "*batch 4"]) -> Float[np.ndarray, "*batch 3"]:
    """Rotation vectors of unit quaternions, angle in [0, pi]; the logarithm."""
    q = np.asarray(q, dtype=np.float64)
    q = np.where(q[..., :1] < 0, -q, q)
    sine = vector_lengths(q[..., 1:])
    angle = 2.0 * np.arctan2(sine, q[..., :1])
    return q[..., 1:] * np.where(sine > _TINY, angle / np.where(sine > _TINY, sine, 1.0), 2.0)


def quat_about(
    axis: Float[np.ndarray, "*#batch 3"], angle_rad: float | int | Float[np.ndarray, "*#batch"]
) -> np.ndarray:
    """Unit quaternions `(..., 4)` for a turn of `angle_rad` about `axis` (of any length but zero)."""
    half = 0.5 * np.asarray(angle_rad, dtype=np.float64)[..., None]
    turned = np.sin(half) * unit_vectors(np.asarray(axis, dtype=np.float64))
    quats = np.empty((*turned.shape[:-1], 4))
    quats[..., :1], quats[..., 1:] = np.cos(half), turned
    return quats


def quat_angle(a: Float[np.ndarray, "*#batch 4"], b: Float[np.ndarray, "*#batch 4"]) -> Float[np.ndarray, "..."]:
    """Angle in [0, pi] of the rotation that leads from one unit quaternion to the other, accurate for small angles."""
    difference = quat_multiply(quat_conjugate(a), b)
    return np.asarray(2.0 * np.arctan2(np.linalg.norm(difference[..., 1:], axis=-1), np.abs(difference[..., 0])))


def quat_slerp(
    a: Float[np.ndarray, "*#batch 4"], b: Float[np.ndarray, "*#batch 4"], t: float | int | Float[np.ndarray, "*#batch"]
) -> Float[np.ndarray, "... 4"]:
    """Spherical interpolation on the shorter arc, `a` at t = 0 and (a quaternion equal in rotation to) `b` at t = 1."""
    a = np.asarray(a, dtype=np.float64)
    b = np.asarray(b, dtype=np.float64)
    b = np.where(np.sum(a * b, axis=-1, keepdims=True) < 0, -b, b)
    t = np.asarray(t, dtype=np.float64)[..., None]
    angle = 2.0 * np.arctan2(vector_lengths(a - b), vector_lengths(a + b))
    # sinc keeps the ratio of sines exact where both vanish.
    scale = np.sinc(angle / np.pi)
    weight_a = (1 - t) * np.sinc((1 - t) * angle / np.pi) / scale
    weight_b = t * np.sinc(t * angle / np.pi) / scale
    return unit_vectors(weight_a * a + weight_b * b)


def quat_between(
    u: Float[np.ndarray, "*#batch 3"],
    v: Float[np.ndarray, "*#batch 3"],
    axis: Float[np.ndarray, "*#batch 3"] | None = None,
) -> Float[np.ndarray, "... 4"]:
    """The shortest rotation that turns the direction `u` into the direction `v`; lengths do not matter.

    Opposite directions leave the axis open: then it is `axis` made perpendicular to `u`, or, without a usable `axis`,
    the coordinate axis least aligned with `u`, made perpendicular. A zero vector gives NaN.
    """
    u, v = unit_vectors(np.asarray(u, dtype=np.float64)), unit_vectors(np.asarray(v, dtype=np.float64))
    middle = u + v
    length = vector_lengths(middle)
    opposite = length < 1e-9
    middle = middle / np.where(opposite, 1.0, length)
    # Half the length is the product of u and the middle, but keeps its digits where that cancels: near a half turn.
    q = np.concatenate((0.5 * length, cross(u, middle)), axis=-1)
    if not opposite.any():
        return unit_vectors(q)
    u = np.broadcast_to(u, middle.shape)
    half_turn_axis = _perpendicular(u, np.eye(3)[np.argmin(np.abs(u), axis=-1)])
    if axis is not None:
        wanted = _perpendicular(u, unit_vectors(np.asarray(axis, dtype=np.float64)))
        half_turn_axis = np.where(np.isnan(wanted), half_turn_axis, wanted)
    half_turn = np.concatenate((np.zeros_like(length), half_turn_axis), axis=-1)
    return np.where(opposite, half_turn, unit_vectors(np.where(opposite, 1.0, q)))


def _perpendicular(unit: Float[np.ndarray, "*#batch 3"], vector: Float[np.ndarray, "*#batch 3"]) -> np.ndarray:
    """The unit part of `vector` that is perpendicular to `unit`; NaN when they are parallel within 1e-6."""
    rest = vector - np.sum(vector * unit, axis=-1, keepdims=True) * unit
    return unit_vectors(np.where(vector_lengths(rest) > 1e-6, rest, np.nan))


def quat_continuous(q: Float[np.ndarray, "*batch 4"], axis: int = 0) -> Float[np.ndarray, "*batch 4"]:
    """Choose the sign of each quaternion along `axis` (time) so that neighbours lie in one hemisphere.

    The rotations do not change. Frames with NaN stay NaN and are skipped: the next one follows the last known one.
    """
    moved = np.moveaxis(np.asarray(q, dtype=np.float64), axis, 0)
    if len(moved) == 0:
        return np.moveaxis(moved, 0, axis)
    known = np.asarray(~np.isnan(moved).any(axis=-1))
    held = hold_known(moved, known)
    sign = np.ones(known.shape)
    sign[1:] = np.where(np.sum(held[1:] * held[:-1], axis=-1) < 0, -1.0, 1.0)
    return np.moveaxis(moved * np.cumprod(sign, axis=0)[..., None], 0, axis)


def hold_known(values: Float[np.ndarray, "frames *batch n"], known: Bool[np.ndarray, "frames *batch"]) -> np.ndarray:
    """Each unknown frame repeats the last known one; those before the first known one stay as they are."""
    frame = np.arange(len(values)).reshape(-1, *(1,) * (known.ndim - 1))
    last_known = np.maximum.accumulate(np.where(known, frame, 0), axis=0)
    return np.take_along_axis(values, last_known[..., None], axis=0)


def swing_twist(
    q: Float[np.ndarray, "*#batch 4"], twist_axis: Float[np.ndarray, "*#batch 3"]
) -> tuple[Float[np.ndarray, "... 4"], Float[np.ndarray, "... 4"]]:
    """Split `q = swing * twist`: a twist about `twist_axis` first, then a swing whose axis is perpendicular to it.

    The twist has w >= 0. A half-turn swing leaves the twist open; it is then the identity.
    """
    q = np.asarray(q, dtype=np.float64)
    unit_axis = unit_vectors(np.asarray(twist_axis, dtype=np.float64))
    along = np.sum(q[..., 1:] * unit_axis, axis=-1, keepdims=True)
    cosine, along = np.broadcast_arrays(q[..., :1], along)
    flip = np.where(cosine < 0, -1.0, 1.0)
    twist = np.concatenate((flip * cosine, flip * along * unit_axis), axis=-1)
    undefined = vector_lengths(twist) < _TINY
    twist = unit_vectors(np.where(undefined, quat_identity(twist.shape[:-1]), twist))
    return quat_multiply(q, quat_conjugate(twist)), twist


def quat_from_axes(
    x: Float[np.ndarray, "*batch 3"], y: Float[np.ndarray, "*batch 3"], z: Float[np.ndarray, "*batch 3"]
) -> Float[np.ndarray, "*batch 4"]:
    """The rotation that turns the coordinate axes into three given orthonormal, right-handed axes."""
    return matrix_to_quat(np.stack([np.asarray(a, dtype=np.float64) for a in (x, y, z)], axis=-1))


def matrix_from_two_vectors(
    primary: Float[np.ndarray, "*#batch 3"], secondary: Float[np.ndarray, "*#batch 3"], axes: str = "yz"
) -> Float[np.ndarray, "... 3 3"]:
    """Rotation whose column `axes[0]` points exactly along `primary` and whose column `axes[1]` lies as near to
    `secondary` as perpendicularity allows. `axes` is two different letters of xyz. Parallel vectors give NaN."""
    first, second = ("xyz".index(letter) for letter in axes)
    third = 3 - first - second
    sign = 1.0 if (second - first) % 3 == 1 else -1.0
    a = unit_vectors(np.asarray(primary, dtype=np.float64))
    c = sign * unit_vectors(cross(a, unit_vectors(np.asarray(secondary, dtype=np.float64))))
    matrix = np.empty((*c.shape, 3))
    matrix[..., first], matrix[..., second], matrix[..., third] = a, sign * cross(c, a), c
    return matrix


def matrix_to_6d(matrix: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 6"]:
    """The first two columns, one after the other: the continuous form of Zhou et al., "On the Continuity of Rotation
    Representations in Neural Networks" (CVPR 2019)."""
    m = np.asarray(matrix, dtype=np.float64)
    return np.concatenate((m[..., :, 0], m[..., :, 1]), axis=-1)


def sixd_to_matrix(sixd: Float[np.ndarray, "*batch 6"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Rotation of any two non-parallel columns by Gram-Schmidt (Zhou et al. 2019, eq. 15); parallel ones give NaN."""
    sixd = np.asarray(sixd, dtype=np.float64)
    return matrix_from_two_vectors(sixd[..., :3], sixd[..., 3:], axes="xy")

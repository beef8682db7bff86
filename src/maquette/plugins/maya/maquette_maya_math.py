"""Vectors, unit quaternions (w, x, y, z) and Maya's Euler angles, as tuples; the standard library only."""

import math


def add(a, b):
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def subtract(a, b):
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def cross(a, b):
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def length(a):
    return math.sqrt(dot(a, a))


def unit(a):
    size = length(a)
    return tuple(x / size for x in a) if size > 1e-12 else tuple(a)


def multiply(a, b):
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def conjugate(q):
    return (q[0], -q[1], -q[2], -q[3])


def rotate(q, v):
    t = tuple(2 * x for x in cross(q[1:], v))
    return add(add(v, tuple(q[0] * x for x in t)), cross(q[1:], t))


def quaternion_about(axis, angle):
    return (math.cos(angle / 2), *(math.sin(angle / 2) * x for x in axis))


def between(a, b):
    """The shortest rotation that turns direction a into b."""
    a, b = unit(a), unit(b)
    cosine = dot(a, b)
    if cosine < -0.999999:
        return quaternion_about(unit(cross(a, (1, 0, 0) if abs(a[0]) < 0.9 else (0, 1, 0))), math.pi)
    return unit((1 + cosine, *cross(a, b)))


def from_axes(x, y):
    """The rotation whose x axis is x and whose y axis is y as far as that is at right angles to it."""
    x = unit(x)
    z = unit(cross(x, y))
    if length(z) < 0.5:
        return between((1, 0, 0), x)
    return from_matrix(tuple(zip(x, cross(z, x), z, strict=True)))


def from_matrix(m):
    """The unit quaternion of a rotation matrix (rows), by its largest component."""
    trace = m[0][0] + m[1][1] + m[2][2]
    squares = [1 + trace] + [1 - trace + 2 * m[i][i] for i in range(3)]
    best = squares.index(max(squares))
    w = 0.5 * math.sqrt(squares[best])
    off = [m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]]
    if best == 0:
        return unit((w, *(d / (4 * w) for d in off)))
    i, j, k = best - 1, best % 3, (best + 1) % 3
    q = [off[i] / (4 * w), 0.0, 0.0, 0.0]
    q[1 + i], q[1 + j], q[1 + k] = w, (m[j][i] + m[i][j]) / (4 * w), (m[k][i] + m[i][k]) / (4 * w)
    return unit(q)


ORDERS = ("xyz", "yzx", "zxy", "xzy", "yxz", "zyx")
"""Maya's rotate orders by number: "xyz" turns about x first, so R = Rz Ry Rx."""


def matrix(q):
    """Rows of the rotation matrix."""
    columns = [rotate(q, axis) for axis in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))]
    return tuple(zip(*columns, strict=True))


def euler_degrees(q, before=None, order="xyz"):
    """Angles about x, y and z for a rotate order; of equal ones the nearest to ``before``."""
    i, j, k = ("xyz".index(axis) for axis in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    m = matrix(q)
    sine = max(-1.0, min(1.0, -sign * m[k][i]))
    middle = math.asin(sine)
    if abs(sine) > 0.9999999:
        first, last = math.atan2(-sign * m[j][k], m[j][j]), 0.0
    else:
        first, last = math.atan2(sign * m[k][j], m[k][k]), math.atan2(sign * m[j][i], m[i][i])
    found = [0.0, 0.0, 0.0]
    found[i], found[j], found[k] = (math.degrees(angle) for angle in (first, middle, last))
    if before is None:
        return tuple(found)
    other = [angle + 180 for angle in found]
    other[j] = 180 - found[j]
    near = [[a - 360 * round((a - b) / 360) for a, b in zip(c, before, strict=True)] for c in (found, other)]
    return tuple(min(near, key=lambda c: sum(abs(a - b) for a, b in zip(c, before, strict=True))))


def calm_order(turns):
    """The rotate order whose middle angle stays farthest from 90 degrees, where the other two lose their meaning;
    the usual one where it stays below 60."""

    def largest(order):
        i, _, k = ("xyz".index(axis) for axis in order)
        # The sine of the middle angle is one element of the matrix.
        return max((abs(matrix(q)[k][i]) for q in turns if q), default=0.0)

    return "xyz" if largest("xyz") < math.sin(math.radians(60)) else min(ORDERS, key=largest)

// The few vectors and matrices (columns first, as WebGL takes them) that a view needs.

export const add = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const sub = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const scale = (a, s) => [a[0] * s, a[1] * s, a[2] * s];
export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const length = (a) => Math.hypot(a[0], a[1], a[2]);
export const mix = (a, b, t) => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
export const cross = (a, b) => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** Unit vector; `other` for one that has no direction. */
export function unit(a, other) {
  const size = length(a);
  return size > 1e-6 ? scale(a, 1 / size) : other;
}

/** `a` without its part along the unit vector `axis`. */
export const across = (a, axis) => sub(a, scale(axis, dot(a, axis)));

export function product(a, b) {
  const out = new Float32Array(16);
  for (let column = 0; column < 4; column++) {
    for (let row = 0; row < 4; row++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) {
        sum += a[4 * k + row] * b[4 * column + k];
      }
      out[4 * column + row] = sum;
    }
  }
  return out;
}

/** Seen from `eye` towards `target`, with +y up. */
export function lookAt(eye, target) {
  const back = unit(sub(eye, target), [0, 0, 1]);
  const right = unit(cross([0, 1, 0], back), [1, 0, 0]);
  const up = cross(back, right);
  return new Float32Array([
    right[0], up[0], back[0], 0,
    right[1], up[1], back[1], 0,
    right[2], up[2], back[2], 0,
    -dot(right, eye), -dot(up, eye), -dot(back, eye), 1,
  ]);
}

/** Perspective; `tangent` is that of half the vertical angle, `shift` moves the middle upwards, in half heights. */
export function perspective(tangent, aspect, near, far, shift) {
  return new Float32Array([
    1 / (tangent * aspect), 0, 0, 0,
    0, 1 / tangent, 0, 0,
    0, -shift, -(far + near) / (far - near), -1,
    0, 0, (-2 * far * near) / (far - near), 0,
  ]);
}

/** Where a point of the world lies, in -1 to 1 across the picture; null behind the viewer. */
export function projected(matrix, p) {
  const at = (row) => matrix[row] * p[0] + matrix[4 + row] * p[1] + matrix[8 + row] * p[2] + matrix[12 + row];
  const w = at(3);
  return w > 0.01 ? [at(0) / w, at(1) / w] : null;
}

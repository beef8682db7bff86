// The programs that run for each corner and each pixel.

/** Limbs: the hull of two balls, placed by its two ends. A corner has an angle about the axis and a way along it. */
const LIMB_SHAPE = `
layout(location = 0) in vec2 corner;      // angle in turns; along: -1 to 0 round the first end, 0 to 1 round the second
layout(location = 1) in vec4 first;       // place, radius
layout(location = 2) in vec4 second;
layout(location = 3) in vec4 colour;      // and how much of it is left
layout(location = 4) in vec4 wide;        // direction, and by how much broader

void shape(out vec3 place, out vec3 normal) {
  vec3 way = second.xyz - first.xyz;
  float size = max(length(way), 1e-5);
  vec3 axis = way / size;
  // Where the cone touches the balls.
  float touch = asin(clamp((first.w - second.w) / size, -0.999, 0.999));
  float rise = corner.y < 0.0 ? mix(-1.5707963, touch, corner.y + 1.0) : mix(touch, 1.5707963, corner.y);
  vec3 aside = normalize(abs(axis.y) < 0.9 ? cross(axis, vec3(0, 1, 0)) : cross(axis, vec3(1, 0, 0)));
  vec3 other = cross(axis, aside);
  float angle = 6.2831853 * corner.x;
  normal = cos(rise) * (cos(angle) * aside + sin(angle) * other) + sin(rise) * axis;
  vec3 offset = normal * (corner.y < 0.0 ? first.w : second.w);
  offset += wide.xyz * dot(offset, wide.xyz) * (wide.w - 1.0);
  normal = normalize(normal + wide.xyz * dot(normal, wide.xyz) * (1.0 / wide.w - 1.0));
  place = (corner.y < 0.0 ? first.xyz : second.xyz) + offset;
}
`;

const HEAD = "#version 300 es\nprecision highp float;\n";

export const LIMB = {
  vertex: `${HEAD}${LIMB_SHAPE}
uniform mat4 matrix;
out vec3 facing;
out vec3 at;
out vec4 tint;
void main() {
  shape(at, facing);
  tint = colour;
  gl_Position = matrix * vec4(at, 1.0);
}`,
  fragment: `${HEAD}
uniform vec3 eye;
uniform vec3 sun;
uniform vec3 haze;
uniform float light;
in vec3 facing;
in vec3 at;
in vec4 tint;
out vec4 result;
vec3 linear(vec3 c) { return pow(c, vec3(2.2)); }
void main() {
  vec3 n = normalize(facing);
  vec3 to = normalize(eye - at);
  // Half from the sky, half from the sun, which wraps round a little; and a glow along the rim.
  float sky = 0.5 + 0.5 * n.y;
  float direct = max(dot(n, sun) * 0.8 + 0.2, 0.0);
  float towards = max(dot(n, to), 0.0);
  float ground = smoothstep(-0.05, 0.5, at.y);
  float shade = mix(0.36, 0.62, sky) * mix(0.78, 1.0, ground) + 0.5 * direct + 0.12 * towards;
  vec3 c = linear(tint.rgb) * shade;
  float shine = pow(max(dot(n, normalize(sun + to)), 0.0), 28.0);
  c += 0.05 * shine + 0.07 * pow(1.0 - towards, 4.0) * (0.4 + 0.6 * sky);
  c = pow(clamp(c * light, 0.0, 1.0), vec3(1.0 / 2.2));
  result = vec4(mix(haze, c, tint.a), 1.0);
}`,
};

/** The same limbs, flat on the ground along the sun's rays, seen from above. */
export const SHADOW = {
  vertex: `${HEAD}${LIMB_SHAPE}
uniform vec3 sun;
uniform vec3 patch_;                      // middle in x and z, half its size
out float weight;
void main() {
  vec3 place, normal;
  shape(place, normal);
  float height = max(place.y, 0.0);
  vec2 fallen = place.xz - height * sun.xz / sun.y;
  weight = colour.a * mix(1.0, 0.45, clamp(height / 1.7, 0.0, 1.0));
  gl_Position = vec4((fallen - patch_.xy) / patch_.z, 0.0, 1.0);
}`,
  fragment: `${HEAD}
in float weight;
out vec4 result;
void main() { result = vec4(weight); }`,
};

/** The ground: lines each half metre, and the shadow, blurred. */
export const GROUND = {
  vertex: `${HEAD}
layout(location = 0) in vec2 corner;
uniform mat4 matrix;
uniform vec3 middle;
uniform float radius;
out vec2 at;
void main() {
  at = middle.xz + corner * radius;
  gl_Position = matrix * vec4(at.x, 0.0, at.y, 1.0);
}`,
  fragment: `${HEAD}
uniform sampler2D shadow;
uniform vec3 patch_;
uniform vec3 middle;
uniform float radius;
uniform vec3 line;
uniform vec3 dark;
uniform float strength;
in vec2 at;
out vec4 result;
float lines(float every, float width) {
  vec2 cell = at / every;
  vec2 slope = max(fwidth(cell), vec2(1e-6));
  vec2 away = abs(fract(cell - 0.5) - 0.5) / slope;
  vec2 cover = clamp(width * 0.5 + 0.5 - away, 0.0, 1.0);
  // Where lines are nearer than pixels, they are a tone.
  cover *= clamp(1.2 - 2.5 * slope, 0.0, 1.0);
  return max(cover.x, cover.y);
}
const vec2 TAPS[12] = vec2[12](
  vec2(0.1, 0.2), vec2(-0.35, 0.1), vec2(0.25, -0.45), vec2(-0.2, -0.55), vec2(0.65, 0.15), vec2(-0.55, 0.5),
  vec2(0.15, 0.75), vec2(-0.8, -0.25), vec2(0.6, -0.7), vec2(0.7, 0.65), vec2(-0.35, 0.9), vec2(-0.6, -0.8));
void main() {
  float away = length(at - middle.xz) / radius;
  float fade = 1.0 - smoothstep(0.25, 1.0, away);
  float grid = max(lines(0.5, 1.0) * 0.42, lines(1.0, 1.25) * 0.95) * fade * fade;
  vec2 uv = (at - patch_.xy) / (2.0 * patch_.z) + 0.5;
  float shaded = 0.0;
  // Most of the ground is far from any shadow, as a coarser picture of it tells.
  bool inside = all(greaterThan(uv, vec2(0.0))) && all(lessThan(uv, vec2(1.0)));
  if (inside && textureLod(shadow, uv, 5.0).r > 0.0) {
    for (int i = 0; i < 12; i++) {
      shaded += textureLod(shadow, uv + TAPS[i] * (0.034 / patch_.z), 1.0).r;
    }
    shaded *= strength / 12.0;
  }
  float alpha = 1.0 - (1.0 - grid) * (1.0 - shaded);
  vec3 colour = mix(line, dark, alpha > 0.0 ? shaded / max(shaded + grid * (1.0 - shaded), 1e-4) : 0.0);
  result = vec4(colour * alpha, alpha);
}`,
};

/** Rings on the ground where feet stand. */
export const RING = {
  vertex: `${HEAD}
layout(location = 0) in vec2 corner;
layout(location = 1) in vec4 spot;        // place, radius
layout(location = 2) in vec4 colour;
uniform mat4 matrix;
out vec2 at;
out vec4 tint;
void main() {
  at = corner;
  tint = colour;
  gl_Position = matrix * vec4(spot.x + corner.x * spot.w, 0.002, spot.z + corner.y * spot.w, 1.0);
}`,
  fragment: `${HEAD}
in vec2 at;
in vec4 tint;
out vec4 result;
void main() {
  float r = length(at);
  float soft = max(fwidth(r), 0.02);
  float ring = smoothstep(1.0, 1.0 - soft, r) * smoothstep(0.72 - soft, 0.72, r);
  float disc = smoothstep(1.0, 1.0 - soft, r) * 0.3;
  float alpha = max(ring * 0.9, disc) * tint.a;
  result = vec4(tint.rgb * alpha, alpha);
}`,
};

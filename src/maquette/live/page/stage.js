// Draws people on a ground with WebGL 2, without a library.

import { GROUND, LIMB, RING, SHADOW } from "./shaders.js";

const ROUND = 24;
const ALONG = 7;
const SHADOW_PIXELS = 1024;
const SUN = [0.27, 0.92, 0.29];
const LIMB_FLOATS = 16;
const RING_FLOATS = 8;
const GROUND_RADIUS = 7;

export class Stage {
  /**
   * @param {HTMLCanvasElement} canvas
   * @throws {Error} without WebGL 2.
   */
  constructor(canvas) {
    this.canvas = canvas;
    const gl = canvas.getContext("webgl2", { alpha: true, antialias: true, premultipliedAlpha: true });
    if (!gl) {
      throw new Error("no WebGL 2");
    }
    this.gl = gl;
    this.build();
  }

  /** Everything that lives on the graphics card; again after it was lost. */
  build() {
    const { gl } = this;
    this.programs = {};
    for (const [name, source] of Object.entries({ limb: LIMB, shadow: SHADOW, ground: GROUND, ring: RING })) {
      this.programs[name] = program(gl, source);
    }
    const { corners, indices } = limbMesh();
    this.limbs = instanced(gl, corners, indices, LIMB_FLOATS);
    this.rings = instanced(gl, new Float32Array([-1, -1, 1, -1, 1, 1, -1, 1]), new Uint16Array([0, 1, 2, 0, 2, 3]), RING_FLOATS);
    this.shade = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.shade);
    gl.texStorage2D(gl.TEXTURE_2D, 6, gl.R8, SHADOW_PIXELS, SHADOW_PIXELS);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    for (const wrap of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
      gl.texParameteri(gl.TEXTURE_2D, wrap, gl.CLAMP_TO_EDGE);
    }
    this.shadeTarget = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.shadeTarget);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.shade, 0);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  /** Fit the canvas to its place on the page; whether that changed it. */
  resize() {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight].map((v) => Math.max(1, Math.round(v * ratio)));
    if (this.canvas.width === width && this.canvas.height === height) {
      return false;
    }
    this.canvas.width = width;
    this.canvas.height = height;
    return true;
  }

  /**
   * @param {object} look matrix, eye and target from View.look
   * @param {object[]} limbs with `colour` [r, g, b] and `left`, what is left of it, 0 to 1
   * @param {object[]} rings `place`, `radius`, `colour`, `shown`
   * @param {object} paint colours by name, [r, g, b] from 0 to 1, and `strength` and `light`
   * @param {number} reach how far from the target people are, metres
   */
  draw(look, limbs, rings, paint, reach) {
    const { gl } = this;
    const patch = [look.target[0], look.target[2], reach + 2.2];
    this.fill(this.limbs, limbs.length, limbData(limbs));
    this.fill(this.rings, rings.length, ringData(rings));
    this.drawShadow(patch);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
    gl.depthMask(false);
    gl.enable(gl.BLEND);
    gl.blendEquation(gl.FUNC_ADD);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    const ground = this.use("ground", look, { patch_: patch, middle: look.target, line: paint.line, dark: paint.shadow });
    gl.uniform1f(ground.radius, GROUND_RADIUS + reach);
    gl.uniform1f(ground.strength, paint.strength);
    gl.bindTexture(gl.TEXTURE_2D, this.shade);
    gl.bindVertexArray(this.rings.array);
    // One instance: its own attributes are not looked at.
    gl.drawElementsInstanced(gl.TRIANGLES, 6, gl.UNSIGNED_SHORT, 0, 1);
    if (rings.length) {
      this.use("ring", look, {});
      gl.drawElementsInstanced(gl.TRIANGLES, 6, gl.UNSIGNED_SHORT, 0, rings.length);
    }
    gl.disable(gl.BLEND);
    gl.depthMask(true);
    if (limbs.length) {
      const limb = this.use("limb", look, { eye: look.eye, sun: unitSun, haze: paint.paper });
      gl.uniform1f(limb.light, paint.light);
      gl.bindVertexArray(this.limbs.array);
      gl.drawElementsInstanced(gl.TRIANGLES, this.limbs.count, gl.UNSIGNED_SHORT, 0, limbs.length);
    }
    gl.bindVertexArray(null);
  }

  drawShadow(patch) {
    const { gl } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.shadeTarget);
    gl.viewport(0, 0, SHADOW_PIXELS, SHADOW_PIXELS);
    gl.disable(gl.DEPTH_TEST);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (this.limbs.instances) {
      gl.enable(gl.BLEND);
      gl.blendEquation(gl.MAX);
      this.use("shadow", null, { sun: unitSun, patch_: patch });
      gl.bindVertexArray(this.limbs.array);
      gl.drawElementsInstanced(gl.TRIANGLES, this.limbs.count, gl.UNSIGNED_SHORT, 0, this.limbs.instances);
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.bindTexture(gl.TEXTURE_2D, this.shade);
    gl.generateMipmap(gl.TEXTURE_2D);
  }

  /** Take a program into use, with its matrix and vectors; returns where its uniforms are. */
  use(name, look, vectors) {
    const { gl } = this;
    const { handle, places } = this.programs[name];
    gl.useProgram(handle);
    if (look) {
      gl.uniformMatrix4fv(places.matrix, false, look.matrix);
    }
    for (const [uniform, value] of Object.entries(vectors)) {
      gl.uniform3fv(places[uniform], value);
    }
    return places;
  }

  fill(mesh, instances, data) {
    const { gl } = this;
    mesh.instances = instances;
    gl.bindBuffer(gl.ARRAY_BUFFER, mesh.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, data.length ? data : new Float32Array(LIMB_FLOATS), gl.DYNAMIC_DRAW);
  }
}

const sunSize = Math.hypot(...SUN);
const unitSun = SUN.map((value) => value / sunSize);

function limbData(limbs) {
  const data = new Float32Array(limbs.length * LIMB_FLOATS);
  limbs.forEach((limb, i) => {
    const wide = limb.wide ?? [0, 0, 0];
    data.set([...limb.from, limb.radiusFrom, ...limb.to, limb.radiusTo, ...limb.colour, limb.left, ...wide, limb.breadth], i * LIMB_FLOATS);
  });
  return data;
}

function ringData(rings) {
  const data = new Float32Array(rings.length * RING_FLOATS);
  rings.forEach((ring, i) => data.set([...ring.place, ring.radius, ...ring.colour, ring.shown], i * RING_FLOATS));
  return data;
}

function program(gl, { vertex, fragment }) {
  const handle = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(handle, shader);
  }
  gl.linkProgram(handle);
  if (!gl.getProgramParameter(handle, gl.LINK_STATUS) && !gl.isContextLost()) {
    const logs = gl.getAttachedShaders(handle).map((shader) => gl.getShaderInfoLog(shader));
    throw new Error(`${gl.getProgramInfoLog(handle)} ${logs.join(" ")}`);
  }
  const places = {};
  const count = gl.getProgramParameter(handle, gl.ACTIVE_UNIFORMS) ?? 0;
  for (let i = 0; i < count; i++) {
    const { name } = gl.getActiveUniform(handle, i);
    places[name] = gl.getUniformLocation(handle, name);
  }
  return { handle, places };
}

/** Corners of a limb: two half balls, which the shader pulls apart. */
function limbMesh() {
  const rises = [];
  for (let i = 0; i <= ALONG; i++) {
    rises.push(-1 + i / ALONG - 1e-6);
  }
  for (let i = 0; i <= ALONG; i++) {
    rises.push(i / ALONG);
  }
  const corners = rises.flatMap((rise) => Array.from({ length: ROUND }, (_, k) => [k / ROUND, rise]).flat());
  const indices = [];
  for (let row = 0; row + 1 < rises.length; row++) {
    for (let k = 0; k < ROUND; k++) {
      const [a, b] = [row * ROUND + k, row * ROUND + ((k + 1) % ROUND)];
      indices.push(a, b, a + ROUND, b, b + ROUND, a + ROUND);
    }
  }
  return { corners: new Float32Array(corners), indices: new Uint16Array(indices) };
}

/** Corners that are drawn many times, each time with four-number attributes of its own. */
function instanced(gl, corners, indices, floats) {
  const array = gl.createVertexArray();
  gl.bindVertexArray(array);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, corners, gl.STATIC_DRAW);
  gl.enableVertexAttribArray(0);
  gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, indices, gl.STATIC_DRAW);
  const buffer = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  for (let k = 0; k < floats / 4; k++) {
    gl.enableVertexAttribArray(1 + k);
    gl.vertexAttribPointer(1 + k, 4, gl.FLOAT, false, 4 * floats, 16 * k);
    gl.vertexAttribDivisor(1 + k, 1);
  }
  gl.bindVertexArray(null);
  return { array, buffer, count: indices.length, instances: 0 };
}

// From where one looks: turned by mouse, touch and keys; the people stay in the middle and in full sight.

import { add, lookAt, perspective, product } from "./matrices.js";

const FOV = 0.56;
const START = { turn: 0.42, tilt: 0.16, zoom: 1 };
const FOLLOW_S = 0.45;
// Half of what is to be seen of one person, upwards and sideways.
const HALF_HIGH_M = 0.98;
const HALF_WIDE_M = 0.75;

const bounded = (value, low, high) => Math.min(Math.max(value, low), high);

export class View {
  /** @param {HTMLCanvasElement} canvas  @param {() => void} onChange */
  constructor(canvas, onChange) {
    Object.assign(this, START);
    this.canvas = canvas;
    this.onChange = onChange;
    this.middle = null;
    this.reach = 0;
    this.height = 1;
    this.pointers = new Map();
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
    }
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("dblclick", () => this.reset());
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  reset() {
    Object.assign(this, START);
    this.onChange();
  }

  move(turn, tilt, zoom = 1) {
    this.turn += turn;
    this.tilt = bounded(this.tilt + tilt, -0.05, 1.5);
    this.zoom = bounded(this.zoom * zoom, 0.35, 6);
    this.onChange();
  }

  press(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      return;
    }
    const now = [event.clientX, event.clientY];
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    this.pointers.set(event.pointerId, now);
    if (others.length) {
      const apart = (place) => Math.max(Math.hypot(place[0] - others[0][0], place[1] - others[0][1]), 10);
      this.move(0, 0, apart(before) / apart(now));
    } else {
      this.move(-0.008 * (now[0] - before[0]), 0.006 * (now[1] - before[1]));
    }
  }

  wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.move(0, 0, Math.exp(0.0012 * lines * event.deltaY));
  }

  key(event) {
    const moves = {
      ArrowLeft: [0.12, 0], ArrowRight: [-0.12, 0], ArrowUp: [0, 0.08], ArrowDown: [0, -0.08],
      "+": [0, 0, 0.9], "=": [0, 0, 0.9], "-": [0, 0, 1.1],
    };
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === "r" || event.key === "R") {
      this.reset();
    } else if (moves[event.key]) {
      this.move(...moves[event.key]);
      event.preventDefault();
    }
  }

  /** Follow people by `dt` seconds; whether the view moves. */
  follow(people, dt) {
    const roots = [];
    for (const person of people.all.values()) {
      if (!person.gone && person.pose.root) {
        roots.push([person.pose.root, person.top ?? 1.7]);
      }
    }
    if (!roots.length) {
      return false;
    }
    const low = [0, 2].map((axis) => Math.min(...roots.map(([root]) => root[axis])));
    const high = [0, 2].map((axis) => Math.max(...roots.map(([root]) => root[axis])));
    const top = bounded(Math.max(...roots.map(([, value]) => value)), 0.8, 2.6);
    const aim = [(low[0] + high[0]) / 2, 0, (low[1] + high[1]) / 2];
    const reach = Math.hypot(high[0] - low[0], high[1] - low[1]) / 2;
    const share = this.middle === null ? 1 : 1 - Math.exp(-dt / FOLLOW_S);
    const slow = this.middle === null ? 1 : 1 - Math.exp(-dt / (4 * FOLLOW_S));
    this.middle ??= aim;
    const before = [...this.middle, this.reach, this.height];
    this.middle = this.middle.map((value, axis) => value + share * (aim[axis] - value));
    this.reach += slow * (reach - this.reach);
    this.height += slow * (0.5 * top - this.height);
    return [...this.middle, this.reach, this.height].some((value, i) => Math.abs(value - before[i]) > 2e-4);
  }

  /** `{matrix, eye}` for a picture of this breadth and height; margins in the same pixels are kept free. */
  look(width, height, above, below) {
    const aspect = width / height;
    const free = bounded((height - above - below) / height, 0.4, 1);
    const tangent = Math.tan(FOV / 2);
    const needed = Math.max(HALF_HIGH_M / (tangent * free), (HALF_WIDE_M + this.reach) / (tangent * aspect));
    // Whoever stands nearer looks larger.
    const distance = this.zoom * (needed + 0.7 * this.reach);
    const target = add(this.middle ?? [0, 0, 0], [0, this.height, 0]);
    const level = Math.cos(this.tilt) * distance;
    const way = [Math.sin(this.turn) * level, Math.sin(this.tilt) * distance, Math.cos(this.turn) * level];
    const eye = add(target, way);
    // Below the ground there is nothing to see.
    eye[1] = Math.max(eye[1], 0.05);
    const shift = (below - above) / height;
    const near = Math.max(0.05, distance - 12);
    return {
      matrix: product(perspective(tangent, aspect, near, distance + 40, shift), lookAt(eye, target)),
      eye,
      target,
      distance,
    };
  }
}

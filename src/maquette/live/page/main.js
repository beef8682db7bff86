// Poses come by WebSocket; each picture shows the newest of each person.

import { Connection } from "./connection.js";
import { projected } from "./matrices.js";
import { Panel } from "./panel.js";
import { People } from "./people.js";
import { Stage } from "./stage.js";
import { View } from "./view.js";

const RING_M = 0.068;
const PALEST = 0.5;
const STILL = 0.45;

const canvas = document.getElementById("stage");
const tags = document.getElementById("tags");
const panel = new Panel();
const people = new People();
const view = new View(canvas, wake);
let stage = null;
let paint = readPaint();
let drawn = 0;
let changed = true;
let lastMs = performance.now();

try {
  stage = new Stage(canvas);
} catch (error) {
  panel.problem = `It offers no WebGL 2 (${error.message}).`;
}

function wake() {
  changed = true;
}

function take(message) {
  if (message.type === "pose") {
    people.take(message);
  } else if (message.type === "gone") {
    people.leave(message.person);
  } else if (message.type === "status") {
    panel.told(message);
  } else if (message.type === "hello") {
    // Perhaps another session: whoever was here is not known to it.
    people.clear();
    view.middle = null;
  }
  wake();
}

/** Colours of the style sheet, which depend on light and dark. */
function readPaint() {
  const style = getComputedStyle(document.documentElement);
  const rgb = (name) => {
    const hex = style.getPropertyValue(`--${name}`).trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  };
  const names = ["left", "right", "middle", "paper", "line", "shadow"];
  return {
    ...Object.fromEntries(names.map((name) => [name, rgb(name)])),
    strength: Number(style.getPropertyValue("--shadow-strength")),
    light: Number(style.getPropertyValue("--light")),
  };
}

/** Everything on the stage: pale where it is hardly known, grey while the connection or the source is gone. */
function things() {
  const limbs = [];
  const rings = [];
  const live = panel.connection === "connected" && panel.status?.source.state !== "stalled";
  for (const person of people.all.values()) {
    const shown = person.shown * person.shown * (3 - 2 * person.shown);
    for (const limb of person.limbs) {
      limb.colour = live ? paint[limb.side] : paint[limb.side].map((v, i) => v + STILL * (paint.middle[i] - v));
      limb.left = shown * (PALEST + (1 - PALEST) * Math.min(1, 1.6 * limb.sure));
      limbs.push(limb);
    }
    for (const stand of Object.values(person.stands)) {
      if (stand.shown > 0.01) {
        const radius = RING_M * (1.35 - 0.35 * stand.shown);
        rings.push({ place: stand.place, radius, colour: paint[stand.side], shown: shown * stand.shown });
      }
    }
  }
  return { limbs, rings };
}

/** Numbers above heads, when there are several people. */
function label(matrix) {
  const wanted = people.all.size > 1 ? [...people.all.values()] : [];
  while (tags.childElementCount > wanted.length) {
    tags.lastElementChild.remove();
  }
  wanted.forEach((person, i) => {
    const tag = tags.children[i] ?? tags.appendChild(document.createElement("span"));
    const above = person.at.head ?? person.pose.root;
    const place = above && projected(matrix, [above[0], above[1] + 0.13, above[2]]);
    tag.hidden = !place;
    if (place) {
      tag.textContent = String(person.number);
      tag.style.opacity = String(person.shown);
      const [x, y] = [(0.5 + 0.5 * place[0]) * canvas.clientWidth, (0.5 - 0.5 * place[1]) * canvas.clientHeight];
      tag.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(-50%, -100%)`;
    }
  });
}

function draw(nowMs) {
  requestAnimationFrame(draw);
  const dt = Math.min((nowMs - lastMs) / 1000, 0.25);
  lastMs = nowMs;
  const moving = people.step(Math.max(dt, 0));
  const following = view.follow(people, Math.max(dt, 0));
  panel.wait(people.count);
  if (!stage || stage.gl.isContextLost() || !(stage.resize() || moving || following || changed)) {
    return;
  }
  changed = false;
  // Nobody's head is to lie behind words.
  const words = document.querySelector("#message.beside:not([hidden])")?.getBoundingClientRect().bottom ?? 0;
  const below = document.querySelector("footer").offsetHeight;
  const look = view.look(canvas.clientWidth, canvas.clientHeight, Math.max(62, words + 4), below);
  const { limbs, rings } = things();
  stage.draw(look, limbs, rings, paint, view.reach);
  label(look.matrix);
  drawn += 1;
  canvas.dataset.pictures = String(drawn);
  canvas.dataset.people = String(people.count);
}

canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
canvas.addEventListener("webglcontextrestored", () => {
  stage?.build();
  wake();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  paint = readPaint();
  wake();
});
new ResizeObserver(wake).observe(canvas);
new Connection(take, (state, attempt) => {
  panel.connected(state, attempt);
  wake();
});
requestAnimationFrame(draw);

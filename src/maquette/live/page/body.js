// From joints to a body: tapered limbs, as on an artist's mannequin. Widths are those of an adult and grow with the legs.

import { across, add, cross, length, mix, scale, sub, unit } from "./matrices.js";

const LEG_M = 0.83;
const UP = [0, 1, 0];

/** One limb: a cone with round ends, perhaps broader than deep. */
function limb(out, side, from, to, radiusFrom, radiusTo, sure, wide = null, breadth = 1) {
  out.push({ side, from, to, radiusFrom, radiusTo, sure, wide, breadth });
}

/**
 * @param {Record<string, number[] | null>} at joint -> place in metres; null where unknown
 * @param {Record<string, number>} sure joint -> 0 to 1
 * @returns limbs; empty when the trunk is not known
 */
export function limbsOf(at, sure) {
  const { hip, spine, thorax } = at;
  if (!hip || !spine || !thorax) {
    return [];
  }
  const out = [];
  const size = sizeOf(at);
  const has = (...joints) => joints.every((joint) => at[joint]);
  const least = (...joints) => Math.min(...joints.map((joint) => sure[joint] ?? 1));

  const spineUp = unit(sub(thorax, hip), UP);
  const hipsLeft = sideways(at.l_hip, at.r_hip, spineUp);
  const chestLeft = sideways(at.l_shoulder, at.r_shoulder, spineUp);

  // The trunk: pelvis, waist and chest, broader than deep.
  const trunk = Math.max(least("thorax"), least("hip"));
  const pelvis = add(hip, scale(spineUp, 0.015 * size));
  const waist = mix(hip, spine, 0.85);
  const ribs = mix(spine, thorax, 0.6);
  const waistLeft = unit(add(hipsLeft, chestLeft), chestLeft);
  limb(out, "middle", pelvis, waist, 0.09 * size, 0.076 * size, trunk, waistLeft, 1.5);
  limb(out, "middle", waist, ribs, 0.076 * size, 0.098 * size, trunk, waistLeft, 1.5);

  for (const side of ["left", "right"]) {
    const [l, outwards] = side === "left" ? ["l_", 1] : ["r_", -1];
    const names = (...joints) => joints.map((joint) => l + joint);
    const [shoulder, elbow, wrist] = names("shoulder", "elbow", "wrist").map((joint) => at[joint]);
    if (shoulder) {
      const inner = add(mix(thorax, ribs, 0.3), scale(chestLeft, outwards * 0.045 * size));
      limb(out, "middle", inner, mix(inner, shoulder, 0.8), 0.05 * size, 0.047 * size, trunk);
    }
    if (shoulder && elbow) {
      limb(out, side, shoulder, elbow, 0.05 * size, 0.037 * size, least(...names("shoulder", "elbow")));
    }
    if (elbow && wrist) {
      const known = least(...names("elbow", "wrist"));
      limb(out, side, elbow, wrist, 0.037 * size, 0.025 * size, known);
      const along = unit(sub(wrist, elbow), UP);
      const palm = add(wrist, scale(along, 0.035 * size));
      limb(out, side, palm, add(wrist, scale(along, 0.11 * size)), 0.029 * size, 0.019 * size, known);
    }
    if (has(...names("hip", "knee"))) {
      limb(out, side, at[l + "hip"], at[l + "knee"], 0.079 * size, 0.05 * size, least(...names("hip", "knee")));
    }
    if (has(...names("knee", "ankle"))) {
      limb(out, side, at[l + "knee"], at[l + "ankle"], 0.05 * size, 0.033 * size, least(...names("knee", "ankle")));
    }
    foot(out, side, at, l, size, least);
  }
  head(out, at, chestLeft, size, least);
  return out;
}

/** Heel, sole and ball, with toes beyond the ball. */
function foot(out, side, at, l, size, least) {
  const [ankle, heel, toe] = ["ankle", "heel", "toe"].map((joint) => at[l + joint]);
  if (!ankle || !heel || !toe) {
    return;
  }
  const known = least(l + "ankle", l + "toe");
  const along = unit(sub(toe, heel), [0, 0, 1]);
  const flat = unit(cross(UP, along), [1, 0, 0]);
  const tip = add(toe, scale(along, 0.055 * size));
  // Joints lie inside the foot; the sole does not sink into the ground.
  const above = (p, radius) => [p[0], Math.max(p[1], radius), p[2]];
  const [back, ball] = [0.03 * size, 0.024 * size];
  limb(out, side, above(heel, back), above(toe, ball), back, ball, known, flat, 1.35);
  limb(out, side, above(toe, ball), above(tip, 0.02 * size), ball, 0.02 * size, known, flat, 1.5);
  limb(out, side, ankle, above(toe, ball), 0.034 * size, ball, known);
  limb(out, side, ankle, above(heel, back), 0.033 * size, back, known);
}

/** Neck, skull and chin; a nose tells where the face looks. */
function head(out, at, chestLeft, size, least) {
  const { thorax, nose, head: crown } = at;
  if (!crown) {
    return;
  }
  const up = unit(sub(crown, thorax), UP);
  const radius = 0.082 * size;
  const middle = sub(crown, scale(up, radius));
  const chestFront = unit(across(cross(chestLeft, up), up), [0, 0, 1]);
  // The joint between neck and head lies in front of the line from the neck's base to the crown.
  const forward = nose ? across(sub(nose, thorax), up) : [0, 0, 0];
  const front = unit(add(scale(chestFront, 0.05), forward), chestFront);
  const known = least("head");
  limb(out, "middle", thorax, add(middle, scale(up, -0.05 * size)), 0.049 * size, 0.046 * size, known);
  const chin = add(add(middle, scale(up, -0.085 * size)), scale(front, 0.022 * size));
  limb(out, "middle", middle, chin, radius, 0.055 * size, known);
  const tip = add(add(middle, scale(front, 0.08 * size)), scale(up, -0.04 * size));
  limb(out, "middle", add(tip, scale(up, 0.025 * size)), tip, 0.008 * size, 0.014 * size, known);
}

/** To the person's left, at right angles to the spine. */
function sideways(left, right, up) {
  const fallback = unit(cross(up, [0, 0, 1]), [1, 0, 0]);
  return left && right ? unit(across(sub(left, right), up), fallback) : fallback;
}

/** How large the person is, by the legs; 1 for an adult. */
function sizeOf(at) {
  const lengths = ["l_", "r_"]
    .filter((l) => at[l + "hip"] && at[l + "knee"] && at[l + "ankle"])
    .map((l) => length(sub(at[l + "hip"], at[l + "knee"])) + length(sub(at[l + "knee"], at[l + "ankle"])));
  if (!lengths.length) {
    return 1;
  }
  const mean = lengths.reduce((sum, value) => sum + value, 0) / lengths.length;
  return Math.min(Math.max(mean / LEG_M, 0.35), 1.6);
}

/** Where feet stand: `{side, place}` of each joint in contact. */
export function standsOf(at, contacts) {
  return Object.entries(contacts ?? {})
    .filter(([joint]) => at[joint])
    .map(([joint, stands]) => ({ joint, side: joint.startsWith("l_") ? "left" : "right", place: at[joint], stands }));
}

/** Height of the crown over the hip, along +y, for what is written above a head. */
export const topOf = (at) => Math.max(...Object.values(at).filter(Boolean).map((place) => place[1]));


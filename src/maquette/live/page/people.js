// Who is followed: the newest pose of each, how sure it is, and how visible somebody is who comes or goes.

import { limbsOf, standsOf, topOf } from "./body.js";

const COME_S = 0.25;
const GO_S = 0.35;
const SURE_S = 0.2;
const STAND_S = 0.07;
// Somebody of whom nothing is told while others are has gone, even if the word of it was lost.
const FORGOTTEN_S = 2;

const towards = (value, aim, dt, time) => aim + (value - aim) * Math.exp(-dt / time);

export class People {
  constructor() {
    this.all = new Map();
    this.newest = 0;
  }

  get count() {
    let count = 0;
    for (const person of this.all.values()) {
      count += person.gone ? 0 : 1;
    }
    return count;
  }

  /** Take a pose. Limbs are made when it is drawn: several poses may come between two pictures. */
  take(message) {
    let person = this.all.get(message.person);
    if (!person) {
      person = { number: message.person, shown: 0, sure: { ...message.conf }, stands: {}, limbs: [], at: {} };
      this.all.set(message.person, person);
    }
    person.pose = message;
    person.gone = false;
    person.fresh = true;
    this.newest = message.t;
  }

  leave(number) {
    const person = this.all.get(number);
    if (person) {
      person.gone = true;
    }
  }

  clear() {
    this.all.clear();
  }

  /** Move on by `dt` seconds; whether anything changes on the picture. */
  step(dt) {
    let moving = false;
    for (const person of this.all.values()) {
      if (person.pose.t < this.newest - FORGOTTEN_S) {
        person.gone = true;
      }
      const aim = person.gone ? 0 : 1;
      if (person.shown !== aim) {
        const change = dt / (person.gone ? GO_S : COME_S);
        person.shown = person.gone ? Math.max(person.shown - change, 0) : Math.min(person.shown + change, 1);
        moving = true;
      }
      if (person.gone && person.shown === 0) {
        this.all.delete(person.number);
        continue;
      }
      moving = this.ease(person, dt) || moving;
      if (person.fresh || moving) {
        person.at = person.pose.joints;
        person.limbs = limbsOf(person.at, person.sure);
        person.top = topOf(person.at);
        moving = moving || person.fresh;
        person.fresh = false;
      }
    }
    return moving;
  }

  /** Confidences and contacts do not flicker. */
  ease(person, dt) {
    let moving = false;
    for (const [joint, aim] of Object.entries(person.pose.conf)) {
      const before = person.sure[joint] ?? aim;
      person.sure[joint] = Math.abs(aim - before) < 0.01 ? aim : towards(before, aim, dt, SURE_S);
      moving = moving || person.sure[joint] !== before;
    }
    for (const stand of standsOf(person.pose.joints, person.pose.contacts)) {
      const before = person.stands[stand.joint]?.shown ?? 0;
      const aim = stand.stands ? 1 : 0;
      const shown = Math.abs(aim - before) < 0.02 ? aim : towards(before, aim, dt, STAND_S);
      // A mark stays where the foot stood while it fades.
      const place = stand.stands || before === 0 ? stand.place : person.stands[stand.joint].place;
      person.stands[stand.joint] = { side: stand.side, place, shown };
      moving = moving || shown !== before;
    }
    return moving;
  }
}

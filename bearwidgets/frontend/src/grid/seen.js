// What has been looked at: pictures half visible for a while, told to Python in batches.
import { normal, without } from "../shared/ranges.js";
/** @typedef {import("../shared/types.js").Range} Range */

/** How long a picture must be half visible, ms. */
export const LOOK = 400;
/** Batches go out at most this often, ms. */
export const EVERY = 1_000;

export class Seen {
  /** @type {Map<number, number>} */
  #since = new Map();
  /** @type {Range[]} */
  #told = [];
  /** @type {Range[]} */
  #news = [];
  #lastSent = -Infinity;
  /** @type {any} */
  #timer = null;
  #send;

  /** @param {(ranges: Range[]) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /** Another order: positions mean other items now. */
  restart() {
    this.#since.clear();
    this.#told = [];
    this.#news = [];
  }

  /** @param {Range[]} ranges items half visible now, with their picture there */
  look(ranges) {
    const now = Date.now();
    /** @type {Map<number, number>} */
    const since = new Map();
    for (const [start, stop] of without(normal(ranges), this.#told)) {
      for (let index = start; index < stop; index++) since.set(index, this.#since.get(index) ?? now);
    }
    this.#since = since;
    this.#plan();
  }

  end() {
    clearTimeout(this.#timer);
  }

  #plan() {
    clearTimeout(this.#timer);
    if (!this.#since.size && !this.#news.length) return;
    const now = Date.now();
    let due = this.#news.length ? this.#lastSent + EVERY : Infinity;
    for (const since of this.#since.values()) due = Math.min(due, since + LOOK);
    this.#timer = setTimeout(() => this.#collect(), Math.max(0, due - now));
  }

  #collect() {
    const now = Date.now();
    /** @type {Range[]} */
    const found = [];
    for (const [index, since] of this.#since) {
      if (now - since < LOOK) continue;
      found.push([index, index + 1]);
      this.#since.delete(index);
    }
    this.#told = normal([...this.#told, ...found]);
    this.#news = normal([...this.#news, ...found]);
    if (this.#news.length && now - this.#lastSent >= EVERY) {
      this.#lastSent = now;
      this.#send(this.#news);
      this.#news = [];
    }
    this.#plan();
  }
}

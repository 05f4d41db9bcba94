// What has been looked at: images half visible for a while, told to Python in batches.
import { normal, without } from "../shared/ranges.js";
/** @import { Range } from "../shared/types.js" */

/** How long an image must be half visible, ms. */
export const SEEN_AFTER = 400;
/** Batches go out at most this often, ms. */
export const BATCH_EVERY = 1_000;

/** Tells which items were on screen long enough to be seen, each once. */
export class SeenTracker {
  /** @type {Map<number, number>} */
  #since = new Map();
  /** @type {Range[]} */
  #reported = [];
  /** @type {Range[]} */
  #unsent = [];
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
    this.#reported = [];
    this.#unsent = [];
  }

  /** @param {Range[]} ranges items half visible now, with their image there */
  watch(ranges) {
    const now = Date.now();
    /** @type {Map<number, number>} */
    const since = new Map();
    for (const [start, stop] of without(normal(ranges), this.#reported)) {
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
    if (!this.#since.size && !this.#unsent.length) return;
    const now = Date.now();
    let due = this.#unsent.length ? this.#lastSent + BATCH_EVERY : Infinity;
    for (const since of this.#since.values()) due = Math.min(due, since + SEEN_AFTER);
    this.#timer = setTimeout(() => this.#collect(), Math.max(0, due - now));
  }

  #collect() {
    const now = Date.now();
    /** @type {Range[]} */
    const found = [];
    for (const [index, since] of this.#since) {
      if (now - since < SEEN_AFTER) continue;
      found.push([index, index + 1]);
      this.#since.delete(index);
    }
    this.#reported = normal([...this.#reported, ...found]);
    this.#unsent = normal([...this.#unsent, ...found]);
    if (this.#unsent.length && now - this.#lastSent >= BATCH_EVERY) {
      this.#lastSent = now;
      this.#send(this.#unsent);
      this.#unsent = [];
    }
    this.#plan();
  }
}

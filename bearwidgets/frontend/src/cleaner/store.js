// Synced state: what Python said last about the view and its items, and the decisions that are on their way to it.
import { count, has, normal } from "../shared/ranges.js";
/** @typedef {import("../shared/types.js").Item} Item */
/** @typedef {import("../shared/types.js").State} State */
/** @typedef {import("../shared/types.js").Range} Range */
/** @typedef {import("../shared/types.js").Decision} Decision */
/** @typedef {import("../shared/types.js").Action} Action */
/** @typedef {{ranges: Range[], before: Map<number, Decision|null>}} Guess */

/** Items kept in memory, so that going back needs no question. */
export const MOST_ITEMS = 12_000;

export class Store {
  /** @type {State|null} */
  state = null;
  /** @type {Map<number, Item>} */
  #items = new Map();
  /** @type {Set<number>} */
  #dirty = new Set();
  /** @type {Set<Guess>} */
  #guesses = new Set();

  /** @param {number} index */
  item(index) {
    return this.#items.get(index) ?? null;
  }

  /** @param {Range[]} ranges @returns {Item[]} those of them that are known here */
  itemsIn(ranges) {
    const wanted = normal(ranges);
    return [...this.#items.values()].filter((item) => has(wanted, item.i));
  }

  /** @param {Item[]} items @returns {Item[]} the members of their groups that are known here */
  itemsOfGroups(items) {
    const numbers_ = new Set(items.map((item) => item.group?.number).filter((number) => number !== undefined));
    return [...this.#items.values()].filter((item) => item.group && numbers_.has(item.group.number));
  }

  get total() {
    return this.state?.total ?? 0;
  }

  get revision() {
    return this.state?.revision ?? -1;
  }

  /** @param {number} index */
  isDirty(index) {
    return this.#dirty.has(index);
  }

  /** @param {State} state @returns {boolean} true when the order changed and all tiles are others now */
  setState(state) {
    if (this.state && state.revision < this.state.revision) return false;
    const moved = !this.state || state.revision !== this.state.revision;
    this.state = state;
    if (moved) {
      this.#items.clear();
      this.#dirty.clear();
      this.#guesses.clear();
    }
    return moved;
  }

  /** @param {Item[]} items */
  put(items) {
    for (const item of items) {
      const guess = this.#guessed(item.i);
      if (guess !== undefined) item.decision = guess;
      this.#items.delete(item.i);
      this.#items.set(item.i, item);
      this.#dirty.delete(item.i);
    }
    for (const index of this.#items.keys()) {
      if (this.#items.size <= MOST_ITEMS) break;
      this.#items.delete(index);
    }
  }

  /** @param {readonly string[]|null} ids null: all */
  touchIds(ids) {
    const wanted = ids && new Set(ids);
    for (const [index, item] of this.#items) if (!wanted || wanted.has(item.id)) this.#dirty.add(index);
  }

  /** @param {Range[]} ranges */
  touch(ranges) {
    for (const index of this.#items.keys()) if (has(ranges, index)) this.#dirty.add(index);
  }

  /**
   * Shows a decision before Python has confirmed it.
   * @param {Range[]} ranges @param {Action} action @param {string|null} label
   * @returns {Guess} give it to `settle`
   */
  guess(ranges, action, label) {
    /** @type {Guess} */
    const guess = { ranges: normal(ranges), before: new Map() };
    for (const index of count(guess.ranges) > this.#items.size ? this.#items.keys() : numbers(guess.ranges)) {
      const item = this.#items.get(index);
      if (!item || !has(guess.ranges, index)) continue;
      guess.before.set(index, item.decision);
      item.decision = decisionAfter(item, action, label);
    }
    this.#guesses.add(guess);
    return guess;
  }

  /** @param {Guess} guess @param {boolean} accepted false: the tiles get back what they had */
  settle(guess, accepted) {
    if (!this.#guesses.delete(guess)) return;
    this.touch(guess.ranges);
    if (accepted) return;
    for (const [index, decision] of guess.before) {
      const item = this.#items.get(index);
      if (item && this.#guessed(index) === undefined) item.decision = decision;
    }
  }

  /** @param {number} index @returns {Decision|null|undefined} what is shown of a decision on its way; undefined: none is */
  #guessed(index) {
    for (const guess of this.#guesses) if (guess.before.has(index)) return this.#items.get(index)?.decision ?? null;
    return undefined;
  }
}

/** @param {Range[]} ranges */
function* numbers(ranges) {
  for (const [start, stop] of ranges) for (let index = start; index < stop; index++) yield index;
}

/** @param {Item} item @param {Action} action @param {string|null} label @returns {Decision|null} what Python will say, as far as can be known */
export function decisionAfter(item, action, label) {
  if (action === "clear") return null;
  if (action === "accept") {
    if (item.suggested === null) return item.decision;
    return item.suggested === item.label ? { action: "keep", label: null } : { action: "relabel", label: item.suggested };
  }
  if (action === "relabel") return label === item.label ? { action: "keep", label: null } : { action, label };
  return { action, label: null };
}

// Synced state: what Python said last about the view and its items, and the decisions that are on their way to it.
import { has, normal } from "../shared/ranges.js";
/** @import { Decision, Item, Range, State } from "../shared/types.js" */
/** @typedef {{ranges: Range[], before: Map<number, Decision|null>}} Guess */

/** Items kept in memory, so that going back needs no question. */
export const MOST_ITEMS = 12_000;

/** What is known of the view; decisions show before Python has confirmed them. */
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
    const groups = new Set(items.flatMap(({ group }) => (group ? [group.number] : [])));
    return [...this.#items.values()].filter(({ group }) => group && groups.has(group.number));
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
    const moved = state.revision !== this.state?.revision;
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

  /** @param {readonly string[]|null} ids items that changed; null: all */
  touch(ids) {
    const wanted = ids && new Set(ids);
    for (const [index, item] of this.#items) if (!wanted || wanted.has(item.id)) this.#dirty.add(index);
  }

  /**
   * Shows decisions before Python has confirmed them.
   * @param {Range[]} ranges @param {(item: Item) => Decision|null} decide
   * @returns {Guess} give it to `confirm` or `takeBack`
   */
  guess(ranges, decide) {
    /** @type {Guess} */
    const guess = { ranges: normal(ranges), before: new Map() };
    for (const [index, item] of this.#items) {
      if (!has(guess.ranges, index)) continue;
      guess.before.set(index, item.decision);
      item.decision = decide(item);
    }
    this.#guesses.add(guess);
    return guess;
  }

  /** Python did as guessed; what it made of it is fetched. @param {Guess} guess @returns {boolean} false: the order changed meanwhile */
  confirm(guess) {
    const known = this.#guesses.delete(guess);
    if (known) for (const index of this.#items.keys()) if (has(guess.ranges, index)) this.#dirty.add(index);
    return known;
  }

  /** The tiles get back what they had, unless a later guess shows there. @param {Guess} guess */
  takeBack(guess) {
    if (!this.confirm(guess)) return;
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

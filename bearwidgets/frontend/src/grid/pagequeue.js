// Which items to ask for next. At most four requests are on their way; what was scrolled past is dropped; the neighbors
// of what is in sight are fetched, one request at a time, once all in sight is there.
/** @import { Range } from "../shared/types.js" */
/** @typedef {"images"|"data"|null} Need what an item lacks: its image and all, or only what changed */

/** Most items in one request: about a screenful is two, so that the first tiles are painted while the others come. */
export const PAGE = 24;
/** Requests on their way at once. */
export const MOST = 4;
/** Neighbors wait this long after what came into sight, which is painted meanwhile, or another jump follows, ms. */
export const PAUSE = 100;

/** Decides which items are asked for next: exactly those in sight first, for what lies beside them would hold them up. */
export class PageQueue {
  /** @type {Range} */
  #sight = [0, 0];
  /** @type {Range[]} */
  #around = [];
  /** @type {Set<number>} */
  #underway = new Set();
  #requests = 0;
  /** @type {Set<number>} */
  #failed = new Set();
  #generation = 0;
  /** @type {any} */
  #pause = null;
  #options;

  /**
   * @param {object} options
   * @param {(index: number) => Need} options.need what item `index` lacks
   * @param {(start: number, stop: number, images: boolean) => Promise<void>} options.fetch
   */
  constructor(options) {
    this.#options = options;
  }

  /** @param {Range} sight items on screen @param {Range} drawn items in the page, these among them @param {number} total */
  want(sight, drawn, total) {
    this.#sight = sight;
    this.#around = [
      [sight[1], Math.min(total, drawn[1] + PAGE)],
      [Math.max(0, drawn[0] - PAGE), sight[0]],
    ];
    this.#next();
  }

  /** Another order or image size: answers on their way no longer count as these items'. */
  restart() {
    this.#generation += 1;
    this.#sight = [0, 0];
    this.#around = [];
    this.#underway.clear();
    this.#requests = 0;
    this.#failed.clear();
  }

  /** Items that failed may be asked for again. */
  retry() {
    this.#failed.clear();
    this.#next();
  }

  /** @param {number} [pause] before the neighbors, ms */
  #next(pause = 0) {
    this.#take(this.#sight, MOST);
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => {
      for (const range of this.#around) this.#take(range, 1);
    }, pause);
  }

  /** @param {Range} range @param {number} most requests on their way at once */
  #take([start, stop], most) {
    for (let index = start; index < stop && this.#requests < most; index++) {
      const need = this.#need(index);
      if (!need) continue;
      let end = index + 1;
      while (end < stop && end - index < PAGE && this.#need(end) === need) end++;
      void this.#fetch(index, end, need === "images");
      index = end - 1;
    }
  }

  /** @param {number} index @returns {Need} */
  #need(index) {
    return this.#underway.has(index) || this.#failed.has(index) ? null : this.#options.need(index);
  }

  /** @param {number} start @param {number} stop @param {boolean} images */
  async #fetch(start, stop, images) {
    const generation = this.#generation;
    const items = Array.from({ length: stop - start }, (_, step) => start + step);
    this.#requests += 1;
    for (const index of items) this.#underway.add(index);
    let failed = false;
    try {
      await this.#options.fetch(start, stop, images);
    } catch {
      // `fetch` has told the person; the items stay skeletons until `retry`.
      failed = true;
    }
    if (generation !== this.#generation) return;
    this.#requests -= 1;
    for (const index of items) {
      this.#underway.delete(index);
      if (failed) this.#failed.add(index);
    }
    const [first, last] = this.#sight;
    this.#next(start < last && stop > first ? PAUSE : 0);
  }
}

// Which pages of items to ask for, in which order. At most four are on their way; what was scrolled past is dropped;
// the neighbors of what is in sight are fetched, one at a time, once all in sight is there.
/** @import { Range } from "../shared/types.js" */
/** @typedef {"images"|"data"|null} Need what an item lacks: its image and all, or only what changed */

/** Items in one request: about a screenful is two, so that the first tiles are painted while the others come. */
export const PAGE = 24;
/** Requests on their way at once. */
export const MOST = 4;

/** Decides which pages are asked for next. */
export class PageQueue {
  /** @type {number[]} */
  #queue = [];
  /** @type {number[]} */
  #ahead = [];
  /** @type {Set<number>} */
  #underway = new Set();
  /** @type {Set<number>} */
  #failed = new Set();
  #generation = 0;
  #total = 0;
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
    this.#total = total;
    this.#queue = pagesOf(sight);
    const around = drawn[1] > drawn[0] ? pagesOf([drawn[0], drawn[1] + PAGE]) : [];
    if (around[0] > 0) around.push(around[0] - 1);
    const end = Math.ceil(total / PAGE);
    this.#ahead = around.filter((page) => page < end && !this.#queue.includes(page));
    this.#next();
  }

  /** Another order or image size: answers on their way no longer count as these pages'. */
  restart() {
    this.#generation += 1;
    this.#queue = [];
    this.#ahead = [];
    this.#underway.clear();
    this.#failed.clear();
  }

  /** Pages that failed may be asked for again. */
  retry() {
    this.#failed.clear();
    this.#next();
  }

  #next() {
    this.#take(this.#queue, MOST);
    if (!this.#underway.size) this.#take(this.#ahead, 1);
  }

  /** @param {number[]} pages @param {number} most requests on their way at once */
  #take(pages, most) {
    while (this.#underway.size < most && pages.length) {
      const page = /** @type {number} */ (pages.shift());
      if (this.#underway.has(page) || this.#failed.has(page)) continue;
      const need = this.#needOf(page);
      if (need) void this.#fetch(page, need === "images");
    }
  }

  /** @param {number} page @returns {Need} */
  #needOf(page) {
    /** @type {Need} */
    let need = null;
    const stop = Math.min(this.#total, (page + 1) * PAGE);
    for (let index = page * PAGE; index < stop; index++) {
      const one = this.#options.need(index);
      if (one === "images") return one;
      need = one ?? need;
    }
    return need;
  }

  /** @param {number} page @param {boolean} images */
  async #fetch(page, images) {
    const generation = this.#generation;
    this.#underway.add(page);
    let failed = false;
    try {
      await this.#options.fetch(page * PAGE, Math.min(this.#total, (page + 1) * PAGE), images);
    } catch {
      // `fetch` has told the person; the page stays a skeleton until `retry`.
      failed = true;
    }
    if (generation !== this.#generation) return;
    this.#underway.delete(page);
    if (failed) this.#failed.add(page);
    this.#next();
  }
}

/** The pages some items lie on. @param {Range} items @returns {number[]} */
function pagesOf([start, stop]) {
  const first = Math.floor(start / PAGE);
  return Array.from({ length: stop > start ? Math.ceil(stop / PAGE) - first : 0 }, (_, step) => first + step);
}

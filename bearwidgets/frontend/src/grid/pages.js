// Which pages of items to ask for, in which order. At most four are on their way; what was scrolled past is dropped;
// the neighbours of what is in sight are fetched, one at a time, once all in sight is there.
/** @typedef {import("../shared/types.js").Range} Range */
/** @typedef {"pictures"|"data"|null} Need */

/** Items in one request: about a screenful is two, so that the first tiles are painted while the others come. */
export const PAGE = 24;
/** Requests on their way at once. */
export const MOST = 4;

export class Pages {
  /** @type {number[]} */
  #queue = [];
  /** @type {number[]} */
  #ahead = [];
  /** @type {Set<number>} */
  #going = new Set();
  /** @type {Set<number>} */
  #failed = new Set();
  #era = 0;
  #options;

  /**
   * @param {object} options
   * @param {(index: number) => Need} options.need what item `index` lacks
   * @param {(start: number, stop: number, pictures: boolean) => Promise<void>} options.fetch
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
    this.#pump();
  }

  #total = 0;

  /** Another order or picture size: answers on their way no longer count as these pages'. */
  restart() {
    this.#era += 1;
    this.#queue = [];
    this.#ahead = [];
    this.#going.clear();
    this.#failed.clear();
  }

  /** Pages that failed may be asked for again. */
  retry() {
    this.#failed.clear();
    this.#pump();
  }

  #pump() {
    this.#take(this.#queue, MOST);
    if (!this.#going.size) this.#take(this.#ahead, 1);
  }

  /** @param {number[]} pages @param {number} most requests on their way at once */
  #take(pages, most) {
    while (this.#going.size < most && pages.length) {
      const page = /** @type {number} */ (pages.shift());
      if (this.#going.has(page) || this.#failed.has(page)) continue;
      const need = this.#needOf(page);
      if (need) void this.#go(page, need === "pictures");
    }
  }

  /** @param {number} page @returns {Need} */
  #needOf(page) {
    /** @type {Need} */
    let need = null;
    const stop = Math.min(this.#total, (page + 1) * PAGE);
    for (let index = page * PAGE; index < stop; index++) {
      const one = this.#options.need(index);
      if (one === "pictures") return one;
      need = one ?? need;
    }
    return need;
  }

  /** @param {number} page @param {boolean} pictures */
  async #go(page, pictures) {
    const era = this.#era;
    this.#going.add(page);
    let failed = false;
    try {
      await this.#options.fetch(page * PAGE, Math.min(this.#total, (page + 1) * PAGE), pictures);
    } catch {
      // `fetch` has told the person; the page stays a skeleton until `retry`.
      failed = true;
    }
    if (era !== this.#era) return;
    this.#going.delete(page);
    if (failed) this.#failed.add(page);
    this.#pump();
  }
}

/** @param {Range} items @returns {number[]} */
function pagesOf([start, stop]) {
  const first = Math.floor(start / PAGE);
  return Array.from({ length: stop > start ? Math.ceil(stop / PAGE) - first : 0 }, (_, step) => first + step);
}

// Which pages of items to ask for, in which order. At most four are on their way; what was scrolled past is dropped;
// the neighbours of what is in sight are fetched, one at a time, once all in sight is there.
/** @typedef {import("./types.js").Range} Range */
/** @typedef {"pictures"|"data"|null} Need */

/** Items in one request. */
export const PAGE = 48;
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

  /** @param {Range} visible items in the window @param {number} total */
  want(visible, total) {
    const first = Math.floor(visible[0] / PAGE);
    const last = Math.ceil(visible[1] / PAGE);
    const end = Math.ceil(total / PAGE);
    this.#total = total;
    const pages = [];
    for (let page = first; page < last; page++) pages.push(page);
    this.#queue = pages;
    this.#ahead = visible[1] > visible[0] ? [last, first - 1].filter((page) => page >= 0 && page < end) : [];
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

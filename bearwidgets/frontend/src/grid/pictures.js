// Fetches pages of items with their pictures and says what is still missing.
import { ImageCache } from "./imagecache.js";
import { Pages } from "./pages.js";
import { NoAnswer } from "../shared/requests.js";
/** @typedef {import("../shared/types.js").Item} Item */
/** @typedef {import("../shared/types.js").Range} Range */

/** Bytes of thumbnails kept: some 10,000 at 160 px. */
const MOST_BYTES = 48 * 2 ** 20;

export class Pictures {
  #cache = new ImageCache(MOST_BYTES);
  #pages;
  #options;
  #side = 160;

  /**
   * @param {object} options
   * @param {import("../cleaner/store.js").Store} options.store
   * @param {import("../shared/connection.js").Connection} options.connection
   * @param {() => void} options.onArrival
   * @param {() => Promise<void>} options.onNewer Python may have another order than this page knows of
   */
  constructor(options) {
    this.#options = options;
    this.#pages = new Pages({
      need: (index) => this.#need(index),
      fetch: (start, stop, pictures) => this.#fetch(start, stop, pictures),
    });
  }

  /** @param {number} px on screen */
  setSize(px) {
    const side = px * (globalThis.devicePixelRatio || 1) > 176 ? 320 : 160;
    if (side === this.#side) return;
    this.#side = side;
    this.#pages.restart();
  }

  /** @param {number} index @returns {{item: Item|null, url: string|null}} */
  read(index) {
    const item = this.#options.store.item(index);
    if (!item) return { item, url: null };
    // The other size is better than nothing while the right one is on its way.
    const url = this.#cache.get(this.#key(item)) ?? this.#cache.get(`${item.id}@${480 - this.#side}`);
    return { item, url };
  }

  /** @param {Range} sight items on screen @param {Range} drawn items in the page */
  want(sight, drawn) {
    this.#pages.want(sight, drawn, this.#options.store.total);
  }

  restart() {
    this.#pages.restart();
  }

  retry() {
    this.#pages.retry();
  }

  end() {
    this.#pages.restart();
    this.#cache.clear();
  }

  /** @param {Item} item */
  #key(item) {
    return `${item.id}@${this.#side}`;
  }

  /** @param {number} index @returns {import("./pages.js").Need} */
  #need(index) {
    const { store } = this.#options;
    const item = store.item(index);
    if (!item) return "pictures";
    if (!item.error && !this.#cache.has(this.#key(item))) return "pictures";
    return store.isDirty(index) ? "data" : null;
  }

  /** @param {number} start @param {number} stop @param {boolean} pictures */
  async #fetch(start, stop, pictures) {
    const { store, connection, onArrival, onNewer } = this.#options;
    const revision = store.revision;
    const px = this.#side;
    try {
      const { result, buffers } = await connection.ask("page", { revision, start, stop, px, pictures });
      if (revision !== store.revision) return;
      if (result.revision !== revision) throw new Error("they came in another order");
      if (result.items.length !== stop - start) throw new Error(`${result.items.length} of ${stop - start} items came`);
      for (const item of result.items) {
        if (item.buffer !== null && buffers[item.buffer]) this.#cache.put(`${item.id}@${px}`, buffers[item.buffer]);
        else if (pictures) item.error ??= "no picture came with this item";
      }
      store.put(result.items);
      onArrival();
    } catch (error) {
      if (!(error instanceof NoAnswer)) {
        // Another view may have changed the order meanwhile; then the new one is fetched and all is well.
        await onNewer();
        if (store.revision !== revision) return;
        connection.warn(`Items ${start} to ${stop - 1} did not load: ${/** @type {Error} */ (error).message}`);
      }
      throw error;
    }
  }
}

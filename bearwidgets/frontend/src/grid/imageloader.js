// Fetches pages of items with their images and says what is still missing.
import { NoAnswer } from "../shared/requests.js";
import { ImageCache } from "./imagecache.js";
import { PageQueue } from "./pagequeue.js";
/** @import { Buffer, Item, PageReply, PageRequest, Range } from "../shared/types.js" */
/** @import { Need } from "./pagequeue.js" */

/**
 * @typedef {object} Items what is known of the items, kept elsewhere
 * @property {number} revision of the order
 * @property {number} total
 * @property {(index: number) => Item|null} item
 * @property {(index: number) => boolean} isDirty it changed since it came
 * @property {(items: Item[]) => void} put
 */

/** Longest sides of the thumbnails that Python makes, px. */
const SIDES = [160, 320, 640];
/** Share of the wished side that will do: what is a little smaller stays sharp, as nothing is enlarged. */
const ENOUGH = 0.85;
/** Characters of thumbnails kept: some 8,000 at 160 px. */
const MOST = 48 * 2 ** 20;

/** Reads items and their images; what is missing is asked for in pages. */
export class ImageLoader {
  #cache = new ImageCache(MOST);
  #queue;
  #options;
  #side = 160;

  /**
   * @param {object} options
   * @param {Items} options.items
   * @param {(request: PageRequest) => Promise<{result: PageReply, buffers: Buffer[]}>} options.askPage
   * @param {(text: string) => void} options.onFail
   * @param {() => void} options.onArrival
   * @param {() => Promise<void>} options.onNewer Python may have another order than this page knows of
   */
  constructor(options) {
    this.#options = options;
    this.#queue = new PageQueue({
      need: (index) => this.#need(index),
      fetch: (start, stop, images) => this.#fetch(start, stop, images),
    });
  }

  /** @param {number} px longest side on screen */
  setSize(px) {
    const wanted = px * (globalThis.devicePixelRatio || 1);
    const side = SIDES.find((each) => each >= wanted * ENOUGH) ?? SIDES[SIDES.length - 1];
    if (side === this.#side) return;
    this.#side = side;
    this.#queue.restart();
  }

  /** @param {number} index @returns {{item: Item|null, url: string|null}} */
  read(index) {
    const item = this.#options.items.item(index);
    if (!item) return { item, url: null };
    return { item, url: this.cached(item.id) };
  }

  /** Whether an item and its image are here, or why there is none. @param {number} index */
  isHere(index) {
    const { item, url } = this.read(index);
    return Boolean(item && (url || item.error));
  }

  /** @param {string} id @returns {string|null} its image: another size is better than nothing while the right one is on its way */
  cached(id) {
    for (const side of [this.#side, ...SIDES.toReversed()]) {
      const url = this.#cache.get(`${id}@${side}`);
      if (url) return url;
    }
    return null;
  }

  /** @param {Range} sight items on screen @param {Range} drawn items in the page */
  want(sight, drawn) {
    this.#queue.want(sight, drawn, this.#options.items.total);
  }

  /** Fetches one item with its image, wherever it is. @param {number} index */
  async load(index) {
    if (this.#need(index)) await this.#fetch(index, index + 1, true);
  }

  restart() {
    this.#queue.restart();
  }

  retry() {
    this.#queue.retry();
  }

  end() {
    this.#queue.restart();
    this.#cache.clear();
  }

  /** @param {Item} item */
  #key(item) {
    return `${item.id}@${this.#side}`;
  }

  /** @param {number} index @returns {Need} */
  #need(index) {
    const { items } = this.#options;
    const item = items.item(index);
    if (!item || (!item.error && !this.#cache.has(this.#key(item)))) return "images";
    return items.isDirty(index) ? "data" : null;
  }

  /** @param {number} start @param {number} stop @param {boolean} images */
  async #fetch(start, stop, images) {
    const { items, askPage, onArrival, onFail, onNewer } = this.#options;
    const { revision } = items;
    const px = this.#side;
    try {
      const { result, buffers } = await askPage({ revision, start, stop, px, images });
      if (revision !== items.revision) return;
      if (result.revision !== revision) throw new Error("they came in another order");
      if (result.items.length !== stop - start) throw new Error(`${result.items.length} of ${stop - start} items came`);
      for (const item of result.items) {
        if (item.buffer !== null && buffers[item.buffer]) this.#cache.put(`${item.id}@${px}`, buffers[item.buffer]);
        else if (images) item.error ??= "no image came with this item";
      }
      items.put(result.items);
      onArrival();
    } catch (error) {
      if (!(error instanceof NoAnswer)) {
        // Another view may have changed the order meanwhile; then the new one is fetched and all is well.
        await onNewer();
        if (items.revision !== revision) return;
        onFail(`Items ${start} to ${stop - 1} did not load: ${/** @type {Error} */ (error).message}`);
      }
      throw error;
    }
  }
}

// The full images and details of items that were zoomed to, the last few kept, so that going one back is instant.
import { ImageCache } from "../grid/imagecache.js";
/** @import { Buffer, FullReply } from "../shared/types.js" */

/** @typedef {Partial<FullReply> & {error?: string}} Details */

/** Characters of full images kept. */
const MOST = 16 * 2 ** 20;
/** Items whose details are kept. */
const MOST_DETAILS = 12;

/** Fetches what the zoom shows of an item beside its tile. */
export class FullImages {
  #images = new ImageCache(MOST);
  /** @type {Map<string, Details>} */
  #details = new Map();
  #ask;
  #signal;

  /** @param {(id: string) => Promise<{result: FullReply, buffers: Buffer[]}>} ask @param {AbortSignal} signal */
  constructor(ask, signal) {
    this.#ask = ask;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#images.clear());
  }

  /** @param {string} id @returns {string|null} data URL, once it is here */
  url(id) {
    return this.#images.get(id);
  }

  /** @param {string} id what is known beside the image; `error` where it could not be read */
  details(id) {
    return this.#details.get(id) ?? null;
  }

  /** @param {string} id */
  async load(id) {
    if (this.#images.has(id) && this.#details.has(id)) return;
    try {
      const { result, buffers } = await this.#ask(id);
      if (this.#signal.aborted) return;
      this.#details.set(id, result);
      if (buffers[0]) this.#images.put(id, buffers[0], result.mime);
    } catch (error) {
      this.#details.set(id, { error: /** @type {Error} */ (error).message });
    }
    for (const oldest of this.#details.keys()) {
      if (this.#details.size <= MOST_DETAILS) break;
      this.#details.delete(oldest);
    }
  }

  /** Details are out of date. @param {string|null} id null: all */
  forget(id) {
    if (id === null) this.#details.clear();
    else this.#details.delete(id);
  }
}

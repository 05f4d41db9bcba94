// What points stand for: words and small images, fetched a few at a time and the last ones kept.
import { bytes } from "../grid/imagecache.js";
/** @import { Buffer, MapItem, MapItemsReply } from "../shared/types.js" */
/** @typedef {{item: MapItem, image: ImageBitmap|null, round: number}} Known `round` in which its words were read */

/** In one message. */
const BATCH = 64;
/** Messages that are waited for at once. */
const AT_ONCE = 2;
const MOST_KEPT = 1_200;

/** Fetches items by their number; what is wanted last comes first, what is not wanted any more is not asked for. */
export class MapItems {
  /** @type {Map<number, Known>} */
  #known = new Map();
  /** @type {number[]} */
  #wanted = [];
  /** @type {Set<number>} */
  #asked = new Set();
  #running = 0;
  #round = 0;
  #options;

  /**
   * @param {object} options
   * @param {(numbers: number[]) => Promise<{result: MapItemsReply, buffers: Buffer[]}>} options.ask
   * @param {() => void} options.onArrival
   */
  constructor(options) {
    this.#options = options;
  }

  /** @param {number} number @returns {Known|null} */
  get(number) {
    return this.#known.get(number) ?? null;
  }

  /** These are to be seen now, and no others. @param {number[]} numbers the most urgent first */
  want(numbers) {
    this.#wanted = numbers.filter((each) => !this.#known.has(each) && !this.#asked.has(each));
    this.#fetch();
  }

  /** This one is looked at: it comes first, and anew where its words may be out of date. @param {number} number */
  look(number) {
    if (this.#asked.has(number) || this.#known.get(number)?.round === this.#round) return;
    this.#wanted = [number, ...this.#wanted.filter((each) => each !== number)];
    this.#fetch();
  }

  /** The words of all may be out of date; their images are not. */
  age() {
    this.#round++;
    this.#asked.clear();
  }

  /** The numbers mean other items now. */
  clear() {
    this.age();
    for (const { image } of this.#known.values()) image?.close();
    this.#known.clear();
    this.#wanted = [];
  }

  #fetch() {
    while (this.#running < AT_ONCE && this.#wanted.length) void this.#ask(this.#wanted.splice(0, BATCH));
  }

  /** @param {number[]} numbers */
  async #ask(numbers) {
    const round = this.#round;
    this.#running++;
    for (const each of numbers) this.#asked.add(each);
    try {
      const { result, buffers } = await this.#options.ask(numbers);
      const found = await Promise.all(result.items.map((item) => known(item, buffers, round)));
      for (const each of found) {
        if (round === this.#round) this.#keep(each);
        else each.image?.close();
      }
    } catch {
      // The banner says why; they are asked for again when they are wanted again.
    } finally {
      this.#running--;
      if (round === this.#round) for (const each of numbers) this.#asked.delete(each);
    }
    if (round === this.#round) this.#options.onArrival();
    this.#fetch();
  }

  /** @param {Known} each */
  #keep(each) {
    const { number } = each.item;
    this.#known.get(number)?.image?.close();
    this.#known.delete(number);
    this.#known.set(number, each);
    for (const [oldest, { image }] of this.#known) {
      if (this.#known.size <= MOST_KEPT) break;
      image?.close();
      this.#known.delete(oldest);
    }
  }
}

/** @param {MapItem} item @param {Buffer[]} buffers @param {number} round @returns {Promise<Known>} */
async function known(item, buffers, round) {
  if (item.buffer === null) return { item, image: null, round };
  const blob = new Blob([bytes(buffers[item.buffer])], { type: "image/jpeg" });
  return { item, round, image: await createImageBitmap(blob).catch(() => null) };
}

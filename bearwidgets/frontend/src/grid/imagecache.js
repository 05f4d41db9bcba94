// Images by key, bounded, the least recently shown dropped first.

/** @import { Buffer } from "../shared/types.js" */

/** Characters that are made of bytes at once; one call takes only so many arguments. */
const CHUNK = 2 ** 15;

/** Data URLs of images, as many as fit. An object URL would be fetched from another process for each tile, which takes longer. */
export class ImageCache {
  /** @type {Map<string, string>} */
  #images = new Map();
  #size = 0;
  #most;

  /** @param {number} most characters of all images, 4 for 3 bytes */
  constructor(most) {
    this.#most = most;
  }

  /** @param {string} key @returns {string|null} data URL, now the most recent */
  get(key) {
    const url = this.#images.get(key);
    if (!url) return null;
    this.#images.delete(key);
    this.#images.set(key, url);
    return url;
  }

  /** @param {string} key */
  has(key) {
    return this.#images.has(key);
  }

  /** @param {string} key @param {Buffer} buffer JPEG @param {string} [type] */
  put(key, buffer, type = "image/jpeg") {
    this.#drop(key);
    const url = dataUrl(buffer, type);
    this.#images.set(key, url);
    this.#size += url.length;
    for (const oldest of this.#images.keys()) {
      if (this.#size <= this.#most || oldest === key) break;
      this.#drop(oldest);
    }
  }

  /** @param {string} key */
  #drop(key) {
    this.#size -= this.#images.get(key)?.length ?? 0;
    this.#images.delete(key);
  }

  clear() {
    this.#images.clear();
    this.#size = 0;
  }
}

/** An image as a URL that holds it. @param {Buffer} buffer @param {string} type such as image/jpeg */
export function dataUrl(buffer, type) {
  return `data:${type};base64,${base64(bytes(buffer))}`;
}

/** @param {Uint8Array} data */
function base64(data) {
  let text = "";
  for (let at = 0; at < data.length; at += CHUNK) text += String.fromCharCode(...data.subarray(at, at + CHUNK));
  return btoa(text);
}

/**
 * The bytes of a buffer; front ends differ: a view into a longer message, or a buffer of its own.
 * @param {Buffer} buffer
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bytes(buffer) {
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
  return new Uint8Array(/** @type {ArrayBuffer} */ (buffer.buffer), buffer.byteOffset, buffer.byteLength);
}

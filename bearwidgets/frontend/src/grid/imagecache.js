// Images by key, bounded, the least recently shown dropped first. What is created here is revoked here.

/** @import { Buffer } from "../shared/types.js" */

/** Object URLs of images, as many as fit in some bytes. */
export class ImageCache {
  /** @type {Map<string, {url: string, size: number}>} */
  #images = new Map();
  #bytes = 0;
  #most;

  /** @param {number} most bytes of all images */
  constructor(most) {
    this.#most = most;
  }

  /** @param {string} key @returns {string|null} object URL, now the most recent */
  get(key) {
    const image = this.#images.get(key);
    if (!image) return null;
    this.#images.delete(key);
    this.#images.set(key, image);
    return image.url;
  }

  /** @param {string} key */
  has(key) {
    return this.#images.has(key);
  }

  /** @param {string} key @param {Buffer} buffer JPEG @param {string} [type] @returns {string} object URL */
  put(key, buffer, type = "image/jpeg") {
    this.#drop(key);
    const data = bytes(buffer);
    const url = URL.createObjectURL(new Blob([data], { type }));
    this.#images.set(key, { url, size: data.byteLength });
    this.#bytes += data.byteLength;
    for (const oldest of this.#images.keys()) {
      if (this.#bytes <= this.#most || oldest === key) break;
      this.#drop(oldest);
    }
    return url;
  }

  /** @param {string} key */
  #drop(key) {
    const image = this.#images.get(key);
    if (!image) return;
    URL.revokeObjectURL(image.url);
    this.#bytes -= image.size;
    this.#images.delete(key);
  }

  /** Revokes everything. */
  clear() {
    for (const key of [...this.#images.keys()]) this.#drop(key);
  }
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

// Pictures by key, bounded, the least recently shown dropped first. What is created here is revoked here.

export class ImageCache {
  /** @type {Map<string, {url: string, size: number}>} */
  #pictures = new Map();
  #bytes = 0;
  #most;

  /** @param {number} most bytes of all pictures */
  constructor(most) {
    this.#most = most;
  }

  /** @param {string} key @returns {string|null} object URL, now the most recent */
  get(key) {
    const picture = this.#pictures.get(key);
    if (!picture) return null;
    this.#pictures.delete(key);
    this.#pictures.set(key, picture);
    return picture.url;
  }

  /** @param {string} key */
  has(key) {
    return this.#pictures.has(key);
  }

  /** @param {string} key @param {import("../shared/types.js").Buffer} buffer JPEG @param {string} [type] @returns {string} object URL */
  put(key, buffer, type = "image/jpeg") {
    this.#drop(key);
    const data = bytes(buffer);
    const url = URL.createObjectURL(new Blob([data], { type }));
    this.#pictures.set(key, { url, size: data.byteLength });
    this.#bytes += data.byteLength;
    for (const oldest of this.#pictures.keys()) {
      if (this.#bytes <= this.#most || oldest === key) break;
      this.#drop(oldest);
    }
    return url;
  }

  /** @param {string} key */
  #drop(key) {
    const picture = this.#pictures.get(key);
    if (!picture) return;
    URL.revokeObjectURL(picture.url);
    this.#bytes -= picture.size;
    this.#pictures.delete(key);
  }

  get size() {
    return this.#pictures.size;
  }

  /** Revokes everything. */
  clear() {
    for (const key of [...this.#pictures.keys()]) this.#drop(key);
  }
}

/**
 * @param {import("../shared/types.js").Buffer} buffer front ends differ: a view into a longer message, or a buffer of its own
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bytes(buffer) {
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
  return new Uint8Array(/** @type {ArrayBuffer} */ (buffer.buffer), buffer.byteOffset, buffer.byteLength);
}

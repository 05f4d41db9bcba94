// Pictures by key, bounded, the least recently shown dropped first. What is created here is revoked here.

export class ImageCache {
  /** @type {Map<string, string>} */
  #urls = new Map();
  #most;

  /** @param {number} most */
  constructor(most) {
    this.#most = most;
  }

  /** @param {string} key @returns {string|null} object URL, now the most recent */
  get(key) {
    const url = this.#urls.get(key);
    if (url === undefined) return null;
    this.#urls.delete(key);
    this.#urls.set(key, url);
    return url;
  }

  /** @param {string} key */
  has(key) {
    return this.#urls.has(key);
  }

  /** @param {string} key @param {import("./types.js").Buffer} buffer JPEG @param {string} [type] @returns {string} object URL */
  put(key, buffer, type = "image/jpeg") {
    const old = this.#urls.get(key);
    if (old !== undefined) URL.revokeObjectURL(old);
    this.#urls.delete(key);
    const url = URL.createObjectURL(new Blob([bytes(buffer)], { type }));
    this.#urls.set(key, url);
    while (this.#urls.size > this.#most) {
      const [[oldest, gone]] = this.#urls;
      URL.revokeObjectURL(gone);
      this.#urls.delete(oldest);
    }
    return url;
  }

  get size() {
    return this.#urls.size;
  }

  /** Revokes everything. */
  clear() {
    for (const url of this.#urls.values()) URL.revokeObjectURL(url);
    this.#urls.clear();
  }
}

/**
 * @param {import("./types.js").Buffer} buffer front ends differ: a view into a longer message, or a buffer of its own
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bytes(buffer) {
  if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer);
  return new Uint8Array(/** @type {ArrayBuffer} */ (buffer.buffer), buffer.byteOffset, buffer.byteLength);
}

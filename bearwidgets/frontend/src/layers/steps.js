// Pure: where a key leads among tiles, which channels a page has, and where a box lies.

/** Where a key leads from a tile in rows of `columns`; null for another key. @param {string} key @param {number} from @param {number} n @param {number} columns */
export function step(key, from, n, columns) {
  const far = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -n, End: n }[key];
  if (far === undefined) return null;
  const to = from + far;
  if (Math.abs(far) === columns && columns > 1 && (to < 0 || to >= n)) return from;
  return Math.max(0, Math.min(n - 1, to));
}

/** The first channel of the page that shows one. @param {number} channel @param {number} channels @param {number} size */
export function pageOf(channel, channels, size) {
  const last = Math.max(0, Math.ceil(channels / size) - 1) * size;
  return Math.max(0, Math.min(last, Math.floor(channel / size) * size));
}

/** Which channels are shown, in words. @param {number} start @param {number} channels @param {number} size */
export function shown(start, channels, size) {
  return channels ? `${start}–${Math.min(channels, start + size) - 1} of ${channels}` : "";
}

/** A box within a square of `size` px, in percent. @param {[number, number, number, number]} box left, top, right, bottom @param {number} size */
export function place([left, top, right, bottom], size) {
  const share = (/** @type {number} */ px) => `${(100 * px) / size}%`;
  return { left: share(left), top: share(top), width: share(right - left), height: share(bottom - top) };
}

/** What a layer is, in words. @param {{name: string, channels: number, field: [number, number]}} layer */
export function layerWords({ name, channels, field: [height, width] }) {
  return `${name} · ${channels} channels · sees ${width} × ${height} px`;
}

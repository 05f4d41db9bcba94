// Pure: which points of the screen are meant by a place, a shape or a direction. Coordinates are px of the device.
/** @typedef {{x: Float32Array, y: Float32Array, z: Float32Array, order: Uint32Array, width: number, height: number}} Screen order is that in which points are painted */

/** How much nearer to the eye outweighs nearer to the pointer, px for the depth of the map. */
const DEPTH = 4;

/** The point at a place; -1 if none is within `reach`. @param {Screen} screen @param {number} px @param {number} py @param {number} reach */
export function pointAt({ x, y, z }, px, py, reach) {
  let best = -1;
  let least = Infinity;
  for (let i = 0; i < x.length; i++) {
    const dx = x[i] - px;
    const dy = y[i] - py;
    if (dx > reach || dx < -reach || dy > reach || dy < -reach) continue;
    const far = Math.sqrt(dx * dx + dy * dy);
    const cost = far - DEPTH * (z[i] || 0);
    if (far <= reach && cost <= least) [best, least] = [i, cost];
  }
  return best;
}

/** The point nearest to a place on the screen and shown there; -1 if none is. @param {Screen} screen @param {number} px @param {number} py */
export function pointNear({ x, y, width, height }, px, py) {
  let best = -1;
  let least = Infinity;
  for (let i = 0; i < x.length; i++) {
    const far = (x[i] - px) ** 2 + (y[i] - py) ** 2;
    if (far < least && x[i] >= 0 && x[i] < width && y[i] >= 0 && y[i] < height) [best, least] = [i, far];
  }
  return best;
}

/**
 * The nearest point in a direction, within 45° of it; -1 if there is none.
 * @param {Screen} screen @param {number} from @param {number} right -1, 0 or 1 @param {number} down
 */
export function pointTowards({ x, y }, from, right, down) {
  let best = -1;
  let least = Infinity;
  for (let i = 0; i < x.length; i++) {
    const dx = x[i] - x[from];
    const dy = y[i] - y[from];
    const along = dx * right + dy * down;
    const across = Math.abs(dx * down) + Math.abs(dy * right);
    if (along <= 0 || across > along) continue;
    const far = along * along + 4 * across * across;
    if (far < least) [best, least] = [i, far];
  }
  return best;
}

/**
 * Which points lie in a shape, by the even-odd rule.
 * @param {Screen} screen @param {[number, number][]} shape its corners @returns {Uint8Array} 1 where they do
 */
export function pointsIn({ x, y }, shape) {
  const found = new Uint8Array(x.length);
  const [xs, ys] = [Float64Array.from(shape, ([px]) => px), Float64Array.from(shape, ([, py]) => py)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const rows = sidesByRow(ys, top, bottom);
  for (let i = 0; i < x.length; i++) {
    const px = x[i];
    const py = y[i];
    if (!(py >= top && py <= bottom)) continue;
    const row = rows[Math.floor(py - top)];
    let inside = 0;
    for (let k = 0; k < row.length; k++) {
      const a = row[k];
      const b = a ? a - 1 : ys.length - 1;
      if (ys[a] > py !== ys[b] > py && px < ((xs[b] - xs[a]) * (py - ys[a])) / (ys[b] - ys[a]) + xs[a]) inside ^= 1;
    }
    found[i] = inside;
  }
  return found;
}

/** The sides of a shape that reach into each row of px, by the corner they end at. @param {Float64Array} ys @param {number} top @param {number} bottom */
function sidesByRow(ys, top, bottom) {
  /** @type {number[][]} */
  const rows = Array.from({ length: ys.length ? Math.floor(bottom - top) + 1 : 0 }, () => []);
  ys.forEach((end, a) => {
    const begin = ys[a ? a - 1 : ys.length - 1];
    for (let row = Math.floor(Math.min(begin, end) - top); row <= Math.max(begin, end) - top; row++) rows[row].push(a);
  });
  return rows;
}

/** A line drawn by hand with fewer corners: those nearer than `step` to the one before go. @param {[number, number][]} shape @param {number} step */
export function thinned(shape, step) {
  /** @type {[number, number][]} */
  const kept = [];
  for (const corner of shape) {
    const last = kept[kept.length - 1];
    if (!last || Math.hypot(corner[0] - last[0], corner[1] - last[1]) >= step) kept.push(corner);
  }
  return kept;
}

/**
 * Points on the screen that have room for an image, the first ones first, so that panning does not change them.
 * @param {Screen} screen @param {number} side of an image @param {number} most @returns {number[]}
 */
export function withRoom({ x, y, order, width, height }, side, most) {
  const columns = Math.ceil(width / side) + 2;
  const fields = new Int32Array(columns * (Math.ceil(height / side) + 2)).fill(-1);
  /** @type {number[]} */
  const found = [];
  for (const i of order) {
    if (found.length === most) break;
    if (!(x[i] >= 0 && x[i] < width && y[i] >= 0 && y[i] < height)) continue;
    const field = (Math.floor(y[i] / side) + 1) * columns + Math.floor(x[i] / side) + 1;
    if (fields[field] >= 0 || isCrowded(field, i)) continue;
    fields[field] = i;
    found.push(i);
  }
  return found;

  /** @param {number} field @param {number} i */
  function isCrowded(field, i) {
    for (let row = -columns; row <= columns; row += columns) {
      for (let at = field + row - 1; at <= field + row + 1; at++) {
        const j = fields[at];
        if (j >= 0 && Math.abs(x[i] - x[j]) < side && Math.abs(y[i] - y[j]) < side) return true;
      }
    }
    return false;
  }
}

/** From so many points on they are shuffled in blocks of so many: what is read in sequence is read three times as fast. */
const [MANY, BLOCK] = [20_000, 64];

/** Each number below `n` once, in an order that looks random and is the same each time. @param {number} n */
export function shuffled(n) {
  const size = n < MANY ? 1 : BLOCK;
  const blocks = Uint32Array.from({ length: Math.ceil(n / size) }, (_, i) => i * size);
  let state = 1;
  for (let i = blocks.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [blocks[i], blocks[j]] = [blocks[j], blocks[i]];
  }
  const order = new Uint32Array(n);
  let at = 0;
  for (const block of blocks) for (let i = block; i < Math.min(n, block + size); i++) order[at++] = i;
  return order;
}

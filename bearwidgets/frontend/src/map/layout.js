// Pure: PaCMAP's optimizer (Wang, Huang, Rudin, Shaposhnik, 2021) as a loop over typed arrays, one step at a time.
// Only + - * / and the square root are used, so that the same pairs give the same layout on every machine.

/**
 * @typedef {object} Pairs places of points, -1 where there is none; as many of each kind for every point
 * @property {Int32Array} near
 * @property {Int32Array} mid
 * @property {Int32Array} far
 */

/** Steps of the three phases: coarse shape, then neighborhoods, then details. */
const PHASES = [100, 100, 250];
export const STEPS = PHASES.reduce((sum, steps) => sum + steps);
/** Size of the principal components to begin with; small, so that points can pass each other. */
const FIRST_SIZE = 0.02;
/** Adam (Kingma, Ba, 2015). */
const [RATE, BETA_1, BETA_2, TINY] = [1, 0.9, 0.999, 1e-7];

/** What each kind of pair weighs at a step. @param {number} step */
export function weights(step) {
  const share = step / PHASES[0];
  if (share < 1) return { near: 2, mid: 1000 * (1 - share) + 3 * share, far: 1 };
  return step < PHASES[0] + PHASES[1] ? { near: 3, mid: 3, far: 1 } : { near: 1, mid: 0, far: 1 };
}

/**
 * Moves points until near ones are near; each turn of the generator is a step, and gives how many are done.
 * @param {Float32Array} start (n, 3) principal components, NaN where a point has no place
 * @param {2|3} dims
 * @param {Pairs} pairs
 * @param {Float32Array} at (n, dims) where the points are now; written
 * @returns {Generator<number>}
 */
export function* settle(start, dims, pairs, at) {
  const n = start.length / 3;
  for (let i = 0; i < n; i++) for (let d = 0; d < dims; d++) at[i * dims + d] = (start[3 * i + d] || 0) * FIRST_SIZE;
  const pull = new Float32Array(n * dims);
  const mean = new Float32Array(n * dims);
  const square = new Float32Array(n * dims);
  const push = dims === 3 ? push3 : push2;
  let [fade1, fade2] = [1, 1];
  for (let step = 0; step < STEPS; step++) {
    const { near, mid, far } = weights(step);
    pull.fill(0);
    push(at, pull, pairs.near, pairs.near.length / n, 20 * near, 10);
    if (mid) push(at, pull, pairs.mid, pairs.mid.length / n, 20_000 * mid, 10_000);
    push(at, pull, pairs.far, pairs.far.length / n, -2 * far, 1);
    fade1 *= BETA_1;
    fade2 *= BETA_2;
    const rate = (RATE * Math.sqrt(1 - fade2)) / (1 - fade1);
    for (let k = 0; k < at.length; k++) {
      const slope = pull[k];
      const m = (mean[k] += (1 - BETA_1) * (slope - mean[k]));
      const v = (square[k] += (1 - BETA_2) * (slope * slope - square[k]));
      at[k] -= (rate * m) / (Math.sqrt(v) + TINY);
    }
    yield step + 1;
  }
}

/** Adds to the slopes what one kind of pair says: strength × distance / (bend + distance² + 1)². @param {Float32Array} at @param {Float32Array} pull @param {Int32Array} others @param {number} each @param {number} strength @param {number} bend */
function push2(at, pull, others, each, strength, bend) {
  for (let i = 0, k = 0, n = at.length; i < n; i += 2) {
    const x = at[i];
    const y = at[i + 1];
    let sumX = 0;
    let sumY = 0;
    for (const end = k + each; k < end; k++) {
      const j = 2 * others[k];
      if (j < 0) continue;
      const dx = x - at[j];
      const dy = y - at[j + 1];
      const far = bend + 1 + dx * dx + dy * dy;
      const force = strength / (far * far);
      sumX += force * dx;
      sumY += force * dy;
      pull[j] -= force * dx;
      pull[j + 1] -= force * dy;
    }
    pull[i] += sumX;
    pull[i + 1] += sumY;
  }
}

/** The same in space. @param {Float32Array} at @param {Float32Array} pull @param {Int32Array} others @param {number} each @param {number} strength @param {number} bend */
function push3(at, pull, others, each, strength, bend) {
  for (let i = 0, k = 0, n = at.length; i < n; i += 3) {
    const x = at[i];
    const y = at[i + 1];
    const z = at[i + 2];
    let sumX = 0;
    let sumY = 0;
    let sumZ = 0;
    for (const end = k + each; k < end; k++) {
      const j = 3 * others[k];
      if (j < 0) continue;
      const dx = x - at[j];
      const dy = y - at[j + 1];
      const dz = z - at[j + 2];
      const far = bend + 1 + dx * dx + dy * dy + dz * dz;
      const force = strength / (far * far);
      sumX += force * dx;
      sumY += force * dy;
      sumZ += force * dz;
      pull[j] -= force * dx;
      pull[j + 1] -= force * dy;
      pull[j + 2] -= force * dz;
    }
    pull[i] += sumX;
    pull[i + 1] += sumY;
    pull[i + 2] += sumZ;
  }
}

/**
 * The points as the map takes them: (n, 3) within -1 and 1, one scale for all directions; no place stays no place.
 * @param {Float32Array} at (n, dims) @param {2|3} dims @param {Float32Array} start (n, 3), NaN where a point has no place
 */
export function placed(at, dims, start) {
  const n = start.length / 3;
  const found = new Float32Array(3 * n).fill(NaN);
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  const is = (/** @type {number} */ i) => start[3 * i] === start[3 * i];
  for (let i = 0; i < n; i++) {
    if (!is(i)) continue;
    for (let d = 0; d < dims; d++) {
      low[d] = Math.min(low[d], at[i * dims + d]);
      high[d] = Math.max(high[d], at[i * dims + d]);
    }
  }
  const half = Math.max(...low.map((each, d) => (high[d] - each) / 2).filter(Number.isFinite), 0) || 1;
  for (let i = 0; i < n; i++) {
    if (!is(i)) continue;
    for (let d = 0; d < 3; d++) found[3 * i + d] = d < dims ? (at[i * dims + d] - (low[d] + high[d]) / 2) / half : 0;
  }
  return found;
}

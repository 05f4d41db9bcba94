// Where points are: at their principal components first, then where the layout takes them, once for each number of dimensions.
import { runLayout } from "./settler.js";
/** @import { Pairs } from "./layout.js" */
/** @import { Stage } from "./stage.js" */

/** Moves the points of a stage. */
export class Places {
  #stage;
  #onSettling;
  /** @type {Float32Array} */
  #start = new Float32Array(0);
  /** @type {Pairs|null} */
  #pairs = null;
  /** Near ones of each point. */
  #each = 0;
  /** Where points settled, by dimensions. @type {Map<number, Float32Array>} */
  #settled = new Map();
  #layout = new AbortController();

  /** @param {Stage} stage @param {(share: number) => void} onSettling share of the way that is done, 1 at the end; below 0 where there is none to go */
  constructor(stage, onSettling) {
    this.#stage = stage;
    this.#onSettling = onSettling;
  }

  /** How many points there are. */
  get n() {
    return this.#start.length / 3;
  }

  /** Whether it is known where they go. */
  get going() {
    return this.#pairs !== null;
  }

  /** Begins with other points. @param {Float32Array} start (n, 3), NaN where a point has no place */
  begin(start) {
    this.end();
    this.#start = start;
    this.#settled.clear();
    this.#pairs = null;
    this.#stage.setPositions(start);
  }

  /** Settles. @param {Pairs} pairs @param {number} each near ones of each point */
  setPairs(pairs, each) {
    this.#pairs = pairs;
    this.#each = each;
    this.settle();
  }

  /** Shows where the points are in as many dimensions as the camera has, and goes there. */
  settle() {
    const { dims } = this.#stage.camera;
    const known = this.#settled.get(dims);
    this.end();
    this.#stage.setPositions(known ?? this.#start);
    this.#onSettling(known ? 1 : -1);
    if (known || !this.#pairs) return;
    this.#layout = new AbortController();
    runLayout({ start: this.#start, dims, pairs: this.#pairs }, this.#layout.signal, (positions, share) => {
      if (share === 1) this.#settled.set(dims, positions);
      this.#stage.setPositions(positions);
      this.#onSettling(share);
    });
  }

  /** The nearest points of one, -1 for none. @param {number} point @returns {ArrayLike<number>} */
  neighbors(point) {
    return this.#pairs && point >= 0 ? this.#pairs.near.subarray(point * this.#each, (point + 1) * this.#each) : [];
  }

  end() {
    this.#layout.abort();
  }
}

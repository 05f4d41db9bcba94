// Runs in a Web Worker: settles the points it is given and tells where they are about 20 times a second.
import { placed, settle, STEPS } from "./layout.js";
/** @import { Job } from "./settler.js" */

const EVERY = 50; // ms

self.onmessage = ({ data }) => {
  const { start, dims, pairs } = /** @type {Job} */ (data);
  const at = new Float32Array((start.length / 3) * dims);
  let told = performance.now();
  for (const step of settle(start, dims, pairs, at)) {
    const now = performance.now();
    if (now - told < EVERY && step < STEPS) continue;
    told = now;
    const positions = placed(at, dims, start);
    self.postMessage({ positions, step }, { transfer: [positions.buffer] });
  }
};

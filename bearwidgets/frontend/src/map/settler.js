// Has the layout run beside the page in a Web Worker or, where the page allows none, in slices between its frames.
import { placed, settle, STEPS } from "./layout.js";
/** @import { Pairs } from "./layout.js" */

/**
 * @typedef {object} Job
 * @property {Float32Array} start (n, 3) principal components
 * @property {2|3} dims
 * @property {Pairs} pairs
 */

/** ms of a slice; the rest of a frame is left to the page. */
const SLICE = 12;

/**
 * Settles points; `onMove` hears where they are now and then, and at the end.
 * @param {Job} job
 * @param {AbortSignal} signal ends it
 * @param {(positions: Float32Array, share: number) => void} onMove share of the steps that are done
 */
export function runLayout(job, signal, onMove) {
  if (signal.aborted) return;
  let alive = false;
  const inPage = () => {
    if (!alive && !signal.aborted) runSlices(job, signal, onMove);
    alive = true;
  };
  try {
    const url = URL.createObjectURL(new Blob([LAYOUT_WORKER], { type: "text/javascript" }));
    const worker = new Worker(url);
    URL.revokeObjectURL(url);
    signal.addEventListener("abort", () => worker.terminate());
    worker.onmessage = ({ data }) => {
      alive = true;
      if (!signal.aborted) onMove(data.positions, data.step / STEPS);
      if (data.step === STEPS) worker.terminate();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      worker.terminate();
      inPage();
    };
    worker.postMessage(job);
  } catch {
    inPage();
  }
}

/** @param {Job} job @param {AbortSignal} signal @param {(positions: Float32Array, share: number) => void} onMove */
function runSlices({ start, dims, pairs }, signal, onMove) {
  const at = new Float32Array((start.length / 3) * dims);
  const steps = settle(start, dims, pairs, at);
  const slice = () => {
    if (signal.aborted) return;
    const until = performance.now() + SLICE;
    let step = 0;
    do step = steps.next().value ?? STEPS;
    while (step < STEPS && performance.now() < until);
    onMove(placed(at, dims, start), step / STEPS);
    if (step < STEPS) setTimeout(slice);
  };
  slice();
}

// Pure: a set of points as one byte each, and as the ranges in which it travels.
/** @import { Range } from "../shared/types.js" */

/** The bytes of ranges. @param {readonly Range[]} ranges @param {number} n */
export function marksOf(ranges, n) {
  const marks = new Uint8Array(n);
  for (const [start, stop] of ranges) marks.fill(1, start, stop);
  return marks;
}

/** The ranges of bytes. @param {Uint8Array} marks @returns {Range[]} */
export function rangesOf(marks) {
  /** @type {Range[]} */
  const ranges = [];
  for (let start = marks.indexOf(1); start >= 0; ) {
    const stop = marks.indexOf(0, start);
    ranges.push([start, stop < 0 ? marks.length : stop]);
    start = stop < 0 ? -1 : marks.indexOf(1, stop);
  }
  return ranges;
}

/** What is marked after a shape was drawn. @param {Uint8Array} before @param {Uint8Array} shape @param {"new"|"add"|"take"} how */
export function combined(before, shape, how) {
  if (how === "new") return shape;
  return before.map((mark, i) => (how === "add" ? mark | shape[i] : mark & ~shape[i]));
}

/** How many are marked. @param {Uint8Array} marks */
export function countOf(marks) {
  let n = 0;
  for (let i = 0; i < marks.length; i++) n += marks[i];
  return n;
}

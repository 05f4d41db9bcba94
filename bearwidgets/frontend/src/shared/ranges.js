// Pure sets of whole numbers, kept as sorted half-open ranges: all 100,000 items selected is one pair of numbers.
/** @import { Range } from "./types.js" */

/** The same numbers, sorted, joined, no empty range. @param {readonly Range[]} ranges in any order, overlapping or not */
export function normal(ranges) {
  const sorted = ranges.filter(([start, stop]) => stop > start).sort((a, b) => a[0] - b[0]);
  /** @type {Range[]} */
  const joined = [];
  for (const [start, stop] of sorted) {
    const last = joined[joined.length - 1];
    if (last && start <= last[1]) last[1] = Math.max(last[1], stop);
    else joined.push([start, stop]);
  }
  return joined;
}

/** `ranges` without `gone`. @param {readonly Range[]} ranges normal @param {readonly Range[]} gone normal */
export function without(ranges, gone) {
  /** @type {Range[]} */
  const left = [];
  for (let [start, stop] of ranges) {
    for (const [from, to] of gone) {
      if (to <= start || from >= stop) continue;
      if (from > start) left.push([start, from]);
      start = Math.min(stop, to);
    }
    if (start < stop) left.push([start, stop]);
  }
  return left;
}

/** Whether a number is among them. @param {readonly Range[]} ranges normal @param {number} index */
export function has(ranges, index) {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[middle][1] <= index) low = middle + 1;
    else high = middle;
  }
  return low < ranges.length && ranges[low][0] <= index;
}

/** How many numbers there are. @param {readonly Range[]} ranges normal */
export function count(ranges) {
  return ranges.reduce((sum, [start, stop]) => sum + stop - start, 0);
}

// The selection model: which items are selected, which has the focus. Pure: each act gives a new selection.
import { count, has, normal, without } from "../shared/ranges.js";
/** @typedef {import("../shared/types.js").Range} Range */
/** @typedef {{active: number, anchor: number, ranges: Range[], base: Range[]}} Selection */

/** @returns {Selection} nothing selected, the first item active */
export function nothing(active = 0) {
  return { active, anchor: active, ranges: [], base: [] };
}

/** @param {number} index @returns {Selection} */
export function only(index) {
  return { active: index, anchor: index, ranges: [[index, index + 1]], base: [] };
}

/** @param {Selection} now @param {number} index @returns {Selection} focus moves, what is selected stays */
export function focusOn(now, index) {
  return { ...now, active: index };
}

/** @param {Selection} now @param {number} index @returns {Selection} all from the anchor to `index` */
export function extend(now, index) {
  /** @type {Range} */
  const span = [Math.min(now.anchor, index), Math.max(now.anchor, index) + 1];
  return { ...now, active: index, ranges: normal([...now.base, span]) };
}

/** @param {Selection} now @param {number} index @returns {Selection} */
export function toggle(now, index) {
  /** @type {Range[]} */
  const one = [[index, index + 1]];
  const ranges = has(now.ranges, index) ? without(now.ranges, one) : normal([...now.ranges, ...one]);
  return { active: index, anchor: index, ranges, base: ranges };
}

/** @param {Selection} now @param {Range[]} box @param {Range[]} kept @returns {Selection} a rubber band, beside what was kept */
export function band(now, box, kept) {
  const active = box.length ? box[0][0] : now.active;
  const ranges = normal([...kept, ...box]);
  return { active, anchor: active, ranges, base: ranges };
}

/** @param {Selection} now @param {number} total @returns {Selection} */
export function everything(now, total) {
  return { ...now, ranges: total ? [[0, total]] : [], base: [] };
}

/** @param {Selection} now @param {number} total @returns {Range[]} what a decision acts on: the selected, or else the active item */
export function targets(now, total) {
  if (!total) return [];
  return now.ranges.length ? now.ranges : [[now.active, now.active + 1]];
}

/** @param {Selection} now */
export function size(now) {
  return count(now.ranges);
}

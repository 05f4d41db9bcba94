// The selection model: which items are selected, which has the focus. Pure: each act gives a new selection.
import { count, has, normal, without } from "../shared/ranges.js";
/** @import { Range } from "../shared/types.js" */
/** @typedef {{active: number, anchor: number, ranges: Range[], base: Range[]}} Selection */

/** Nothing selected. @returns {Selection} */
export function nothing(active = 0) {
  return { active, anchor: active, ranges: [], base: [] };
}

/** One item, selected and active. @param {number} index @returns {Selection} */
export function only(index) {
  return { active: index, anchor: index, ranges: [[index, index + 1]], base: [] };
}

/** The focus moves, what is selected stays. @param {Selection} now @param {number} index @returns {Selection} */
export function focusOn(now, index) {
  return { ...now, active: index };
}

/** All from the anchor to `index`. @param {Selection} now @param {number} index @returns {Selection} */
export function extend(now, index) {
  /** @type {Range} */
  const span = [Math.min(now.anchor, index), Math.max(now.anchor, index) + 1];
  return { ...now, active: index, ranges: normal([...now.base, span]) };
}

/** One item more, or one less. @param {Selection} now @param {number} index @returns {Selection} */
export function toggle(now, index) {
  /** @type {Range[]} */
  const one = [[index, index + 1]];
  const ranges = has(now.ranges, index) ? without(now.ranges, one) : normal([...now.ranges, ...one]);
  return { active: index, anchor: index, ranges, base: ranges };
}

/** What a rubber band holds, beside what was kept. @param {Selection} now @param {Range[]} box @param {Range[]} kept @returns {Selection} */
export function band(now, box, kept) {
  const active = box.length ? box[0][0] : now.active;
  const ranges = normal([...kept, ...box]);
  return { active, anchor: active, ranges, base: ranges };
}

/** Everything, the active item as it was. @param {Selection} now @param {number} total @returns {Selection} */
export function everything(now, total) {
  return { ...now, ranges: total ? [[0, total]] : [], base: [] };
}

/** What a decision acts on: the selected, or else the active item. @param {Selection} now @param {number} total @returns {Range[]} */
export function targets(now, total) {
  if (!total) return [];
  return now.ranges.length ? now.ranges : [[now.active, now.active + 1]];
}

/** How many are selected. @param {Selection} now */
export function size(now) {
  return count(now.ranges);
}

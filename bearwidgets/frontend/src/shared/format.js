// Pure: numbers and counts as a person reads them.
import { verb } from "./actions.js";
/** @import { Group, Item, Yield } from "./types.js" */

/** Characters that are not seen or that turn the direction of reading; joiners only where they join nothing. */
const UNSEEN = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]|(?<=^|[\0-\x7f])[\u200c\u200d]|[\u200c\u200d](?=[\0-\x7f]|$)/gu;

/** A text in which what cannot be seen is spelled out, such as \u202e. @param {string} text */
export function visible(text) {
  return text.replace(UNSEEN, (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`);
}

const THOUSANDS = new Intl.NumberFormat("en"); // made once: that is what takes long

/** A whole number with its thousands apart. @param {number} n */
export function whole(n) {
  return THOUSANDS.format(n);
}

/** A share in percent, a dash where it is not known. @param {number|null|undefined} share 0 to 1 @param {number} [digits] */
export function percent(share, digits = 0) {
  return share === null || share === undefined ? "–" : `${(share * 100).toFixed(digits)} %`;
}

/** A loss with two digits, a dash where it is not known. @param {number|null} value */
export function loss(value) {
  if (value === null) return "–";
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}

/** A time as the reader's clock shows it. @param {string} time UTC, ISO 8601 */
export function localTime(time) {
  const known = new Date(time);
  return Number.isNaN(known.getTime()) ? time : known.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** A count with its noun. @param {number} n @param {string} one @param {string} [many] */
export function counted(n, one, many = `${one}s`) {
  return `${whole(n)} ${n === 1 ? one : many}`;
}

/** How long a job will still take. @param {number|null} seconds */
export function timeLeft(seconds) {
  if (seconds === null) return "";
  const rounded = Math.max(1, Math.round(seconds));
  return rounded < 60 ? `${rounded} s left` : `${Math.floor(rounded / 60)} min ${rounded % 60} s left`;
}

/** An item in one sentence, for a screen reader. @param {Item} item */
export function spoken(item) {
  const parts = [`labeled ${item.label}`];
  if (item.predicted !== null) {
    parts.push(`predicted ${item.predicted}${item.confidence === null ? "" : ` at ${percent(item.confidence)}`}`);
  }
  if (item.loss !== null) parts.push(`loss ${loss(item.loss)}`);
  if (item.group) parts.push(groupWords(item.group));
  if (item.decision) parts.push(`decision: ${verb(item.decision.action, item.decision.label, item.decision.about)}`);
  if (item.error) parts.push(`no image: ${item.error}`);
  parts.push(item.path);
  if (item.why) parts.push(item.why);
  return parts.join(", ");
}

/** Where an item stands in its group. @param {Group} group */
export function groupWords({ at, shown, keeper, differs }) {
  return `${at + 1} of ${shown} in its group${keeper ? ", proposed to stay" : ""}${differs ? "; their labels contradict each other" : ""}`;
}

/** A hint that a list is cut, "" where it is whole. @param {number} shown @param {number} total */
export function firstOf(shown, total) {
  return total > shown ? `The first ${whole(shown)} of ${whole(total)}.` : "";
}

/** How many problems of a queue are left. @param {{problems: number, left: number}} queue */
export function openOf({ problems, left }) {
  if (!left) return problems ? `✓ ${whole(problems)}` : "0";
  return left === problems ? whole(problems) : `${whole(left)} of ${whole(problems)}`;
}

/** What the last decisions changed and how many errors may be left, in one line. @param {Yield} figures */
export function progressLine({ recent, recent_changed, left, errors, low, high }) {
  const last = `${whole(recent_changed)} of the last ${counted(recent, "decision")} changed something`;
  if (errors === null) return last;
  const n = Math.round(errors);
  return `${last} · ${n ? `about ${counted(n, "error")}` : "hardly any errors"} left in ${whole(left)} (90 %: ${low}–${high})`;
}

/** What an apply will do, or did; what is kept or unsure stays as it is. @param {Record<string, number>} counts by action */
export function fileChanges(counts) {
  const parts = [];
  if (counts.delete) parts.push(`move ${whole(counts.delete)} to trash`);
  if (counts.relabel) parts.push(`relabel ${whole(counts.relabel)}`);
  const sentence = parts.join(", ");
  return sentence ? sentence[0].toUpperCase() + sentence.slice(1) : "Nothing to do";
}

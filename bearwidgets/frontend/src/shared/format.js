// Pure: numbers and counts as a person reads them.
/** @typedef {import("./types.js").Decision} Decision */
/** @typedef {import("./types.js").Item} Item */

/** @param {number} n */
export function whole(n) {
  return n.toLocaleString("en");
}

/** @param {number|null|undefined} share 0 to 1 @param {number} [digits] */
export function percent(share, digits = 0) {
  return share === null || share === undefined ? "–" : `${(share * 100).toFixed(digits)} %`;
}

/** @param {number|null} value */
export function loss(value) {
  if (value === null) return "–";
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}

/** @param {number} n @param {string} one @param {string} [many] */
export function counted(n, one, many = `${one}s`) {
  return `${whole(n)} ${n === 1 ? one : many}`;
}

/** @param {number|null} seconds */
export function timeLeft(seconds) {
  if (seconds === null) return "";
  const rounded = Math.max(1, Math.round(seconds));
  return rounded < 60 ? `${rounded} s left` : `${Math.floor(rounded / 60)} min ${rounded % 60} s left`;
}

/** @param {string} action @param {string|null} [label] what a decision is called in a sentence */
export function verb(action, label) {
  return action === "relabel" ? `relabel to ${label}` : action;
}

/** @param {Decision|null} decision @returns {string} the sign and word on a tile */
export function badge(decision) {
  if (!decision) return "";
  switch (decision.action) {
    case "delete":
      return "✕ delete";
    case "relabel":
      return `→ ${decision.label}`;
    case "unsure":
      return "? unsure";
    case "keep":
      return "✓ keep";
  }
}

/** @param {Item} item @returns {string} one sentence for a screen reader */
export function spoken(item) {
  const parts = [`labelled ${item.label}`];
  if (item.predicted !== null) {
    parts.push(`predicted ${item.predicted}${item.confidence === null ? "" : ` at ${percent(item.confidence)}`}`);
  }
  if (item.loss !== null) parts.push(`loss ${loss(item.loss)}`);
  const { group } = item;
  if (group) parts.push(`${group.at + 1} of ${group.shown} in a group${group.keeper ? ", the proposed keeper" : ""}`);
  if (group?.differs) parts.push("labels of the group contradict each other");
  if (item.decision) parts.push(`decision: ${verb(item.decision.action, item.decision.label)}`);
  if (item.error) parts.push(`no picture: ${item.error}`);
  parts.push(item.path);
  if (item.why) parts.push(item.why);
  return parts.join(", ");
}

/** @param {{total: number, undecided: number}} queue @returns {string} how many of it are still undecided */
export function openOf({ total, undecided }) {
  if (!undecided) return total ? `✓ ${whole(total)}` : "0";
  return undecided === total ? whole(total) : `${whole(undecided)} of ${whole(total)}`;
}

/** @param {import("./types.js").Yield} figures @returns {string} the running yield and what may be left, in one line */
export function looked({ recent, recent_changed, left, errors, low, high }) {
  const last = `${whole(recent_changed)} of the last ${counted(recent, "decision")} changed something`;
  if (errors === null) return last;
  const number = Math.round(errors) || "hardly any";
  return `${last} · about ${number} ${number === 1 ? "error" : "errors"} left in ${whole(left)} (90 %: ${low}–${high})`.replace("about hardly", "hardly");
}

/** @param {Record<string, number>} counts by action @returns {string} what an apply will do, or did; what is kept or unsure stays as it is */
export function deeds(counts) {
  const parts = [];
  if (counts.delete) parts.push(`move ${whole(counts.delete)} to trash`);
  if (counts.relabel) parts.push(`relabel ${whole(counts.relabel)}`);
  const sentence = parts.join(", ");
  return sentence ? sentence[0].toUpperCase() + sentence.slice(1) : "Nothing to do";
}

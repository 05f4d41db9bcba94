// What can be decided about an image: the words, key, sign and color of each action, in one table.
/** @import { Action, Decision } from "./types.js" */

/**
 * @typedef {object} ActionWords
 * @property {string} title on a button
 * @property {string} [many] on the button for several images, where that differs
 * @property {string} [listed] in a list, where that differs
 * @property {string} key
 * @property {string} [short] the key, where there is little room
 * @property {string} does what the key does, in the list of keys
 * @property {string} [sign] before the word on a tile
 */

/** @type {Record<Action, ActionWords>} */
export const ACTIONS = {
  accept: { title: "Accept", many: "Accept suggestions", key: "Enter", does: "accept the suggestion" },
  relabel: { title: "Relabel", many: "Relabel to", key: "R", does: "choose any class, or name a new one", sign: "→" },
  delete: { title: "Delete", key: "Delete", short: "Del", does: "mark for deletion", sign: "✕" },
  keep: { title: "Keep", key: "K", does: "keep: the label is right, or what the queue asks", sign: "✓" },
  unsure: { title: "Unsure", key: "U", does: "unsure: leave out of training", sign: "?" },
  clear: { title: "Clear", listed: "Clear the decision", key: "C", does: "clear the decision" },
};

/** What a keep says, by what it is about. */
const FINE = { label: "label is right", image: "image is fine", duplicate: "keep" };

/** What a decision is called in a sentence. @param {string} action @param {string|null} [label] @param {Decision["about"]} [about] */
export function verb(action, label, about) {
  if (action === "relabel") return `relabel to ${label}`;
  return action === "keep" && about ? FINE[about] : action;
}

/** The sign and the word on a tile. @param {Decision} decision */
export function badge({ action, label, about }) {
  return `${ACTIONS[action].sign} ${label ?? verb(action, label, about)}`;
}

/** The color of a decision. @param {Decision|null} decision @returns {string} CSS, "" where nothing is decided */
export function colorOf(decision) {
  return decision ? `var(--bw-${decision.action})` : "";
}

// What the drop-down of decisions lists: the decisions, then the classes; what is typed searches the classes.
import { ACTIONS } from "../shared/actions.js";
/** @import { Action } from "../shared/types.js" */
/** @import { Row } from "../shared/menu.js" */
/** @typedef {Row & {action: Action, label: string|null}} Choice */

/** Rows of the list at most; the search box finds the others. */
const MOST = 200;

/**
 * The decisions, then the classes, the suggested ones first.
 * @param {string[]} classes
 * @param {string[]} digits those on the keys 1 to 9
 * @param {{suggested?: string|null, second?: string|null, label?: string|null, marked?: boolean}} item
 * @returns {Choice[]}
 */
export function choices(classes, digits, { suggested = null, second = null, label = null, marked = true }) {
  /** @type {Action[]} */
  const actions = ["keep", "unsure", "delete", ...(marked ? /** @type {const} */ (["clear"]) : [])];
  const roles = new Map([[label, "label now"], [second, "second"], [suggested, "suggested"]]);
  const names = [...new Set([suggested, second, ...classes])].filter((name) => name !== null);
  return [
    ...actions.map((action) => {
      const { title, listed, key, short } = ACTIONS[action];
      return { action, label: null, text: listed ?? title, hint: short ?? key };
    }),
    ...names.map((name) => ({
      action: /** @type {const} */ ("relabel"),
      label: name,
      text: name,
      hint: [roles.get(name), digits.indexOf(name) + 1].filter(Boolean).join(" · "),
    })),
  ];
}

/**
 * What is typed searches the classes; where none has it in its name, those of nearly that name; at the end a new class.
 * @param {Choice[]} all
 * @param {string} typed
 * @returns {Choice[]}
 */
export function matching(all, typed) {
  const text = typed.trim();
  if (!text) return all.slice(0, MOST);
  const low = text.toLowerCase();
  const classes = all.filter((choice) => choice.action === "relabel");
  let found = classes.filter((choice) => choice.text.toLowerCase().includes(low));
  found.sort((a, b) => Number(b.text.toLowerCase().startsWith(low)) - Number(a.text.toLowerCase().startsWith(low)));
  if (!found.length) found = classes.filter((choice) => distance(choice.text.toLowerCase(), low) <= Math.min(2, low.length / 3));
  const known = classes.some((choice) => choice.text === text);
  const fresh = known ? [] : [{ action: /** @type {const} */ ("relabel"), label: text, text: `New class “${text}”`, hint: "", sure: `Make a new class “${text}”? Enter again.` }];
  return [...found.slice(0, MOST), ...fresh];
}

/** How many letters have to be changed, added or left out (Levenshtein). @param {string} a @param {string} b */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + Number(a[i - 1] !== b[j - 1])));
    }
    row = next;
  }
  return row[b.length];
}

// The one drop-down that all tiles share: a search box over a list of decisions and classes.
import { ACTIONS } from "./actions.js";
import { attribute, h, origin, say } from "./dom.js";
/** @import { Action } from "./types.js" */
/** @typedef {{action: Action, label: string|null, text: string, hint: string, fresh?: boolean}} Choice `fresh`: a class that there is not yet */

/** Rows of the list at most; the search box finds the others. */
const MOST = 200;

/**
 * The decisions, then the classes, the suggested ones first.
 * @param {string[]} classes
 * @param {{suggested?: string|null, second?: string|null, label?: string|null, marked?: boolean}} item
 * @returns {Choice[]}
 */
export function choices(classes, { suggested = null, second = null, label = null, marked = true }) {
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
      hint: [roles.get(name), classes.slice(0, 9).indexOf(name) + 1].filter(Boolean).join(" · "),
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
  const fresh = known ? [] : [{ action: /** @type {const} */ ("relabel"), label: text, text: `New class “${text}”`, hint: "", fresh: true }];
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

/**
 * Opens the drop-down under (or over) `anchor`; it closes on a choice, Escape, Tab or a press elsewhere.
 * @param {object} options
 * @param {HTMLElement} options.anchor
 * @param {HTMLElement} options.host a positioned element that holds the drop-down
 * @param {Choice[]} options.all
 * @param {(choice: Choice) => void} options.onChoice
 * @param {() => void} options.onClose focus goes back
 * @param {AbortSignal} options.signal
 */
export function openMenu({ anchor, host, all, onChoice, onClose, signal }) {
  // Two views in one page must not share element ids.
  const id = `bw-options-${Math.random().toString(36).slice(2)}`;
  const over = new AbortController();
  const listen = { signal: AbortSignal.any([signal, over.signal]) };
  let shown = all;
  let at = 0;
  /** A new class was chosen, and has to be chosen once more. */
  let sure = false;
  const list = h("div", { class: "bw-options", role: "listbox", id, "aria-label": "Decisions and classes" });
  const search = h("input", {
    class: "bw-input",
    type: "text",
    role: "combobox",
    placeholder: "Type a class…",
    "aria-label": "Decision or class",
    "aria-expanded": "true",
    "aria-autocomplete": "list",
    "aria-controls": id,
    autocomplete: "off",
    spellcheck: "false",
  });
  const menu = h("div", { class: "bw-menu" }, search, list);

  const close = (/** @type {boolean} */ refocus) => {
    if (over.signal.aborted) return;
    over.abort();
    menu.remove();
    if (refocus) onClose();
  };
  const choose = (/** @type {Choice} */ choice) => {
    // Letters that were meant for a class, and Enter, must not make a new one.
    if (choice.fresh && !sure) {
      sure = true;
      say(/** @type {Element} */ (list.lastElementChild?.firstElementChild), `Make a new class “${choice.label}”? Enter again.`);
      search.focus();
      return point(shown.indexOf(choice));
    }
    close(true);
    onChoice(choice);
  };
  const point = (/** @type {number} */ index) => {
    at = Math.max(0, Math.min(shown.length - 1, index));
    [...list.children].forEach((option, i) => attribute(option, "aria-selected", String(i === at)));
    attribute(search, "aria-activedescendant", shown.length ? `${id}-${at}` : null);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const fill = () => {
    shown = matching(all, search.value);
    sure = false;
    list.replaceChildren(
      ...shown.map((choice, index) =>
        h(
          "div",
          { class: "bw-option", role: "option", id: `${id}-${index}`, "data-action": choice.action, on: { click: () => choose(choice) } },
          h("span", { text: choice.text }),
          h("span", { class: "bw-hint", text: choice.hint }),
        ),
      ),
    );
    point(0);
  };
  search.addEventListener("input", fill, listen);
  menu.addEventListener(
    "keydown",
    (event) => {
      event.stopPropagation();
      if (event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
      if (step) point(at + step);
      else if (event.key === "Enter" && shown[at]) choose(shown[at]);
      else if (event.key === "Escape" || event.key === "Tab") close(true);
      else return;
      event.preventDefault();
    },
    listen,
  );
  host.ownerDocument.addEventListener(
    "pointerdown",
    (event) => {
      if (!menu.contains(origin(event))) close(false);
    },
    { ...listen, capture: true },
  );
  signal.addEventListener("abort", () => menu.remove(), listen);
  fill();
  host.append(menu);
  place(menu, anchor, host);
  search.focus({ preventScroll: true });
}

/** @param {HTMLElement} menu @param {HTMLElement} anchor @param {HTMLElement} host */
function place(menu, anchor, host) {
  const near = anchor.getBoundingClientRect();
  const room = host.getBoundingClientRect();
  const below = room.bottom - near.bottom;
  const above = near.top - room.top;
  const up = below < Math.min(320, menu.offsetHeight) && above > below;
  menu.style.maxHeight = `${Math.max(120, Math.min(320, (up ? above : below) - 8))}px`;
  menu.style.left = `${Math.max(4, Math.min(near.left - room.left, room.width - menu.offsetWidth - 4))}px`;
  if (up) menu.style.bottom = `${room.bottom - near.top + 2}px`;
  else menu.style.top = `${near.bottom - room.top + 2}px`;
}

// Which key means what. Pure: one table, from which the dispatch and the help dialog come.
import { ACTIONS } from "../shared/actions.js";
/** @import { Action } from "../shared/types.js" */
/** @import { Move } from "../grid/geometry.js" */
/**
 * @typedef {{kind: "move", move: Move, extend: boolean, alone: boolean}
 *   | {kind: "mark", action: Action}
 *   | {kind: "class", index: number}
 *   | {kind: "group", keepers: boolean}
 *   | {kind: "label", label: string}
 *   | {kind: "next", back: boolean}
 *   | {kind: "size", step: number}
 *   | {kind: "window"|"compare"|"similar"|"tag"|"explain"}
 *   | {kind: "undo"|"redo"|"all"|"toggle"|"zoom"|"menu"|"help"|"escape"|"search"|"queues"}} Command
 */
/** @typedef {Pick<KeyboardEvent, "key"|"shiftKey"|"ctrlKey"|"metaKey"|"altKey">} Key */
/**
 * @typedef {object} KeyRow
 * @property {string} keys as a person reads them; `Mod` stands for Ctrl, or Command on macOS
 * @property {string} does
 * @property {Record<string, Command>} [press] what the keys give; those that move are in MOVES
 */

/** @type {Record<string, Move>} */
const MOVES = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
  Home: "rowStart",
  End: "rowEnd",
  PageUp: "pageUp",
  PageDown: "pageDown",
};

/** The row of an action. @param {Exclude<Action, "relabel">} action @param {...string} others keys beside its own @returns {KeyRow} */
function mark(action, ...others) {
  const { key, does } = ACTIONS[action];
  const keys = [key, ...others];
  const press = Object.fromEntries(keys.map((each) => [named(each), /** @type {Command} */ ({ kind: "mark", action })]));
  return { keys: keys.join(" or "), does, press };
}

/** A key's name in the table: letters are small. @param {string} key */
function named(key) {
  return key.length === 1 ? key.toLowerCase() : key;
}

/** @type {KeyRow[]} */
export const KEYS = [
  { keys: "Arrows, Home, End, Page Up/Down", does: "move the focus" },
  { keys: "Mod+Home, Mod+End", does: "first, last item" },
  { keys: "Shift + arrows", does: "select more" },
  { keys: "Mod+A", does: "select all in view", press: { "Mod+a": { kind: "all" } } },
  {
    keys: "Mod+Space, Mod+arrows",
    does: "select one more, move without selecting",
    press: { "Mod+ ": { kind: "toggle" }, "Mod+Shift+ ": { kind: "toggle" } },
  },
  mark("accept"),
  mark("delete", "Backspace"),
  mark("keep"),
  mark("unsure"),
  {
    keys: "R",
    does: ACTIONS.relabel.does,
    press: { r: { kind: "menu" }, "Alt+ArrowDown": { kind: "menu" } },
  },
  {
    keys: "1 – 9",
    does: "relabel to that class",
    press: Object.fromEntries(Array.from("123456789", (digit, index) => [digit, /** @type {Command} */ ({ kind: "class", index })])),
  },
  mark("clear"),
  {
    keys: "Space",
    does: "zoom to the full image, and back",
    press: { " ": { kind: "zoom" } },
  },
  {
    keys: "G",
    does: "group of copies: keep the proposed one, delete the others",
    press: { g: { kind: "group", keepers: true } },
  },
  { keys: "Shift+G", does: "group of copies: keep this one, delete the others", press: { "Shift+g": { kind: "group", keepers: false } } },
  {
    keys: "N, Shift+N",
    does: "go to the next, the previous undecided image",
    press: { n: { kind: "next", back: false }, "Shift+n": { kind: "next", back: true } },
  },
  { keys: "S", does: "show the most similar images; Esc goes back", press: { s: { kind: "similar" } } },
  { keys: "T", does: "give or take away a tag", press: { t: { kind: "tag" } } },
  { keys: "X", does: "compare two images side by side", press: { x: { kind: "compare" } } },
  { keys: "L", does: "what the network looked at; then ↑ and ↓ choose the class, D why it and not another", press: { l: { kind: "explain" } } },
  {
    keys: "+ and −, 0",
    does: "larger and smaller images, dense or normal; in the zoom: closer, 100 % or fit",
    press: { "+": { kind: "size", step: 1 }, "=": { kind: "size", step: 1 }, "-": { kind: "size", step: -1 }, 0: { kind: "size", step: 0 } },
  },
  { keys: "F", does: "full window, and back", press: { f: { kind: "window" } } },
  { keys: "Q, then arrows and Enter", does: "choose a queue", press: { q: { kind: "queues" } } },
  { keys: "Mod+Z", does: "undo", press: { "Mod+z": { kind: "undo" } } },
  { keys: "Mod+Shift+Z or Mod+Y", does: "redo", press: { "Mod+Shift+z": { kind: "redo" }, "Mod+y": { kind: "redo" } } },
  { keys: "/", does: "search", press: { "/": { kind: "search" } } },
  { keys: "Esc", does: "clear the selection, close, leave the full window", press: { Escape: { kind: "escape" } } },
  { keys: "?", does: "these keys", press: { "?": { kind: "help" } } },
];

/** @type {Record<string, Command>} */
const COMMANDS = Object.assign({}, ...KEYS.map(({ press }) => press));

/** What a key of one's own can do, beside a digit and a class; Python knows the same names. @type {Record<string, Command>} */
const ACTS = {
  ...Object.fromEntries(/** @type {const} */ (["accept", "delete", "keep", "unsure", "clear"]).map((action) => [action, { kind: "mark", action }])),
  ...Object.fromEntries(/** @type {const} */ (["undo", "redo", "zoom", "similar", "compare", "tag", "queues", "search", "window", "help", "explain"]).map((kind) => [kind, { kind }])),
  relabel: { kind: "menu" },
  group: { kind: "group", keepers: true },
  next: { kind: "next", back: false },
  right: { kind: "move", move: "right", extend: false, alone: false },
};

/** Keys of one's own as commands. @param {Record<string, string>} keys key → act @returns {Record<string, Command>} */
export function ownCommands(keys) {
  const spelled = (/** @type {string} */ key) => {
    const parts = key.split("+");
    const last = parts.pop() || "+";
    return [...parts.map((part) => (part === "Ctrl" ? "Mod" : part)), last === "Space" ? " " : named(last)].join("+");
  };
  const act = (/** @type {string} */ name) => {
    if (Object.hasOwn(ACTS, name)) return ACTS[name];
    return /** @type {Command} */ (/^[1-9]$/.test(name) ? { kind: "class", index: Number(name) - 1 } : { kind: "label", label: name });
  };
  return Object.fromEntries(Object.entries(keys).map(([key, name]) => [spelled(key), act(name)]));
}

/**
 * What a key press means here.
 * @param {Key} event
 * @param {boolean} mac Command stands for Ctrl
 * @param {Record<string, Command>} [own] by key, before all others
 * @returns {Command|null} null: not ours, let the browser have it
 */
export function command({ key, shiftKey: shift, ctrlKey, metaKey, altKey }, mac, own = {}) {
  // On macOS Command+Space opens the system's search, so Ctrl+Space is taken there as well.
  if ((mac ? ctrlKey : metaKey) && !(mac && key === " ")) return null;
  const mod = ctrlKey || metaKey;
  const name = named(key);
  const pressed = `${altKey ? "Alt+" : ""}${mod ? "Mod+" : ""}${shift ? "Shift+" : ""}${name}`;
  if (own[pressed]) return own[pressed];
  const move = MOVES[key];
  if (move && !altKey) {
    const far = mod && { rowStart: /** @type {const} */ ("first"), rowEnd: /** @type {const} */ ("last") }[String(move)];
    return { kind: "move", move: far || move, extend: shift, alone: mod && !shift && !far };
  }
  // A Mac has no Delete key; its people press Command+Backspace.
  if (mac && mod && key === "Backspace") return COMMANDS.Delete;
  // Some layouts need Shift for "?" or "/", and letters mean the same with it unless said otherwise.
  return COMMANDS[pressed] ?? (key.length === 1 && !mod && !altKey ? (own[name] ?? COMMANDS[name]) : null) ?? null;
}

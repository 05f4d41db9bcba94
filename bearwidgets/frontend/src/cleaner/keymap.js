// Which key means what. Pure: a key event's fields in, a command out.
/**
 * @typedef {{kind: "move", move: "left"|"right"|"up"|"down"|"rowStart"|"rowEnd"|"first"|"last"|"pageUp"|"pageDown",
 *   extend: boolean, alone: boolean}
 *   | {kind: "mark", action: "delete"|"unsure"|"keep"|"clear"|"accept"}
 *   | {kind: "class", index: number}
 *   | {kind: "settle", keepers: boolean}
 *   | {kind: "undo"|"redo"|"all"|"toggle"|"zoom"|"menu"|"help"|"escape"|"search"|"queues"}} Command
 */
/** @typedef {Pick<KeyboardEvent, "key"|"code"|"shiftKey"|"ctrlKey"|"metaKey"|"altKey">} Key */
/** @typedef {"left"|"right"|"up"|"down"|"rowStart"|"rowEnd"|"pageUp"|"pageDown"} Move */

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

/** @type {Record<string, Command>} */
const PLAIN = {
  Enter: { kind: "mark", action: "accept" },
  Delete: { kind: "mark", action: "delete" },
  Backspace: { kind: "mark", action: "delete" },
  u: { kind: "mark", action: "unsure" },
  k: { kind: "mark", action: "keep" },
  c: { kind: "mark", action: "clear" },
  r: { kind: "menu" },
  q: { kind: "queues" },
  " ": { kind: "zoom" },
  "?": { kind: "help" },
  "/": { kind: "search" },
  Escape: { kind: "escape" },
};

/** What the help dialog lists: keys and what they do. `Mod` stands for Ctrl, or Command on macOS. */
export const HELP = [
  ["Arrows, Home, End, Page Up/Down", "move the focus"],
  ["Mod+Home, Mod+End", "first, last item"],
  ["Shift + arrows", "select more"],
  ["Mod+A", "select all in view"],
  ["Mod+Space, Mod+arrows", "select one more, move without selecting"],
  ["Space", "zoom to the full picture, and back"],
  ["Enter", "accept the suggestion"],
  ["1 – 9", "relabel to that class"],
  ["R", "choose any class, or name a new one"],
  ["Delete or Backspace", "mark for deletion"],
  ["K", "keep: the label is right"],
  ["U", "unsure: leave out of training"],
  ["C", "clear the decision"],
  ["G", "group of copies: keep the proposed one, delete the others"],
  ["Shift+G", "group of copies: keep this one, delete the others"],
  ["Q, then arrows and Enter", "choose a queue"],
  ["Mod+Z", "undo"],
  ["Mod+Shift+Z or Mod+Y", "redo"],
  ["/", "search"],
  ["Esc", "clear the selection, close"],
  ["?", "these keys"],
];

/**
 * @param {Key} event
 * @param {boolean} mac Command stands for Ctrl
 * @returns {Command|null} null: not ours, let the browser have it
 */
export function command(event, mac) {
  const mod = mac ? event.metaKey : event.ctrlKey;
  const other = mac ? event.ctrlKey : event.metaKey;
  const { key, shiftKey: shift } = event;
  if (other && !(mac && key === " ")) return null;
  if (event.altKey) return key === "ArrowDown" && !mod && !shift ? { kind: "menu" } : null;
  const move = MOVES[key];
  if (move) return moveCommand(move, mod, shift);
  // On macOS Command+Space opens the system's search, so Ctrl+Space is taken there as well.
  if (key === " " && (mod || event.ctrlKey)) return { kind: "toggle" };
  const letter = key.toLowerCase();
  if (mod) {
    if (letter === "z") return { kind: shift ? "redo" : "undo" };
    if (letter === "y" && !shift) return { kind: "redo" };
    if (letter === "a" && !shift) return { kind: "all" };
    if (mac && key === "Backspace") return PLAIN.Delete;
    return null;
  }
  const digit = /^[1-9]$/.test(key) ? key : /^Numpad([1-9])$/.exec(event.code ?? "")?.[1];
  if (digit && !shift) return { kind: "class", index: Number(digit) - 1 };
  if (letter === "g") return { kind: "settle", keepers: !shift };
  if (shift && key.length > 1) return null;
  return PLAIN[key.length === 1 ? letter : key] ?? null;
}

/** @param {Move} move @param {boolean} mod @param {boolean} shift @returns {Command} */
function moveCommand(move, mod, shift) {
  if (mod && move === "rowStart") return { kind: "move", move: "first", extend: shift, alone: false };
  if (mod && move === "rowEnd") return { kind: "move", move: "last", extend: shift, alone: false };
  return { kind: "move", move, extend: shift, alone: mod && !shift };
}
